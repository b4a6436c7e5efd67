//! Decimals of a digit more than their type has fit none, whoever looks at them.

use arrow::array::Decimal128Array;
use chrono::Utc;
use datafusion::datasource::MemTable;

use super::*;
use crate::table::{NoFacts, NoQueries, RuleVerdict, TableCheck, check_table};

#[tokio::test]
async fn the_gate_and_a_table_check_refuse_a_decimal_of_39_digits() {
    let contract = contract(&[
        "{name: x, logicalType: number, physicalType: 'decimal(38,0)', required: true, \
         logicalTypeOptions: {minimum: 1}}",
    ]);
    let most = 99_999_999_999_999_999_999_999_999_999_999_999_999_i128;
    let values = Decimal128Array::from(vec![Some(most), Some(most + 1), Some(1), Some(-most - 1)]);
    let rows = batch(vec![("x", Arc::new(values.with_precision_and_scale(38, 0).unwrap()))]);
    let verdict = Gate::compile(&contract).unwrap().check(&rows).unwrap();
    assert_eq!(broken(&verdict), [(1, "x.type"), (3, "x.type")]);
    let long = "x: 100000000000000000000000000000000000000 has more digits than decimal(38,0)";
    assert_eq!(verdict.violations[0].reason, long);
    assert!(verdict.batch.column(0).is_null(1) && verdict.batch.column(0).is_valid(0));

    let check = TableCheck::compile(&contract).unwrap();
    let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap();
    let report = check_table(&check, Arc::new(table), &NoFacts, &NoQueries, Utc::now())
        .await
        .unwrap();
    let failing = |rule: &str| {
        let result = report.results.iter().find(|result| result.rule == rule).unwrap();
        (result.verdict == RuleVerdict::Failed, result.failing_rows)
    };
    assert_eq!(failing("x.type"), (true, Some(2)));
    // It breaks its type, and nothing else.
    assert_eq!(failing("x.required"), (false, Some(0)));
    assert_eq!(failing("x.minimum"), (false, Some(0)));
}
