//! Which statements are of concern, and what is wrong with those that are none.

use polder_core::document::{Diagnostic, nearest};
use sqlparser::parser::ParserError;

use super::super::statements::Statement;
use crate::dialect::Dialect;
use crate::document::Document;

/// Words that statements begin with in one or the other dialect.
const VERBS: &[&str] = &[
    "ABORT",
    "ADD",
    "ALTER",
    "ANALYSE",
    "ANALYZE",
    "ASSERT",
    "ATTACH",
    "BEGIN",
    "BULK",
    "CACHE",
    "CALL",
    "CHECKPOINT",
    "CLEAR",
    "CLOSE",
    "CLUSTER",
    "COMMENT",
    "COMMIT",
    "CONNECT",
    "CONVERT",
    "COPY",
    "CREATE",
    "DBCC",
    "DEALLOCATE",
    "DECLARE",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DETACH",
    "DISCARD",
    "DISCONNECT",
    "DO",
    "DROP",
    "ELSE",
    "END",
    "EXEC",
    "EXECUTE",
    "EXPLAIN",
    "EXPORT",
    "FETCH",
    "FOR",
    "FORCE",
    "FROM",
    "GET",
    "GRANT",
    "IF",
    "IMPORT",
    "INSERT",
    "INSTALL",
    "LET",
    "LIST",
    "LISTEN",
    "LOAD",
    "LOCK",
    "LOOP",
    "MERGE",
    "MOVE",
    "MSCK",
    "NOTIFY",
    "OPEN",
    "OPTIMIZE",
    "PIVOT",
    "PRAGMA",
    "PREPARE",
    "PRINT",
    "PUT",
    "RAISE",
    "REASSIGN",
    "REFRESH",
    "REINDEX",
    "RELEASE",
    "REMOVE",
    "RENAME",
    "REPAIR",
    "REPEAT",
    "REPLACE",
    "RESET",
    "RESTORE",
    "RETURN",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SECURITY",
    "SELECT",
    "SET",
    "SHOW",
    "START",
    "SUMMARIZE",
    "TABLE",
    "TRUNCATE",
    "UNCACHE",
    "UNDROP",
    "UNLISTEN",
    "UNLOAD",
    "UNLOCK",
    "UNPIVOT",
    "UNSET",
    "UPDATE",
    "UPSERT",
    "USE",
    "VACUUM",
    "VALUES",
    "WHILE",
    "WITH",
];

/// Words for what databases keep.
const THINGS: &[&str] = &[
    "ACCESS",
    "ACCOUNT",
    "AGGREGATE",
    "ALERT",
    "API",
    "APPLICATION",
    "ASSIGNMENT",
    "BUCKET",
    "CAPACITY",
    "CAST",
    "CATALOG",
    "COLLATION",
    "COLUMN",
    "COMPUTE",
    "CONNECTION",
    "CONSTRAINT",
    "CONVERSION",
    "CREDENTIAL",
    "DATABASE",
    "DATASET",
    "DEFAULT",
    "DOMAIN",
    "EVENT",
    "EXTENSION",
    "EXTERNAL",
    "FAILOVER",
    "FILE",
    "FOREIGN",
    "FUNCTION",
    "GROUP",
    "IMAGE",
    "INDEX",
    "INTEGRATION",
    "LANGUAGE",
    "LARGE",
    "LOCATION",
    "MACRO",
    "MASKING",
    "MATERIALIZED",
    "MODEL",
    "NETWORK",
    "NOTEBOOK",
    "NOTIFICATION",
    "OPERATOR",
    "ORGANIZATION",
    "PASSWORD",
    "PIPE",
    "POLICY",
    "PRIVILEGES",
    "PACKAGE",
    "PROCEDURE",
    "PROFILE",
    "PROVIDER",
    "PUBLICATION",
    "RECIPIENT",
    "REPLICATION",
    "RESERVATION",
    "RESOURCE",
    "ROLE",
    "ROUTINE",
    "ROW",
    "RULE",
    "SCHEMA",
    "SEARCH",
    "SECRET",
    "SEQUENCE",
    "SERVER",
    "SERVICE",
    "SESSION",
    "SHARE",
    "SNAPSHOT",
    "STAGE",
    "STATISTICS",
    "STORAGE",
    "STREAM",
    "STREAMLIT",
    "SYNONYM",
    "SUBSCRIPTION",
    "SYSTEM",
    "TABLE",
    "TABLESPACE",
    "TAG",
    "TASK",
    "TEXT",
    "TRANSFORM",
    "TRIGGER",
    "TYPE",
    "USER",
    "VARIABLE",
    "VECTOR",
    "VIEW",
    "VOLUME",
    "WAREHOUSE",
];

/// Words between `CREATE` and what is created.
const MODIFIERS: &[&str] = &[
    "OR",
    "REPLACE",
    "GLOBAL",
    "LOCAL",
    "TEMP",
    "TEMPORARY",
    "UNLOGGED",
    "TRANSIENT",
    "VOLATILE",
    "EXTERNAL",
    "DYNAMIC",
    "ICEBERG",
    "SNAPSHOT",
    "HYBRID",
    "FOREIGN",
    "UNIQUE",
    "CLUSTERED",
    "NONCLUSTERED",
    "BITMAP",
    "COLUMN",
    "EDITIONABLE",
    "NONEDITIONABLE",
    "PRIVATE",
];

/// Whether a statement with these first words creates such a thing.
pub(super) fn creates(head: &str, thing: &str) -> bool {
    let mut words = head.split(' ');
    words.next() == Some("CREATE") && words.find(|word| !MODIFIERS.contains(word)) == Some(thing)
}

