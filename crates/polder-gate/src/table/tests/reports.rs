//! What is in a report, and what is read for it.

use super::*;

#[test]
fn every_declared_rule_is_in_the_report_once() {
    let contract = rich();
    let check = TableCheck::compile(&contract).unwrap();
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let report = report(&check, table(vec![vec![batch(vec![("id", id)])]]), &NoFacts, &NoQueries);
    let names: HashSet<_> = report.results.iter().map(|result| &result.rule).collect();
    assert_eq!(names.len(), report.results.len());
    let declared = contract.rules().unwrap().len();
    assert_eq!(report.results.len(), declared + contract.object().properties.len());
    assert!(matches!(&result(&report, "words").verdict, RuleVerdict::NotRun(why) if why.contains("words")));
    // Columns that the table lacks are columns of nulls.
    assert_eq!(result(&report, "small.required").failing_rows, Some(1));
    assert_eq!(result(&report, "fresh").verdict, RuleVerdict::Failed);
}

#[test]
fn values_that_do_not_fit_break_the_type_and_nothing_else() {
    let contract = contract(
        &[
            "{name: n, logicalType: integer, required: true, logicalTypeOptions: {maximum: 5}, \
            quality: [{metric: nullValues, mustBeLessThan: 1}]}",
            "{name: o, logicalType: object, properties: [{name: q, logicalType: integer, \
            customProperties: [{property: polder.onFailure, value: reject}]}]}",
            "{name: w, logicalType: integer, customProperties: [{property: polder.onFailure, value: warn}]}",
        ],
        &[],
    );
    let check = TableCheck::compile(&contract).unwrap();
    let rows = integers("n", vec![Some(1), Some(i64::MAX), None, Some(6)]);
    let found = report(&check, table(vec![vec![rows]]), &NoFacts, &NoQueries);
    assert_eq!(result(&found, "n.type").failing_rows, Some(1));
    assert_eq!(result(&found, "n.required").failing_rows, Some(1));
    assert_eq!(result(&found, "n.maximum").failing_rows, Some(1));
    // A warning is no way past a type.
    let policies = [
        ("n", OnFailure::Quarantine),
        ("o", OnFailure::Reject),
        ("w", OnFailure::Quarantine),
    ];
    for (column, expected) in policies {
        assert_eq!(
            result(&found, &format!("{column}.type")).on_failure,
            expected,
            "{column}"
        );
    }
    let texts = batch(vec![("n", Arc::new(StringArray::from(vec!["1"])))]);
    let found = report(&check, table(vec![vec![texts]]), &NoFacts, &NoQueries);
    assert_eq!(result(&found, "n.type").verdict, RuleVerdict::Failed);
    assert!(matches!(&result(&found, "n.maximum").verdict, RuleVerdict::NotRun(why) if why.contains("string")));
}

#[test]
fn a_list_column_is_read_only_where_a_rule_needs_it() {
    let all = TableCheck::compile(&rich()).unwrap();
    assert_eq!(
        all.columns(),
        ["id", "small", "code", "price", "ratio", "day", "at", "tags"]
    );
    let sets = TableCheck::of_sets(&rich()).unwrap();
    assert_eq!(sets.columns(), ["id", "small", "code", "at"]);
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    let state = sets.state().push(&batch(vec![("tags", Arc::new(lists))]));
    assert!(state.is_ok(), "columns that no rule reads may have any type");
}
