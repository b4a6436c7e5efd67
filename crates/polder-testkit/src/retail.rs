//! The Online Retail lines, and their exact totals computed straight from the CSV files.

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use rust_decimal::Decimal;

/// The days' files in `folder`, in order.
///
/// # Errors
/// When the folder cannot be read.
pub fn days(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "csv"));
    files.sort();
    Ok(files)
}

/// Counts and sums over lines.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Sum {
    /// Lines.
    pub lines: u64,
    /// Σ quantity × unit price.
    pub amount: Decimal,
}

impl Sum {
    fn add(&mut self, amount: Decimal) {
        self.lines += 1;
        self.amount += amount;
    }
}

/// The control totals of a set of files.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Totals {
    /// All lines.
    pub all: Sum,
    /// Lines with a quantity above zero.
    pub positive: Sum,
    /// Distinct invoice numbers.
    pub invoices: usize,
    /// Lines whose invoice number begins with C.
    pub cancellation_lines: u64,
    /// Lines without a customer.
    pub lines_without_customer: u64,
    /// Distinct customers.
    pub customers: usize,
    /// Distinct stock codes.
    pub stock_codes: usize,
    /// Distinct countries.
    pub countries: usize,
    /// Lines with a quantity below zero.
    pub negative_quantities: u64,
    /// Lines with a unit price of zero or less.
    pub prices_not_positive: u64,
    /// Lines that repeat an earlier one in all eight fields.
    pub repeated: u64,
    /// Lines that differ in at least one field: what silver keeps.
    pub distinct: Sum,
    /// Distinct lines whose stock code is five digits and optional letters.
    pub distinct_products: Sum,
    /// The other distinct lines.
    pub distinct_others: Sum,
}

impl Totals {
    /// Reads the files and adds up, with decimals throughout.
    ///
    /// # Errors
    /// When a file cannot be read or a field is no number.
    pub fn of(files: &[PathBuf]) -> Result<Self> {
        let mut totals = Self::default();
        let mut seen: HashSet<Vec<String>> = HashSet::new();
        let (mut invoices, mut customers) = (BTreeSet::new(), BTreeSet::new());
        let (mut stock_codes, mut countries) = (BTreeSet::new(), BTreeSet::new());
        for file in files {
            let mut reader = csv::Reader::from_path(file).with_context(|| format!("cannot read {}", file.display()))?;
            for line in reader.records() {
                let line = line?;
                let field = |at: usize| {
                    line.get(at)
                        .with_context(|| format!("{}: a short line", file.display()))
                };
                let (invoice, stock_code, customer) = (field(0)?, field(1)?, field(6)?);
                let (quantity, price): (Decimal, Decimal) = (field(3)?.parse()?, field(5)?.parse()?);
                let amount = quantity * price;
                totals.all.add(amount);
                if quantity > Decimal::ZERO {
                    totals.positive.add(amount);
                }
                totals.negative_quantities += u64::from(quantity < Decimal::ZERO);
                totals.prices_not_positive += u64::from(price <= Decimal::ZERO);
                totals.cancellation_lines += u64::from(invoice.starts_with('C'));
                invoices.insert(invoice.to_owned());
                stock_codes.insert(stock_code.to_owned());
                countries.insert(field(7)?.to_owned());
                if customer.is_empty() {
                    totals.lines_without_customer += 1;
                } else {
                    customers.insert(customer.to_owned());
                }
                if seen.insert(line.iter().map(str::to_owned).collect()) {
                    totals.distinct.add(amount);
                    let kind = if is_product(stock_code) {
                        &mut totals.distinct_products
                    } else {
                        &mut totals.distinct_others
                    };
                    kind.add(amount);
                } else {
                    totals.repeated += 1;
                }
            }
        }
        (totals.invoices, totals.customers) = (invoices.len(), customers.len());
        (totals.stock_codes, totals.countries) = (stock_codes.len(), countries.len());
        Ok(totals)
    }
}

/// Five digits and optional letters.
fn is_product(stock_code: &str) -> bool {
    let (digits, letters) = stock_code.as_bytes().split_at(stock_code.len().min(5));
    digits.len() == 5 && digits.iter().all(u8::is_ascii_digit) && letters.iter().all(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::{Sum, Totals, days, is_product};

    #[test]
    fn product_codes_are_five_digits_and_letters() {
        for code in ["85123A", "71053", "84406BG"] {
            assert!(is_product(code), "{code}");
        }
        for code in ["POST", "D", "", "7105", "710531", "DCGS0003", "15056b1"] {
            assert!(!is_product(code), "{code}");
        }
    }

    /// Against the totals that the data's README states (computed with Python) and the silver figures.
    #[test]
    fn totals_are_those_that_the_data_states() {
        let Some(folder) = crate::data::retail("testkit retail totals") else {
            return;
        };
        let totals = Totals::of(&days(&folder).unwrap()).unwrap();
        let sum = |lines, amount: &str| Sum {
            lines,
            amount: amount.parse().unwrap(),
        };
        assert_eq!(totals.all, sum(370_931, "6781619.004"));
        assert_eq!(totals.positive.amount, "7341292.114".parse().unwrap());
        assert_eq!(
            (totals.invoices, totals.customers, totals.stock_codes, totals.countries),
            (18_786, 3_658, 3_887, 37)
        );
        assert_eq!(
            (totals.cancellation_lines, totals.lines_without_customer),
            (6_652, 98_056)
        );
        assert_eq!(
            (totals.negative_quantities, totals.prices_not_positive, totals.repeated),
            (7_675, 1_959, 2_848)
        );
        assert_eq!(totals.distinct, sum(368_083, "6767791.864"));
        assert_eq!(totals.distinct_products, sum(365_838, "6841704.260"));
        assert_eq!(totals.distinct_others, sum(2_245, "-73912.396"));
    }
}
