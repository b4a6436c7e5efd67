//! Models: their versions, what they were trained on, and which one is in use.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use polder_core::{DatasetName, Error, ErrorKind, ObjectName, Result, RunId};
use serde::Serialize;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::database::Catalog;
use crate::row::{Reader, from_count, from_instant};
use crate::word::words;

/// How a model version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModelState {
    /// It was trained and can be promoted.
    Registered,
    /// It is the one that answers; of a model, at most one version is.
    Promoted,
}

words!(ModelState, "state of a model version", { Registered => "registered", Promoted => "promoted" });

/// A trained version of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelVersion {
    /// The model's full name, `<domain>.<name>`.
    pub name: ObjectName,
    /// Its version, from 1.
    pub version: u64,
    /// How it stands.
    pub state: ModelState,
    /// What its evaluation measured, by name. Values that are no numbers are kept as NaN.
    pub metrics: BTreeMap<String, f64>,
    /// What it was trained with, a JSON object.
    pub parameters: serde_json::Map<String, serde_json::Value>,
    /// The datasets that it was trained on, with the exact version of each.
    pub inputs: BTreeMap<DatasetName, u64>,
    /// What its training wants people to know.
    pub notes: Vec<String>,
    /// When it was trained.
    pub trained: DateTime<Utc>,
    /// The run that trained it.
    pub run: Option<RunId>,
}

const COLUMNS: &str = "SELECT name, version, state, metrics, parameters, inputs, notes, trained_at, run_id
    FROM polder_model";
const RECORD: &str = "INSERT INTO polder_model (name, version, state, metrics, parameters, inputs, notes, trained_at,
        run_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (name, version) DO UPDATE SET state = excluded.state, metrics = excluded.metrics,
        parameters = excluded.parameters, inputs = excluded.inputs, notes = excluded.notes,
        trained_at = excluded.trained_at, run_id = excluded.run_id";
const DEMOTE: &str = "UPDATE polder_model SET state = 'registered' WHERE name = $1 AND version <> $2
    AND state = 'promoted'";
const PROMOTE: &str = "UPDATE polder_model SET state = 'promoted' WHERE name = $1 AND version = $2";

impl Catalog {
    /// Writes a model version, in place of what was known of it. One that is promoted demotes the others of its model.
    ///
    /// # Errors
    /// `Unreachable`, `Refused` or `Conflict` from the database.
    pub async fn record_model(&self, model: &ModelVersion) -> Result<()> {
        let failed = |cause: sqlx::Error| {
            self.failure(
                &format!("record version {} of model {}", model.version, model.name),
                &cause,
            )
        };
        let mut transaction = self.begin().await?;
        if model.state == ModelState::Promoted {
            demote_others(&mut transaction, &model.name, model.version)
                .await
                .map_err(failed)?;
        }
        write(&mut transaction, model).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    /// Makes this version the one that answers, and demotes the one that did.
    ///
    /// # Errors
    /// `NotFound` if the catalog has no such version; `Unreachable`, `Refused` or `Conflict` from the database.
    pub async fn promote_model(&self, name: &ObjectName, version: u64) -> Result<()> {
        let failed = |cause: sqlx::Error| self.failure(&format!("promote version {version} of model {name}"), &cause);
        let mut transaction = self.begin().await?;
        demote_others(&mut transaction, name, version).await.map_err(failed)?;
        let promote = sqlx::query(PROMOTE).bind(name.to_string()).bind(from_count(version));
        let promoted = promote.execute(&mut *transaction).await.map_err(failed)?;
        if promoted.rows_affected() == 0 {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("catalog {} has no version {version} of model {name}", self.location()),
            )
            .with_help("`polder model list` shows the versions"));
        }
        transaction.commit().await.map_err(failed)
    }

    /// All versions of all models, by name and version.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` from the database; `Data` if its rows are not the catalog's.
    pub async fn models(&self) -> Result<Vec<ModelVersion>> {
        let rows = sqlx::query(COLUMNS).fetch_all(self.pool()).await;
        let rows = rows.map_err(|cause| self.failure("list the models", &cause))?;
        let mut models = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        models.sort_by(|left, right| (&left.name, left.version).cmp(&(&right.name, right.version)));
        Ok(models)
    }

    /// All versions of one model, oldest first; none if the model is not known.
    ///
    /// # Errors
    /// As [`Catalog::models`].
    pub async fn model_versions(&self, name: &ObjectName) -> Result<Vec<ModelVersion>> {
        let sql = format!("{COLUMNS} WHERE name = $1 ORDER BY version");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(name.to_string())
            .fetch_all(self.pool())
            .await;
        let rows = rows.map_err(|cause| self.failure(&format!("read model {name}"), &cause))?;
        rows.iter().map(read).collect()
    }
}

async fn demote_others(connection: &mut AnyConnection, name: &ObjectName, version: u64) -> Result<(), sqlx::Error> {
    let demote = sqlx::query(DEMOTE).bind(name.to_string()).bind(from_count(version));
    demote.execute(connection).await.map(drop)
}

pub(crate) async fn write(connection: &mut AnyConnection, model: &ModelVersion) -> Result<(), sqlx::Error> {
    let json = |value: serde_json::Result<String>| value.map_err(|cause| sqlx::Error::Encode(Box::new(cause)));
    sqlx::query(RECORD)
        .bind(model.name.to_string())
        .bind(from_count(model.version))
        .bind(model.state.as_str())
        .bind(json(serde_json::to_string(&model.metrics))?)
        .bind(json(serde_json::to_string(&model.parameters))?)
        .bind(json(serde_json::to_string(&model.inputs))?)
        .bind(json(serde_json::to_string(&model.notes))?)
        .bind(from_instant(model.trained))
        .bind(model.run.map(|run| run.to_string()))
        .execute(connection)
        .await
        .map(drop)
}

fn read(row: &AnyRow) -> Result<ModelVersion> {
    let row = Reader(row);
    // JSON has no word for what is no number: it is written as null.
    let metrics: BTreeMap<String, Option<f64>> = row.json("metrics")?;
    Ok(ModelVersion {
        name: row.parsed("name")?,
        version: row.count("version")?,
        state: row.parsed("state")?,
        metrics: metrics
            .into_iter()
            .map(|(name, value)| (name, value.unwrap_or(f64::NAN)))
            .collect(),
        parameters: row.json("parameters")?,
        inputs: row.json("inputs")?,
        notes: row.json("notes")?,
        trained: row.instant("trained_at")?,
        run: row.optional_parsed("run_id")?,
    })
}
