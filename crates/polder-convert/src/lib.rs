//! Contracts from and to other formats: SQL DDL, Avro, JSON Schema, Protobuf, dbt models, the Data Contract
//! Specification, Arrow schemas; to Markdown and HTML for people.
//!
//! Text in, text out. No two formats say the same: whatever a conversion cannot carry over is named in
//! [`Converted::losses`], so that nothing is lost in silence.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod avro;
mod bounds;
mod dbt;
mod dialect;
mod draft;
mod element;
mod infer;
mod json_schema;
mod kind;
mod loss;
mod page;
mod protobuf;
mod specification;
mod sql;
#[cfg(test)]
mod tests;
mod yaml;

use std::path::Path;

use polder_contract::Contract;
use polder_core::document::{MAX_BYTES, Source, parse};
use polder_core::{Error, ErrorKind, Result};
use serde_json::Value;

pub use dialect::Dialect;
pub use draft::{Binding, ImportOptions};
pub use infer::{Observed, infer};
pub use loss::{Converted, Loss};
pub use page::{IndexEntry, html, index, markdown};

/// A format that contracts are read from and written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// SQL DDL in a dialect.
    Sql(Dialect),
    /// An Avro schema.
    Avro,
    /// JSON Schema.
    JsonSchema,
    /// A `.proto` file.
    Protobuf,
    /// dbt's `schema.yml`, its types in a dialect.
    Dbt(Dialect),
    /// The Data Contract Specification.
    DataContractSpecification,
}

/// Reads a document of another format as an ODCS document: YAML that passes the lint.
///
/// # Errors
/// `Document` where the text is not of the format, describes no table, or describes what no contract can hold (a
/// record that contains itself); `Usage` where the options do not fit what it describes.
pub fn import(format: Format, text: &str, options: &ImportOptions) -> Result<Converted<String>> {
    if text.len() > MAX_BYTES {
        return Err(Error::new(
            ErrorKind::Document,
            format!("the document is larger than {} MiB", MAX_BYTES >> 20),
        ));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let with_dialect = |dialect| ImportOptions {
        dialect,
        ..options.clone()
    };
    match format {
        Format::Sql(dialect) => sql::import(text, &with_dialect(dialect)),
        Format::Avro => avro::import(text, options),
        Format::JsonSchema => json_schema::import(text, options),
        Format::Protobuf => protobuf::import(text, options),
        Format::Dbt(dialect) => dbt::import(text, &with_dialect(dialect)),
        Format::DataContractSpecification => specification::import(text, options),
    }
}

/// Writes a contract in another format; with `object`, only the object at that position.
///
/// # Errors
/// `Document` where the contract has no schema.
pub fn export(contract: &Contract, object: Option<usize>, format: Format) -> Result<Converted<String>> {
    let mut document = contract.document.to_json();
    if let (Some(object), Some(schema)) = (object, document.get_mut("schema").and_then(Value::as_array_mut)) {
        *schema = schema.drain(..).skip(object).take(1).collect();
    }
    export_document(&document, format)
}

fn export_document(document: &Value, format: Format) -> Result<Converted<String>> {
    match format {
        Format::Sql(dialect) => sql::export(document, dialect),
        Format::Avro => avro::export(document),
        Format::JsonSchema => json_schema::export(document),
        Format::Protobuf => protobuf::export(document),
        Format::Dbt(dialect) => dbt::export(document, dialect),
        Format::DataContractSpecification => specification::export(document),
    }
}

/// A YAML document as JSON.
fn read_yaml(text: &str) -> Result<Value> {
    let node = parse(&Source::new(Path::new("the document"), text)).map_err(Error::document)?;
    Ok(node.to_json())
}

/// JSON as people read it, with a line feed at its end.
fn pretty(value: &Value) -> String {
    // Writing a value that is in memory cannot fail: it has no keys but text.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
