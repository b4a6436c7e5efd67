//! Rules about values inside others.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Int32Array, Int64Array, Int64Builder, ListArray, MapBuilder, RecordBatch, StringBuilder,
    StringViewBuilder, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field};
use arrow::json::ReaderBuilder;
use serde_json::Value;

use super::{broken, gate, refusing};
use crate::{Gate, Verdict};

/// Rows of a gate's columns, from JSON.
pub(super) fn rows(gate: &Gate, rows: &[Value]) -> RecordBatch {
    let fields: Vec<_> = gate
        .schema()
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true))
        .collect();
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    let mut reader = ReaderBuilder::new(Arc::clone(&schema))
        .with_batch_size(rows.len().max(1))
        .build(Cursor::new(lines.join("\n")))
        .unwrap();
    reader
        .next()
        .map_or_else(|| RecordBatch::new_empty(schema), Result::unwrap)
}

fn verdict(gate: &Gate, json: &str) -> Verdict {
    let Value::Array(list) = serde_json::from_str(json).unwrap() else {
        panic!("{json}")
    };
    gate.check(&rows(gate, &list)).unwrap()
}

#[test]
fn items_fields_keys_and_values_are_judged_where_they_lie() {
    let gate = gate(&[
        "{name: tags, logicalType: array, logicalTypeOptions: {minItems: 1, maxItems: 2, uniqueItems: true}, \
         items: {logicalType: string, logicalTypeOptions: {maxLength: 2}}}",
        "{name: address, logicalType: object, logicalTypeOptions: {minProperties: 1, required: [city]}, \
         properties: [{name: city, logicalType: string, enum: [{value: Bonn}]}, {name: zip, logicalType: string, logicalTypeOptions: {pattern: '^[0-9]+$'}}]}",
        "{name: prices, logicalType: map, map: {key: {logicalType: string, logicalTypeOptions: {minLength: 2}}, \
         value: {logicalType: integer, logicalTypeOptions: {minimum: 0}}}}",
    ]);
    let verdict = verdict(
        &gate,
        r#"[
            {"tags": ["a", "bb"], "address": {"city": "Bonn", "zip": "53111"}, "prices": {"ab": 0}},
            {"tags": [], "address": {"zip": "x"}, "prices": {"a": -1, "bc": 3}},
            {"tags": ["a", "a", "ccc"], "address": {"city": "Rom"}, "prices": {}},
            {"tags": [null, null], "address": {}, "prices": {"ab": null}},
            {},
            {"address": {"city": "Bonn", "zip": ""}}
        ]"#,
    );
    assert_eq!(
        broken(&verdict),
        [
            (1, "tags.minItems"),
            (1, "address.requiredProperties"),
            (1, "address.zip.pattern"),
            (1, "prices.key.minLength"),
            (1, "prices.value.minimum"),
            (2, "tags.maxItems"),
            (2, "tags.uniqueItems"),
            (2, "tags[].maxLength"),
            (2, "address.city.enum"),
            (3, "tags.uniqueItems"),
            (3, "address.minProperties"),
            (3, "address.requiredProperties"),
            (5, "address.zip.pattern"),
        ]
    );
    let reasons: Vec<_> = verdict
        .violations
        .iter()
        .map(|violation| violation.reason.as_str())
        .collect();
    assert_eq!(reasons[0], "tags: it must have at least 1 item");
    assert_eq!(reasons[2], "address.zip is x: it must match ^[0-9]+$");
    assert_eq!(reasons[4], "prices.value is -1: the minimum is 0");
    assert_eq!(reasons[7], "tags[] is ccc: it must have at most 2 characters");
    assert_eq!(reasons[12], "address.zip is \"\": it must match ^[0-9]+$");
}

