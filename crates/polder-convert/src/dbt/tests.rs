use serde_json::{Value, json};

use crate::tests::{contract, imported, properties};
use crate::{Dialect, Format, export};

const SHOP: &str = r#"
version: 2
models:
  - name: customers
    description: One row a customer.
    config:
      contract: {enforced: true}
      materialized: table
      tags: [core]
      meta: {owner: "@shop"}
    columns:
      - name: customer_id
        data_type: bigint
        description: The key.
        constraints:
          - type: not_null
          - type: primary_key
        tests: [unique, not_null]
      - name: lines
        data_type: array<struct<sku string, n int>>
  - name: orders
    data_tests:
      - dbt_utils.unique_combination_of_columns:
          combination_of_columns: [order_id, status]
    columns:
      - name: order_id
        data_type: int
        data_tests:
          - unique:
              config: {severity: warn}
      - name: customer_id
        data_type: bigint
        data_tests:
          - relationships: {to: ref('customers'), field: customer_id}
      - name: status
        data_type: string
        data_tests:
          - accepted_values:
              arguments: {values: [placed, shipped]}
      - name: amount
        data_type: decimal(12,2)
        constraints:
          - {type: check, expression: "amount >= 0"}
        data_tests:
          - dbt_utils.not_constant: {group_by: []}
      - name: comment
sources:
  - name: raw
    database: lake
    tables:
      - name: payments
        columns: [{name: id, data_type: int}]
"#;

#[test]
fn models_and_sources_become_objects() {
    let (document, losses) = imported(Format::Dbt(Dialect::Spark), SHOP);
    let customers = properties(&document, 0);
    assert_eq!(document["schema"][0]["tags"], json!(["core"]));
    assert_eq!(
        document["schema"][0]["customProperties"],
        json!([{"property": "owner", "value": "@shop"}])
    );
    assert_eq!(
        customers[0],
        json!({"name": "customer_id", "description": "The key.", "logicalType": "integer", "required": true,
               "unique": true, "primaryKey": true, "logicalTypeOptions": {"format": "i64"}})
    );
    assert_eq!(customers[1]["items"]["properties"][0]["name"], "sku");
    let orders = properties(&document, 1);
    assert_eq!(
        document["schema"][1]["quality"][0]["arguments"]["properties"],
        json!(["order_id", "status"])
    );
    assert_eq!(
        orders[0]["quality"],
        json!([{"metric": "duplicateValues", "mustBe": 0, "severity": "warning"}])
    );
    assert_eq!(orders[1]["relationships"], json!([{"to": "customers.customer_id"}]));
    assert_eq!(
        orders[2]["quality"][0]["arguments"]["validValues"],
        json!(["placed", "shipped"])
    );
    assert_eq!(orders[3]["logicalTypeOptions"], json!({"minimum": 0}));
    assert_eq!(
        orders[3]["quality"][0],
        json!({"type": "custom", "engine": "dbt", "implementation": {"dbt_utils.not_constant": {"group_by": []}}})
    );
    assert_eq!(document["schema"][2]["physicalName"], "lake.raw.payments");
    assert_eq!(
        losses,
        [
            "models[orders].columns[amount].data_tests[0]: dbt_utils.not_constant",
            "models[orders].columns[comment].data_type: not given",
            "models[customers].config.materialized: table",
        ]
    );
}

#[test]
fn a_contract_becomes_enforced_models() {
    let (document, _) = imported(Format::Dbt(Dialect::Spark), SHOP);
    let exported = export(
        &contract(&document.to_string()),
        Some(1),
        Format::Dbt(Dialect::Postgres),
    )
    .unwrap();
    let back: Value = crate::document::Document::new(&exported.value, None).yaml().unwrap();
    let model = &back["models"][0];
    assert_eq!(model["config"]["contract"]["enforced"], true);
    assert_eq!(model["columns"][0]["data_type"], "INTEGER");
    // A test that only warns is a rule, which no constraint of dbt's says.
    assert_eq!(model["columns"][0].get("data_tests"), None);
    assert_eq!(
        model["columns"][2]["data_tests"],
        json!([{"accepted_values": {"values": ["placed", "shipped"]}}])
    );
    assert_eq!(
        model["columns"][3]["data_tests"],
        json!([{"dbt_utils.not_constant": {"group_by": []}}])
    );
    let losses: Vec<&str> = exported.losses.iter().map(|loss| loss.path.as_str()).collect();
    // The model that it refers to is not exported with it.
    assert!(
        losses.contains(&"schema[orders].properties[customer_id].relationships"),
        "{losses:?}"
    );
}

