//! What quarantine holds already, so that no record is written there twice or accepted afterwards.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::catalog::TableProvider;
use datafusion::prelude::{Expr, SessionConfig, SessionContext, ident, lit};
use futures::TryStreamExt;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use sha2::{Digest, Sha256};

use crate::record::RawRecord;
use crate::states::{DISCARDED, REPLAYED};

/// How refused rows are recognised when they come again.
pub(crate) enum Known {
    /// By their position, for what has one: a stream's records.
    Positions(Positions),
    /// By their content: a pipeline's rows. Read from quarantine when the first row is refused.
    Contents(Option<Contents>),
}

/// What is known of a stream's records in quarantine.
#[derive(Default)]
pub(crate) struct Positions {
    pub(crate) window: Window,
    /// The quarantine's version up to which the window was read.
    pub(crate) read_to: Option<u64>,
    /// The origin's count of quarantine commits at that version.
    pub(crate) sequence: Option<i64>,
}

/// Refused records of a stream whose shipment may not have been completed: they are in quarantine, and may come again.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// Topic, partition, offset, and a digest of the record's bytes.
    open: HashMap<String, HashMap<i32, BTreeMap<i64, u64>>>,
}

/// The last offset that a shipment saw of each topic and partition.
#[derive(Debug, Default)]
pub(crate) struct Seen(HashMap<String, HashMap<i32, i64>>);

impl Seen {
    pub(crate) fn note(&mut self, record: &RawRecord<'_>) {
        if !self.0.contains_key(record.topic) {
            self.0.insert(record.topic.to_owned(), HashMap::new());
        }
        if let Some(partitions) = self.0.get_mut(record.topic) {
            let last = partitions.entry(record.partition).or_insert(record.offset);
            *last = record.offset.max(*last);
        }
    }

    fn last(&self, topic: &str, partition: i32) -> Option<i64> {
        self.0.get(topic)?.get(&partition).copied()
    }
}

impl Window {
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether the record is in quarantine already.
    ///
    /// # Errors
    /// `Conflict`, where quarantine holds another record at this position: the topic was made anew, and nobody can
    /// say what became of the records in between.
    pub(crate) fn holds(&self, record: &RawRecord<'_>) -> Result<bool> {
        let partition = self
            .open
            .get(record.topic)
            .and_then(|partitions| partitions.get(&record.partition));
        match partition.and_then(|offsets| offsets.get(&record.offset)) {
            None => Ok(false),
            Some(known) if *known == digest(record.bytes) => Ok(true),
            Some(_) => Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "quarantine holds another record at {}/{} offset {}",
                    record.topic, record.partition, record.offset
                ),
            )
            .with_help("was the topic deleted and made anew? move its quarantined rows away, or use another topic")),
        }
    }

    /// Whether a shipment that saw these offsets leaves nothing open once it is committed.
    pub(crate) fn closes_with(&self, seen: &Seen) -> bool {
        self.open.iter().all(|(topic, partitions)| {
            partitions.iter().all(|(partition, offsets)| {
                let last = seen.last(topic, *partition);
                offsets
                    .last_key_value()
                    .is_none_or(|(open, _)| last.is_some_and(|last| last >= *open))
            })
        })
    }

    /// Forgets what lies before the end of a committed shipment: those records do not come again.
    pub(crate) fn close(&mut self, seen: &Seen) {
        for (topic, partitions) in &mut self.open {
            for (partition, offsets) in partitions.iter_mut() {
                if let Some(last) = seen.last(topic, *partition) {
                    offsets.retain(|offset, _| *offset > last);
                }
            }
            partitions.retain(|_, offsets| !offsets.is_empty());
        }
        self.open.retain(|_, partitions| !partitions.is_empty());
    }

    /// The topics and partitions of what is open.
    pub(crate) fn partitions(&self) -> Vec<(String, i32)> {
        let each = self.open.iter();
        each.flat_map(|(topic, partitions)| partitions.keys().map(|partition| (topic.clone(), *partition)))
            .collect()
    }

    /// Forgets what lies before the place where a partition's next record is: the shipments that refused it were
    /// completed.
    pub(crate) fn close_before(&mut self, topic: &str, partition: i32, next: i64) {
        if let Some(partitions) = self.open.get_mut(topic) {
            if let Some(offsets) = partitions.get_mut(&partition) {
                *offsets = offsets.split_off(&next);
            }
            partitions.retain(|_, offsets| !offsets.is_empty());
        }
        self.open.retain(|_, partitions| !partitions.is_empty());
    }

    /// Adds the rows that `origin` has in these quarantined files.
    pub(crate) async fn read(&mut self, provider: Arc<dyn TableProvider>, origin: &str) -> Result<()> {
        let columns = ["_topic", "_partition", "_offset", "raw"];
        let types = [DataType::Utf8, DataType::Int32, DataType::Int64, DataType::Binary];
        scan(provider, origin, None, &columns, &types, |columns| {
            let topics = columns[0].as_string::<i32>();
            let partitions = columns[1].as_primitive::<Int32Type>();
            let offsets = columns[2].as_primitive::<Int64Type>();
            let raw = columns[3].as_binary::<i32>();
            for row in 0..topics.len() {
                if topics.is_null(row) || partitions.is_null(row) || offsets.is_null(row) {
                    continue;
                }
                let bytes = raw.is_valid(row).then(|| raw.value(row));
                let partitions_open = self.open.entry(topics.value(row).to_owned()).or_default();
                partitions_open
                    .entry(partitions.value(row))
                    .or_default()
                    .insert(offsets.value(row), digest(bytes));
            }
            Ok(())
        })
        .await
    }
}

