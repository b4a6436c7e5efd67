//! SQL DDL: tables with columns, keys, checks and comments.

mod check;
mod duckdb;
mod export;
mod functions;
mod habits;
mod import;
mod inside;
mod limits;
mod meaning;
mod moments;
mod routine;
mod spark;
mod spark_tail;
mod statements;
#[cfg(test)]
mod tests;
mod types;
mod vendor;
mod words;

pub(crate) use check::apply_check;
pub(crate) use export::export;
pub(crate) use import::import;
pub(crate) use limits::limits;
pub(crate) use types::{column_type, read_type_text};
pub(crate) use words::quoted;

use sqlparser::dialect as parsers;

use crate::dialect::Dialect;

/// The parser's rules for a dialect.
fn parser(dialect: Dialect) -> Box<dyn parsers::Dialect> {
    match dialect {
        Dialect::Ansi => Box::new(parsers::GenericDialect {}),
        Dialect::Postgres => Box::new(parsers::PostgreSqlDialect {}),
        Dialect::Spark => Box::new(spark::Spark),
        Dialect::Snowflake => Box::new(parsers::SnowflakeDialect {}),
        Dialect::BigQuery => Box::new(parsers::BigQueryDialect {}),
        Dialect::DuckDb => Box::new(duckdb::DuckDb),
        Dialect::MySql => Box::new(parsers::MySqlDialect {}),
        Dialect::SqlServer => Box::new(parsers::MsSqlDialect {}),
        Dialect::Oracle => Box::new(parsers::OracleDialect {}),
        Dialect::Redshift => Box::new(parsers::RedshiftSqlDialect {}),
    }
}