#[test]
fn slices_of_batches_are_judged_as_the_whole_is() {
    let gate = gate(&[
        "{name: l, logicalType: array, items: {logicalType: array, items: {logicalType: object, properties: \
         [{name: x, logicalType: integer, required: true, logicalTypeOptions: {maximum: 3}}]}}}",
    ]);
    let list: Vec<Value> = serde_json::from_str(
        r#"[{"l": [[{"x": 1}], []]}, {"l": null}, {"l": [[{"x": 4}, {"x": 5}], null, [{}]]}, {"l": []}, {"l": [[{"x": 3}, {"x": 9}]]}]"#,
    )
    .unwrap();
    let whole = rows(&gate, &list);
    let all = gate.check(&whole).unwrap();
    assert_eq!(
        broken(&all),
        [(2, "l[][].x.required"), (2, "l[][].x.maximum"), (4, "l[][].x.maximum")]
    );
    for start in 0..list.len() {
        for length in 1..=list.len() - start {
            let part = gate.check(&whole.slice(start, length)).unwrap();
            let found: Vec<_> = broken(&part)
                .into_iter()
                .map(|(row, rule)| (row + start, rule))
                .collect();
            let expected: Vec<_> = broken(&all)
                .into_iter()
                .filter(|(row, _)| (start..start + length).contains(row))
                .collect();
            assert_eq!(found, expected, "{start} {length}");
        }
    }
}

#[test]
fn long_lists_are_compared_too() {
    let gate = gate(&[
        "{name: l, logicalType: array, items: {logicalType: integer}, logicalTypeOptions: {uniqueItems: true}}",
    ]);
    let distinct: Vec<i32> = (0..1_000).rev().collect();
    let mut twice = distinct.clone();
    twice[990] = twice[3];
    let list = [serde_json::json!({"l": distinct}), serde_json::json!({"l": twice})];
    let verdict = gate.check(&rows(&gate, &list)).unwrap();
    assert_eq!(broken(&verdict), [(1, "l.uniqueItems")]);
}

#[test]
fn items_are_the_same_as_keys_are() {
    let gate = gate(&[
        "{name: l, logicalType: array, items: {logicalType: number}, logicalTypeOptions: {uniqueItems: true}}",
        "{name: deep, logicalType: array, logicalTypeOptions: {uniqueItems: true}, items: {logicalType: object, \
         properties: [{name: x, logicalType: number}, {name: y, logicalType: string}]}}",
    ]);
    let list = serde_json::json!([
        {"l": [0.0, -0.0], "deep": []},
        {"l": [0.0, 0.5, -0.5], "deep": []},
        {"l": [], "deep": [{"x": -0.0, "y": "a"}, {"x": 0.0, "y": "b"}]},
        {"l": [], "deep": [{"x": -0.0, "y": "a"}, {"x": 0.0, "y": "a"}]},
    ]);
    let all = rows(&gate, list.as_array().unwrap());
    assert_eq!(
        broken(&gate.check(&all).unwrap()),
        [(0, "l.uniqueItems"), (3, "deep.uniqueItems")]
    );
    // A part of a batch, as readers hand it over.
    assert_eq!(
        broken(&gate.check(&all.slice(2, 2)).unwrap()),
        [(1, "deep.uniqueItems")]
    );
}

#[test]
fn a_column_that_is_not_there_counts_as_nulls() {
    let gate = gate(&[
        "{name: a, logicalType: string, required: true}",
        "{name: b, logicalType: string, quality: [{metric: missingValues, mustBe: 0, arguments: {missingValues: ['']}}]}",
        "{name: o, logicalType: object, properties: [{name: x, logicalType: string, required: true}]}",
        "{name: l, logicalType: array, items: {logicalType: string}, logicalTypeOptions: {minItems: 1}}",
    ]);
    let column: ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["x"]));
    let verdict = gate.check(&super::batch(vec![("a", column)])).unwrap();
    assert_eq!(broken(&verdict), [(0, "b.missingValues")]);
    assert_eq!(
        verdict.violations[0].reason,
        "b is missing: a value is required, and \"\" is none"
    );
}

#[test]
fn maps_of_other_makers_are_taken() {
    let gate = gate(&[
        "{name: m, logicalType: map, map: {key: {logicalType: string}, value: {logicalType: integer, logicalTypeOptions: {minimum: 1}}}}",
    ]);
    let mut map = MapBuilder::new(None, StringViewBuilder::new(), Int64Builder::new());
    for value in [1, 0, 1 << 40] {
        map.keys().append_value("a");
        map.values().append_value(value);
        map.append(true).unwrap();
    }
    map.append(false).unwrap();
    let map: ArrayRef = Arc::new(map.finish());
    assert_ne!(map.data_type(), gate.schema().field(0).data_type());
    let verdict = gate.check(&super::batch(vec![("m", map)])).unwrap();
    assert_eq!(broken(&verdict), [(1, "m.value.minimum"), (2, "m.type")]);
    assert_eq!(verdict.batch.column(0).data_type(), gate.schema().field(0).data_type());
}