/// The property that a column with this test becomes, and what is lost.
fn column_with(test: &str) -> (Value, Vec<String>) {
    column_of("string", test)
}

/// The same of a column of this type.
fn column_of(kind: &str, test: &str) -> (Value, Vec<String>) {
    let model = format!(
        "models:\n  - name: m\n    columns:\n      - {{name: c, data_type: {kind}, data_tests: [{test}]}}\n  \
         - {{name: n, columns: [{{name: id, data_type: string}}]}}\n"
    );
    let (document, losses) = imported(Format::Dbt(Dialect::Spark), &model);
    (properties(&document, 0)[0].clone(), losses)
}

#[test]
fn a_test_of_some_rows_becomes_no_limit_of_all() {
    let plain = json!({"name": "c", "logicalType": "string"});
    for (name, arguments) in [
        ("not_null", ""),
        ("unique", ""),
        ("accepted_values", "arguments: {values: [a]}, "),
        ("relationships", "to: ref('n'), field: id, "),
    ] {
        for setting in [
            "enabled: false",
            "where: \"id > 5\"",
            "error_if: \">10\"",
            "limit: 5",
            "severity: \"{{ var('s') }}\"",
        ] {
            for said in [
                format!("{name}: {{{arguments}config: {{{setting}}}}}"),
                format!("{name}: {{{arguments}{setting}}}"),
            ] {
                let (column, losses) = column_with(&format!("{{{said}}}"));
                assert_eq!(column, plain, "{said}");
                assert_eq!(losses.len(), 1, "{said}: {losses:?}");
                assert!(
                    losses[0].starts_with("models[m].columns[c].data_tests[0]: "),
                    "{losses:?}"
                );
            }
        }
    }
}

#[test]
fn a_test_that_warns_becomes_a_rule_that_warns() {
    for (test, rule) in [
        (
            "not_null: {config: {severity: warn}}",
            json!({"metric": "nullValues", "mustBe": 0, "severity": "warning"}),
        ),
        (
            "unique: {severity: WARN}",
            json!({"metric": "duplicateValues", "mustBe": 0, "severity": "warning"}),
        ),
        (
            "accepted_values: {values: [a], config: {severity: warn}}",
            json!({"metric": "invalidValues", "arguments": {"validValues": ["a"]}, "mustBe": 0, "severity": "warning"}),
        ),
    ] {
        let (column, losses) = column_with(&format!("{{{test}}}"));
        assert_eq!(column["quality"], json!([rule]), "{test}");
        assert_eq!((column.get("required"), column.get("unique")), (None, None), "{test}");
        assert_eq!(losses, [""; 0], "{test}");
    }
    let (column, _) = column_with("{relationships: {to: ref('n'), field: id, config: {severity: warn}}}");
    assert_eq!(
        column["relationships"],
        json!([{"to": "n.id", "customProperties": [{"property": "polder.onFailure", "value": "warn"}]}])
    );
    // What fails as ever is a limit, whatever else is said.
    let (column, losses) = column_with("{not_null: {config: {severity: error, error_if: \"!= 0\", tags: [nightly]}}}");
    assert_eq!(column["required"], true);
    assert_eq!(
        losses,
        ["models[m].columns[c].data_tests[0].not_null.config.tags: nightly"]
    );
}

#[test]
fn a_reference_to_a_model_of_another_file_is_named() {
    for test in [
        "relationships: {to: ref('customers'), field: id}",
        "relationships: {to: ref('n'), field: other}",
        "relationships: {arguments: {to: \"source('raw', 'customers')\", field: id}}",
    ] {
        let (column, losses) = column_with(&format!("{{{test}}}"));
        assert_eq!(column.get("relationships"), None, "{test}");
        assert_eq!(losses, ["models[m].columns[c].data_tests[0]: relationships"], "{test}");
    }
    let constrained = "models:\n  - name: m\n    columns:\n      - name: c\n        data_type: string\n        \
                       constraints: [{type: foreign_key, to: ref('away'), to_columns: [id]}]\n";
    let (document, losses) = imported(Format::Dbt(Dialect::Spark), constrained);
    assert_eq!(properties(&document, 0)[0].get("relationships"), None);
    assert_eq!(losses.len(), 1, "{losses:?}");
}

