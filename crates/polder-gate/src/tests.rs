//! Verdicts over whole batches, from contracts as they are written.

mod agreement;
mod digits;
mod inside;
mod maps;
mod oracle;
mod sql;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int32Array,
    Int64Array, ListArray, RecordBatch, StringArray, StringViewArray, StructArray, TimestampMicrosecondArray,
    TimestampNanosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, TimeUnit};
use polder_contract::{ColumnType, DatasetContract, OnFailure, RowCheck, parse};
use polder_core::ErrorKind;
use polder_core::document::Source;
use proptest::prelude::*;

use crate::check::Check;
use crate::{Gate, Verdict, arrow_schema};

/// The contract of `sales.bronze.t` with these properties, each a flow mapping.
fn contract(properties: &[&str]) -> DatasetContract {
    let properties: String = properties
        .iter()
        .map(|property| format!("      - {property}\n"))
        .collect();
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.2.0\nstatus: active\ndomain: sales\n\
         schema:\n  - name: t\n    physicalName: sales.bronze.t\n    properties:\n{properties}"
    );
    let parsed = parse(&Source::new("contracts/sales/t.odcs.yaml", text));
    let contract = parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
    DatasetContract {
        contract: Arc::new(contract),
        object: 0,
    }
}

fn gate(properties: &[&str]) -> Gate {
    Gate::compile(&contract(properties)).unwrap()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

/// Row and rule of each violation.
fn broken(verdict: &Verdict) -> Vec<(usize, &str)> {
    verdict
        .violations
        .iter()
        .map(|violation| (violation.row, violation.rule.as_ref()))
        .collect()
}

/// The first rule by which the whole batch is refused.
fn refusing(verdict: &Verdict) -> Option<&str> {
    let mut violations = verdict.violations.iter();
    let refusing = violations.find(|violation| violation.on_failure == OnFailure::Reject);
    refusing.map(|violation| violation.rule.as_ref())
}

fn accepted(verdict: &Verdict) -> Vec<bool> {
    verdict.accepted.iter().flatten().collect()
}

fn cents(values: Vec<Option<i128>>) -> ArrayRef {
    Arc::new(Decimal128Array::from(values).with_precision_and_scale(12, 2).unwrap())
}

#[test]
fn the_schema_has_a_column_for_every_type_of_contract() {
    let contract = contract(&[
        "{name: a, logicalType: string, required: true}",
        "{name: b, logicalType: integer, physicalType: int}",
        "{name: c, logicalType: integer, physicalType: bigint}",
        "{name: d, logicalType: number, physicalType: 'decimal(12,3)'}",
        "{name: e, logicalType: number, physicalType: double}",
        "{name: f, logicalType: boolean}",
        "{name: g, logicalType: date}",
        "{name: h, logicalType: timestamp}",
        "{name: i, logicalType: object, properties: [{name: x, logicalType: string, required: true}]}",
        "{name: j, logicalType: array, items: {name: item, logicalType: string}}",
    ]);
    let schema = arrow_schema(contract.object()).unwrap();
    let types: Vec<_> = schema.fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(types[0], DataType::Utf8);
    assert_eq!(types[1], DataType::Int32);
    assert_eq!(types[2], DataType::Int64);
    assert_eq!(types[3], DataType::Decimal128(12, 3));
    assert_eq!(types[4], DataType::Float64);
    assert_eq!(types[5], DataType::Boolean);
    assert_eq!(types[6], DataType::Date32);
    assert_eq!(types[7], DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    assert_eq!(
        types[8],
        DataType::Struct(vec![Field::new("x", DataType::Utf8, true)].into())
    );
    assert_eq!(
        types[9],
        DataType::List(Arc::new(Field::new("element", DataType::Utf8, true)))
    );
    assert!(!schema.field(0).is_nullable() && schema.field(1).is_nullable());
}

#[test]
fn a_column_whose_nulls_are_only_warned_of_takes_them() {
    let warn = "customProperties: [{property: polder.onFailure, value: warn}]";
    let contract = contract(&[
        &format!("{{name: a, logicalType: string, required: true, {warn}}}"),
        "{name: b, logicalType: string, required: true}",
    ]);
    let schema = arrow_schema(contract.object()).unwrap();
    assert!(schema.field(0).is_nullable() && !schema.field(1).is_nullable());
}

#[test]
fn required_refuses_null_and_a_missing_column() {
    let gate = gate(&[
        "{name: a, logicalType: string, required: true}",
        "{name: b, logicalType: string, required: true}",
    ]);
    let verdict = gate
        .check(&batch(vec![("a", Arc::new(StringArray::from(vec![Some("x"), None])))]))
        .unwrap();
    assert_eq!(
        broken(&verdict),
        [(0, "b.required"), (1, "a.required"), (1, "b.required")]
    );
    assert_eq!(accepted(&verdict), [false, false]);
}

#[test]
fn null_passes_every_other_rule() {
    let gate = gate(&[
        "{name: a, logicalType: string, logicalTypeOptions: {minLength: 2, maxLength: 3, pattern: '^x'}}",
        "{name: b, logicalType: integer, physicalType: int, logicalTypeOptions: {minimum: 1, maximum: 2, multipleOf: 2}}",
    ]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(StringArray::new_null(2))),
        ("b", Arc::new(Int32Array::new_null(2))),
    ];
    let verdict = gate.check(&batch(columns)).unwrap();
    assert_eq!(accepted(&verdict), [true, true]);
}

#[test]
fn decimals_are_compared_exactly() {
    let gate = gate(&[
        "{name: a, logicalType: number, physicalType: 'decimal(12,2)', logicalTypeOptions: {minimum: 0.1, exclusiveMaximum: 0.3}}",
    ]);
    let values = vec![Some(9), Some(10), Some(29), Some(30), None];
    let verdict = gate.check(&batch(vec![("a", cents(values))])).unwrap();
    assert_eq!(accepted(&verdict), [false, true, true, false, true]);
}

#[test]
fn integers_dates_and_instants_have_bounds() {
    let gate = gate(&[
        "{name: a, logicalType: integer, physicalType: bigint, logicalTypeOptions: {exclusiveMinimum: 0}}",
        "{name: b, logicalType: date, logicalTypeOptions: {minimum: '2000-01-01'}}",
        "{name: c, logicalType: timestamp, logicalTypeOptions: {maximum: '1970-01-01T00:00:01Z'}}",
    ]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(Int64Array::from(vec![0, 1, i64::MAX]))),
        ("b", Arc::new(Date32Array::from(vec![10_956, 10_957, 10_958]))),
        (
            "c",
            Arc::new(TimestampMicrosecondArray::from(vec![1_000_001, 1_000_000, -1]).with_timezone("UTC")),
        ),
    ];
    let verdict = gate.check(&batch(columns)).unwrap();
    assert_eq!(accepted(&verdict), [false, true, true]);
    assert_eq!(
        verdict.violations.iter().filter(|violation| violation.row == 0).count(),
        3
    );
}

