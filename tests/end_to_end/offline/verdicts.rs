//! One contract with every kind of rule, and the same rows at every gate: the write, `polder test` and the samples that
//! CI proves rules with. What each row breaks is written beside it, by hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use polder_testkit::{Ended, Polder};
use serde_json::{Value, json};
use tempfile::TempDir;

const DATASET: &str = "sales.bronze.everything";
const CONTRACT: &str = "contracts/sales/everything.odcs.yaml";

/// The columns, without any rule.
const COLUMNS: [(&str, &str); 14] = [
    ("id", "logicalType: integer, physicalType: int"),
    ("must", "logicalType: string"),
    ("size", "logicalType: string"),
    ("level", "logicalType: integer, physicalType: int"),
    ("price", "logicalType: number, physicalType: 'decimal(10,2)'"),
    ("code", "logicalType: string"),
    ("mail", "logicalType: string"),
    ("state", "logicalType: string"),
    ("note", "logicalType: string"),
    ("low", "logicalType: integer, physicalType: int"),
    ("high", "logicalType: integer, physicalType: int"),
    ("seen", "logicalType: timestamp, physicalType: timestamp"),
    ("tags", "logicalType: array, items: {logicalType: string}"),
    (
        "place",
        "logicalType: object, properties: [{name: city, logicalType: string}, {name: zip, logicalType: string}]",
    ),
];

/// What rules about rows add to the columns.
const ROW_RULES: [(&str, &str); 11] = [
    ("must", "required: true"),
    ("size", "logicalTypeOptions: {minLength: 2, maxLength: 4}"),
    (
        "level",
        "logicalTypeOptions: {minimum: 1, exclusiveMaximum: 100, multipleOf: 5}",
    ),
    ("price", "logicalTypeOptions: {exclusiveMinimum: 0, maximum: 999.99}"),
    ("code", "logicalTypeOptions: {pattern: '^[A-Z]{3}$'}"),
    ("mail", "logicalTypeOptions: {format: email}"),
    (
        "state",
        "quality: [{id: state_known, metric: invalidValues, arguments: {validValues: [new, paid]}, mustBe: 0}]",
    ),
    ("note", "quality: [{id: note_given, metric: nullValues, mustBe: 0}]"),
    ("seen", "logicalTypeOptions: {minimum: '2020-01-01T00:00:00Z'}"),
    (
        "tags",
        "logicalType: array, logicalTypeOptions: {minItems: 1, maxItems: 2, uniqueItems: true}, \
         items: {logicalType: string, logicalTypeOptions: {minLength: 2}}",
    ),
    (
        "place",
        "logicalType: object, properties: [{name: city, logicalType: string, required: true}, \
         {name: zip, logicalType: string, logicalTypeOptions: {pattern: '^[0-9]{5}$'}}]",
    ),
];

/// The rule about several columns, and one in words.
const OBJECT_RULES: &str = "    quality:
      - {id: low_to_high, type: custom, engine: polder, implementation: {row: 'low <= high'}}
      - {id: agreed, type: text, description: Agreed with the shop once a year.}
";

/// Bad rows: what differs from the good one, and the rule that it breaks.
fn bad_rows() -> Vec<(Value, &'static str)> {
    vec![
        (json!({"must": null}), "must.required"),
        (json!({"size": "x"}), "size.minLength"),
        (json!({"size": "xxxxx"}), "size.maxLength"),
        (json!({"level": 0}), "level.minimum"),
        (json!({"level": 100}), "level.exclusiveMaximum"),
        (json!({"level": 7}), "level.multipleOf"),
        (json!({"price": 0}), "price.exclusiveMinimum"),
        (json!({"price": 1000}), "price.maximum"),
        (json!({"code": "abc"}), "code.pattern"),
        (json!({"mail": "nobody"}), "mail.format"),
        (json!({"state": "lost"}), "state_known"),
        (json!({"note": null}), "note_given"),
        (json!({"low": 3, "high": 2}), "low_to_high"),
        (json!({"seen": "2019-12-31T23:59:59Z"}), "seen.minimum"),
        (json!({"tags": []}), "tags.minItems"),
        (json!({"tags": ["aa", "bb", "cc"]}), "tags.maxItems"),
        (json!({"tags": ["aa", "aa"]}), "tags.uniqueItems"),
        (json!({"tags": ["a"]}), "tags[].minLength"),
        (json!({"place": {"zip": "10115"}}), "place.city.required"),
        (json!({"place": {"city": "Berlin", "zip": "1"}}), "place.zip.pattern"),
    ]
}

