//! What every database must do for the catalog, as one suite: each behaviour is a test on SQLite, and all of them run
//! on PostgreSQL where `POLDER_TEST_POSTGRES` names one.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use polder_core::config::CatalogConfig;
use polder_core::{DatasetName, Error, ErrorKind, ObjectName, RunId, Secret};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};

use crate::*;

/// An empty database that a behaviour is tried on.
struct Place {
    database: String,
    folder: tempfile::TempDir,
}

impl Place {
    async fn connect(&self) -> Result<Catalog, Error> {
        connect(&self.database, self.folder.path()).await
    }
}

async fn connect(database: &str, root: &Path) -> Result<Catalog, Error> {
    Catalog::connect(
        &CatalogConfig {
            database: Secret::new(database),
        },
        root,
    )
    .await
}

fn sqlite() -> Place {
    Place {
        database: "sqlite:.polder/catalog.db".to_owned(),
        folder: tempfile::tempdir().unwrap(),
    }
}

/// Makes the list of behaviours into a test each on SQLite, and into one test of all on PostgreSQL.
macro_rules! conformance {
    ($($behaviour:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    super::$behaviour(&super::sqlite()).await;
                }
            )+
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn postgres_conforms() {
            let Some(server) = postgres() else { return };
            $(
                let schema = Schema::create(&server, stringify!($behaviour)).await;
                $behaviour(&schema.place).await;
                schema.drop().await;
            )+
        }
    };
}

conformance! {
    a_new_database_gets_its_tables_and_keeps_them,
    several_processes_may_start_at_once,
    a_newer_polders_tables_are_refused,
    a_run_begins_and_ends,
    a_run_ends_once,
    a_run_that_never_began_cannot_end,
    runs_are_listed_newest_first_and_filtered,
    a_dataset_is_recorded_and_found,
    late_news_of_a_dataset_do_not_replace_newer_ones,
    lineage_is_followed_up_and_down,
    a_step_that_changes_its_inputs_loses_the_old_ones,
    lineage_in_a_circle_ends,
    a_model_version_keeps_what_it_was_trained_with,
    of_a_model_one_version_is_promoted,
    a_sync_makes_the_catalog_equal_to_the_inventory,
    writers_side_by_side_lose_nothing,
    texts_of_any_kind_come_back_as_they_were,
}

