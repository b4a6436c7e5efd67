//! Types of columns in the words of a dialect.

use super::super::words::{literal, quoted};
use super::argument;
use crate::dialect::Dialect;
use crate::element::Column;
use crate::kind::Kind;

/// The most bytes of a text in Redshift.
const MOST_OF_REDSHIFT: u64 = 65_535;

/// The text of a column's type in a dialect. What the type cannot say is named as lost.
pub(crate) fn column_type(column: &Column<'_>, dialect: Dialect) -> String {
    written(column, dialect, Fields::Bare)
}

/// The same as it stands in a CREATE TABLE, where the fields of structs may say more of themselves.
pub(crate) fn declared_type(column: &Column<'_>, dialect: Dialect) -> String {
    written(column, dialect, Fields::Described)
}

/// What stands behind the type of a struct's field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fields {
    /// Nothing: a cast refuses more.
    Bare,
    /// That it is never null, and what it is, where the dialect has words for it.
    Described,
}

fn written(column: &Column<'_>, dialect: Dialect, fields: Fields) -> String {
    use Dialect as D;
    let physical = column.view.get("physicalType").filter(|_| column.kind == Kind::String);
    let in_type = physical.as_ref().and_then(|view| argument(view.value.as_str()?));
    let length = column
        .max_length()
        .or(in_type)
        .filter(|length| (1..=10_000).contains(length));
    // A key's text needs a length in MySQL.
    let keyed = dialect == D::MySql && length.is_none() && is_keyed(column);
    let with_length = |word: &str| length.map_or(word.to_owned(), |length| format!("{word}({length})"));
    let text = match column.kind {
        Kind::Boolean if dialect == D::BigQuery => "BOOL".to_owned(),
        Kind::Boolean => "BOOLEAN".to_owned(),
        Kind::Integer { bits, signed } => integer(bits, signed, dialect),
        Kind::Float32 => match dialect {
            D::Spark | D::MySql => "FLOAT",
            D::Snowflake => "FLOAT",
            D::BigQuery => "FLOAT64",
            _ => "REAL",
        }
        .to_owned(),
        Kind::Float64 => match dialect {
            D::BigQuery => "FLOAT64",
            D::Spark | D::DuckDb | D::Snowflake | D::MySql => "DOUBLE",
            _ => "DOUBLE PRECISION",
        }
        .to_owned(),
        Kind::Decimal { precision, scale } => match dialect {
            D::Postgres => format!("NUMERIC({precision}, {scale})"),
            // Scales go to 30 in the one, to 37 in the other.
            D::MySql if scale > 30 => "DOUBLE".to_owned(),
            D::Redshift if scale > 37 => "DOUBLE PRECISION".to_owned(),
            D::BigQuery if scale <= 9 && precision - scale <= 29 => format!("NUMERIC({precision}, {scale})"),
            D::BigQuery => format!("BIGNUMERIC({precision}, {scale})"),
            _ => format!("DECIMAL({precision}, {scale})"),
        },
        Kind::String => match dialect {
            D::Postgres if length.is_none() => "TEXT".to_owned(),
            D::Spark if length.is_none() => "STRING".to_owned(),
            D::BigQuery => with_length("STRING"),
            D::MySql if keyed => {
                let why = "a key's text needs a length in MySQL: written as VARCHAR(255)";
                column.view.lose_part("logicalTypeOptions.maxLength", "not given", why);
                "VARCHAR(255)".to_owned()
            }
            // A row has 65,535 bytes for all of them.
            D::MySql if length.is_none_or(|length| length > 1000) => "LONGTEXT".to_owned(),
            // Its lengths are of bytes, of which a character has up to four.
            D::Redshift => {
                let bytes = length.map_or(MOST_OF_REDSHIFT, |length| (length * 4).min(MOST_OF_REDSHIFT));
                format!("VARCHAR({bytes})")
            }
            _ => with_length("VARCHAR"),
        },
        Kind::Uuid => match dialect {
            D::Postgres | D::DuckDb => "UUID",
            D::Redshift => "VARCHAR(36)",
            D::MySql => "CHAR(36)",
            D::Spark | D::BigQuery => "STRING",
            _ => "VARCHAR",
        }
        .to_owned(),
        Kind::Binary => match dialect {
            D::Postgres => "BYTEA",
            D::Redshift => "VARBYTE",
            D::MySql => "LONGBLOB",
            D::BigQuery => "BYTES",
            D::Spark | D::Snowflake => "BINARY",
            _ => "BLOB",
        }
        .to_owned(),
        Kind::Date => "DATE".to_owned(),
        Kind::Timestamp => match dialect {
            D::Spark | D::BigQuery => "TIMESTAMP",
            D::Snowflake => "TIMESTAMP_LTZ",
            D::MySql => {
                let why = "MySQL's TIMESTAMP goes from 1970 to 2038";
                column.view.lose_part("logicalType", "timestamp", why);
                "TIMESTAMP(6)"
            }
            _ => "TIMESTAMP WITH TIME ZONE",
        }
        .to_owned(),
        Kind::TimestampLocal => match dialect {
            D::Spark | D::Snowflake => "TIMESTAMP_NTZ",
            D::BigQuery => "DATETIME",
            D::MySql => "DATETIME(6)",
            _ => "TIMESTAMP",
        }
        .to_owned(),
        Kind::Time if dialect == D::Spark => "STRING".to_owned(),
        Kind::Time if dialect == D::MySql => "TIME(6)".to_owned(),
        Kind::Time => "TIME".to_owned(),
        Kind::Object | Kind::Array | Kind::Map => return compound(column, dialect, fields),
    };
    let back = Kind::from_sql(&text, dialect).unwrap_or(Kind::String);
    column
        .kind
        .settle(back, &column.view, &format!("{dialect} has no such type"));
    if column.kind == Kind::String && text.contains('(') && dialect != D::Redshift {
        if let Some(option) = column.option("maxLength").filter(|_| !keyed) {
            option.keep();
        }
        if let Some(physical) = physical.filter(|_| in_type == length) {
            physical.keep();
        }
    }
    text
}