fn good(id: usize) -> Value {
    json!({
        "id": id, "must": "yes", "size": "äöü", "level": 95, "price": 999.99, "code": "ABC", "mail": "ada@shop.example",
        "state": "new", "note": "n", "low": 1, "high": 1, "seen": "2026-01-02T03:04:05Z", "tags": ["aa", "bb"],
        "place": {"city": "Berlin", "zip": "10115"},
    })
}

/// Two good rows, then the bad ones; ids from 0.
fn rows() -> Vec<Value> {
    let mut rows = vec![good(0), good(1)];
    for (change, _) in bad_rows() {
        let mut row = good(rows.len());
        for (column, value) in change.as_object().unwrap() {
            row[column] = value.clone();
        }
        rows.push(row);
    }
    rows
}

/// A contract of the dataset: the columns with what is added to them, then whatever the object as a whole gets.
fn contract(version: &str, added: &[(&str, &str)], object: &str) -> String {
    let columns: String = COLUMNS
        .iter()
        .map(|(name, column)| {
            let rules: Vec<&str> = added
                .iter()
                .filter(|(of, _)| of == name)
                .map(|(_, rule)| *rule)
                .collect();
            // What is added may spell a compound type out anew.
            let column = if rules.iter().any(|rule| rule.starts_with("logicalType:")) {
                String::new()
            } else {
                format!(", {column}")
            };
            let rules: String = rules.iter().map(|rule| format!(", {rule}")).collect();
            format!("      - {{name: {name}{column}{rules}}}\n")
        })
        .collect();
    format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: {DATASET}\nname: Everything\nversion: {version}\nstatus: active\n\
         schema:\n  - name: everything\n    physicalName: {DATASET}\n{object}    properties:\n{columns}"
    )
}

/// A mesh with one stream of JSON lines.
struct Mesh {
    folder: TempDir,
    polder: Polder,
}

impl Mesh {
    fn under(contract: &str, rows: &[Value]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let polder = Polder::in_folder(folder.path());
        let mesh = Self { folder, polder };
        mesh.write(
            "polder.yaml",
            "name: verdicts\nlake: {location: .polder/lake}\ncatalog: {database: 'sqlite:.polder/catalog.db'}\n",
        );
        mesh.write(CONTRACT, contract);
        mesh.write(
            "pipelines/sales/everything.stream.yaml",
            &format!(
                "description: Rows for every rule.\ndataset: {DATASET}\nsource:\n  files:\n    path: data/*.jsonl\n\
                 format:\n  encoding: json\n"
            ),
        );
        let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
        mesh.write("data/rows.jsonl", &lines);
        mesh
    }

