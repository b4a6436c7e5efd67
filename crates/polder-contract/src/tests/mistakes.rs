//! Documents that the standard forbids.

use super::{findings, with_properties};

const HEAD: &str = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\n";

#[test]
fn every_mistake_is_told_at_once_with_place_and_hint() {
    let text = "\
apiVersion: v9.0.0
kind: DataContrct
version: 1.0
status: active
schem: []
schema:
  - name: orders
    propertys: []
    properties:
      - nam: id
      - {name: a, logicalType: strng}
      - {name: a, logicalType: string, logicalTypeOptions: {minimum: 3}}
servers:
  - {server: s, type: postgres, host: h, port: x, database: d}
";
    assert_eq!(
        findings(text),
        [
            "1:1 missing-value `id` is missing (give it an id that no other document has: id: …)",
            "1:13 wrong-value `v9.0.0` is no version of the standard (known versions: v3.2.0, v3.1.0, v3.0.2, v3.0.1, v3.0.0)",
            "2:7 wrong-value `kind`: `DataContrct` is not allowed (did you mean `DataContract`?)",
            "3:10 wrong-type `version` must be text, but is a number (put it in quotes)",
            "5:1 unknown-key `schem` is not known (did you mean `schema`?)",
            "8:5 unknown-key `schema[0].propertys` is not known (did you mean `properties`?)",
            "10:9 unknown-key `schema[0].properties[0].nam` is not known (did you mean `name`?)",
            "11:32 wrong-value `schema[0].properties[1].logicalType`: `strng` is not allowed (did you mean `string`?)",
            "12:16 duplicate-name `schema[0]` has two properties `a` (give one of them another name)",
            "12:61 unknown-key `schema[0].properties[2].logicalTypeOptions.minimum` is not known \
             (`minimum` is an option of columns of another `logicalType`)",
            "14:5 missing-value `servers[0].schema` is missing",
            "14:48 wrong-type `servers[0].port` must be a whole number, but is text",
        ]
    );
}

#[test]
fn what_is_missing_or_of_another_form_is_told_as_it_would_be_written() {
    let text = "kind: DataContract\nstatus: active\nteam: crm\nschema:\n  - name: t\n    quality:\n      \
                - {id: a, metric: rowCount, mustBeBetween: 5}\n      - {id: b, metric: rowCount, mustBeGreaterThan: one}\n      \
                - {id: c, metric: rowCount, mustBeLessThan: \"7\"}\n";
    let found = findings(text);
    for told in [
        "`apiVersion` is missing (say which version of the standard it is written for: apiVersion: v3.1.0)",
        "`version` is missing (say which version of the document it is: version: 1.0.0)",
        "`id` is missing (give it an id that no other document has: id: …)",
        "`team` must be a mapping, but is text (write it under a key: team: {name: …})",
        "`schema[0].quality[0].mustBeBetween` must be a list, but is a number (write both ends in brackets, as in [0, 100])",
        "`schema[0].quality[1].mustBeGreaterThan` must be a number, but is text (write it in digits, as in 100)",
        "`schema[0].quality[2].mustBeLessThan` must be a number, but is text (leave the quotes out)",
    ] {
        assert!(found.iter().any(|found| found.ends_with(told)), "{told}: {found:#?}");
    }
}

#[test]
fn words_of_other_tools_are_told_in_those_of_the_standard() {
    let text = format!(
        "{HEAD}schema:\n  - name: t\n    properties:\n      - {{name: a, logicalType: int, required: yes}}\n      \
         - {{name: b, logicalType: Double, unique: Off}}\n"
    );
    assert_eq!(
        findings(&text),
        [
            "9:32 wrong-value `schema[0].properties[0].logicalType`: `int` is not allowed (did you mean `integer`?)",
            "9:47 wrong-type `schema[0].properties[0].required` must be true or false, but is text (write true)",
            "10:32 wrong-value `schema[0].properties[1].logicalType`: `Double` is not allowed (did you mean `number`?)",
            "10:48 wrong-type `schema[0].properties[1].unique` must be true or false, but is text (write false)",
        ]
    );
}

