//! The lake: where tables are, how they are opened and made.

use std::path::Path as FilePath;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use datafusion::execution::object_store::ObjectStoreUrl;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::kernel::{StructField, StructType};
use deltalake::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake::operations::create::CreateBuilder;
use deltalake::{DeltaTable, DeltaTableError, TableProperty};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use polder_core::config::LakeConfig;
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt, RunId};
use url::{Position, Url};

use crate::evolution::{Evolution, Refusal, refusals, refused};
use crate::failure::failure;
use crate::location::Location;
use crate::log::CHECKPOINT_INTERVAL;
use crate::provider::StoreAddress;
use crate::schema::{to_arrow, to_delta};
use crate::table::Table;

/// How often others may change a table while it is made or given columns, before that gives up.
const RACES: usize = 10;
/// Requests at the same time when the lake is looked through.
const PARALLEL_REQUESTS: usize = 8;

/// Which version of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The newest.
    Latest,
    /// This one.
    Number(u64),
    /// The newest that was there at this time.
    Timestamp(DateTime<Utc>),
}

/// What a table is made with.
#[derive(Debug, Clone, Default)]
pub struct TableOptions {
    /// What the table says of itself; only a new table takes it.
    pub description: Option<String>,
}

/// All tables of a mesh, in one place of one store: `<location>/<domain>/<layer>/<name>`.
///
/// A clone is cheap and shows the same lake.
#[derive(Debug, Clone)]
pub struct Lake {
    store: Arc<dyn ObjectStore>,
    url: Url,
    prefix: Path,
    layout: Layout,
}

/// Where a lake has a dataset's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// In a folder of its own, by its name.
    Named,
    /// Whatever its name, in the lake's own folder.
    Alone,
}

impl Lake {
    /// The lake that the configuration names; relative folders begin at `mesh_root`. A missing local folder is made,
    /// else nothing is read or written.
    ///
    /// # Errors
    /// `Document` for a location or option that cannot be; `Refused` or `Unreachable` for a folder that cannot be made.
    pub fn open(config: &LakeConfig, mesh_root: &FilePath) -> Result<Self> {
        let Location { store, url } = Location::open(config, mesh_root)?;
        Self::over(store, url)
    }

    /// The lake at `url` in a given store, whose `/` is that of the bucket or file system. The store must refuse to
    /// create what exists (`PutMode::Create`): all commits stand on that.
    ///
    /// # Errors
    /// `Document`, when the URL's path is no path of a store.
    pub fn over(store: Arc<dyn ObjectStore>, mut url: Url) -> Result<Self> {
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let prefix = Path::from_url_path(url.path()).context(ErrorKind::Document, || {
            format!("`lake.location` is not a path of a store: {url}")
        })?;
        let layout = Layout::Named;
        Ok(Self {
            store,
            url,
            prefix,
            layout,
        })
    }

    /// One Delta table in a local folder, whoever made it, as a lake in which every dataset is that table: for reading
    /// it under a name of the caller's choice.
    ///
    /// # Errors
    /// As [`Lake::open`].
    pub fn of_table(folder: &FilePath) -> Result<Self> {
        let Location { store, url } = Location::folder(folder)?;
        let lake = Self::over(store, url)?;
        Ok(Self {
            layout: Layout::Alone,
            ..lake
        })
    }

