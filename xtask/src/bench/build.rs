//! Bronze to gold: `polder run` beside DuckDB doing the same on the same files.

use anyhow::{Result, bail};

use super::{
    Options, Programs,
    duckdb::DuckDb,
    figures::{Table, mebibytes, median, thousands},
    kafka::{self, Services},
    mesh::{self, Mesh},
    process::Run,
};

/// What both sides must agree on: totals, Polder's dataset, DuckDB's file.
const TOTALS: [(&str, &str, &str); 4] = [
    (
        "count(*), sum(amount), count(cancels_event_id), sum(length(description))",
        "sales.silver.invoice_lines",
        "invoice_lines",
    ),
    (
        "count(*), count(description), sum(length(description))",
        "sales.silver.products",
        "products",
    ),
    (
        "count(*), sum(orders), sum(units), sum(gross_revenue), sum(cancelled_revenue), sum(net_revenue)",
        "product.gold.product_sales",
        "product_sales",
    ),
    (
        "count(*), count(country), sum(recency_days), sum(frequency), sum(monetary_value)",
        "customer.gold.customers",
        "gold_customers",
    ),
];

/// Lands the invoice lines once, then builds everything from them with both, in turn.
pub(super) fn run(programs: &Programs, options: Options) -> Result<()> {
    let retail = super::retail()?;
    let scratch = super::scratch("build")?;
    let threads = std::thread::available_parallelism()?.get();
    let duckdb = DuckDb::install(&scratch, threads)?;
    let (mesh, landed) = (scratch.join("mesh"), scratch.join("landed"));
    let mesh = {
        let services = Services::start(&scratch)?;
        let mesh = Mesh::create(mesh, &programs.polder, &services.environment)?;
        kafka::publish(&mesh, &retail, options.events)?;
        mesh.ingest(options.events)?;
        mesh
    };
    mesh::copy(&mesh.lake(), &landed, &|_| true)?;

    let (mut polder, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        mesh.forget()?;
        mesh::copy(&landed, &mesh.lake(), &|_| true)?;
        polder.push(mesh.run()?);
        peer.push(duckdb.build(&landed.join("sales/bronze/invoice_lines"))?);
    }
    for (totals, dataset, file) in TOTALS {
        let ours = mesh.ask(&format!("SELECT {totals} FROM {dataset}"))?;
        let theirs = duckdb.ask(&format!("SELECT {totals} FROM read_parquet('OUT/{file}.parquet')"))?;
        if ours != theirs {
            bail!("{dataset}: {totals} are {ours} with Polder and {theirs} with DuckDB");
        }
        println!("{dataset}: {totals} = {ours}, the same with both");
    }

    let mut table = Table::new(&["run", "wall s", "CPU s", "bronze rows/s", "peak MiB"]);
    for (name, runs) in [("polder run", &polder), ("DuckDB", &peer)] {
        for run in runs {
            table.row(name, &cells(std::slice::from_ref(run), options.events));
        }
    }
    table.row("**polder run, median**", &cells(&polder, options.events));
    table.row("**DuckDB, median**", &cells(&peer, options.events));
    table.print();
    println!(
        "steps of the last run of Polder:\n{}",
        polder.last().map_or("", |run| &run.output)
    );
    let ratio = |of: fn(&Run) -> f64| median(polder.iter().map(of)) / median(peer.iter().map(of));
    println!(
        "polder run takes {:.1} times DuckDB's time, {:.1} times its processor time and {:.1} times its memory",
        ratio(|run| run.wall.as_secs_f64()),
        ratio(|run| run.cpu.as_secs_f64()),
        ratio(|run| mebibytes(run.peak)),
    );
    Ok(())
}

fn cells(runs: &[Run], events: u64) -> Vec<String> {
    let wall = median(runs.iter().map(|run| run.wall.as_secs_f64()));
    vec![
        format!("{wall:.2}"),
        format!("{:.2}", median(runs.iter().map(|run| run.cpu.as_secs_f64()))),
        thousands(events as f64 / wall),
        format!("{:.0}", median(runs.iter().map(|run| mebibytes(run.peak)))),
    ]
}
