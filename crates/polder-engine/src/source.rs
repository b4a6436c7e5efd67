//! Datasets as a step reads them: each pinned at one version.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use polder_contract::{ContractSet, DatasetContract};
use polder_core::{DatasetName, Error, ErrorKind, Layer, Result};
use polder_delivery::STREAM_COLUMNS;
use polder_gate::arrow_schema;
use polder_lake::{Lake, Table};
use polder_query::{Otherwise, arranged};

use crate::progress::TableMark;

/// A dataset at the version that a step reads.
pub(crate) struct Source {
    pub(crate) dataset: DatasetName,
    /// The table; none while nothing was ever delivered.
    pub(crate) table: Option<Table>,
    /// The columns by contract, for a dataset without a table.
    columns: SchemaRef,
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
                &Otherwise::Built(self.dataset.clone()),
            )),
            None => Ok(Arc::new(EmptyTable::new(Arc::clone(&self.columns)))),
        }
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

/// The versions that are read, of the datasets that have a table.
pub(crate) fn versions<'a>(sources: impl IntoIterator<Item = &'a Source>) -> BTreeMap<DatasetName, u64> {
    sources
        .into_iter()
        .filter_map(|source| Some((source.dataset.clone(), source.version()?)))
        .collect()
}
