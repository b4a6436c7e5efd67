//! Objects and properties of a contract as exporters read them. What is read here is taken; what an exporter does not
//! ask for stays and is named as lost.

use serde_json::{Map, Value};

use crate::kind::Kind;
use crate::loss::View;

/// An object of the schema.
pub(crate) struct Table<'a> {
    pub(crate) view: View<'a>,
    /// Its name in the contract.
    pub(crate) name: &'a str,
    /// Its physical name, not yet taken.
    pub(crate) physical: Option<&'a str>,
    pub(crate) columns: Vec<Column<'a>>,
}

/// A property, or what is inside one.
pub(crate) struct Column<'a> {
    pub(crate) view: View<'a>,
    /// The name in the table: the physical name where there is one. Empty for items.
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

/// Allowed values with where they are declared; taken when they are kept.
pub(crate) struct Allowed<'a> {
    pub(crate) values: Vec<&'a Value>,
    declared: Vec<View<'a>>,
    /// The list or the rule that declares them.
    place: View<'a>,
}

/// The objects of a contract.
pub(crate) fn tables<'a>(contract: &View<'a>) -> Vec<Table<'a>> {
    contract.take("apiVersion");
    contract.take("kind");
    contract.items("schema").into_iter().map(Table::read).collect()
}

impl<'a> Table<'a> {
    fn read(view: View<'a>) -> Self {
        view.take("name");
        view.take("logicalType");
        Self {
            name: view.value.get("name").and_then(Value::as_str).unwrap_or_default(),
            physical: view.get("physicalName").and_then(|name| name.value.as_str()),
            columns: view.items("properties").into_iter().map(Column::of_table).collect(),
            view,
        }
    }

    /// The columns of the primary key by position.
    pub(crate) fn key(&self) -> Vec<&Column<'a>> {
        let mut key: Vec<_> = self
            .columns
            .iter()
            .filter(|column| column.view.value.get("primaryKey") == Some(&Value::Bool(true)))
            .collect();
        key.sort_by_key(|column| {
            let position = column.view.value.get("primaryKeyPosition").and_then(Value::as_i64);
            position.filter(|position| *position > 0).unwrap_or(1)
        });
        key
    }
}

impl<'a> Column<'a> {
    /// A column, which has a value where it is part of the primary key.
    fn of_table(view: View<'a>) -> Self {
        let column = Self::read(view);
        let is_key = column.view.value.get("primaryKey") == Some(&Value::Bool(true));
        Self {
            required: column.required || is_key,
            ..column
        }
    }

    pub(crate) fn read(view: View<'a>) -> Self {
        let declared = view.get("name").and_then(|name| name.value.as_str());
        let physical = view.get("physicalName").and_then(|name| name.value.as_str());
        view.take("physicalName");
        match (declared, physical, view.get("name")) {
            (Some(declared), Some(physical), Some(name)) if declared != physical => {
                name.lose(format!("written under its physical name `{physical}`"));
            }
            _ => {
                view.take("name");
            }
        }
        let name = physical.or(declared).unwrap_or_default();
        Self {
            name,
            ..Self::inside(view)
        }
    }

    /// The items of an array, a side of a map: where these have a name it goes nowhere.
    fn inside(view: View<'a>) -> Self {
        Self {
            name: "",
            kind: Kind::declared(&view),
            required: view.flag("required"),
            view,
        }
    }

