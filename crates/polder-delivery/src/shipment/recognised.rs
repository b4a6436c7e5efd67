//! Refused rows that come again: they are in quarantine since an earlier attempt, and are not written there twice.

use std::collections::HashSet;

use polder_core::{Error, ErrorKind, Result};

use super::Shipment;
use crate::known::{Known, fingerprint};
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

    /// Whether a pipeline's row is in quarantine already.
    pub(super) async fn is_known_content(&mut self, id: &str) -> Result<bool> {
        let unread = matches!(self.delivery.known, Known::Contents(None));
        if unread {
            let contents = self.delivery.read_contents().await?;
            self.delivery.known = Known::Contents(Some(contents));
        }
        let Known::Contents(Some(contents)) = &self.delivery.known else {
            return Ok(false);
        };
        let key = fingerprint(id.as_bytes());
        let known = contents.all.contains(&key);
        if !known {
            self.fresh.insert(key);
        }
        self.met.insert(key);
        self.receipt.recognised += u64::from(known);
        Ok(known)
    }
}
