//! `polder new mesh`, and on such a mesh: queries, time travel, formats, names.

use std::{
    fs::{self, File},
    path::Path,
};

use parquet::file::reader::{FileReader, SerializedFileReader};
use polder_testkit::Polder;
use serde_json::json;

use crate::{mesh::expect_refusal, new_mesh::NewMesh};

/// The query that `polder new mesh` proposes.
const PROPOSED: &str = "SELECT * FROM shop.gold.daily_orders ORDER BY order_day";

#[test]
fn a_new_mesh_runs_as_it_is() {
    let mesh = NewMesh::built();
    // From the orders' file: of the four the one with a negative amount is refused.
    let expected = "order_day,currency,orders,amount\n2026-01-02,EUR,2,120.40\n2026-01-05,EUR,1,12.00\n";
    assert_eq!(mesh.csv(PROPOSED), expected);
    let refused = mesh
        .polder
        .expect(&["quarantine", "show", "shop.bronze.orders", "--format", "json"]);
    assert!(
        refused.contains("amount.minimum") && refused.contains("A-3"),
        "{refused}"
    );

    let again = Polder::in_folder(mesh.path("..").as_path()).run(&["new", "mesh", "mine"]);
    expect_refusal(&["new", "mesh", "mine"], &again, 2, &["mine", "not empty"]);
    // From a folder below, the mesh is found upwards.
    let below = Polder::in_folder(&mesh.path("contracts/shop"));
    assert_eq!(below.expect(&["sql", "--format", "csv", PROPOSED]), expected);
}

