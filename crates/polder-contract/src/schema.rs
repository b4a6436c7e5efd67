//! Objects and properties: what a dataset's rows look like.

use polder_core::DatasetName;
use polder_core::Layer;
use polder_core::document::{Diagnostic, Node};

use crate::place::{Place, Written, count, flag, items, text};
use crate::quality::Quality;

/// One object of a contract's schema: a table, topic or view.
#[derive(Debug, Clone)]
pub struct SchemaObject {
    /// Its name in the contract.
    pub name: String,
    /// Its physical name as written.
    pub physical_name: Option<String>,
    /// The dataset that it is bound to: its physical name, where that is a full dataset name.
    pub dataset: Option<DatasetName>,
    /// What a row is.
    pub description: Option<String>,
    /// The columns.
    pub properties: Vec<Property>,
    /// Rules about the object as a whole.
    pub quality: Vec<Quality>,
    /// Where it is declared.
    pub place: Place,
}

/// A column, or a value inside one.
#[derive(Debug, Clone)]
pub struct Property {
    /// The column's name in the table: the physical name where one is given, else the declared one. Empty for items
    /// of an array that have no name.
    pub name: String,
    /// The name as declared, where it is.
    pub declared_name: Option<String>,
    /// The kind of value, where it is given.
    pub logical_type: Option<LogicalType>,
    /// The type in the store, as written.
    pub physical_type: Option<Written>,
    /// Whether null is refused.
    pub required: bool,
    /// Whether values must differ from each other.
    pub unique: bool,
    /// The position in the primary key, from 1, where it belongs to it.
    pub primary_key: Option<u32>,
    /// What the value means.
    pub description: Option<String>,
    /// How sensitive it is.
    pub classification: Option<String>,
    /// Limits of the value.
    pub options: TypeOptions,
    /// Allowed values, where they are listed (version 3.2).
    pub allowed: Vec<Written>,
    /// Rules about the column.
    pub quality: Vec<Quality>,
    /// Fields, where it is an object.
    pub properties: Vec<Property>,
    /// The items, where it is an array.
    pub items: Option<Box<Property>>,
    /// Key and value, where it is a map.
    pub map: Option<Box<(Property, Property)>>,
    /// Where it is declared.
    pub place: Place,
}

/// The kind of a value by the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogicalType {
    /// Text.
    String,
    /// A day.
    Date,
    /// An instant.
    Timestamp,
    /// A time of day.
    Time,
    /// A number, whole or not.
    Number,
    /// A whole number.
    Integer,
    /// Named fields.
    Object,
    /// A list of items.
    Array,
    /// True or false.
    Boolean,
    /// Keys with values (version 3.2).
    Map,
}

/// Limits of a value (`logicalTypeOptions`).
#[derive(Debug, Clone, Default)]
pub struct TypeOptions {
    /// Least value.
    pub minimum: Option<Written>,
    /// Greatest value.
    pub maximum: Option<Written>,
    /// The value must be greater than this.
    pub exclusive_minimum: Option<Written>,
    /// The value must be less than this.
    pub exclusive_maximum: Option<Written>,
    /// The value must be a multiple of this.
    pub multiple_of: Option<Written>,
    /// Least number of characters.
    pub min_length: Option<u64>,
    /// Greatest number of characters.
    pub max_length: Option<u64>,
    /// A regular expression that occurs in the text (ECMA-262: not anchored).
    pub pattern: Option<Written>,
    /// The format: of text what it is (`email`, `uuid`, …), of numbers the width (`i64`, `f32`, …), of dates and
    /// times how they are written.
    pub format: Option<Written>,
    /// The zone of timestamps that name none.
    pub default_timezone: Option<Written>,
    /// Least number of items.
    pub min_items: Option<u64>,
    /// Greatest number of items.
    pub max_items: Option<u64>,
    /// Whether the items must differ from each other.
    pub unique_items: bool,
    /// Least number of fields.
    pub min_properties: Option<u64>,
    /// Greatest number of fields.
    pub max_properties: Option<u64>,
    /// Names of fields that must be there.
    pub required: Vec<String>,
}

impl SchemaObject {
    pub(crate) fn read(node: &Node, document: &Place) -> Self {
        let place = document.at(node.get("name").map_or(node.span, |name| name.span));
        let physical_name = text(node, "physicalName");
        Self {
            name: text(node, "name").unwrap_or_default(),
            dataset: physical_name.as_deref().and_then(|name| name.parse().ok()),
            physical_name,
            description: text(node, "description"),
            properties: items(node, "properties")
                .iter()
                .map(|property| Property::read(property, document))
                .collect(),
            quality: items(node, "quality")
                .iter()
                .map(|rule| Quality::read(rule, document))
                .collect(),
            place,
        }
    }

