//! What every database must do for the catalog, as one suite: each behaviour is a test on SQLite, and all of them run
//! on PostgreSQL where `POLDER_TEST_POSTGRES` names one.

mod databases;
mod datasets;
mod lineage;
mod models;
mod runs;
mod sync;

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use polder_core::config::CatalogConfig;
use polder_core::{DatasetName, Error, ErrorKind, ObjectName, RunId, Secret};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};

use crate::*;
use databases::*;
use datasets::*;
use lineage::*;
use models::*;
use runs::*;
use sync::*;

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
