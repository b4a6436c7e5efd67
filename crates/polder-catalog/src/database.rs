//! The connection to the catalog's database.

use std::path::Path;
use std::time::Duration;

use polder_core::config::CatalogConfig;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use sqlx::any::AnyConnectOptions;
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::{Any, AnyConnection, AnyPool, Connection as _, Row as _, Transaction};

use crate::address::{Address, Backend};

/// How long a database may take to answer, and how long one process waits for another's write.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bound of the connections of one process.
const CONNECTIONS: u32 = 4;

/// A mesh's catalog. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Catalog {
    pool: AnyPool,
    address: Address,
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Catalog")
            .field("location", &self.address.shown)
            .finish_non_exhaustive()
    }
}

impl Catalog {
    /// Opens the catalog, and makes it if it is not there: an SQLite file with its folder, or the tables in a
    /// PostgreSQL database that exists. Several processes may do so at once.
    ///
    /// # Errors
    /// `Document` if the configuration names no database; `Unreachable` if the database does not answer; `Refused` if
    /// it denies access, cannot be written, or was made by a newer Polder.
    pub async fn connect(config: &CatalogConfig, mesh_root: &Path) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let address = Address::parse(config.database.expose(), mesh_root)?;
        if let Some(folder) = address.file.as_deref().and_then(Path::parent) {
            tokio::fs::create_dir_all(folder)
                .await
                .context(ErrorKind::Refused, || {
                    format!("cannot make folder {} for the catalog", folder.display())
                })?;
        }
        let options: AnyConnectOptions = address
            .url
            .parse()
            .map_err(|cause| address.failure("read the address", &cause))?;
        let mut pool = PoolOptions::<Any>::new().acquire_timeout(PATIENCE);
        match address.backend {
            // An in-memory database is one connection's own and ends with it.
            Backend::Sqlite if address.file.is_none() => {
                pool = pool.max_connections(1).idle_timeout(None).max_lifetime(None);
            }
            Backend::Sqlite => {
                pool = pool.max_connections(CONNECTIONS);
                pool = pool.after_connect(|connection, _| Box::pin(prepare_sqlite(connection)));
            }
            Backend::Postgres => {
                pool = pool.max_connections(CONNECTIONS);
            }
        }
        if address.backend == Backend::Postgres || address.file.is_some() {
            greet(&address, &options).await?;
        }
        let catalog = Self {
            pool: pool.connect_lazy_with(options),
            address,
        };
        catalog.migrate().await?;
        Ok(catalog)
    }

    /// Where the catalog is, without password.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.address.shown
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// `Unreachable` or `Refused`, as [`Catalog::connect`].
    pub async fn probe(&self) -> Result<()> {
        let asked = sqlx::query("SELECT 1").execute(&self.pool).await;
        asked
            .map(drop)
            .map_err(|cause| self.failure("ask for a sign of life", &cause))
    }

    /// Closes all connections; later calls fail. Dropping the last clone does so too, but does not wait.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// A connection, for statements that transactions make too.
    pub(crate) async fn connection(&self, doing: &str) -> Result<PoolConnection<Any>> {
        let connection = self.pool.acquire().await;
        connection.map_err(|cause| self.failure(doing, &cause))
    }

    pub(crate) fn backend(&self) -> Backend {
        self.address.backend
    }

    /// Begins a transaction that will write.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>> {
        let begun = match self.address.backend {
            // SQLite takes the write lock at once: a transaction that reads first and is overtaken by another writer
            // would fail without waiting.
            Backend::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await,
            Backend::Postgres => self.pool.begin().await,
        };
        begun.map_err(|cause| self.failure("begin a change", &cause))
    }

    pub(crate) fn failure(&self, doing: &str, cause: &sqlx::Error) -> Error {
        self.address.failure(doing, cause)
    }
}

/// Connects once outside the pool, which would try again and again and then say only that time was up.
async fn greet(address: &Address, options: &AnyConnectOptions) -> Result<()> {
    let greeting = async {
        let mut connection = AnyConnection::connect_with(options).await?;
        if address.backend == Backend::Sqlite {
            prepare_sqlite(&mut connection).await?;
        }
        Ok(connection)
    };
    // Longer than the wait for another process that this holds.
    let greeting = tokio::time::timeout(PATIENCE * 2, greeting).await;
    let connection = greeting.map_err(|_| address.timed_out())?;
    let connection = connection.map_err(|cause| address.failure("open the database", &cause))?;
    // Also a connection that ends badly has proved that the database is there.
    let _ = connection.close().await;
    Ok(())
}

