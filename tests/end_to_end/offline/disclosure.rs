//! What reaches terminals, logs and reports of rows: nothing of columns that not everybody may see, and nothing that
//! acts on who shows it.

use std::fs;

use polder_testkit::Ended;
use serde_json::Value;

use crate::new_mesh::NewMesh;

/// Values of restricted columns, or parts of them.
const SECRETS: [&str; 3] = ["98765432", "765432", "Hopper"];

/// A new mesh with payments and wages, each with columns that not everybody may see; `card` and `object` are what the
/// contract of payments says of the card and of the table besides.
fn payments(card: &str, object: &str) -> NewMesh {
    let mesh = NewMesh::landed();
    let contract = |dataset: &str, object: &str, properties: &str| {
        let text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: shop.bronze.{dataset}\nname: {dataset}\nversion: 1.0.0\n\
             status: active\ndomain: shop\nschema:\n  - name: {dataset}\n    physicalName: shop.bronze.{dataset}\n\
             {object}    properties:\n      - {{name: id, logicalType: integer, required: true}}\n{properties}"
        );
        fs::write(mesh.path(&format!("contracts/shop/{dataset}.odcs.yaml")), text).unwrap();
        let stream = format!(
            "description: x\ndataset: shop.bronze.{dataset}\nsource:\n  files:\n    path: data/{dataset}/*.jsonl\n\
             format:\n  encoding: json\n"
        );
        fs::write(mesh.path(&format!("pipelines/shop/{dataset}.stream.yaml")), stream).unwrap();
        fs::create_dir_all(mesh.path(&format!("data/{dataset}"))).unwrap();
    };
    contract(
        "wages",
        "",
        "      - {name: wage, logicalType: integer, classification: restricted}\n\
         \x20     - {name: surname, logicalType: string, classification: restricted}\n",
    );
    contract(
        "payments",
        object,
        &format!(
            "      - {{name: payer, logicalType: integer, relationships: [{{to: shop.bronze.wages.id}}]}}\n\
             \x20     - {{name: pin, logicalType: integer, classification: restricted}}\n\
             \x20     - {{name: card, logicalType: string, classification: restricted{card}}}\n"
        ),
    );
    let wages = "{\"id\": 1, \"wage\": 765432, \"surname\": \"Hopper\"}\n";
    fs::write(mesh.path("data/wages/1.jsonl"), wages).unwrap();
    let rows: String = (1..=3)
        .map(|id| format!("{{\"id\": {id}, \"payer\": 1, \"pin\": 98765432{id}, \"card\": \"98765432-{id}\"}}\n"))
        .collect();
    fs::write(mesh.path("data/payments/1.jsonl"), rows).unwrap();
    mesh
}

/// Rules whose queries give what not everybody may see, in one way or another.
const QUERIES: [&str; 15] = [
    "SELECT max(pin) FROM {object}",
    "SELECT max(c) FROM {object} AS t(a, b, c, d, e, f, g, h, i, j, k, l)",
    "SELECT count(*) + (SELECT max(c) FROM {object} AS t(a, b, c, d, e, f, g, h, i, j, k, l)) FROM {object}",
    "SELECT max(n) FROM (SELECT wage AS n FROM shop.bronze.wages)",
    "SELECT max(id) FROM (SELECT wage AS id, id AS wage FROM shop.bronze.wages)",
    "SELECT max(surname) FROM shop.bronze.wages",
    "SELECT min(x.card) FROM payments AS p JOIN payments AS x ON x.id = p.id",
    "SELECT max(x) FROM generate_series(1, 9) AS g(x) JOIN {object} AS o ON o.pin % 10 = g.x",
    "SELECT min(x) FROM generate_series(1, 9) AS g(x) WHERE x >= (SELECT max(pin) % 10 FROM {object})",
    "SELECT max(x) FROM generate_series(1, 9) AS g(x) WHERE x IN (SELECT pin % 10 FROM {object})",
    "SELECT CASE max(pin) % 10 WHEN 3 THEN 'is 3' ELSE 'no' END FROM {object}",
    "SELECT max(x) FROM generate_series(1, 9) AS g(x) HAVING max(x) > (SELECT max(pin) % 10 FROM {object})",
    "SELECT DISTINCT first_value(x) OVER (PARTITION BY pin ORDER BY x) \
     FROM {object} CROSS JOIN generate_series(1, 9) AS g(x)",
    "SELECT count(*) FROM generate_series(1, 999999) AS g(x) WHERE x <= (SELECT max(wage) FROM shop.bronze.wages)",
    "SELECT max(cast(card AS integer)) FROM {object}",
];

