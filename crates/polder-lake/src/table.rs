//! One table at one version.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use deltalake::DeltaTable;
use deltalake::kernel::Action;
use deltalake::logstore::LogStoreRef;
use deltalake::table::state::DeltaTableState;
use object_store::path::Path;
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt};

use crate::failure::failure;
use crate::file::DataFile;
use crate::log::{FORGETS_PROGRESS, actions_of, forgets_progress, seal_of};
use crate::provider::StoreAddress;
use crate::schema::{COLUMN_MAPPING, columns_of};
use crate::tail::Tail;

/// The snapshot in memory is taken anew after so many commits.
const FOLLOWED_COMMITS: u64 = 100;

/// A dataset's Delta table as of one version; [`Table::refresh`] moves it to the newest.
///
/// Clones are independent: each keeps its own version.
pub struct Table {
    pub(crate) name: DatasetName,
    /// A snapshot of this version, or of one before it.
    pub(crate) delta: DeltaTable,
    /// What came after the snapshot.
    tail: Tail,
    version: u64,
    pub(crate) address: StoreAddress,
    pub(crate) folder: Path,
    schema: SchemaRef,
    id: String,
    /// Progress by id as of this version, as far as somebody asked.
    progress: Mutex<HashMap<String, Option<i64>>>,
    /// A digest of this version's commit, once it was seen: a table made anew has another one there.
    seal: Option<u64>,
    /// Whether the snapshot holds files that only the Delta library can read.
    foreign: bool,
}

impl Clone for Table {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            delta: self.delta.clone(),
            tail: self.tail.clone(),
            version: self.version,
            address: self.address.clone(),
            folder: self.folder.clone(),
            schema: Arc::clone(&self.schema),
            id: self.id.clone(),
            progress: Mutex::new(self.known_progress().clone()),
            seal: self.seal,
            foreign: self.foreign,
        }
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.name)
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}

impl Table {
    /// Takes a loaded table; `folder` is its place in the store.
    pub(crate) fn new(name: DatasetName, delta: DeltaTable, address: StoreAddress, folder: Path) -> Result<Self> {
        let state = delta
            .snapshot()
            .map_err(|cause| failure(format!("{name} is not loaded"), cause))?;
        let schema = columns_of(&name, state)?;
        let (version, id) = (state.version(), state.metadata().id().to_owned());
        let foreign = is_foreign(state);
        let (tail, progress) = (Tail::default(), Mutex::default());
        Ok(Self {
            name,
            delta,
            tail,
            version,
            address,
            folder,
            schema,
            id,
            progress,
            seal: None,
            foreign,
        })
    }

    /// The dataset's name.
    pub fn name(&self) -> &DatasetName {
        &self.name
    }

    /// What makes this table itself: a table that is made anew in the same place has another one.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The version that this handle shows.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The table's columns: plain encodings, timestamps in microseconds.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// What the table says of itself.
    pub fn description(&self) -> Option<&str> {
        self.delta
            .snapshot()
            .ok()
            .and_then(|state| state.metadata().description())
    }

    /// The columns that part the table's files, in their order.
    pub fn partition_columns(&self) -> Vec<String> {
        let state = self.delta.snapshot().ok();
        state.map_or_else(Vec::new, |state| state.metadata().partition_columns().to_vec())
    }

