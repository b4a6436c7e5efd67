//! What the Delta log tells of a table's rows without reading them.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use chrono::{DateTime, NaiveDateTime};
use datafusion::common::{Column, DataFusionError, ScalarValue, internal_err};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::functions_aggregate::expr_fn::{max, min};
use datafusion::logical_expr::Expr;
use datafusion::prelude::SessionContext;
use polder_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::file::DataFile;
use crate::statistics::{FileStatistics, exact};
use crate::table::Table;

/// Exact figures of one version of a table: each is there only where the statistics of every file give it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableFacts {
    /// Rows.
    pub rows: Option<u64>,
    /// By the names of the table's columns. Fields inside structs are not told.
    pub columns: BTreeMap<String, ColumnFacts>,
    /// Rows that each data commit brought, newest first; commits that only wrote rows again, took some away, or noted
    /// something are not among them, nor are [replays](crate::REPLAY_ORIGIN). Ends where the log, or its statistics, end.
    pub recent_commits: Vec<u64>,
    /// Whether there may have been more of those commits than the log tells; see [`Additions::cut`](crate::Additions::cut).
    pub commits_cut: bool,
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

    /// The least and the greatest value of a column of dates or timestamps, read from the rows; nulls where it has no
    /// value. `a.b` is the field `b` of a struct `a`. `None` where the table has no such column of these types.
    ///
    /// # Errors
    /// `Unreachable`, where the store fails; `Data`, where the rows cannot be read.
    pub async fn read_bounds(&self, column: &str) -> Result<Option<(ScalarValue, ScalarValue)>> {
        let schema = self.schema();
        let (head, rest) = column.split_once('.').unwrap_or((column, ""));
        let Ok(field) = schema.field_with_name(head) else {
            return Ok(None);
        };
        let (mut kind, mut value) = (field.data_type(), Expr::Column(Column::from_name(head)));
        for step in rest.split('.').filter(|step| !step.is_empty()) {
            let DataType::Struct(fields) = kind else {
                return Ok(None);
            };
            let Some((_, field)) = fields.find(step) else {
                return Ok(None);
            };
            kind = field.data_type();
            value = get_field(value, step);
        }
        if !matches!(kind, DataType::Date32 | DataType::Timestamp(..)) {
            return Ok(None);
        }
        let provider = self.provider()?;
        let read = async {
            let rows = SessionContext::new().read_table(provider)?;
            let bounds = rows.aggregate(Vec::new(), vec![min(value.clone()), max(value)])?;
            let batches = bounds.collect().await?;
            let Some(batch) = batches.iter().find(|batch| batch.num_rows() == 1) else {
                return internal_err!("no figures of a column");
            };
            let of = |place: usize| ScalarValue::try_from_array(batch.column(place), 0);
            Ok::<_, DataFusionError>((of(0)?, of(1)?))
        };
        read.await.map(Some).map_err(|cause| {
            let kind = match cause.find_root() {
                DataFusionError::ObjectStore(_) => ErrorKind::Unreachable,
                _ => ErrorKind::Data,
            };
            Error::new(kind, format!("cannot read the column {column} of {}", self.name)).with_source(cause)
        })
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
