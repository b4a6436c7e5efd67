//! Identifiers, and the words that they cannot be without quotes in one or the other dialect.

use crate::dialect::Dialect;

/// Reserved in PostgreSQL, Spark (ANSI), Snowflake, BigQuery or DuckDB, and words of types; sorted.
const RESERVED: [&str; 145] = [
    "account",
    "all",
    "alter",
    "analyse",
    "analyze",
    "and",
    "anti",
    "any",
    "array",
    "as",
    "asc",
    "assert_rows_modified",
    "asymmetric",
    "at",
    "authorization",
    "between",
    "binary",
    "both",
    "by",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "connect",
    "connection",
    "constraint",
    "contains",
    "create",
    "cross",
    "cube",
    "current",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "database",
    "date",
    "default",
    "deferrable",
    "define",
    "delete",
    "desc",
    "describe",
    "distinct",
    "do",
    "drop",
    "else",
    "end",
    "enum",
    "escape",
    "except",
    "exclude",
    "exists",
    "extract",
    "false",
    "fetch",
    "filter",
    "following",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "function",
    "grant",
    "group",
    "grouping",
    "groups",
    "hash",
    "having",
    "if",
    "ignore",
    "ilike",
    "in",
    "increment",
    "initially",
    "inner",
    "insert",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "issue",
    "join",
    "lambda",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "lookup",
    "merge",
    "minus",
    "natural",
    "new",
    "no",
    "not",
    "null",
    "of",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "over",
    "overlaps",
    "partition",
    "primary",
    "public",
    "qualify",
    "range",
    "references",
    "right",
    "row",
    "rows",
    "sample",
    "schema",
    "select",
    "set",
    "some",
    "start",
    "symmetric",
    "table",
    "then",
    "time",
    "timestamp",
    "to",
    "trigger",
    "true",
    "union",
    "unique",
    "unnest",
    "user",
    "using",
    "values",
    "when",
    "where",
];
const ALSO_RESERVED: [&str; 8] = [
    "whenever",
    "window",
    "with",
    "within",
    "view",
    "update",
    "trailing",
    "system_user",
];

/// Whether the word, in lower case, needs quotes.
fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word) || ALSO_RESERVED.contains(&word)
}

/// An identifier, in quotes where it needs them.
pub(crate) fn quoted(name: &str, dialect: Dialect) -> String {
    let simple = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    // These have many more words of their own: there every name is in quotes.
    let quotes = matches!(dialect, Dialect::Redshift | Dialect::MySql);
    if simple && !is_reserved(name) && !quotes {
        return name.to_owned();
    }
    match dialect {
        Dialect::Spark | Dialect::MySql => format!("`{}`", name.replace('`', "``")),
        Dialect::BigQuery => format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`")),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// A text as a literal.
pub(super) fn literal(text: &str, dialect: Dialect) -> String {
    match dialect {
        // Line feeds end a text there.
        Dialect::BigQuery => format!(
            "\"{}\"",
            text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
        ),
        Dialect::Snowflake | Dialect::Redshift | Dialect::MySql => {
            format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
        }
        Dialect::Spark => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        _ => format!("'{}'", text.replace('\'', "''")),
    }
}