    /// The rows in a table whose contract asked for nothing when they came; then the contract that is tested.
    fn landed_before(contract_now: &str, rows: &[Value]) -> Self {
        let mesh = Self::under(&contract("1.0.0", &[], ""), rows);
        mesh.polder.expect(&["ingest", "--until-end"]);
        mesh.write(CONTRACT, contract_now);
        mesh
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn json(&self, arguments: &[&str]) -> (Ended, Value) {
        let ended = self.polder.run(arguments);
        let value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
        (ended, value)
    }

    /// What `polder test` says of each check.
    fn test(&self) -> (Ended, BTreeMap<String, Value>) {
        let (ended, report) = self.json(&["test", DATASET, "--report", "json"]);
        let checks = report["checks"].as_array().unwrap();
        let by_name = checks
            .iter()
            .map(|check| (check["check"].as_str().unwrap().to_owned(), check.clone()));
        (ended, by_name.collect())
    }
}

#[test]
fn rules_about_rows_give_the_same_verdict_row_for_row_at_every_gate() {
    let strict = contract("2.0.0", &ROW_RULES, OBJECT_RULES);
    let expected: BTreeSet<(u64, String)> = bad_rows()
        .iter()
        .zip(2..)
        .map(|((_, rule), id)| (id, (*rule).to_owned()))
        .collect();

    // The write.
    let mesh = Mesh::under(&strict, &rows());
    mesh.polder.expect(&["ingest", "--until-end"]);
    let (_, refused) = mesh.json(&["quarantine", "show", DATASET, "--limit", "100", "--format", "json"]);
    let at_the_write: BTreeSet<(u64, String)> = refused
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let record: Value = serde_json::from_str(row["record"].as_str().unwrap()).unwrap();
            (record["id"].as_u64().unwrap(), row["rule"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(at_the_write, expected);
    let (ended, accepted) = mesh.test();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(accepted["agreed"]["outcome"], "not run");

    // `polder test`, on the rows in a table.
    let mesh = Mesh::landed_before(&strict, &rows());
    let shown = mesh.polder.run(&["test", DATASET, "--show", "100", "--format", "csv"]);
    assert_eq!(shown.code, Some(1), "{shown:?}");
    let (_, failing) = shown
        .stdout
        .split_once("dataset,rule,reason,row\n")
        .unwrap_or_else(|| panic!("{shown:?}"));
    let in_the_table: BTreeSet<(u64, String)> = failing.lines().map(row_and_rule).collect();
    assert_eq!(in_the_table, expected);
    let (ended, checks) = mesh.test();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for (_, rule) in bad_rows() {
        assert_eq!(checks[rule]["outcome"], "failed", "{rule}");
        assert!(
            checks[rule]["message"].as_str().unwrap().contains("1 row fails"),
            "{}",
            checks[rule]
        );
    }
    let failed = checks.values().filter(|check| check["outcome"] == "failed").count();
    assert_eq!(failed, bad_rows().len());
    assert_eq!(checks["agreed"]["outcome"], "not run");

    // CI, on samples: each rule fires on its row, and none on the good ones.
    let samples: Vec<Value> = bad_rows()
        .iter()
        .zip(&rows()[2..])
        .map(|((_, rule), row)| json!({"rule": rule, "row": row}))
        .collect();
    let samples = json!({"everything": {"good": &rows()[..2], "bad": samples}});
    mesh.write("contracts/sales/everything.samples.yaml", &samples.to_string());
    let proved = mesh.polder.run(&["contract", "test"]);
    assert_eq!(proved.code, Some(0), "{proved:?}");
}

/// The id and rule of a line `dataset,rule,reason,row` of `polder test --show`, whose row is quoted JSON.
fn row_and_rule(line: &str) -> (u64, String) {
    let rule = line.split(',').nth(1).unwrap();
    let at = line.find("\"\"id\"\":").unwrap_or_else(|| panic!("{line}")) + "\"\"id\"\":".len();
    let digits: String = line[at..].chars().take_while(char::is_ascii_digit).collect();
    (digits.parse().unwrap(), rule.to_owned())
}

/// A rule about the table.
struct SetRule {
    /// What the contract adds to its columns.
    columns: &'static [(&'static str, &'static str)],
    /// What it adds to the object.
    object: &'static str,
    /// The rule's id.
    id: &'static str,
    /// The figure over [`set_rows`], counted by hand.
    figure: &'static str,
}

const SET_RULES: [SetRule; 6] = [
    SetRule {
        columns: &[],
        object: "    quality: [{id: few, metric: rowCount, mustBeLessThan: 10}]\n",
        id: "few",
        figure: "10",
    },
    SetRule {
        columns: &[(
            "must",
            "quality: [{id: mostly, metric: nullValues, mustBeLessThan: 20, unit: percent}]",
        )],
        object: "",
        id: "mostly",
        figure: "20",
    },
    SetRule {
        columns: &[(
            "note",
            "quality: [{id: given, metric: missingValues, arguments: {missingValues: ['', 'n/a']}, mustBeLessThan: 3}]",
        )],
        object: "",
        id: "given",
        figure: "3",
    },
    SetRule {
        columns: &[(
            "state",
            "quality: [{id: known, metric: invalidValues, arguments: {validValues: [new, paid]}, mustBeLessOrEqualTo: 3}]",
        )],
        object: "",
        id: "known",
        figure: "4",
    },
    SetRule {
        columns: &[(
            "code",
            "quality: [{id: distinct, metric: duplicateValues, mustBeLessThan: 5}]",
        )],
        object: "",
        id: "distinct",
        figure: "8",
    },
    SetRule {
        columns: &[],
        object: "    quality: [{id: turnover, type: sql, query: 'SELECT sum(price) FROM {object}', mustBeGreaterThan: 100}]\n",
        id: "turnover",
        figure: "55",
    },
];

/// Ten rows: two nulls, three that stand for nothing, four unknown states, two codes, eight pairs of code
/// and level, and prices of 1 to 10.
fn set_rows() -> Vec<Value> {
    (0..10)
        .map(|n| {
            let mut row = good(n);
            row["must"] = if n < 2 { Value::Null } else { json!("yes") };
            row["note"] = json!(["", "n/a"].get(n).copied().unwrap_or("n"));
            if n == 2 {
                row["note"] = Value::Null;
            }
            row["state"] = json!(if n < 4 { "lost" } else { "new" });
            row["code"] = json!(if n % 2 == 0 { "ABC" } else { "DEF" });
            row["level"] = json!(5 * (1 + n % 5 % 4));
            row["price"] = json!(n + 1);
            row
        })
        .collect()
}

#[test]
fn rules_about_tables_give_the_same_figure_and_verdict_at_the_write_and_in_a_test() {
    let rows = set_rows();
    for SetRule {
        columns,
        object,
        id: rule,
        figure,
    } in SET_RULES
    {
        let strict = contract("2.0.0", columns, object);

        let mesh = Mesh::under(&strict, &rows);
        let refused = mesh.polder.run(&["ingest", "--until-end"]);
        assert_eq!(refused.code, Some(1), "{rule}: {refused:?}");
        assert!(
            refused.stderr.contains(rule) && refused.stderr.contains(figure),
            "{rule} {figure}: {refused:?}"
        );
        // Nothing has landed, and the position is where it was: with another contract the same rows come again.
        mesh.write(CONTRACT, &contract("2.0.1", &[], ""));
        mesh.polder.expect(&["ingest", "--until-end"]);
        let count = mesh.polder.expect(&[
            "sql",
            "--format",
            "csv",
            &format!("SELECT count(*) AS n FROM {DATASET}"),
        ]);
        assert_eq!(count, "n\n10\n", "{rule}");

        let mesh = Mesh::landed_before(&strict, &rows);
        let (ended, checks) = mesh.test();
        assert_eq!(ended.code, Some(1), "{rule}: {ended:?}");
        assert_eq!(checks[rule]["outcome"], "failed", "{rule}");
        let message = checks[rule]["message"].as_str().unwrap();
        let said = [format!("it is {figure}"), format!("{figure} rows fail")];
        assert!(
            said.iter().any(|said| message.contains(said)),
            "{rule} {figure}: {message}"
        );
    }
}

#[test]
fn of_rows_with_one_key_the_first_stays_and_a_test_counts_the_others() {
    let rows = set_rows();
    let mut seen = BTreeSet::new();
    let later: BTreeSet<u64> = rows
        .iter()
        .filter(|row| !seen.insert((row["code"].to_string(), row["level"].to_string())))
        .map(|row| row["id"].as_u64().unwrap())
        .collect();
    assert!(!later.is_empty());
    let rule =
        "    quality: [{id: pairs, metric: duplicateValues, arguments: {properties: [code, level]}, mustBe: 0}]\n";
    let strict = contract("2.0.0", &[], rule);

    let mesh = Mesh::under(&strict, &rows);
    mesh.polder.expect(&["ingest", "--until-end"]);
    let (_, refused) = mesh.json(&["quarantine", "show", DATASET, "--limit", "100", "--format", "json"]);
    let refused = refused.as_array().unwrap().iter().map(|row| {
        assert_eq!(row["rule"], "pairs");
        let record: Value = serde_json::from_str(row["record"].as_str().unwrap()).unwrap();
        record["id"].as_u64().unwrap()
    });
    assert_eq!(refused.collect::<BTreeSet<u64>>(), later);

    let mesh = Mesh::landed_before(&strict, &rows);
    let (ended, checks) = mesh.test();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let message = checks["pairs"]["message"].as_str().unwrap();
    assert!(message.contains(&format!("{} rows fail", later.len())), "{message}");
}
