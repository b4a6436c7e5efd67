//! The main job: real invoices through real Kafka and a real registry to gold, by exact control totals.

use std::{collections::BTreeMap, path::Path, sync::OnceLock};

use polder_testkit::{
    data,
    retail::{self, Sum, Totals},
    service, unique,
};
use rust_decimal::Decimal;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    invoices::{Days, net_revenue, told_by},
    lake::Lake,
    mesh::{Mesh, Services},
    readers,
};

/// The figures that the data's README states, and those of silver and gold that follow from its duplicates.
fn hold_against_the_stated_figures(totals: &Totals) {
    let sum = |lines, amount: &str| Sum {
        lines,
        amount: amount.parse().unwrap(),
    };
    assert_eq!(totals.all, sum(370_931, "6781619.004"));
    assert_eq!(totals.invoices, 18_786);
    assert_eq!(totals.cancellation_lines, 6_652);
    assert_eq!(totals.lines_without_customer, 98_056);
    assert_eq!(totals.customers, 3_658);
    assert_eq!(totals.stock_codes, 3_887);
    assert_eq!(totals.countries, 37);
    assert_eq!(totals.positive.amount, "7341292.114".parse().unwrap());
    assert_eq!(totals.negative_quantities, 7_675);
    assert_eq!(totals.prices_not_positive, 1_959);
    assert_eq!(totals.repeated, 2_848);
    assert_eq!(totals.distinct, sum(368_083, "6767791.864"));
    assert_eq!(totals.distinct_products, sum(365_838, "6841704.260"));
    assert_eq!(totals.distinct_others, sum(2_245, "-73912.396"));
}

/// The topic that holds all invoice lines; published once, read by several meshes.
fn all_lines(services: &Services, days: &Path) -> &'static str {
    static TOPIC: OnceLock<String> = OnceLock::new();
    TOPIC.get_or_init(|| {
        let topic = unique("retail_all");
        let mesh = Mesh::on(services, &topic);
        let said = mesh.publish(&topic, days);
        assert!(said.contains("370931 events"), "{said}");
        topic
    })
}

/// Lands and builds everything, and holds it against the files and against the stated figures.
fn land_and_build(mesh: &Mesh, lake: &Lake, days: &Path) {
    mesh.ingest();
    mesh.run();
    let told = told_by(mesh);
    assert_eq!(told, Totals::of(&retail::days(days).unwrap()).unwrap());
    hold_against_the_stated_figures(&told);
    assert_eq!(net_revenue(mesh), Decimal::new(6_841_704_260, 3));

    let (versions, objects) = (lake.versions(), lake.objects());
    assert!(versions.len() >= 6, "tables are missing: {versions:?}");
    mesh.ingest();
    mesh.run();
    assert_eq!(lake.versions(), versions, "a second run with nothing new commits");
    assert_eq!(lake.objects(), objects, "a second run with nothing new writes");
}

#[test]
fn real_invoices_reach_gold_on_a_local_lake_and_other_engines_read_the_same() {
    let Some(services) = Services::of("retail") else { return };
    let Some(days) = data::retail("retail") else { return };
    let topic = all_lines(&services, &days);
    let mesh = Mesh::on(&services, topic);
    land_and_build(&mesh, &mesh.lake(), &days);

    // Rejected is nothing: real lines are never refused for being ugly.
    assert!(mesh.objects(&["quarantine", "list"]).is_empty());
    json_and_csv_say_the_same(&mesh);
    the_catalog_knows_all(&mesh);
    readers::all_engines_agree(&mesh);
}

fn json_and_csv_say_the_same(mesh: &Mesh) {
    let query = "SELECT country, sum(units) AS units, sum(net_revenue) AS net_revenue
                 FROM product.gold.product_sales GROUP BY country ORDER BY country";
    let from_csv: Vec<Vec<String>> = mesh.rows(query);
    let from_json: Vec<Vec<String>> = mesh
        .objects(&["sql", query])
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned);
            ["country", "units", "net_revenue"].map(text).to_vec()
        })
        .collect();
    assert_eq!(from_csv.len(), 37);
    assert_eq!(from_json, from_csv);
}

fn the_catalog_knows_all(mesh: &Mesh) {
    let listed = mesh.objects(&["catalog", "list"]);
    for dataset in [
        "sales.bronze.invoice_lines",
        "sales.silver.invoice_lines",
        "product.gold.product_sales",
    ] {
        assert!(
            listed.iter().any(|row| row.to_string().contains(dataset)),
            "{dataset} is not in {listed:?}"
        );
    }
    let lineage = mesh.polder.expect(&["lineage", "product.gold.product_sales"]);
    assert!(lineage.contains("sales.silver.invoice_lines"), "{lineage}");
    let models = mesh.polder.expect(&["model", "list"]);
    for model in [
        "finance.net_revenue_forecast",
        "recommendation.bought_together",
        "recommendation.personal_top_n",
    ] {
        assert!(models.contains(model), "{model} is not in {models}");
    }
}

