//! One Parquet file held against one contract: `polder test`, datacontract-cli, and DuckDB with one query written by
//! hand. All three must find the same.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::super::{
    Options, Programs,
    figures::{Table, mebibytes, median, thousands},
    mesh::without_settings,
    process::{self, Run},
};
use crate::{checkout::Cache, readers};

/// Threads of every side.
const THREADS: usize = 2;
/// What the checks may take at most, in MiB.
const MEMORY_LIMIT: f64 = 400.0;

/// What one side found of a rule: the figure, where it tells one, and whether the rule holds.
type Findings = BTreeMap<String, (Option<f64>, bool)>;

/// The programs, the file, and the contracts.
struct Bench<'a> {
    polder: &'a Path,
    peer: PathBuf,
    duckdb: PathBuf,
    script: PathBuf,
    folder: &'a Path,
    file: PathBuf,
    rows: u64,
}

pub(super) fn run(programs: &Programs, options: Options, scratch: &Path) -> Result<()> {
    let cache = Cache::open()?;
    let bench = Bench {
        polder: &programs.polder,
        peer: readers::datacontract(&cache)?,
        duckdb: readers::python(&cache)?,
        script: scratch.join("orders.py"),
        folder: scratch,
        file: scratch.join("orders.parquet"),
        rows: options.rows,
    };
    fs::write(&bench.script, include_str!("orders.py"))?;
    process::measure(
        Command::new(&bench.duckdb)
            .arg(&bench.script)
            .args(["make", &options.rows.to_string()])
            .arg(&bench.file),
    )?;
    println!(
        "file: {} rows of 13 columns, {:.1} MB of Parquet (zstd)",
        thousands(options.rows as f64),
        fs::metadata(&bench.file)?.len() as f64 / 1e6
    );
    bench.compare("checks", "check", include_str!("orders.odcs.yaml"), options.runs)?;
    bench.compare(
        "unique keys (whole numbers and texts)",
        "keys",
        include_str!("keys.odcs.yaml"),
        options.runs,
    )
}

impl Bench<'_> {
    /// Runs all three in turn over one contract, and prints how they compare.
    fn compare(&self, what: &str, verb: &str, contract: &str, runs: usize) -> Result<()> {
        let contract = contract
            .replace("FILE", &self.file.display().to_string())
            .replace("ROWS", &self.rows.to_string());
        let ours = self.folder.join(format!("{verb}.odcs.yaml"));
        fs::write(&ours, &contract)?;
        // Its DuckDB takes a dot in a table's name for a schema: the same contract without the physical name.
        let theirs = self.folder.join(format!("{verb}.peer.odcs.yaml"));
        let without: Vec<&str> = contract
            .lines()
            .filter(|line| !line.contains("physicalName:"))
            .collect();
        fs::write(&theirs, without.join("\n"))?;

        let (mut polder, mut peer, mut duckdb) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..runs {
            polder.push(self.polder(&ours)?);
            peer.push(self.peer(&theirs)?);
            duckdb.push(self.duckdb(verb)?);
        }
        let found = of_polder(&polder[0].output)?;
        agree(&found, &self.of_peer()?, "datacontract-cli")?;
        agree(&found, &of_duckdb(&duckdb[0].output)?, "DuckDB")?;
        let failed = found.values().filter(|(_, holds)| !holds).count();
        println!(
            "\n{} {what}, {failed} failed: polder, datacontract-cli and DuckDB agree on each verdict, and on each figure \
             that they tell",
            found.len()
        );
        let mut table = Table::new(&["median", "wall s", "rows/s", "CPU s", "peak MiB"]);
        for (name, runs) in [
            ("`polder test`", &polder),
            ("datacontract-cli 1.2.8", &peer),
            ("DuckDB, one query", &duckdb),
        ] {
            table.row(name, &self.cells(runs));
        }
        table.print();
        let (wall, memory) = (median(seconds(&polder)), median(peaks(&polder)));
        for (name, runs) in [("datacontract-cli", &peer), ("DuckDB", &duckdb)] {
            println!(
                "{name} takes {:.1} times the time and {:.1} times the memory of polder",
                median(seconds(runs)) / wall,
                median(peaks(runs)) / memory
            );
        }
        let most = peaks(&polder).fold(0.0, f64::max);
        if verb == "check" && most > MEMORY_LIMIT {
            bail!("polder test took {most:.0} MiB, more than the {MEMORY_LIMIT:.0} MiB that it may take");
        }
        Ok(())
    }

    fn polder(&self, contract: &Path) -> Result<Run> {
        let mut command = Command::new(self.polder);
        without_settings(&mut command);
        command.args(["--quiet", "test", "--format", "json"]).arg(contract);
        command.arg("--data").arg(&self.file);
        process::measure_verdict(&mut command)
    }

    fn peer(&self, contract: &Path) -> Result<Run> {
        let mut command = Command::new(&self.peer);
        command.arg("test").arg(contract).args(["--server", "local"]);
        command.args(["--output-format", "json", "--output"]).arg(self.answer());
        process::measure_verdict(&mut command)
    }

    fn duckdb(&self, verb: &str) -> Result<Run> {
        let mut command = Command::new(&self.duckdb);
        command.arg(&self.script).arg(verb).arg(&self.file);
        command.args([THREADS.to_string(), self.rows.to_string()]);
        process::measure(&mut command)
    }

    fn answer(&self) -> PathBuf {
        self.folder.join("peer.json")
    }

    /// What datacontract-cli found in its last run. It tells a figure only of what fails.
    fn of_peer(&self) -> Result<Findings> {
        let answer: Value = serde_json::from_str(&fs::read_to_string(self.answer())?)?;
        let mut found = Findings::new();
        for check in answer["checks"].as_array().context("datacontract-cli told no checks")? {
            let word = |key: &str| check[key].as_str().unwrap_or_default();
            let rule = match word("type") {
                "field_required" => "required",
                "field_unique" => "unique",
                "field_minimum" => "minimum",
                "field_maximum" => "maximum",
                "field_min_length" => "minLength",
                "field_max_length" => "maxLength",
                "field_regex" => "pattern",
                "field_null_values" => "nullValues",
                "field_missing_values" => "missingValues",
                "field_invalid_values" => "invalidValues",
                "row_count" => "rowCount",
                // Whether a column is there is no rule of the contract, and types it cannot check in files.
                "field_is_present" | "field_type" => continue,
                other => bail!("datacontract-cli ran a check of the unknown type {other}"),
            };
            let name = match word("field") {
                "" => rule.to_owned(),
                field => format!("{field}.{rule}"),
            };
            let figure = word("reason")
                .split_once(" was ")
                .and_then(|(_, rest)| rest.split(',').next()?.parse().ok());
            found.insert(name, (figure, word("result") == "passed"));
        }
        Ok(found)
    }

    fn cells(&self, runs: &[Run]) -> Vec<String> {
        let wall = median(seconds(runs));
        vec![
            format!("{wall:.2}"),
            thousands(self.rows as f64 / wall),
            format!("{:.2}", median(runs.iter().map(|run| run.cpu.as_secs_f64()))),
            format!("{:.0}", median(peaks(runs))),
        ]
    }
}