/// Readers and one writer side by side, writers that wait for each other, and commits that survive a crash of the
/// process (of the machine: all but the last ones, which `polder catalog sync` finds again).
async fn prepare_sqlite(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    sqlx::query("PRAGMA busy_timeout = 10000")
        .execute(&mut *connection)
        .await?;
    sqlx::query("PRAGMA synchronous = NORMAL")
        .execute(&mut *connection)
        .await?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let mode = sqlx::query("PRAGMA journal_mode").fetch_one(&mut *connection).await?;
        if mode.try_get::<String, _>(0)? == "wal" {
            return Ok(());
        }
        // SQLite does not wait here when another process makes the same change: it answers at once that it is busy.
        match sqlx::query("PRAGMA journal_mode = WAL").execute(&mut *connection).await {
            Err(cause) if is_busy(&cause) && tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            // Some file systems have no shared memory: then SQLite stays with its journal, which is only slower.
            made => return made.map(drop),
        }
    }
}

fn is_busy(cause: &sqlx::Error) -> bool {
    let code = cause.as_database_error().and_then(|answer| answer.code());
    code.and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == 5)
}

#[cfg(test)]
mod tests {
    use polder_core::Secret;

    use super::*;

    fn config(database: &str) -> CatalogConfig {
        CatalogConfig {
            database: Secret::new(database),
        }
    }

    #[tokio::test]
    async fn an_sqlite_catalog_is_made_with_its_folder_and_writes_ahead() {
        let mesh = tempfile::tempdir().unwrap();
        let catalog = Catalog::connect(&config("sqlite:a/b c/100%?.db"), mesh.path()).await;
        // `?` begins options; the file's name ends before it.
        assert_eq!(catalog.unwrap_err().kind(), ErrorKind::Document);
        let catalog = Catalog::connect(&config("sqlite:a/b c/100%41.db"), mesh.path())
            .await
            .unwrap();
        assert!(mesh.path().join("a/b c/100%41.db").is_file());
        let mode = sqlx::query("PRAGMA journal_mode")
            .fetch_one(catalog.pool())
            .await
            .unwrap();
        assert_eq!(mode.try_get::<String, _>(0).unwrap(), "wal");
        let patience = sqlx::query("PRAGMA busy_timeout")
            .fetch_one(catalog.pool())
            .await
            .unwrap();
        assert_eq!(patience.try_get::<i64, _>(0).unwrap(), 10_000);
    }

    #[tokio::test]
    async fn an_in_memory_catalog_keeps_its_content_while_it_is_open() {
        let catalog = Catalog::connect(&config("sqlite::memory:"), Path::new("/nowhere"))
            .await
            .unwrap();
        let other = Catalog::connect(&config("sqlite::memory:"), Path::new("/nowhere"))
            .await
            .unwrap();
        let dataset = crate::Dataset::new("a.gold.b".parse().unwrap());
        catalog.record_dataset(&dataset).await.unwrap();
        assert_eq!(catalog.clone().datasets().await.unwrap(), [dataset]);
        assert_eq!(other.datasets().await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_file_that_is_no_catalog_is_refused() {
        let mesh = tempfile::tempdir().unwrap();
        std::fs::write(mesh.path().join("x.db"), "name,amount\n".repeat(500)).unwrap();
        let error = Catalog::connect(&config("sqlite:x.db"), mesh.path()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{}", error.report());
        assert!(error.help().unwrap().contains("catalog sync"));
        std::fs::write(mesh.path().join("file"), "").unwrap();
        let error = Catalog::connect(&config("sqlite:file/x.db"), mesh.path())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{}", error.report());
    }

    #[tokio::test]
    async fn a_database_that_is_down_is_unreachable_at_once_and_its_password_stays_hidden() {
        // A port that was free a moment ago and that nobody listens on.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let before = std::time::Instant::now();
        let database = format!("postgres://polder:hunter2@127.0.0.1:{port}/catalog");
        let error = Catalog::connect(&config(&database), Path::new("/nowhere"))
            .await
            .unwrap_err();
        assert!(before.elapsed() < PATIENCE / 2);
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", error.report());
        assert!(
            error.report().contains(&format!("127.0.0.1:{port}")),
            "{}",
            error.report()
        );
        for shown in [error.report(), format!("{error:?}")] {
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