#[test]
fn lengths_count_characters_and_patterns_search() {
    let gate =
        gate(&["{name: a, logicalType: string, logicalTypeOptions: {minLength: 2, maxLength: 3, pattern: '[äa]'}}"]);
    let values = StringArray::from(vec!["ä", "ää", "äää", "aaaa", "xyz"]);
    let verdict = gate.check(&batch(vec![("a", Arc::new(values))])).unwrap();
    assert_eq!(accepted(&verdict), [false, true, true, false, false]);
}

#[test]
fn declared_values_are_the_only_ones() {
    let gate = gate(&[
        "{name: a, logicalType: string, quality: [{id: a_known, type: library, metric: invalidValues, arguments: {validValues: [GBP, EUR]}, mustBe: 0}]}",
        "{name: b, logicalType: integer, physicalType: int, quality: [{id: b_known, type: library, metric: invalidValues, arguments: {validValues: [1, 2]}, mustBe: 0}]}",
        "{name: c, logicalType: number, physicalType: 'decimal(12,2)', quality: [{id: c_known, type: library, metric: invalidValues, arguments: {validValues: [0.5]}, mustBe: 0}]}",
    ]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(StringArray::from(vec!["GBP", "gbp", "EUR"]))),
        ("b", Arc::new(Int32Array::from(vec![1, 2, 3]))),
        ("c", cents(vec![Some(50), Some(50), Some(51)])),
    ];
    let verdict = gate.check(&batch(columns)).unwrap();
    assert_eq!(broken(&verdict), [(1, "a_known"), (2, "b_known"), (2, "c_known")]);
}