/// What `polder test` found, but for the columns' types.
fn of_polder(output: &str) -> Result<Findings> {
    let rows: Vec<Value> = serde_json::from_str(output).context("polder test gave no JSON")?;
    let mut found = Findings::new();
    for row in &rows {
        let rule = row["rule"].as_str().context("polder test names no rule")?;
        if !rule.ends_with(".type") {
            found.insert(rule.to_owned(), (row["figure"].as_f64(), row["verdict"] == "passed"));
        }
    }
    Ok(found)
}

fn of_duckdb(output: &str) -> Result<Findings> {
    let answer: BTreeMap<String, (f64, bool)> = serde_json::from_str(output).context("DuckDB gave no answer")?;
    Ok(answer
        .into_iter()
        .map(|(rule, (figure, holds))| (rule, (Some(figure), holds)))
        .collect())
}

/// An error, unless both found the same: each rule with its verdict, and its figure where both tell one.
fn agree(ours: &Findings, theirs: &Findings, peer: &str) -> Result<()> {
    let names = |findings: &Findings| findings.keys().cloned().collect::<Vec<_>>();
    if names(ours) != names(theirs) {
        bail!("polder ran {:?}, {peer} ran {:?}", names(ours), names(theirs));
    }
    for (rule, (figure, holds)) in ours {
        let (other, other_holds) = &theirs[rule];
        let same = match (figure, other) {
            (Some(figure), Some(other)) => (figure - other).abs() <= 1e-6 * other.abs().max(1.0),
            _ => true,
        };
        if holds != other_holds || !same {
            bail!("{rule}: polder finds {figure:?} ({holds}), {peer} {other:?} ({other_holds})");
        }
    }
    Ok(())
}

fn seconds(runs: &[Run]) -> impl Iterator<Item = f64> {
    runs.iter().map(|run| run.wall.as_secs_f64())
}

fn peaks(runs: &[Run]) -> impl Iterator<Item = f64> {
    runs.iter().map(|run| mebibytes(run.peak))
}

#[cfg(test)]
mod tests {
    use super::{Findings, agree, of_duckdb, of_polder};

    #[test]
    fn findings_are_read_from_both_forms() {
        let polder = r#"[{"rule":"a.type","verdict":"passed","figure":0},
                         {"rule":"a.required","verdict":"failed","figure":3}]"#;
        let ours = of_polder(polder).unwrap();
        assert_eq!(ours, Findings::from([("a.required".to_owned(), (Some(3.0), false))]));
        assert!(agree(&ours, &of_duckdb(r#"{"a.required": [3, false]}"#).unwrap(), "DuckDB").is_ok());
        for other in [r#"{"a.required": [4, false]}"#, r#"{"a.required": [3, true]}"#, "{}"] {
            assert!(agree(&ours, &of_duckdb(other).unwrap(), "DuckDB").is_err(), "{other}");
        }
    }
}
