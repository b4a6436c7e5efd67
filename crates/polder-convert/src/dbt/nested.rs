//! Fields of structs that stand among a model's columns, under their names with dots, as dbt's adapters have it: see
//! <https://docs.getdbt.com/reference/resource-properties/columns> and that of BigQuery.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::dialect::Dialect;
use crate::loss::View;

/// Types that say only that there are fields; these stand among the columns.
const BARE: [&str; 7] = ["struct", "record", "object", "array", "repeated", "list", "variant"];
/// Those of them that are lists.
const LISTS: [&str; 3] = ["array", "repeated", "list"];

/// The names of a model's columns.
pub(super) struct Names<'a> {
    all: HashSet<&'a str>,
    dialect: Dialect,
}

impl<'a> Names<'a> {
    pub(super) fn of(columns: &[View<'a>], dialect: Dialect) -> Self {
        Self {
            all: columns.iter().filter_map(name).collect(),
            dialect,
        }
    }

    /// Column and fields on the way to what this name stands for, where that is a field of another column. In BigQuery
    /// no column has a name with a dot, be the other one listed or not.
    pub(super) fn way<'n>(&self, name: &'n str) -> Option<(&'n str, Vec<&'n str>)> {
        let dots: Vec<usize> = name.match_indices('.').map(|(at, _)| at).collect();
        let listed = dots.iter().find(|at| self.all.contains(&name[..**at]));
        let first = dots.first().filter(|_| self.dialect == Dialect::BigQuery);
        let at = *listed.or(first)?;
        let fields: Vec<&str> = name[at + 1..].split('.').collect();
        (at > 0 && fields.iter().all(|field| !field.is_empty())).then_some((&name[..at], fields))
    }

    /// Whether there are columns that are fields of this one.
    pub(super) fn has_fields(&self, name: &str) -> bool {
        let is_field = |other: &&str| other.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        self.all.iter().any(is_field)
    }
}

fn name<'a>(column: &View<'a>) -> Option<&'a str> {
    column.value.get("name").and_then(Value::as_str)
}

/// Writes the type of a column whose fields stand among the columns, where its own type says no more; gives whether it
/// did.
pub(super) fn bare(data_type: Option<&str>, property: &mut Map<String, Value>) -> bool {
    let word = data_type.unwrap_or("struct").trim().to_lowercase();
    let word = word.strip_suffix("<>").unwrap_or(&word);
    let list = LISTS.contains(&word) || matches!(word, "array<struct>" | "array<record>");
    if !list && !BARE.contains(&word) {
        return false;
    }
    if list {
        property.insert("logicalType".to_owned(), json!("array"));
        property.insert("items".to_owned(), json!({"logicalType": "object", "properties": []}));
    } else {
        property.insert("logicalType".to_owned(), json!("object"));
        property.insert("properties".to_owned(), json!([]));
    }
    true
}

/// The fields of an object, or of the objects of a list; nothing where a property has none.
fn fields(property: &mut Map<String, Value>) -> Option<&mut Vec<Value>> {
    match property.get("logicalType").and_then(Value::as_str) {
        Some("array") => fields(property.get_mut("items")?.as_object_mut()?),
        Some("object") => property.entry("properties").or_insert_with(|| json!([])).as_array_mut(),
        _ => None,
    }
}

fn named<'p>(properties: &'p mut [Value], name: &str) -> Option<&'p mut Map<String, Value>> {
    let is = |property: &Value, exactly: bool| {
        let own = property.get("name").and_then(Value::as_str).unwrap_or_default();
        own == name || !exactly && own.eq_ignore_ascii_case(name)
    };
    let at = properties.iter().position(|property| is(property, true));
    let at = at.or_else(|| properties.iter().position(|property| is(property, false)))?;
    properties[at].as_object_mut()
}

/// The property of a field, made where its object does not have it yet; nothing where what is on the way has no fields.
pub(super) fn field<'p>(column: &'p mut Map<String, Value>, way: &[&str]) -> Option<&'p mut Map<String, Value>> {
    let (first, rest) = way.split_first()?;
    let properties = fields(column)?;
    if named(properties, first).is_none() {
        let mut made = Map::from_iter([("name".to_owned(), json!(first))]);
        if !rest.is_empty() {
            bare(None, &mut made);
        }
        properties.push(Value::Object(made));
    }
    let property = named(properties, first)?;
    match rest {
        [] => Some(property),
        _ => field(property, rest),
    }
}

/// The property of a column or, under its name with dots, of a field, where it is there.
pub(super) fn find<'p>(columns: &'p mut [Map<String, Value>], name: &str) -> Option<&'p mut Map<String, Value>> {
    let own = |column: &Map<String, Value>| column.get("name").and_then(Value::as_str).map(str::to_owned);
    if let Some(at) = columns.iter().position(|column| own(column).as_deref() == Some(name)) {
        return columns.get_mut(at);
    }
    let at = columns.iter().position(|column| {
        let own = own(column).unwrap_or_default();
        name.strip_prefix(&own).is_some_and(|rest| rest.starts_with('.'))
    })?;
    let column = columns.get_mut(at)?;
    let length = own(column)?.len();
    let mut property = column;
    for part in name[length + 1..].split('.') {
        property = named(fields(property)?, part)?;
    }
    Some(property)
}
