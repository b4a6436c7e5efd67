//! Column lineage of the repository's own mesh; expected values are reasoned from its SQL by hand.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use polder_core::config::Mesh;

use super::*;
use crate::{ColumnLineage, Target, load_models, load_pipelines};

async fn lineage() -> ColumnLineage {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mesh = Mesh::load_with(&root, |_| None, []).unwrap();
    let (contracts, findings) = ContractSet::load(mesh.sources("contracts", ".odcs.yaml").unwrap());
    assert_eq!(findings, []);
    let (pipelines, findings) = load_pipelines(&mesh);
    assert_eq!(findings, []);
    let (models, findings) = load_models(&mesh);
    assert_eq!(findings, []);
    let session = Session::new(&lake(), &SessionOptions::default()).unwrap();
    let engine = Engine::new(lake(), session, contracts, pipelines, models, Vec::new());
    engine.column_lineage().await.unwrap()
}

/// A line for each column of a dataset (and one for its rows) with what it depends on.
fn shown(lineage: &ColumnLineage, dataset: &str) -> String {
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for edge in lineage.entering(&name(dataset)) {
        let to = match &edge.to {
            Target::Column(column) => column.column.clone(),
            _ => "rows".to_owned(),
        };
        let from = format!(
            "{} {}.{}",
            edge.how.as_str(),
            edge.from.dataset.name(),
            edge.from.column
        );
        lines.entry(to).or_default().push(from);
    }
    let lines: Vec<_> = lines
        .into_iter()
        .map(|(to, from)| format!("{to}: {}", from.join(", ")))
        .collect();
    lines.join("\n")
}

#[tokio::test]
async fn product_sales_are_sums_over_the_lines_of_products() {
    assert_snapshot!(shown(&lineage().await, "product.gold.product_sales"), @r"
    cancelled_revenue: aggregation invoice_lines.amount, conditional invoice_lines.is_cancellation
    country: identity invoice_lines.country
    currency: identity invoice_lines.currency
    gross_revenue: aggregation invoice_lines.amount, conditional invoice_lines.is_cancellation
    net_revenue: aggregation invoice_lines.amount
    orders: aggregation invoice_lines.invoice_no, conditional invoice_lines.is_cancellation
    rows: group_by invoice_lines.country, group_by invoice_lines.currency, group_by invoice_lines.invoice_date, filter invoice_lines.line_kind, group_by invoice_lines.stock_code
    sales_day: transformation invoice_lines.invoice_date
    stock_code: identity invoice_lines.stock_code
    units: aggregation invoice_lines.quantity
    ");
}

#[tokio::test]
async fn customers_join_what_they_bought_with_where_they_are() {
    assert_snapshot!(shown(&lineage().await, "customer.gold.customers"), @r"
    as_of: aggregation invoice_lines.invoice_date
    country: identity customers.country
    currency: identity invoice_lines.currency
    customer_id: identity invoice_lines.customer_id
    frequency: aggregation invoice_lines.invoice_no, conditional invoice_lines.is_cancellation
    last_order: aggregation invoice_lines.invoice_date, conditional invoice_lines.is_cancellation
    monetary_value: aggregation invoice_lines.amount
    recency_days: aggregation invoice_lines.invoice_date, conditional invoice_lines.is_cancellation
    rows: join customers.customer_id, group_by invoice_lines.currency, filter invoice_lines.customer_id, join invoice_lines.customer_id, group_by invoice_lines.customer_id
    ");
}

#[tokio::test]
async fn cancellations_take_their_sale_from_the_lines_before() {
    let lineage = lineage().await;
    let all = shown(&lineage, "sales.silver.invoice_lines");
    let line = |column: &str| {
        let head = format!("{column}: ");
        all.lines().find(|line| line.starts_with(&head)).unwrap().to_owned()
    };
    assert_snapshot!(line("amount"), @"amount: transformation invoice_lines.quantity, transformation invoice_lines.unit_price");
    assert_snapshot!(line("event_id"), @"event_id: aggregation invoice_lines.event_id");
    assert_snapshot!(line("line_kind"), @"line_kind: conditional invoice_lines.stock_code");
    // The sale's number is chosen by kind, sign and customer, among the lines of one customer, product, price and
    // number of units, by time; and dropped where another cancellation has the claim.
    assert_snapshot!(line("cancels_invoice_no"), @"cancels_invoice_no: conditional invoice_lines.customer_id, window invoice_lines.customer_id, conditional invoice_lines.event_id, window invoice_lines.event_id, conditional invoice_lines.invoice_date, window invoice_lines.invoice_date, transformation invoice_lines.invoice_no, conditional invoice_lines.invoice_no, window invoice_lines.invoice_no, conditional invoice_lines.quantity, window invoice_lines.quantity, conditional invoice_lines.stock_code, window invoice_lines.stock_code, conditional invoice_lines.unit_price, window invoice_lines.unit_price");
}

#[tokio::test]
async fn a_columns_way_leads_to_gold_and_to_models() {
    let lineage = lineage().await;
    let chains = |column: &str| -> Vec<_> {
        let chains = lineage.downstream(&name("sales.bronze.invoice_lines"), column);
        chains.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        chains("country"),
        [
            "sales.bronze.invoice_lines.country → pipeline sales.invoice_lines → sales.silver.invoice_lines.country \
             → pipeline product.product_sales → product.gold.product_sales.country",
            "sales.bronze.invoice_lines.country → pipeline sales.invoice_lines → sales.silver.invoice_lines.country \
             → pipeline sales.customers → sales.silver.customers.country → pipeline customer.customers \
             → customer.gold.customers.country",
        ]
    );
    let description = chains("description");
    let model = "sales.bronze.invoice_lines.description → pipeline sales.invoice_lines \
                 → sales.silver.invoice_lines.description → pipeline sales.products \
                 → sales.silver.products.description → model recommendation.bought_together";
    assert!(description.contains(&model.to_owned()), "{description:?}");
    assert_eq!(chains("event_type"), Vec::<String>::new());
}
