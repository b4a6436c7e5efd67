//! Runs: what was executed when, and how it ended.

use chrono::{DateTime, Utc};
use polder_core::{DatasetName, Error, ErrorKind, ObjectName, Result, RunId};
use serde::Serialize;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::database::Catalog;
use crate::row::{Reader, from_count, from_instant};
use crate::word::words;

/// What sort of step it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StepKind {
    /// A declared source that feeds a dataset.
    Stream,
    /// From datasets to a dataset.
    Pipeline,
    /// From datasets to a model version.
    Model,
    /// Rows that a dataset refused, taken into it after all.
    Replay,
}

words!(StepKind, "kind of step", {
    Stream => "stream", Pipeline => "pipeline", Model => "model", Replay => "replay",
});

/// A stream, pipeline, model, or the replay of a dataset's refused rows. The name alone is not enough: a domain's stream and its pipeline can share one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Step {
    /// What sort of step it is.
    pub kind: StepKind,
    /// Its full name, `<domain>.<name>`.
    pub name: ObjectName,
}

impl Step {
    /// A step.
    #[must_use]
    pub fn new(kind: StepKind, name: ObjectName) -> Self {
        Self { kind, name }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(&format!("{} {}", self.kind, self.name))
    }
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunStatus {
    /// It has begun. A process that was killed leaves its run like this.
    Running,
    /// It came to its end.
    Succeeded,
    /// It ended with an error.
    Failed,
}

words!(RunStatus, "status of a run", { Running => "running", Succeeded => "succeeded", Failed => "failed" });

/// A run that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStart {
    /// The run's id, as it is stamped in its commits.
    pub id: RunId,
    /// What runs.
    pub step: Step,
    /// The dataset that it writes; models write none.
    pub dataset: Option<DatasetName>,
    /// When it began.
    pub started: DateTime<Utc>,
}

/// A run's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// How it ended.
    pub status: RunStatus,
    /// When it ended.
    pub ended: DateTime<Utc>,
    /// Rows that it wrote to its dataset.
    pub accepted: u64,
    /// Rows that it wrote to quarantine.
    pub rejected: u64,
    /// The version of the table, or of the model, that it made last; nothing if it made none.
    pub version: Option<u64>,
    /// Why it failed or what is worth knowing, such as who decided, in one line.
    pub message: Option<String>,
}

/// One execution of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// The run's id, as it is stamped in its commits.
    pub id: RunId,
    /// What ran.
    pub step: Step,
    /// The dataset that it writes; models write none.
    pub dataset: Option<DatasetName>,
    /// How it stands.
    pub status: RunStatus,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// Rows that it wrote to its dataset.
    pub accepted: u64,
    /// Rows that it wrote to quarantine.
    pub rejected: u64,
    /// The version of the table, or of the model, that it made last.
    pub version: Option<u64>,
    /// Why it failed or what is worth knowing.
    pub message: Option<String>,
}

/// Which runs to list. The default lists the newest hundred of all.
#[derive(Debug, Clone)]
pub struct RunFilter {
    /// Only of this sort of step.
    pub kind: Option<StepKind>,
    /// Only of steps of this name.
    pub name: Option<ObjectName>,
    /// Only of this dataset.
    pub dataset: Option<DatasetName>,
    /// Only that stand like this.
    pub status: Option<RunStatus>,
    /// At most so many.
    pub limit: u32,
}

impl Default for RunFilter {
    fn default() -> Self {
        Self {
            kind: None,
            name: None,
            dataset: None,
            status: None,
            limit: 100,
        }
    }
}

const COLUMNS: &str = "SELECT id, kind, name, dataset, status, started_at, ended_at, accepted, rejected,
    table_version, message FROM polder_run";

impl Catalog {
    /// Writes that a run has begun. Of a run that is there already, nothing changes.
    ///
    /// # Errors
    /// `Unreachable`, `Refused` or `Conflict` from the database.
    pub async fn begin_run(&self, start: &RunStart) -> Result<()> {
        let run = Run {
            id: start.id,
            step: start.step.clone(),
            dataset: start.dataset.clone(),
            status: RunStatus::Running,
            started: start.started,
            ended: None,
            accepted: 0,
            rejected: 0,
            version: None,
            message: None,
        };
        let doing = format!("begin run {}", run.id);
        let mut connection = self.connection(&doing).await?;
        insert(&mut connection, &run)
            .await
            .map(drop)
            .map_err(|cause| self.failure(&doing, &cause))
    }