#[test]
fn earlier_versions_and_times_can_be_asked_for() {
    let mesh = NewMesh::built();
    let count = |moment: &str| {
        let text = mesh.csv(&format!("SELECT count(*) AS n FROM shop.bronze.orders {moment}"));
        text.lines().nth(1).unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(count(""), 3);
    let log = mesh.path(".polder/lake/shop/bronze/orders");
    let before = *polder_testkit::delta::versions(&log).last().unwrap();
    // By the store's clock: when the file of the log was written, to the next whole millisecond.
    let file = log.join(format!("_delta_log/{before:020}.json"));
    let written = fs::metadata(file).unwrap().modified().unwrap();
    let since = written.duration_since(std::time::UNIX_EPOCH).unwrap();
    let committed = i64::try_from(since.as_millis()).unwrap() + 1;

    let orders: String = (0..5)
        .map(|n| {
            format!(
                "{{\"order_id\": \"B-{n}\", \"ordered_at\": \"2026-02-0{}T08:00:00Z\", \"customer\": \"ada\", \
                 \"amount\": 1.25, \"currency\": \"EUR\"}}\n",
                n + 1
            )
        })
        .collect();
    fs::write(mesh.path("data/orders/2026-02.jsonl"), orders).unwrap();
    mesh.polder.expect(&["ingest", "--until-end"]);
    assert_eq!(count(""), 8);
    assert_eq!(count(&format!("VERSION AS OF {before}")), 3);
    let newest = polder_testkit::delta::versions(&log);
    assert_eq!(count(&format!("VERSION AS OF {}", newest.last().unwrap())), 8);
    // The millisecond of the first rows' commit; the second file came later.
    assert_eq!(count(&format!("TIMESTAMP AS OF '{}'", instant(committed))), 3);
    assert_eq!(
        count(&format!("TIMESTAMP AS OF '{}'", instant(committed + 86_400_000))),
        8
    );
    mesh.refused(
        &["sql", "SELECT * FROM shop.bronze.orders VERSION AS OF 999"],
        2,
        &["999"],
    );
    mesh.refused(
        &["sql", "SELECT * FROM shop.bronze.orders TIMESTAMP AS OF '1999-01-01'"],
        2,
        &["1999"],
    );

    // Gold follows with what is new alone.
    mesh.polder.expect(&["run"]);
    let days = mesh.csv("SELECT count(*), sum(amount) FROM shop.gold.daily_orders");
    assert_eq!(days.lines().nth(1).unwrap(), "7,138.65");
}

#[test]
fn a_table_that_grew_shows_its_columns_in_the_order_of_the_contract() {
    let mesh = NewMesh::landed();
    let header = |moment: &str| {
        let text = mesh.csv(&format!("SELECT * FROM shop.bronze.orders {moment}"));
        text.lines().next().unwrap().to_owned()
    };
    assert!(header("").starts_with("order_id,ordered_at,customer,amount,currency,_"));
    let before = polder_testkit::delta::versions(&mesh.path(".polder/lake/shop/bronze/orders"));
    let contract = mesh.path("contracts/shop/orders.odcs.yaml");
    let text = fs::read_to_string(&contract).unwrap();
    let grown = text.replace(
        "      - name: customer\n",
        "      - name: channel\n        logicalType: string\n        physicalType: string\n      - name: customer\n",
    );
    fs::write(&contract, grown).unwrap();
    let row = json!({
        "order_id": "C-1", "ordered_at": "2026-02-01T08:00:00Z", "channel": "web", "amount": 1, "currency": "EUR",
    });
    fs::write(mesh.path("data/orders/2026-02.jsonl"), format!("{row}\n")).unwrap();
    mesh.polder.expect(&["ingest", "--until-end"]);

    // Delta has the new column at the end, and none at all in the version from before.
    let before = format!("VERSION AS OF {}", before.last().unwrap());
    for moment in ["", &before] {
        assert!(header(moment).starts_with("order_id,ordered_at,channel,customer,amount,currency,_"));
    }
    let given = format!("SELECT count(*), count(channel) FROM shop.bronze.orders {before}");
    assert_eq!(mesh.csv(&given).lines().nth(1), Some("3,0"));
    let web = "SELECT order_id FROM shop.bronze.orders WHERE channel = 'web'";
    assert_eq!(mesh.csv(web), "order_id\nC-1\n");
}

/// Milliseconds since 1970 as RFC 3339; by the algorithm of <https://howardhinnant.github.io/date_algorithms.html>.
pub(super) fn instant(milliseconds: i64) -> String {
    let (days, rest) = (milliseconds.div_euclid(86_400_000), milliseconds.rem_euclid(86_400_000));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, millis) = (rest / 1_000, rest % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[test]
fn rows_come_as_table_csv_json_and_parquet() {
    let mesh = NewMesh::built();
    let table = mesh.polder.expect(&["sql", PROPOSED]);
    assert!(table.contains("| 2026-01-02 ") && table.contains("120.40"), "{table}");
    let json: serde_json::Value =
        serde_json::from_str(&mesh.polder.expect(&["sql", "--format", "json", PROPOSED])).unwrap();
    assert_eq!(json[0]["order_day"], "2026-01-02");
    assert_eq!(json[0]["orders"], 2);
    assert_eq!(json[0]["amount"].to_string(), "120.40");

    mesh.polder
        .expect(&["sql", "--format", "parquet", "--output", "days.parquet", PROPOSED]);
    assert_eq!(
        first_row(&mesh.path("days.parquet")),
        "{order_day: 2026-01-02, currency: \"EUR\", orders: 2, amount: 120.40}"
    );
    mesh.polder
        .expect(&["sql", "--format", "csv", "--output", "days.csv", PROPOSED]);
    assert_eq!(fs::read_to_string(mesh.path("days.csv")).unwrap(), mesh.csv(PROPOSED));
    mesh.refused(&["sql", "--format", "parquet", PROPOSED], 2, &["--output"]);
    for list in [
        &["catalog", "list"][..],
        &["plan"],
        &["quarantine", "list"],
        &["lineage", "shop.gold.daily_orders"],
    ] {
        for format in ["json", "csv", "table"] {
            let text = mesh.polder.expect(&[list, &["--format", format]].concat());
            assert!(!text.trim().is_empty(), "{list:?} as {format}");
            if format == "json" {
                serde_json::from_str::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            }
        }
    }
}

fn first_row(parquet: &Path) -> String {
    let reader = SerializedFileReader::new(File::open(parquet).unwrap()).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 2);
    reader.get_row_iter(None).unwrap().next().unwrap().unwrap().to_string()
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    let mesh = NewMesh::built();
    mesh.refused(
        &["sql", "SELECT * FROM shop.gold.daily_order"],
        2,
        &["did you mean `shop.gold.daily_orders`"],
    );
    mesh.refused(
        &["sql", "SELECT amuont FROM shop.gold.daily_orders"],
        2,
        &["amuont", "amount"],
    );
    mesh.refused(
        &["catalog", "show", "shop.gold.daily_order"],
        2,
        &["did you mean `shop.gold.daily_orders`"],
    );
    mesh.refused(
        &["lineage", "shop.gold.daily_order"],
        2,
        &["did you mean `shop.gold.daily_orders`"],
    );
    mesh.refused(
        &["quarantine", "show", "shop.bronze.order"],
        2,
        &["did you mean `shop.bronze.orders`"],
    );
    mesh.refused(
        &["ingest", "shop.order", "--until-end"],
        2,
        &["did you mean `shop.orders`"],
    );
    mesh.refused(
        &["run", "--select", "shop.daily_order"],
        2,
        &["did you mean `shop.daily_orders`"],
    );
    mesh.refused(
        &["plan", "--select", "shop.daily_order"],
        2,
        &["did you mean `shop.daily_orders`"],
    );
    mesh.refused(&["model", "show", "shop.forecast"], 2, &["shop.forecast"]);
    mesh.refused(&["runn"], 2, &["run"]);
}

#[test]
fn where_a_dataset_comes_from_is_told_before_its_first_build() {
    let mesh = NewMesh::landed();
    let gold = "shop.gold.daily_orders";
    let columns = format!("polder lineage {gold} --columns");
    for asked in [&["lineage", gold][..], &["catalog", "show", gold]] {
        mesh.refused(asked, 2, &["declared", "polder catalog sync", &columns]);
    }
    let of_column = mesh.polder.expect(&["lineage", "shop.gold.daily_orders.amount"]);
    assert!(of_column.contains("shop.bronze.orders.amount"), "{of_column}");
    mesh.polder.expect(&["catalog", "sync"]);
    let known = mesh.polder.expect(&["lineage", gold]);
    assert!(known.contains("shop.bronze.orders"), "{known}");
}

#[test]
fn a_table_that_cannot_be_read_is_named_and_stops_no_other() {
    let mesh = NewMesh::built();
    let column = r#"{"name":"x","type":"long","nullable":true,"metadata":{"delta.columnMapping.id":1,"delta.columnMapping.physicalName":"c1"}}"#;
    let schema = format!(r#"{{"type":"struct","fields":[{column}]}}"#);
    let entries = [
        serde_json::json!({"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}}),
        serde_json::json!({"metaData": {"id": "x", "format": {"provider": "parquet", "options": {}}, "schemaString": schema,
            "partitionColumns": [], "configuration": {"delta.columnMapping.mode": "id"}}}),
    ];
    let log = mesh.path(".polder/lake/shop/bronze/mapped/_delta_log");
    fs::create_dir_all(&log).unwrap();
    let entries: Vec<_> = entries.iter().map(ToString::to_string).collect();
    fs::write(log.join(format!("{:020}.json", 0)), entries.join("\n")).unwrap();
    let listed = mesh.polder.expect(&["sql", "SHOW TABLES"]);
    assert!(listed.contains("mapped") && listed.contains("daily_orders"), "{listed}");
    for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let _ = fs::remove_file(mesh.path(".polder").join(name));
    }
    mesh.refused(
        &["catalog", "sync"],
        1,
        &[
            "1 dataset",
            "shop.bronze.mapped cannot be read",
            "columnMapping",
            "mapped by name",
        ],
    );
    let known = mesh
        .polder
        .expect(&["catalog", "show", "shop.gold.daily_orders", "--format", "json"]);
    let known: serde_json::Value = serde_json::from_str(&known).unwrap();
    assert!(known["dataset"]["version"].is_u64(), "{known}");
    let listed = mesh.polder.expect(&["catalog", "list"]);
    assert!(listed.contains("shop.bronze.mapped"), "{listed}");
}

#[test]
fn a_changed_pipeline_is_built_anew_and_says_why() {
    let mesh = NewMesh::built();
    let planned = || {
        let text = mesh.polder.expect(&["plan", "--format", "json"]);
        let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
        let step = &plan[0];
        (
            step["action"].as_str().unwrap().to_owned(),
            step["why"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(planned().0, "skip");
    let sql = mesh.path("pipelines/shop/daily_orders.sql");
    let text = fs::read_to_string(&sql).unwrap();
    fs::write(
        &sql,
        text.replace(
            "sum(amount) AS amount",
            "cast(2 * sum(amount) AS decimal(38, 2)) AS amount",
        ),
    )
    .unwrap();
    let (action, why) = planned();
    assert!(action == "full" && why.contains("changed"), "{action}: {why}");
    mesh.polder.expect(&["run"]);
    assert_eq!(
        mesh.csv(PROPOSED),
        "order_day,currency,orders,amount\n2026-01-02,EUR,2,240.80\n2026-01-05,EUR,1,24.00\n"
    );
    assert_eq!(planned().0, "skip");
    let text = mesh
        .polder
        .expect(&["run", "--select", "shop.daily_orders", "--full", "--format", "json"]);
    let steps: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&steps[0]["action"], &steps[0]["outcome"]),
        (&json!("full"), &json!("succeeded")),
        "{text}"
    );
    assert_eq!(
        mesh.csv("SELECT sum(amount) AS amount FROM shop.gold.daily_orders"),
        "amount\n264.80\n"
    );
}

#[test]
fn queries_only_read() {
    let mesh = NewMesh::built();
    let expected = mesh.csv(PROPOSED);
    for statement in [
        "DROP TABLE shop.gold.daily_orders",
        "DELETE FROM shop.gold.daily_orders",
        "INSERT INTO shop.gold.daily_orders SELECT * FROM shop.gold.daily_orders",
        "CREATE TABLE shop.gold.mine AS SELECT 1",
        "COPY shop.gold.daily_orders TO 'stolen.csv'",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "SET datafusion.execution.target_partitions = 1",
    ] {
        mesh.refused(&["sql", statement], 2, &[]);
    }
    assert_eq!(mesh.csv(PROPOSED), expected);
    assert!(!mesh.path("stolen.csv").exists());
}

#[test]
fn a_mesh_that_is_not_there_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let ended = Polder::in_folder(folder.path()).run(&["check"]);
    expect_refusal(&["check"], &ended, 2, &["polder.yaml"]);
}

#[test]
fn the_catalog_can_be_lost_and_is_made_again() {
    let mesh = NewMesh::built();
    let listed = mesh.polder.expect(&["catalog", "list", "--format", "json"]);
    assert!(listed.contains("shop.gold.daily_orders"), "{listed}");
    fs::remove_file(mesh.path(".polder/catalog.db")).unwrap();
    mesh.polder.expect(&["catalog", "sync"]);
    assert_eq!(mesh.polder.expect(&["catalog", "list", "--format", "json"]), listed);
}

#[test]
fn a_cancellation_that_cannot_be_read_hides_no_contract() {
    let mesh = NewMesh::landed();
    fs::create_dir_all(mesh.path("catalog/cancellations")).unwrap();
    let ends_too_soon = "contract: shop.bronze.orders\nby: provider\nparty: sales\nannounced: \"2026-01-01\"\n\
                         notice: 90d\neffective: \"2026-01-05\"\nreason: moved\n";
    fs::write(mesh.path("catalog/cancellations/soon.yaml"), ends_too_soon).unwrap();
    let status = mesh.polder.run(&["contract", "status"]);
    assert_eq!(status.code, Some(2), "{status:?}");
    for dataset in ["shop.bronze.orders", "shop.gold.daily_orders"] {
        assert!(status.stdout.contains(dataset), "{status:?}");
    }
    assert!(status.stderr.contains("soon.yaml"), "{status:?}");
}

#[test]
fn a_contract_of_a_table_of_polders_own_loses_nothing() {
    let mesh = NewMesh::landed();
    let inferred = mesh
        .polder
        .run(&["contract", "infer", "shop.bronze.orders", "--strict"]);
    assert_eq!((inferred.code, inferred.stderr.as_str()), (Some(0), ""), "{inferred:?}");
}

#[test]
fn a_warning_of_a_document_is_told_once_a_run() {
    let mesh = NewMesh::landed();
    let path = mesh.path("contracts/shop/orders.odcs.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("status: active", "status: actve", 1)).unwrap();
    let ingested = mesh.polder.run(&["ingest", "--until-end"]);
    assert_eq!(ingested.code, Some(0), "{ingested:?}");
    assert_eq!(
        ingested.stderr.matches("`actve` is not known").count(),
        1,
        "{ingested:?}"
    );
}

#[test]
fn a_quiet_beginning_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let said = Polder::in_folder(folder.path()).run(&["-q", "new", "mesh", "mine"]);
    assert_eq!(
        (said.code, said.stdout.as_str(), said.stderr.as_str()),
        (Some(0), "", ""),
        "{said:?}"
    );
    assert!(folder.path().join("mine/polder.yaml").is_file());
}