#[tokio::test]
async fn a_refusal_of_postgres_does_not_show_the_password() {
    let Some(server) = postgres() else {
        return;
    };
    let mut url = url::Url::parse(&server).unwrap();
    url.set_password(Some("hunter2")).unwrap();
    url.set_path("no_such_database");
    // A server that trusts loopback refuses the database, any other the password.
    let error = connect(url.as_str(), Path::new("/nowhere")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{}", error.report());
    for shown in [error.report(), format!("{error:?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

/// The server to test against; says on the terminal when there is none.
fn postgres() -> Option<String> {
    polder_testkit::skip::variable("polder-catalog", "POLDER_TEST_POSTGRES", "PostgreSQL")
}

/// A schema of its own in a shared PostgreSQL database.
struct Schema {
    server: String,
    name: String,
    place: Place,
}

impl Schema {
    async fn create(server: &str, behaviour: &str) -> Self {
        sqlx::any::install_default_drivers();
        // PostgreSQL cuts names at 63 bytes; the id's tail is random.
        let id = RunId::new().to_string().replace('-', "");
        let name = format!("t_{}_{behaviour:.40}", &id[20..]);
        execute(server, format!("CREATE SCHEMA {name}")).await;
        let joint = if server.contains('?') { '&' } else { '?' };
        let database = format!("{server}{joint}options[search_path]={name}");
        Self {
            server: server.to_owned(),
            name,
            place: Place {
                database,
                folder: tempfile::tempdir().unwrap(),
            },
        }
    }

    async fn drop(self) {
        execute(&self.server, format!("DROP SCHEMA {} CASCADE", self.name)).await;
    }
}

async fn execute(database: &str, sql: String) {
    let mut connection = AnyConnection::connect(database).await.unwrap();
    sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn dataset_name(text: &str) -> DatasetName {
    text.parse().unwrap()
}

fn object(text: &str) -> ObjectName {
    text.parse().unwrap()
}

fn step(kind: StepKind, name: &str) -> Step {
    Step::new(kind, object(name))
}

/// A fixed instant, so many seconds later.
fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 123_456_000).unwrap() + TimeDelta::seconds(seconds)
}

fn start(name: &str, seconds: i64) -> RunStart {
    RunStart {
        id: RunId::new(),
        step: step(StepKind::Pipeline, name),
        dataset: Some(dataset_name("sales.silver.lines")),
        started: at(seconds),
    }
}

fn success(seconds: i64) -> RunEnd {
    RunEnd {
        status: RunStatus::Succeeded,
        ended: at(seconds),
        accepted: 368_083,
        rejected: 2,
        version: Some(7),
        message: None,
    }
}

fn dataset(name: &str) -> Dataset {
    Dataset {
        contract: Some(ContractStatus {
            id: "c-1".into(),
            version: "1.2.0".into(),
            status: "active".into(),
        }),
        owner: Some("sales team".into()),
        description: Some("every line once".into()),
        version: Some(12),
        rows: Some(370_931),
        bytes: Some(9_000_000_000),
        updated: Some(at(0)),
        ..Dataset::new(dataset_name(name))
    }
}

fn model(name: &str, version: u64) -> ModelVersion {
    ModelVersion {
        name: object(name),
        version,
        state: ModelState::Registered,
        metrics: BTreeMap::from([("mase".into(), 0.851), ("coverage".into(), f64::MIN_POSITIVE)]),
        parameters: serde_json::from_str(r#"{"horizon_weeks":8,"method":"theta"}"#).unwrap(),
        inputs: BTreeMap::from([(dataset_name("product.gold.product_sales"), 4)]),
        notes: vec!["43 weeks".into()],
        trained: at(9),
        run: Some(RunId::new()),
    }
}

fn edge(from: &str, to: &str, via: &Step) -> Edge {
    Edge {
        from: dataset_name(from).into(),
        to: dataset_name(to).into(),
        via: via.clone(),
    }
}

async fn a_new_database_gets_its_tables_and_keeps_them(place: &Place) {
    let first = place.connect().await.unwrap();
    first.probe().await.unwrap();
    assert_eq!(first.datasets().await.unwrap(), []);
    first.record_dataset(&dataset("sales.bronze.lines")).await.unwrap();
    first.close().await;
    let second = place.connect().await.unwrap();
    assert_eq!(second.datasets().await.unwrap(), [dataset("sales.bronze.lines")]);
}

async fn several_processes_may_start_at_once(place: &Place) {
    let starts = (0..12).map(|_| {
        let (database, root) = (place.database.clone(), place.folder.path().to_owned());
        tokio::spawn(async move {
            connect(&database, &root)
                .await?
                .record_dataset(&dataset("a.gold.b"))
                .await
        })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap().unwrap();
    }
    assert_eq!(place.connect().await.unwrap().datasets().await.unwrap().len(), 1);
}

async fn a_newer_polders_tables_are_refused(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let insert = "INSERT INTO polder_migration (version, applied_at) VALUES (999, 0)";
    sqlx::query(insert).execute(catalog.pool()).await.unwrap();
    let error = place.connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("999"), "{error}");
}

async fn a_run_begins_and_ends(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let start = start("sales.lines", 0);
    catalog.begin_run(&start).await.unwrap();
    let begun = catalog.run(start.id).await.unwrap().unwrap();
    assert_eq!(
        (begun.status, begun.started, begun.ended),
        (RunStatus::Running, at(0), None)
    );
    catalog.finish_run(start.id, &success(5)).await.unwrap();
    let expected = Run {
        id: start.id,
        step: start.step,
        dataset: start.dataset,
        status: RunStatus::Succeeded,
        started: at(0),
        ended: Some(at(5)),
        accepted: 368_083,
        rejected: 2,
        version: Some(7),
        message: None,
    };
    assert_eq!(catalog.run(start.id).await.unwrap(), Some(expected));
}

async fn a_run_ends_once(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let start = start("sales.lines", 0);
    catalog.begin_run(&start).await.unwrap();
    catalog.finish_run(start.id, &success(5)).await.unwrap();
    catalog.begin_run(&start).await.unwrap();
    let again = RunEnd {
        status: RunStatus::Failed,
        message: Some("lost answer".into()),
        ..success(6)
    };
    catalog.finish_run(start.id, &again).await.unwrap();
    let run = catalog.run(start.id).await.unwrap().unwrap();
    assert_eq!(
        (run.status, run.ended, run.message),
        (RunStatus::Succeeded, Some(at(5)), None)
    );
}

async fn a_run_that_never_began_cannot_end(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let error = catalog.finish_run(RunId::new(), &success(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

async fn runs_are_listed_newest_first_and_filtered(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let mut expected = Vec::new();
    for (number, name) in [(1, "sales.lines"), (3, "sales.lines"), (2, "product.sales")] {
        let start = start(name, number);
        catalog.begin_run(&start).await.unwrap();
        expected.push((number, start));
    }
    catalog.finish_run(expected[0].1.id, &success(9)).await.unwrap();
    let stream = RunStart {
        step: step(StepKind::Stream, "sales.lines"),
        dataset: Some(dataset_name("sales.bronze.lines")),
        ..start("sales.lines", 0)
    };
    catalog.begin_run(&stream).await.unwrap();

    let list = async |filter: RunFilter| {
        let runs = catalog.runs(&filter).await.unwrap();
        runs.iter()
            .map(|run| (run.started - at(0)).num_seconds())
            .collect::<Vec<_>>()
    };
    let all = RunFilter::default;
    assert_eq!(list(all()).await, [3, 2, 1, 0]);
    assert_eq!(list(RunFilter { limit: 2, ..all() }).await, [3, 2]);
    assert_eq!(
        list(RunFilter {
            name: Some(object("sales.lines")),
            ..all()
        })
        .await,
        [3, 1, 0]
    );
    assert_eq!(
        list(RunFilter {
            kind: Some(StepKind::Stream),
            ..all()
        })
        .await,
        [0]
    );
    assert_eq!(
        list(RunFilter {
            status: Some(RunStatus::Succeeded),
            ..all()
        })
        .await,
        [1]
    );
    assert_eq!(
        list(RunFilter {
            dataset: Some(dataset_name("sales.bronze.lines")),
            ..all()
        })
        .await,
        [0]
    );
    assert_eq!(
        list(RunFilter {
            status: Some(RunStatus::Failed),
            ..all()
        })
        .await,
        [0_i64; 0]
    );
}

async fn a_dataset_is_recorded_and_found(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let bare = Dataset::new(dataset_name("sales.quarantine.bronze_lines"));
    let full = dataset("sales.bronze.lines");
    let other = dataset("customer.gold.customers");
    for dataset in [&bare, &full, &other] {
        catalog.record_dataset(dataset).await.unwrap();
    }
    assert_eq!(catalog.dataset(&full.name).await.unwrap(), Some(full.clone()));
    assert_eq!(catalog.dataset(&bare.name).await.unwrap(), Some(bare.clone()));
    assert_eq!(catalog.dataset(&dataset_name("no.gold.such")).await.unwrap(), None);
    assert_eq!(catalog.datasets().await.unwrap(), [other, full, bare]);
}

async fn late_news_of_a_dataset_do_not_replace_newer_ones(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let newer = Dataset {
        version: Some(13),
        updated: Some(at(1)),
        ..dataset("sales.bronze.lines")
    };
    catalog.record_dataset(&newer).await.unwrap();
    catalog.record_dataset(&dataset("sales.bronze.lines")).await.unwrap();
    assert_eq!(catalog.dataset(&newer.name).await.unwrap(), Some(newer.clone()));
    let same_time = Dataset { owner: None, ..newer };
    catalog.record_dataset(&same_time).await.unwrap();
    assert_eq!(catalog.dataset(&same_time.name).await.unwrap(), Some(same_time));
}

async fn lineage_is_followed_up_and_down(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let source = Node::Source("kafka:retail.invoice_line".into());
    let [bronze, silver, gold] =
        ["sales.bronze.lines", "sales.silver.lines", "product.gold.sales"].map(|name| Node::from(dataset_name(name)));
    let forecast = Node::Model(object("finance.forecast"));
    // Stream and pipeline of one name are two steps.
    let steps = [
        (step(StepKind::Stream, "sales.lines"), &source, &bronze),
        (step(StepKind::Pipeline, "sales.lines"), &bronze, &silver),
        (step(StepKind::Pipeline, "product.sales"), &silver, &gold),
        (step(StepKind::Model, "finance.forecast"), &gold, &forecast),
    ];
    for (step, from, to) in &steps {
        catalog.record_lineage(step, &[(*from).clone()], to).await.unwrap();
    }
    let told = |traced: Vec<Traced>| {
        let tell = |Traced { distance, edge }: &Traced| format!("{distance} {}->{}", edge.from, edge.to);
        traced.iter().map(tell).collect::<Vec<_>>()
    };
    assert_eq!(
        told(catalog.upstream(&gold).await.unwrap()),
        [
            "1 sales.silver.lines->product.gold.sales",
            "2 sales.bronze.lines->sales.silver.lines",
            "3 kafka:retail.invoice_line->sales.bronze.lines",
        ]
    );
    assert_eq!(
        told(catalog.downstream(&silver).await.unwrap()),
        [
            "1 sales.silver.lines->product.gold.sales",
            "2 product.gold.sales->finance.forecast"
        ]
    );
    assert_eq!(catalog.upstream(&source).await.unwrap(), []);
    assert_eq!(catalog.lineage().await.unwrap().len(), 4);
}

async fn a_step_that_changes_its_inputs_loses_the_old_ones(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let step = step(StepKind::Pipeline, "product.sales");
    let [one, two, three] = ["a.silver.one", "a.silver.two", "a.silver.three"].map(|name| dataset_name(name).into());
    let output = dataset_name("product.gold.sales").into();
    catalog
        .record_lineage(&step, &[one, two.clone(), two.clone()], &output)
        .await
        .unwrap();
    catalog.record_lineage(&step, &[two, three], &output).await.unwrap();
    assert_eq!(
        catalog.lineage().await.unwrap(),
        [
            edge("a.silver.three", "product.gold.sales", &step),
            edge("a.silver.two", "product.gold.sales", &step)
        ]
    );
}

async fn lineage_in_a_circle_ends(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let [one, two] = ["a.silver.one", "a.silver.two"].map(|name| Node::from(dataset_name(name)));
    catalog
        .record_lineage(&step(StepKind::Pipeline, "a.two"), std::slice::from_ref(&one), &two)
        .await
        .unwrap();
    catalog
        .record_lineage(&step(StepKind::Pipeline, "a.one"), std::slice::from_ref(&two), &one)
        .await
        .unwrap();
    assert_eq!(catalog.downstream(&one).await.unwrap().len(), 2);
}

async fn a_model_version_keeps_what_it_was_trained_with(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let (first, tenth, other) = (
        model("finance.forecast", 1),
        model("finance.forecast", 10),
        model("a.b", 2),
    );
    for model in [&tenth, &first, &other] {
        catalog.record_model(model).await.unwrap();
    }
    assert_eq!(catalog.models().await.unwrap(), [other, first.clone(), tenth.clone()]);
    assert_eq!(
        catalog.model_versions(&object("finance.forecast")).await.unwrap(),
        [first, tenth]
    );
    assert_eq!(catalog.model_versions(&object("no.such")).await.unwrap(), []);

    let mut odd = model("a.b", 3);
    odd.metrics = BTreeMap::from([("r2".into(), f64::NAN)]);
    catalog.record_model(&odd).await.unwrap();
    assert!(catalog.model_versions(&odd.name).await.unwrap()[1].metrics["r2"].is_nan());
}

async fn of_a_model_one_version_is_promoted(place: &Place) {
    let catalog = place.connect().await.unwrap();
    for version in 1..=3 {
        catalog.record_model(&model("finance.forecast", version)).await.unwrap();
    }
    catalog
        .record_model(&ModelVersion {
            state: ModelState::Promoted,
            ..model("a.b", 1)
        })
        .await
        .unwrap();
    let name = object("finance.forecast");
    let promoted = async || {
        let models = catalog.models().await.unwrap().into_iter();
        let promoted = models.filter(|model| model.state == ModelState::Promoted);
        promoted
            .map(|model| (model.name.to_string(), model.version))
            .collect::<Vec<_>>()
    };
    catalog.promote_model(&name, 1).await.unwrap();
    catalog.promote_model(&name, 2).await.unwrap();
    assert_eq!(
        promoted().await,
        [("a.b".to_owned(), 1), ("finance.forecast".to_owned(), 2)]
    );
    assert_eq!(
        catalog.promote_model(&name, 4).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(promoted().await.len(), 2, "a promotion that fails demotes nobody");
    catalog
        .record_model(&ModelVersion {
            state: ModelState::Promoted,
            ..model("finance.forecast", 4)
        })
        .await
        .unwrap();
    assert_eq!(
        promoted().await,
        [("a.b".to_owned(), 1), ("finance.forecast".to_owned(), 4)]
    );
}

async fn a_sync_makes_the_catalog_equal_to_the_inventory(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let pipeline = step(StepKind::Pipeline, "sales.lines");
    catalog.record_dataset(&dataset("sales.bronze.gone")).await.unwrap();
    catalog.record_dataset(&dataset("sales.bronze.same")).await.unwrap();
    catalog.record_dataset(&dataset("sales.bronze.older")).await.unwrap();
    catalog
        .record_lineage(
            &pipeline,
            &[
                dataset_name("sales.bronze.gone").into(),
                dataset_name("sales.bronze.same").into(),
            ],
            &dataset_name("sales.silver.lines").into(),
        )
        .await
        .unwrap();
    catalog
        .record_model(&ModelVersion {
            state: ModelState::Promoted,
            ..model("a.b", 1)
        })
        .await
        .unwrap();
    let failed = start("sales.lines", 1);
    catalog.begin_run(&failed).await.unwrap();
    let known = catalog.run(failed.id).await.unwrap().unwrap();

    let older = Dataset {
        updated: Some(at(-9)),
        version: Some(3),
        ..dataset("sales.bronze.older")
    };
    let inventory = Inventory {
        datasets: vec![dataset("sales.bronze.new"), older, dataset("sales.bronze.same")],
        lineage: vec![
            edge("sales.bronze.new", "sales.silver.lines", &pipeline),
            edge("sales.bronze.same", "sales.silver.lines", &pipeline),
        ],
        models: vec![
            model("a.b", 1),
            ModelVersion {
                state: ModelState::Promoted,
                ..model("a.b", 2)
            },
        ],
        runs: vec![
            Run {
                status: RunStatus::Succeeded,
                ..known.clone()
            },
            Run {
                id: RunId::new(),
                status: RunStatus::Succeeded,
                started: at(0),
                ..known.clone()
            },
        ],
    };
    let report = catalog.replace_all(&inventory).await.unwrap();
    let expected = SyncReport {
        datasets: Difference {
            added: 1,
            changed: 1,
            removed: 1,
            unchanged: 1,
        },
        lineage: Difference {
            added: 1,
            changed: 0,
            removed: 1,
            unchanged: 1,
        },
        models: Difference {
            added: 1,
            changed: 1,
            removed: 0,
            unchanged: 0,
        },
        runs_added: 1,
    };
    assert_eq!(report, expected);
    assert_eq!(catalog.datasets().await.unwrap(), inventory.datasets);
    assert_eq!(catalog.lineage().await.unwrap(), inventory.lineage);
    assert_eq!(catalog.models().await.unwrap(), inventory.models);
    assert_eq!(
        catalog.runs(&RunFilter::default()).await.unwrap(),
        [known, inventory.runs[1].clone()]
    );

    let again = catalog.replace_all(&inventory).await.unwrap();
    assert_eq!(
        (
            again.datasets.unchanged,
            again.lineage.unchanged,
            again.models.unchanged
        ),
        (3, 2, 2)
    );
    assert_eq!(again.runs_added, 0);
}

async fn writers_side_by_side_lose_nothing(place: &Place) {
    let first = place.connect().await.unwrap();
    let second = place.connect().await.unwrap();
    let pipeline = step(StepKind::Pipeline, "sales.lines");
    let work = [first, second.clone()].into_iter().cycle().take(8).map(|catalog| {
        let step = pipeline.clone();
        tokio::spawn(async move {
            let inputs: Vec<Node> = (0..5)
                .map(|input| dataset_name(&format!("a.bronze.t{input}")).into())
                .collect();
            for number in 0..10 {
                let start = start("sales.lines", number);
                catalog.begin_run(&start).await?;
                catalog
                    .record_lineage(&step, &inputs, &dataset_name("a.silver.t").into())
                    .await?;
                catalog.finish_run(start.id, &success(number)).await?;
            }
            Ok::<(), Error>(())
        })
    });
    for writer in work.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    let filter = RunFilter {
        status: Some(RunStatus::Succeeded),
        limit: 1000,
        ..RunFilter::default()
    };
    assert_eq!(second.runs(&filter).await.unwrap().len(), 80);
    assert_eq!(second.lineage().await.unwrap().len(), 5);
}

async fn texts_of_any_kind_come_back_as_they_were(place: &Place) {
    let catalog = place.connect().await.unwrap();
    let odd = "Robert'); DROP TABLE polder_run;-- \"$1\" ? \\ \n\t 貿易 🛒 é";
    let dataset = Dataset {
        description: Some(odd.into()),
        owner: Some(String::new()),
        ..dataset("a.gold.b")
    };
    catalog.record_dataset(&dataset).await.unwrap();
    assert_eq!(catalog.dataset(&dataset.name).await.unwrap(), Some(dataset));
    let start = start("a.b", 0);
    catalog.begin_run(&start).await.unwrap();
    catalog
        .finish_run(
            start.id,
            &RunEnd {
                message: Some(odd.into()),
                ..success(1)
            },
        )
        .await
        .unwrap();
    assert_eq!(
        catalog.run(start.id).await.unwrap().unwrap().message.as_deref(),
        Some(odd)
    );
}
