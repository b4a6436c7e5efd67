//! Ending a replay that was begun: by what the dataset's table says of its number.

use polder_core::{DatasetName, Error, ErrorKind, Result, RunId};
use polder_lake::{Commit, Lake, Operation, Progress, REPLAY_ORIGIN, Table};

use super::change::Change;
use super::{ATTEMPTS, Quarantine};

impl Quarantine {
    /// Moves to the newest version, and ends a replay that somebody began and did not end (in a process that crashed,
    /// or that is still at work: its rows then do not get into the table any more). Gives how many rows were concerned.
    ///
    /// # Errors
    /// `Conflict`, where others keep deciding; what the lake reports.
    pub async fn settle(&mut self, run: RunId) -> Result<u64> {
        for _ in 0..ATTEMPTS {
            self.table.refresh().await?;
            let Some(number) = self.unfinished().await? else {
                return Ok(0);
            };
            let landed = match self.lake.load(&self.dataset).await? {
                Some(mut table) => self.has_landed(&mut table, number, run).await?,
                None => false,
            };
            let change = if landed { Change::Replayed } else { Change::Reopen };
            let progress = self.step(number + 1).await?;
            match self
                .mark(run, progress, |row| row.is_of_replay(number).then_some(change))
                .await
            {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                settled => return settled,
            }
        }
        Err(self.busy())
    }

    /// The number of a replay that was begun and not settled, as this quarantine table shows it, and whether its rows are
    /// in the dataset's table. Writes nothing.
    ///
    /// # Errors
    /// What the lake reports.
    pub async fn under_way(lake: &Lake, dataset: &DatasetName, quarantine: &Table) -> Result<Option<(i64, bool)>> {
        let id = format!("{REPLAY_ORIGIN}{dataset}");
        let Some(number) = quarantine.progress(&id).await?.filter(|count| count % 2 == 0) else {
            return Ok(None);
        };
        let landed = match lake.load(dataset).await? {
            Some(table) => table.progress(&id).await? == Some(number),
            None => false,
        };
        Ok(Some((number, landed)))
    }

    /// The number of a replay that is not settled.
    pub(super) async fn unfinished(&self) -> Result<Option<i64>> {
        Ok(self.count().await?.filter(|count| count % 2 == 0))
    }

    /// Whether the table has the rows of this replay. Where it does not have them, it never gets them afterwards.
    async fn has_landed(&self, table: &mut Table, number: i64, run: RunId) -> Result<bool> {
        for _ in 0..ATTEMPTS {
            let stored = table.progress(&self.progress_id()).await?;
            match stored {
                Some(stored) if stored == number => return Ok(true),
                Some(stored) if stored > number => return Ok(false),
                _ => {}
            }
            let mut fence = Commit::new(run, Operation::Append);
            let said = [
                ("origin", self.progress_id()),
                ("accepted", "0".to_owned()),
                ("rejected", "0".to_owned()),
            ];
            fence.metadata = said.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            fence.progress.push(Progress {
                id: self.progress_id(),
                expected: stored,
                next: number + 1,
            });
            match table.commit(fence).await {
                Ok(_) => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Conflict => table.refresh().await?,
                Err(error) => return Err(error),
            }
        }
        Err(self.busy())
    }

    /// Whether it is certain that the rows of this replay are not in the table and never will be: the table was given
    /// the odd number behind it, which is written only where the replay's own is not there.
    pub(super) async fn is_fenced(&self, number: i64) -> Result<bool> {
        match self.lake.load(&self.dataset).await? {
            Some(table) => Ok(table.progress(&self.progress_id()).await? == Some(number + 1)),
            None => Ok(false),
        }
    }

    pub(super) fn busy(&self) -> Error {
        let message = format!("others keep deciding about the quarantine of {}", self.dataset);
        Error::new(ErrorKind::Conflict, message).with_help("run again when they are done")
    }
}
