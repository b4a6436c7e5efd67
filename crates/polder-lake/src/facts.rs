//! What the Delta log tells of a table's rows without reading them.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, NaiveDateTime};
use datafusion::common::ScalarValue;
use deltalake::kernel::Action;
use futures::{StreamExt, TryStreamExt};
use polder_core::Result;
use serde_json::Value;

use arrow::datatypes::{DataType, SchemaRef, TimeUnit};

use crate::commit::KEY_PREFIX;
use crate::file::DataFile;
use crate::statistics::{FileStatistics, exact};
use crate::table::Table;

/// Commits that are read at the same time.
const READ_AHEAD: usize = 8;
/// How the `origin` of a commit begins that took rows in which were refused before. What it brings says nothing of how
/// much a source brings at a time, and its rows were counted when they came.
pub const REPLAY_ORIGIN: &str = "replay/";
/// How many commits are looked at to find those that brought rows.
pub const LOOKED_AT: usize = 1_000;

/// Exact figures of one version of a table: each is there only where the statistics of every file give it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableFacts {
    /// Rows.
    pub rows: Option<u64>,
    /// By the names of the table's columns. Fields inside structs are not told.
    pub columns: BTreeMap<String, ColumnFacts>,
    /// Rows that each data commit added, newest first; commits that only rewrote files, or noted something, are not
    /// among them, nor are [replays](REPLAY_ORIGIN). Ends where the log, or its statistics, end.
    pub recent_commits: Vec<u64>,
    /// Whether there may have been more of those commits than the log tells; see [`Additions::cut`].
    pub commits_cut: bool,
}

/// What data commits added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Additions {
    /// Rows that each of them added, newest first.
    pub rows: Vec<u64>,
    /// Whether these are fewer than were asked for although the table may have had more: the log does not reach back to
    /// the table's beginning (any more), a commit has no statistics, or [`LOOKED_AT`] commits were looked at.
    pub cut: bool,
}

/// Exact figures of one column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnFacts {
    /// Nulls.
    pub nulls: Option<u64>,
    /// The least value; of whole numbers, dates and timestamps only, since Delta may cut or round others. Null where
    /// every value is. **Delta cuts timestamps to milliseconds**: the true value may lie up to 999 µs above.
    pub minimum: Option<ScalarValue>,
    /// The greatest value, with the same limits: a timestamp may lie up to 999 µs above what stands here.
    pub maximum: Option<ScalarValue>,
}

impl Table {
    /// What the log tells of this version; of the commits that brought rows at most `commits`, which costs a read each.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` when the store fails; `Data` for a log that cannot be read.
    pub async fn facts(&self, commits: usize) -> Result<TableFacts> {
        let mut facts = of_files(&self.files()?, &self.schema());
        let additions = self.recent_additions(commits).await?;
        (facts.recent_commits, facts.commits_cut) = (additions.rows, additions.cut);
        Ok(facts)
    }

    /// What the newest `limit` commits that brought rows added. Costs a read for each, and for those between them.
    ///
    /// # Errors
    /// As [`facts`](Self::facts).
    pub async fn recent_additions(&self, limit: usize) -> Result<Additions> {
        let mut found = Additions::default();
        if limit == 0 {
            return Ok(found);
        }
        let mut commits = futures::stream::iter((0..=self.version()).rev().take(LOOKED_AT))
            .map(async |version| self.actions(version).await)
            .buffered(READ_AHEAD);
        while let Some(actions) = commits.try_next().await? {
            let Some(actions) = actions else {
                found.cut = true;
                return Ok(found);
            };
            if actions.iter().any(is_replay) {
                continue;
            }
            let removed = actions.iter().filter_map(|action| match action {
                Action::Remove(file) => Some(file.path.clone()),
                _ => None,
            });
            // A file that goes and comes again has lost rows to a deletion vector, or got them back.
            let removed: HashSet<_> = removed.collect();
            let added = actions.into_iter().filter_map(|action| match action {
                Action::Add(add) if add.data_change && !removed.contains(&add.path) => {
                    Some(DataFile::from_add(add).rows())
                }
                _ => None,
            });
            let added: Vec<_> = added.collect();
            if added.is_empty() {
                continue;
            }
            let Some(rows) = added.into_iter().sum() else {
                found.cut = true;
                return Ok(found);
            };
            found.rows.push(rows);
            if found.rows.len() == limit {
                return Ok(found);
            }
        }
        found.cut = self.version() >= LOOKED_AT as u64;
        Ok(found)
    }
}