/// Whether a statement that creates no table says something about tables, or about the types of their columns.
pub(super) fn is_about_tables(head: &str) -> bool {
    [
        "ALTER TABLE",
        "ALTER TYPE",
        "COMMENT ON TABLE",
        "COMMENT ON COLUMN",
        "CREATE TYPE",
        "CREATE DOMAIN",
        "CREATE UNIQUE INDEX",
        "CREATE UNIQUE CLUSTERED INDEX",
        "CREATE UNIQUE NONCLUSTERED INDEX",
    ]
    .iter()
    .any(|known| head.starts_with(known))
}

/// What a statement does, in its first words.
pub(super) fn kind(head: &str) -> String {
    let words: Vec<&str> = head.split(' ').collect();
    let thing = matches!(words.first(), Some(&("CREATE" | "ALTER" | "DROP")))
        .then(|| words.iter().skip(1).position(|word| THINGS.contains(word)))
        .flatten();
    let shown = thing.map_or(2, |at| at + 2);
    words.iter().take(shown).copied().collect::<Vec<_>>().join(" ")
}

/// A text that begins as no statement does.
pub(super) struct Unknown {
    pub(super) found: Diagnostic,
    /// Whether it is a slip of the pen; else it may be a word of some database's own.
    pub(super) slip: bool,
}

/// What is wrong with a text that begins as no statement does.
pub(super) fn unknown(document: &Document<'_>, statement: &Statement<'_>) -> Option<Unknown> {
    let words: Vec<&str> = statement.head.split(' ').collect();
    let first = words.first().copied().unwrap_or_default();
    let at = |word: &str| {
        let inside = statement.text.to_ascii_uppercase().find(word).unwrap_or(0);
        let start = statement.start + inside;
        (start, document.word_end(start))
    };
    if !VERBS.contains(&first) {
        let (start, end) = at(first);
        let shown = document.text.get(start..end).unwrap_or_default();
        let mut found = document.wrong(start, end, format!("`{shown}` begins no statement of SQL"));
        found.help = match first {
            "GO" => Some("so scripts of SQL Server are cut: --dialect sqlserver".to_owned()),
            _ => nearest(first, VERBS.iter().copied()).map(|near| format!("did you mean `{near}`?")),
        };
        let slip = found.help.is_some();
        return Some(Unknown { found, slip });
    }
    if !matches!(first, "CREATE" | "ALTER" | "DROP") || words.iter().any(|word| THINGS.contains(word)) {
        return None;
    }
    let word = words.iter().skip(1).find(|word| !MODIFIERS.contains(word)).copied()?;
    let (start, end) = at(word);
    let shown = document.text.get(start..end).unwrap_or_default();
    let mut found = document.wrong(start, end, format!("`{first} {shown}` is no statement of SQL"));
    found.help = nearest(word, THINGS.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    let slip = found.help.is_some();
    Some(Unknown { found, slip })
}

/// Why a change of a table goes nowhere that the parser does not know.
pub(super) fn unread(statement: &str, dialect: Dialect, cause: &ParserError) -> String {
    const OF_STORAGE: [&str; 7] = [
        " ATTACH PARTITION ",
        " DETACH PARTITION ",
        " SET STATISTICS ",
        " SET STORAGE ",
        " SET COMPRESSION ",
        " CLUSTER ON ",
        " INHERIT ",
    ];
    let upper = statement
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_uppercase();
    if upper.contains(" EXCLUDE ") {
        return "a contract's keys are of equal values".to_owned();
    }
    if OF_STORAGE.iter().any(|words| upper.contains(words)) {
        return super::OF_DATABASE.to_owned();
    }
    format!("it is not known as {dialect}: {}", reason(cause).0)
}

/// What the parser says, and where in the statement where it knows that.
fn reason(cause: &ParserError) -> (String, Option<(usize, usize)>) {
    let text = match cause {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.as_str(),
        ParserError::RecursionLimitExceeded => "it is nested too deeply",
    };
    // The place stands behind the reason.
    let (reason, place) = match text.rsplit_once(" at Line: ") {
        Some((reason, place)) => (reason, place.split_once(", Column: ")),
        None => (text, None),
    };
    let place = place.and_then(|(line, column)| Some((line.trim().parse().ok()?, column.trim().parse().ok()?)));
    let mut characters = reason.chars();
    let reason = characters
        .next()
        .map_or(String::new(), |first| first.to_lowercase().chain(characters).collect());
    (reason, place)
}

/// What the parser says about a statement, at its place in the script.
pub(super) fn diagnostic(
    document: &Document<'_>,
    statement: &Statement<'_>,
    dialect: Dialect,
    cause: &ParserError,
) -> Diagnostic {
    let (reason, place) = reason(cause);
    let start = match place {
        Some((line, column)) => document.offset(statement.start, line, column),
        // Where it knows no place the statement has ended too soon.
        None if reason.contains("EOF") => statement.start + statement.text.len(),
        None => statement.start,
    };
    let start = start.min(document.text.len());
    let message = format!("not valid {dialect}: {reason}");
    let mut found = document.wrong(start, document.word_end(start), message);
    let help = match dialect {
        Dialect::Ansi => {
            let named = Dialect::ALL.map(Dialect::as_str);
            let others: Vec<&str> = named.into_iter().filter(|word| *word != dialect.as_str()).collect();
            format!(
                "name the dialect that it is written in with --dialect: {}",
                others.join(", ")
            )
        }
        named => format!(
            "mend it, or name another dialect than {} with --dialect",
            named.as_str()
        ),
    };
    found.help = Some(help);
    found
}