/// Rules whose queries count, each with its name; all of them count three rows.
const COUNTS: [(&str, &str); 4] = [
    ("count", "SELECT count(pin) FROM {object}"),
    ("cases", "SELECT sum(CASE WHEN pin > 3 THEN 1 ELSE 0 END) FROM {object}"),
    ("flags", "SELECT sum(cast(pin > 3 AS int)) FROM {object}"),
    (
        "filled",
        "SELECT sum((pin IS NOT NULL)::int) FROM {object} WHERE pin > 3",
    ),
];

fn rules(severity: &str) -> String {
    let rules = QUERIES.iter().enumerate().map(|(place, query)| {
        format!("      - {{id: query_{place}, type: sql, query: \"{query}\", mustBe: 1, severity: {severity}}}\n")
    });
    let counts = COUNTS.iter().map(|(id, query)| {
        format!("      - {{id: {id}, type: sql, query: \"{query}\", mustBe: 1, severity: warning}}\n")
    });
    format!("    quality:\n{}", rules.chain(counts).collect::<String>())
}

fn told_no_secret(what: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} tells {secret}:\n{text}");
    }
}

fn told(ended: &Ended) -> String {
    format!("{}\n{}", ended.stdout, ended.stderr)
}

/// A pipeline over the payments, whose contract refuses all that it computes for one of their cards, and for keys that
/// come twice.
fn a_pipeline_tells_nothing_of_what_it_refuses(mesh: &NewMesh) {
    for (said, card) in [
        (
            "card.pattern",
            "logicalTypeOptions: {pattern: '^[A-Z]+$'}, customProperties: [{property: polder.onFailure, value: reject}]",
        ),
        ("card.unique", "unique: true"),
    ] {
        let contract = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: shop.silver.cards\nname: cards\nversion: 1.0.0\n\
             status: active\ndomain: shop\nschema:\n  - name: cards\n    physicalName: shop.silver.cards\n\
             \x20   properties:\n      - {{name: card, logicalType: string, classification: restricted, {card}}}\n"
        );
        fs::write(mesh.path("contracts/shop/cards.odcs.yaml"), contract).unwrap();
        let pipeline = "description: x\ndataset: shop.silver.cards\nmaterialization: append\n";
        fs::write(mesh.path("pipelines/shop/cards.pipeline.yaml"), pipeline).unwrap();
        let query = "SELECT substr(card, 1, 8) AS card FROM shop.bronze.payments\n";
        fs::write(mesh.path("pipelines/shop/cards.sql"), query).unwrap();
        let refused = mesh.polder.run(&["run", "--select", "shop.cards"]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains(said), "{refused:?}");
        told_no_secret("run", &told(&refused));
        let shown = mesh
            .polder
            .run(&["catalog", "show", "shop.silver.cards", "--format", "json"]);
        assert!(shown.stdout.contains("failed"), "{shown:?}");
        told_no_secret("catalog show", &told(&shown));
    }
    for file in [
        "contracts/shop/cards.odcs.yaml",
        "pipelines/shop/cards.pipeline.yaml",
        "pipelines/shop/cards.sql",
    ] {
        fs::remove_file(mesh.path(file)).unwrap();
    }
}

