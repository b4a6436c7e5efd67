//! Contracts from and to other formats: SQL DDL, Avro, JSON Schema, Protobuf, dbt models, the Data Contract
//! Specification, Arrow schemas; to Markdown and HTML for people, data products too.
//!
//! Text in, text out. No two formats say the same: whatever a conversion cannot carry over is named in
//! [`Converted::losses`], so that nothing is lost in silence.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod avro;
mod bounds;
mod dbt;
mod dialect;
mod document;
mod draft;
mod element;
mod infer;
mod json_schema;
mod keys;
mod kind;
mod loss;
mod names;
mod page;
mod proof;
mod protobuf;
mod specification;
mod sql;
mod storable;
#[cfg(test)]
mod tests;
mod vendor;
mod yaml;

use polder_contract::Contract;
use polder_core::document::MAX_BYTES;
use polder_core::{Error, ErrorKind, Result};
use serde_json::Value;

use document::Document;

pub use dialect::Dialect;
pub use draft::{Binding, ImportOptions};
pub use infer::{Observed, TableFacts, infer};
pub use loss::{Converted, Loss};
pub use page::{IndexEntry, ProductEntry, Site, html, index, markdown, product_html, product_markdown};
pub use proof::RowRuleProof;

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
    let document = Document::new(text, options.file.clone());
    let with_dialect = |dialect| ImportOptions {
        dialect,
        ..options.clone()
    };
    let converted = match format {
        Format::Sql(dialect) => sql::import(&document, &with_dialect(dialect)),
        Format::Avro => avro::import(&document, options),
        Format::JsonSchema => json_schema::import(&document, options),
        Format::Protobuf => protobuf::import(&document, options),
        Format::Dbt(dialect) => dbt::import(&document, &with_dialect(dialect)),
        Format::DataContractSpecification => specification::import(&document, options),
    };
    converted.map_err(|error| document.name(error))
}

/// Writes a contract in another format; with `object`, only the object at that position.
///
/// # Errors
/// `Document` where the contract has no schema; `Usage` where the dialect is one that is only read.
pub fn export(contract: &Contract, object: Option<usize>, format: Format) -> Result<Converted<String>> {
    let mut document = contract.document.to_json();
    if let (Some(object), Some(schema)) = (object, document.get_mut("schema").and_then(Value::as_array_mut)) {
        *schema = schema.drain(..).skip(object).take(1).collect();
    }
    export_document(&document, format)
}

fn export_document(document: &Value, format: Format) -> Result<Converted<String>> {
    match format {
        Format::Sql(dialect) => sql::export(document, dialect.written()?),
        Format::Avro => avro::export(document),
        Format::JsonSchema => json_schema::export(document),
        Format::Protobuf => protobuf::export(document),
        Format::Dbt(dialect) => dbt::export(document, dialect.written()?),
        Format::DataContractSpecification => specification::export(document),
    }
}

/// JSON as people read it, with a line feed at its end.
fn pretty(value: &Value) -> String {
    // Writing a value that is in memory cannot fail: it has no keys but text.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
