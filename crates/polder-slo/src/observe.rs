//! A dataset's past, read from its Delta log and the catalog's runs.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, TimeDelta, Utc};
use polder_catalog::{Catalog, RunFilter, RunStatus, StepKind};
use polder_contract::{DatasetContract, Subject};
use polder_core::{DatasetName, Result};
use polder_lake::{CommitRecord, Lake, REPLAY_ORIGIN, Table};

use crate::history::{ColumnSpan, DataCommit, Delivered, History, RunRecord, Window};

/// So many commits are read at first; four times as many where they do not reach back far enough.
const FIRST_LOOK: usize = 250;
/// More runs than this are not looked at.
const MOST_RUNS: u32 = 100_000;

/// What is known of the past of a contract's dataset: the log as far back as the window begins, and one commit further;
/// every run that the catalog has; from when to when the columns are that its service levels name, which are read where
/// the log does not tell. `None` where there is no table.
///
/// # Errors
/// `Unreachable` or `Refused` when the store or the database fails; `Data` for a log that cannot be read.
pub async fn observe(
    lake: &Lake,
    catalog: &Catalog,
    contract: &DatasetContract,
    window: Window,
) -> Result<Option<History>> {
    let dataset = contract.dataset();
    let Some(table) = lake.load(dataset).await? else {
        return Ok(None);
    };
    let (records, whole) = log(&table, window).await?;
    let (columns, unread) = columns(&table, contract).await?;
    Ok(Some(History {
        commits: records.iter().rev().filter_map(data_commit).collect(),
        delivered: records.iter().rev().filter_map(delivered).collect(),
        whole,
        log_begins: records.last().map(|record| record.timestamp),
        runs: runs(catalog, dataset).await?,
        columns,
        unread,
    }))
}

/// The columns that service levels name of which an age is asked, and those of them that cannot be read, with why.
async fn columns(
    table: &Table,
    contract: &DatasetContract,
) -> Result<(BTreeMap<String, ColumnSpan>, BTreeMap<String, String>)> {
    let document = &contract.contract;
    let only = document.objects.len() == 1;
    let of_ages = document.service_levels.iter().filter(|level| {
        let promise = level.promise();
        promise.is_ok_and(|promise| matches!(promise.subject, Subject::Latency | Subject::Retention))
    });
    let named = of_ages.filter_map(|level| level.columns_of(contract.object(), only));
    let named: BTreeSet<_> = named.flatten().collect();
    let (mut columns, mut unread) = (BTreeMap::new(), BTreeMap::new());
    if named.is_empty() {
        return Ok((columns, unread));
    }
    let facts = table.facts(0).await?.columns;
    for name in named {
        let told = facts.get(&name).and_then(|facts| {
            let (oldest, newest) = (facts.minimum.as_ref()?, facts.maximum.as_ref()?);
            span(&oldest.to_array().ok()?, &newest.to_array().ok()?, false)
        });
        let known = match told {
            Some(told) => Some(told),
            None => match table.read_bounds(&name).await {
                Ok(Some((oldest, newest))) => match (oldest.to_array(), newest.to_array()) {
                    (Ok(oldest), Ok(newest)) => span(&oldest, &newest, true),
                    _ => None,
                },
                Ok(None) => None,
                // What else is promised can be measured all the same.
                Err(error) => {
                    unread.insert(name.clone(), error.report());
                    None
                }
            },
        };
        columns.extend(known.map(|known| (name, known)));
    }
    Ok((columns, unread))
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
            .any(|record| record.timestamp < window.from && record.changes_rows());
        if whole || ended || enough {
            return Ok((records, whole));
        }
        limit = limit.saturating_mul(4);
    }
}

fn data_commit(record: &CommitRecord) -> Option<DataCommit> {
    record.changes_rows().then(|| DataCommit {
        at: record.timestamp,
        // Delta calls appending and overwriting alike `WRITE`: it may be either.
        takes_away: record.operation != "append",
    })
}

/// What a commit notes of the rows that came with it. One that only renews a definition notes that none did.
fn delivered(record: &CommitRecord) -> Option<Delivered> {
    let noted = |key| record.metadata.get(key);
    // The rows of a replay were counted when they were refused: that they come later makes no error smaller.
    if noted("origin").is_some_and(|origin| origin.starts_with(REPLAY_ORIGIN)) {
        return None;
    }
    let count = |key| noted(key)?.parse::<u64>().ok();
    let (accepted, rejected) = (count("accepted")?, count("rejected")?);
    (accepted > 0 || rejected > 0).then_some(Delivered {
        at: record.timestamp,
        accepted,
        rejected,
    })
}

async fn runs(catalog: &Catalog, dataset: &DatasetName) -> Result<Vec<RunRecord>> {
    let filter = RunFilter {
        dataset: Some(dataset.clone()),
        limit: MOST_RUNS,
        ..RunFilter::default()
    };
    let runs = catalog.runs(&filter).await?;
    // Service levels are about how rows are delivered. That somebody takes refused ones in later is no delivery.
    let delivering = runs.into_iter().rev().filter(|run| run.step.kind != StepKind::Replay);
    let records = delivering.map(|run| RunRecord {
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

/// From the least value of a column to its greatest, where they are dates or timestamps; each is an array of one.
fn span(oldest: &ArrayRef, newest: &ArrayRef, read: bool) -> Option<ColumnSpan> {
    let lasts = match newest.data_type() {
        DataType::Date32 => TimeDelta::days(1),
        DataType::Timestamp(..) => TimeDelta::zero(),
        _ => return None,
    };
    let values = match (oldest.is_null(0), newest.is_null(0)) {
        (true, true) => None,
        _ => Some((instant(oldest)?, instant(newest)?)),
    };
    Some(ColumnSpan { values, lasts, read })
}

/// The instant of the one value of an array, where it is a timestamp; of a date its beginning.
fn instant(value: &ArrayRef) -> Option<DateTime<Utc>> {
    if value.len() != 1 || value.is_null(0) {
        return None;
    }
    match value.data_type() {
        DataType::Date32 => {
            let days = value.as_primitive_opt::<Date32Type>()?.value(0);
            DateTime::from_timestamp(i64::from(days) * 86_400, 0)
        }
        DataType::Timestamp(_, zone) => {
            let micros = cast(value, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone())).ok()?;
            DateTime::from_timestamp_micros(micros.as_primitive_opt::<TimestampMicrosecondType>()?.value(0))
        }
        _ => None,
    }
}
