//! What an import found that no contract can keep: patterns and rules in SQL that nothing can run. They are left out,
//! and named as lost.

use std::path::Path;
use std::sync::Arc;

use polder_contract::{Contract, DatasetContract, rule};
use polder_core::DatasetName;
use polder_core::document::Source;
use serde_json::{Map, Value, json};

use crate::kind::OF_TYPE;
use crate::loss::{Tracker, describe};
use crate::yaml;

/// Whether the rules of a contract can be run.
///
/// # Errors
/// Why not.
pub type RowRuleProof = fn(&DatasetContract) -> Result<(), String>;

/// The names of a column.
const NAMES: [&str; 2] = ["name", "physicalName"];

/// The text of a rule in SQL over rows.
fn row(rule: &Value) -> Option<&str> {
    rule.pointer("/implementation/row")?.as_str()
}

/// The text of the object's last rule, where that is one in SQL over rows.
pub(crate) fn last_row(object: &Map<String, Value>) -> Option<String> {
    row(object.get("quality")?.as_array()?.last()?).map(str::to_owned)
}

/// Leaves patterns out that no contract can have.
pub(crate) fn drop_patterns(object: &mut Map<String, Value>, tracker: &Tracker) {
    let name = object
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    for property in properties(object) {
        patterns(property, &name, tracker);
    }
}

fn properties(element: &mut Map<String, Value>) -> &mut [Value] {
    let list = element.get_mut("properties").and_then(Value::as_array_mut);
    list.map_or(&mut [], Vec::as_mut_slice)
}

fn patterns(property: &mut Value, path: &str, tracker: &Tracker) {
    let Some(property) = property.as_object_mut() else {
        return;
    };
    let path = match property.get("name").and_then(Value::as_str) {
        Some(name) => format!("{path}.{name}"),
        None => path.to_owned(),
    };
    if let Some(options) = property.get_mut("logicalTypeOptions").and_then(Value::as_object_mut)
        && let Some(pattern) = options.get("pattern").and_then(Value::as_str)
        && let Err(why) = rule::regex(pattern)
    {
        // What is behind the pattern itself.
        let why = why.rsplit_once("cannot be used: ").map_or(why.as_str(), |(_, why)| why);
        tracker.lose(&path, format!("pattern {}", describe(&json!(pattern))), why);
        options.remove("pattern");
        if options.is_empty() {
            property.remove("logicalTypeOptions");
        }
    }
    for field in properties(property) {
        patterns(field, &path, tracker);
    }
    if let Some(items) = property.get_mut("items") {
        patterns(items, &format!("{path}.items"), tracker);
    }
    for side in ["key", "value"] {
        if let Some(inside) = property.get_mut("map").and_then(|map| map.get_mut(side)) {
            patterns(inside, &format!("{path}.{side}"), tracker);
        }
    }
}

/// Leaves the object's rules in SQL over rows out that cannot be run. Where its columns alone make no contract of a
/// dataset, nobody can tell, and all stay.
pub(crate) fn drop_rules(object: &mut Map<String, Value>, proof: RowRuleProof, tracker: &Tracker) {
    let rules = object.get("quality").and_then(Value::as_array);
    let rules: Vec<Value> = rules
        .into_iter()
        .flatten()
        .filter(|rule| row(rule).is_some())
        .cloned()
        .collect();
    if rules.is_empty() {
        return;
    }
    let bare = bare(object);
    if judge(&bare, &rules, proof).is_ok() || judge(&bare, &[], proof).is_err() {
        return;
    }
    let name = object
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let Some(quality) = object.get_mut("quality").and_then(Value::as_array_mut) else {
        return;
    };
    quality.retain(|rule| {
        let Some(sql) = row(rule) else { return true };
        let Err(why) = judge(&bare, std::slice::from_ref(rule), proof) else {
            return true;
        };
        let path = tracker.place(sql).unwrap_or_else(|| name.clone());
        let what = format!("CHECK ({})", describe(&json!(sql)));
        tracker.lose(path, what, format!("it cannot be a rule: {why}"));
        false
    });
    if quality.is_empty() {
        object.remove("quality");
    }
}

/// The object as a dataset with nothing but the names and types of its columns.
fn bare(object: &Map<String, Value>) -> Map<String, Value> {
    let bound = object.get("physicalName").and_then(Value::as_str);
    let dataset = bound.filter(|name| name.parse::<DatasetName>().is_ok());
    let mut bare = Map::from_iter([
        ("name".to_owned(), json!("rows")),
        (
            "physicalName".to_owned(),
            json!(dataset.unwrap_or("import.bronze.rows")),
        ),
    ]);
    let columns = object.get("properties").and_then(Value::as_array);
    let columns = columns.into_iter().flatten().map(types).collect();
    bare.insert("properties".to_owned(), Value::Array(columns));
    bare
}

fn types(property: &Value) -> Value {
    let Value::Object(property) = property else {
        return property.clone();
    };
    let says = |key: &str| NAMES.contains(&key) || OF_TYPE.contains(&key);
    let kept = property.iter().filter(|(key, _)| says(key.as_str()));
    let kept = kept.map(|(key, value)| {
        let value = match (key.as_str(), value) {
            ("properties", Value::Array(fields)) => fields.iter().map(types).collect(),
            ("items", items) => types(items),
            ("map", Value::Object(sides)) => sides
                .iter()
                .map(|(side, inside)| (side.clone(), types(inside)))
                .collect(),
            _ => value.clone(),
        };
        (key.clone(), value)
    });
    Value::Object(kept.collect())
}

/// Whether a column with more limits is one of a contract; where it is none without them either, nobody can tell.
///
/// # Errors
/// Why its type does not take them.
pub(crate) fn fits(before: &Map<String, Value>, after: &Map<String, Value>) -> Result<(), String> {
    let alone = |column: &Map<String, Value>, dataset: bool| {
        let says = |key: &str| key == "quality" || OF_TYPE.contains(&key);
        let mut bare: Map<String, Value> = column
            .iter()
            .filter(|(key, _)| says(key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        bare.insert("name".to_owned(), json!("value"));
        let mut object = json!({"name": "rows", "properties": [bare]});
        if dataset {
            object["physicalName"] = json!("import.bronze.rows");
        }
        parsed(object).map(|_| ())
    };
    // Some types are in no table of a dataset, and have limits nevertheless.
    for dataset in [true, false] {
        if let Err(why) = alone(after, dataset)
            && alone(before, dataset).is_ok()
        {
            // What stands before is the place, which is told beside it.
            return Err(why.split_once(": ").map_or(why.as_str(), |(_, why)| why).to_owned());
        }
    }
    Ok(())
}

fn judge(bare: &Map<String, Value>, rules: &[Value], proof: RowRuleProof) -> Result<(), String> {
    let mut object = bare.clone();
    if !rules.is_empty() {
        object.insert("quality".to_owned(), rules.iter().cloned().collect());
    }
    proof(&DatasetContract {
        contract: Arc::new(parsed(Value::Object(object))?),
        object: 0,
    })
}

/// A contract of one object.
fn parsed(object: Value) -> Result<Contract, String> {
    let document = json!({
        "apiVersion": "v3.2.0", "kind": "DataContract", "id": "import", "name": "import", "version": "0.1.0",
        "status": "draft", "schema": [object],
    });
    let parsed = polder_contract::parse(&Source::new(Path::new("import"), yaml::write(&document)));
    parsed.contract.ok_or_else(|| {
        let why = parsed.diagnostics.into_iter().next().map(|found| found.message);
        why.unwrap_or_default()
    })
}
