//! Refused rows that come again: they are in quarantine since an earlier attempt, and are not written there twice.

use std::collections::HashSet;

use polder_core::{Error, ErrorKind, Result};

use super::Shipment;
use crate::known::{Known, fingerprint};
use crate::quarantine::content_id;
use crate::record::{RawRecord, RawRecords};

impl Shipment<'_> {
    /// The rows of a batch that quarantine holds since an earlier attempt.
    pub(super) fn recognise(&mut self, rows: usize, raw: &dyn RawRecords) -> Result<HashSet<usize>> {
        let mut known = HashSet::new();
        if matches!(&self.delivery.known, Known::Positions(positions) if !positions.window.is_empty()) {
            for row in 0..rows {
                let record = self.record(raw, row)?;
                if let Some(record) = record
                    && self.recognise_record(&record)?
                {
                    known.insert(row);
                }
            }
        }
        Ok(known)
    }

    /// Whether quarantine holds this record since an earlier attempt.
    pub(super) fn recognise_record(&mut self, record: &RawRecord<'_>) -> Result<bool> {
        let Known::Positions(positions) = &self.delivery.known else {
            return Ok(false);
        };
        if positions.window.is_empty() {
            return Ok(false);
        }
        self.seen.note(record);
        let known = positions.window.holds(record)?;
        self.receipt.recognised += u64::from(known);
        Ok(known)
    }

    /// The record behind a row: there must be one where rows are recognised by position.
    pub(super) fn record<'r>(&self, raw: &'r dyn RawRecords, row: usize) -> Result<Option<RawRecord<'r>>> {
        match (raw.record(row), &self.delivery.known) {
            (None, Known::Positions(_)) => Err(self.without_record(row)),
            (record, _) => Ok(record),
        }
    }

    pub(super) fn without_record(&self, row: usize) -> Error {
        let message = format!("row {row} of {} came without its record", self.delivery.origin);
        Error::new(ErrorKind::Internal, message)
    }

    /// The key of a pipeline's refused row; `None` where quarantine holds the row already. Rows that never came before
    /// are others than the equal ones there, so they are counted on from those. Rows that come again are first those
    /// that are open, then those that are discarded, then those that a build had not refused any more: where some of
    /// equal rows are gone, nobody knows which, and what nobody decided about must not be closed for it.
    pub(super) async fn unknown_content(&mut self, content: u128) -> Result<Option<String>> {
        let unread = matches!(self.delivery.known, Known::Contents(None));
        if unread {
            let contents = self.delivery.read_contents().await?;
            self.delivery.known = Known::Contents(Some(contents));
        }
        let contents = match &self.delivery.known {
            Known::Contents(Some(contents)) => Some(contents),
            _ => None,
        };
        let counted = self.occurrences.entry(content).or_default();
        let (id, key, known) = loop {
            counted.occurrence += 1;
            let id = content_id(&self.stamp.origin, content, counted.occurrence);
            let key = fingerprint(id.as_bytes());
            let held = contents.filter(|contents| contents.all.contains(&key));
            let comes_again = match (held, counted.round) {
                (None, Round::Others) => break (id, key, false),
                (None, _) if self.only_new => break (id, key, false),
                (None, round) => {
                    *counted = Counted {
                        occurrence: 0,
                        round: round.next(),
                    };
                    false
                }
                (Some(_), _) if self.only_new => false,
                (Some(contents), Round::Open) => {
                    !contents.discarded.contains(&key) && !contents.replayed.contains(&key)
                }
                (Some(contents), Round::Discarded) => contents.discarded.contains(&key),
                (Some(_), Round::Others) => !self.met.contains(&key),
            };
            if comes_again {
                break (id, key, true);
            }
        };
        self.met.insert(key);
        self.receipt.recognised += u64::from(known);
        Ok((!known).then_some(id))
    }
}

/// How far the rows of one content are counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// The number of the last one.
    occurrence: u64,
    round: Round,
}

/// Which of equal rows in quarantine are met; each round begins with the first of them.
#[derive(Debug, Default, Clone, Copy)]
enum Round {
    #[default]
    Open,
    Discarded,
    /// Those that were not met in the rounds before.
    Others,
}

impl Round {
    fn next(self) -> Self {
        match self {
            Self::Open => Self::Discarded,
            Self::Discarded | Self::Others => Self::Others,
        }
    }
}
