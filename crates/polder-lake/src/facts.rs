//! What the Delta log tells of a table's rows without reading them.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use datafusion::common::ScalarValue;
use deltalake::kernel::Action;
use futures::{StreamExt, TryStreamExt};
use polder_core::Result;
use serde_json::{Map, Value};

use arrow::datatypes::{DataType, SchemaRef, TimeUnit};

use crate::file::DataFile;
use crate::table::Table;

/// Commits that are read at the same time.
const READ_AHEAD: usize = 8;
/// How many commits are looked at to find those that brought rows.
const LOOKED_AT: usize = 1_000;

/// Exact figures of one version of a table: each is there only where the statistics of every file give it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableFacts {
    /// Rows.
    pub rows: Option<u64>,
    /// By the names of the table's columns. Fields inside structs are not told.
    pub columns: BTreeMap<String, ColumnFacts>,
    /// Rows that each data commit added, newest first; commits that only rewrote files, or noted something, are not
    /// among them. Ends where the log, or its statistics, end.
    pub recent_commits: Vec<u64>,
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
        facts.recent_commits = self.recent_additions(commits).await?;
        Ok(facts)
    }

    async fn recent_additions(&self, limit: usize) -> Result<Vec<u64>> {
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        let mut commits = futures::stream::iter((0..=self.version()).rev().take(LOOKED_AT))
            .map(async |version| self.actions(version).await)
            .buffered(READ_AHEAD);
        while let Some(actions) = commits.try_next().await? {
            let Some(actions) = actions else { break };
            let added = actions.into_iter().filter_map(|action| match action {
                Action::Add(add) if add.data_change => Some(DataFile::from_add(add).rows()),
                _ => None,
            });
            let added: Vec<_> = added.collect();
            if added.is_empty() {
                continue;
            }
            let Some(rows) = added.into_iter().sum() else { break };
            found.push(rows);
            if found.len() == limit {
                break;
            }
        }
        Ok(found)
    }
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
    let statistics: Vec<Value> = files
        .iter()
        .map(|file| {
            file.statistics()
                .and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or_default()
        })
        .collect();
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
    fn with(self, file: &DataFile, statistics: &Value, column: &str, data_type: &DataType) -> Option<Self> {
        let part = |name: &str| statistics.get(name).and_then(Value::as_object);
        let nulls = part("nullCount")?.get(column)?.as_u64()?;
        if file.rows() == Some(nulls) {
            let nulls = self.nulls + nulls;
            return Some(Self { nulls, ..self });
        }
        let bound = |values: Option<&Map<String, Value>>| exact(values?.get(column)?, data_type);
        Some(Self {
            nulls: self.nulls + nulls,
            minimum: self.minimum.fold(bound(part("minValues")), |own, other| own <= other),
            maximum: self.maximum.fold(bound(part("maxValues")), |own, other| own >= other),
        })
    }
}

/// The value of a statistic whose type Delta writes exactly (timestamps to the millisecond).
fn exact(value: &Value, data_type: &DataType) -> Option<ScalarValue> {
    match data_type {
        DataType::Int32 => Some(ScalarValue::Int32(Some(value.as_i64()?.try_into().ok()?))),
        DataType::Int64 => Some(ScalarValue::Int64(Some(value.as_i64()?))),
        DataType::Date32 => {
            let date = value.as_str()?.parse::<NaiveDate>().ok()?;
            let days = date.signed_duration_since(NaiveDate::default()).num_days();
            Some(ScalarValue::Date32(Some(days.try_into().ok()?)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
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
        _ => None,
    }
}
