//! Which partitions are read, and from where on: asked for, checked against what brokers still have, assigned.

use std::sync::Arc;
use std::time::{Duration, Instant};

use polder_core::{Error, ErrorKind, Result};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::metadata::MetadataPartition;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::broker::{START, hear_errors, partitions};
use super::offsets::{Gap, begin, listed, lost};
use super::{Partition, Reading};
use crate::chunk::Lane;
use crate::observer::Mode;
use crate::source::{Event, Halt};
use crate::stream::OnLost;

impl Reading<'_> {
    /// The topic's partitions, as the brokers know them.
    pub(super) fn look(&mut self, patience: Duration) -> Result<Vec<i32>> {
        self.looked = Instant::now();
        let connection = &self.source.connection;
        // All topics: asking for one by name can make brokers create it.
        let metadata = self.consumer.fetch_metadata(None, patience).map_err(|cause| {
            if self.partitions.is_empty() {
                hear_errors(&self.consumer);
            }
            connection.failure(&self.consumer, "do not answer", cause)
        })?;
        let found = partitions(&self.source.topic, &connection.brokers, &metadata)?;
        let mut ids: Vec<i32> = found.iter().map(MetadataPartition::id).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Takes partitions in: asks where they go on, checks that the offsets are there, and assigns all anew.
    pub(super) fn add(&mut self, ids: Vec<i32>) -> Result<(), Halt> {
        let lanes: Vec<Arc<Lane>> = ids
            .iter()
            .map(|partition| {
                let progress = format!("{}{partition}", self.source.progress);
                Arc::new(Lane {
                    topic: Arc::clone(&self.topic),
                    partition: *partition,
                    progress,
                })
            })
            .collect();
        let positions = self.port.positions(&lanes)?;
        let mut expected = 0;
        let mut gaps = Vec::new();
        for ((id, lane), stored) in ids.into_iter().zip(lanes).zip(positions) {
            self.port.check()?;
            let (low, high) = self.watermarks(id)?;
            let (next, gap) = begin(&self.topic, id, stored, low, high)?;
            gaps.extend(gap);
            expected += u64::try_from(high - next).unwrap_or_default();
            let end = (self.source.mode == Mode::UntilEnd).then_some(high);
            let done = end.is_some_and(|end| next >= end);
            self.partitions.insert(
                id,
                Partition {
                    lane,
                    next,
                    end,
                    done,
                    fresh: stored.is_none(),
                },
            );
        }
        self.pass_over(&gaps)?;
        self.port.send(Event::Expected(expected))?;
        self.assign()
    }

    /// The first offset of a partition, and the one behind its last.
    fn watermarks(&self, id: i32) -> Result<(i64, i64)> {
        self.consumer.fetch_watermarks(&self.topic, id, START).map_err(|cause| {
            let what = format!("do not tell the offsets of {}/{id}", self.topic);
            self.source.connection.failure(&self.consumer, &what, cause)
        })
    }

    /// Does with records that are gone what the stream says.
    fn pass_over(&mut self, gaps: &[Gap]) -> Result<(), Halt> {
        if gaps.is_empty() {
            return Ok(());
        }
        if self.source.on_lost == OnLost::Stop {
            return Err(lost(&self.topic, gaps).into());
        }
        for gap in gaps {
            if let Some(partition) = self.partitions.get(&gap.partition) {
                self.chunk.lose(&partition.lane, gap.from, gap.to);
            }
        }
        let text = format!(
            "topic {} lost records that were not read: {}; they are skipped, as the stream says",
            self.topic,
            listed(gaps)
        );
        tracing::warn!("{text}");
        Ok(self.port.notice(text)?)
    }

    /// The brokers do not have what comes next: finds out which records are gone.
    pub(super) fn regain(&mut self, error: Error) -> Result<(), Halt> {
        // What was read is handed over, whatever comes of this.
        self.hand_over()?;
        let open: Vec<i32> = self
            .partitions
            .iter()
            .filter(|(_, partition)| !partition.done)
            .map(|(id, _)| *id)
            .collect();
        let mut gaps = Vec::new();
        for id in open {
            let (low, high) = self.watermarks(id)?;
            if let Some(partition) = self.partitions.get_mut(&id) {
                let stored = (!partition.fresh).then_some(partition.next);
                let (next, gap) = begin(&self.topic, id, stored, low, high)?;
                partition.next = next;
                partition.done = partition.end.is_some_and(|end| next >= end);
                gaps.extend(gap);
            }
        }
        if gaps.is_empty() {
            return Err(error.into());
        }
        self.pass_over(&gaps)?;
        self.assign()
    }

    fn assign(&mut self) -> Result<(), Halt> {
        let mut list = TopicPartitionList::new();
        let refused = |cause: KafkaError| {
            Error::new(
                ErrorKind::Internal,
                format!("cannot assign partitions of {}", self.topic),
            )
            .with_source(cause)
        };
        for (id, partition) in self.partitions.iter().filter(|(_, partition)| !partition.done) {
            // Retention may move the beginning until the first fetch; whoever never read misses nothing.
            let offset = if partition.fresh {
                Offset::Beginning
            } else {
                Offset::Offset(partition.next)
            };
            list.add_partition_offset(&self.topic, *id, offset).map_err(refused)?;
        }
        self.consumer.assign(&list).map_err(refused)?;
        let now = Instant::now();
        (self.alive, self.moved) = (now, now);
        Ok(())
    }
}
