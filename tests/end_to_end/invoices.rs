//! The real invoice lines: folders with some trading days, and what Polder's tables say of them.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use polder_testkit::{
    data,
    retail::{self, Sum, Totals},
};
use rust_decimal::Decimal;
use tempfile::TempDir;

use crate::mesh::Mesh;

pub(crate) const BRONZE: &str = "sales.bronze.invoice_lines";

/// Some trading days, in a folder of their own.
pub(crate) struct Days {
    folder: TempDir,
    files: Vec<PathBuf>,
}

impl Days {
    /// The trading days of a range, counted from the first, or a skip.
    pub(crate) fn of(suite: &str, range: Range<usize>) -> Option<Self> {
        let files = retail::days(&data::retail(suite)?).unwrap()[range].to_vec();
        let folder = tempfile::tempdir().unwrap();
        for file in &files {
            fs::copy(file, folder.path().join(file.file_name().unwrap())).unwrap();
        }
        Some(Self { folder, files })
    }

    /// Several ranges, or one skip.
    pub(crate) fn parts<const N: usize>(suite: &str, ranges: [Range<usize>; N]) -> Option<[Self; N]> {
        data::retail(suite)?;
        Some(ranges.map(|range| Self::of(suite, range).expect("the data is there")))
    }

    /// Where they are.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Their totals, from the files.
    pub(crate) fn totals(&self) -> Totals {
        Totals::of(&self.files).unwrap()
    }
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn sum(lines: &str, amount: &str) -> Sum {
    Sum {
        lines: lines.parse().unwrap(),
        amount: decimal(if amount.is_empty() { "0" } else { amount }),
    }
}

/// The control totals as bronze and silver tell them.
pub(crate) fn told_by(mesh: &Mesh) -> Totals {
    let bronze = mesh.row(
        "SELECT count(*), sum(quantity * unit_price),
            count(*) FILTER (WHERE quantity > 0), sum(quantity * unit_price) FILTER (WHERE quantity > 0),
            count(DISTINCT invoice_no), count(*) FILTER (WHERE invoice_no LIKE 'C%'),
            count(*) FILTER (WHERE customer_id IS NULL), count(DISTINCT customer_id),
            count(DISTINCT stock_code), count(DISTINCT country),
            count(*) FILTER (WHERE quantity < 0), count(*) FILTER (WHERE unit_price <= 0)
         FROM sales.bronze.invoice_lines",
    );
    let repeated = mesh.number(
        "SELECT coalesce(sum(copies - 1), 0) FROM (
            SELECT count(*) AS copies FROM sales.bronze.invoice_lines
            GROUP BY invoice_no, stock_code, description, quantity, invoice_date, unit_price, customer_id, country)",
    );
    let silver = mesh.row(
        "SELECT count(*), sum(amount),
            count(*) FILTER (WHERE line_kind = 'product'), sum(amount) FILTER (WHERE line_kind = 'product'),
            count(*) FILTER (WHERE line_kind = 'other'), sum(amount) FILTER (WHERE line_kind = 'other')
         FROM sales.silver.invoice_lines",
    );
    Totals {
        all: sum(&bronze[0], &bronze[1]),
        positive: sum(&bronze[2], &bronze[3]),
        invoices: bronze[4].parse().unwrap(),
        cancellation_lines: bronze[5].parse().unwrap(),
        lines_without_customer: bronze[6].parse().unwrap(),
        customers: bronze[7].parse().unwrap(),
        stock_codes: bronze[8].parse().unwrap(),
        countries: bronze[9].parse().unwrap(),
        negative_quantities: bronze[10].parse().unwrap(),
        prices_not_positive: bronze[11].parse().unwrap(),
        repeated,
        distinct: sum(&silver[0], &silver[1]),
        distinct_products: sum(&silver[2], &silver[3]),
        distinct_others: sum(&silver[4], &silver[5]),
    }
}

/// Gold's net revenue.
pub(crate) fn net_revenue(mesh: &Mesh) -> Decimal {
    decimal(&mesh.row("SELECT sum(net_revenue) FROM product.gold.product_sales")[0])
}

/// Bronze's lines, their value, and how many distinct places in Kafka they come from: where all is well, as many.
pub(crate) fn bronze(mesh: &Mesh) -> (Sum, u64) {
    let row = mesh.row(
        "SELECT sum(copies), sum(amount), count(*) FROM (
            SELECT count(*) AS copies, sum(quantity * unit_price) AS amount FROM sales.bronze.invoice_lines
            GROUP BY _topic, _partition, _offset)",
    );
    (sum(&row[0], &row[1]), row[2].parse().unwrap())
}

/// What [`bronze`] must be of these lines.
pub(crate) fn once(lines: &Sum) -> (Sum, u64) {
    (lines.clone(), lines.lines)
}
