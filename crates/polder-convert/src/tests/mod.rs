mod examples;
mod hostile;
mod named;
mod pages;
mod round_trip;
pub(crate) mod scripts;
mod storable;

use polder_contract::Contract;
use polder_core::document::Source;
use serde_json::Value;

use crate::{Converted, Dialect, Format, ImportOptions, import};

/// Every format that is written, the ones with dialects in each.
pub(crate) fn formats() -> Vec<Format> {
    let mut formats = vec![
        Format::Avro,
        Format::JsonSchema,
        Format::Protobuf,
        Format::DataContractSpecification,
    ];
    formats.extend(Dialect::WRITTEN.map(Format::Sql));
    formats.extend([Format::Dbt(Dialect::Postgres), Format::Dbt(Dialect::Spark)]);
    formats
}

pub(crate) fn contract(text: &str) -> Contract {
    let parsed = polder_contract::parse(&Source::new("c.odcs.yaml", text));
    parsed
        .contract
        .unwrap_or_else(|| panic!("{:#?}\n{text}", parsed.diagnostics))
}

/// What an import gives, as JSON with its losses (`path: what`).
pub(crate) fn imported(format: Format, text: &str) -> (Value, Vec<String>) {
    let Converted { value, losses } = import(format, text, &ImportOptions::default()).unwrap();
    let losses = losses
        .iter()
        .map(|loss| format!("{}: {}", loss.path, loss.what))
        .collect();
    (contract(&value).document.to_json(), losses)
}

/// The properties of an import's object.
pub(crate) fn properties(document: &Value, object: usize) -> Vec<Value> {
    document["schema"][object]["properties"].as_array().unwrap().clone()
}
