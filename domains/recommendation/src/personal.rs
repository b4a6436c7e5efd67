//! What one customer is likely to buy next.

use std::collections::{BTreeMap, HashSet};

use polars::prelude::{DataFrame, DataType};
use polder_domain::learn::ranking::{ndcg_at, recall_at};
use polder_domain::learn::recommend::{Neighbours, Scored, popularity};
use polder_domain::{Error, ErrorKind, Inputs, Model, Parameters, Result, ResultExt, Trained};
use serde::{Deserialize, Serialize};

use crate::shelf::{Shelf, mean, read, texts, too_little, write};

/// The version of the artefact's format.
const FORMAT: u32 = 1;
/// The length of the list that is measured.
const K: usize = 20;
/// The share of a customer's products, the latest ones, that is held back to measure on.
const HELD_BACK: f64 = 0.2;
/// Customers with fewer products are not measured on.
const LEAST_PRODUCTS: usize = 5;
/// Damps pairs that a few customers only have in common.
const SHRINK: f64 = 5.0;

/// Products that customers with the same history bought and this one did not yet.
///
/// Inputs: `purchases` (`customer_id`, `stock_code`, `orders`, `last_bought`, each pair once) and `products` (`stock_code`,
/// `description`). Parameter: `neighbours`, how many are kept a product (default 50). Metrics: Recall@20 and NDCG@20 of the
/// latest fifth of each customer's products, held back, and the same for the most popular products.
pub(crate) struct PersonalTopN;

#[derive(Serialize, Deserialize)]
struct Artifact {
    format: u32,
    shelf: Shelf,
    neighbours: Neighbours,
    /// For each customer the products bought, with their weight.
    histories: BTreeMap<String, Vec<(usize, f64)>>,
    /// For customers that have no neighbours: the most popular products.
    popular: Vec<Scored>,
}

/// One customer's product.
struct Purchase {
    item: usize,
    orders: f64,
    /// When it was bought last, in any unit that sorts.
    last_bought: i64,
}

impl Model for PersonalTopN {
    fn name(&self) -> &'static str {
        "personal_top_n"
    }

    fn description(&self) -> &'static str {
        "a customer's next products, by similarity to what they bought; measured against the most popular products"
    }

    fn train(&self, inputs: &Inputs, parameters: &Parameters) -> Result<Trained> {
        parameters.only(&["neighbours"])?;
        let most = parameters.whole("neighbours")?.unwrap_or(50).max(1);
        let frame = inputs.frame("purchases")?;
        let shelf = Shelf::new(
            texts(frame, "purchases", "stock_code")?.iter().flatten(),
            inputs.frame("products")?,
        )?;
        let purchases = purchases(frame, &shelf)?;
        if purchases.is_empty() {
            return Err(too_little("purchases of known customers"));
        }
        let metrics = measure(&purchases, shelf.len(), most);
        let baskets: Vec<Vec<usize>> = purchases
            .values()
            .map(|list| list.iter().map(|p| p.item).collect())
            .collect();
        let popular = popularity(&baskets, shelf.len()).into_iter().take(100).collect();
        let artifact = Artifact {
            format: FORMAT,
            neighbours: Neighbours::from_baskets(&baskets, shelf.len(), most, SHRINK),
            shelf,
            histories: purchases
                .iter()
                .map(|(customer, list)| ((*customer).to_owned(), history(list)))
                .collect(),
            popular,
        };
        Ok(Trained {
            artifact: write(&artifact)?,
            notes: vec![format!(
                "measured on {} customers' latest products, held back",
                metrics["customers_measured"]
            )],
            metrics,
        })
    }

    fn predict(&self, artifact: &[u8], request: &Parameters) -> Result<DataFrame> {
        request.only(&["customer", "n"])?;
        let Some(customer) = request.text("customer")? else {
            return Err(
                Error::new(ErrorKind::Usage, "which customer?").with_help("ask with customer=CUSTOMER_ID [n=10]")
            );
        };
        let artifact: Artifact = read(artifact)?;
        let Some(history) = artifact.histories.get(&customer) else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("no purchase of a customer `{customer}` is known"),
            ));
        };
        let n = request.whole("n")?.unwrap_or(10);
        let mut list = artifact.neighbours.suggest(history, n);
        if list.is_empty() {
            let bought: HashSet<usize> = history.iter().map(|(item, _)| *item).collect();
            list = artifact
                .popular
                .iter()
                .filter(|s| !bought.contains(&s.item))
                .take(n)
                .cloned()
                .collect();
        }
        artifact.shelf.frame(&list)
    }
}

