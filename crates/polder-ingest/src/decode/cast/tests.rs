//! What fits a type, and what does not.

use arrow::array::{
    Decimal256Array, FixedSizeBinaryArray, Float32Array, Float64Array, Int32Array, Int64Array, ListArray, StringArray,
    StructArray, TimestampMillisecondArray, TimestampNanosecondArray, UnionArray, types,
};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{Fields, Int32Type, UnionFields, i256};
use uuid::Uuid;

use super::*;

fn cast(array: impl Array + 'static, wanted: DataType) -> Cast {
    let array: ArrayRef = Arc::new(array);
    let field = Field::new("x", array.data_type().clone(), true);
    let cast = exact(&array, &field, &wanted).unwrap();
    assert_eq!(cast.array.data_type(), &wanted);
    assert_eq!(cast.array.len(), array.len());
    for (row, _) in &cast.failures {
        assert!(cast.array.is_null(*row));
    }
    cast
}

fn failed(cast: &Cast) -> Vec<usize> {
    cast.failures.iter().map(|(row, _)| *row).collect()
}

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

#[test]
fn a_decimal_loses_no_digit_on_its_way_to_another_scale() {
    let values = Decimal128Array::from(vec![Some(12_340), Some(12_345), None, Some(10_i128.pow(20))]);
    let cast = cast(
        values.with_precision_and_scale(21, 4).unwrap(),
        DataType::Decimal128(12, 3),
    );
    assert_eq!(cast.array.as_primitive::<Decimal128Type>().value(0), 1_234);
    assert_eq!(failed(&cast), [1, 3]);
    assert_eq!(cast.failures[0].1, "`1.2345` is not a decimal(12,3)");
}

#[test]
fn a_decimal_beyond_its_own_precision_does_not_pass() {
    let values = Decimal128Array::from(vec![999, -999, 1000])
        .with_precision_and_scale(3, 1)
        .unwrap();
    let cast = cast(values, DataType::Decimal128(3, 1));
    assert_eq!(failed(&cast), [2]);
    assert_eq!(cast.array.as_primitive::<Decimal128Type>().value(1), -999);
}

#[test]
fn wide_decimals_become_narrow_where_they_fit() {
    let values = Decimal256Array::from(vec![i256::from_i128(5_000), i256::MAX]);
    let cast = cast(
        values.with_precision_and_scale(76, 3).unwrap(),
        DataType::Decimal128(12, 2),
    );
    assert_eq!(cast.array.as_primitive::<Decimal128Type>().value(0), 500);
    assert_eq!(failed(&cast), [1]);
}

#[test]
fn floats_become_the_decimal_that_they_were_written_as() {
    let cast = cast(
        Float64Array::from(vec![2.55, 0.1, 1.0 / 3.0, f64::NAN]),
        DataType::Decimal128(12, 3),
    );
    let decimals = cast.array.as_primitive::<Decimal128Type>();
    assert_eq!((decimals.value(0), decimals.value(1)), (2_550, 100));
    assert_eq!(failed(&cast), [2, 3]);
}

#[test]
fn integers_keep_their_value_in_every_type() {
    let values = vec![Some(1), Some(i64::from(i32::MAX) + 1), None, Some((1 << 53) + 1)];
    assert_eq!(failed(&cast(Int64Array::from(values.clone()), DataType::Int32)), [1, 3]);
    assert_eq!(failed(&cast(Int64Array::from(values.clone()), DataType::Float64)), [3]);
    assert_eq!(
        failed(&cast(Int64Array::from(values), DataType::Decimal128(12, 3))),
        [1, 3]
    );
    assert_eq!(failed(&cast(Float64Array::from(vec![2.0, 2.5]), DataType::Int32)), [1]);
    let text = cast(Int32Array::from(vec![17850]), DataType::Utf8);
    assert_eq!(text.array.as_string::<i32>().value(0), "17850");
}

#[test]
fn instants_are_microseconds_in_utc() {
    let millis = TimestampMillisecondArray::from(vec![1_291_191_960_123]).with_timezone("+00:00");
    let cast_millis = cast(millis, utc());
    assert_eq!(
        cast_millis
            .array
            .as_primitive::<types::TimestampMicrosecondType>()
            .value(0),
        1_291_191_960_123_000
    );
    let nanos = TimestampNanosecondArray::from(vec![1_234_567]).with_timezone("+00:00");
    let cast_nanos = cast(nanos, utc());
    assert_eq!(
        cast_nanos
            .array
            .as_primitive::<types::TimestampMicrosecondType>()
            .value(0),
        1_234
    );
    assert!(cast_nanos.failures.is_empty());
    let beyond = TimestampMillisecondArray::from(vec![i64::MAX]).with_timezone("+00:00");
    assert_eq!(failed(&cast(beyond, utc())), [0]);
}

