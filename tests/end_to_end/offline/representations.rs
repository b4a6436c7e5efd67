//! One value, kept by files in several ways that its type allows: rules about rows and rules in SQL find the same in all of them.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::new_mesh::NewMesh;

const CONTRACT: &str = "
apiVersion: v3.1.0
kind: DataContract
id: readings
name: Readings
version: 1.0.0
status: active
schema:
  - name: readings
    physicalName: shop.silver.readings
    properties:
      - {name: x, logicalType: number}
      - {name: at, logicalType: timestamp}
      - name: spec
        logicalType: object
        properties:
          - {name: a, logicalType: integer, physicalType: bigint, logicalTypeOptions: {maximum: 2}}
          - {name: b, logicalType: string}
          - {name: c, logicalType: string}
    quality:
      - {id: halves, type: sql, query: 'SELECT sum(x / 2) FROM {object}', mustBe: 6.5}
      - {id: days, type: sql, query: 'SELECT min(cast(at AS date)) FROM {object}', mustBe: '2026-06-01'}
      - {id: deep, type: sql, query: \"SELECT sum(spec['a']) FROM {object} WHERE spec['c'] IS NULL\", mustBe: 6}
      - {id: whole, type: custom, engine: polder, implementation: {row: 'x / 2 = 2.5'}}
      - {id: that_day, type: custom, engine: polder, implementation: {row: \"cast(at AS date) = DATE '2026-06-01'\"}}
";

/// Verdict and figure of each rule.
fn tested(mesh: &NewMesh, file: &str) -> BTreeMap<String, (String, Value)> {
    let ended = mesh
        .polder
        .run(&["test", "readings.odcs.yaml", "--data", file, "--format", "json"]);
    let rules: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let text = |rule: &Value, key: &str| rule[key].as_str().unwrap().to_owned();
    let verdicts = rules
        .iter()
        .map(|rule| (text(rule, "rule"), (text(rule, "verdict"), rule["figure"].clone())));
    verdicts.collect()
}

#[test]
fn verdicts_do_not_hang_on_how_a_file_keeps_its_values() {
    let mesh = NewMesh::landed();
    fs::write(mesh.path("readings.odcs.yaml"), CONTRACT).unwrap();
    let instant =
        |zone: &str| format!("arrow_cast('2026-06-01T02:00:00Z', 'Timestamp(Microsecond, Some(\"{zone}\"))') AS at");
    let plain = ("double", instant("UTC"), "named_struct('a', x, 'b', 'b', 'c', NULL)");
    // There it is the day before.
    let zoned = instant("America/New_York");
    let otherwise = (
        "int",
        zoned.clone(),
        "named_struct('b', 'b', 'a', arrow_cast(x, 'Int32'))",
    );
    let more = ("smallint", zoned, "named_struct('z', 1, 'c', NULL, 'b', 'b', 'a', x)");
    for (at, (number, instant, spec)) in [plain, otherwise, more].into_iter().enumerate() {
        let file = format!("{at}.parquet");
        let query =
            format!("SELECT cast(x AS {number}) AS x, {instant}, {spec} AS spec FROM (VALUES (1), (5), (7)) AS v(x)");
        let query = query.replace("NULL", "cast(NULL AS varchar)");
        mesh.polder.expect(&["sql", "-o", &file, &query]);
        let verdicts = tested(&mesh, &file);
        let verdict = |rule: &str| {
            let (verdict, figure) = &verdicts[rule];
            (verdict.as_str(), figure.clone())
        };
        // By hand: 0.5 + 2.5 + 3.5; 1 + 5 + 7.
        assert_eq!(verdict("halves"), ("passed", json!(6.5)), "{file}: {verdicts:?}");
        assert_eq!(verdict("days").0, "passed", "{file}: {verdicts:?}");
        assert_eq!(verdict("deep"), ("failed", json!(13)), "{file}: {verdicts:?}");
        assert_eq!(verdict("whole"), ("failed", json!(2)), "{file}: {verdicts:?}");
        assert_eq!(verdict("that_day"), ("passed", json!(0)), "{file}: {verdicts:?}");
        assert_eq!(verdict("spec.a.maximum"), ("failed", json!(2)), "{file}: {verdicts:?}");
    }
}
