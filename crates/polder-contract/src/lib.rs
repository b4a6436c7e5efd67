//! Contracts by the Open Data Contract Standard (ODCS), versions 3.0 to 3.2: text in, values and findings out.
//!
//! Pure: nothing here reads files, knows tables or runs checks.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod bound;
mod column_type;
mod contract;
mod place;
mod quality;
mod row_rule;
mod schema;
mod set;
mod structure;
#[cfg(test)]
mod tests;

pub use column_type::ColumnType;
pub use contract::{Contract, Parsed, ServiceLevel, parse};
pub use place::{Place, Written};
pub use quality::{Operator, Quality, QualityKind};
pub use row_rule::{RowCheck, RowRule};
pub use schema::{LogicalType, Property, SchemaObject, TypeOptions};
pub use set::{ContractSet, DatasetContract};