    /// What the table's log configures, such as `delta.appendOnly` and `delta.constraints.…`.
    pub fn configuration(&self) -> BTreeMap<String, String> {
        let state = self.delta.snapshot().ok();
        let entries = state.iter().flat_map(|state| state.metadata().configuration());
        entries.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Moves to the newest version.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` when the store fails; `Conflict` when the table was dropped and made anew: open it
    /// again. The handle then stays where it was.
    pub async fn refresh(&mut self) -> Result<()> {
        let mut newer = Vec::new();
        let mut next = self.version + 1;
        while let Some(entry) = self.entry(next).await? {
            newer.push((self.parse(next, &entry)?, seal_of(&entry)));
            next += 1;
            if self.tail.commits() + newer.len() as u64 > FOLLOWED_COMMITS {
                return self.reload(None).await;
            }
        }
        // Logs are cleaned from their beginning: as long as this version is there, nothing after it is missing.
        let Some(here) = self.entry(self.version).await? else {
            return self.reload(None).await;
        };
        let here = seal_of(&here);
        let other_id = newer
            .iter()
            .flat_map(|(actions, _)| actions)
            .any(|action| match action {
                Action::Metadata(metadata) => metadata.id() != self.id,
                _ => false,
            });
        if other_id || self.seal.is_some_and(|seal| seal != here) {
            return Err(self.made_anew());
        }
        self.seal = Some(here);
        for (actions, seal) in newer {
            self.take_in(&actions, seal);
        }
        if self.is_behind() {
            return self.reload(Some(self.version)).await;
        }
        Ok(())
    }

    /// Whether what came after the snapshot shows only in a snapshot that is taken anew.
    pub(crate) fn is_behind(&self) -> bool {
        let whole = self.tail.needs_delta_reader() || self.foreign || !self.is_plain();
        self.tail.commits() > 0 && (whole || self.tail.is_reshaped())
    }

    fn made_anew(&self) -> Error {
        let message = format!("{} was dropped and made anew", self.name);
        Error::new(ErrorKind::Conflict, message)
            .with_help("run again: the new table is opened, and what it lacks is delivered anew")
    }

    /// The commit after this version happened; `seal` is the digest of its bytes.
    pub(crate) fn take_in(&mut self, actions: &[Action], seal: u64) {
        self.tail.apply(actions);
        self.version += 1;
        self.seal = Some(seal);
        let mut known = self.known_progress();
        for action in actions {
            if let Action::Txn(txn) = action {
                known.insert(txn.app_id.clone(), Some(txn.version));
            }
        }
    }

    /// Takes the snapshot anew. Where the table was made anew, the handle stays where it was.
    pub(crate) async fn reload(&mut self, version: Option<u64>) -> Result<()> {
        let mut delta = DeltaTable::new(self.log_store());
        let loaded = match version {
            Some(version) => delta.load_version(version).await,
            None => delta.load().await,
        };
        loaded.map_err(|cause| failure(format!("cannot read the table of {}", self.name), cause))?;
        let state = delta
            .snapshot()
            .context(ErrorKind::Internal, || format!("{} is not loaded", self.name))?;
        if state.metadata().id() != self.id {
            return Err(self.made_anew());
        }
        self.schema = columns_of(&self.name, state)?;
        if state.version() != self.version {
            self.known_progress().clear();
            self.seal = None;
        }
        self.version = state.version();
        self.foreign = is_foreign(state);
        self.delta = delta;
        self.tail = Tail::default();
        self.look_up_seal().await
    }

    /// Looks at this version's commit, so that the handle notices when another one takes its place.
    pub(crate) async fn look_up_seal(&mut self) -> Result<()> {
        if self.seal.is_none() {
            self.seal = self.entry(self.version).await?.as_deref().map(seal_of);
        }
        Ok(())
    }

    /// How far a stream or pipeline got: the version that the last commit with this id wrote; `None` before the first.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` when the store fails.
    pub async fn progress(&self, id: &str) -> Result<Option<i64>> {
        if let Some(known) = self.known_progress().get(id) {
            return Ok(*known);
        }
        let stored = self
            .state()?
            .transaction_version(self.log_store().as_ref(), id)
            .await
            .map_err(|cause| failure(format!("cannot read the progress of {id} in {}", self.name), cause))?;
        self.known_progress().insert(id.to_owned(), stored);
        Ok(stored)
    }

    /// Whether the table can be trusted to remember how far its streams and pipelines got.
    ///
    /// # Errors
    /// `Data`, where it forgets progress after a while (`delta.setTransactionRetentionDuration`).
    pub fn keeps_progress(&self) -> Result<()> {
        match self.state()?.metadata().configuration().contains_key(FORGETS_PROGRESS) {
            true => Err(forgets_progress(&self.name.to_string())),
            false => Ok(()),
        }
    }

    /// Whether the table holds rows, as far as its files tell without being read.
    ///
    /// # Errors
    /// As [`Table::files`].
    pub fn has_files(&self) -> Result<bool> {
        Ok(!self.files()?.is_empty())
    }

    /// The number of rows, where every file's statistics tell.
    pub fn row_count(&self) -> Option<u64> {
        self.files().ok()?.iter().map(DataFile::rows).sum()
    }

    /// Bytes of the data files of this version.
    pub fn size_bytes(&self) -> u64 {
        self.files()
            .map_or(0, |files| files.iter().map(DataFile::size_bytes).sum())
    }

    /// The data files of this version.
    ///
    /// # Errors
    /// `Internal`, when the table is not loaded.
    pub fn files(&self) -> Result<Vec<DataFile>> {
        let views = self.state()?.log_data();
        let older = views
            .iter()
            .map(|view| DataFile::from_view(&view))
            .filter(|file| self.tail.keeps(file.path()));
        Ok(older.chain(self.tail.added().cloned()).collect())
    }

    /// The snapshot in memory. Columns, properties and protocol are those of this version; files may be older.
    pub(crate) fn state(&self) -> Result<&DeltaTableState> {
        self.delta
            .snapshot()
            .context(ErrorKind::Internal, || format!("{} is not loaded", self.name))
    }

    pub(crate) fn log_store(&self) -> LogStoreRef {
        self.delta.log_store()
    }

    /// The actions of one commit; `None` where the log does not hold it (any more).
    pub(crate) async fn actions(&self, version: u64) -> Result<Option<Vec<Action>>> {
        let entry = self.entry(version).await?;
        entry.map(|entry| self.parse(version, &entry)).transpose()
    }

    async fn entry(&self, version: u64) -> Result<Option<Bytes>> {
        self.log_store()
            .read_commit_entry(version)
            .await
            .map_err(|cause| failure(format!("cannot read version {version} of {}", self.name), cause))
    }

    fn parse(&self, version: u64, entry: &[u8]) -> Result<Vec<Action>> {
        actions_of(entry).context(ErrorKind::Data, || {
            format!("cannot read version {version} of {}", self.name)
        })
    }

    /// No partitions and no column mapping.
    pub(crate) fn is_plain(&self) -> bool {
        self.delta.snapshot().is_ok_and(|state| {
            let mapping = state.metadata().configuration().get(COLUMN_MAPPING);
            state.metadata().partition_columns().is_empty() && mapping.is_none_or(|mode| mode == "none")
        })
    }

    fn known_progress(&self) -> MutexGuard<'_, HashMap<String, Option<i64>>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_foreign(state: &DeltaTableState) -> bool {
    state
        .log_data()
        .iter()
        .any(|view| DataFile::view_needs_delta_reader(&view))
}
