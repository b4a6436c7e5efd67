//! Refused rows of pipelines after a build: those that a build of everything does not refuse any more are neither open nor
//! discarded, and those that are refused again are open again.

use std::collections::HashSet;

use polder_core::{ErrorKind, Result, RunId};

use super::change::Change;
use super::{ATTEMPTS, Quarantine};
use crate::known::fingerprint;
use crate::states::{DISCARDED, REPLAYED};

/// What a build judged.
pub(crate) struct Rejudged<'a> {
    /// The pipeline.
    pub(crate) origin: &'a str,
    /// Fingerprints of the keys of the rows that it refused.
    pub(crate) refused: &'a HashSet<u128>,
    /// Whether it judged every row that there is.
    pub(crate) everything: bool,
    /// What the rows were judged by, in words.
    pub(crate) resolution: &'a str,
    pub(crate) run: RunId,
}

impl Quarantine {
    /// Marks what a build decided about rows. Gives how many were concerned.
    pub(crate) async fn rejudge(&mut self, judged: &Rejudged<'_>) -> Result<u64> {
        let Rejudged { origin, refused, .. } = judged;
        for attempt in 1.. {
            self.settle(judged.run).await?;
            let progress = self.step(self.next_decision().await?).await?;
            let marked = self.mark(judged.run, progress, |row| {
                if row.origin != *origin {
                    return None;
                }
                let again = refused.contains(&fingerprint(row.id.as_bytes()));
                match again {
                    true if row.state == Some(REPLAYED) => Some(Change::RefusedAgain { by: origin }),
                    false if judged.everything && (row.is_open() || row.state == Some(DISCARDED)) => {
                        Some(Change::Resolve {
                            state: REPLAYED,
                            resolution: judged.resolution,
                            by: origin,
                        })
                    }
                    _ => None,
                }
            });
            match marked.await {
                Err(error) if error.kind() == ErrorKind::Conflict && attempt < ATTEMPTS => {}
                marked => return marked,
            }
        }
        Err(self.busy())
    }
}
