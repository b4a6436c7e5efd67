//! Refused rows of pipelines after a build: those that it computed again, or would have, and did not refuse any more are
//! neither open nor discarded, and those that are refused again are open again.
//!
//! That is a third commit, behind those of quarantine and table. The table's commit says that it is due, with a number
//! under the progress id `rejudged/<origin>`; quarantine has the same number when it is done. A process that ends in between
//! leaves two numbers, and the next build is one of everything, which decides about all rows. A process that comes late
//! finds a number that is not before its own, and leaves what a later build decided.

use std::collections::HashSet;

use polder_core::{DatasetName, ErrorKind, Result, RunId};
use polder_lake::{Lake, Progress};

use super::change::Change;
use super::{ATTEMPTS, Quarantine};
use crate::delivery::rejudged_progress;
use crate::known::fingerprint;
use crate::states::{DISCARDED, REPLAYED};

/// What a build found of rows in quarantine, by fingerprints of their keys.
pub(crate) struct Rejudged {
    /// The pipeline.
    pub(crate) origin: String,
    /// The rows that it refused.
    pub(crate) refused: HashSet<u128>,
    /// The rows that it did not refuse any more.
    pub(crate) gone: HashSet<u128>,
    /// The number that the table has for this, and the one that it had before.
    pub(crate) number: i64,
    pub(crate) before: Option<i64>,
    /// What the rows were judged by, in words.
    pub(crate) resolution: String,
    pub(crate) run: RunId,
}

impl Rejudged {
    /// The progress by which the table says that quarantine is to be told.
    pub(crate) fn announced(&self) -> Progress {
        Progress {
            id: rejudged_progress(&self.origin),
            expected: self.before,
            next: self.number,
        }
    }

    /// Tells the quarantine of the dataset. Gives how many rows were concerned.
    ///
    /// # Errors
    /// `Conflict`, where others keep deciding; what the lake reports.
    pub(crate) async fn tell(&self, lake: &Lake, dataset: &DatasetName) -> Result<u64> {
        match Quarantine::open(lake, dataset).await? {
            Some(mut quarantine) => quarantine.rejudge(self).await,
            None => Ok(0),
        }
    }
}

impl Quarantine {
    /// Marks what a build decided about rows.
    async fn rejudge(&mut self, judged: &Rejudged) -> Result<u64> {
        let id = rejudged_progress(&judged.origin);
        for attempt in 1.. {
            self.settle(judged.run).await?;
            let expected = self.table.progress(&id).await?;
            if expected.is_some_and(|told| told >= judged.number) {
                return Ok(0);
            }
            let told = Progress {
                id: id.clone(),
                expected,
                next: judged.number,
            };
            let progress = self.step(self.next_decision().await?).await?;
            let marked = self.mark_and_tell(judged.run, progress, Some(told), |row| {
                if row.origin != judged.origin {
                    return None;
                }
                let key = fingerprint(row.id.as_bytes());
                if row.state == Some(REPLAYED) {
                    let again = judged.refused.contains(&key);
                    return again.then_some(Change::RefusedAgain { by: &judged.origin });
                }
                let settled = judged.gone.contains(&key) && (row.is_open() || row.state == Some(DISCARDED));
                settled.then_some(Change::Resolve {
                    state: REPLAYED,
                    resolution: &judged.resolution,
                    by: &judged.origin,
                })
            });
            match marked.await {
                Err(error) if error.kind() == ErrorKind::Conflict && attempt < ATTEMPTS => {}
                marked => return marked,
            }
        }
        Err(self.busy())
    }
}
