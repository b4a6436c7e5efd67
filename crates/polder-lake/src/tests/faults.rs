//! A store around another that fails when it is told to.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What goes wrong with a write to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The write fails and did not land.
    Before,
    /// The write landed; the answer is lost.
    After,
    /// The write landed; the answer is lost, and nothing answers any more.
    AfterThenDown,
    /// The write landed; the client below repeated it by itself, and the repetition was refused.
    Repeated,
    /// The store refuses the write.
    Denied,
}

/// A store whose next writes of commits fail as planned, and which can be cut off.
#[derive(Debug)]
pub(super) struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    planned: Mutex<Vec<Fault>>,
    down: AtomicBool,
    commits: AtomicUsize,
}

impl FaultyStore {
    pub(super) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            inner,
            planned: Mutex::default(),
            down: AtomicBool::new(false),
            commits: AtomicUsize::new(0),
        }
    }

    /// Plans the faults of the next writes of commits, in this order.
    pub(super) fn plan(&self, faults: &[Fault]) {
        let mut faults = faults.to_vec();
        faults.reverse();
        *self.planned.lock().unwrap() = faults;
    }

    pub(super) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// How many writes of commits were tried.
    pub(super) fn attempts(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }

    fn answer(&self) -> Result<()> {
        if self.down.load(Ordering::SeqCst) {
            Err(lost())
        } else {
            Ok(())
        }
    }
}

fn lost() -> Error {
    Error::Generic {
        store: "Faulty",
        source: "connection reset".into(),
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyStore")
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.answer()?;
        let path = location.as_ref();
        if !(path.contains("/_delta_log/") && path.ends_with(".json")) {
            return self.inner.put_opts(location, payload, options).await;
        }
        self.commits.fetch_add(1, Ordering::SeqCst);
        let fault = self.planned.lock().unwrap().pop();
        match fault {
            Some(Fault::Before) => return Err(lost()),
            Some(Fault::Denied) => {
                return Err(Error::PermissionDenied {
                    path: path.to_owned(),
                    source: "403".into(),
                });
            }
            _ => {}
        }
        let result = self.inner.put_opts(location, payload, options).await?;
        match fault {
            Some(Fault::After) => Err(lost()),
            Some(Fault::AfterThenDown) => {
                self.set_down(true);
                Err(lost())
            }
            Some(Fault::Repeated) => Err(Error::AlreadyExists {
                path: path.to_owned(),
                source: "412".into(),
            }),
            _ => Ok(result),
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.answer()?;
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.answer()?;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.answer()?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.answer() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.answer() {
            Ok(()) => self.inner.list_with_offset(prefix, offset),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.answer()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.answer()?;
        self.inner.copy_opts(from, to, options).await
    }
}
