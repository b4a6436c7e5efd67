//! The keys that a contract asks to be unique, and their fingerprints.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::datatypes::{DataType, SchemaRef};
use polder_contract::DatasetContract;
use polder_contract::rule::{Metric, OnFailure, Operator, PathStep, RuleKind};
use polder_core::{Error, Result};

use crate::conform::convert;
use crate::schema::arrow_schema;
use crate::table::state::{fingerprints, inside, same};

/// The keys of a contract of which no value may occur twice.
#[derive(Debug, Clone, Copy)]
pub struct Keys;

/// A key of which no value may occur twice.
#[derive(Debug, Clone)]
pub struct KeyRule {
    /// The rule's id, such as `primaryKey`.
    pub id: String,
    /// The paths of the key's values.
    pub columns: Vec<String>,
    /// What happens to a row whose key was there before.
    pub on_failure: OnFailure,
    /// What is asked, in words.
    pub says: String,
    paths: Vec<Vec<PathStep>>,
    schema: SchemaRef,
}

impl Keys {
    /// The keys of a contract, in its order: primary key, unique columns, and duplicate values of which there must be
    /// none. What is no key of a row ([`SchemaObject::no_key`](polder_contract::SchemaObject::no_key)) is left out, as are
    /// rules with another threshold.
    ///
    /// # Errors
    /// `Document`, where a rule makes no sense or a property has no type that a table can hold.
    pub fn of(contract: &DatasetContract) -> Result<Vec<KeyRule>> {
        let object = contract.object();
        let schema = arrow_schema(object)?;
        let mut keys = Vec::new();
        for rule in contract.rules().map_err(Error::document)? {
            let RuleKind::Set(test) = &rule.kind else { continue };
            let Metric::Duplicates { columns } = &test.metric else {
                continue;
            };
            let none = match &test.operator {
                Operator::MustBe(figure) | Operator::LessOrEqual(figure) => figure.trim().parse() == Ok(0.0),
                _ => false,
            };
            let paths: Option<Vec<_>> = columns.iter().map(|column| object.path(column)).collect();
            let is_key = |path: &Vec<PathStep>| object.no_key(path).is_none();
            if let Some(paths) = paths.filter(|paths| none && paths.iter().all(is_key)) {
                keys.push(KeyRule {
                    id: rule.id.clone(),
                    columns: columns.clone(),
                    on_failure: rule.on_failure,
                    says: rule.says.clone(),
                    paths,
                    schema: Arc::clone(&schema),
                });
            }
        }
        Ok(keys)
    }
}

impl KeyRule {
    /// The columns that the key is read from.
    pub fn top_columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = Vec::new();
        for column in self.paths.iter().filter_map(|path| name(path)) {
            // `a.x`, `b`, `a.y` reads two columns.
            if !columns.iter().any(|known| known == column) {
                columns.push(column.to_owned());
            }
        }
        columns
    }

    /// The fingerprint of each row's key; `None` where a value of it is null. Equal keys have equal fingerprints, in
    /// every batch and encoding; 128 bits keep different ones apart.
    ///
    /// # Errors
    /// `Document`, where a column's type cannot become the contract's or its values cannot be a key.
    pub fn fingerprints(&self, batch: &RecordBatch) -> Result<Vec<Option<u128>>> {
        let columns = self
            .paths
            .iter()
            .map(|path| self.values(batch, path))
            .collect::<Result<Vec<_>>>()?;
        let (hashes, nulls) = fingerprints(&columns)?;
        Ok(match nulls {
            None => hashes.into_iter().map(Some).collect(),
            Some(nulls) => hashes
                .into_iter()
                .enumerate()
                .map(|(row, hash)| nulls.is_valid(row).then_some(hash))
                .collect(),
        })
    }

    /// The key's values in these rows, each under its path.
    ///
    /// # Errors
    /// `Document`, where a column's type cannot become the contract's.
    pub fn by_path(&self, batch: &RecordBatch) -> Result<Vec<(String, ArrayRef)>> {
        let values = self.columns.iter().zip(&self.paths);
        values
            .map(|(column, path)| Ok((column.clone(), self.values(batch, path)?)))
            .collect()
    }

    fn values(&self, batch: &RecordBatch, path: &[PathStep]) -> Result<ArrayRef> {
        let found =
            name(path).and_then(|name| Some((batch.column_by_name(name)?, self.schema.field_with_name(name).ok()?)));
        let Some((array, field)) = found else {
            return Ok(new_null_array(&DataType::Int32, batch.num_rows()));
        };
        let array = if same(array.data_type(), field.data_type()) {
            Arc::clone(array)
        } else {
            convert(array, field)?.map_or_else(|| Arc::clone(array), |(array, _)| array)
        };
        Ok(inside(&array, &path[1..]))
    }
}

fn name(path: &[PathStep]) -> Option<&str> {
    match path.first()? {
        PathStep::Field(name) => Some(name),
        _ => None,
    }
}
