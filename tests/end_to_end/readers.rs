//! Other makers' engines on the tables that Polder wrote: Python's `deltalake`, DuckDB and Spark.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
};

use polder_testkit::skip;
use rust_decimal::Decimal;

use crate::mesh::Mesh;

/// What is asked of every engine: dataset, expression to add up, expression to group by.
const QUESTIONS: [(&str, &str, &str); 5] = [
    ("sales.bronze.invoice_lines", "quantity * unit_price", "currency"),
    ("sales.silver.invoice_lines", "amount", "line_kind"),
    ("sales.silver.products", "1", "'all'"),
    ("product.gold.product_sales", "net_revenue", "currency"),
    ("customer.gold.customers", "monetary_value", "currency"),
];

/// By dataset and group: rows and sum.
type Answers = BTreeMap<(String, String), (u64, Decimal)>;

/// Every engine that is at hand answers as the control totals demand, and as Polder does.
pub(crate) fn all_engines_agree(mesh: &Mesh) {
    let polder = asked_of_polder(mesh);
    let stated = |dataset: &str, group: &str| polder[&(dataset.to_owned(), group.to_owned())];
    let silver = "sales.silver.invoice_lines";
    assert_eq!(
        stated("sales.bronze.invoice_lines", "GBP"),
        (370_931, Decimal::new(6_781_619_004, 3))
    );
    assert_eq!(stated(silver, "product"), (365_838, Decimal::new(6_841_704_260, 3)));
    assert_eq!(stated(silver, "other"), (2_245, Decimal::new(-73_912_396, 3)));
    assert_eq!(
        stated("product.gold.product_sales", "GBP").1,
        Decimal::new(6_841_704_260, 3)
    );

    if let Some(python) = skip::python("readers") {
        let answers = asked_of_python(mesh, &python, "deltalake_and_duckdb.py", &[]);
        assert_eq!(answers["deltalake"], polder);
        assert_eq!(answers["duckdb"], polder);
        if let Some(jars) = skip::spark_jars("readers Spark") {
            assert_eq!(asked_of_python(mesh, &python, "spark.py", &[&jars])["spark"], polder);
        }
    }
}

fn asked_of_polder(mesh: &Mesh) -> Answers {
    let mut answers = Answers::new();
    for (dataset, value, group) in QUESTIONS {
        let query = format!("SELECT {group} AS part, count(*), sum({value}) FROM {dataset} GROUP BY 1");
        for row in mesh.rows(&query) {
            let answer = (row[1].parse().unwrap(), row[2].parse().unwrap());
            answers.insert((dataset.to_owned(), row[0].clone()), answer);
        }
    }
    answers
}

/// Runs a script that prints `engine TAB dataset TAB group TAB rows TAB sum`.
fn asked_of_python(mesh: &Mesh, python: &str, script: &str, more: &[&str]) -> BTreeMap<String, Answers> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/end_to_end/readers/");
    let mut command = Command::new(python);
    command.arg(format!("{file}{script}")).arg(mesh.path(".polder/lake"));
    for (dataset, value, group) in QUESTIONS {
        command.arg(format!("{dataset}|{value}|{group}"));
    }
    let done = command
        .env("READER_JARS", more.join(","))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    // An engine may abort while it shuts down: what counts is what it printed.
    let printed = String::from_utf8_lossy(&done.stdout);
    let mut answers: BTreeMap<String, Answers> = BTreeMap::new();
    for line in printed.lines() {
        let [engine, dataset, group, rows, sum] = line.split('\t').collect::<Vec<_>>()[..] else {
            continue;
        };
        let answer = (rows.parse().unwrap(), sum.parse().unwrap());
        answers
            .entry(engine.to_owned())
            .or_default()
            .insert((dataset.to_owned(), group.to_owned()), answer);
    }
    assert!(
        !answers.is_empty(),
        "{script} says\n{printed}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
    answers
}