#[test]
fn a_float_that_is_no_number_keeps_no_bound() {
    let gate =
        gate(&["{name: a, logicalType: number, physicalType: double, logicalTypeOptions: {minimum: 0, maximum: 1}}"]);
    let values = Float64Array::from(vec![0.0, 1.0, -0.1, f64::NAN, f64::INFINITY]);
    let verdict = gate.check(&batch(vec![("a", Arc::new(values))])).unwrap();
    assert_eq!(accepted(&verdict), [true, true, false, false, false]);
}

#[test]
fn multiples_are_exact_in_decimals() {
    let gate = gate(&[
        "{name: a, logicalType: number, physicalType: 'decimal(12,2)', logicalTypeOptions: {multipleOf: 0.05}}",
    ]);
    let verdict = gate
        .check(&batch(vec![("a", cents(vec![Some(0), Some(15), Some(-35), Some(7)]))]))
        .unwrap();
    assert_eq!(accepted(&verdict), [true, true, true, false]);
}

#[test]
fn violations_name_rule_and_value_in_the_contracts_order() {
    let gate = gate(&[
        "{name: a, logicalType: string, required: true}",
        "{name: b, logicalType: integer, physicalType: int, logicalTypeOptions: {minimum: 1}}",
    ]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("b", Arc::new(Int32Array::from(vec![1, -3]))),
        ("_offset", Arc::new(Int64Array::from(vec![7, 8]))),
        ("a", Arc::new(StringArray::from(vec![Some("x"), None]))),
    ];
    let verdict = gate.check(&batch(columns)).unwrap();
    assert_eq!(broken(&verdict), [(1, "a.required"), (1, "b.minimum")]);
    assert_eq!(verdict.violations[0].reason, "a is missing: a value is required");
    assert_eq!(verdict.violations[1].reason, "b is -3: the minimum is 1");
    assert_eq!(verdict.batch.num_columns(), 3);
}

#[test]
fn what_is_required_inside_structs_and_lists_is_checked_where_its_surroundings_are_there() {
    let gate = gate(&[
        "{name: a, logicalType: object, properties: [{name: x, logicalType: string, required: true}]}",
        "{name: l, logicalType: array, items: {name: item, logicalType: object, properties: [{name: y, logicalType: integer, physicalType: int, required: true}]}}",
    ]);
    let fields: Fields = vec![Field::new("x", DataType::Utf8, true)].into();
    let inner: ArrayRef = Arc::new(StringArray::from(vec![Some("v"), None, None]));
    let outer = StructArray::new(fields, vec![inner], Some(NullBuffer::from(vec![true, true, false])));
    let fields: Fields = vec![Field::new("y", DataType::Int32, true)].into();
    let ys: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), Some(2), None, None]));
    let items = StructArray::new(fields.clone(), vec![ys], None);
    let item = Arc::new(Field::new("element", DataType::Struct(fields), true));
    let lists = ListArray::new(item, OffsetBuffer::from_lengths([2, 0, 2]), Arc::new(items), None);
    let verdict = gate
        .check(&batch(vec![("a", Arc::new(outer)), ("l", Arc::new(lists))]))
        .unwrap();
    assert_eq!(broken(&verdict), [(1, "a.x.required"), (2, "l[].y.required")]);
}

