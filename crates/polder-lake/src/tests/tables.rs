//! Tables: made, found, changed and refused.

use std::collections::BTreeMap;

use deltalake::TableProperty;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use polder_core::ErrorKind;
use polder_core::config::LakeConfig;

use super::*;
use crate::Version;

fn local_lake(folder: &tempfile::TempDir) -> Lake {
    let config = LakeConfig {
        location: "lake".to_owned(),
        options: BTreeMap::new(),
    };
    Lake::open(&config, folder.path()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_table_that_many_make_at_once_is_made_once_and_is_plain_delta() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local_lake(&folder);
    let makers = (0..8).map(|_| {
        let lake = lake.clone();
        tokio::spawn(async move { table(&lake).await.version() })
    });
    for maker in makers.collect::<Vec<_>>() {
        assert_eq!(maker.await.unwrap(), 0);
    }
    let log = folder.path().join("lake/sales/bronze/lines/_delta_log");
    assert_eq!(std::fs::read_dir(&log).unwrap().count(), 1);
    let commit = std::fs::read_to_string(log.join("00000000000000000000.json")).unwrap();
    assert!(
        commit.contains(r#""protocol":{"minReaderVersion":1,"minWriterVersion":2}"#),
        "{commit}"
    );
    assert!(commit.contains(r#""delta.checkpointInterval":"100""#), "{commit}");
}

#[tokio::test]
async fn every_table_is_found_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local_lake(&folder);
    assert_eq!(lake.datasets().await.unwrap(), []);
    let names = ["product.gold.sales", "sales.bronze.lines", "sales.silver.lines"].map(|name| name.parse().unwrap());
    for name in &names {
        lake.ensure(name, columns(), &TableOptions::default()).await.unwrap();
    }
    let note = PutPayload::from_static(b"{}");
    lake.objects()
        .put(&"_models/finance/forecast/1/model.json".into(), note)
        .await
        .unwrap();
    std::fs::create_dir_all(folder.path().join("lake/sales/gold/empty")).unwrap();
    assert_eq!(lake.datasets().await.unwrap(), names);
    assert!(lake.load(&"sales.gold.empty".parse().unwrap()).await.unwrap().is_none());
    assert!(
        folder
            .path()
            .join("lake/_models/finance/forecast/1/model.json")
            .exists()
    );
}

#[tokio::test]
async fn new_optional_columns_are_null_in_older_rows() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local_lake(&folder);
    let mut old = table(&lake).await;
    let commit = append(&old, 0..2, Vec::new()).await;
    old.commit(commit).await.unwrap();
    let wanted = Arc::new(Schema::new(vec![
        Field::new(
            "later",
            DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None),
            true,
        ),
        Field::new("number", DataType::Int64, true),
    ]));
    let options = TableOptions {
        description: Some("lines".to_owned()),
    };
    let mut table = lake.ensure(&name(), wanted, &options).await.unwrap();
    let names: Vec<_> = table
        .schema()
        .fields()
        .iter()
        .map(|field| (field.name().clone(), field.is_nullable()))
        .collect();
    assert_eq!(
        names,
        [
            ("number".to_owned(), true),
            ("text".to_owned(), true),
            ("later".to_owned(), true)
        ]
    );
    let commit = append(&table, 2..3, Vec::new()).await;
    table.commit(commit).await.unwrap();
    let context = SessionContext::new();
    context.register_table("lines", table.provider().unwrap()).unwrap();
    let frame = context
        .sql("SELECT number FROM lines WHERE later IS NULL ORDER BY number")
        .await
        .unwrap();
    assert_eq!(frame.count().await.unwrap(), 3);
    let version = table.version();
    let again = lake
        .ensure(&name(), table.schema(), &TableOptions::default())
        .await
        .unwrap();
    assert_eq!(again.version(), version, "nothing to change, nothing written");
}

#[tokio::test]
async fn a_changed_type_is_refused() {
    let (lake, _) = faulty_lake();
    table(&lake).await;
    let wanted = Arc::new(Schema::new(vec![Field::new("number", DataType::Utf8, false)]));
    let error = lake
        .ensure(&name(), wanted, &TableOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Document);
    assert!(error.to_string().contains("`number` is Int64 in the table"), "{error}");
}

#[tokio::test]
async fn a_table_that_forgets_progress_is_refused() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    let commit = append(&table, 0..1, step(None, 1)).await;
    let property = TableProperty::SetTransactionRetentionDuration.as_ref().to_owned();
    assert_eq!(property, "delta.setTransactionRetentionDuration");
    let properties = [(property, "interval 1 days".to_owned())].into();
    table
        .delta
        .clone()
        .set_tbl_properties()
        .with_properties(properties)
        .await
        .unwrap();
    let error = lake
        .ensure(&name(), columns(), &TableOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(table.commit(commit).await.unwrap_err().kind(), ErrorKind::Data);
    assert_eq!(stored(&lake).await, [0_i64; 0]);
}

#[tokio::test]
async fn a_version_is_found_by_number_and_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local_lake(&folder);
    let mut table = table(&lake).await;
    for number in 0..3 {
        let commit = append(&table, [number], Vec::new()).await;
        table.commit(commit).await.unwrap();
    }
    let log = folder.path().join("lake/sales/bronze/lines/_delta_log");
    let noon = chrono::DateTime::parse_from_rfc3339("2026-01-01T12:00:00Z")
        .unwrap()
        .to_utc();
    for version in 0..4_u64 {
        let file = std::fs::File::options()
            .write(true)
            .open(log.join(format!("{version:020}.json")))
            .unwrap();
        let time = noon + chrono::TimeDelta::hours(i64::try_from(version).unwrap());
        file.set_modified(time.into()).unwrap();
    }
    let at = async |version| match lake.load_at(&name(), version).await {
        Ok(table) => Ok(numbers(table.unwrap().provider().unwrap()).await),
        Err(error) => Err(error.kind()),
    };
    assert_eq!(at(Version::Latest).await, Ok(vec![0, 1, 2]));
    assert_eq!(at(Version::Number(2)).await, Ok(vec![0, 1]));
    assert_eq!(at(Version::Number(9)).await, Err(ErrorKind::NotFound));
    assert_eq!(
        at(Version::Timestamp(noon + chrono::TimeDelta::minutes(119))).await,
        Ok(vec![0])
    );
    assert_eq!(
        at(Version::Timestamp(noon + chrono::TimeDelta::days(9))).await,
        Ok(vec![0, 1, 2])
    );
    assert_eq!(
        at(Version::Timestamp(noon - chrono::TimeDelta::seconds(1))).await,
        Err(ErrorKind::NotFound)
    );
    let other = "sales.gold.nothing".parse().unwrap();
    assert!(lake.load_at(&other, Version::Timestamp(noon)).await.unwrap().is_none());
    assert!(lake.load_at(&other, Version::Number(0)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_store_that_is_down_is_unreachable_everywhere() {
    let (lake, store) = faulty_lake();
    let mut table = table(&lake).await;
    let commit = append(&table, 0..1, step(None, 1)).await;
    let writer = {
        let mut writer = table.writer().unwrap();
        writer.write(&rows(0..1)).await.unwrap();
        writer
    };
    store.set_down(true);
    assert_eq!(lake.probe().await.unwrap_err().kind(), ErrorKind::Unreachable);
    assert_eq!(lake.datasets().await.unwrap_err().kind(), ErrorKind::Unreachable);
    assert_eq!(lake.load(&name()).await.unwrap_err().kind(), ErrorKind::Unreachable);
    assert_eq!(table.refresh().await.unwrap_err().kind(), ErrorKind::Unreachable);
    assert_eq!(table.commit(commit).await.unwrap_err().kind(), ErrorKind::Unreachable);
    assert_eq!(writer.finish().await.unwrap_err().kind(), ErrorKind::Unreachable);
    store.set_down(false);
    lake.probe().await.unwrap();
}

#[tokio::test]
async fn a_store_that_overwrites_what_it_should_create_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inner = Arc::new(object_store::local::LocalFileSystem::new_with_prefix(folder.path()).unwrap());
    let careless = Arc::new(Careless(inner));
    let lake = Lake::over(careless, Url::parse("memory:///lake").unwrap()).unwrap();
    assert_eq!(lake.probe().await.unwrap_err().kind(), ErrorKind::Refused);
}

/// A store that takes every write for an overwrite.
#[derive(Debug)]
struct Careless(Arc<dyn ObjectStore>);

impl std::fmt::Display for Careless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Careless")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Careless {
    async fn put_opts(
        &self,
        location: &object_store::path::Path,
        payload: PutPayload,
        _: object_store::PutOptions,
    ) -> object_store::Result<object_store::PutResult> {
        self.0.put(location, payload).await
    }

    async fn put_multipart_opts(
        &self,
        location: &object_store::path::Path,
        options: object_store::PutMultipartOptions,
    ) -> object_store::Result<Box<dyn object_store::MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }

    async fn get_opts(
        &self,
        location: &object_store::path::Path,
        options: object_store::GetOptions,
    ) -> object_store::Result<object_store::GetResult> {
        self.0.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: futures::stream::BoxStream<'static, object_store::Result<object_store::path::Path>>,
    ) -> futures::stream::BoxStream<'static, object_store::Result<object_store::path::Path>> {
        self.0.delete_stream(locations)
    }

    fn list(
        &self,
        prefix: Option<&object_store::path::Path>,
    ) -> futures::stream::BoxStream<'static, object_store::Result<object_store::ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(
        &self,
        prefix: Option<&object_store::path::Path>,
    ) -> object_store::Result<object_store::ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &object_store::path::Path,
        to: &object_store::path::Path,
        options: object_store::CopyOptions,
    ) -> object_store::Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn a_table_is_untouched_until_a_row_comes_and_not_where_rows_went_again() {
    let (lake, _) = faulty_lake();
    let mut table = table(&lake).await;
    assert!(table.is_untouched().await.unwrap());
    // Everything that came was refused: only that is noted.
    let noted = |progress, rejected: &str| Commit {
        progress,
        metadata: [("accepted", "0"), ("rejected", rejected)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Commit::new(RunId::new(), Operation::Append)
    };
    table.commit(noted(step(None, 5), "5")).await.unwrap();
    assert!(table.is_untouched().await.unwrap());

    let mut built = lake
        .ensure(
            &"sales.silver.built".parse().unwrap(),
            columns(),
            &TableOptions::default(),
        )
        .await
        .unwrap();
    let nothing = Commit {
        operation: Operation::Replace,
        ..noted(step(None, 1), "0")
    };
    built.commit(nothing).await.unwrap();
    assert!(!built.is_untouched().await.unwrap(), "it was built of nothing");

    let commit = append(&table, 0..3, step(Some(5), 8)).await;
    let remove = commit.add.clone();
    table.commit(commit).await.unwrap();
    assert!(!table.is_untouched().await.unwrap());
    let emptied = Commit {
        remove,
        ..Commit::new(RunId::new(), Operation::Replace)
    };
    table.commit(emptied).await.unwrap();
    assert!(!table.has_files().unwrap() && !table.is_untouched().await.unwrap());
}
