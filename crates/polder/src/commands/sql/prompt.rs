//! The interactive prompt: history, completion of names, statements over several lines, paging.

use std::borrow::Cow;
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use polder_query::{Session, query_error};
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::HistoryHinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Context, Editor, Helper, Hinter};

use crate::options::SqlFormat;
use crate::output::{Printer, line, remark};
use crate::platform::Platform;
use crate::report;

const HELP: &str = "\
statements end with a semicolon, over as many lines as you like
\\d            all datasets
\\d NAME       the columns of one
\\?            this
\\q, Ctrl-D    leave";

const KEYWORDS: &[&str] = &[
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COUNT",
    "CROSS",
    "DATE",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "ELSE",
    "END",
    "EXPLAIN",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "INNER",
    "INTERVAL",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "MAX",
    "MIN",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OVER",
    "PARTITION",
    "SELECT",
    "SUM",
    "THEN",
    "TIMESTAMP AS OF",
    "UNION",
    "VERSION AS OF",
    "WHEN",
    "WHERE",
    "WITH",
];

/// Reads and runs statements until the user leaves.
pub(super) async fn run(platform: &Platform, session: &Session, limit: usize) -> Result<()> {
    let failed = || "the prompt does not start".to_owned();
    let names = names(platform, session).await?;
    let config = Config::builder()
        .history_ignore_space(true)
        .auto_add_history(false)
        .build();
    let mut editor: Editor<Names, DefaultHistory> = Editor::with_config(config).context(ErrorKind::Internal, failed)?;
    editor.set_helper(Some(Names {
        names,
        hinter: HistoryHinter::new(),
    }));
    let history = history_file();
    if let Some(file) = &history {
        // No history yet is no failure.
        let _ = editor.load_history(file);
    }
    remark(&format!(
        "polder {} on {}; \\? helps",
        env!("CARGO_PKG_VERSION"),
        platform.mesh.config.name
    ));
    loop {
        // The editor waits for keys; the runtime's other threads go on.
        match tokio::task::block_in_place(|| editor.readline("polder> ")) {
            Ok(input) => {
                let input = input.trim();
                if input.is_empty() {
                    continue;
                }
                let _ = editor.add_history_entry(input);
                if matches!(input, "\\q" | "quit" | "exit" | "quit;" | "exit;") {
                    break;
                }
                if let Err(error) = answer(session, input, limit).await {
                    report::error(&error, Some(&platform.mesh.root));
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(Error::new(ErrorKind::Internal, "the prompt broke off").with_source(error)),
        }
    }
    if let Some(file) = &history {
        let saved = file
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .map_err(ReadlineError::from);
        if let Err(error) = saved.and_then(|()| editor.save_history(file)) {
            remark(&format!(
                "warning: the history cannot be kept in {}: {error}",
                file.display()
            ));
        }
    }
    Ok(())
}

async fn answer(session: &Session, input: &str, limit: usize) -> Result<()> {
    if input == "help" {
        return line(HELP);
    }
    if let Some(command) = input.strip_prefix('\\') {
        return match command.split_whitespace().collect::<Vec<_>>()[..] {
            ["?"] => line(HELP),
            ["d"] => {
                for dataset in session.datasets().await? {
                    line(&dataset.to_string())?;
                }
                Ok(())
            }
            ["d", name] => show(session, &format!("DESCRIBE {name}"), 0).await,
            _ => Err(Error::new(ErrorKind::Usage, format!("there is no command `{input}`")).with_help("\\? shows all")),
        };
    }
    show(session, input.trim_end_matches(';'), limit).await
}

async fn show(session: &Session, query: &str, limit: usize) -> Result<()> {
    let frame = session.sql(query).await?;
    let schema = std::sync::Arc::new(frame.schema().as_arrow().clone());
    let batches = frame.collect().await.map_err(query_error)?;
    let mut text = Vec::new();
    let mut printer = Printer::to_writer(SqlFormat::Table, schema, limit, &mut text)?;
    for batch in &batches {
        printer.write(batch)?;
    }
    let hidden = printer.finish()?;
    let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
    let more = if hidden > 0 {
        format!(", {hidden} of them not shown (--limit)")
    } else {
        String::new()
    };
    page(&format!(
        "{}({}{more})",
        String::from_utf8_lossy(&text),
        counted(rows, "row")
    ))
}

/// Shows a text; one that is longer than a screen through the pager.
fn page(text: &str) -> Result<()> {
    let height = std::env::var("LINES")
        .ok()
        .and_then(|lines| lines.parse().ok())
        .unwrap_or(40);
    if std::io::stdout().is_terminal() && text.lines().count() > height {
        let pager = std::env::var("PAGER").unwrap_or_else(|_| "less -SFRX".to_owned());
        let mut words = pager.split_whitespace();
        if let Some(program) = words.next()
            && let Ok(mut child) = Command::new(program).args(words).stdin(Stdio::piped()).spawn()
        {
            if let Some(mut input) = child.stdin.take() {
                // Who leaves the pager early has seen enough.
                let _ = input.write_all(text.as_bytes());
            }
            let _ = child.wait();
            return Ok(());
        }
    }
    line(text)
}

/// Everything that can be completed: datasets, their columns, keywords.
async fn names(platform: &Platform, session: &Session) -> Result<Vec<String>> {
    let mut names: Vec<String> = KEYWORDS.iter().map(|word| (*word).to_owned()).collect();
    names.extend(session.datasets().await?.iter().map(ToString::to_string));
    if let Ok(contracts) = platform.contracts() {
        names.extend(
            contracts
                .iter()
                .flat_map(|bound| bound.object().properties.iter().map(|column| column.name.clone())),
        );
    }
    names.sort();
    names.dedup();
    Ok(names)
}

fn history_file() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state")))?;
    Some(state.join("polder/sql_history"))
}

#[derive(Helper, Hinter)]
struct Names {
    names: Vec<String>,
    #[rustyline(Hinter)]
    hinter: HistoryHinter,
}

impl Completer for Names {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let start = line[..at]
            .rfind(|c: char| !(c.is_alphanumeric() || "._".contains(c)))
            .map_or(0, |i| i + 1);
        let word = line[start..at].to_lowercase();
        let found = self
            .names
            .iter()
            .filter(|name| !word.is_empty() && name.to_lowercase().starts_with(&word));
        Ok((
            start,
            found
                .map(|name| Pair {
                    display: name.clone(),
                    replacement: name.clone(),
                })
                .collect(),
        ))
    }
}

impl Validator for Names {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let input = context.input().trim();
        let whole = input.is_empty()
            || input.starts_with('\\')
            || input.ends_with(';')
            || matches!(input, "quit" | "exit" | "help" | "\\q");
        Ok(if whole {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

impl Highlighter for Names {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[2m{hint}\x1b[0m"))
    }
}