#[test]
fn tests_of_packages_that_a_contract_can_say_become_limits() {
    for (kind, test, options) in [
        (
            "int",
            "dbt_utils.accepted_range: {min_value: 0, max_value: 100000}",
            json!({"minimum": 0, "maximum": 100_000}),
        ),
        (
            "int",
            "dbt_utils.accepted_range: {arguments: {min_value: 0, inclusive: false}, config: {severity: error}}",
            json!({"exclusiveMinimum": 0}),
        ),
        (
            "string",
            "dbt_expectations.expect_column_values_to_match_regex: {regex: '^[A-Z]{2}-[0-9]+$'}",
            json!({"pattern": "^[A-Z]{2}-[0-9]+$"}),
        ),
    ] {
        let (column, losses) = column_of(kind, &format!("{{{test}}}"));
        assert_eq!(column["logicalTypeOptions"], options, "{test}");
        assert_eq!((column.get("quality"), losses), (None, Vec::new()), "{test}");
    }
}

#[test]
fn tests_that_nothing_here_runs_are_kept_and_named() {
    for (kind, test) in [
        // Expressions of the database, rows that are left out, and what only warns.
        ("date", "dbt_utils.accepted_range: {max_value: 'current_date'}"),
        ("int", "dbt_utils.accepted_range: {min_value: 0, where: 'c > 5'}"),
        ("int", "dbt_utils.accepted_range: {min_value: 0, severity: warn}"),
        ("int", "dbt_utils.accepted_range: {min_value: 0, config: {limit: 5}}"),
        // Text has another order than numbers.
        ("string", "dbt_utils.accepted_range: {min_value: 0}"),
        // What databases read differently.
        (
            "string",
            "dbt_expectations.expect_column_values_to_match_regex: {regex: '^\\d+$'}",
        ),
        (
            "string",
            "dbt_expectations.expect_column_values_to_match_regex: {regex: '(?i)a'}",
        ),
        (
            "string",
            "dbt_expectations.expect_column_values_to_match_regex: {regex: 'a.b'}",
        ),
        (
            "string",
            "dbt_expectations.expect_column_values_to_match_regex: {regex: a, flags: i}",
        ),
        ("string", "own_test"),
    ] {
        let test = if test.contains(':') {
            format!("{{{test}}}")
        } else {
            test.to_owned()
        };
        let (column, losses) = column_of(kind, &test);
        assert_eq!(column["quality"][0]["engine"], "dbt", "{test}");
        assert_eq!(losses.len(), 1, "{test}: {losses:?}");
        assert!(
            losses[0].starts_with("models[m].columns[c].data_tests[0]: "),
            "{losses:?}"
        );
    }
}

#[test]
fn a_reference_of_a_model_to_itself_is_a_relationship() {
    let model = "models:\n  - name: emp\n    columns:\n      - {name: id, data_type: int}\n      - name: boss\n        \
                 data_type: int\n        data_tests: [{relationships: {to: ref('emp'), field: id}}]\n";
    let (document, losses) = imported(Format::Dbt(Dialect::Postgres), model);
    assert_eq!(properties(&document, 0)[1]["relationships"], json!([{"to": "emp.id"}]));
    assert_eq!(losses, [""; 0]);
    let exported = export(&contract(&document.to_string()), None, Format::Dbt(Dialect::Postgres)).unwrap();
    let back: Value = crate::document::Document::new(&exported.value, None).yaml().unwrap();
    assert_eq!(
        back["models"][0]["columns"][1]["data_tests"],
        json!([{"relationships": {"to": "ref('emp')", "field": "id"}}])
    );
}