#[test]
fn rules_that_nothing_can_run_are_listed_with_why() {
    let gate = gate(&[
        "{name: a, logicalType: string, unique: true, logicalTypeOptions: {format: password, minLength: 1}, quality: [\
         {id: a_odd, type: sql, query: 'SELECT 1', mustBe: 1}, {id: nice, type: text, description: looks nice}]}",
    ]);
    assert_eq!(
        gate.not_run(),
        [
            (
                "a.format",
                "`password` says how a text is to be shown, and any text can be one"
            ),
            ("nice", "a rule in words, for people")
        ]
        .map(|(rule, why)| (rule.to_owned(), why.to_owned()))
    );
    let run: Vec<_> = gate.rules().iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(run, ["a.minLength"]);
}

#[test]
fn what_happens_to_a_row_is_what_its_rule_declares() {
    let on = |word: &str| format!("customProperties: [{{property: polder.onFailure, value: {word}}}]");
    let gate = gate(&[
        &format!(
            "{{name: a, logicalType: integer, logicalTypeOptions: {{minimum: 1}}, {}}}",
            on("warn")
        ),
        "{name: b, logicalType: integer, logicalTypeOptions: {minimum: 1}}",
        &format!(
            "{{name: c, logicalType: integer, logicalTypeOptions: {{minimum: 1}}, {}}}",
            on("reject")
        ),
    ]);
    let column = |values: Vec<i32>| -> ArrayRef { Arc::new(Int32Array::from(values)) };
    let verdict = gate
        .check(&batch(vec![
            ("a", column(vec![0, 0, 1])),
            ("b", column(vec![1, 0, 0])),
            ("c", column(vec![1, 1, 1])),
        ]))
        .unwrap();
    assert_eq!(accepted(&verdict), [true, false, false]);
    assert_eq!(broken(&verdict), [(1, "b.minimum"), (2, "b.minimum")]);
    assert_eq!(verdict.violations[0].on_failure, OnFailure::Quarantine);
    let warned: Vec<_> = verdict
        .warnings
        .iter()
        .map(|warning| (warning.row, warning.rule.as_ref()))
        .collect();
    assert_eq!(warned, [(0, "a.minimum"), (1, "a.minimum")]);
    assert_eq!(refusing(&verdict), None);
    let one = |c: i64| -> Vec<(&str, ArrayRef)> {
        vec![
            ("a", column(vec![1])),
            ("b", column(vec![0])),
            ("c", Arc::new(Int64Array::from(vec![c]))),
        ]
    };
    let refused = gate.check(&batch(one(0))).unwrap();
    assert_eq!(refusing(&refused), Some("c.minimum"));
    let refused = gate.check(&batch(one(1 << 40))).unwrap();
    assert_eq!(refusing(&refused), Some("c.type"));
}

#[test]
fn a_pattern_that_would_take_too_much_memory_is_refused() {
    let pattern = RowCheck::Pattern("(x{1000}){1000}".to_owned());
    assert!(Check::compile(&pattern, &ColumnType::String).is_err());
}

#[test]
fn a_rule_that_makes_no_sense_for_its_column_is_refused() {
    let minimum = RowCheck::Minimum {
        value: "1".to_owned(),
        exclusive: false,
    };
    for (check, column) in [
        (&minimum, ColumnType::String),
        (&minimum, ColumnType::Date),
        (&RowCheck::MinLength(1), ColumnType::Int32),
        (&RowCheck::Pattern("x".to_owned()), ColumnType::Int64),
        (&RowCheck::MultipleOf("0".to_owned()), ColumnType::Int32),
        (&RowCheck::OneOf(vec!["x".to_owned()]), ColumnType::Int32),
    ] {
        assert!(Check::compile(check, &column).is_err(), "{check:?} {column}");
    }
}

