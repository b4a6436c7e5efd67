//! `polder sql`: one query, the statements of standard input, or a prompt.

mod format;
mod prompt;

use std::io::{IsTerminal, Read};

use futures::StreamExt;
use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use polder_query::{Session, query_error};

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
        let mut rows = frame.execute_stream().await.map_err(query_error)?;
        let mut printer = match &args.output {
            Some(path) => Printer::to_file(format, rows.schema(), args.limit, path)?,
            None => Printer::to_terminal(format, rows.schema(), args.limit)?,
        };
        while let Some(batch) = rows.next().await {
            printer.write(&batch.map_err(query_error)?)?;
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
    let mut rows = session.sql(query).await?.execute_stream().await.map_err(query_error)?;
    let mut printer = Printer::to_terminal(format, rows.schema(), limit)?;
    while let Some(batch) = rows.next().await {
        printer.write(&batch.map_err(query_error)?)?;
    }
    printer.finish()
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
    fn statements_end_at_semicolons_outside_quotes_and_comments() {
        let found = statements("SELECT ';' AS a; -- no; end\nSELECT \"x;y\" FROM t;\n");
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], "SELECT ';' AS a");
        assert!(found[1].ends_with("SELECT \"x;y\" FROM t"));
    }
}
