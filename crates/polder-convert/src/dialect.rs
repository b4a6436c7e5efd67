//! Dialects of SQL.

use std::fmt;
use std::str::FromStr;

use polder_core::document::nearest;
use polder_core::{Error, ErrorKind, Result};

/// A dialect of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// The standard's words, which most engines read.
    #[default]
    Ansi,
    /// PostgreSQL.
    Postgres,
    /// Spark and Databricks.
    Spark,
    /// Snowflake.
    Snowflake,
    /// BigQuery (GoogleSQL).
    BigQuery,
    /// DuckDB.
    DuckDb,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 6] = [
        Self::Ansi,
        Self::Postgres,
        Self::Spark,
        Self::Snowflake,
        Self::BigQuery,
        Self::DuckDb,
    ];

    /// The dialect's word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ansi => "ansi",
            Self::Postgres => "postgres",
            Self::Spark => "spark",
            Self::Snowflake => "snowflake",
            Self::BigQuery => "bigquery",
            Self::DuckDb => "duckdb",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ansi => "standard SQL",
            Self::Postgres => "PostgreSQL",
            Self::Spark => "Spark SQL",
            Self::Snowflake => "Snowflake",
            Self::BigQuery => "BigQuery",
            Self::DuckDb => "DuckDB",
        })
    }
}

impl FromStr for Dialect {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let word = match text {
            "postgresql" => "postgres",
            "databricks" => "spark",
            other => other,
        };
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.as_str() == word)
            .ok_or_else(|| {
                let error = Error::new(ErrorKind::Usage, format!("`{text}` is no dialect of SQL"));
                match nearest(text, Self::ALL.map(Self::as_str)) {
                    Some(near) => error.with_help(format!("did you mean `{near}`?")),
                    None => error.with_help(format!("known: {}", Self::ALL.map(Self::as_str).join(", "))),
                }
            })
    }
}
