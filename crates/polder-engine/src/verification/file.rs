//! Files held against a contract, as a dataset is.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use polder_contract::DatasetContract;
use polder_core::{Error, ErrorKind, Result};
use polder_delivery::Discretion;
use polder_gate::arrow_schema;
use polder_gate::reading::fields_beyond;
use polder_gate::table::{NoFacts, Queries, RuleResult, RuleVerdict, TableCheck};
use polder_query::{RuleQueries, Session};

use super::folders::FolderColumns;
use super::given::Given;
use super::lines::Lines;
use super::parquet::Known;
use super::rows::{OverValues, Rows, values_alone};
use super::together::Refused;
use super::{Verification, parquet, verify};

/// Columns that a message lists at most.
const LISTED: usize = 12;

/// Holds the rows of files against a contract, as [`Engine::verify`](crate::Engine::verify) does a dataset. `named` are
/// Parquet files or files of JSON lines, and folders with such files in them or below; all rows are judged together.
/// A column that no file has and that their folders are named after (`day=2026-01-31`) is read from there. JSON is read as
/// streams read it: a value that does not fit breaks the rule `<column>.type` of its column. `discretion`
/// says what may be told to everybody.
///
/// # Errors
/// `NotFound` where there is no such file; `Usage` for a file that cannot be read, files that do not go together, a folder
/// without files, and rows that have none of the contract's columns; `Document` for a contract that cannot be compiled.
pub async fn verify_files(
    session: &Session,
    contract: DatasetContract,
    named: &[PathBuf],
    show: usize,
    discretion: &Discretion,
) -> Result<Verification> {
    let check = TableCheck::compile(&contract)?;
    let given = Given::of(named)?;
    let queries = RuleQueries::new(session, &contract).alone();
    let columns = contract.object().properties.iter();
    let declared: Vec<String> = columns.map(|property| property.name.clone()).collect();
    let files = given.files();
    match &given {
        Given::Parquet(files) => {
            let types = arrow_schema(contract.object())?;
            let known = Known::read(session.context(), files, &types).await?;
            let refused = known.refused().to_vec();
            let (mut names, inside) = found(&known, &types);
            let of_folders = FolderColumns::of(&known, contract.object())?;
            let mut table = known.table()?;
            if let Some(columns) = of_folders {
                table = columns.beside(table);
            }
            let of_table = table.schema();
            let of_folders = of_table.fields().iter().map(|field| field.name().clone());
            names.extend(of_folders.filter(|name| !names.contains(name)).collect::<Vec<_>>());
            let (known, mut unknown): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| declared.contains(name));
            let lacking = without(&declared, &known);
            some_are_known(&contract, files, &declared, (&known, &unknown))?;
            unknown.extend(inside);
            let over_values;
            let queries: &dyn Queries = match values_alone(&table)? {
                Some(plain) => {
                    over_values = OverValues { queries, plain };
                    &over_values
                }
                None => &queries,
            };
            let mut verification = judge(contract, &check, (table, queries), files, show, discretion).await?;
            judge_types(&mut verification.report.results, &refused);
            judge_absence(&mut verification.report.results, &lacking, files);
            (verification.lacking, verification.unknown) = (lacking, unknown);
            Ok(verification)
        }
        Given::Lines(_) => {
            let lines = Lines::read(files, contract.object())?;
            let found = declared.iter().zip(&lines.columns);
            let known: Vec<String> = found
                .filter(|(_, column)| column.named)
                .map(|(name, _)| name.clone())
                .collect();
            let unknown: Vec<String> = lines.unknown.iter().cloned().collect();
            let lacking = without(&declared, &known);
            some_are_known(&contract, files, &declared, (&known, &unknown))?;
            let table = parquet::table(session.context(), &lines.file).await?;
            let Rows { told, plain } = Rows::of(&lines, table, &declared)?;
            let queries = OverValues { queries, plain };
            let mut verification = judge(contract, &check, (told, &queries), files, show, discretion).await?;
            // That a record does not name a column says what null says.
            (verification.lacking, verification.unknown) = (lacking, unknown);
            Ok(verification)
        }
    }
}

