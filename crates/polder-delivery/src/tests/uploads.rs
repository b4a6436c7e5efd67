//! Uploads in parts that a shipment began: other stores keep, and charge for, parts that nobody gives up.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, UploadPart,
};
use polder_core::ErrorKind;

use super::*;
use crate::NoRecords;

/// A store in memory that counts uploads in parts.
#[derive(Debug, Default)]
struct CountingStore {
    inner: InMemory,
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Upload {
    inner: Box<dyn MultipartUpload>,
    ended: Arc<AtomicUsize>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        self.inner.put_part(part)
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        self.ended.fetch_add(1, Ordering::SeqCst);
        self.inner.complete().await
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        self.ended.fetch_add(1, Ordering::SeqCst);
        // The store in memory knows no parts that could be given up.
        Ok(())
    }
}

impl fmt::Display for CountingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CountingStore")
    }
}

#[async_trait]
impl ObjectStore for CountingStore {
    async fn put_opts(&self, at: &Path, payload: PutPayload, options: PutOptions) -> object_store::Result<PutResult> {
        self.inner.put_opts(at, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let inner = self.inner.put_multipart_opts(at, options).await?;
        let ended = Arc::clone(&self.ended);
        Ok(Box::new(Upload { inner, ended }))
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.inner.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A row of so many bytes that hardly compress.
fn large(bytes: usize) -> RecordBatch {
    let mut state = 1_u64;
    let text: String = (0..bytes)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'0' + (state >> 58) as u8)
        })
        .collect();
    RecordBatch::try_from_iter([
        ("n", Arc::new(Int32Array::from(vec![1])) as ArrayRef),
        ("name", Arc::new(StringArray::from(vec![text]))),
    ])
    .unwrap()
}

#[tokio::test]
async fn a_commit_that_is_refused_gives_up_the_uploads_that_were_begun() {
    let store = Arc::new(CountingStore::default());
    let (begun, ended) = (Arc::clone(&store.begun), Arc::clone(&store.ended));
    let lake = Lake::over(store, "memory:///lake".parse().unwrap()).unwrap();
    let mut delivery = Delivery::open(&lake, &contract(0), &[], "sales.build").await.unwrap();
    let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
    // A row group of more than 32 MiB leaves the writer before the file is closed.
    shipment.push(&large(48 << 20), &NoRecords).await.unwrap();
    assert_eq!((begun.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (1, 0));
    let progress = vec![Progress {
        id: PROGRESS.to_owned(),
        expected: Some(7),
        next: 8,
    }];
    let outcome = Outcome {
        progress,
        ..Outcome::default()
    };
    assert_eq!(shipment.commit(outcome).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!((begun.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (1, 1));
}
