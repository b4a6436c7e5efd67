//! Contracts by the Open Data Contract Standard (ODCS), versions 3.0 to 3.2: text in, values and findings out.
//!
//! Pure: nothing here reads files, knows tables or runs checks.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod bound;
pub mod cancellation;
mod column_type;
mod consumer;
mod contract;
mod custom_property;
mod dataset_contract;
mod dates;
mod definition;
pub mod diff;
mod doubt;
mod editor;
mod files;
mod format;
mod infrastructure;
pub mod lifecycle;
pub mod number;
mod parse;
mod part;
mod people;
mod physical_limit;
mod place;
pub mod product;
mod promise;
mod quality;
mod quarantine;
mod readable;
pub mod rule;
mod schema;
mod service_level;
mod set;
mod status;
mod storable;
mod structure;
#[cfg(test)]
mod tests;
mod unheeded;
mod version;

pub use column_type::ColumnType;
pub use consumer::{Consumer, Read};
pub use contract::Contract;
pub use custom_property::CustomProperty;
pub use dataset_contract::DatasetContract;
pub use definition::Definition;
pub use editor::editor_schema;
pub use infrastructure::{Role, Server};
pub use lifecycle::Lifecycle;
pub use parse::{Parsed, parse, parse_past};
pub use people::{Price, SupportChannel, Team, TeamMember};
pub use place::{Place, Written};
pub use promise::{Promise, Promised, Span, Subject};
pub use quality::{Operator, Quality, QualityKind};
pub use readable::{Readable, ReadableRules};
pub use rule::{Figure, Metric, OnFailure, PathStep, RowCheck, RowTest, Rule, RuleKind, RuleSeverity, SetTest};
pub use schema::{LogicalType, Property, Relationship, SchemaObject, Transform, TypeOptions};
pub use service_level::{ServiceLevel, service_level_name};
pub use set::ContractSet;
pub use status::Status;