fn is_replay(action: &Action) -> bool {
    let Action::CommitInfo(info) = action else {
        return false;
    };
    let origin = info.info.get(&format!("{KEY_PREFIX}origin")).and_then(Value::as_str);
    origin.is_some_and(|origin| origin.starts_with(REPLAY_ORIGIN))
}

/// The sums and bounds over files. A deletion vector makes a file's statistics cover rows that are gone.
fn of_files(files: &[DataFile], schema: &SchemaRef) -> TableFacts {
    let mut facts = TableFacts::default();
    if files.iter().any(DataFile::needs_delta_reader) {
        return facts;
    }
    facts.rows = files.iter().map(DataFile::rows).sum();
    if facts.rows.is_none() {
        return facts;
    }
    let statistics: Vec<_> = files.iter().map(FileStatistics::of).collect();
    for field in schema.fields() {
        let mut column = Some(Folded::default());
        for (file, statistics) in files.iter().zip(&statistics) {
            column = column.and_then(|column| column.with(file, statistics, field.name(), field.data_type()));
        }
        let Some(folded) = column else { continue };
        let null = || ScalarValue::try_from(field.data_type()).ok();
        let bound = |bound: Bound| match bound {
            Bound::OfNothing => null(),
            Bound::Known(value) => Some(value),
            Bound::Unknown => None,
        };
        let column = ColumnFacts {
            nulls: Some(folded.nulls),
            minimum: bound(folded.minimum),
            maximum: bound(folded.maximum),
        };
        facts.columns.insert(field.name().clone(), column);
    }
    facts
}

#[derive(Default)]
struct Folded {
    nulls: u64,
    minimum: Bound,
    maximum: Bound,
}

#[derive(Default, Clone)]
enum Bound {
    /// No value was there yet.
    #[default]
    OfNothing,
    Known(ScalarValue),
    Unknown,
}

impl Bound {
    fn fold(self, other: Option<ScalarValue>, keeps: impl Fn(&ScalarValue, &ScalarValue) -> bool) -> Self {
        match (self, other) {
            (Self::Unknown, _) | (_, None) => Self::Unknown,
            (Self::OfNothing, Some(other)) => Self::Known(other),
            (Self::Known(own), Some(other)) => Self::Known(if keeps(&own, &other) { own } else { other }),
        }
    }
}

impl Folded {
    /// With one more file; nothing where it does not tell how many nulls there are.
    fn with(self, file: &DataFile, statistics: &FileStatistics, column: &str, data_type: &DataType) -> Option<Self> {
        let nulls = statistics.nulls(column)?;
        if file.rows() == Some(nulls) {
            let nulls = self.nulls + nulls;
            return Some(Self { nulls, ..self });
        }
        let bound = |value: Option<&Value>| exact(value?, data_type).or_else(|| to_milliseconds(value?, data_type));
        Some(Self {
            nulls: self.nulls + nulls,
            minimum: self
                .minimum
                .fold(bound(statistics.least(column)), |own, other| own <= other),
            maximum: self
                .maximum
                .fold(bound(statistics.greatest(column)), |own, other| own >= other),
        })
    }
}

/// A timestamp, which Delta cuts to milliseconds.
fn to_milliseconds(value: &Value, data_type: &DataType) -> Option<ScalarValue> {
    let DataType::Timestamp(TimeUnit::Microsecond, zone) = data_type else {
        return None;
    };
    let text = value.as_str()?;
    let instant = match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => instant.to_utc(),
        Err(_) => NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
            .ok()?
            .and_utc(),
    };
    Some(ScalarValue::TimestampMicrosecond(
        Some(instant.timestamp_micros()),
        zone.clone(),
    ))
}