#[test]
fn other_encodings_of_the_same_values_are_taken() {
    let gate = gate(&[
        "{name: a, logicalType: string, logicalTypeOptions: {minLength: 2}}",
        "{name: b, logicalType: string}",
        "{name: c, logicalType: integer, physicalType: int}",
        "{name: d, logicalType: number, physicalType: 'decimal(12,2)'}",
        "{name: e, logicalType: timestamp}",
    ]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(StringViewArray::from(vec!["xy", "x"]))),
        (
            "b",
            Arc::new(vec!["u", "v"].into_iter().collect::<DictionaryArray<Int32Type>>()),
        ),
        ("c", Arc::new(Int64Array::from(vec![1, 2]))),
        (
            "d",
            Arc::new(
                Decimal128Array::from(vec![1_500, 2_000])
                    .with_precision_and_scale(38, 3)
                    .unwrap(),
            ),
        ),
        (
            "e",
            Arc::new(TimestampNanosecondArray::from(vec![1_000, 2_000]).with_timezone("+00:00")),
        ),
    ];
    let verdict = gate.check(&batch(columns)).unwrap();
    assert_eq!(broken(&verdict), [(1, "a.minLength")]);
    assert_eq!(
        verdict.batch.column(3).as_ref(),
        cents(vec![Some(150), Some(200)]).as_ref()
    );
    let types: Vec<_> = verdict
        .batch
        .schema()
        .fields()
        .iter()
        .map(|field| field.data_type().clone())
        .collect();
    let wanted: Vec<_> = gate
        .schema()
        .fields()
        .iter()
        .map(|field| field.data_type().clone())
        .collect();
    assert_eq!(types, wanted);
}

#[test]
fn a_value_that_its_type_cannot_hold_is_a_violation_and_never_rounded() {
    let gate = gate(&[
        "{name: c, logicalType: integer, physicalType: int, required: true}",
        "{name: d, logicalType: number, physicalType: 'decimal(12,2)'}",
    ]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("c", Arc::new(Int64Array::from(vec![1 << 31, 2]))),
        (
            "d",
            Arc::new(
                Decimal128Array::from(vec![1_500, 2_005])
                    .with_precision_and_scale(38, 3)
                    .unwrap(),
            ),
        ),
    ];
    let verdict = gate.check(&batch(columns)).unwrap();
    assert_eq!(broken(&verdict), [(0, "c.type"), (1, "d.type")]);
    assert!(
        verdict.violations[1].reason.starts_with("d is 2.005: "),
        "{}",
        verdict.violations[1].reason
    );
}

#[test]
fn types_that_need_a_decision_are_refused() {
    let decimal = gate(&["{name: a, logicalType: number, physicalType: 'decimal(12,2)'}"]);
    let error = decimal
        .check(&batch(vec![("a", Arc::new(Float64Array::from(vec![0.1])))]))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Document);
    let instant = gate(&["{name: a, logicalType: timestamp}"]);
    assert!(
        instant
            .check(&batch(vec![("a", Arc::new(TimestampMicrosecondArray::from(vec![1])))]))
            .is_err()
    );
    let text = gate(&["{name: a, logicalType: string}"]);
    assert!(
        text.check(&batch(vec![("a", Arc::new(BinaryArray::from(vec![b"x".as_slice()])))]))
            .is_err()
    );
    assert!(
        text.check(&batch(vec![("a", Arc::new(BooleanArray::from(vec![true])))]))
            .is_err()
    );
}

proptest! {
    /// The gate's integers against the two numbers brought to one scale.
    #[test]
    fn bounds_of_any_scale_agree_with_exact_arithmetic(
        value in -2_000i128..2_000,
        bound in -2_000_000i128..2_000_000,
        scale in 0u32..6,
        exclusive: bool,
    ) {
        let sign = if bound < 0 { "-" } else { "" };
        let digits = format!("{:0>7}", bound.abs());
        let (whole, fraction) = digits.split_at(7 - scale as usize);
        let text = format!("{sign}{whole}.{fraction}0");
        let key = |name: &str| if exclusive { format!("exclusive{name}") } else { name.to_lowercase() };
        let property = format!(
            "{{name: a, logicalType: number, physicalType: 'decimal(12,2)', logicalTypeOptions: {{{}: {text}}}}}",
            key("Minimum"),
        );
        let verdict = gate(&[&property]).check(&batch(vec![("a", cents(vec![Some(value)]))])).unwrap();
        let (left, right) = (value * 10_i128.pow(4), bound * 10_i128.pow(6 - scale));
        let keeps = if exclusive { left > right } else { left >= right };
        prop_assert_eq!(accepted(&verdict), [keeps]);
    }
}
