//! Products that are bought together.

use std::collections::{BTreeMap, HashMap, HashSet};

use polars::prelude::DataFrame;
use polder_domain::learn::ranking::recall_at;
use polder_domain::learn::recommend::{Neighbours, popularity};
use polder_domain::{Error, ErrorKind, Inputs, Model, Parameters, Result, Trained};
use serde::{Deserialize, Serialize};

use crate::shelf::{Shelf, mean, read, texts, too_little, write};

/// The version of the artefact's format.
const FORMAT: u32 = 1;
/// One basket of this many is held back to measure on.
const HELD_BACK: usize = 10;
/// The length of the list that is measured.
const K: usize = 10;
/// Damps pairs that were seen together a few times only.
const SHRINK: f64 = 5.0;

/// For a product, those that share most invoices with it.
///
/// Inputs: `lines` (`invoice_no`, `stock_code`, each pair once) and `products` (`stock_code`, `description`). Parameter:
/// `neighbours`, how many are kept a product (default 20). Metrics: of the baskets held back, the share of the other
/// products that the list of the first one holds (`recall_at_10`), and the same for the most popular products.
pub(crate) struct BoughtTogether;

#[derive(Serialize, Deserialize)]
struct Artifact {
    format: u32,
    shelf: Shelf,
    neighbours: Neighbours,
}

impl Model for BoughtTogether {
    fn name(&self) -> &'static str {
        "bought_together"
    }

    fn description(&self) -> &'static str {
        "products that share invoices, by cosine similarity; measured against the most popular products"
    }

    fn train(&self, inputs: &Inputs, parameters: &Parameters) -> Result<Trained> {
        parameters.only(&["neighbours"])?;
        let most = parameters.whole("neighbours")?.unwrap_or(20).max(1);
        let lines = inputs.frame("lines")?;
        let stock_codes = texts(lines, "lines", "stock_code")?;
        let shelf = Shelf::new(stock_codes.iter().flatten(), inputs.frame("products")?)?;
        let baskets = baskets(lines, &shelf)?;
        if baskets.is_empty() {
            return Err(too_little("invoices"));
        }
        let (fitted, held): (Vec<_>, Vec<_>) = baskets.iter().enumerate().partition(|(i, _)| i % HELD_BACK != 0);
        let fitted: Vec<Vec<usize>> = fitted.into_iter().map(|(_, basket)| basket.clone()).collect();
        let measured = Neighbours::from_baskets(&fitted, shelf.len(), most.max(K), SHRINK);
        let popular: Vec<usize> = popularity(&fitted, shelf.len()).into_iter().map(|s| s.item).collect();
        let (mut ours, mut popularitys) = (Vec::new(), Vec::new());
        for (_, basket) in held.into_iter().filter(|(_, basket)| basket.len() > 1) {
            let given = basket[0];
            let others: HashSet<usize> = basket[1..].iter().copied().collect();
            let list: Vec<usize> = measured.of(given).iter().map(|s| s.item).collect();
            ours.extend(recall_at(&list, &others, K));
            let list: Vec<usize> = popular.iter().copied().filter(|item| *item != given).take(K).collect();
            popularitys.extend(recall_at(&list, &others, K));
        }
        let artifact = Artifact {
            format: FORMAT,
            neighbours: Neighbours::from_baskets(&baskets, shelf.len(), most, SHRINK),
            shelf,
        };
        Ok(Trained {
            artifact: write(&artifact)?,
            metrics: BTreeMap::from([
                ("recall_at_10".to_owned(), mean(&ours)),
                ("recall_at_10_popularity".to_owned(), mean(&popularitys)),
                ("baskets".to_owned(), baskets.len() as f64),
                ("products".to_owned(), artifact.shelf.len() as f64),
            ]),
            notes: vec![format!("measured on {} baskets that were held back", ours.len())],
        })
    }

    fn predict(&self, artifact: &[u8], request: &Parameters) -> Result<DataFrame> {
        request.only(&["product", "n"])?;
        let Some(product) = request.text("product")? else {
            return Err(Error::new(ErrorKind::Usage, "which product?").with_help("ask with product=STOCK_CODE [n=10]"));
        };
        let artifact: Artifact = read(artifact)?;
        let Some(number) = artifact.shelf.number(&product) else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("no product `{product}` was ever bought"),
            ));
        };
        let list = artifact.neighbours.of(number);
        artifact
            .shelf
            .frame(&list[..list.len().min(request.whole("n")?.unwrap_or(10))])
    }
}

/// The products of each invoice, in the order of the invoices' first lines.
fn baskets(lines: &DataFrame, shelf: &Shelf) -> Result<Vec<Vec<usize>>> {
    let invoices = texts(lines, "lines", "invoice_no")?;
    let stock_codes = texts(lines, "lines", "stock_code")?;
    let numbers = shelf.numbers();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut baskets: Vec<Vec<usize>> = Vec::new();
    for (invoice, stock_code) in invoices.iter().zip(stock_codes.iter()) {
        let (Some(invoice), Some(number)) = (invoice, stock_code.and_then(|code| numbers.get(code))) else {
            continue;
        };
        let place = *places.entry(invoice).or_insert_with(|| {
            baskets.push(Vec::new());
            baskets.len() - 1
        });
        baskets[place].push(*number);
    }
    for basket in &mut baskets {
        basket.sort_unstable();
        basket.dedup();
    }
    Ok(baskets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::df;

    #[test]
    fn what_shares_invoices_is_suggested_and_beats_popularity() {
        // Pairs A+B and C+D on 40 invoices each; E alone on 60: the most popular, and of no use beside another.
        let mut invoices = Vec::new();
        let mut codes = Vec::new();
        for i in 0..140 {
            let pair: &[&str] = if i % 7 < 2 {
                &["A", "B"]
            } else if i % 7 < 4 {
                &["C", "D"]
            } else {
                &["E"]
            };
            for code in pair {
                invoices.push(format!("{i:03}"));
                codes.push(*code);
            }
        }
        let inputs = Inputs::from_iter([
            (
                "lines".to_owned(),
                df!("invoice_no" => invoices, "stock_code" => codes).unwrap(),
            ),
            (
                "products".to_owned(),
                df!("stock_code" => ["A", "B"], "description" => ["LAMP", "BULB"]).unwrap(),
            ),
        ]);
        let trained = BoughtTogether.train(&inputs, &Parameters::default()).unwrap();
        assert_eq!(trained.metrics["recall_at_10"], 1.0);
        let frame = BoughtTogether
            .predict(&trained.artifact, &Parameters::from_pairs(["product=A"]).unwrap())
            .unwrap();
        assert_eq!(frame.column("stock_code").unwrap().str().unwrap().get(0), Some("B"));
        assert_eq!(frame.column("description").unwrap().str().unwrap().get(0), Some("BULB"));
        let unknown = BoughtTogether.predict(&trained.artifact, &Parameters::from_pairs(["product=Z"]).unwrap());
        assert_eq!(unknown.unwrap_err().kind(), ErrorKind::NotFound);
    }
}
