//! One table at one version.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use datafusion::catalog::TableProvider;
use datafusion::prelude::SessionContext;
use deltalake::DeltaTable;
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use deltalake::kernel::Action;
use deltalake::logstore::LogStoreRef;
use deltalake::table::state::DeltaTableState;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt};

use crate::commit::{FORGETS_PROGRESS, forgets_progress};
use crate::failure::failure;
use crate::file::DataFile;
use crate::provider::{DeltaProvider, FilesProvider, StoreAddress};
use crate::schema::to_arrow;
use crate::tail::Tail;
use crate::writer::FileWriter;

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
    address: StoreAddress,
    folder: Path,
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
        let schema = to_arrow(&name, state.schema().as_ref())?;
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
        self.schema = to_arrow(&self.name, state.schema().as_ref())?;
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

    /// The rows of this version for the query engine. Reads nothing yet.
    ///
    /// # Errors
    /// `Data`, when the table uses a Delta feature that cannot be read.
    pub fn provider(&self) -> Result<Arc<dyn TableProvider>> {
        let files = self.files()?;
        if self.is_plain() && !files.iter().any(DataFile::needs_delta_reader) {
            return self.files_provider(&files);
        }
        self.delta_provider(|all| all)
    }

    /// As [`Table::provider`], with texts and bytes as views: a scan that only looks at values copies none of them.
    ///
    /// # Errors
    /// As [`Table::provider`].
    pub fn view_provider(&self) -> Result<Arc<dyn TableProvider>> {
        let files = self.files()?;
        if !self.is_plain() || files.iter().any(DataFile::needs_delta_reader) {
            return self.provider();
        }
        let provider = FilesProvider::new(self.address.clone(), &self.folder, viewed(&self.schema), &files)
            .context(ErrorKind::Data, || format!("cannot read files of {}", self.name))?;
        Ok(Arc::new(provider))
    }

    /// The rows of exactly these files, in this version's columns; also of files that were removed, as long as nobody
    /// vacuumed them (reading then ends with the store's "not found"). Of a file with a deletion vector, which another
    /// engine wrote, these are the rows that are left; it must be one of this version.
    ///
    /// # Errors
    /// `Data`, when another engine gave the table partitions or column mapping, or a file a deletion vector that is not
    /// this version's: single files do not show its rows then.
    pub fn files_provider(&self, files: &[DataFile]) -> Result<Arc<dyn TableProvider>> {
        let unreadable = |what: &str| {
            let message = format!("{} has {what}: single files do not show its rows", self.name);
            Error::new(ErrorKind::Data, message).with_help(
                "write the table again without (deletion vectors go with `REORG TABLE … APPLY (PURGE)` in Spark)",
            )
        };
        if !self.is_plain() {
            return Err(unreadable("partitions or column mapping"));
        }
        let unread = || format!("cannot read files of {}", self.name);
        let of_whole = |files: &[DataFile]| -> Result<Arc<dyn TableProvider>> {
            let provider = FilesProvider::new(self.address.clone(), &self.folder, self.schema(), files);
            Ok(Arc::new(provider.context(ErrorKind::Data, unread)?))
        };
        if !files.iter().any(DataFile::needs_delta_reader) {
            return of_whole(files);
        }
        let (holed, whole): (Vec<_>, Vec<_>) = files.iter().cloned().partition(DataFile::needs_delta_reader);
        let here = self.files()?;
        let known = |file: &DataFile| file.is_holed() && here.iter().any(|own| own.is_same(file));
        if !holed.iter().all(known) {
            return Err(unreadable(
                "deletion vectors of another version, or files in other places",
            ));
        }
        let adds = holed.iter().map(|file| file.to_add(true));
        let holed = self.delta_provider(|scan| scan.with_adds(adds))?;
        if whole.is_empty() {
            return Ok(holed);
        }
        let context = SessionContext::new();
        let both = context
            .read_table(of_whole(&whole)?)
            .and_then(|rows| rows.union_by_name(context.read_table(holed)?))
            .context(ErrorKind::Internal, unread)?;
        Ok(both.into_view())
    }

    /// The rows of this version as the Delta library reads them.
    fn delta_provider(&self, narrow: impl FnOnce(DeltaScanNext) -> DeltaScanNext) -> Result<Arc<dyn TableProvider>> {
        let config = DeltaScanConfig {
            schema_force_view_types: false,
            ..DeltaScanConfig::new()
        };
        let scan = DeltaScanNext::new(self.state()?.snapshot().clone(), config).context(ErrorKind::Data, || {
            format!("{} uses a Delta feature that cannot be read", self.name)
        })?;
        Ok(Arc::new(DeltaProvider {
            address: self.address.clone(),
            scan: narrow(scan),
        }))
    }

    /// A writer of new files for this table.
    ///
    /// # Errors
    /// `Data`, when another engine gave the table partitions or column mapping, which Polder does not write.
    pub fn writer(&self) -> Result<FileWriter> {
        if !self.is_plain() {
            let message = format!(
                "{} has partitions or column mapping, which Polder does not write",
                self.name
            );
            return Err(Error::new(ErrorKind::Data, message));
        }
        FileWriter::new(self)
    }

    /// Removes files that a [`FileWriter`] of this table closed and that no commit names, nor will.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` when the store fails.
    pub async fn forget(&self, files: &[DataFile]) -> Result<()> {
        for file in files {
            let path = Path::parse(format!("{}/{}", self.folder, file.path()))
                .context(ErrorKind::Internal, || format!("a file of {} has no path", self.name))?;
            match self.address.store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(cause) => return Err(failure(format!("cannot remove {path}"), cause)),
            }
        }
        Ok(())
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
        let context = || format!("cannot read version {version} of {}", self.name);
        let mut actions = Vec::new();
        for line in entry
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.trim_ascii().is_empty())
        {
            match serde_json::from_slice(line) {
                Ok(action) => actions.push(action),
                Err(cause) if concerns_rows(line) => return Err(cause).context(ErrorKind::Data, context),
                // Notes of other engines, and actions that this protocol version lets a reader ignore.
                Err(_) => {}
            }
        }
        Ok(actions)
    }

    /// No partitions and no column mapping.
    fn is_plain(&self) -> bool {
        self.delta.snapshot().is_ok_and(|state| {
            let mapping = state.metadata().configuration().get("delta.columnMapping.mode");
            state.metadata().partition_columns().is_empty() && mapping.is_none_or(|mode| mode == "none")
        })
    }

    fn known_progress(&self) -> MutexGuard<'_, HashMap<String, Option<i64>>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The columns with their texts and bytes as views.
fn viewed(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Field::clone(field).with_data_type(DataType::Utf8View),
        DataType::Binary => Field::clone(field).with_data_type(DataType::BinaryView),
        _ => Field::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Tells commits apart within this process.
pub(crate) fn seal_of(entry: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(entry);
    hasher.finish()
}

fn is_foreign(state: &DeltaTableState) -> bool {
    state
        .log_data()
        .iter()
        .any(|view| DataFile::view_needs_delta_reader(&view))
}

/// Whether an action of the log must be understood to know the table's rows, columns and progress.
fn concerns_rows(line: &[u8]) -> bool {
    const ACTIONS: [&str; 5] = ["add", "remove", "metaData", "protocol", "txn"];
    match serde_json::from_slice::<HashMap<String, serde::de::IgnoredAny>>(line) {
        Ok(action) => ACTIONS.iter().any(|known| action.contains_key(*known)),
        Err(_) => true,
    }
}