/// What quarantine holds of a pipeline's rows: their keys, as fingerprints of 16 bytes.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) all: HashSet<u128>,
    /// Those of them that somebody decided to leave out.
    pub(crate) discarded: HashSet<u128>,
    /// Those of them that a build of everything did not refuse any more.
    pub(crate) replayed: HashSet<u128>,
}

impl Contents {
    pub(crate) async fn read(provider: Arc<dyn TableProvider>, origin: &str) -> Result<Self> {
        let mut known = Self::default();
        let has_states = provider.schema().index_of("state").is_ok();
        let columns: &[&str] = if has_states {
            &["_quarantine_id", "state"]
        } else {
            &["_quarantine_id"]
        };
        let types = [DataType::Utf8, DataType::Utf8];
        scan(provider, origin, None, columns, &types[..columns.len()], |columns| {
            let ids = columns[0].as_string::<i32>();
            let states = columns.get(1).map(|states| states.as_string::<i32>());
            for row in 0..ids.len() {
                let key = fingerprint(ids.value(row).as_bytes());
                known.all.insert(key);
                match states
                    .filter(|states| states.is_valid(row))
                    .map(|states| states.value(row))
                {
                    Some(DISCARDED) => known.discarded.insert(key),
                    Some(REPLAYED) => known.replayed.insert(key),
                    _ => false,
                };
            }
            Ok(())
        })
        .await?;
        Ok(known)
    }
}

/// Sixteen bytes that stand for others: the first half of their SHA-256.
pub(crate) fn fingerprint(bytes: &[u8]) -> u128 {
    Sha256::digest(bytes)
        .iter()
        .take(16)
        .fold(0, |sum, byte| (sum << 8) | u128::from(*byte))
}

/// Tells records apart within this process.
fn digest(bytes: Option<&[u8]>) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u8(u8::from(bytes.is_some()));
    hasher.write(bytes.unwrap_or_default());
    hasher.finish()
}

/// Hands these columns of an origin's quarantined rows to `each`, batch by batch, in these types; only of rows for which
/// `only` holds, where it is given.
pub(crate) async fn scan(
    provider: Arc<dyn TableProvider>,
    origin: &str,
    only: Option<Expr>,
    columns: &[&str],
    types: &[DataType],
    mut each: impl FnMut(&[ArrayRef]) -> Result<()>,
) -> Result<()> {
    let failure = || "cannot read quarantined rows".to_owned();
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    let of_origin = ident("_origin").eq(lit(origin));
    let chosen = match only {
        Some(only) => of_origin.and(only),
        None => of_origin,
    };
    let rows = context
        .read_table(provider)
        .and_then(|frame| frame.filter(chosen))
        .and_then(|frame| frame.select(columns.iter().map(|name| ident(*name)).collect::<Vec<_>>()))
        .context(ErrorKind::Internal, failure)?;
    let mut stream = rows.execute_stream().await.context(ErrorKind::Unreachable, failure)?;
    while let Some(batch) = stream.try_next().await.context(ErrorKind::Unreachable, failure)? {
        // The engine reads text and bytes as views.
        let columns = batch
            .columns()
            .iter()
            .zip(types)
            .map(|(column, to)| cast(column, to))
            .collect::<Result<Vec<_>, _>>();
        each(&columns.context(ErrorKind::Internal, failure)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(offset: i64, bytes: &[u8]) -> RawRecord<'_> {
        RawRecord {
            topic: "t",
            partition: 0,
            offset,
            key: None,
            timestamp: None,
            event_time: None,
            schema_header: None,
            schema_id: None,
            bytes: Some(bytes),
        }
    }

    fn window(offsets: &[i64]) -> Window {
        let open = offsets.iter().map(|offset| (*offset, digest(Some(b"x")))).collect();
        Window {
            open: HashMap::from([("t".to_owned(), HashMap::from([(0, open)]))]),
        }
    }

    #[test]
    fn a_record_is_known_by_position_and_bytes() {
        let window = window(&[5]);
        assert!(window.holds(&record(5, b"x")).unwrap());
        assert!(!window.holds(&record(6, b"x")).unwrap());
        assert!(
            !window
                .holds(&RawRecord {
                    partition: 1,
                    ..record(5, b"x")
                })
                .unwrap()
        );
        assert_eq!(window.holds(&record(5, b"y")).unwrap_err().kind(), ErrorKind::Conflict);
    }

    #[test]
    fn a_window_closes_only_when_everything_in_it_was_passed() {
        let mut window = window(&[5, 9]);
        let mut seen = Seen::default();
        assert!(!window.closes_with(&seen));
        seen.note(&record(7, b""));
        seen.note(&record(6, b""));
        assert!(!window.closes_with(&seen));
        window.close(&seen);
        assert!(!window.holds(&record(5, b"x")).unwrap());
        assert!(window.holds(&record(9, b"x")).unwrap());
        seen.note(&record(9, b""));
        assert!(window.closes_with(&seen));
        window.close(&seen);
        assert!(window.is_empty());
    }
}
