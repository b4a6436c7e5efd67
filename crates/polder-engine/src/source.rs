//! Datasets as a step reads them: each pinned at one version.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use polder_contract::rule::{OnFailure, RowCheck, RowTest, Rule, RuleKind};
use polder_contract::{ContractSet, DatasetContract};
use polder_core::{DatasetName, Error, ErrorKind, Layer, Result};
use polder_delivery::STREAM_COLUMNS;
use polder_gate::{arrow_schema, convert};
use polder_lake::{Lake, Table};
use polder_query::{Building, Otherwise, Unreadable, arranged, unreadable};

use crate::progress::TableMark;

/// A dataset at the version that a step reads.
pub(crate) struct Source {
    pub(crate) dataset: DatasetName,
    /// The table; none while nothing was ever delivered.
    pub(crate) table: Option<Table>,
    /// The columns by contract, for a dataset without a table.
    columns: SchemaRef,
    /// What must be there inside of them.
    required: BTreeSet<String>,
}

impl Source {
    /// The dataset as it is now.
    ///
    /// # Errors
    /// `NotFound` for a dataset without a contract; what the lake reports.
    pub(crate) async fn load(lake: &Lake, contracts: &ContractSet, dataset: &DatasetName) -> Result<Self> {
        let contract = contracts.get(dataset).ok_or_else(|| no_contract(dataset))?;
        Ok(Self {
            dataset: dataset.clone(),
            table: lake.load(dataset).await?,
            columns: dataset_columns(&contract)?,
            required: required_inside(&contract),
        })
    }

    /// The version that is read; none without a table.
    pub(crate) fn version(&self) -> Option<u64> {
        self.table.as_ref().map(Table::version)
    }

    /// Which table this is; none without a table.
    pub(crate) fn mark(&self) -> Option<TableMark> {
        self.table.as_ref().map(|table| TableMark::of(table.id()))
    }

    /// All rows, in the columns of the contract and in its order: what a query was checked against is what it reads,
    /// whatever columns the table came by, and when.
    ///
    /// # Errors
    /// What the lake reports.
    pub(crate) fn provider(&self) -> Result<Arc<dyn TableProvider>> {
        match &self.table {
            Some(table) => Ok(arranged(
                table.provider()?,
                self.columns.fields(),
                &Otherwise::Built(Arc::new(Building {
                    dataset: self.dataset.clone(),
                    required: self.required.clone(),
                })),
            )),
            None => Ok(self.promised()),
        }
    }

    /// No row, in the columns that the contract promises.
    pub(crate) fn promised(&self) -> Arc<dyn TableProvider> {
        Arc::new(EmptyTable::new(Arc::clone(&self.columns)))
    }
}

/// The error of a dataset that no contract promises.
pub(crate) fn no_contract(dataset: &DatasetName) -> Error {
    Error::new(ErrorKind::NotFound, format!("{dataset} has no contract")).with_help(format!(
        "no table without a contract: declare one in contracts/{}/",
        dataset.domain()
    ))
}

/// The columns of a dataset's table by its contract; what streams add belongs to bronze.
///
/// # Errors
/// `Document` for a column whose type no table can hold.
pub(crate) fn dataset_columns(contract: &DatasetContract) -> Result<SchemaRef> {
    let schema = arrow_schema(contract.object())?;
    if contract.dataset().layer() != Layer::Bronze {
        return Ok(schema);
    }
    let own = schema.fields().iter();
    let platform = STREAM_COLUMNS
        .iter()
        .filter(|field| schema.index_of(field.name()).is_err());
    Ok(Arc::new(Schema::new(own.chain(platform).cloned().collect::<Vec<_>>())))
}

/// The paths of the values of a dataset that must be there, where rows without them are kept out: where that only warns, they
/// are taken.
fn required_inside(contract: &DatasetContract) -> BTreeSet<String> {
    let rules = contract.rules_that_make_sense();
    let kept_out = rules.iter().filter(|rule| rule.on_failure != OnFailure::Warn);
    kept_out.flat_map(required_by).collect()
}

fn required_by(rule: &Rule) -> Vec<String> {
    match (&rule.kind, &rule.column) {
        (RuleKind::Row(RowTest::Value { check, .. }), Some(path)) => match check {
            RowCheck::Required => vec![path.clone()],
            RowCheck::RequiredProperties(names) => names.iter().map(|name| format!("{path}.{name}")).collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// What of a dataset's table steps cannot read as its contract promises, whatever values it holds: a run of who reads such a
/// column ends with it.
///
/// # Errors
/// `Document` for a column whose type no table can hold; what the lake reports.
pub fn unreadable_columns(contract: &DatasetContract, table: &Table) -> Result<Vec<Unreadable>> {
    let own = table.provider()?.schema();
    let columns = dataset_columns(contract)?;
    let required = required_inside(contract);
    let found = columns
        .fields()
        .iter()
        .flat_map(|field| unreadable(&own, field, &required));
    Ok(found.collect())
}

/// The columns of whole numbers that, as the table's log tells, hold a value that is none of the promised type: a run that comes
/// to its row ends with it. What the log does not tell exactly is not told, nor what is inside of objects, lists and maps.
///
/// # Errors
/// As [`unreadable_columns`].
pub async fn misfit_columns(contract: &DatasetContract, table: &Table) -> Result<Vec<String>> {
    let (own, columns) = (table.provider()?.schema(), dataset_columns(contract)?);
    let narrowed = columns.fields().iter().filter(|field| {
        let there = own.field_with_name(field.name());
        there.is_ok_and(|there| there.data_type().is_integer() && there.data_type() != field.data_type())
    });
    let narrowed: Vec<_> = narrowed.collect();
    if narrowed.is_empty() {
        return Ok(Vec::new());
    }
    let facts = table.facts(0).await?;
    let holds_misfit = |field: &&&FieldRef| {
        let known = facts.columns.get(field.name());
        let bounds = known.into_iter().flat_map(|known| [&known.minimum, &known.maximum]);
        bounds.flatten().any(|bound| {
            let value = bound.to_array().ok();
            let read = value.and_then(|value| convert(&value, field).ok());
            read.flatten().is_some_and(|(_, unfit)| !unfit.is_empty())
        })
    };
    let found = narrowed.iter().filter(holds_misfit);
    Ok(found.map(|field| field.name().clone()).collect())
}

/// The versions that are read, of the datasets that have a table.
pub(crate) fn versions<'a>(sources: impl IntoIterator<Item = &'a Source>) -> BTreeMap<DatasetName, u64> {
    sources
        .into_iter()
        .filter_map(|source| Some((source.dataset.clone(), source.version()?)))
        .collect()
}