    /// The column of this name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// The columns of the primary key, in its order.
    pub fn primary_key(&self) -> Vec<&Property> {
        let mut key: Vec<_> = self
            .properties
            .iter()
            .filter(|property| property.primary_key.is_some())
            .collect();
        key.sort_by_key(|property| property.primary_key);
        key
    }

    /// What keeps the object from being a dataset's contract: columns without a type, rules that make no sense, names
    /// that belong to the platform.
    pub(crate) fn problems(&self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        if self.properties.is_empty() {
            let help = Some("a dataset's contract names its columns under `properties`");
            problems.push(
                self.place
                    .error("no-columns", format!("`{}` has no properties", self.name), help),
            );
        }
        let quarantine = self
            .dataset
            .as_ref()
            .is_some_and(|dataset| dataset.layer() == Layer::Quarantine);
        let mut names = std::collections::HashSet::new();
        for property in &self.properties {
            if property.name.starts_with('_') && !quarantine {
                let message = format!("the column `{}` begins with an underscore", property.name);
                let help = Some("such names belong to columns that Polder adds");
                problems.push(property.place.error("reserved-name", message, help));
            }
            if !names.insert(property.name.to_lowercase()) {
                let message = format!("`{}` has two columns `{}`", self.name, property.name);
                let help = Some("Delta tables do not tell upper and lower case apart in names");
                problems.push(property.place.error("duplicate-name", message, help));
            }
            problems.extend(property.type_problems());
        }
        if problems.is_empty() {
            problems.extend(self.row_rules().err().into_iter().flatten());
        }
        problems
    }
}

impl Property {
    pub(crate) fn read(node: &Node, document: &Place) -> Self {
        let place = document.at(node.get("name").map_or(node.span, |name| name.span));
        let declared_name = text(node, "name");
        let map = node
            .get("map")
            .and_then(|map| Some((map.get("key")?, map.get("value")?)));
        Self {
            name: text(node, "physicalName")
                .or_else(|| declared_name.clone())
                .unwrap_or_default(),
            declared_name,
            logical_type: node
                .get("logicalType")
                .and_then(Node::as_str)
                .and_then(LogicalType::from_word),
            physical_type: Written::under(node, "physicalType", document),
            required: flag(node, "required"),
            unique: flag(node, "unique"),
            primary_key: flag(node, "primaryKey").then(|| {
                let position = count(node, "primaryKeyPosition").and_then(|position| u32::try_from(position).ok());
                position.filter(|position| *position > 0).unwrap_or(1)
            }),
            description: text(node, "description"),
            classification: text(node, "classification"),
            options: node
                .get("logicalTypeOptions")
                .map(|node| TypeOptions::read(node, document))
                .unwrap_or_default(),
            allowed: items(node, "enum")
                .iter()
                .filter_map(|value| Written::under(value, "value", document))
                .collect(),
            quality: items(node, "quality")
                .iter()
                .map(|rule| Quality::read(rule, document))
                .collect(),
            properties: items(node, "properties")
                .iter()
                .map(|property| Self::read(property, document))
                .collect(),
            items: node.get("items").map(|items| Box::new(Self::read(items, document))),
            map: map.map(|(key, value)| Box::new((Self::read(key, document), Self::read(value, document)))),
            place,
        }
    }
}

impl TypeOptions {
    fn read(node: &Node, document: &Place) -> Self {
        let written = |key| Written::under(node, key, document);
        Self {
            minimum: written("minimum"),
            maximum: written("maximum"),
            exclusive_minimum: written("exclusiveMinimum"),
            exclusive_maximum: written("exclusiveMaximum"),
            multiple_of: written("multipleOf"),
            min_length: count(node, "minLength"),
            max_length: count(node, "maxLength"),
            pattern: written("pattern"),
            format: written("format"),
            default_timezone: written("defaultTimezone"),
            min_items: count(node, "minItems"),
            max_items: count(node, "maxItems"),
            unique_items: flag(node, "uniqueItems"),
            min_properties: count(node, "minProperties"),
            max_properties: count(node, "maxProperties"),
            required: items(node, "required")
                .iter()
                .filter_map(Node::as_str)
                .map(str::to_owned)
                .collect(),
        }
    }
}

impl LogicalType {
    /// The type's word in contracts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Time => "time",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Object => "object",
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Map => "map",
        }
    }

    /// Whether values have values inside.
    pub(crate) fn is_compound(self) -> bool {
        matches!(self, Self::Object | Self::Array | Self::Map)
    }

    fn from_word(word: &str) -> Option<Self> {
        const ALL: [LogicalType; 10] = [
            LogicalType::String,
            LogicalType::Date,
            LogicalType::Timestamp,
            LogicalType::Time,
            LogicalType::Number,
            LogicalType::Integer,
            LogicalType::Object,
            LogicalType::Array,
            LogicalType::Boolean,
            LogicalType::Map,
        ];
        ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}
