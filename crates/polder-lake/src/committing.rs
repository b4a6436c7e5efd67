//! One commit: files and progress land together, once, or not at all.
//!
//! Delta's `txn` action is storage, not a guard: two commits with the same pair can both land. What guards is the log's
//! create-if-absent: progress is compared in one snapshot, and the commit is written as exactly the next version after
//! that snapshot. Whoever else commits in between takes that version, and everything is looked at again.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use deltalake::checkpoints;
use deltalake::kernel::transaction::{CommitData, PROTOCOL, TransactionError};
use deltalake::kernel::{Action, Transaction};
use deltalake::logstore::CommitOrBytes;
use polder_core::{Error, ErrorKind, Result, ResultExt, clock};
use serde_json::Value;

use crate::commit::{Commit, Committed, Identity, Operation};
use crate::failure::failure;
use crate::file::DataFile;
use crate::log::{CHECKPOINT_INTERVAL, FORGETS_PROGRESS, KEY_PREFIX, forgets_progress, seal_of};
use crate::table::Table;

/// How often others may take the next version before a commit gives up.
const RACES: u32 = 50;
/// How often a commit with an unclear outcome is looked for and tried again before it is given up.
const UNCLEAR_ATTEMPTS: u32 = 4;
/// How far back a commit is looked for that its writer believes to have failed.
const SEARCHED_COMMITS: u64 = 1000;

/// A commit, and what its maker had before him.
struct Intent {
    commit: Commit,
    identity: Identity,
    read_version: u64,
    schema: SchemaRef,
    /// Whether it follows only where no row changed since that version.
    unchanged: bool,
}

/// How one attempt to write the next version ended.
enum Attempt {
    Landed(Committed),
    /// Somebody else has that version (or this very commit, by a request that was repeated below us).
    Taken,
    /// The write failed, and may have landed.
    Unclear(Error),
}

impl Table {
    /// Commits files and progress at once, as the version after a snapshot in which every `expected` held.
    ///
    /// Other commits that only add rows do not disturb one that only adds rows: it is tried again after them. A commit
    /// that removes files was computed from the version that this handle showed; it lands only if no row changed since.
    /// Afterwards the handle shows the version with the commit (or a newer one).
    ///
    /// # Errors
    /// `Conflict`: progress is not what was expected, rows changed under a commit that removes files, or the table
    /// changed so that its files do not fit; nothing was committed. Or the table was made anew. `Unreachable`: the store
    /// failed; the message says where it is not known whether the commit landed (its progress tells, once the store
    /// answers). `Refused`: the store refused the write. `Data`: the table needs a Delta feature that Polder does not
    /// write, or forgets progress. `Usage`: the commit is empty or names an id twice.
    pub async fn commit(&mut self, commit: Commit) -> Result<Committed> {
        self.commit_where(commit, false).await
    }

    /// As [`commit`](Self::commit), but lands only if no row changed since the version that this handle showed: for a
    /// commit whose rows were judged together with the table's.
    ///
    /// # Errors
    /// As [`commit`](Self::commit); `Conflict` also where rows came or went since.
    pub async fn commit_if_unchanged(&mut self, commit: Commit) -> Result<Committed> {
        self.commit_where(commit, true).await
    }

    async fn commit_where(&mut self, commit: Commit, unchanged: bool) -> Result<Committed> {
        self.validate(&commit)?;
        let intent = Intent {
            identity: commit.identity(),
            read_version: self.version(),
            schema: self.schema(),
            unchanged,
            commit,
        };
        let (mut races, mut failures, mut unclear) = (0, 0, false);
        loop {
            let problem = match self.next(&intent, unclear || races > 0, races > RACES).await {
                Ok(Attempt::Landed(committed)) => return Ok(committed),
                Ok(Attempt::Taken) => {
                    races += 1;
                    pause(races).await;
                    continue;
                }
                Ok(Attempt::Unclear(error)) if error.kind() == ErrorKind::Unreachable => {
                    unclear = true;
                    error
                }
                // An answer, and not a silence: it did not land, unless a request was repeated below us.
                Ok(Attempt::Unclear(error)) => {
                    return match self.look_for(&intent).await {
                        Ok(Some(version)) => Ok(Committed::Earlier(version)),
                        Err(_) if unclear => Err(self.not_known(error)),
                        _ => Err(error),
                    };
                }
                Err(error) => error,
            };
            failures += 1;
            if failures > UNCLEAR_ATTEMPTS || problem.kind() != ErrorKind::Unreachable {
                // A conflict was found after the commit was looked for and was not there.
                let known = !unclear || problem.kind() == ErrorKind::Conflict;
                return Err(if known { problem } else { self.not_known(problem) });
            }
            let run = &intent.commit.run;
            tracing::warn!(dataset = %self.name, %run, error = %problem.report(), "commit is not through: tried again");
            pause(failures).await;
        }
    }