    /// Writes how a run ended. Of a run that has ended already, nothing changes, so that a call whose answer was lost
    /// can be repeated.
    ///
    /// # Errors
    /// `NotFound` if the run never began; `Unreachable`, `Refused` or `Conflict` from the database.
    pub async fn finish_run(&self, id: RunId, end: &RunEnd) -> Result<()> {
        let doing = format!("finish run {id}");
        let update = sqlx::query(
            "UPDATE polder_run SET status = $2, ended_at = $3, accepted = $4, rejected = $5, table_version = $6,
                message = $7 WHERE id = $1 AND status = $8",
        );
        let updated = update
            .bind(id.to_string())
            .bind(end.status.as_str())
            .bind(from_instant(end.ended))
            .bind(from_count(end.accepted))
            .bind(from_count(end.rejected))
            .bind(end.version.map(from_count))
            .bind(end.message.clone())
            .bind(RunStatus::Running.as_str())
            .execute(self.pool())
            .await
            .map_err(|cause| self.failure(&doing, &cause))?;
        if updated.rows_affected() == 0 && self.run(id).await?.is_none() {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("catalog {} has no run {id}", self.location()),
            ));
        }
        Ok(())
    }

    /// The runs that the filter lets through, newest first.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` from the database; `Data` if its rows are not the catalog's.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<Run>> {
        let sql = format!(
            "{COLUMNS} WHERE (CAST($1 AS TEXT) IS NULL OR kind = $1) AND (CAST($2 AS TEXT) IS NULL OR name = $2)
                AND (CAST($3 AS TEXT) IS NULL OR dataset = $3) AND (CAST($4 AS TEXT) IS NULL OR status = $4)
                ORDER BY started_at DESC, id DESC LIMIT $5"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(filter.kind.map(StepKind::as_str))
            .bind(filter.name.as_ref().map(ToString::to_string))
            .bind(filter.dataset.as_ref().map(ToString::to_string))
            .bind(filter.status.map(RunStatus::as_str))
            .bind(i64::from(filter.limit))
            .fetch_all(self.pool())
            .await
            .map_err(|cause| self.failure("list the runs", &cause))?;
        rows.iter().map(read).collect()
    }

    /// One run, if the catalog knows it.
    ///
    /// # Errors
    /// As [`Catalog::runs`].
    pub async fn run(&self, id: RunId) -> Result<Option<Run>> {
        let query = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE id = $1"))).bind(id.to_string());
        let row = query.fetch_optional(self.pool()).await;
        row.map_err(|cause| self.failure(&format!("read run {id}"), &cause))?
            .as_ref()
            .map(read)
            .transpose()
    }
}

/// Adds a run, unless it is there; says whether it was added.
pub(crate) async fn insert(connection: &mut AnyConnection, run: &Run) -> Result<bool, sqlx::Error> {
    let insert = sqlx::query(
        "INSERT INTO polder_run (id, kind, name, dataset, status, started_at, ended_at, accepted, rejected,
            table_version, message)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING",
    );
    let inserted = insert
        .bind(run.id.to_string())
        .bind(run.step.kind.as_str())
        .bind(run.step.name.to_string())
        .bind(run.dataset.as_ref().map(ToString::to_string))
        .bind(run.status.as_str())
        .bind(from_instant(run.started))
        .bind(run.ended.map(from_instant))
        .bind(from_count(run.accepted))
        .bind(from_count(run.rejected))
        .bind(run.version.map(from_count))
        .bind(run.message.clone())
        .execute(connection)
        .await?;
    Ok(inserted.rows_affected() > 0)
}

fn read(row: &AnyRow) -> Result<Run> {
    let row = Reader(row);
    Ok(Run {
        id: row.parsed("id")?,
        step: Step {
            kind: row.parsed("kind")?,
            name: row.parsed("name")?,
        },
        dataset: row.optional_parsed("dataset")?,
        status: row.parsed("status")?,
        started: row.instant("started_at")?,
        ended: row.optional_instant("ended_at")?,
        accepted: row.count("accepted")?,
        rejected: row.count("rejected")?,
        version: row.optional_count("table_version")?,
        message: row.optional_text("message")?,
    })
}
