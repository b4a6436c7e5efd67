//! Objects and properties: what a dataset's rows look like.

mod read;

use polder_core::DatasetName;
use polder_core::document::Node;

use crate::custom_property::CustomProperty;
use crate::definition::Definition;
use crate::place::{Place, Written};
use crate::quality::Quality;

/// No engine is quick with more columns in a table.
pub(crate) const MOST_COLUMNS: usize = 10_000;

/// One object of a contract's schema: a table, topic or view.
#[derive(Debug, Clone)]
pub struct SchemaObject {
    /// The identifier that references name, where it has one.
    pub id: Option<String>,
    /// Its name in the contract.
    pub name: String,
    /// Its physical name as written.
    pub physical_name: Option<String>,
    /// The dataset that it is bound to: its physical name, where that is a full dataset name.
    pub dataset: Option<DatasetName>,
    /// What it is in the store, such as `table`, `view` or `topic`.
    pub physical_type: Option<String>,
    /// What business calls it.
    pub business_name: Option<String>,
    /// What one row stands for.
    pub granularity: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Where more is said.
    pub definitions: Vec<Definition>,
    /// What a row is.
    pub description: Option<String>,
    /// The columns.
    pub properties: Vec<Property>,
    /// Rules about the object as a whole.
    pub quality: Vec<Quality>,
    /// References from its columns to those of other objects.
    pub relationships: Vec<Relationship>,
    /// What it says beyond the standard.
    pub custom_properties: Vec<CustomProperty>,
    /// Where it is declared.
    pub place: Place,
}

/// A column, or a value inside one.
#[derive(Debug, Clone)]
pub struct Property {
    /// The identifier that references name, where it has one.
    pub id: Option<String>,
    /// The column's name in the table: the physical name where one is given, else the declared one. Empty for items
    /// of an array that have no name.
    pub name: String,
    /// The name as declared, where it is.
    pub declared_name: Option<String>,
    /// The kind of value, where it is given.
    pub logical_type: Option<LogicalType>,
    /// The type in the store, as written.
    pub physical_type: Option<Written>,
    /// Whether null is refused: as it says itself, or as a column of the primary key.
    pub required: bool,
    /// Whether null is refused for the primary key alone: the column does not say `required` itself.
    pub required_by_key: bool,
    /// Whether values must differ from each other.
    pub unique: bool,
    /// The position in the primary key, from 1, where it belongs to it.
    pub primary_key: Option<u32>,
    /// What the value means.
    pub description: Option<String>,
    /// What business calls it.
    pub business_name: Option<String>,
    /// The position among the columns by which the data is partitioned, from 1, where it is one of them.
    pub partition_key: Option<u32>,
    /// The column with the encrypted value.
    pub encrypted_name: Option<String>,
    /// Whether it is critical to the business.
    pub critical: bool,
    /// How the value is made, where that is told.
    pub transform: Option<Transform>,
    /// Values as they occur.
    pub examples: Vec<Node>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Where more is said.
    pub definitions: Vec<Definition>,
    /// How sensitive it is.
    pub classification: Option<String>,
    /// Limits of the value.
    pub options: TypeOptions,
    /// Allowed values, where they are listed (version 3.2).
    pub allowed: Vec<Written>,
    /// Rules about the column.
    pub quality: Vec<Quality>,
    /// References to columns of other objects.
    pub relationships: Vec<Relationship>,
    /// What it says beyond the standard.
    pub custom_properties: Vec<CustomProperty>,
    /// Fields, where it is an object.
    pub properties: Vec<Property>,
    /// The items, where it is an array.
    pub items: Option<Box<Property>>,
    /// Key and value, where it is a map.
    pub map: Option<Box<(Property, Property)>>,
    /// Where it is declared.
    pub place: Place,
}

/// How a column's value is made. Information for people: Polder's pipelines say it themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transform {
    /// From which objects of the source.
    pub sources: Vec<String>,
    /// By which logic, as written.
    pub logic: Option<String>,
    /// What it does in words.
    pub description: Option<String>,
}

/// A reference from one element, or several together, to others: every key there is one that is here.
#[derive(Debug, Clone)]
pub struct Relationship {
    /// Where it begins, as written; empty where it is declared on the property itself.
    pub from: Vec<Written>,
    /// What it refers to, as written, in the same order.
    pub to: Vec<Written>,
    /// What it says beyond the standard.
    pub custom_properties: Vec<CustomProperty>,
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
    /// Whether times are written with their zone, `true` or `false`, where that is said.
    pub timezone: Option<Written>,
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
    /// The column of this name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// Its references, and those of all columns and of what is inside of them.
    pub(crate) fn all_relationships(&self) -> Vec<&Relationship> {
        let mut columns: Vec<&Property> = self.properties.iter().collect();
        let mut found: Vec<_> = self.relationships.iter().collect();
        while let Some(column) = columns.pop() {
            found.extend(&column.relationships);
            columns.extend(&column.properties);
            columns.extend(column.items.as_deref());
            columns.extend(column.map.as_deref().into_iter().flat_map(|(key, value)| [key, value]));
        }
        found
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
