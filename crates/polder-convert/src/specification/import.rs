//! From the Data Contract Specification to contracts.

use polder_core::{DatasetName, Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::field::{Fields, quality, shared};
use super::levels::service_levels;
use super::root::{about, servers, terms};
use crate::bounds::Bounds;
use crate::document::Document;
use crate::draft::{Draft, ImportOptions};
use crate::loss::{Converted, Tracker};

/// The same contract by the Open Data Contract Standard.
pub(crate) fn import(source: &Document<'_>, options: &ImportOptions) -> Result<Converted<String>> {
    let document = source.yaml()?;
    let tracker = Tracker::default();
    let root = tracker.root(&document);
    if root.scalar("dataContractSpecification").is_none() {
        return Err(
            Error::new(ErrorKind::Document, "there is no `dataContractSpecification`")
                .with_help("documents of the Data Contract Specification begin with dataContractSpecification: 1.2.0"),
        );
    }
    let mut draft = Draft::default();
    about(&root, &mut draft.root);
    servers(&root, &mut draft.root);
    terms(&root, &mut draft.root);
    service_levels(&root, &mut draft.root);
    let reader = Fields {
        bounds: Bounds::default(),
        definitions: root.get("definitions"),
    };
    for (name, model) in root.get("models").map(|models| models.entries()).unwrap_or_default() {
        let mut object = Map::from_iter([("name".to_owned(), json!(name))]);
        if let Some(kind) = model.get("type") {
            match kind.value.as_str() {
                Some("table") => kind.keep(),
                Some(word) => {
                    object.insert("physicalType".to_owned(), json!(word));
                    kind.keep();
                }
                None => {}
            }
        }
        shared(&model, &["description", "tags"], &mut object);
        quality(&model, &mut object);
        let mut properties = Vec::new();
        for (name, field) in model.get("fields").map(|fields| fields.entries()).unwrap_or_default() {
            properties.push(reader.read(Some(name), &field, 0)?);
        }
        for (index, column) in model.items("primaryKey").into_iter().enumerate() {
            let found = properties
                .iter_mut()
                .filter_map(Value::as_object_mut)
                .find(|known| known.get("name") == Some(column.value));
            if let Some(property) = found {
                column.keep();
                property.insert("primaryKey".to_owned(), json!(true));
                property.insert("primaryKeyPosition".to_owned(), json!(index + 1));
            }
        }
        object.insert("properties".to_owned(), Value::Array(properties));
        draft.objects.push(object);
    }
    let names: Vec<String> = draft
        .objects
        .iter()
        .filter_map(|object| object.get("name")?.as_str().map(str::to_owned))
        .collect();
    drop_unknown_references(&mut draft.objects, &names, &tracker);
    let value = draft.write(options, &tracker)?;
    let losses = tracker.finish(&document, |path| {
        let why = match path.rsplit('.').next() {
            Some("lineage") => "the standard names the objects that a column is made from, not their fields",
            _ => "the standard has no place for it",
        };
        why.to_owned()
    });
    Ok(Converted { value, losses })
}

/// References to what this document does not describe cannot be followed.
fn drop_unknown_references(objects: &mut [Map<String, Value>], names: &[String], tracker: &Tracker) {
    for object in objects {
        let table = object
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let Some(properties) = object.get_mut("properties").and_then(Value::as_array_mut) else {
            continue;
        };
        for property in properties.iter_mut().filter_map(Value::as_object_mut) {
            let to = property
                .get("relationships")
                .and_then(|list| list.get(0)?.get("to")?.as_str())
                .map(str::to_owned);
            let Some(to) = to else { continue };
            let target = to.split('.').next().unwrap_or_default();
            let plain = to
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
            let known = names.iter().any(|name| name == target) || is_of_dataset(&to);
            if !plain || !to.contains('.') || !known {
                property.remove("relationships");
                let name = property.get("name").and_then(Value::as_str).unwrap_or_default();
                let path = format!("models.{table}.fields.{name}.references");
                tracker.lose(path, to, "there is no such model in the document");
            }
        }
    }
}

/// Whether a reference leads to a column of a dataset of the mesh.
fn is_of_dataset(to: &str) -> bool {
    to.rsplit_once('.')
        .is_some_and(|(dataset, column)| !column.is_empty() && dataset.parse::<DatasetName>().is_ok())
}
