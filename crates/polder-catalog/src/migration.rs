//! The catalog's tables, version by version.
//!
//! A released migration is never changed: a new one is appended. Only TEXT and BIGINT are used, which both databases
//! spell and treat alike.

use polder_core::{Error, ErrorKind, Result, clock};
use sqlx::Row as _;

use crate::address::Backend;
use crate::database::Catalog;
use crate::row::from_instant;

/// Each entry takes the tables from the version that is its index to the next.
const MIGRATIONS: &[&[&str]] = &[&[
    "CREATE TABLE polder_dataset (
        name TEXT PRIMARY KEY,
        contract_id TEXT,
        contract_version TEXT,
        contract_status TEXT,
        owner TEXT,
        description TEXT,
        table_version BIGINT,
        row_count BIGINT,
        byte_count BIGINT,
        updated_at BIGINT
    )",
    "CREATE TABLE polder_run (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        dataset TEXT,
        status TEXT NOT NULL,
        started_at BIGINT NOT NULL,
        ended_at BIGINT,
        accepted BIGINT NOT NULL,
        rejected BIGINT NOT NULL,
        table_version BIGINT,
        message TEXT
    )",
    "CREATE INDEX polder_run_by_time ON polder_run (started_at)",
    "CREATE INDEX polder_run_by_name ON polder_run (name, started_at)",
    "CREATE TABLE polder_lineage (
        via_kind TEXT NOT NULL,
        via_name TEXT NOT NULL,
        source_kind TEXT NOT NULL,
        source_name TEXT NOT NULL,
        target_kind TEXT NOT NULL,
        target_name TEXT NOT NULL,
        PRIMARY KEY (via_kind, via_name, source_kind, source_name, target_kind, target_name)
    )",
    "CREATE TABLE polder_model (
        name TEXT NOT NULL,
        version BIGINT NOT NULL,
        state TEXT NOT NULL,
        metrics TEXT NOT NULL,
        parameters TEXT NOT NULL,
        inputs TEXT NOT NULL,
        notes TEXT NOT NULL,
        trained_at BIGINT NOT NULL,
        run_id TEXT,
        PRIMARY KEY (name, version)
    )",
]];

/// Any number that nobody else takes an advisory lock on.
const POSTGRES_LOCK: i64 = 0x706f_6c64_6572;

impl Catalog {
    /// Brings the tables to this program's version. Several processes may do so at once: one does the work.
    pub(crate) async fn migrate(&self) -> Result<()> {
        // Without a lock first, so that programs that only read do not wait for those that write.
        if self.version().await == Some(known()) {
            return Ok(());
        }
        let failed = |cause: sqlx::Error| self.failure("prepare the tables", &cause);
        let mut transaction = self.begin().await?;
        if self.backend() == Backend::Postgres {
            let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(POSTGRES_LOCK);
            lock.execute(&mut *transaction).await.map_err(failed)?;
        }
        let table =
            "CREATE TABLE IF NOT EXISTS polder_migration (version BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL)";
        sqlx::query(table).execute(&mut *transaction).await.map_err(failed)?;
        let newest = sqlx::query(NEWEST).fetch_one(&mut *transaction).await.map_err(failed)?;
        let version: i64 = newest.try_get(0).map_err(failed)?;
        if version > known() {
            return Err(Error::new(
                ErrorKind::Refused,
                format!(
                    "catalog {} has tables of version {version}, this polder knows {}",
                    self.location(),
                    known()
                ),
            )
            .with_help("use the newer polder that made it, or another database"));
        }
        for (from, statements) in (0..).zip(MIGRATIONS).skip(usize::try_from(version).unwrap_or_default()) {
            for statement in *statements {
                sqlx::query(*statement)
                    .execute(&mut *transaction)
                    .await
                    .map_err(failed)?;
            }
            sqlx::query("INSERT INTO polder_migration (version, applied_at) VALUES ($1, $2)")
                .bind(from + 1_i64)
                .bind(from_instant(clock::now()))
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            tracing::debug!(catalog = self.location(), version = from + 1, "catalog tables prepared");
        }
        transaction.commit().await.map_err(failed)
    }

    /// The tables' version, or nothing if there are none yet.
    async fn version(&self) -> Option<i64> {
        sqlx::query(NEWEST).fetch_one(self.pool()).await.ok()?.try_get(0).ok()
    }
}

const NEWEST: &str = "SELECT COALESCE(MAX(version), 0) FROM polder_migration";

/// The version that this program's tables have.
fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}
