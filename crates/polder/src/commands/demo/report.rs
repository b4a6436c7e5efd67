//! The demo's report: what landed, what was refused and why, what was built, and what the models say.

use std::path::Path;
use std::time::Duration;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_domain::Parameters;
use polder_query::{Session, query_error};

use super::Published;
use crate::commands::new::quoted;
use crate::commands::sql::print_query;
use crate::options::SqlFormat;
use crate::output::{Listing, Printer, cells, line};
use crate::platform::Platform;

const LINES: &str = "sales.bronze.invoice_lines";
const REJECTED: &str = "sales.quarantine.bronze_invoice_lines";

/// Prints the report; totals that do not agree are an error.
pub(crate) async fn print(platform: &Platform, dir: &Path, published: &Published, elapsed: Duration) -> Result<()> {
    let session = platform.session()?;
    rows(platform, published).await?;
    if published.faulty > 0 {
        heading("Refused, and why")?;
        let refused = format!(
            "SELECT rule, count(*) AS rows, min(reason) AS example FROM {REJECTED} GROUP BY rule ORDER BY rows DESC, rule"
        );
        print_query(&session, &refused, SqlFormat::Table, 0).await?;
    }
    heading("Top products by net revenue")?;
    let top = "SELECT s.stock_code, p.description, sum(s.orders) AS orders, sum(s.units) AS units, \
               sum(s.net_revenue) AS net_revenue, s.currency \
               FROM product.gold.product_sales AS s \
               LEFT JOIN sales.silver.products AS p ON s.stock_code = p.stock_code \
               GROUP BY s.stock_code, p.description, s.currency ORDER BY net_revenue DESC, s.stock_code LIMIT 5";
    print_query(&session, top, SqlFormat::Table, 0).await?;
    heading("Net revenue of the next weeks, with 90 % intervals")?;
    predict(platform, "finance.net_revenue_forecast", &["weeks=4"]).await?;
    let customer = text(
        &session,
        "SELECT customer_id FROM customer.gold.customers ORDER BY frequency DESC, customer_id LIMIT 1",
    )
    .await?;
    heading(&format!("What customer {customer} may like"))?;
    predict(
        platform,
        "recommendation.personal_top_n",
        &[&format!("customer={customer}"), "n=5"],
    )
    .await?;
    totals(&session, published).await?;
    line(&format!(
        "\nDone in {:.0} s. Three commands to try next:\n",
        elapsed.as_secs_f64()
    ))?;
    let program = std::env::args().next().unwrap_or_else(|| "polder".to_owned());
    let mesh = format!("{} --mesh {}", quoted(&program), quoted(&dir.display().to_string()));
    for command in [
        "sql \"SELECT country, sum(net_revenue) AS net FROM product.gold.product_sales GROUP BY country ORDER BY net DESC LIMIT 5\"",
        "lineage product.gold.product_sales",
        "catalog show customer.gold.customers",
    ] {
        line(&format!("  {mesh} {command}"))?;
    }
    Ok(())
}

fn heading(text: &str) -> Result<()> {
    line(&format!("\n{text}"))
}

/// Rows at each step.
async fn rows(platform: &Platform, published: &Published) -> Result<()> {
    heading("Rows at each step")?;
    let lake = platform.lake()?;
    let mut listing = Listing::new(["step", "rows", "version"]);
    listing.row(cells!["events published", published.events, None::<u64>]);
    let datasets = [
        LINES,
        REJECTED,
        "sales.silver.invoice_lines",
        "sales.silver.products",
        "sales.silver.customers",
        "product.gold.product_sales",
        "customer.gold.customers",
    ];
    for dataset in datasets {
        let name: DatasetName = dataset.parse()?;
        if let Some(table) = lake.load(&name).await? {
            listing.row(cells![dataset, table.row_count(), table.version()]);
        }
    }
    listing.print(crate::options::Format::Table, "")
}

async fn predict(platform: &Platform, model: &str, request: &[&str]) -> Result<()> {
    let answer = platform
        .engine()?
        .predict(&model.parse()?, None, Parameters::from_pairs(request)?)
        .await?;
    let mut printer = Printer::to_terminal(SqlFormat::Table, answer.schema(), 0)?;
    printer.write(&answer)?;
    printer.finish().map(|_| ())
}

/// Holds the lake against what was published: every event is in bronze or in quarantine, and gold adds up to silver.
async fn totals(session: &Session, published: &Published) -> Result<()> {
    heading("Totals")?;
    let landed = number(session, &format!("SELECT count(*) FROM {LINES}")).await?;
    let refused = match published.faulty {
        0 => 0,
        _ => number(session, &format!("SELECT count(*) FROM {REJECTED}")).await?,
    };
    let good = published.events - published.faulty;
    agree(
        "events without a fault are in bronze",
        &good.to_string(),
        &landed.to_string(),
    )?;
    agree(
        "faulty events are in quarantine",
        &published.faulty.to_string(),
        &refused.to_string(),
    )?;
    let distinct = format!(
        "SELECT count(*) FROM (SELECT DISTINCT invoice_no, stock_code, description, quantity, invoice_date, unit_price, \
         customer_id, country FROM {LINES}) AS lines"
    );
    agree(
        "each line is in silver once, repeats left out",
        &number(session, &distinct).await?.to_string(),
        &number(session, "SELECT count(*) FROM sales.silver.invoice_lines")
            .await?
            .to_string(),
    )?;
    let silver = "SELECT cast(sum(amount) AS varchar) FROM sales.silver.invoice_lines WHERE line_kind = 'product'";
    let gold = "SELECT cast(sum(net_revenue) AS varchar) FROM product.gold.product_sales";
    agree(
        "gold's net revenue is silver's amount of products",
        &text(session, silver).await?,
        &text(session, gold).await?,
    )
}

fn agree(what: &str, expected: &str, found: &str) -> Result<()> {
    if expected != found {
        return Err(Error::new(
            ErrorKind::CheckFailed,
            format!("{what}: {expected} expected, {found} found"),
        ));
    }
    line(&format!("  ok  {what}: {found}"))
}

async fn number(session: &Session, query: &str) -> Result<i64> {
    let batches = session.sql(query).await?.collect().await.map_err(query_error)?;
    let value = batches.iter().find(|batch| batch.num_rows() > 0).and_then(|batch| {
        let column = batch.column(0).as_primitive_opt::<Int64Type>()?;
        column.is_valid(0).then(|| column.value(0))
    });
    value.ok_or_else(|| Error::new(ErrorKind::Internal, format!("no number comes of `{query}`")))
}

async fn text(session: &Session, query: &str) -> Result<String> {
    let batches = session.sql(query).await?.collect().await.map_err(query_error)?;
    let value = batches.iter().find(|batch| batch.num_rows() > 0).and_then(|batch| {
        let column = batch.column(0).as_string_opt::<i32>()?;
        column.is_valid(0).then(|| column.value(0).to_owned())
    });
    value.ok_or_else(|| Error::new(ErrorKind::Data, format!("nothing comes of `{query}`")))
}
