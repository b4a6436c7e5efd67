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
    /// MySQL and MariaDB.
    MySql,
    /// SQL Server.
    SqlServer,
    /// Oracle.
    Oracle,
    /// Amazon Redshift.
    Redshift,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 10] = [
        Self::Ansi,
        Self::Postgres,
        Self::Spark,
        Self::Snowflake,
        Self::BigQuery,
        Self::DuckDb,
        Self::MySql,
        Self::SqlServer,
        Self::Oracle,
        Self::Redshift,
    ];

    /// Those that are written, too; the others are only read.
    pub const WRITTEN: [Self; 8] = [
        Self::Ansi,
        Self::Postgres,
        Self::Spark,
        Self::Snowflake,
        Self::BigQuery,
        Self::DuckDb,
        Self::MySql,
        Self::Redshift,
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
            Self::MySql => "mysql",
            Self::SqlServer => "sqlserver",
            Self::Oracle => "oracle",
            Self::Redshift => "redshift",
        }
    }

    /// The dialect, where it is written.
    ///
    /// # Errors
    /// `Usage` where it is only read.
    pub(crate) fn written(self) -> Result<Self> {
        if Self::WRITTEN.contains(&self) {
            return Ok(self);
        }
        let message = format!("contracts are imported from the dialect of {self}, and not exported to it");
        let help = format!(
            "name one that is written: {}",
            Self::WRITTEN.map(Self::as_str).join(", ")
        );
        Err(Error::new(ErrorKind::Usage, message).with_help(help))
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
            Self::MySql => "MySQL",
            Self::SqlServer => "SQL Server",
            Self::Oracle => "Oracle",
            Self::Redshift => "Redshift",
        })
    }
}

impl FromStr for Dialect {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let word = match text {
            "postgresql" => "postgres",
            "databricks" => "spark",
            "mariadb" => "mysql",
            "mssql" | "tsql" => "sqlserver",
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
