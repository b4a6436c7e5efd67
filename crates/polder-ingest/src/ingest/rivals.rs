//! Other processes on the same stream: one works, the others wait until it is still.

use std::time::Duration;

use polder_contract::DatasetContract;
use polder_core::Result;
use uuid::Uuid;

use super::session::Session;

/// For at most so many triggers another process must have been still before this one goes on.
const STILL: u32 = 3;
/// After a first conflict it must have been still for about this long.
const FIRST_STILLNESS: Duration = Duration::from_millis(500);

/// How long another process must have been still: longer with each conflict, up to [`STILL`] triggers, and by chance
/// between half and all of it. Two that stood in each other's way, each on another partition, would otherwise wait for
/// each other and wake together.
fn stillness(conflicts: u32, interval: Duration) -> Duration {
    let most = (interval * STILL).max(FIRST_STILLNESS);
    let wait = FIRST_STILLNESS.saturating_mul(1 << conflicts.min(16)).min(most);
    let chance = (Uuid::new_v4().as_u128() % 1_000) as u32;
    wait / 2 + wait / 2 * chance / 1_000
}

impl Session<'_> {
    /// Waits until nobody else makes progress on this stream for some triggers. Gives whether it was shut down.
    pub(super) async fn wait_for_stillness(&self, contract: &DatasetContract, mut conflicts: u32) -> Result<bool> {
        let lanes: Vec<&String> = self.progress.keys().collect();
        let Some(mut table) = self.ingest.lake.load(contract.dataset()).await? else {
            return Ok(false);
        };
        let mut last = None;
        loop {
            table.refresh().await?;
            let mut now = Vec::with_capacity(lanes.len());
            for lane in &lanes {
                now.push(table.progress(lane).await?);
            }
            if last.as_ref() == Some(&now) {
                return Ok(false);
            }
            last = Some(now);
            tokio::select! {
                () = self.shutdown.cancelled() => return Ok(true),
                () = tokio::time::sleep(stillness(conflicts, self.stream.trigger.interval)) => {}
            }
            conflicts += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_that_collide_do_not_wake_together_and_wait_longer_each_time_up_to_three_triggers() {
        let interval = Duration::from_secs(10);
        for (conflicts, most) in [(0, 500), (1, 1_000), (3, 4_000), (20, 30_000)] {
            let waits: Vec<Duration> = (0..200).map(|_| stillness(conflicts, interval)).collect();
            let most = Duration::from_millis(most);
            assert!(
                waits.iter().all(|wait| *wait >= most / 2 && *wait <= most),
                "{conflicts}: {waits:?}"
            );
            let different: std::collections::BTreeSet<_> = waits.iter().collect();
            assert!(different.len() > 100);
        }
    }
}