/// Whether a column is a key, or refers to one.
fn is_keyed(column: &Column<'_>) -> bool {
    let is = |key: &str| column.view.value.get(key).and_then(serde_json::Value::as_bool) == Some(true);
    is("primaryKey") || is("unique") || column.view.get("relationships").is_some()
}

fn integer(bits: u8, signed: bool, dialect: Dialect) -> String {
    match (dialect, bits, signed) {
        (Dialect::BigQuery, 64, false) => "NUMERIC(20, 0)",
        (Dialect::BigQuery, ..) => "INT64",
        (Dialect::DuckDb, 8, false) => "UTINYINT",
        (Dialect::DuckDb, 16, false) => "USMALLINT",
        (Dialect::DuckDb, 32, false) => "UINTEGER",
        (Dialect::DuckDb, 64, false) => "UBIGINT",
        (Dialect::MySql, 8, false) => "TINYINT UNSIGNED",
        (Dialect::MySql, 16, false) => "SMALLINT UNSIGNED",
        (Dialect::MySql, 32, false) => "INT UNSIGNED",
        (Dialect::MySql, 64, false) => "BIGINT UNSIGNED",
        (Dialect::DuckDb | Dialect::Spark | Dialect::Snowflake | Dialect::MySql, 8, true) => "TINYINT",
        (_, 8, _) | (_, 16, true) => "SMALLINT",
        (Dialect::Spark, 16, false) | (Dialect::Spark, 32, true) => "INT",
        (_, 16, false) | (_, 32, true) => "INTEGER",
        (_, 32, false) | (_, 64, true) => "BIGINT",
        (Dialect::Postgres, ..) => "NUMERIC(20, 0)",
        _ => "DECIMAL(20, 0)",
    }
    .to_owned()
}

/// A list, object or map. Where the dialect has none it is written as JSON, and all that is inside is lost.
fn compound(column: &Column<'_>, dialect: Dialect, said: Fields) -> String {
    use Dialect as D;
    let nested = |inside: &Column<'_>| {
        if inside.required {
            inside.view.lose_part(
                "required",
                "true",
                format!("{dialect} does not say it of values inside others"),
            );
        }
        written(inside, dialect, said)
    };
    match (column.kind, dialect) {
        (Kind::Array, D::Postgres | D::DuckDb) => {
            if let Some(items) = column.items() {
                return format!("{}[]", nested(&items));
            }
        }
        (Kind::Array, D::BigQuery) => {
            if let Some(items) = column.items() {
                let inner = nested(&items);
                if !inner.starts_with("ARRAY<") {
                    return format!("ARRAY<{inner}>");
                }
                let why = "BigQuery has no lists of lists: each inner one is the field `items` of a struct";
                column.view.lose_part("items", "a list", why);
                return format!("ARRAY<STRUCT<items {inner}>>");
            }
        }
        (Kind::Array, D::Spark) => {
            if let Some(items) = column.items() {
                return format!("ARRAY<{}>", nested(&items));
            }
        }
        (Kind::Map, D::DuckDb) => {
            if let Some((key, value)) = column.map() {
                return format!("MAP({}, {})", nested(&key), nested(&value));
            }
        }
        (Kind::Map, D::Spark) => {
            if let Some((key, value)) = column.map() {
                return format!("MAP<{}, {}>", nested(&key), nested(&value));
            }
        }
        (Kind::Object, D::Spark | D::BigQuery | D::DuckDb) => {
            let fields: Vec<String> = column
                .fields()
                .iter()
                .map(|field| {
                    let colon = if dialect == D::Spark { ":" } else { "" };
                    let name = quoted(field.name, dialect);
                    if said == Fields::Described && dialect != D::DuckDb {
                        let text = written(field, dialect, said);
                        return format!("{name}{colon} {text}{}", words(field, dialect));
                    }
                    format!("{name}{colon} {}", nested(field))
                })
                .collect();
            if !fields.is_empty() {
                let (open, close) = if dialect == D::DuckDb { ('(', ')') } else { ('<', '>') };
                return format!("STRUCT{open}{}{close}", fields.join(", "));
            }
        }
        _ => {}
    }
    column
        .kind
        .settle(Kind::String, &column.view, &format!("{dialect} has no such type: JSON"));
    match dialect {
        D::Postgres => "JSONB",
        D::Redshift => "SUPER",
        D::Snowflake => "VARIANT",
        D::Spark => "STRING",
        _ => "JSON",
    }
    .to_owned()
}

/// What a field of a struct says of itself in DDL of Spark and BigQuery.
fn words(field: &Column<'_>, dialect: Dialect) -> String {
    let mut words = String::new();
    if field.required {
        words.push_str(" NOT NULL");
    }
    if let Some(text) = field.view.text("description") {
        let text = literal(text, dialect);
        words.push_str(&match dialect {
            Dialect::BigQuery => format!(" OPTIONS(description={text})"),
            _ => format!(" COMMENT {text}"),
        });
    }
    words
}