    /// The fields of an object.
    pub(crate) fn fields(&self) -> Vec<Column<'a>> {
        self.view.items("properties").into_iter().map(Self::read).collect()
    }

    /// The items of an array.
    pub(crate) fn items(&self) -> Option<Column<'a>> {
        self.view.get("items").map(Self::inside)
    }

    /// Key and value of a map.
    pub(crate) fn map(&self) -> Option<(Column<'a>, Column<'a>)> {
        let map = self.view.get("map")?;
        Some((Self::inside(map.get("key")?), Self::inside(map.get("value")?)))
    }

    /// One of the options of its type, not yet taken.
    pub(crate) fn option(&self, key: &str) -> Option<View<'a>> {
        self.view.get("logicalTypeOptions")?.get(key)
    }

    /// The greatest number of characters; the option is not taken.
    pub(crate) fn max_length(&self) -> Option<u64> {
        self.option("maxLength")?.value.as_u64()
    }

    /// Allowed values: the list of version 3.2, or a rule that no value is invalid.
    pub(crate) fn allowed(&self) -> Option<Allowed<'a>> {
        let mut values = Vec::new();
        let mut declared = Vec::new();
        let mut place = self.view.get("enum");
        for item in self.view.items("enum") {
            values.extend(item.value.get("value"));
            declared.extend(item.get("value"));
        }
        if values.is_empty() {
            for rule in self.view.items("quality") {
                let Some(map) = rule.value.as_object() else { continue };
                let asked = ["metric", "type", "arguments", "mustBe"];
                let plain = asks_only(map, &asked);
                let arguments = map.get("arguments").and_then(Value::as_object);
                let list = arguments
                    .filter(|arguments| arguments.len() == 1)
                    .and_then(|arguments| arguments.get("validValues")?.as_array());
                let exact = map.get("metric").and_then(Value::as_str) == Some("invalidValues")
                    && map.get("mustBe").and_then(Value::as_i64) == Some(0);
                if let Some(list) = list.filter(|list| plain && exact && !list.is_empty()) {
                    values.extend(list);
                    declared.extend(asked.iter().filter_map(|key| rule.get(key)));
                    place = Some(rule);
                    break;
                }
            }
        }
        let place = place.filter(|_| !values.is_empty())?;
        Some(Allowed {
            values,
            declared,
            place,
        })
    }
}

/// Keys of a rule that describe it and change nothing of what it asks.
const DESCRIBES: [&str; 7] = [
    "id",
    "name",
    "description",
    "dimension",
    "businessImpact",
    "tags",
    "authoritativeDefinitions",
];

/// Whether a rule asks for something with these keys alone, whatever else it tells of itself.
pub(crate) fn asks_only(rule: &Map<String, Value>, keys: &[&str]) -> bool {
    rule.keys()
        .all(|key| keys.contains(&key.as_str()) || DESCRIBES.contains(&key.as_str()))
}

/// Takes what a rule asks for by these keys; what else it tells of itself is left, and so named.
pub(crate) fn keep_asked(rule: &View<'_>, keys: &[&str]) {
    keys.iter().filter_map(|key| rule.get(key)).for_each(|view| view.keep());
}

impl Allowed<'_> {
    /// Takes them.
    pub(crate) fn keep(&self) {
        self.declared.iter().for_each(View::keep);
    }

    /// Takes them, and names that they are lost or what became of them.
    pub(crate) fn lose(&self, what: impl Into<String>, why: &str) {
        self.keep();
        self.place.lose_part("", what, why);
    }

    /// The values, where all of them are text.
    pub(crate) fn texts(&self) -> Option<Vec<&str>> {
        self.values.iter().map(|value| value.as_str()).collect()
    }
}

/// Why what is left in a contract is lost in this target, by its path.
pub(crate) fn why_lost(path: &str, target: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or_default();
    let key = last.split('[').next().unwrap_or_default();
    if last.contains("quality") {
        return format!("{target} has no such rule");
    }
    let what = match key {
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => "no bounds of values",
        "minLength" | "maxLength" => "no bounds of length",
        "pattern" => "no patterns of text",
        "format" => "no place for this format of the values",
        "primaryKey" | "primaryKeyPosition" | "unique" => "no keys",
        "slaProperties" | "slaDefaultElement" => "no service levels",
        "logicalTypeOptions" => "no such limits",
        _ => "no place for it",
    };
    format!("{target} has {what}")
}
