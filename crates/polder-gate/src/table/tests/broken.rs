//! The rows that are shown are those that were counted.

use super::*;
use crate::table::BrokenRows;

/// The rows of these batches that break rules about the table, each with its rule and reason.
fn shown(
    check: &TableCheck,
    batches: &[RecordBatch],
    report: &TableReport,
    queries: &dyn Queries,
) -> Vec<(String, usize, String)> {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let table = table(vec![batches.to_vec()]);
    let mut broken = runtime
        .block_on(BrokenRows::of(check, &table, report, queries))
        .unwrap();
    let mut found = Vec::new();
    let mut before = 0;
    for batch in batches {
        let rows = broken.find(batch).unwrap().into_iter();
        found.extend(rows.map(|row| (row.rule.to_string(), before + row.row, row.reason)));
        before += batch.num_rows();
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn as_many_rows_are_found_as_were_counted(rows in rows(), size in 1usize..12) {
        let contract = rich();
        let check = TableCheck::compile(&contract).unwrap();
        let report = report(&check, table(pieces(&rows, size)), &NoFacts, &NoQueries);
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for (rule, ..) in shown(&check, &pieces(&rows, size).concat(), &report, &NoQueries) {
            *found.entry(rule).or_default() += 1;
        }
        let gate = Gate::compile(&contract).unwrap();
        let of_sets = report.results.iter().filter(|result| {
            let of_rows = gate.rules().iter().any(|rule| rule.id == result.rule);
            !of_rows && !result.rule.ends_with(".type") && result.failing_rows > Some(0) && result.verdict != RuleVerdict::Passed
        });
        let expected: BTreeMap<_, _> =
            of_sets.map(|result| (result.rule.clone(), result.failing_rows.unwrap_or_default())).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn the_first_row_of_a_key_stays_and_the_values_are_named() {
    let contract = contract(
        &[
            "{name: id, logicalType: integer, physicalType: bigint, primaryKey: true, primaryKeyPosition: 1}",
            "{name: day, logicalType: string, primaryKey: true, primaryKeyPosition: 2}",
        ],
        &[],
    );
    let check = TableCheck::compile(&contract).unwrap();
    let rows = batch(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 1, 1, 2]))),
        (
            "day",
            Arc::new(StringArray::from(vec![
                Some("a"),
                Some("a"),
                Some("b"),
                Some("a"),
                None,
            ])),
        ),
    ]);
    let report = report(&check, table(vec![vec![rows.clone()]]), &NoFacts, &NoQueries);
    let expected = (
        "primaryKey".to_owned(),
        3,
        "id is 1 and day is a: no duplicates of id, day".to_owned(),
    );
    assert_eq!(shown(&check, &[rows], &report, &NoQueries), [expected]);
}

#[test]
fn rows_without_a_match_are_found() {
    let contract = contract(
        &["{name: id, logicalType: integer, physicalType: bigint, relationships: [{to: sales.bronze.orders.number}]}"],
        &[],
    );
    let check = TableCheck::compile(&contract).unwrap();
    let lines = integers("id", vec![Some(1), Some(2), Some(2), None, Some(3)]);
    let orders = batch(vec![("number", Arc::new(Int32Array::from(vec![Some(1), Some(3)])))]);
    let told = Told {
        tables: BTreeMap::from([("sales.bronze.orders".parse().unwrap(), table(vec![vec![orders]]))]),
        ..Told::default()
    };
    let report = report(&check, table(vec![vec![lines.clone()]]), &NoFacts, &told);
    let found = shown(&check, &[lines], &report, &told);
    let rows: Vec<_> = found.iter().map(|(_, row, _)| *row).collect();
    assert_eq!(rows, [1, 2]);
    assert_eq!(
        found[0].2,
        "id is 2: no rows without a match in number of sales.bronze.orders"
    );
}
