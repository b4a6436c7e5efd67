//! What becomes of refused rows: they are open, until a replay takes them into the table or somebody discards them.
//!
//! What pipelines compute is not replayed but computed anew: a build decides about the rows that it computes again, which are
//! all of them or those of some groups.
//!
//! No row leaves quarantine. Its columns `state`, `resolution`, … say what became of it, `history` all that was decided
//! and tried, and every such decision is a commit of the quarantine table that counts up its progress id
//! `replay/<dataset>`.
//!
//! A replay changes two tables, which cannot be committed in one step, so it has a number, and three steps:
//! 1. quarantine marks the rows that pass as `replaying` with the number (the others get their new reason);
//! 2. the dataset's table gets the rows, with the number as its progress of the same id;
//! 3. quarantine marks them `replayed`.
//!
//! Numbers are even; an odd count says that nothing is under way. Whoever finds an even count settles that number: what
//! the dataset's table says of it decides. A table that does not have the number is first given the next odd one, after
//! which the second step of a process that is still at work cannot be made any more.

mod cells;
mod change;
mod gone;
mod history;
mod judged;
mod kept;
mod marks;
mod patch;
mod patched;
mod reading;
mod received;
mod records;
mod rejudged;
mod replay;
mod reread;
mod selected;
mod settle;
mod steps;
mod told;

use std::collections::HashSet;
use std::sync::Arc;

use polder_core::{DatasetName, Error, ErrorKind, Result, RunId};
use polder_lake::{Lake, Progress, REPLAY_ORIGIN, Table, TableOptions};
use polder_policy::Policies;

use crate::columns::quarantine_schema;
use crate::discretion::Discretion;
use crate::states::DISCARDED;
use change::Change;
pub(crate) use gone::gone;
use marks::Row;
pub use patch::{Patch, Patched};
pub(crate) use rejudged::Rejudged;
pub use replay::{Replay, Replayed};
pub use reread::{Again, Misfit, Reread, Unread};

/// How often a decision is begun anew because others decided or wrote meanwhile.
const ATTEMPTS: u32 = 8;

/// The refused rows of one dataset.
///
/// Several processes may decide about them at the same time, also while streams refuse further rows: of two decisions
/// one is made first, and the other looks at the rows anew.
pub struct Quarantine {
    lake: Lake,
    dataset: DatasetName,
    table: Table,
    discretion: Discretion,
    policies: Arc<Policies>,
}

/// Open rows that are meant.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only rows that this rule refused.
    pub rule: Option<String>,
    /// Only rows with these keys (`_quarantine_id`).
    pub ids: Option<HashSet<String>>,
}

impl Selection {
    fn holds(&self, row: &Row<'_>) -> bool {
        row.is_open()
            && self.rule.as_deref().is_none_or(|rule| rule == row.rule)
            && self.ids.as_ref().is_none_or(|ids| ids.contains(row.id))
    }
}

/// Why rows are discarded, and by whom.
#[derive(Debug, Clone)]
pub struct Discard {
    /// Which.
    pub selection: Selection,
    /// Why: stays on record.
    pub reason: String,
    /// Who decided.
    pub by: String,
    /// The run that it is recorded under.
    pub run: RunId,
}

impl Quarantine {
    /// The quarantine of a dataset; `None` where nothing was ever refused. A table of an earlier Polder gets the
    /// columns that it lacks.
    ///
    /// # Errors
    /// What the lake reports.
    pub async fn open(lake: &Lake, dataset: &DatasetName) -> Result<Option<Self>> {
        let name = dataset.quarantine();
        if lake.load(&name).await?.is_none() {
            return Ok(None);
        }
        let table = lake
            .ensure(&name, quarantine_schema(), &TableOptions::default())
            .await?;
        Ok(Some(Self {
            lake: lake.clone(),
            dataset: dataset.clone(),
            table,
            discretion: Discretion::default(),
            policies: Arc::default(),
        }))
    }

    /// The same as it is, to [rehearse](Self::rehearse): nothing is written, and what an earlier Polder wrote lacks is
    /// null.
    ///
    /// # Errors
    /// What the lake reports.
    pub async fn open_as_it_is(lake: &Lake, dataset: &DatasetName) -> Result<Option<Self>> {
        let table = lake.load(&dataset.quarantine()).await?;
        Ok(table.map(|table| Self {
            lake: lake.clone(),
            dataset: dataset.clone(),
            table,
            discretion: Discretion::default(),
            policies: Arc::default(),
        }))
    }

    /// The same, where refusals of a replay do not tell the values that not everybody may see.
    #[must_use]
    pub fn with_discretion(self, discretion: Discretion) -> Self {
        Self { discretion, ..self }
    }

    /// The same, where what a replay writes is searched for what these policies let no row hold.
    #[must_use]
    pub fn with_policies(self, policies: Arc<Policies>) -> Self {
        Self { policies, ..self }
    }

    /// The quarantine table, as of the last decision.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Marks the selected open rows as discarded, and gives how many there were. They stay in quarantine, with reason,
    /// name and time.
    ///
    /// # Errors
    /// `Usage` without a reason; `Conflict`, where others keep deciding about the same rows; what the lake reports.
    pub async fn discard(&mut self, discard: &Discard) -> Result<u64> {
        if discard.reason.trim().is_empty() {
            return Err(Error::new(ErrorKind::Usage, "rows are discarded for a reason")
                .with_help("say why: --reason \"test data of the supplier, ticket 4711\""));
        }
        for attempt in 1.. {
            self.settle(discard.run).await?;
            let progress = self.step(self.next_decision().await?).await?;
            let change = Change::Resolve {
                state: DISCARDED,
                resolution: &discard.reason,
                by: &discard.by,
            };
            let marked = self.mark(discard.run, progress, |row| {
                discard.selection.holds(row).then_some(change)
            });
            match marked.await {
                Err(error) if error.kind() == ErrorKind::Conflict && attempt < ATTEMPTS => {}
                marked => return marked,
            }
        }
        Err(self.busy())
    }

    /// The id under which both tables count decisions.
    fn progress_id(&self) -> String {
        format!("{REPLAY_ORIGIN}{}", self.dataset)
    }

    /// The number of the last decision; even while it is a replay that is not settled.
    async fn count(&self) -> Result<Option<i64>> {
        self.table.progress(&self.progress_id()).await
    }

    /// The number of a decision that needs no second step.
    async fn next_decision(&self) -> Result<i64> {
        Ok(self.count().await?.map_or(1, |count| count + 2))
    }

    /// The step of the quarantine's count to this number.
    async fn step(&self, next: i64) -> Result<Progress> {
        Ok(Progress {
            id: self.progress_id(),
            expected: self.count().await?,
            next,
        })
    }
}
