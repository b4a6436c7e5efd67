//! Contracts and pipelines by the thousand: how long it takes to lint and to check them, from the disk and again.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use super::super::{
    Options, Programs,
    figures::{Table, mebibytes, median},
    mesh::without_settings,
    process,
};
use crate::processes;

const DOMAINS: usize = 10;
/// Steps of a chain of pipelines: bronze, then so many less one of silver.
const CHAIN: usize = 10;

pub(super) fn run(programs: &Programs, options: Options, scratch: &Path) -> Result<()> {
    let mut table = Table::new(&["documents", "median ms", "slowest ms", "peak MiB"]);
    for count in [1_000, 2_000] {
        let mesh = scratch.join(format!("mesh-{count}"));
        write_mesh(&mesh, count)?;
        let mut measure = |name: String, command: &[&str], cold: bool| -> Result<()> {
            let mut runs = Vec::new();
            for _ in 0..options.runs {
                if cold {
                    drop_from_memory(&mesh)?;
                }
                let mut polder = Command::new(&programs.polder);
                without_settings(&mut polder);
                runs.push(process::measure(
                    polder.arg("--quiet").arg("--mesh").arg(&mesh).args(command),
                )?);
            }
            let times: Vec<f64> = runs.iter().map(|run| run.wall.as_secs_f64() * 1e3).collect();
            table.row(
                &name,
                &[
                    format!("{:.0}", median(times.iter().copied())),
                    format!("{:.0}", times.iter().copied().fold(0.0, f64::max)),
                    format!("{:.0}", median(runs.iter().map(|run| mebibytes(run.peak)))),
                ],
            );
            Ok(())
        };
        measure(
            format!("`polder contract lint`, {count} contracts, from disk"),
            &["contract", "lint"],
            true,
        )?;
        measure(
            format!("`polder contract lint`, {count} contracts, in memory"),
            &["contract", "lint"],
            false,
        )?;
        measure(
            format!("`polder check`, {count} contracts and pipelines, in memory"),
            &["check"],
            false,
        )?;
    }
    println!("\ncontracts of 12 columns and 20 rules, each with a pipeline that builds it:");
    table.print();
    Ok(())
}

/// GNU dd drops each file from the page cache.
fn drop_from_memory(folder: &Path) -> Result<()> {
    let drop = "find \"$1\" -type f -exec dd if={} iflag=nocache count=0 status=none \\;";
    processes::output(Command::new("sh").args(["-c", drop, "sh"]).arg(folder))?;
    Ok(())
}

/// A mesh of so many silver datasets: in each domain chains that begin at the domain's one bronze dataset.
fn write_mesh(mesh: &Path, count: usize) -> Result<()> {
    let write = |path: String, text: String| -> Result<()> {
        let path = mesh.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write(
        "polder.yaml".to_owned(),
        "name: bench\nlake:\n  location: lake\ncatalog:\n  database: sqlite:catalog.db\n".to_owned(),
    )?;
    let mut domains = "domains:\n".to_owned();
    for domain in 0..DOMAINS {
        domains.push_str(&format!(
            "  d{domain}:\n    description: A team.\n    owner: d{domain}@bench.example\n"
        ));
        write(
            format!("contracts/d{domain}/source.bronze.odcs.yaml"),
            contract(&format!("d{domain}.bronze.source")),
        )?;
    }
    write("catalog/domains.yaml".to_owned(), domains)?;
    for index in 0..count {
        let (domain, step) = (index % DOMAINS, index / DOMAINS);
        let dataset = format!("d{domain}.silver.t{step}");
        let from = if step % CHAIN == 0 {
            format!("d{domain}.bronze.source")
        } else {
            format!("d{domain}.silver.t{}", step - 1)
        };
        write(
            format!("contracts/d{domain}/t{step}.silver.odcs.yaml"),
            contract(&dataset),
        )?;
        write(
            format!("pipelines/d{domain}/t{step}.pipeline.yaml"),
            format!("description: A step.\ndataset: {dataset}\nmaterialization: replace_groups\nkey: [order_id]\n"),
        )?;
        write(format!("pipelines/d{domain}/t{step}.sql"), query(&from))?;
    }
    Ok(())
}

fn query(from: &str) -> String {
    format!(
        "SELECT\n  order_id,\n  max(order_ref) AS order_ref,\n  max(customer_id) AS customer_id,\n  \
         max(country) AS country,\n  max(currency) AS currency,\n  max(status) AS status,\n  max(email) AS email,\n  \
         max(postcode) AS postcode,\n  max(quantity) AS quantity,\n  \
         CAST(max(CASE WHEN currency = 'EUR' THEN unit_price ELSE 0.01 END) AS decimal(10,2)) AS unit_price,\n  \
         max(ordered_at) AS ordered_at,\n  max(shipped_on) AS shipped_on\nFROM {from}\nGROUP BY order_id\n"
    )
}

fn contract(dataset: &str) -> String {
    let text = |name: &str, rules: &str| format!("      - name: {name}\n        logicalType: string\n{rules}");
    let required = "        required: true\n";
    let columns = [
        format!("      - name: order_id\n        logicalType: integer\n        physicalType: bigint\n{required}"),
        text("order_ref", "        logicalTypeOptions: {minLength: 1, maxLength: 20, pattern: '^[A-Z]+-[0-9]+$'}\n"),
        "      - name: customer_id\n        logicalType: integer\n        logicalTypeOptions: {minimum: 1, maximum: 900000}\n"
            .to_owned(),
        text("country", "        logicalTypeOptions: {minLength: 2, maxLength: 2}\n"),
        text(
            "currency",
            "        quality:\n          - metric: invalidValues\n            arguments: {validValues: [EUR, GBP, USD]}\n            \
             mustBe: 0\n",
        ),
        text("status", "        logicalTypeOptions: {pattern: '^[a-z]+$'}\n"),
        text(
            "email",
            "        classification: confidential\n        logicalTypeOptions: {maxLength: 64}\n        quality:\n          \
             - {metric: nullValues, mustBeLessThan: 5, unit: percent}\n",
        ),
        text("postcode", "        logicalTypeOptions: {maxLength: 8}\n"),
        "      - name: quantity\n        logicalType: integer\n        logicalTypeOptions: {minimum: 1, maximum: 100}\n".to_owned(),
        "      - name: unit_price\n        logicalType: number\n        physicalType: decimal(10,2)\n        \
         logicalTypeOptions: {minimum: 0, maximum: 10000}\n"
            .to_owned(),
        "      - name: ordered_at\n        logicalType: timestamp\n        logicalTypeOptions: {minimum: '2000-01-01T00:00:00Z'}\n"
            .to_owned(),
        "      - name: shipped_on\n        logicalType: date\n        logicalTypeOptions: {minimum: '2000-01-01'}\n".to_owned(),
    ];
    let short = dataset.rsplit('.').next().unwrap_or(dataset);
    format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: {dataset}\nname: {short}\nversion: 1.0.0\nstatus: active\n\
         description:\n  purpose: To measure how fast many contracts are read.\n\
         schema:\n  - name: {short}\n    physicalName: {dataset}\n    physicalType: table\n    properties:\n{}    \
         quality:\n      - {{metric: rowCount, mustBeGreaterThan: 0}}\n\
         team:\n  name: bench\n  members:\n    - username: team@bench.example\n      role: owner\n",
        columns.concat()
    )
}