#[test]
fn each_kind_of_value_is_held_to_its_rule() {
    let cases = [
        ("team: {members: [{role: owner}]}", "missing-value"),
        ("team: [{username: x, dateIn: 2020-13-01}]", "wrong-value"),
        ("team: x", "wrong-type"),
        ("roles: [{access: read}]", "missing-value"),
        ("support: [{url: x}]", "missing-value"),
        ("price: {priceAmount: \"9\"}", "wrong-type"),
        ("slaProperties: [{property: latency}]", "missing-value"),
        ("slaProperties: [{property: latency, value: [1]}]", "wrong-type"),
        ("tags: [1]", "wrong-type"),
        ("tags: gold", "wrong-type"),
        ("customProperties: [{property: x}]", "missing-value"),
        ("authoritativeDefinitions: [{url: x}]", "missing-value"),
        ("contractCreatedTs: 2020-01-01", "wrong-value"),
        ("description:", "wrong-type"),
        ("servers: [{server: x, type: postgress}]", "wrong-value"),
        ("schema: [{name: t, logicalType: array}]", "wrong-value"),
        ("schema: [{name: t, id: a.b}]", "wrong-value"),
        ("schema: [{name: t, relationships: [{from: t.a}]}]", "missing-value"),
        (
            "schema: [{name: t, relationships: [{from: t.a, to: [u.a]}]}]",
            "wrong-value",
        ),
        (
            "schema: [{name: t, relationships: [{from: t.a, to: u}]}]",
            "wrong-value",
        ),
        (
            "schema: [{name: t, properties: [{name: a, logicalType: string, relationships: [{from: t.a, to: u.a}]}]}]",
            "unknown-key",
        ),
        (
            "schema: [{name: t, properties: [{name: a, logicalType: string, items: {logicalType: string}}]}]",
            "unknown-key",
        ),
        (
            "schema: [{name: t, properties: [{name: a, logicalType: map}]}]",
            "missing-value",
        ),
        (
            "schema: [{name: t, properties: [{name: a, logicalType: integer, logicalTypeOptions: {multipleOf: 0}}]}]",
            "wrong-value",
        ),
        (
            "schema: [{name: t, properties: [{name: a, logicalType: integer, logicalTypeOptions: {format: f32}}]}]",
            "wrong-value",
        ),
        (
            "schema: [{name: t, properties: [{name: a, logicalType: string, logicalTypeOptions: {minLength: -1}}]}]",
            "wrong-value",
        ),
        ("schema: [{name: t, properties: [{name: a, enum: []}]}]", "wrong-value"),
        (
            "schema: [{name: t, properties: [{name: a, enum: [{value: 1}, {value: 1}]}]}]",
            "duplicate-item",
        ),
        ("schema: [{name: t, quality: [{metric: rowCount}]}]", "missing-value"),
        (
            "schema: [{name: t, quality: [{metric: rowCounts, mustBe: 1}]}]",
            "wrong-value",
        ),
        (
            "schema: [{name: t, quality: [{metric: rowCount, mustBe: 1, mustNotBe: 2}]}]",
            "wrong-value",
        ),
        (
            "schema: [{name: t, quality: [{metric: rowCount, mustBeBetween: [1]}]}]",
            "wrong-value",
        ),
        (
            "schema: [{name: t, quality: [{metric: rowCount, mustBeGreaterThan: many}]}]",
            "wrong-type",
        ),
        (
            "schema: [{name: t, quality: [{type: sql, mustBe: 0}]}]",
            "missing-value",
        ),
        (
            "schema: [{name: t, quality: [{type: custom, engine: soda}]}]",
            "missing-value",
        ),
        (
            "schema: [{name: t, quality: [{type: text, dimension: beauty}]}]",
            "wrong-value",
        ),
    ];
    for (line, code) in cases {
        let found = findings(&format!("{HEAD}{line}\n"));
        assert!(
            found.len() == 1 && found[0].starts_with("6:") && found[0].contains(code),
            "{line}: {found:?}"
        );
    }
    let valid = [
        "schema: [{name: t, quality: [{type: text, description: clean}]}]",
        "schema: [{name: t, properties: [{name: a, logicalType: map, map: {key: {logicalType: string}, value: {logicalType: integer}}}]}]",
        "schema: [{name: t, properties: [{name: a, logicalType: string}], relationships: [{from: [t.a], to: [schema/u/properties/a]}]}]",
        "schema: [{name: t, properties: [{name: a, logicalType: boolean, logicalTypeOptions: {own: 1}}]}]",
        "team: {members: [{username: a, dateIn: \"2020-12-01\"}]}",
    ];
    for line in valid {
        assert_eq!(findings(&format!("{HEAD}{line}\n")), [""; 0], "{line}");
    }
}

