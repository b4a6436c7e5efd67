//! The local file system as an object store whose writes survive a loss of power.
//!
//! `object_store`'s own local store never calls fsync (traps: "exactly once", 8). Here a file is synced before its name
//! appears, and the folder after it, so that a commit which was reported is on disk, with all that it names.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};

/// Local files, rooted at `/`, synced to disk.
#[derive(Debug)]
pub(crate) struct DurableFileSystem {
    files: LocalFileSystem,
}

impl DurableFileSystem {
    pub(crate) fn new() -> Self {
        Self {
            files: LocalFileSystem::new(),
        }
    }
}

impl fmt::Display for DurableFileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DurableFileSystem")
    }
}

#[async_trait]
impl ObjectStore for DurableFileSystem {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if matches!(options.mode, PutMode::Update(_)) || !options.attributes.is_empty() {
            // Not possible on files; the inner store says so in its own words.
            return self.files.put_opts(location, payload, options).await;
        }
        let target = self.files.path_to_filesystem(location)?;
        let create = matches!(options.mode, PutMode::Create);
        blocking(location, move || put_synced(&target, &payload, create)).await?;
        let meta = self.files.head(location).await?;
        Ok(PutResult {
            e_tag: meta.e_tag,
            version: meta.version,
        })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let target = self.files.path_to_filesystem(location)?;
        if let Some(folder) = target.parent().map(FilePath::to_owned) {
            blocking(location, move || create_folder_synced(&folder)).await?;
        }
        let inner = self.files.put_multipart_opts(location, options).await?;
        Ok(Box::new(SyncedUpload {
            inner,
            location: location.clone(),
            target,
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await?;
        let target = self.files.path_to_filesystem(to)?;
        blocking(to, move || sync_file_and_folder(&target)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.files.rename_opts(from, to, options).await?;
        let target = self.files.path_to_filesystem(to)?;
        blocking(to, move || sync_file_and_folder(&target)).await
    }
}

/// An upload in parts whose file is synced once it has its name. Nothing refers to a data file before its commit, so
/// the name may appear before the content is on disk; `complete` returns only after both are.
#[derive(Debug)]
struct SyncedUpload {
    inner: Box<dyn MultipartUpload>,
    location: Path,
    target: PathBuf,
}

#[async_trait]
impl MultipartUpload for SyncedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        let target = self.target.clone();
        blocking(&self.location, move || sync_file_and_folder(&target)).await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

/// Runs file work off the async threads and gives its failure the error of an object store.
async fn blocking(location: &Path, work: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<()> {
    match tokio::task::spawn_blocking(work).await? {
        Ok(()) => Ok(()),
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Err(Error::AlreadyExists {
            path: location.to_string(),
            source: source.into(),
        }),
        Err(source) if source.kind() == io::ErrorKind::PermissionDenied => Err(Error::PermissionDenied {
            path: location.to_string(),
            source: source.into(),
        }),
        Err(source) => Err(Error::Generic {
            store: "LocalFileSystem",
            source: source.into(),
        }),
    }
}

/// Writes `payload` under a passing name, syncs it, and gives it its name: with `create` by a hard link, which fails
/// when the name exists (two writers cannot both win); otherwise by a rename.
fn put_synced(target: &FilePath, payload: &PutPayload, create: bool) -> io::Result<()> {
    let folder = folder_of(target)?;
    let (mut file, staged) = stage(target)?;
    let written = payload
        .iter()
        .try_for_each(|part| file.write_all(part))
        .and_then(|()| file.sync_all());
    drop(file);
    let named = written.and_then(|()| {
        if create {
            std::fs::hard_link(&staged, target)
        } else {
            std::fs::rename(&staged, target)
        }
    });
    if named.is_err() || create {
        // After a link the passing name is no longer needed; after a failure nobody will come back for it. A copy that
        // stays behind is invisible: listings leave out names that end in `#<digits>`.
        let _ = std::fs::remove_file(&staged);
    }
    named?;
    sync_folder(folder)
}

/// Opens a new file `<target>#<digits>`, which the local store's listings leave out.
fn stage(target: &FilePath) -> io::Result<(File, PathBuf)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let mut name = target.as_os_str().to_owned();
        name.push(format!(
            "#{}{:09}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        let path = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => create_folder_synced(folder_of(target)?)?,
            Err(error) => return Err(error),
        }
    }
}

fn folder_of(target: &FilePath) -> io::Result<&FilePath> {
    target
        .parent()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a file needs a folder"))
}

/// Creates a folder and its parents, each synced into its own parent.
fn create_folder_synced(folder: &FilePath) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let Some(parent) = folder.parent() else { return Ok(()) };
    create_folder_synced(parent)?;
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        // Also where another writer was first: its sync may still be to come.
        _ => {}
    }
    sync_folder(parent)
}

fn sync_file_and_folder(target: &FilePath) -> io::Result<()> {
    File::open(target)?.sync_all()?;
    sync_folder(folder_of(target)?)
}

#[cfg(unix)]
fn sync_folder(folder: &FilePath) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Folders cannot be opened as files elsewhere; their file systems journal names by themselves.
#[cfg(not(unix))]
fn sync_folder(_folder: &FilePath) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    fn at(folder: &tempfile::TempDir, name: &str) -> Path {
        Path::from_absolute_path(folder.path().canonicalize().unwrap().join(name)).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_many_writers_that_create_one_name_exactly_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let location = at(&folder, "log/00000000000000000001.json");
        let writers = (0..16u8).map(|number| {
            let location = location.clone();
            tokio::spawn(async move {
                let store = DurableFileSystem::new();
                let payload = PutPayload::from(vec![number; 64]);
                store
                    .put_opts(&location, payload, PutMode::Create.into())
                    .await
                    .map(|_| number)
            })
        });
        let mut winners = Vec::new();
        for writer in writers.collect::<Vec<_>>() {
            match writer.await.unwrap() {
                Ok(number) => winners.push(number),
                Err(error) => assert!(matches!(error, Error::AlreadyExists { .. }), "{error}"),
            }
        }
        assert_eq!(winners.len(), 1);
        let store = DurableFileSystem::new();
        let content = store.get(&location).await.unwrap().bytes().await.unwrap();
        assert_eq!(content.as_ref(), [winners[0]; 64]);
        let names: Vec<_> = std::fs::read_dir(folder.path().join("log")).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing but the winner stays behind");
    }

    #[tokio::test]
    async fn an_upload_in_parts_and_an_overwrite_hold_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let store = DurableFileSystem::new();
        let location = at(&folder, "a/b/part.parquet");
        let mut upload = store.put_multipart(&location).await.unwrap();
        upload.put_part(PutPayload::from_static(b"one ")).await.unwrap();
        upload.put_part(PutPayload::from_static(b"two")).await.unwrap();
        upload.complete().await.unwrap();
        assert_eq!(
            store.get(&location).await.unwrap().bytes().await.unwrap().as_ref(),
            b"one two"
        );
        store.put(&location, PutPayload::from_static(b"three")).await.unwrap();
        assert_eq!(
            store.get(&location).await.unwrap().bytes().await.unwrap().as_ref(),
            b"three"
        );
        let listed: Vec<_> = store.list(Some(&at(&folder, "a"))).try_collect().await.unwrap();
        assert_eq!(listed.len(), 1);
    }
}
