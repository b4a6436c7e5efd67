//! A dataset's past, read from its Delta log and the catalog's runs.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, TimeDelta, Utc};
use polder_catalog::{Catalog, RunFilter, RunStatus};
use polder_core::{DatasetName, Result};
use polder_lake::{CommitRecord, Lake, REPLAY_ORIGIN, Table};

use crate::history::{DataCommit, History, RunRecord, Window};

/// So many commits are read at first; four times as many where they do not reach back far enough.
const FIRST_LOOK: usize = 250;
/// More runs than this are not looked at.
const MOST_RUNS: u32 = 100_000;

/// What is known of a dataset's past: the log as far back as the window begins, and one commit further; every run that
/// the catalog has. `None` where there is no table.
///
/// # Errors
/// `Unreachable` or `Refused` when the store or the database fails; `Data` for a log that cannot be read.
pub async fn observe(lake: &Lake, catalog: &Catalog, dataset: &DatasetName, window: Window) -> Result<Option<History>> {
    let Some(table) = lake.load(dataset).await? else {
        return Ok(None);
    };
    let (records, whole) = log(&table, window).await?;
    let facts = table.facts(0).await?;
    let mut history = History {
        commits: records.iter().rev().filter_map(data_commit).collect(),
        whole,
        runs: runs(catalog, dataset).await?,
        newest: BTreeMap::new(),
        oldest: BTreeMap::new(),
    };
    for (column, facts) in facts.columns {
        let newest = facts.maximum.and_then(|value| value.to_array().ok());
        if let Some(newest) = newest.and_then(|value| instant(&value, true)) {
            history.newest.insert(column.clone(), newest);
        }
        let oldest = facts.minimum.and_then(|value| value.to_array().ok());
        if let Some(oldest) = oldest.and_then(|value| instant(&value, false)) {
            history.oldest.insert(column, oldest);
        }
    }
    Ok(Some(history))
}

/// The newest commits, newest first, and whether they are all.
async fn log(table: &Table, window: Window) -> Result<(Vec<CommitRecord>, bool)> {
    let mut limit = FIRST_LOOK;
    loop {
        let records = table.history(limit).await?;
        let whole = records.last().is_some_and(|record| record.version == 0);
        let ended = records.len() < limit;
        let enough = records
            .iter()
            .any(|record| record.timestamp < window.from && is_data(record));
        if whole || ended || enough {
            return Ok((records, whole));
        }
        limit = limit.saturating_mul(4);
    }
}

/// Whether a commit changes rows: Polder's own words, and those of Delta that other engines write.
fn is_data(record: &CommitRecord) -> bool {
    const NONE: [&str; 14] = [
        "compact",
        "optimize",
        "create table",
        "vacuum start",
        "vacuum end",
        "set tblproperties",
        "unset tblproperties",
        "add columns",
        "add column",
        "change column",
        "upgrade protocol",
        "add feature",
        "computestats",
        "unknown",
    ];
    let operation = record.operation.to_lowercase();
    let nothing_new = record.metadata.get("accepted").is_some_and(|accepted| accepted == "0") && operation == "append";
    !nothing_new && !NONE.contains(&operation.as_str())
}

fn data_commit(record: &CommitRecord) -> Option<DataCommit> {
    // The rows of a replay were counted when they were refused: that they come later makes no error smaller.
    let again = record
        .metadata
        .get("origin")
        .is_some_and(|origin| origin.starts_with(REPLAY_ORIGIN));
    let count = |key| record.metadata.get(key).filter(|_| !again)?.parse().ok();
    is_data(record).then(|| DataCommit {
        at: record.timestamp,
        accepted: count("accepted"),
        rejected: count("rejected"),
        // Delta calls appending and overwriting alike `WRITE`: it may be either.
        takes_away: record.operation != "append",
    })
}

async fn runs(catalog: &Catalog, dataset: &DatasetName) -> Result<Vec<RunRecord>> {
    let filter = RunFilter {
        dataset: Some(dataset.clone()),
        limit: MOST_RUNS,
        ..RunFilter::default()
    };
    let runs = catalog.runs(&filter).await?;
    let records = runs.into_iter().rev().map(|run| RunRecord {
        step: run.step.to_string(),
        started: run.started,
        ended: run.ended,
        succeeded: run.status == RunStatus::Succeeded,
        accepted: run.accepted,
        rejected: run.rejected,
        committed: run.version.is_some(),
    });
    Ok(records.collect())
}

/// The instant of the one value of an array, where it is a date or timestamp. Of a date its beginning, or its end.
fn instant(value: &ArrayRef, ends: bool) -> Option<DateTime<Utc>> {
    if value.len() != 1 || value.is_null(0) {
        return None;
    }
    match value.data_type() {
        DataType::Date32 => {
            let days = value.as_primitive_opt::<Date32Type>()?.value(0);
            let begin = DateTime::from_timestamp(i64::from(days) * 86_400, 0)?;
            let length = if ends { TimeDelta::days(1) } else { TimeDelta::zero() };
            begin.checked_add_signed(length)
        }
        DataType::Timestamp(_, zone) => {
            let micros = cast(value, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone())).ok()?;
            DateTime::from_timestamp_micros(micros.as_primitive_opt::<TimestampMicrosecondType>()?.value(0))
        }
        _ => None,
    }
}