const LIMITED: &str = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: draft\nschema:\n  - name: t\n    \
    properties:\n      - {name: DaysToSettle, logicalType: integer, logicalTypeOptions: {minimum: 0}}\n      - {name: due, \
    logicalType: date, logicalTypeOptions: {exclusiveMaximum: '2030-01-01'}}\n      - {name: note, logicalType: string, \
    logicalTypeOptions: {minLength: 1, pattern: '^a'}}\n    quality:\n      - {name: paid, type: custom, engine: polder, \
    implementation: {row: due IS NULL OR \"DaysToSettle\" > 0}}\n";

#[test]
fn limits_and_rules_of_rows_become_check_constraints_and_come_back() {
    for (dialect, name, row) in [
        (Dialect::Postgres, "\"DaysToSettle\"", true),
        (Dialect::DuckDb, "\"DaysToSettle\"", true),
        (Dialect::Spark, "`DaysToSettle`", false),
    ] {
        let exported = export(&contract(LIMITED), None, Format::Dbt(dialect)).unwrap();
        let file: Value = crate::document::Document::new(&exported.value, None).yaml().unwrap();
        let model = &file["models"][0];
        let days = &model["columns"][0];
        assert_eq!(
            days["constraints"],
            json!([{"type": "check", "expression": format!("{name} >= 0")}])
        );
        // What is in quotes there is created in quotes.
        assert_eq!((&days["quote"], model["columns"][1].get("quote")), (&json!(true), None));
        let (back, _) = imported(Format::Dbt(dialect), &exported.value);
        let before = contract(LIMITED).document.to_json();
        for (column, key) in [(0, "minimum"), (1, "exclusiveMaximum"), (2, "minLength")] {
            let option = |document: &Value| properties(document, 0)[column]["logicalTypeOptions"][key].clone();
            assert_eq!(option(&back), option(&before), "{dialect} {key}");
        }
        let lost: Vec<String> = exported
            .losses
            .iter()
            .map(|loss| format!("{}: {}", loss.path, loss.why))
            .collect();
        assert!(
            lost.iter()
                .any(|loss| loss.starts_with("schema[t].properties[note].logicalTypeOptions.pattern: the regular")),
            "{lost:?}"
        );
        if row {
            assert_eq!(
                back["schema"][0]["quality"], before["schema"][0]["quality"],
                "{dialect}"
            );
        } else {
            assert!(
                lost.iter().any(|loss| loss.starts_with("schema[t].quality[paid]: ")),
                "{lost:?}"
            );
        }
    }
}

#[test]
fn where_dbt_has_no_checks_the_reason_says_so() {
    let exported = export(&contract(LIMITED), None, Format::Dbt(Dialect::Snowflake)).unwrap();
    let lost: Vec<String> = exported.losses.iter().map(ToString::to_string).collect();
    for wanted in [
        "schema[t].properties[DaysToSettle].logicalTypeOptions: minimum (dbt has no check constraints for Snowflake)",
        "schema[t].quality[paid]: name, type, engine, implementation (dbt has no check constraints for Snowflake)",
    ] {
        assert!(lost.contains(&wanted.to_owned()), "{wanted}\n{lost:#?}");
    }
}

#[test]
fn fields_that_stand_among_the_columns_go_into_their_column() {
    let spark = "models:
  - name: m
    columns:
      - {name: address, data_type: 'struct<city:string,zip:string,geo:struct<lat:double>>'}
      - {name: address.city, description: The town., constraints: [{type: not_null}]}
      - {name: address.zip, data_type: string, data_tests: [{accepted_values: {values: [a, b]}}]}
      - {name: address.geo.lat, description: Degrees.}
      - {name: address.geo.lon, data_type: double}
      - {name: plain.dotted, data_type: int}
    constraints:
      - {type: not_null, columns: [address.zip]}
";
    let (document, losses) = imported(Format::Dbt(Dialect::Spark), spark);
    let columns = properties(&document, 0);
    let names: Vec<&Value> = columns.iter().map(|column| &column["name"]).collect();
    assert_eq!(names, ["address", "plain.dotted"]);
    assert_eq!(
        columns[0]["properties"],
        json!([
            {"name": "city", "description": "The town.", "logicalType": "string", "required": true},
            {"name": "zip", "logicalType": "string", "required": true,
             "quality": [{"metric": "invalidValues", "arguments": {"validValues": ["a", "b"]}, "mustBe": 0}]},
            {"name": "geo", "logicalType": "object", "properties": [
                {"name": "lat", "description": "Degrees.", "logicalType": "number"},
                {"name": "lon", "logicalType": "number"},
            ]},
        ])
    );
    assert_eq!(losses, [""; 0]);
}

#[test]
fn records_of_bigquery_are_made_of_their_fields() {
    let bigquery = "models:
  - name: m
    columns:
      - {name: orders.lines.sku, data_type: string}
      - {name: orders, data_type: array, description: All.}
      - {name: orders.id, data_type: int64, constraints: [{type: not_null}]}
      - {name: orders.lines, data_type: array}
      - {name: who.name, data_type: string}
      - {name: tags, data_type: array<string>}
      - {name: tags.x, data_type: string}
";
    let (document, losses) = imported(Format::Dbt(Dialect::BigQuery), bigquery);
    let columns = properties(&document, 0);
    assert_eq!(
        columns[0],
        json!({"name": "orders", "description": "All.", "logicalType": "array", "items": {
        "logicalType": "object",
        "properties": [
            {"name": "id", "logicalType": "integer", "required": true, "logicalTypeOptions": {"format": "i64"}},
            {"name": "lines", "logicalType": "array", "items": {
                "logicalType": "object", "properties": [{"name": "sku", "logicalType": "string"}]}},
        ]}})
    );
    assert_eq!(columns[1]["name"], "tags");
    assert_eq!(
        columns[2],
        json!({"name": "who", "logicalType": "object", "properties": [{"name": "name", "logicalType": "string"}]})
    );
    assert_eq!(losses, ["models[m].columns[tags.x]: name, data_type"]);
}

#[test]
fn a_field_of_another_type_than_its_struct_says_is_named() {
    let model = "models: [{name: m, columns: [{name: a, data_type: 'struct<b:int>'}, {name: a.b, data_type: string}]}]";
    let (document, losses) = imported(Format::Dbt(Dialect::Spark), model);
    assert_eq!(properties(&document, 0)[0]["properties"][0]["logicalType"], "integer");
    assert_eq!(losses, ["models[m].columns[a.b].data_type: string"]);
}

#[test]
fn the_freshness_of_a_source_is_a_service_level() {
    let source = "sources:
  - name: raw
    freshness: {warn_after: {count: 12, period: hour}, error_after: {count: 24, period: hour}}
    loaded_at_field: loaded
    tables:
      - {name: a, columns: [{name: loaded, data_type: timestamp}]}
      - {name: b, columns: [{name: at, data_type: date}], config: {loaded_at_field: at, freshness: {error_after: {count: 2, period: day}}}}
      - {name: c, columns: [{name: loaded, data_type: timestamp}], freshness: null}
      - {name: d, columns: [{name: other, data_type: timestamp}], freshness: {error_after: {count: 1, period: day}}}
";
    let (document, losses) = imported(Format::Dbt(Dialect::Spark), source);
    assert_eq!(
        document["slaProperties"],
        json!([
            {"property": "latency", "value": 24, "unit": "h", "element": "a.loaded"},
            {"property": "latency", "value": 2, "unit": "d", "element": "b.at"},
        ])
    );
    for named in ["warn_after", "tables[d].freshness"] {
        assert!(losses.iter().any(|loss| loss.contains(named)), "{named} {losses:?}");
    }
}

#[test]
fn types_that_a_seed_is_told_are_taken() {
    let seeds = "seeds:
  - name: s
    config: {column_types: {id: bigint, zip: varchar(5)}}
    columns: [{name: id, description: The key.}]
";
    let (document, losses) = imported(Format::Dbt(Dialect::Postgres), seeds);
    assert_eq!(
        properties(&document, 0),
        [
            json!({"name": "id", "description": "The key.", "logicalType": "integer", "logicalTypeOptions": {"format": "i64"}}),
            json!({"name": "zip", "logicalType": "string", "logicalTypeOptions": {"maxLength": 5}}),
        ]
    );
    assert_eq!(losses, [""; 0]);
}

#[test]
fn a_relationship_that_is_said_twice_is_one() {
    let model = "models:
  - name: m
    columns:
      - {name: c, data_type: int, constraints: [{type: foreign_key, to: ref('n'), to_columns: [id]}],
         data_tests: [{relationships: {to: ref('n'), field: id}}]}
  - {name: n, columns: [{name: id, data_type: int}]}
";
    let (document, losses) = imported(Format::Dbt(Dialect::Spark), model);
    assert_eq!(properties(&document, 0)[0]["relationships"], json!([{"to": "n.id"}]));
    assert_eq!(losses, [""; 0]);
}
