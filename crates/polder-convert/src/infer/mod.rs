//! A contract from the columns that a table has, and what its rows show beside them.

mod columns;
mod observed;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use arrow::datatypes::Schema;
use polder_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use columns::property;

use crate::bounds::Bounds;
use crate::dialect::Dialect;
use crate::draft::{Draft, ImportOptions};
use crate::loss::{Converted, Tracker, describe};
use crate::proof::last_row;
use crate::sql::apply_check;

pub use observed::Observed;

const NO_PLACE: &str = "a contract has no place for it";
/// Settings that the platform gives every table of its own: no loss.
const OWN_SETTINGS: [&str; 1] = ["delta.checkpointInterval"];
/// What a table says of itself beside its columns.
#[derive(Debug, Clone, Default)]
pub struct TableFacts {
    /// What it is.
    pub description: Option<String>,
    /// The columns that part its files, in their order.
    pub partitions: Vec<String>,
    /// Its settings. Those of the form `delta.constraints.<name>` are conditions of its rows.
    pub configuration: BTreeMap<String, String>,
}

/// A contract of a table with these columns. Only what the schema itself says (types, what is never null) is
/// promised; what `rows` showed stands in comments at the top, for people to take up. Columns that begin with an
/// underscore are the platform's and left out where the contract is bound to a dataset.
///
/// # Errors
/// `Document` where no column is left or the columns make no contract.
pub fn infer(
    schema: &Schema,
    facts: &TableFacts,
    rows: Option<&Observed>,
    options: &ImportOptions,
) -> Result<Converted<String>> {
    let tracker = Tracker::default();
    let bounds = Bounds::default();
    let name = options.name.clone().unwrap_or_else(|| "table".to_owned());
    let mut object = Map::from_iter([("name".to_owned(), json!(name))]);
    let mut properties = Vec::new();
    for field in schema.fields() {
        // No loss: they are there whatever a contract says.
        if options.dataset.is_some() && field.name().starts_with('_') {
            continue;
        }
        properties.push(property(field, field.name(), 0, &tracker, &bounds)?);
    }
    if properties.is_empty() {
        return Err(Error::new(
            ErrorKind::Document,
            "the table has no columns to make a contract of",
        ));
    }
    if let Some(text) = &facts.description {
        object.insert("description".to_owned(), json!(text));
    }
    declared(facts, &mut properties, &mut object, &tracker);
    for key in schema.metadata().keys() {
        tracker.lose("metadata", key.as_str(), NO_PLACE);
    }
    let properties = properties.into_iter().map(Value::Object).collect();
    object.insert("properties".to_owned(), Value::Array(properties));
    let draft = Draft {
        root: Map::new(),
        objects: vec![object],
    };
    let text = draft.write(options, &tracker)?;
    let comments = rows.map(Observed::comments).unwrap_or_default();
    Ok(Converted {
        value: format!("{comments}{text}"),
        losses: tracker.finish(&Value::Null, |_| String::new()),
    })
}

/// Takes partitions and conditions over; other settings are named.
fn declared(
    facts: &TableFacts,
    properties: &mut [Map<String, Value>],
    object: &mut Map<String, Value>,
    tracker: &Tracker,
) {
    for (index, name) in facts.partitions.iter().enumerate() {
        match properties
            .iter_mut()
            .find(|known| known.get("name") == Some(&json!(name)))
        {
            Some(property) => {
                property.insert("partitioned".to_owned(), json!(true));
                property.insert("partitionKeyPosition".to_owned(), json!(index + 1));
            }
            None => tracker.lose(name.as_str(), "a partition", "its column is not in the contract"),
        }
    }
    for (key, value) in &facts.configuration {
        if OWN_SETTINGS.contains(&key.as_str()) {
            continue;
        }
        let Some(name) = key.strip_prefix("delta.constraints.") else {
            tracker.lose("configuration", format!("{key}: {}", describe(&json!(value))), NO_PLACE);
            continue;
        };
        // Delta's conditions are Spark's expressions.
        match apply_check(value, Dialect::Spark, Some(name), properties, object) {
            Ok(true) => tracker.stands(last_row(object), format!("configuration.{key}")),
            Ok(false) => {
                let why = "the limits of a column have no name in a contract";
                tracker.lose("configuration", key.as_str(), why);
            }
            Err(why) => tracker.lose("configuration", format!("{key}: {value}"), why),
        }
    }
}
