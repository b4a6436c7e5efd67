//! Maps with a key twice fit no type, whoever looks at them.

use arrow::array::{Int32Builder, Int64Builder, ListBuilder, MapBuilder, StringBuilder};
use chrono::Utc;
use datafusion::datasource::MemTable;

use super::*;
use crate::table::{NoFacts, NoQueries, RuleVerdict, TableCheck, check_table};

/// Rows of a map column, each with these entries.
fn maps(rows: &[&[(&str, i64)]]) -> ArrayRef {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for row in rows {
        for (key, value) in *row {
            maps.keys().append_value(key);
            maps.values().append_value(*value);
        }
        maps.append(true).unwrap();
    }
    Arc::new(maps.finish())
}

/// Rows of lists of one map each.
fn lists(rows: &[&[(i32, i32)]]) -> ArrayRef {
    let map = MapBuilder::new(None, Int32Builder::new(), Int32Builder::new());
    let mut lists = ListBuilder::new(map);
    for row in rows {
        for (key, value) in *row {
            lists.values().keys().append_value(*key);
            lists.values().values().append_value(*value);
        }
        lists.values().append(true).unwrap();
        lists.append(true);
    }
    Arc::new(lists.finish())
}

#[tokio::test]
async fn the_gate_and_a_table_check_refuse_a_key_that_is_there_twice() {
    let int = "{logicalType: integer, physicalType: int}";
    let m =
        format!("{{name: m, logicalType: map, required: true, map: {{key: {{logicalType: string}}, value: {int}}}}}");
    let l = format!("{{name: l, logicalType: array, items: {{logicalType: map, map: {{key: {int}, value: {int}}}}}}}");
    let contract = contract(&[&m, &l]);
    let twice = "the key `a` is there twice";
    let rows = batch(vec![
        // The table's type is another than the contract's, so that values are cast, too: one does not fit.
        (
            "m",
            maps(&[&[("a", 1), ("b", 2)], &[("a", 1), ("a", 2)], &[("a", 1 << 40)], &[]]),
        ),
        ("l", lists(&[&[(1, 1)], &[], &[(1, 1)], &[(7, 1), (8, 1), (7, 1)]])),
    ]);
    let verdict = Gate::compile(&contract).unwrap().check(&rows).unwrap();
    let found: Vec<_> = verdict
        .violations
        .iter()
        .map(|violation| (violation.row, &*violation.rule, violation.reason.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (1, "m.type", format!("m: {twice}").as_str()),
            (2, "m.type", "m: it does not fit the contract's type map<string,int>"),
            (3, "l.type", "l: item 1: the key `7` is there twice"),
        ]
    );
    let kept: Vec<bool> = verdict.accepted.values().iter().collect();
    assert_eq!(kept, [true, false, false, false]);

    let check = TableCheck::compile(&contract).unwrap();
    // As it comes, and in the contract's types, in which no column is odd.
    for rows in [rows, verdict_types(&contract)] {
        let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap();
        let report = check_table(&check, Arc::new(table), &NoFacts, &NoQueries, Utc::now())
            .await
            .unwrap();
        let failing = |rule: &str| {
            let result = report.results.iter().find(|result| result.rule == rule).unwrap();
            (result.verdict == RuleVerdict::Failed, result.failing_rows)
        };
        assert_eq!(failing("l.type"), (true, Some(1)));
        assert!(failing("m.type").0);
        // It breaks its type, and nothing else.
        assert_eq!(failing("m.required"), (false, Some(0)));
    }
}

/// Rows whose columns have the contract's types to the last field, with a key twice in each.
fn verdict_types(contract: &DatasetContract) -> RecordBatch {
    let schema = arrow_schema(contract.object()).unwrap();
    let of = |name: &str, array: ArrayRef| {
        arrow::compute::cast(&array, schema.field_with_name(name).unwrap().data_type()).unwrap()
    };
    let columns = vec![
        of("m", maps(&[&[("a", 1), ("a", 2)], &[("a", 1)]])),
        of("l", lists(&[&[(1, 1)], &[(1, 1), (1, 2)]])),
    ];
    let nullable = schema
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true));
    RecordBatch::try_new(
        Arc::new(arrow::datatypes::Schema::new(nullable.collect::<Vec<_>>())),
        columns,
    )
    .unwrap()
}