#[test]
fn a_local_time_is_no_instant() {
    let local = TimestampMillisecondArray::from(vec![Some(0), None]);
    let refused = cast(local, utc());
    assert_eq!(refused.failures, [(0, "a local time is no instant".to_owned())]);
}

#[test]
fn types_that_do_not_match_fail_where_there_is_a_value() {
    let cast = cast(BooleanArray::from(vec![Some(true), None]), DataType::Int32);
    assert_eq!(cast.failures, [(0, "a boolean is not a 32-bit integer".to_owned())]);
}

#[test]
fn records_and_lists_are_cast_by_name_and_by_item() {
    let inner = StructArray::from(vec![
        (
            Arc::new(Field::new("b", DataType::Int64, true)),
            Arc::new(Int64Array::from(vec![1, 1 << 40])) as ArrayRef,
        ),
        (
            Arc::new(Field::new("z", DataType::Int64, true)),
            Arc::new(Int64Array::from(vec![0, 0])) as ArrayRef,
        ),
    ]);
    let wanted = Fields::from(vec![
        Field::new("a", DataType::Utf8, true),
        Field::new("b", DataType::Int32, true),
    ]);
    let record = cast(inner, DataType::Struct(wanted));
    assert_eq!(
        record.failures,
        [(1, "b: `1099511627776` is not a 32-bit integer".to_owned())]
    );
    assert!(record.array.as_struct().column(0).is_null(0));

    let lists = ListArray::from_iter_primitive::<types::Int64Type, _, _>(vec![
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
        Some(vec![Some(2), Some(1 << 40)]),
    ]);
    let list = cast(
        lists,
        DataType::List(Arc::new(Field::new("element", DataType::Int32, true))),
    );
    assert_eq!(
        list.failures,
        [(3, "item 2: `1099511627776` is not a 32-bit integer".to_owned())]
    );
    assert_eq!(
        list.array
            .as_list::<i32>()
            .value(0)
            .as_primitive::<Int32Type>()
            .value(0),
        1
    );
}

#[test]
fn each_branch_of_a_union_is_cast_for_itself() {
    let fields = UnionFields::try_new(
        vec![0, 1],
        vec![
            Field::new("int", DataType::Int32, true),
            Field::new("string", DataType::Utf8, true),
        ],
    );
    let children: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![7])),
        Arc::new(StringArray::from(vec!["8", "x"])),
    ];
    let (ids, offsets) = (ScalarBuffer::from(vec![1_i8, 0, 1]), ScalarBuffer::from(vec![0, 0, 1]));
    let union = UnionArray::try_new(fields.unwrap(), ids, Some(offsets), children).unwrap();
    let cast = cast(union, DataType::Int64);
    assert_eq!(cast.array.as_primitive::<types::Int64Type>().values()[..2], [8, 7]);
    assert_eq!(cast.failures, [(2, "`x` is not a 64-bit integer".to_owned())]);
}

#[test]
fn uuids_become_their_text() {
    let id = Uuid::from_u128(0x1234_5678_9abc_def0_1234_5678_9abc_def0);
    let array: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter([id.as_bytes()].into_iter()).unwrap());
    let field = Field::new("id", array.data_type().clone(), true)
        .with_metadata([("logicalType".to_owned(), "uuid".to_owned())].into());
    let cast = exact(&array, &field, &DataType::Utf8).unwrap();
    assert_eq!(
        cast.array.as_string::<i32>().value(0),
        "12345678-9abc-def0-1234-56789abcdef0"
    );
}

#[test]
fn what_an_engine_computed_is_read_as_exactly_as_what_came() {
    let views = arrow::array::StringViewArray::from(vec![Some("7"), Some("seven"), None]);
    assert_eq!(failed(&cast(views, DataType::Int32)), [1]);
    let beyond = arrow::array::UInt64Array::from(vec![5, u64::MAX]);
    assert_eq!(failed(&cast(beyond, DataType::Int64)), [1]);
    let small = arrow::array::Int16Array::from(vec![-5]);
    assert_eq!(
        cast(small, DataType::Int64)
            .array
            .as_primitive::<types::Int64Type>()
            .value(0),
        -5
    );
}

#[test]
fn single_precision_floats_widen() {
    let cast = cast(Float32Array::from(vec![0.5]), DataType::Float64);
    assert_eq!(cast.array.as_primitive::<types::Float64Type>().value(0), 0.5);
}
