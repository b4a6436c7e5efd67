//! Values of samples are read as a stream of JSON would read them.

use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type, TimestampMicrosecondType};

use super::*;

fn contract(samples: &str) -> DatasetContract {
    let text = format!(
        "apiVersion: v3.1.0
kind: DataContract
id: shop.silver.values
version: 1.0.0
status: active
schema:
  - name: values
    physicalName: shop.silver.values
    properties:
      - {{name: n, logicalType: integer, physicalType: int}}
      - {{name: a, logicalType: number, physicalType: 'decimal(9,2)'}}
      - {{name: f, logicalType: number, physicalType: double, logicalTypeOptions: {{minimum: 0}}}}
      - {{name: b, logicalType: boolean}}
      - {{name: at, logicalType: timestamp}}
      - {{name: m, logicalType: map, map: {{key: {{logicalType: integer}}, value: {{logicalType: integer}}}}}}
    customProperties:
      - property: polder.samples
        value:
{samples}
"
    );
    let source = Source::new("contracts/shop/values.odcs.yaml", text);
    let (set, problems) = ContractSet::load([("shop".to_owned(), source)]);
    assert!(problems.is_empty(), "{problems:?}");
    set.iter().next().unwrap().clone()
}

async fn results(samples: &str) -> (Vec<(String, SampleVerdict)>, Vec<Diagnostic>) {
    let contract = contract(samples);
    let (samples, problems) = Samples::of_contract(&contract);
    assert_eq!(problems, []);
    let (results, problems) = prove(&contract, &samples.unwrap(), &NoQueries).await.unwrap();
    let results = results.into_iter().map(|result| (result.rule, result.verdict));
    (results.collect(), problems)
}

#[test]
fn what_a_stream_takes_a_sample_takes() {
    let contract = contract(
        "          good:
            - {n: 1.0, a: 1e2, f: '6.5', b: 'true', at: '2026-01-02T03:04:05.1234567Z', m: {'1': 1.0, +2: '2'}}
            - {n: '7', a: '+1.50', f: -.inf, b: false, at: 2026-01-02 03:04:05}",
    );
    let (samples, problems) = Samples::of_contract(&contract);
    assert_eq!(problems, []);
    let mut problems = Vec::new();
    let rows = Rows::new(&contract).unwrap();
    let batch = rows.batch(&samples.unwrap().good, &mut problems).unwrap();
    assert_eq!(problems, []);
    let batch = batch.unwrap();
    let column = |name: &str| batch.column_by_name(name).unwrap();
    assert_eq!(column("n").as_primitive::<Int32Type>().values(), &[1, 7]);
    assert_eq!(column("a").as_primitive::<Decimal128Type>().values(), &[10_000, 150]);
    assert_eq!(
        column("f").as_primitive::<Float64Type>().values(),
        &[6.5, f64::NEG_INFINITY]
    );
    let booleans: Vec<_> = column("b").as_boolean().iter().collect();
    assert_eq!(booleans, [Some(true), Some(false)]);
    // Seconds from `date -u -d 2026-01-02T03:04:05Z +%s`; what is finer than a microsecond is cut.
    let second = 1_767_323_045_000_000;
    let instants = column("at").as_primitive::<TimestampMicrosecondType>();
    assert_eq!(instants.values(), &[second + 123_456, second]);
    assert_eq!(
        column("m").as_map().keys().as_primitive::<Int32Type>().values(),
        &[1, 2]
    );
}

#[tokio::test]
async fn what_a_stream_refuses_a_sample_may_not_say() {
    for (row, said) in [
        (
            "{f: 1e400}",
            "`f` of a sample row: `1e400` is not a floating-point number",
        ),
        ("{n: 1.5}", "`n` of a sample row: `1.5` is not a 32-bit integer"),
        ("{n: 0x1F}", "`n` of a sample row: `0x1F` is not a 32-bit integer"),
        ("{n: .nan}", "`n` of a sample row: `.nan` is not a 32-bit integer"),
        ("{b: 1}", "`b` of a sample row: `1` is not a boolean"),
        ("{a: [1]}", "`a` of a sample row: a list is not a decimal(9,2)"),
        (
            "{m: {1: 1, x: 2}}",
            "`m` of a sample row: key 2: `x` is not a 32-bit integer",
        ),
        // Two keys as text, and one as a number.
        (
            "{m: {1: 1, '01': 2}}",
            "`m` of a sample row: the key `1` is there twice",
        ),
    ] {
        let (found, problems) = results(&format!("          good: [{row}]")).await;
        assert!(found.is_empty(), "{row}: {found:?}");
        let said_of: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(said_of, [said]);
        assert!(problems[0].span.is_some());
    }
}

#[tokio::test]
async fn a_number_that_is_none_shows_what_a_bound_refuses() {
    let samples = "          good: [{f: 0}]
          bad: [{rule: f.minimum, row: {f: .nan}}, {rule: f.minimum, row: {f: -.inf}}]";
    let (found, problems) = results(samples).await;
    assert_eq!(problems, []);
    assert_eq!(found, [("f.minimum".to_owned(), SampleVerdict::Proven)]);
}