    /// Moves to the newest version and tries to write the next one. `look`: an earlier attempt may have landed;
    /// `last`: this is the look after the last attempt.
    async fn next(&mut self, intent: &Intent, look: bool, last: bool) -> Result<Attempt> {
        let found = if look {
            self.look_for(intent).await?
        } else {
            self.refresh().await?;
            None
        };
        let found = match found {
            None if last => {
                let message = format!("{RACES} others committed to {} first", self.name);
                return Err(Error::new(ErrorKind::Conflict, message).with_help("run again"));
            }
            None => self.check(intent).await?,
            found => found,
        };
        match found {
            Some(version) => Ok(Attempt::Landed(Committed::Earlier(version))),
            None => self.attempt(&intent.commit).await,
        }
    }

    /// Moves to the newest version and looks for the commit after the version that it was made from.
    async fn look_for(&mut self, intent: &Intent) -> Result<Option<u64>> {
        self.refresh().await?;
        self.find(&intent.identity, intent.read_version).await
    }

    fn validate(&self, commit: &Commit) -> Result<()> {
        if commit.add.is_empty() && commit.remove.is_empty() && commit.progress.is_empty() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("a commit to {} changes nothing", self.name),
            ));
        }
        let mut ids = HashSet::new();
        if let Some(twice) = commit.progress.iter().find(|progress| !ids.insert(&progress.id)) {
            let message = format!("a commit to {} names the progress of {} twice", self.name, twice.id);
            return Err(Error::new(ErrorKind::Usage, message));
        }
        Ok(())
    }

    fn not_known(&self, error: Error) -> Error {
        let message = format!("whether a commit to {} landed is not known", self.name);
        Error::new(error.kind(), message)
            .with_help("nothing is lost: check `lake.location` and that the store is up, and run again")
            .with_source(error)
    }

    /// The version after `since` that holds this very commit.
    async fn find(&self, identity: &Identity, since: u64) -> Result<Option<u64>> {
        for version in (since + 1..=self.version()).rev() {
            let Some(actions) = self.actions(version).await? else {
                return Ok(None);
            };
            if Identity::of_actions(&actions).as_ref() == Some(identity) {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    /// Looks whether the commit may follow the loaded snapshot. Gives the version of this very commit where it turns
    /// out to have landed before.
    async fn check(&self, intent: &Intent) -> Result<Option<u64>> {
        let Intent { commit, schema, .. } = intent;
        let conflict = |message: String| {
            Error::new(ErrorKind::Conflict, format!("{}: {message}", self.name))
                .with_help("another process is at work on the same; one of them is enough")
        };
        let configuration = self.state()?.metadata().configuration();
        if !commit.progress.is_empty() && configuration.contains_key(FORGETS_PROGRESS) {
            return Err(forgets_progress(&self.name.to_string()));
        }
        let mut differing = None;
        let mut all_made = !commit.progress.is_empty();
        for progress in &commit.progress {
            let stored = self.progress(&progress.id).await?;
            all_made &= stored == Some(progress.next);
            if stored != progress.expected {
                differing.get_or_insert((progress, stored));
            }
        }
        if let Some((progress, stored)) = differing {
            if all_made {
                let since = self.version().saturating_sub(SEARCHED_COMMITS);
                if let Some(version) = self.find(&intent.identity, since).await? {
                    return Ok(Some(version));
                }
            }
            let word = |value: Option<i64>| value.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
            return Err(conflict(format!(
                "somebody else was quicker: the progress of {} is {}, not {}",
                progress.id,
                word(stored),
                word(progress.expected)
            )));
        }
        let now = self.schema();
        let fits = schema.fields().iter().all(|field| {
            now.field_with_name(field.name())
                .is_ok_and(|now| now.data_type() == field.data_type())
        });
        let still_optional = now.fields().iter().all(|now| {
            now.is_nullable()
                || schema
                    .field_with_name(now.name())
                    .is_ok_and(|field| !field.is_nullable())
        });
        let columns_hold = commit.add.is_empty() || (fits && still_optional);
        if !columns_hold {
            return Err(conflict("its columns changed while rows were written".to_owned()));
        }
        // Files can go only while they are there; and rows that replace others were computed from what the handle showed.
        if !commit.remove.is_empty() {
            let files = self.files()?;
            let present: HashMap<_, _> = files.iter().map(|file| (file.path(), file)).collect();
            // One whose deletion vector is another now has other rows.
            let is_there = |file: &&DataFile| present.get(file.path()).is_some_and(|now| now.is_same(file));
            if let Some(gone) = commit.remove.iter().find(|file| !is_there(file)) {
                return Err(conflict(format!("file {} is no longer part of the table", gone.path())));
            }
        }
        let replaces = !commit.remove.is_empty() && !matches!(commit.operation, Operation::Compact | Operation::Update);
        if replaces || intent.unchanged {
            self.check_unchanged(intent.read_version, conflict).await?;
        }
        Ok(None)
    }

    async fn check_unchanged(&self, read_version: u64, conflict: impl Fn(String) -> Error) -> Result<()> {
        for version in read_version + 1..=self.version() {
            let rows_changed = self.actions(version).await?.is_none_or(|actions| {
                actions.iter().any(|action| match action {
                    Action::Add(file) => file.data_change,
                    Action::Remove(file) => file.data_change,
                    _ => false,
                })
            });
            if rows_changed {
                return Err(conflict(format!(
                    "rows changed in version {version}, after version {read_version} was read"
                )));
            }
        }
        Ok(())
    }

    /// Writes the commit as the version after the loaded snapshot, once.
    async fn attempt(&mut self, commit: &Commit) -> Result<Attempt> {
        let now = clock::now();
        let data_change = commit.operation != Operation::Compact;
        let mut actions: Vec<Action> = Vec::with_capacity(commit.add.len() + commit.remove.len());
        actions.extend(
            commit
                .remove
                .iter()
                .map(|file| Action::Remove(file.to_remove(data_change, now))),
        );
        actions.extend(commit.add.iter().map(|file| Action::Add(file.to_add(data_change))));
        let mut metadata = HashMap::new();
        for (key, value) in &commit.metadata {
            metadata.insert(format!("{KEY_PREFIX}{key}"), Value::from(value.as_str()));
        }
        metadata.insert(format!("{KEY_PREFIX}run_id"), Value::from(commit.run.to_string()));
        metadata.insert(format!("{KEY_PREFIX}operation"), Value::from(commit.operation.as_str()));
        metadata.insert(
            "isBlindAppend".to_owned(),
            Value::from(commit.remove.is_empty() && data_change),
        );
        metadata.insert("readVersion".to_owned(), Value::from(self.version()));
        let transactions = commit.progress.iter().map(|progress| Transaction {
            app_id: progress.id.clone(),
            version: progress.next,
            last_updated: Some(now.timestamp_millis()),
        });
        let operation = commit.operation.to_delta();
        PROTOCOL
            .can_commit(self.state()?, &actions, &operation)
            .context(ErrorKind::Data, || {
                format!("{} uses Delta features that Polder does not write", self.name)
            })?;
        let data = CommitData::new(actions, operation, metadata, transactions.collect());
        let bytes = data.get_bytes().context(ErrorKind::Internal, || {
            format!("cannot write down a commit to {}", self.name)
        })?;
        let version = self.version() + 1;
        let seal = seal_of(&bytes);
        // The operation id ties parts of a transaction together in stores that have such; this one has no parts.
        let id = Default::default();
        match self
            .log_store()
            .write_commit_entry(version, CommitOrBytes::LogBytes(bytes), id)
            .await
        {
            Ok(()) => {
                self.take_in(&data.actions, seal);
                self.settle_in().await;
                Ok(Attempt::Landed(Committed::Now(version)))
            }
            Err(TransactionError::VersionAlreadyExists(_)) => Ok(Attempt::Taken),
            Err(cause) => Ok(Attempt::Unclear(failure(
                format!("cannot write version {version} of {}", self.name),
                cause,
            ))),
        }
    }

    /// After a commit: takes the snapshot anew where the table needs it, and writes a checkpoint where one is due. The
    /// commit stands whatever happens here; both are made up for later.
    async fn settle_in(&mut self) {
        let done = if self.version().is_multiple_of(CHECKPOINT_INTERVAL) {
            self.write_checkpoint().await
        } else if self.is_behind() {
            self.reload(Some(self.version())).await
        } else {
            Ok(())
        };
        if let Err(error) = done {
            tracing::warn!(
                dataset = %self.name,
                version = self.version(),
                error = %error.report(),
                "snapshot or checkpoint was not taken"
            );
        }
    }

    /// Commits before a checkpoint stay in the log, whatever the table's `delta.logRetentionDuration` and
    /// `delta.enableExpiredLogCleanup` say: a version that a model or a row names can be read again. Removing history
    /// is maintenance, by a retention that somebody declared; Polder does not do it by the way.
    async fn write_checkpoint(&mut self) -> Result<()> {
        self.reload(Some(self.version())).await?;
        checkpoints::create_checkpoint(&self.delta, None)
            .await
            .map_err(|cause| failure("cannot write a checkpoint", cause))
    }
}

/// Waits a little longer each time, and not as long as others that met the same.
async fn pause(times: u32) {
    let spread = u64::from(clock::now().timestamp_subsec_micros() % 10);
    let longest = 5_u64 << times.min(6);
    tokio::time::sleep(Duration::from_millis(longest / 2 + longest * spread / 20)).await;
}
