//! Datasets: what the catalog says of a table without opening it.

use chrono::{DateTime, Utc};
use polder_core::{DatasetName, Result};
use serde::Serialize;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::database::Catalog;
use crate::row::{Reader, from_count, from_instant};

/// The contract that a dataset is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContractStatus {
    /// The contract's id.
    pub id: String,
    /// The contract's version, e.g. `1.2.0`.
    pub version: String,
    /// Where the contract is in its life, e.g. `active`.
    pub status: String,
}

/// A dataset as the catalog knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dataset {
    /// The dataset's full name.
    pub name: DatasetName,
    /// Its contract; quarantine tables have none of their own.
    pub contract: Option<ContractStatus>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// The table's version; nothing while there is no table.
    pub version: Option<u64>,
    /// Rows of that version.
    pub rows: Option<u64>,
    /// Bytes of that version's files.
    pub bytes: Option<u64>,
    /// When that version was committed.
    pub updated: Option<DateTime<Utc>>,
}

impl Dataset {
    /// A dataset of which nothing is known but its name.
    #[must_use]
    pub fn new(name: DatasetName) -> Self {
        Self {
            name,
            contract: None,
            owner: None,
            description: None,
            version: None,
            rows: None,
            bytes: None,
            updated: None,
        }
    }
}

const COLUMNS: &str = "SELECT name, contract_id, contract_version, contract_status, owner, description,
    table_version, row_count, byte_count, updated_at FROM polder_dataset";

// Of two processes that commit to one dataset, the one that committed first may be the last to tell.
const RECORD: &str = "INSERT INTO polder_dataset (name, contract_id, contract_version, contract_status, owner,
        description, table_version, row_count, byte_count, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (name) DO UPDATE SET contract_id = excluded.contract_id,
        contract_version = excluded.contract_version, contract_status = excluded.contract_status,
        owner = excluded.owner, description = excluded.description, table_version = excluded.table_version,
        row_count = excluded.row_count, byte_count = excluded.byte_count, updated_at = excluded.updated_at
    WHERE polder_dataset.updated_at IS NULL OR excluded.updated_at >= polder_dataset.updated_at";

impl Catalog {
    /// Writes what is known of a dataset, in place of what was known. What was true earlier (by `updated`) than what
    /// the catalog has already is dropped.
    ///
    /// # Errors
    /// `Unreachable`, `Refused` or `Conflict` from the database.
    pub async fn record_dataset(&self, dataset: &Dataset) -> Result<()> {
        let doing = format!("record dataset {}", dataset.name);
        let mut connection = self.connection(&doing).await?;
        write(&mut connection, dataset)
            .await
            .map_err(|cause| self.failure(&doing, &cause))
    }

    /// All datasets, by name.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` from the database; `Data` if its rows are not the catalog's.
    pub async fn datasets(&self) -> Result<Vec<Dataset>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} ORDER BY name")))
            .fetch_all(self.pool())
            .await;
        let rows = rows.map_err(|cause| self.failure("list the datasets", &cause))?;
        // By parts, as `DatasetName` sorts: the databases' collations differ.
        let mut datasets = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        datasets.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(datasets)
    }

    /// One dataset, if the catalog knows it.
    ///
    /// # Errors
    /// As [`Catalog::datasets`].
    pub async fn dataset(&self, name: &DatasetName) -> Result<Option<Dataset>> {
        let query = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE name = $1"))).bind(name.to_string());
        let row = query.fetch_optional(self.pool()).await;
        row.map_err(|cause| self.failure(&format!("read dataset {name}"), &cause))?
            .as_ref()
            .map(read)
            .transpose()
    }
}

pub(crate) async fn write(connection: &mut AnyConnection, dataset: &Dataset) -> Result<(), sqlx::Error> {
    let contract = dataset.contract.as_ref();
    sqlx::query(RECORD)
        .bind(dataset.name.to_string())
        .bind(contract.map(|contract| contract.id.clone()))
        .bind(contract.map(|contract| contract.version.clone()))
        .bind(contract.map(|contract| contract.status.clone()))
        .bind(dataset.owner.clone())
        .bind(dataset.description.clone())
        .bind(dataset.version.map(from_count))
        .bind(dataset.rows.map(from_count))
        .bind(dataset.bytes.map(from_count))
        .bind(dataset.updated.map(from_instant))
        .execute(connection)
        .await
        .map(drop)
}

fn read(row: &AnyRow) -> Result<Dataset> {
    let row = Reader(row);
    let contract = match row.optional_text("contract_id")? {
        Some(id) => Some(ContractStatus {
            id,
            version: row.optional_text("contract_version")?.unwrap_or_default(),
            status: row.optional_text("contract_status")?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(Dataset {
        name: row.parsed("name")?,
        contract,
        owner: row.optional_text("owner")?,
        description: row.optional_text("description")?,
        version: row.optional_count("table_version")?,
        rows: row.optional_count("row_count")?,
        bytes: row.optional_count("byte_count")?,
        updated: row.optional_instant("updated_at")?,
    })
}