async fn judge(
    contract: DatasetContract,
    check: &TableCheck,
    (rows, queries): (Arc<dyn TableProvider>, &dyn Queries),
    files: &[PathBuf],
    show: usize,
    discretion: &Discretion,
) -> Result<Verification> {
    let judged = verify(contract, check, rows, &NoFacts, (queries, discretion), show).await;
    judged.map_err(|error| match error.kind() {
        // What is in a file is judged; that it cannot be read is no verdict about it.
        ErrorKind::Data => parquet::cannot_be_read(files).with_source(error),
        _ => error,
    })
}

/// The columns of all files, and the fields inside of them that the contract does not have, with their way.
fn found(files: &Known<'_>, declared: &Schema) -> (Vec<String>, Vec<String>) {
    let (mut names, mut beyond): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut last = None;
    for (_, _, schema) in files.each() {
        if last.replace(schema) == Some(schema) {
            continue;
        }
        for field in schema.fields() {
            if !names.contains(field.name()) {
                names.push(field.name().clone());
            }
            let Some((_, column)) = declared.fields().find(field.name()) else {
                continue;
            };
            for field in fields_beyond(field.data_type(), column.data_type(), column.name()) {
                if !beyond.contains(&field.way) {
                    beyond.push(field.way);
                }
            }
        }
    }
    (names, beyond)
}

/// The declared columns that are not there.
fn without(declared: &[String], known: &[String]) -> Vec<String> {
    let lacking = declared.iter().filter(|name| !known.contains(name));
    lacking.cloned().collect()
}

fn some_are_known(
    contract: &DatasetContract,
    files: &[PathBuf],
    declared: &[String],
    (known, unknown): (&[String], &[String]),
) -> Result<()> {
    if !known.is_empty() || declared.is_empty() {
        return Ok(());
    }
    let (what, has) = match files {
        [file] => (file.display().to_string(), ["has", "it has"]),
        _ => ("the files".to_owned(), ["have", "they have"]),
    };
    let message = format!(
        "{what} {} none of the columns of {}: {} {}",
        has[0],
        contract.title(),
        has[1],
        listed(unknown)
    );
    Err(Error::new(ErrorKind::Usage, message).with_help(format!(
        "the contract's columns are {}: name the contract (and with --object the object) that the rows are of",
        listed(declared)
    )))
}

/// Says of columns that are of another type in some files, which cannot become the contract's, where that is: such a file
/// breaks the contract whatever values it has.
fn judge_types(results: &mut [RuleResult], refused: &[Refused]) {
    for Refused { column, why } in refused {
        let rule = format!("{column}.type");
        let Some(of_type) = results.iter_mut().find(|result| result.rule == rule) else {
            continue;
        };
        of_type.verdict = RuleVerdict::Failed;
        let Some(before) = of_type.note.replace(why.clone()) else {
            continue;
        };
        // No file has the contract's type, and rules were not run for that reason.
        for result in results.iter_mut() {
            if result.verdict == RuleVerdict::NotRun(before.clone()) {
                result.verdict = RuleVerdict::NotRun(why.clone());
            }
        }
    }
}

/// Judges columns that no file has by that, whatever the rows: one that a value is required of is missing also where there
/// is no row, and what is not there has no type.
fn judge_absence(results: &mut [RuleResult], lacking: &[String], files: &[PathBuf]) {
    let no = match files {
        [_] => "the file has no",
        _ => "the files have no",
    };
    for result in results {
        let Some(column) = lacking.iter().find(|name| result.column.as_ref() == Some(*name)) else {
            continue;
        };
        let why = format!("{no} column `{column}`");
        match result.rule.strip_prefix(column.as_str()) {
            Some(".required") if !matches!(result.verdict, RuleVerdict::NotRun(_)) => {
                result.verdict = RuleVerdict::Failed;
                result.note = Some(why);
            }
            Some(".type") => {
                result.verdict = RuleVerdict::NotRun(why);
                (result.figure, result.failing_rows) = (None, None);
            }
            _ => {}
        }
    }
}

/// Names, the first of them where there are many.
fn listed(names: &[String]) -> String {
    let mut text: Vec<&str> = names.iter().take(LISTED).map(String::as_str).collect();
    if names.len() > LISTED {
        text.push("…");
    }
    match text.is_empty() {
        true => "no column".to_owned(),
        false => text.join(", "),
    }
}