#[test]
fn the_status_is_needed_up_to_version_3_1() {
    let without = |version: &str| format!("apiVersion: {version}\nkind: DataContract\nid: x\nversion: 1.0.0\n");
    assert_eq!(findings(&without("v3.0.2")), ["1:1 missing-value `status` is missing"]);
    assert_eq!(findings(&without("v3.1.0")), ["1:1 missing-value `status` is missing"]);
    assert_eq!(findings(&without("v3.2.0")), [""; 0]);
}

#[test]
fn version_3_0_knows_a_metric_as_a_rule_too() {
    let with = |version: &str, quality: &str| {
        let head = HEAD.replace("v3.1.0", version);
        findings(&format!(
            "{head}schema: [{{name: t, quality: [{{{quality}, mustBe: 0}}]}}]\n"
        ))
        .len()
    };
    assert_eq!(with("v3.0.2", "type: library, rule: countCheck"), 0);
    assert_eq!(with("v3.1.0", "type: library, rule: countCheck"), 1);
    assert_eq!(with("v3.0.2", "type: library"), 1);
    assert_eq!(with("v3.0.2", "metric: countCheck"), 1);
}

#[test]
fn what_cannot_become_a_table_is_refused_where_a_dataset_is_bound() {
    let text = with_properties(&[
        "{name: a}",
        "{name: b, logicalType: number, physicalType: decimal}",
        "{name: c, logicalType: string, physicalType: bigint}",
        "{name: d, logicalType: number, physicalType: \"decimall(12,3)\"}",
        "{name: e, logicalType: array}",
        "{name: _f, logicalType: string}",
        "{name: g, logicalType: number, physicalType: \"decimal(39,0)\"}",
        "{name: A, logicalType: string}",
        "{name: order id, logicalType: string}",
        "{name: h, logicalType: array, items: {logicalType: object, properties: [{name: i.j, logicalType: string}]}}",
        "{name: k, logicalType: time}",
        "{name: m, logicalType: array, items: {logicalType: time}}",
    ]);
    let found = findings(&text);
    let starts = [
        "9:16 column-type `a` has no type",
        "10:54 column-type the decimal `b` needs its digits",
        "11:54 column-type `c` is string by its logical type, but bigint by its physical type",
        "12:54 column-type `d` has the physical type `decimall(12,3)`, which is not known",
        "13:16 column-type the array `e` has no items",
        "14:16 reserved-name the column `_f` begins with an underscore",
        "15:54 column-type the decimal `g` needs its digits",
        "16:16 duplicate-name `t` has two columns `A`",
        "17:16 column-name the column \"order id\" has ' ' in its name",
        "18:88 column-name the column \"i.j\" has '.' in its name",
        "19:16 column-type `k` is a time of day, which Delta tables do not know",
        "20:46 column-type `items` is a time of day, which Delta tables do not know",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (found, start) in found.iter().zip(starts) {
        assert!(found.starts_with(start), "{found}");
    }
}

#[test]
fn no_document_is_too_odd_to_be_refused() {
    for text in [
        "",
        "[]",
        "x",
        "{}",
        "null",
        "1",
        "apiVersion: [v3.1.0]\nschema: {}\nservers: [1, null, []]\n",
        "schema: [[], {properties: [null, {items: []}]}]",
    ] {
        assert!(!findings(text).is_empty(), "{text}");
    }
}

/// A contract with a mistake in its structure and others in rules.
const MIXED: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: x
version: 1.0.0
status: active
schema:
  - name: orders
    physicalName: shop.silver.orders
    properties:
      - {name: id, logicalType: string, maxLenght: 3, logicalTypeOptions: {minLenght: 1, pattern: '^[A-Z]{3$('}}
      - name: total
        logicalType: number
        customProperties: [{property: polder.onFailure, value: warning}]
        quality: [{metric: nullValues, mustBe: none}, {metric: nullValues, mustBee: none}]
      - {name: at, logicalTyp: timestamp, logicalTypeOptions: {minimum: soon}}
    quality:
      - {type: custom, engine: polder, implementation: {freshness: {column: at, within: 1h}}}
      - {type: custom, engine: polder, implementation: {freshness: {column: total, within: 1h}}}
";

#[test]
fn mistakes_in_rules_are_told_beside_those_of_structure() {
    let found = findings(MIXED);
    let places: Vec<_> = found
        .iter()
        .map(|line| line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        places,
        [
            "10:41 unknown-key",
            "10:76 unknown-key",
            "10:99 rule",
            "13:64 custom-property",
            "14:48 rule",
            "14:76 unknown-key",
            "15:20 unknown-key",
            "15:63 wrong-value",
            "18:77 rule",
        ],
        "{found:#?}"
    );
}

#[test]
fn what_follows_from_a_mistake_in_the_structure_is_not_told() {
    let of = |property: &str| findings(&with_properties(&[property]));
    let unknown_type = of(
        "{name: a, logicalType: integr, logicalTypeOptions: {minimum: 3}, quality: [{metric: invalidValues, mustBe: 0, arguments: {pattern: '('}}]}",
    );
    assert_eq!(unknown_type.len(), 1, "{unknown_type:#?}");
    assert!(unknown_type[0].contains("did you mean `integer`?"), "{unknown_type:#?}");
    let no_items = of("{name: a, logicalType: array, itms: {logicalType: string}}");
    assert_eq!(no_items.len(), 1, "{no_items:#?}");
    let unnamed = of("{nam: a, logicalType: string, unique: true}");
    assert_eq!(unnamed.len(), 1, "{unnamed:#?}");
    let no_columns =
        findings(&with_properties(&["{name: a, logicalType: string}"]).replace("    properties:", "    propertis:"));
    assert_eq!(no_columns.len(), 1, "{no_columns:#?}");
}

#[test]
fn a_wrong_type_does_not_hide_the_mistakes_of_other_columns() {
    let found = findings(&with_properties(&[
        "{name: a, logicalType: number, physicalType: dezimal}",
        "{name: b, logicalType: string, logicalTypeOptions: {pattern: '('}}",
    ]));
    assert_eq!(found.len(), 2, "{found:#?}");
}

#[test]
fn a_contract_by_the_other_standard_is_told_how_it_is_converted() {
    let found = findings("dataContractSpecification: 1.1.0\nid: x\ninfo: {title: X, version: 1.0.0}\n");
    assert_eq!(
        found,
        [
            "1:1 other-standard this is a contract by the Data Contract Specification, not by ODCS \
             (convert it: polder contract import FILE --from dcs)"
        ]
    );
}

#[test]
fn a_mistake_that_is_often_made_is_told_with_what_to_write() {
    let column = |column: &str| format!("{HEAD}schema: [{{name: t, properties: [{{name: a, {column}}}]}}]\n");
    let rule = |rule: &str| format!("{HEAD}schema: [{{name: t, quality: [{{{rule}, mustBe: 1}}]}}]\n");
    let begins = "(a contract begins with `apiVersion: v3.1.0` and `kind: DataContract`; `polder contract infer` writes one \
                  for a table, `polder contract import` for another format)";
    let cases = [
        (
            format!("{HEAD}description: text\n"),
            "(write it under a key: description: {purpose: …})",
        ),
        (column("required: yes"), "(write true)"),
        (column("logicalType: int"), "(did you mean `integer`?)"),
        (column("type: integer"), "(write logicalType: integer)"),
        (column("type: varchar"), "(write logicalType: string)"),
        (
            column("type: money"),
            "(write `logicalType`, and the store's own type under `physicalType`)",
        ),
        (
            rule("type: library, rule: rowCount"),
            "(version 3.0 called it `rule`: write metric: rowCount)",
        ),
        (
            rule("rule: duplicateCount"),
            "(version 3.0 called it `rule`; now there are the metrics nullValues, missingValues, invalidValues, \
             duplicateValues, rowCount)",
        ),
        (String::new(), begins),
        ("# nothing yet\n".to_owned(), begins),
        ("- a\n".to_owned(), begins),
        (
            "version: 2\nmodels:\n  - {name: orders, columns: [{name: id}]}\n".to_owned(),
            "2:1 other-standard this is a file of dbt's properties (schema.yml), not a contract (convert it: polder \
             contract import FILE --from dbt)",
        ),
    ];
    for (text, expected) in cases {
        let found = findings(&text);
        assert!(found.len() == 1 && found[0].ends_with(expected), "{text}: {found:#?}");
    }
    // What a key stands for elsewhere is no reason to turn a contract away.
    let found = findings(&format!("{HEAD}models: []\n"));
    assert!(found.len() == 1 && found[0].contains("unknown-key"), "{found:#?}");
}

/// A contract of an object that is bound to no dataset.
fn unbound(column: &str, more: &str) -> Vec<String> {
    findings(&format!(
        "{HEAD}schema:\n  - name: t\n    physicalName: t_1\n{more}    properties:\n      - {{name: a, {column}}}\n"
    ))
}

#[test]
fn rules_of_objects_without_a_dataset_are_judged_too() {
    let nested = format!(
        "logicalType: string, logicalTypeOptions: {{pattern: \"{}x{}\"}}",
        "(".repeat(5_000),
        ")".repeat(5_000)
    );
    let wrong = [
        "logicalType: string, logicalTypeOptions: {pattern: \"a(\"}",
        "logicalType: string, logicalTypeOptions: {pattern: \"(?=a)\"}",
        nested.as_str(),
        "logicalType: string, quality: [{metric: nullValues, mustBe: x}]",
        "logicalType: string, quality: [{metric: nullValues, mustBeBetween: [3, 1]}]",
        "logicalType: string, quality: [{type: sql, query: \"\", mustBe: 0}]",
        "logicalType: string, customProperties: [{property: polder.onFailure, value: drop}]",
        "logicalType: integer, physicalType: NUMBER(9), logicalTypeOptions: {minimum: 3, maximum: 2}",
        "logicalType: integer, physicalType: some_type, logicalTypeOptions: {minimum: 3, maximum: 2}",
        "logicalType: string, relationships: [{to: t.nowhere}]",
        "physicalType: some_type, quality: [{metric: nullValues, mustBe: x}]",
    ];
    for column in wrong {
        let found = unbound(column, "");
        assert_eq!(found.len(), 1, "{column}: {found:#?}");
    }
    let percent = "    quality: [{metric: rowCount, mustBeGreaterThan: 1, unit: percent}]\n";
    assert_eq!(unbound("logicalType: string", percent).len(), 1);
    // Types are the store's own where there is no dataset.
    for column in [
        "physicalType: some_type",
        "logicalType: string, physicalType: some_type",
        "logicalType: object",
        "logicalType: array",
        "logicalType: number, physicalType: text",
        "logicalType: string, relationships: [{to: of_another_contract.id}]",
    ] {
        assert_eq!(unbound(column, ""), Vec::<String>::new(), "{column}");
    }
}

#[test]
fn a_product_read_as_a_contract_is_told_as_that_alone() {
    assert_eq!(
        findings("apiVersion: v1.0.0\nkind: DataProduct\nid: x\noutputPorts: []\n"),
        ["2:7 other-standard this is a data product, not a contract \
             (products end in .odps.yaml; two of them compare with: polder product diff OLD NEW)"]
    );
}

#[test]
fn an_argument_beside_its_metric_belongs_under_arguments() {
    let found = unbound(
        "logicalType: string, quality: [{metric: invalidValues, validValues: [a], mustBe: 0}]",
        "",
    );
    assert!(
        found[0].contains("(write it under `arguments:`: arguments: {validValues: …})"),
        "{found:#?}"
    );
}

#[test]
fn a_type_that_a_comma_cuts_in_two_is_told_to_be_put_in_quotes() {
    let column = |rest: &str| {
        findings(&format!(
            "{HEAD}schema: [{{name: t, properties: [{{name: a, logicalType: number, {rest}}}]}}]\n"
        ))
    };
    let cases = [
        (
            "physicalType: NUMERIC(12,2), required: true",
            "2)",
            "physicalType: \"NUMERIC(12,2)\"",
        ),
        ("physicalType: decimal(12, 2)", "2)", "physicalType: \"decimal(12,2)\""),
        (
            "physicalType: ENUM(x,y,z), required: true",
            "y",
            "physicalType: \"ENUM(x,y,z)\"",
        ),
        (
            "description: gross (net, duty) of it",
            "duty) of it",
            "description: \"gross (net,duty) of it\"",
        ),
    ];
    for (text, key, written) in cases {
        let found = column(text);
        let said = format!(
            "unknown-key `schema[0].properties[0].{key}` is not known (a comma ends a text in {{…}}: put it in quotes, {written})"
        );
        assert!(found.len() == 1 && found[0].ends_with(&said), "{found:#?}");
    }
    // A key of nobody's is one, whatever stands before it.
    for text in [
        "description: a (b), c: d",
        "description: a (b, c: d)",
        "description: a (b, c",
    ] {
        let found = column(text);
        assert!(
            found.len() == 1 && found[0].contains("the standard has no such key here"),
            "{found:#?}"
        );
    }
}

#[test]
fn a_bare_value_of_an_enumeration_is_told_as_it_would_be_written() {
    let column = |list: &str| {
        findings(&format!(
            "{HEAD}schema: [{{name: t, properties: [{{name: a, logicalType: string, enum: [{list}]}}]}}]\n"
        ))
    };
    for (value, written) in [("open", "open"), ("5", "5"), ("'a: b'", "…")] {
        let found = column(value);
        let kind = if value == "5" { "a number" } else { "text" };
        let said = format!(" must be a mapping, but is {kind} (write it as {{value: {written}}})");
        assert!(found.len() == 1 && found[0].ends_with(&said), "{found:#?}");
    }
}

#[test]
fn keys_of_other_tools_and_in_the_wrong_place_are_told_with_what_the_standard_has() {
    let column = |rest: &str| {
        findings(&format!(
            "{HEAD}schema: [{{name: t, properties: [{{name: a, {rest}}}]}}]\n"
        ))
    };
    let rule = |rest: &str| column(&format!("logicalType: string, quality: [{{{rest}}}]"));
    let number = |rest: &str| column(&format!("logicalType: number, {rest}"));
    let cases = [
        (
            number("logicalTypeOptions: {enum: [{value: 1}]}"),
            &["`enum` stands beside `logicalTypeOptions`, not in it: enum: [{value: …}]"][..],
        ),
        (
            number("logicalTypeOptions: {unique: true}"),
            &["`unique` stands beside `logicalTypeOptions`, not in it"],
        ),
        (
            number("logicalTypeOptions: {precision: 12, scale: 2}"),
            &["write it beside `logicalTypeOptions`: physicalType: \"decimal(12,2)\""; 2],
        ),
        (number("precision: 9"), &["write physicalType: \"decimal(9,0)\""]),
        (
            number("scale: 2"),
            &["write physicalType: \"decimal(12,2)\", with the digits in all and those behind the point"],
        ),
        (number("nullable: false"), &["write required: true"]),
        (
            number("isNullable: true"),
            &["leave it out: a value may be null unless it is `required: true`"],
        ),
        (
            rule("type: sql, sql: SELECT 1, mustBe: 1"),
            &["write the SQL under `query`"],
        ),
        (
            rule("type: sql, mustBe: 1"),
            &["write the query that gives the figure: query: SELECT count(*) FROM {object} WHERE …"],
        ),
        (
            rule("type: custom, engine: polder, row: a > 0"),
            &["write it as implementation: {row: …}"],
        ),
        (
            rule("type: custom, row: a > 0"),
            &[
                "write it as implementation: {row: …}",
                "name the tool that runs the rule, `polder` for its own: engine: polder",
            ],
        ),
        (
            rule("type: custom, engine: polder"),
            &["write the rule itself: implementation: {row: amount >= 0}"],
        ),
        (
            rule("type: custom, engine: soda"),
            &["what the tool runs goes there, as text or as a mapping"],
        ),
        (
            column("logicalType: map"),
            &["say what its keys and values are: map: {key: {logicalType: string}, value: {logicalType: string}}"],
        ),
    ];
    for (found, helps) in cases {
        let mut said: Vec<&str> = found
            .iter()
            .filter_map(|one| one.split_once(" (")?.1.strip_suffix(')'))
            .collect();
        let mut wanted = helps.to_vec();
        // Both stand at places of their own, of which one may come first.
        said.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(said, wanted, "{found:#?}");
    }
}