#[test]
fn no_refusal_test_or_backtest_tells_what_not_everybody_may_see() {
    let pattern = ", logicalTypeOptions: {pattern: '^[A-Z]+$'}";
    let rejecting = format!("{pattern}, customProperties: [{{property: polder.onFailure, value: reject}}]");
    let mesh = payments(&rejecting, &rules("warning"));
    let refused = mesh.polder.run(&["ingest", "--until-end"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("card.pattern"), "{refused:?}");
    told_no_secret("ingest of a row that is refused", &told(&refused));

    let mesh = payments("", &rules("error"));
    let refused = mesh.polder.run(&["ingest", "--until-end"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("query_0"), "{refused:?}");
    told_no_secret("ingest of a table that is refused", &told(&refused));

    let mesh = payments("", &rules("warning"));
    let landed = mesh.polder.run(&["ingest", "--until-end"]);
    assert_eq!(landed.code, Some(0), "{landed:?}");
    assert!(landed.stderr.contains("count: it would be 3"), "{landed:?}");
    told_no_secret("ingest with warnings", &told(&landed));
    a_pipeline_tells_nothing_of_what_it_refuses(&mesh);
    let path = mesh.path("contracts/shop/payments.odcs.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let card = "{name: card, logicalType: string, classification: restricted";
    assert!(text.contains(card));
    fs::write(&path, text.replace(card, &format!("{card}{pattern}"))).unwrap();
    for format in ["table", "json", "csv"] {
        let test = ["test", "shop.bronze.payments", "--format", format];
        let reports = [
            "--report",
            "junit=r.xml",
            "--report",
            "sarif=r.sarif",
            "--report",
            "json=r.json",
            "--report",
            "github=r.txt",
        ];
        let ended = mesh.polder.run(&[&test[..], &reports].concat());
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stdout.contains("***"), "{ended:?}");
        told_no_secret("test", &told(&ended));
        for report in ["r.xml", "r.sarif", "r.json", "r.txt"] {
            told_no_secret(report, &fs::read_to_string(mesh.path(report)).unwrap());
        }
        let backtest = [
            "contract",
            "backtest",
            "shop.bronze.payments",
            "--since",
            "0001-01-01",
            "--format",
            format,
        ];
        let ended = mesh.polder.run(&backtest);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stdout.contains("card.pattern"), "{ended:?}");
        told_no_secret("backtest", &told(&ended));
    }
    for format in ["table", "json"] {
        let shown = mesh
            .polder
            .run(&["test", "shop.bronze.payments", "--show", "3", "--format", format]);
        told_no_secret("test --show", &told(&shown));
    }
    let json = mesh
        .polder
        .run(&["test", "shop.bronze.payments", "--format", "json"])
        .stdout;
    let found: Vec<Value> = serde_json::from_str(&json).unwrap();
    let figure = |id: &str| &found.iter().find(|rule| rule["rule"] == id).unwrap()["figure"];
    // A count says nothing of anybody.
    for (id, query) in COUNTS {
        assert_eq!(figure(id), 3, "{query}");
    }
    let (_, leaking) = QUERIES.split_last().unwrap();
    for (place, query) in leaking.iter().enumerate() {
        assert_eq!(figure(&format!("query_{place}")), "***", "{query}");
    }
}

#[test]
fn a_pipeline_that_cannot_be_computed_quotes_only_what_everybody_may_see() {
    let mesh = payments("", "");
    mesh.polder.expect(&["ingest", "--until-end"]);
    let contract = "apiVersion: v3.1.0\nkind: DataContract\nid: shop.silver.sums\nname: sums\nversion: 1.0.0\n\
         status: active\ndomain: shop\nschema:\n  - name: sums\n    physicalName: shop.silver.sums\n\
         \x20   properties:\n      - {name: n, logicalType: integer}\n";
    fs::write(mesh.path("contracts/shop/sums.odcs.yaml"), contract).unwrap();
    let pipeline = "description: x\ndataset: shop.silver.sums\nmaterialization: append\n";
    fs::write(mesh.path("pipelines/shop/sums.pipeline.yaml"), pipeline).unwrap();
    let run = |query: &str| {
        let query = format!("SELECT {query} AS n FROM shop.bronze.payments\n");
        fs::write(mesh.path("pipelines/shop/sums.sql"), query).unwrap();
        let failed = mesh.polder.run(&["run", "--select", "shop.sums"]);
        assert_eq!(failed.code, Some(1), "{failed:?}");
        failed
    };
    for query in [
        "pin * cast(1000 AS int)",
        "cast(card AS int)",
        "CASE WHEN pin > 3 THEN cast(card AS int) END",
    ] {
        let failed = run(query);
        assert!(failed.stderr.contains("cannot build shop.silver.sums"), "{failed:?}");
        assert!(failed.stderr.contains("not told"), "{failed:?}");
        told_no_secret(query, &told(&failed));
        let shown = mesh
            .polder
            .run(&["catalog", "show", "shop.silver.sums", "--format", "json"]);
        told_no_secret("catalog show", &told(&shown));
    }
    let failed = run("cast(concat('x', payer) AS int)");
    assert!(failed.stderr.contains("'x1' is no int"), "{failed:?}");
}

/// Whether a terminal or GitHub's runner would obey something in a text; the runner trims a line and looks for `::` at
/// its beginning, and for `##[` anywhere.
fn acts(text: &str) -> Option<String> {
    let line = |line: &str| {
        line.trim_start().starts_with("::")
            || line.contains("##[")
            || line.contains(|character: char| character.is_control() && character != '\t')
            || line.contains('\u{202e}')
    };
    text.split('\n').find(|text| line(text)).map(str::to_owned)
}

#[test]
fn what_data_says_is_shown_and_does_nothing() {
    const HOSTILE: &str = "A\n::error title=pwned::x\r\u{1b}[31m##[error]y\u{9b}1m\u{202e}gpj";
    let mesh = NewMesh::landed();
    let row = serde_json::json!({
        "order_id": "H-1", "ordered_at": "2026-02-01T08:00:00Z", "customer": "ada", "amount": 1, "currency": HOSTILE,
    });
    fs::write(mesh.path("data/orders/2026-02.jsonl"), format!("{row}\n")).unwrap();
    let path = mesh.path("contracts/shop/orders.odcs.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let rejecting = text.replacen(
        "    properties:\n",
        "    customProperties: [{property: polder.onFailure, value: reject}]\n    properties:\n",
        1,
    );
    assert_ne!(text, rejecting);
    let polder = mesh.polder.clone().with("GITHUB_ACTIONS", "true");

    // A refusal quotes it.
    fs::write(&path, &rejecting).unwrap();
    let refused = polder.run(&["-v", "ingest", "--until-end"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused
            .stderr
            .contains(r"A\n::error title=pwned::x\r\u{1b}[31m# #[error]y"),
        "{}",
        refused.stderr
    );
    assert_eq!(acts(&told(&refused)), None);
    // So do the quarantine and queries, and who asks for JSON or CSV gets it as it came.
    fs::write(&path, &text).unwrap();
    mesh.polder.expect(&["ingest", "--until-end"]);
    for command in [
        &["quarantine", "show", "shop.bronze.orders"][..],
        &["sql", "SELECT * FROM shop.quarantine.bronze_orders"],
        &["test", "--show", "9"],
        &["test", "--report", "junit"],
    ] {
        let ended = polder.run(command);
        assert_eq!(acts(&told(&ended)), None, "{command:?}");
    }
    let query = "SELECT record FROM shop.quarantine.bronze_orders WHERE record LIKE '%H-1%'";
    let rows: Value = serde_json::from_str(&polder.expect(&["sql", "--format", "json", query])).unwrap();
    let record: Value = serde_json::from_str(rows[0]["record"].as_str().unwrap()).unwrap();
    assert_eq!(record["currency"], HOSTILE);
}

#[test]
fn a_share_of_nothing_is_not_reached_and_said_to_be_of_nothing() {
    let mesh = NewMesh::landed();
    let contract = "apiVersion: v3.1.0\nkind: DataContract\nid: shop.silver.e\nname: e\nversion: 1.0.0\nstatus: active\n\
                    domain: shop\nschema:\n  - name: e\n    physicalName: shop.silver.e\n    properties:\n\
                    \x20     - {name: a, logicalType: string}\n";
    fs::write(mesh.path("contracts/shop/e.odcs.yaml"), contract).unwrap();
    let test = ["test", "shop.silver.e"];
    let asked = mesh.polder.run(&[&test[..], &["--min-coverage", "100"]].concat());
    assert_eq!(asked.code, Some(1), "{asked:?}");
    for said in [
        "shop.silver.e has no table yet",
        "the contract of shop.silver.e declares no rule",
        "nothing is declared, so nothing was run",
        "less than the 100 %",
    ] {
        assert!(asked.stderr.contains(said), "{said}: {asked:?}");
    }
    mesh.polder
        .expect(&["sql", "--format", "parquet", "-o", "e.parquet", "SELECT 'x' AS a"]);
    let of_file = ["test", "contracts/shop/e.odcs.yaml", "--data", "e.parquet"];
    for nothing in [&of_file[..], &[&of_file[..], &["--min-coverage", "0"]].concat()] {
        let ended = mesh.polder.run(nothing);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.stderr.contains("less than"), "{ended:?}");
    }
}