#[test]
fn what_lies_behind_a_null_is_not_looked_at() {
    let gate = gate(&[
        "{name: l, logicalType: array, logicalTypeOptions: {maxItems: 1, uniqueItems: true}, items: {logicalType: integer, required: true, logicalTypeOptions: {minimum: 1}}}",
    ]);
    let item = Arc::new(Field::new("element", DataType::Int32, true));
    let values: ArrayRef = Arc::new(Int32Array::from(vec![Some(0), None, Some(0), Some(1), Some(0)]));
    let nulls = NullBuffer::from(vec![false, true, true]);
    let list: ArrayRef = Arc::new(ListArray::new(
        item,
        OffsetBuffer::from_lengths([3, 1, 1]),
        values,
        Some(nulls),
    ));
    let verdict = gate.check(&super::batch(vec![("l", list)])).unwrap();
    assert_eq!(broken(&verdict), [(2, "l[].minimum")]);
}

#[test]
fn what_is_declared_inside_of_a_column_counts_where_a_value_of_it_does_not_fit() {
    let on = |word: &str| format!("customProperties: [{{property: polder.onFailure, value: {word}}}]");
    let (reject, warn, quarantine) = (on("reject"), on("warn"), on("quarantine"));
    let int = "logicalType: integer, physicalType: int";
    let past_int = || -> ArrayRef { Arc::new(Int64Array::from(vec![1, 1 << 31])) };
    let object = |more: &str| {
        format!("{{name: c, logicalType: object, {more} properties: [{{name: q, {int}}}, {{name: r, {int}")
    };
    // `q` does not fit; what its neighbour says counts too, for a column is one rule.
    let fields = |names: [&str; 2]| -> ArrayRef {
        let columns = names.map(|name| {
            let field = Arc::new(Field::new(name, DataType::Int64, true));
            let column: ArrayRef = match name {
                "q" => past_int(),
                _ => Arc::new(Int64Array::from(vec![1, 1])),
            };
            (field, column)
        });
        Arc::new(StructArray::from(Vec::from(columns)))
    };
    let list: ArrayRef = Arc::new(ListArray::new(
        Arc::new(Field::new_list_field(DataType::Int64, true)),
        OffsetBuffer::from_lengths([1, 1]),
        past_int(),
        None,
    ));
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for value in [1, 1 << 31] {
        map.keys().append_value("k");
        map.values().append_value(value);
        map.append(true).unwrap();
    }
    let map: ArrayRef = Arc::new(map.finish());
    let refused = Some("c.type");
    for (column, values, expected) in [
        (format!("{}}}]}}", object("")), fields(["q", "r"]), None),
        (format!("{}, {warn}}}]}}", object("")), fields(["q", "r"]), None),
        (format!("{}, {reject}}}]}}", object("")), fields(["q", "r"]), refused),
        (
            format!("{}}}]}}", object(&format!("{reject},"))),
            fields(["q", "r"]),
            refused,
        ),
        (
            format!("{}, {quarantine}}}]}}", object(&format!("{reject},"))),
            fields(["q", "r"]),
            refused,
        ),
        (
            format!("{}, {reject}}}]}}", object(&format!("{warn},"))),
            fields(["q", "r"]),
            refused,
        ),
        (
            format!("{{name: c, logicalType: array, items: {{{int}, {reject}}}}}"),
            Arc::clone(&list),
            refused,
        ),
        (format!("{{name: c, logicalType: array, items: {{{int}}}}}"), list, None),
        (
            format!("{{name: c, logicalType: map, map: {{key: {{logicalType: string}}, value: {{{int}, {reject}}}}}}}"),
            Arc::clone(&map),
            refused,
        ),
        (
            format!("{{name: c, logicalType: map, map: {{key: {{logicalType: string, {reject}}}, value: {{{int}}}}}}}"),
            map,
            refused,
        ),
    ] {
        let verdict = gate(&[&column]).check(&super::batch(vec![("c", values)])).unwrap();
        assert_eq!(broken(&verdict), [(1, "c.type")], "{column}");
        assert_eq!(refusing(&verdict), expected, "{column}");
    }
}
