//! Taking refused rows into the table after all: judged anew, under the contract of now, each once.

use std::collections::BTreeMap;

use polder_core::{ErrorKind, Result};
use polder_lake::{Commit, Operation, Progress};

use super::change::{Change, Refused};
use super::judged::{Fate, Judged};
use super::marks::Row;
use super::replay::{Replay, Replayed};
use super::{ATTEMPTS, Quarantine};
use crate::known::fingerprint;

impl Quarantine {
    /// Judges the selected open rows under the contract of now and takes those that pass into the dataset's table, each
    /// exactly once, whatever crashes and whoever else is at work. They keep the position and times that they came
    /// with; `_ingested_at` and `_run_id` are this replay's. The others stay open, with one more attempt in their
    /// history, and the rule that they break now where it was the row as received that was judged.
    ///
    /// # Errors
    /// `CheckFailed`, where a set rule of the contract would not hold of the table with these rows, the contract takes
    /// no rows any more, or rows that pass hold what a policy refuses; `Conflict`, where others keep writing or deciding; what gate and lake report.
    pub async fn replay(&mut self, replay: &Replay<'_>) -> Result<Replayed> {
        for attempt in 1.. {
            self.settle(replay.run).await?;
            match self.replay_once(replay).await {
                Err(error) if error.kind() == ErrorKind::Conflict && attempt < ATTEMPTS => {
                    tracing::info!(dataset = %self.dataset, error = %error.report(), "the replay begins anew");
                }
                replayed => return replayed,
            }
        }
        Err(self.busy())
    }

    /// What a replay would do now. Writes nothing.
    ///
    /// # Errors
    /// As [`replay`](Self::replay), but for set rules, which are not asked.
    pub async fn rehearse(&mut self, replay: &Replay<'_>) -> Result<Replayed> {
        self.table.refresh().await?;
        Ok(self.judge(replay, false).await?.report)
    }

    async fn replay_once(&mut self, replay: &Replay<'_>) -> Result<Replayed> {
        let mut judged = self.judge(replay, true).await?;
        if judged.fates.is_empty() {
            return Ok(judged.report);
        }
        let number = match self.begin(&mut judged, replay).await {
            Ok(number) => number,
            Err(error) => {
                judged.delivery.forget(&judged.add).await;
                return Err(error);
            }
        };
        let Some(number) = number else {
            return Ok(judged.report);
        };
        match self.enter(&mut judged, number, replay).await {
            Ok(version) => judged.report.version = Some(version),
            Err(error) => {
                // Nothing was committed where the table says so; else it tells when it can be asked again, and the files
                // stay: they may be named by it.
                if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::CheckFailed) {
                    self.settle(replay.run).await?;
                    if self.is_fenced(number).await? {
                        judged.delivery.forget(&judged.add).await;
                    }
                }
                return Err(error);
            }
        }
        self.settle(replay.run).await?;
        Ok(judged.report)
    }

    /// The first step: the rows that pass are marked with the replay's number, the others get their new reason. Gives
    /// the number, where any row passes.
    pub(crate) async fn begin(&mut self, judged: &mut Judged, replay: &Replay<'_>) -> Result<Option<i64>> {
        let passes = judged.fates.values().any(|fate| matches!(fate, Fate::Passes));
        if passes {
            // Before anything is marked: the rows that pass may not be fit for the table all together.
            let remarks = judged.delivery.judge_table(&judged.fresh, &judged.add, &[]).await?;
            judged.report.remarks.extend(remarks);
            for rule in judged.delivery.rules.about_volume() {
                let why = "it judges how much a source brings at a time, and a replay is no source";
                let remark = format!("rule {rule} was not run: {why}");
                judged.report.remarks.insert(rule.to_owned(), remark);
            }
        }
        let last = self
            .count()
            .await?
            .unwrap_or(-1)
            .max(judged.delivery.progress(&self.progress_id()).await?.unwrap_or(-1));
        // The next even number, or the odd one behind it where nothing is to be settled.
        let number = if last % 2 == 0 { last + 2 } else { last + 1 };
        let progress = self.step(if passes { number } else { number + 1 }).await?;
        let version = replay.contract.version();
        let decide = |row: &Row<'_>| {
            if !replay.selection.holds(row) {
                return None;
            }
            Some(match judged.fates.get(&fingerprint(row.id.as_bytes()))? {
                Fate::Passes => Change::Replaying {
                    number,
                    resolution: &replay.resolution,
                    by: &replay.by,
                },
                Fate::Refused(again) => Change::Refused(Refused {
                    rule: &again.rule,
                    reason: &again.reason,
                    contract_version: version,
                    how: &replay.resolution,
                    by: &replay.by,
                    as_received: again.as_received,
                    read: again.read.as_ref(),
                }),
            })
        };
        self.mark(replay.run, progress, decide).await?;
        Ok(passes.then_some(number))
    }

    /// The second step: the rows that pass come into the table, with the number as its progress.
    pub(crate) async fn enter(&self, judged: &mut Judged, number: i64, replay: &Replay<'_>) -> Result<u64> {
        let id = self.progress_id();
        let mut commit = Commit::new(replay.run, Operation::Append);
        commit.add = judged.add.clone();
        commit.progress.push(Progress {
            expected: judged.delivery.progress(&id).await?,
            id: id.clone(),
            next: number,
        });
        commit.metadata = BTreeMap::from([
            ("origin".to_owned(), id),
            ("contract_version".to_owned(), replay.contract.version().to_owned()),
            ("accepted".to_owned(), judged.report.passed.to_string()),
            ("rejected".to_owned(), "0".to_owned()),
            ("by".to_owned(), replay.by.clone()),
        ]);
        commit.metadata.extend(judged.searched.metadata(&judged.delivery));
        let fresh = std::mem::take(&mut judged.fresh);
        judged.delivery.commit_judged(commit, fresh).await
    }
}
