//! `polder sql`: one query, the statements of standard input, or a prompt.

mod format;
mod prompt;
mod signed;

use std::collections::HashSet;
use std::io::{IsTerminal, Read};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use futures::StreamExt;
use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use polder_gate::engine_words::constants_in_words;
use polder_query::{Session, given_names, query_error};

use crate::options::{SqlArgs, SqlFormat};
use crate::output::{Printer, remark, wrote};
use crate::platform::Platform;

/// Runs the query that is given, else what standard input holds, else a prompt.
pub(crate) async fn run(platform: &Platform, args: &SqlArgs, quiet: bool) -> Result<()> {
    let format = format::format(args)?;
    let session = platform.session()?;
    let queries = match &args.query {
        Some(query) => vec![query.clone()],
        None if std::io::stdin().is_terminal() => return prompt::run(platform, &session, args.limit).await,
        None => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context(ErrorKind::Usage, || "standard input cannot be read".to_owned())?;
            statements(&text)
        }
    };
    for query in queries {
        let frame = match session.sql(&query).await {
            Ok(frame) => frame,
            Err(error) => return Err(explained(platform, &session, &query, error).await),
        };
        let given = given_names(frame.logical_plan());
        let mut rows = frame.execute_stream().await.map_err(query_error)?;
        let schema = match (format, headed(&rows.schema(), &given)) {
            (SqlFormat::Parquet, schema) => signed::signed(&schema),
            (_, schema) => schema,
        };
        let mut printer = match &args.output {
            Some(path) => Printer::to_file(format, Arc::clone(&schema), args.limit, path)?,
            None => Printer::to_terminal(format, Arc::clone(&schema), args.limit)?,
        };
        while let Some(batch) = rows.next().await {
            printer.write(&under(&schema, &batch.map_err(query_error)?)?)?;
        }
        let hidden = printer.finish()?;
        if let Some(path) = &args.output {
            wrote(path, quiet);
        }
        if hidden > 0 && !quiet {
            remark(&format!(
                "{}; --limit 0 shows all, --format csv writes them out",
                counted(hidden, "more row")
            ));
        }
    }
    Ok(())
}

/// A dataset that is declared and has no table yet is not unknown: what is missing is a run.
async fn explained(platform: &Platform, session: &Session, query: &str, error: Error) -> Error {
    if error.kind() != ErrorKind::NotFound {
        return error;
    }
    let (Ok(names), Ok(contracts), Ok(built)) = (
        session.references(query),
        platform.contracts(),
        session.datasets().await,
    ) else {
        return error;
    };
    match names
        .iter()
        .find(|name| contracts.get(name).is_some() && !built.contains(name))
    {
        Some(name) => Error::new(
            ErrorKind::NotFound,
            format!("`{name}` is declared, but nothing has built it yet"),
        )
        .with_help("`polder ingest --until-end` lands streams, `polder run` builds pipelines"),
        None => error,
    }
}

/// Prints the rows of one query to standard output. Gives the rows that a table did not show.
pub(crate) async fn print_query(session: &Session, query: &str, format: SqlFormat, limit: usize) -> Result<usize> {
    let frame = session.sql(query).await?;
    let given = given_names(frame.logical_plan());
    let mut rows = frame.execute_stream().await.map_err(query_error)?;
    let schema = headed(&rows.schema(), &given);
    let mut printer = Printer::to_terminal(format, Arc::clone(&schema), limit)?;
    while let Some(batch) = rows.next().await {
        printer.write(&under(&schema, &batch.map_err(query_error)?)?)?;
    }
    printer.finish()
}

/// The columns of a result, with those that the query gives no name named without the engine's way to write constants:
/// `items[1]` for `items[Int64(1)]`. Names that were `given` stay, and where two would then be called the same, all do.
fn headed(schema: &SchemaRef, given: &[bool]) -> SchemaRef {
    let given = given.iter().copied().chain(std::iter::repeat(false));
    let named: Vec<_> = schema
        .fields()
        .iter()
        .zip(given)
        .map(|(field, given)| match given {
            true => field.as_ref().clone(),
            false => field.as_ref().clone().with_name(constants_in_words(field.name())),
        })
        .collect();
    let names: HashSet<_> = named.iter().map(|field| field.name()).collect();
    match names.len() == named.len() {
        true => Arc::new(Schema::new_with_metadata(named, schema.metadata().clone())),
        false => Arc::clone(schema),
    }
}

/// The same rows under these columns, in their types.
fn under(schema: &SchemaRef, rows: &RecordBatch) -> Result<RecordBatch> {
    let count = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), signed::columns(schema, rows)?, &count)
        .context(ErrorKind::Internal, || {
            "these rows do not go under their columns".to_owned()
        })
}

/// Splits a text at semicolons that stand outside quotes and comments.
fn statements(text: &str) -> Vec<String> {
    let mut statements = vec![String::new()];
    let mut quote = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, ';') => {
                statements.push(String::new());
                continue;
            }
            (None, '\'' | '"') => quote = Some(character),
            (None, '-') if characters.peek() == Some(&'-') => {
                let comment: String = std::iter::once('-')
                    .chain(characters.by_ref().take_while(|c| *c != '\n'))
                    .collect();
                if let Some(statement) = statements.last_mut() {
                    statement.push_str(&comment);
                    statement.push('\n');
                }
                continue;
            }
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
        if let Some(statement) = statements.last_mut() {
            statement.push(character);
        }
    }
    statements.retain(|statement| !statement.trim().is_empty());
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_nobody_gave_are_put_into_words() {
        let field = |name: &str| arrow::datatypes::Field::new(name, arrow::datatypes::DataType::Int64, true);
        let schema = Arc::new(Schema::new(vec![field("a Int64(1)"), field("l[Int64(1)]")]));
        let names = |given: &[bool]| -> Vec<_> {
            let headed = headed(&schema, given);
            headed.fields().iter().map(|field| field.name().clone()).collect()
        };
        assert_eq!(names(&[true, false]), ["a Int64(1)", "l[1]"]);
        assert_eq!(names(&[false, true]), ["a 1", "l[Int64(1)]"]);
    }

    #[test]
    fn statements_end_at_semicolons_outside_quotes_and_comments() {
        let found = statements("SELECT ';' AS a; -- no; end\nSELECT \"x;y\" FROM t;\n");
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], "SELECT ';' AS a");
        assert!(found[1].ends_with("SELECT \"x;y\" FROM t"));
    }
}
