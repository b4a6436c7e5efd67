//! What the gate costs on ingest: the same topic under a contract with all of its rules, and under one without any.

use std::fs;

use anyhow::{Context, Result};

use super::{
    Options, Programs,
    figures::{Table, median, thousands},
    kafka::{self, Services},
    mesh::Mesh,
    process::Run,
};

/// The contract of the stream's dataset, below the mesh's folder.
const CONTRACT: &str = "contracts/sales/invoice_lines.bronze.odcs.yaml";

/// How often each side runs, unless more is asked for: a run takes seconds, and what is looked for is a few hundredths of it.
pub(super) const RUNS: usize = 9;

pub(super) fn run(programs: &Programs, options: Options) -> Result<()> {
    let retail = super::retail()?;
    let scratch = super::scratch("gate")?;
    let services = Services::start(&scratch)?;
    let with = Mesh::create(scratch.join("with"), &programs.polder, &services.environment)?;
    let without = Mesh::create(scratch.join("without"), &programs.polder, &services.environment)?;
    let path = scratch.join("without").join(CONTRACT);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    fs::write(&path, without_rules(&text))?;
    // The rules with samples are gone.
    let samples = path.with_file_name("invoice_lines.bronze.samples.yaml");
    if samples.exists() {
        fs::remove_file(samples)?;
    }
    kafka::publish(&with, &retail, options.events)?;

    let (mut gated, mut bare) = (Vec::new(), Vec::new());
    for run in 0..options.runs {
        // Each side goes first in turn, so that neither always finds the machine as the other left it.
        let mut sides = [(&with, &mut gated), (&without, &mut bare)];
        if run % 2 == 1 {
            sides.reverse();
        }
        for (mesh, runs) in sides {
            mesh.forget()?;
            runs.push(mesh.ingest(options.events)?);
        }
    }
    let mut table = Table::new(&["median", "rows/s", "wall s", "CPU s a million rows"]);
    for (name, runs) in [("ingest with 22 rules", &gated), ("ingest without rules", &bare)] {
        let wall = median(seconds(runs));
        let row = [
            thousands(options.events as f64 / wall),
            format!("{wall:.2}"),
            format!("{:.2}", median(processor(runs)) / (options.events as f64 / 1e6)),
        ];
        table.row(name, &row);
    }
    table.print();
    for (name, runs) in [("with rules", &gated), ("without", &bare)] {
        let each: Vec<String> = seconds(runs).map(|wall| format!("{wall:.2}")).collect();
        println!("{name}, each run in s: {}", each.join(", "));
    }
    let share = |with: f64, without: f64| 100.0 * (with / without - 1.0);
    println!(
        "the rules take {:.1} % more time and {:.1} % more processor time",
        share(median(seconds(&gated)), median(seconds(&bare))),
        share(median(processor(&gated)), median(processor(&bare))),
    );
    Ok(())
}

/// The contract with its columns and their types alone.
fn without_rules(contract: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut kept = Vec::new();
    let mut skipped = None;
    for line in contract.lines() {
        if skipped.is_some_and(|outer| indent(line) > outer) {
            continue;
        }
        skipped = None;
        match line.trim() {
            "required: true" => {}
            "logicalTypeOptions:" | "quality:" => skipped = Some(indent(line)),
            _ => kept.push(line),
        }
    }
    kept.join("\n")
}

fn seconds(runs: &[Run]) -> impl Iterator<Item = f64> {
    runs.iter().map(|run| run.wall.as_secs_f64())
}

fn processor(runs: &[Run]) -> impl Iterator<Item = f64> {
    runs.iter().map(|run| run.cpu.as_secs_f64())
}

#[cfg(test)]
mod tests {
    #[test]
    fn rules_go_and_types_stay() {
        let contract = "a:\n  - name: x\n    required: true\n    logicalTypeOptions:\n      minimum: 1\n    \
                        quality:\n      - id: y\n        mustBe: 0\n    logicalType: string\nteam: z";
        let left = "a:\n  - name: x\n    logicalType: string\nteam: z";
        assert_eq!(super::without_rules(contract), left);
    }
}
