//! Keys that another dataset does not have.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use datafusion::catalog::TableProvider;
use polder_contract::rule::PathStep;
use polder_core::{Error, ErrorKind, Result};

use crate::table::comparing::held_as;
use crate::table::distinct::{Budget, Fingerprints};
use crate::table::plan::Plan;
use crate::table::scan::{self, Parts};
use crate::table::state::{fingerprints, inside};

/// The types of a key's values by the contract.
pub(crate) fn types(plan: &Plan, key: usize) -> Vec<DataType> {
    let of_path = |path: &Vec<PathStep>| {
        path.iter().skip(1).fold(
            of_field(plan.schema.fields(), path.first()),
            |outer, step| match outer {
                Some(DataType::Struct(fields)) => of_field(&fields, Some(step)),
                _ => None,
            },
        )
    };
    plan.keys[key]
        .iter()
        .map(|path| of_path(path).unwrap_or(DataType::Null))
        .collect()
}

fn of_field(fields: &Fields, step: Option<&PathStep>) -> Option<DataType> {
    match step? {
        PathStep::Field(name) => fields.find(name).map(|(_, field)| field.data_type().clone()),
        _ => None,
    }
}

/// How many of the keys are not among those of another table, whose values are read as `types`. A table that is not
/// there has no keys.
///
/// # Errors
/// What keeps the other table from being read; `Document`, where it has no such columns or of another kind.
pub(crate) async fn count(
    keys: &Fingerprints,
    types: &[DataType],
    other: Option<&Arc<dyn TableProvider>>,
    to: &[String],
    memory: usize,
) -> Result<u64> {
    keys.absent_from(&known(types, other, to, memory).await?)
}

/// Some of those keys, each once, and not more than so many.
///
/// # Errors
/// As [`count`].
pub(crate) async fn some(
    keys: &Fingerprints,
    types: &[DataType],
    other: Option<&Arc<dyn TableProvider>>,
    to: &[String],
    memory: usize,
    most: usize,
) -> Result<Vec<u128>> {
    keys.some_absent_from(&known(types, other, to, memory).await?, most)
}

/// The keys that another table has.
async fn known(
    types: &[DataType],
    other: Option<&Arc<dyn TableProvider>>,
    to: &[String],
    memory: usize,
) -> Result<Fingerprints> {
    let budget = Budget::new(memory);
    let mut known = Fingerprints::new(&budget);
    if let Some(other) = other {
        let schema = other.schema();
        let paths = to
            .iter()
            .map(|column| path(&schema, column))
            .collect::<Result<Vec<_>>>()?;
        let mut projection: Vec<_> = paths.iter().map(|path| path.column).collect();
        projection.sort_unstable();
        projection.dedup();
        let session = scan::session();
        let plan = scan::plan(&session, other, Some(&projection)).await?;
        let wanted: Arc<[(Place, Field)]> = paths
            .into_iter()
            .zip(types)
            .zip(to)
            .map(|((path, data_type), column)| (path, Field::new(column, data_type.clone(), true)))
            .collect();
        let take = move |part: &mut Fingerprints, batch: &RecordBatch| {
            let columns = wanted
                .iter()
                .map(|(place, field)| {
                    let column = batch.column_by_name(&place.name).ok_or_else(|| missing(&place.name))?;
                    held_as(&inside(column, &place.rest), field)
                })
                .collect::<Result<Vec<_>>>()?;
            let (hashes, nulls) = fingerprints(&columns)?;
            part.extend(&hashes, nulls.as_ref())
        };
        let mut parts = Parts::read(&session, &plan, || Fingerprints::new(&budget), take)?;
        while let Some(part) = parts.next().await? {
            known.merge(part)?;
        }
    }
    Ok(known)
}

/// Where a value is in the other table.
struct Place {
    column: usize,
    name: String,
    rest: Vec<PathStep>,
}

fn path(schema: &SchemaRef, written: &str) -> Result<Place> {
    if let Ok(column) = schema.index_of(written) {
        let (name, rest) = (written.to_owned(), Vec::new());
        return Ok(Place { column, name, rest });
    }
    let mut parts = written.split('.');
    let name = parts.next().unwrap_or_default().to_owned();
    let column = schema.index_of(&name).map_err(|_| missing(written))?;
    let rest = parts.map(|part| PathStep::Field(part.to_owned())).collect();
    Ok(Place { column, name, rest })
}

fn missing(column: &str) -> Error {
    Error::new(ErrorKind::Document, format!("there is no column `{column}`"))
}