/// Each customer's products, oldest first.
fn purchases<'a>(frame: &'a DataFrame, shelf: &Shelf) -> Result<BTreeMap<&'a str, Vec<Purchase>>> {
    let unfit = || "`purchases` needs `orders` (a number) and `last_bought` (a time)".to_owned();
    let integers = |name: &str| {
        frame
            .column(name)
            .and_then(|column| column.cast(&DataType::Int64))
            .and_then(|column| column.i64().cloned())
            .context(ErrorKind::Document, unfit)
    };
    let (orders, last) = (integers("orders")?, integers("last_bought")?);
    let customers = texts(frame, "purchases", "customer_id")?;
    let stock_codes = texts(frame, "purchases", "stock_code")?;
    let numbers = shelf.numbers();
    let mut by_customer: BTreeMap<&str, Vec<Purchase>> = BTreeMap::new();
    for (((customer, code), orders), last) in customers
        .iter()
        .zip(stock_codes.iter())
        .zip(orders.iter())
        .zip(last.iter())
    {
        let (Some(customer), Some(item)) = (customer, code.and_then(|code| numbers.get(code))) else {
            continue;
        };
        by_customer.entry(customer).or_default().push(Purchase {
            item: *item,
            orders: orders.unwrap_or(1) as f64,
            last_bought: last.unwrap_or(i64::MIN),
        });
    }
    for list in by_customer.values_mut() {
        list.sort_by_key(|purchase| (purchase.last_bought, purchase.item));
    }
    Ok(by_customer)
}

/// What was bought more often counts more, but not in proportion.
fn history(list: &[Purchase]) -> Vec<(usize, f64)> {
    list.iter()
        .map(|purchase| (purchase.item, 1.0 + purchase.orders.max(1.0).ln()))
        .collect()
}

fn measure(purchases: &BTreeMap<&str, Vec<Purchase>>, items: usize, most: usize) -> BTreeMap<String, f64> {
    let split: Vec<(&[Purchase], &[Purchase])> = purchases
        .values()
        .map(|list| {
            let held = if list.len() < LEAST_PRODUCTS {
                0
            } else {
                (list.len() as f64 * HELD_BACK).ceil() as usize
            };
            list.split_at(list.len() - held)
        })
        .collect();
    let baskets: Vec<Vec<usize>> = split
        .iter()
        .map(|(kept, _)| kept.iter().map(|p| p.item).collect())
        .collect();
    let neighbours = Neighbours::from_baskets(&baskets, items, most, SHRINK);
    let popular: Vec<usize> = popularity(&baskets, items).into_iter().map(|s| s.item).collect();
    let mut figures = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for (kept, held) in split.into_iter().filter(|(_, held)| !held.is_empty()) {
        let relevant: HashSet<usize> = held.iter().map(|p| p.item).collect();
        let list: Vec<usize> = neighbours
            .suggest(&history(kept), K)
            .into_iter()
            .map(|s| s.item)
            .collect();
        figures[0].extend(recall_at(&list, &relevant, K));
        figures[1].extend(ndcg_at(&list, &relevant, K));
        let bought: HashSet<usize> = kept.iter().map(|p| p.item).collect();
        let list: Vec<usize> = popular
            .iter()
            .copied()
            .filter(|item| !bought.contains(item))
            .take(K)
            .collect();
        figures[2].extend(recall_at(&list, &relevant, K));
        figures[3].extend(ndcg_at(&list, &relevant, K));
    }
    BTreeMap::from([
        ("recall_at_20".to_owned(), mean(&figures[0])),
        ("ndcg_at_20".to_owned(), mean(&figures[1])),
        ("recall_at_20_popularity".to_owned(), mean(&figures[2])),
        ("ndcg_at_20_popularity".to_owned(), mean(&figures[3])),
        ("customers".to_owned(), purchases.len() as f64),
        ("customers_measured".to_owned(), figures[0].len() as f64),
        ("products".to_owned(), items as f64),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::df;

    #[test]
    fn a_customer_is_offered_what_their_like_bought() {
        // Two tastes: P00–P07 and Q00–Q07. Each of 30 customers a taste has 7 of 8 products, in an order of their own.
        let (mut customers, mut codes, mut orders, mut last) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for customer in 0..60_i64 {
            let taste = if customer % 2 == 0 { "P" } else { "Q" };
            for step in 0..7 {
                customers.push(format!("{customer}"));
                codes.push(format!("{taste}{:02}", (customer / 2 + step) % 8));
                orders.push(1_i64);
                last.push(step);
            }
        }
        let inputs = Inputs::from_iter([
            (
                "purchases".to_owned(),
                df!("customer_id" => customers, "stock_code" => codes, "orders" => orders, "last_bought" => last)
                    .unwrap(),
            ),
            (
                "products".to_owned(),
                df!("stock_code" => ["P00"], "description" => ["LAMP"]).unwrap(),
            ),
        ]);
        let trained = PersonalTopN.train(&inputs, &Parameters::default()).unwrap();
        assert!(
            trained.metrics["ndcg_at_20"] > 1.2 * trained.metrics["ndcg_at_20_popularity"],
            "{:?}",
            trained.metrics
        );
        let request = Parameters::from_pairs(["customer=0", "n=3"]).unwrap();
        let frame = PersonalTopN.predict(&trained.artifact, &request).unwrap();
        assert_eq!(frame.column("stock_code").unwrap().str().unwrap().get(0), Some("P07"));
    }
}
