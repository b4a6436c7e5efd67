//! A store that goes away in the middle of a build.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult,
};
use polder_core::ErrorKind;

use super::*;

/// A store in memory that cannot do everything while it is away.
#[derive(Debug, Default)]
pub(super) struct Fragile {
    pub(super) inner: InMemory,
    pub(super) away: Arc<AtomicBool>,
    /// What the paths hold that cannot be read then.
    pub(super) unread: Option<&'static str>,
    /// What the paths hold that cannot be written then.
    pub(super) unwritten: Option<&'static str>,
}

impl Fragile {
    fn fails(&self, at: &Path, word: Option<&str>) -> object_store::Result<()> {
        match self.away.load(Ordering::SeqCst) && word.is_some_and(|word| at.as_ref().contains(word)) {
            true => Err(object_store::Error::Generic {
                store: "Fragile",
                source: "connection refused".into(),
            }),
            false => Ok(()),
        }
    }
}

impl fmt::Display for Fragile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fragile")
    }
}

#[async_trait]
impl ObjectStore for Fragile {
    async fn put_opts(&self, at: &Path, payload: PutPayload, options: PutOptions) -> object_store::Result<PutResult> {
        self.fails(at, self.unwritten)?;
        self.inner.put_opts(at, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.fails(at, self.unwritten)?;
        self.inner.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.fails(at, self.unread)?;
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

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_no_change_that_cannot_be_read() {
    let store = Fragile {
        unread: Some(".parquet"),
        ..Fragile::default()
    };
    let away = Arc::clone(&store.away);
    let lake = Lake::over(Arc::new(store), "memory:///lake".parse().unwrap()).unwrap();
    let engine = bronze()
        .contract("a.silver.s", "k string, v bigint, n bigint")
        .pipeline(
            "s",
            "a.silver.s",
            "materialization: replace_groups\nkey: [k]",
            "SELECT k, sum(v) AS v, count(*) AS n FROM a.bronze.e GROUP BY k",
        )
        .engine(&lake);
    let mut writer = Writer::new(&engine);
    writer.add("a.bronze.e", &[row("a", 1, 0), row("b", 2, 0)]).await;
    run(&engine).await;
    let old = writer.table("a.bronze.e").await.files().unwrap();
    writer
        .replace("a.bronze.e", old, &[row("a", 3, 0), row("b", 2, 0)])
        .await;

    away.store(true, Ordering::SeqCst);
    let results = engine.run(&RunOptions::default(), &Unobserved).await.unwrap();
    let StepOutcome::Failed(error) = &results[0].outcome else {
        panic!("{:?}", results[0])
    };
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", error.report());
    assert_eq!(error.exit_code(), 3);
    assert_eq!(results[0].action, Action::Incremental);

    away.store(false, Ordering::SeqCst);
    let results = run(&engine).await;
    assert_eq!(results[0].action, Action::Incremental);
    assert_eq!(rows(&engine, "SELECT * FROM a.silver.s").await, ["a 3 1", "b 2 1"]);
}