    /// Where the lake is, ending in `/`. Holds no secret.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The lake's store, rooted at the lake, for what is not a table; names that begin with `_` are never tables.
    pub fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::new(PrefixStore::new(Arc::clone(&self.store), self.prefix.clone()))
    }

    /// Whether the store answers, takes a file, and refuses to create it twice.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` by the store; `Refused` also when it overwrites what must only be created.
    pub async fn probe(&self) -> Result<()> {
        let failed = |cause| failure(format!("cannot use the lake at {}", self.url), cause);
        let objects = self.objects();
        let path = Path::from(format!("_probe/{}", RunId::new()));
        let create = || objects.put_opts(&path, PutPayload::from_static(b"polder"), PutMode::Create.into());
        create().await.map_err(failed)?;
        let again = create().await;
        objects.delete(&path).await.map_err(failed)?;
        match again {
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(()),
            Err(cause) => Err(failed(cause)),
            Ok(_) => Err(Error::new(
                ErrorKind::Refused,
                format!(
                    "the store of the lake at {} overwrites what was only to be created",
                    self.url
                ),
            )
            .with_help("commits need a store with conditional writes (If-None-Match); this one would lose rows")),
        }
    }

    /// The datasets that have a table, in order.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` when the store fails.
    pub async fn datasets(&self) -> Result<Vec<DatasetName>> {
        let mut names = Vec::new();
        for domain in self.folders(&self.prefix).await? {
            for layer in self.folders(&domain).await? {
                for table in self.folders(&layer).await? {
                    let parts = [&domain, &layer, &table].map(|path| path.filename().unwrap_or_default());
                    names.extend(parts.join(".").parse::<DatasetName>().ok());
                }
            }
        }
        names.sort();
        let checked = futures::stream::iter(names)
            .map(async |name| self.has_log(&name).await.map(|has_log| has_log.then_some(name)))
            .buffered(PARALLEL_REQUESTS)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(checked.into_iter().flatten().collect())
    }

    async fn folders(&self, parent: &Path) -> Result<Vec<Path>> {
        match self.store.list_with_delimiter(Some(parent)).await {
            Ok(list) => Ok(list.common_prefixes),
            Err(object_store::Error::NotFound { .. }) => Ok(Vec::new()),
            Err(cause) => Err(failure(format!("cannot list the lake at {}", self.url), cause)),
        }
    }

    /// A dataset's table at its newest version; `None` where there is none.
    ///
    /// # Errors
    /// `Unreachable` or `Refused` when the store fails; `Data` for a table that cannot be read.
    pub async fn load(&self, name: &DatasetName) -> Result<Option<Table>> {
        let load = async || {
            let mut delta = DeltaTable::new(self.log_store(name)?);
            match delta.load().await {
                Ok(()) => {
                    let mut table = self.table(name, delta)?;
                    table.look_up_seal().await?;
                    Ok(Some(table))
                }
                Err(DeltaTableError::NotATable(_)) => Ok(None),
                Err(cause) => Err(failure(format!("cannot read the table of {name}"), cause)),
            }
        };
        match load().await {
            // A local folder that is not there has an error of its own; and it may be there by now.
            Err(error) if error.kind() == ErrorKind::Data => {
                if self.has_log(name).await? {
                    load().await
                } else {
                    Ok(None)
                }
            }
            loaded => loaded,
        }
    }

    async fn has_log(&self, name: &DatasetName) -> Result<bool> {
        let log = self.folder(name).join("_delta_log");
        match self.store.list(Some(&log)).try_next().await {
            Ok(first) => Ok(first.is_some()),
            Err(cause) => Err(failure(format!("cannot list the log of {name}"), cause)),
        }
    }

    /// A dataset's table at some version; `None` where there is no table.
    ///
    /// # Errors
    /// As [`Lake::load`], and `NotFound` when the table does not have that version, or not any more.
    pub async fn load_at(&self, name: &DatasetName, version: Version) -> Result<Option<Table>> {
        let number = match version {
            Version::Latest => return self.load(name).await,
            Version::Number(number) => number,
            Version::Timestamp(time) => match self.version_at(name, time).await? {
                Some(number) => number,
                None => return Ok(None),
            },
        };
        let Some(newest) = self.load(name).await? else {
            return Ok(None);
        };
        if number == newest.version() {
            return Ok(Some(newest));
        }
        if number > newest.version() {
            let message = format!("{name} has no version {number}; the newest is {}", newest.version());
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let mut delta = DeltaTable::new(self.log_store(name)?);
        match delta.load_version(number).await {
            Ok(()) => self.table(name, delta).map(Some),
            Err(cause) => {
                // The log answered: it has nothing up to that version any more.
                let is_gone = matches!(cause, DeltaTableError::NotATable(_));
                let error = failure(format!("cannot read version {number} of {name}"), cause);
                match error.kind() {
                    ErrorKind::Unreachable | ErrorKind::Refused if !is_gone => Err(error),
                    _ => Err(
                        Error::new(ErrorKind::NotFound, format!("{name} no longer has version {number}"))
                            .with_source(error),
                    ),
                }
            }
        }
    }

    /// The newest version whose commit was there at `time`, by the store's clock; `None` where there is no table.
    async fn version_at(&self, name: &DatasetName, time: DateTime<Utc>) -> Result<Option<u64>> {
        let log = self.folder(name).join("_delta_log");
        let mut commits: Vec<_> = self
            .store
            .list(Some(&log))
            .try_filter_map(async |meta| {
                let number = meta.location.filename().and_then(|file| file.strip_suffix(".json"));
                Ok(number
                    .and_then(|number| number.parse::<u64>().ok())
                    .map(|number| (number, meta.last_modified)))
            })
            .try_collect()
            .await
            .map_err(|cause| failure(format!("cannot list the log of {name}"), cause))?;
        commits.sort_unstable();
        let Some(&(first, began)) = commits.first() else {
            return Ok(None);
        };
        // Clocks of writers and stores jump; a later version is never older than one before it.
        let mut latest = began;
        let mut found = None;
        for (number, modified) in commits {
            latest = latest.max(modified);
            if latest > time {
                break;
            }
            found = Some(number);
        }
        found.map(Some).ok_or_else(|| {
            let message = format!("{name} has no version from {time}: version {first} of {began} is the oldest known");
            Error::new(ErrorKind::NotFound, message)
        })
    }

    /// A dataset's table with at least these columns: made where there is none; given new nullable columns, and freed
    /// of `NOT NULL` where these columns are optional now.
    ///
    /// Several processes may call it at the same time.
    ///
    /// # Errors
    /// `Document`, when the table's columns cannot become these; `Data`, when the table forgets progress
    /// (`delta.setTransactionRetentionDuration`); `Unreachable` or `Refused` when the store fails; `Conflict` when
    /// others keep changing the table.
    pub async fn ensure(&self, name: &DatasetName, schema: SchemaRef, options: &TableOptions) -> Result<Table> {
        self.fit(name, schema, options)
            .await?
            .map_err(|refusals| refused(name, &refusals))
    }

    /// As [`Lake::ensure`], for whoever has own words for the columns that the table does not take.
    ///
    /// # Errors
    /// As [`Lake::ensure`], but for the columns that are given.
    pub async fn fit(
        &self,
        name: &DatasetName,
        schema: SchemaRef,
        options: &TableOptions,
    ) -> Result<Result<Table, Vec<Refusal>>> {
        let wanted = to_delta(name, &schema)?;
        let columns = to_arrow(name, &wanted)?;
        let mut last = None;
        for _ in 0..RACES {
            let Some(table) = self.load(name).await? else {
                // Whatever went wrong: where the table is there afterwards, it is taken as any other.
                last = self.create(name, &wanted, options).await.err();
                if last.as_ref().is_some_and(|error| error.kind() == ErrorKind::Refused) {
                    break;
                }
                continue;
            };
            table.keeps_progress()?;
            let refusals = refusals(&table.schema(), &columns, table.has_files()?);
            if !refusals.is_empty() {
                return Ok(Err(refusals));
            }
            let evolution = Evolution::of(&table.schema(), &wanted);
            if evolution.is_empty() {
                return Ok(Ok(table));
            }
            last = evolve(&table, evolution).await.err();
        }
        Err(last.unwrap_or_else(|| {
            Error::new(
                ErrorKind::Conflict,
                format!("others keep changing the columns of {name}"),
            )
        }))
    }

    async fn create(&self, name: &DatasetName, columns: &StructType, options: &TableOptions) -> Result<()> {
        let mut create = CreateBuilder::new()
            .with_log_store(self.log_store(name)?)
            .with_table_name(name.to_string())
            .with_columns(columns.fields().cloned())
            .with_configuration_property(TableProperty::CheckpointInterval, Some(CHECKPOINT_INTERVAL.to_string()))
            .with_commit_properties(once());
        if let Some(description) = &options.description {
            create = create.with_comment(description.clone());
        }
        create
            .await
            .map_err(|cause| failure(format!("cannot create the table of {name}"), cause))?;
        Ok(())
    }

    fn table(&self, name: &DatasetName, delta: DeltaTable) -> Result<Table> {
        let url = ObjectStoreUrl::parse(&self.url[..Position::BeforePath]).context(ErrorKind::Document, || {
            format!("`lake.location` is not a store: {}", self.url)
        })?;
        let address = StoreAddress {
            url,
            store: Arc::clone(&self.store),
        };
        Table::new(name.clone(), delta, address, self.folder(name))
    }

    fn folder(&self, name: &DatasetName) -> Path {
        let lake = self.prefix.clone();
        match self.layout {
            Layout::Alone => lake,
            Layout::Named => lake.join(name.domain()).join(name.layer().as_str()).join(name.name()),
        }
    }

    /// The Delta log of a table, over this lake's store: commits are created by a conditional put.
    fn log_store(&self, name: &DatasetName) -> Result<LogStoreRef> {
        let below = match self.layout {
            Layout::Alone => String::new(),
            Layout::Named => format!("{}/{}/{}/", name.domain(), name.layer(), name.name()),
        };
        let url = self.url.join(&below).context(ErrorKind::Document, || {
            format!("`lake.location` cannot hold tables: {}", self.url)
        })?;
        let table = PrefixStore::new(Arc::clone(&self.store), self.folder(name));
        Ok(default_logstore(
            Arc::new(table),
            Arc::clone(&self.store),
            &url,
            &StorageConfig::default(),
        ))
    }
}

/// Changes a table's columns as planned; a step that lost a race is an error, and the caller looks again.
async fn evolve(table: &Table, evolution: Evolution) -> Result<()> {
    let failed = |cause| failure(format!("cannot change the columns of {}", table.name()), cause);
    let mut delta = table.delta.clone();
    for column in evolution.relax {
        delta = delta
            .drop_column_not_null()
            .with_column(column)
            .with_commit_properties(once())
            .await
            .map_err(failed)?;
    }
    if !evolution.add.is_empty() {
        let fields: Vec<StructField> = evolution.add;
        delta
            .add_columns()
            .with_fields(fields)
            .with_commit_properties(once())
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// One attempt, from the snapshot that was looked at.
fn once() -> CommitProperties {
    CommitProperties::default()
        .with_max_retries(0)
        .with_cleanup_expired_logs(Some(false))
}