#[test]
fn real_invoices_reach_gold_on_an_s3_store_with_the_catalog_in_postgresql() {
    let suite = "retail on S3";
    let Some(services) = Services::of(suite) else { return };
    let Some(days) = data::retail(suite) else { return };
    let Some(bucket) = service::bucket(suite) else { return };
    let Some(server) = service::postgres(suite) else { return };
    let topic = all_lines(&services, &days);
    let prefix = bucket.fresh_prefix("retail");
    let schema = Schema::create(&server);
    let mut mesh = Mesh::on(&services, topic).without_models();
    mesh.polder = mesh.polder.with_all(bucket.lake_environment(&prefix));
    let mesh = mesh.with("POLDER_CATALOG__DATABASE", &schema.database);

    land_and_build(&mesh, &Lake::of(bucket.store(&prefix).unwrap()), &days);

    assert!(!mesh.path(".polder/lake").exists(), "the lake is on the S3 store");
    let datasets = mesh.objects(&["catalog", "list"]);
    let silver = datasets
        .iter()
        .find(|row| row.to_string().contains("sales.silver.invoice_lines"));
    assert!(
        silver.is_some_and(|row| row.to_string().contains("368083")),
        "{datasets:?}"
    );
    assert!(schema.tables() > 0, "the catalog is in PostgreSQL");
    schema.drop();
}

/// What is published twice is twice in bronze and once in silver, also when silver was built in between.
#[test]
fn lines_that_are_published_twice_are_twice_in_bronze_and_once_in_silver() {
    let suite = "retail twice";
    let Some(services) = Services::of(suite) else { return };
    let Some([first, all]) = Days::parts(suite, [0..6, 0..12]) else {
        return;
    };
    let topic = unique("retail_twice");
    let mesh = Mesh::on(&services, &topic).without_models();
    let (part, whole) = (first.totals(), all.totals());

    mesh.publish(&topic, first.path());
    mesh.ingest();
    mesh.run();
    assert_eq!(told_by(&mesh), part);

    // Once more what is there already, and as much that is new.
    mesh.publish(&topic, all.path());
    mesh.ingest();
    mesh.run();
    let told = told_by(&mesh);
    let both = Sum {
        lines: part.all.lines + whole.all.lines,
        amount: part.all.amount + whole.all.amount,
    };
    assert_eq!(told.all, both);
    assert_eq!(
        (told.distinct, told.distinct_products, told.distinct_others),
        (whole.distinct, whole.distinct_products.clone(), whole.distinct_others)
    );
    assert_eq!(net_revenue(&mesh), whole.distinct_products.amount);
    let incremental = groups(&mesh);

    // Built from nothing it is the same, group by group.
    mesh.polder.expect(&["run", "--full"]);
    assert_eq!(groups(&mesh), incremental);
}

/// Gold, group by group.
fn groups(mesh: &Mesh) -> BTreeMap<Vec<String>, Vec<String>> {
    let rows = mesh.rows(
        "SELECT sales_day, stock_code, country, currency, orders, units, gross_revenue, cancelled_revenue, net_revenue
         FROM product.gold.product_sales",
    );
    let count = rows.len();
    let groups: BTreeMap<_, _> = rows
        .into_iter()
        .map(|row| (row[..4].to_vec(), row[4..].to_vec()))
        .collect();
    assert_eq!(groups.len(), count, "a group is there once");
    groups
}

/// A schema of its own in the PostgreSQL database that tests share.
struct Schema {
    server: String,
    name: String,
    database: String,
}

impl Schema {
    fn create(server: &str) -> Self {
        let name = unique("retail");
        let joint = if server.contains('?') { '&' } else { '?' };
        let schema = Self {
            database: format!("{server}{joint}options[search_path]={name}"),
            server: server.to_owned(),
            name,
        };
        schema.value(format!("CREATE SCHEMA {}", schema.name));
        schema
    }

    fn tables(&self) -> i64 {
        let name = &self.name;
        self.value(format!(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = '{name}'"
        ))
        .unwrap_or_default()
    }

    fn drop(self) {
        self.value(format!("DROP SCHEMA {} CASCADE", self.name));
    }

    /// Runs a statement; gives its number, if it has one.
    fn value(&self, statement: String) -> Option<i64> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.server).await.unwrap();
            let value = sqlx::query_scalar(AssertSqlSafe(statement))
                .fetch_optional(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
            value
        })
    }
}
