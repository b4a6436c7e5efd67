use std::collections::BTreeSet;
use std::path::Path;

use arrow::array::{Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray};
use polder_core::document::Source;

use super::*;
use crate::table::state::fingerprints;

/// An object with the column `k` of a type.
fn object(column: &str) -> SchemaObject {
    let text = format!(
        "apiVersion: v3.2.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n    \
         physicalName: sales.bronze.t\n    properties:\n      - {{name: k, {column}}}\n"
    );
    let parsed = polder_contract::parse(&Source::new(Path::new("c.odcs.yaml"), text));
    parsed.contract.unwrap().objects.remove(0)
}

fn said(own: &str, other: &str, to: &str) -> Option<String> {
    let found = unlike(&object(own), &["k".to_owned()], &object(other), &[to.to_owned()])?;
    Some(format!(
        "{} {} {} {}",
        found.own, found.own_type, found.other, found.other_type
    ))
}

const INT: &str = "logicalType: integer, physicalType: int";
const BIGINT: &str = "logicalType: integer, physicalType: bigint";
const WHOLE: &str = "logicalType: number, physicalType: 'decimal(10,0)'";
const MONEY: &str = "logicalType: number, physicalType: 'decimal(12,4)'";
const DOUBLE: &str = "logicalType: number, physicalType: double";
const TEXT: &str = "logicalType: string";
const BYTES: &str = "logicalType: string, physicalType: binary";
const DATE: &str = "logicalType: date";
const INSTANT: &str = "logicalType: timestamp";
const LOCAL: &str = "logicalType: timestamp, physicalType: timestamp_ntz";
const FLAG: &str = "logicalType: boolean";

#[test]
fn numbers_compare_whatever_their_width_and_other_values_with_their_own_kind() {
    let kinds: [&[&str]; 6] = [
        &[INT, BIGINT, WHOLE, MONEY],
        &[TEXT],
        &[BYTES],
        &[DATE],
        &[INSTANT],
        &[LOCAL],
    ];
    for (place, kind) in kinds.iter().enumerate() {
        for own in *kind {
            for (other_place, others) in kinds.iter().enumerate() {
                for other in *others {
                    let found = said(own, other, "k");
                    assert_eq!(found.is_none(), place == other_place, "{own} -> {other}: {found:?}");
                }
            }
        }
    }
    // Doubles are whole numbers or none, but no decimal: that would be rounded.
    for (own, other, like) in [
        (DOUBLE, DOUBLE, true),
        (DOUBLE, INT, true),
        (BIGINT, DOUBLE, true),
        (DOUBLE, MONEY, false),
        (MONEY, DOUBLE, false),
        (FLAG, FLAG, true),
        (FLAG, INT, false),
    ] {
        assert_eq!(said(own, other, "k").is_none(), like, "{own} -> {other}");
    }
}

#[test]
fn both_ends_are_named_with_their_types() {
    assert_eq!(said(TEXT, INT, "k").unwrap(), "k string k int");
    assert_eq!(said(DATE, LOCAL, "k").unwrap(), "k date k timestamp_ntz");
    let map = "logicalType: map, map: {key: {logicalType: string}, value: {logicalType: string}}";
    let list = "logicalType: array, items: {logicalType: string}";
    // A row has many of these, and none of those that are not there.
    assert_eq!(said(TEXT, map, "k.key").unwrap(), "k string k.key string");
    assert_eq!(said(TEXT, list, "k").unwrap(), "k string k array<string>");
    assert_eq!(said(TEXT, list, "j"), None);
}

/// The fingerprints of the values of an array, held as another type.
fn held(array: ArrayRef, own: DataType) -> BTreeSet<u128> {
    let held = held_as(&array, &Field::new("k", own, true)).unwrap();
    let (hashes, nulls) = fingerprints(&[held]).unwrap();
    let valid = |row: &usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row));
    (0..hashes.len()).filter(valid).map(|row| hashes[row]).collect()
}

#[test]
fn whole_numbers_are_found_among_decimals_and_doubles_and_nothing_is_rounded_to_them() {
    let own = |values: Vec<i64>| held(Arc::new(Int64Array::from(values)), DataType::Int64);
    let decimals = Decimal128Array::from(vec![
        Some(70_000),
        Some(15_000),
        Some(-30_000),
        None,
        Some(i128::MAX / 2),
    ]);
    let decimals = decimals.with_precision_and_scale(38, 4).unwrap();
    assert_eq!(held(Arc::new(decimals), DataType::Int32), own(vec![7, -3]));
    let doubles = vec![
        7.0,
        -0.0,
        1.5,
        f64::NAN,
        f64::INFINITY,
        9_223_372_036_854_775_808.0,
        -9_223_372_036_854_775_808.0,
    ];
    let doubles: ArrayRef = Arc::new(Float64Array::from(doubles));
    assert_eq!(held(doubles, DataType::Int64), own(vec![7, 0, i64::MIN]));
    let narrow: ArrayRef = Arc::new(Int32Array::from(vec![7, -3]));
    assert_eq!(held(narrow, DataType::Int32), own(vec![7, -3]));
}

#[test]
fn types_that_do_not_compare_are_told_in_the_words_of_contracts() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["7"]));
    let error = held_as(&texts, &Field::new("k", DataType::Int32, true)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`k` is string, and its values cannot be compared with int"
    );
    let list = new_empty_array(&DataType::new_list(DataType::Int32, true));
    let error = fingerprints(&[list]).unwrap_err();
    assert_eq!(error.to_string(), "values of the type array<int> cannot be a key");
}
