//! Records in JSON, and what becomes of them.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Decimal128Type, Field, Fields, Int32Type, TimestampMicrosecondType};

use super::*;
use crate::chunk::{Head, Lane};

fn chunk(lines: &[&str]) -> Chunk {
    let lane = Arc::new(Lane {
        topic: "t".into(),
        partition: 0,
        progress: "stream/a.b/t/0".to_owned(),
    });
    let mut chunk = Chunk::default();
    for (offset, line) in lines.iter().enumerate() {
        let head = Head {
            lane: &lane,
            offset: offset as i64,
            timestamp: None,
            schema_header: None,
        };
        chunk.push(head, None, Some(line.as_bytes()));
    }
    chunk
}

fn decode(columns: Vec<Field>, payload: Option<&str>, event_time: Option<&str>, lines: &[&str]) -> Decoded {
    let target = Target {
        columns: Fields::from(columns),
        payload: payload.map(str::to_owned),
        event_time: event_time.map(str::to_owned),
    };
    let mut decoded = Decoded::default();
    JsonDecoder::new(target)
        .decode(&chunk(lines), (0..lines.len()).collect(), &mut decoded)
        .unwrap();
    decoded
}

#[test]
fn money_keeps_its_digits_however_it_is_written() {
    let lines = [
        r#"{"price": 2.550}"#,
        r#"{"price": "2.55"}"#,
        r#"{"price": 0.1}"#,
        r#"{"price": 2.5501}"#,
        "{}",
    ];
    let decoded = decode(
        vec![Field::new("price", DataType::Decimal128(12, 3), true)],
        None,
        None,
        &lines,
    );
    let part = &decoded.parts[0];
    assert_eq!(part.records, [0, 1, 2, 4]);
    let prices = part.columns[0].as_primitive::<Decimal128Type>();
    assert_eq!(
        prices.iter().collect::<Vec<_>>(),
        [Some(2_550), Some(2_550), Some(100), None]
    );
    assert_eq!(decoded.refused[0].record, 3);
    assert_eq!(decoded.refused[0].rule, "price.type");
    assert_eq!(decoded.refused[0].reason, "price.type: `2.5501` is not a decimal(12,3)");
}

#[test]
fn the_payload_s_fields_become_columns_and_the_envelope_stays_beside_them() {
    let line = r#"{"id": "e1", "timestamp": "2010-12-01T08:26:00Z", "payload": {"quantity": 6, "timestamp": 7}}"#;
    let columns = vec![
        Field::new("quantity", DataType::Int32, true),
        Field::new("id", DataType::Utf8, true),
    ];
    let decoded = decode(columns, Some("payload"), Some("timestamp"), &[line]);
    let part = &decoded.parts[0];
    assert_eq!(part.columns[0].as_primitive::<Int32Type>().value(0), 6);
    assert_eq!(part.columns[1].as_string::<i32>().value(0), "e1");
    let time = part
        .event_time
        .as_ref()
        .unwrap()
        .as_primitive::<TimestampMicrosecondType>()
        .value(0);
    assert_eq!(time, 1_291_191_960_000_000);
}

#[test]
fn what_is_no_object_is_refused_whole() {
    let lines = [
        "",
        "{",
        "[1]",
        "nonsense",
        r#"{"payload": 1}"#,
        "{}",
        r#"{"payload": null}"#,
        r#"{"payload": {"a": 1, "a": 2000}}"#,
    ];
    let decoded = decode(
        vec![Field::new("a", DataType::Int32, true)],
        Some("payload"),
        None,
        &lines,
    );
    let refused: Vec<_> = decoded
        .refused
        .iter()
        .map(|refused| (refused.record, refused.rule.as_str()))
        .collect();
    assert_eq!(
        refused,
        [
            (0, "format.json"),
            (1, "format.json"),
            (2, "format.json"),
            (3, "format.json"),
            (4, "payload.type"),
            (5, "payload.type"),
            (7, "format.json")
        ]
    );
    assert!(
        decoded.refused[6].reason.contains("`a` is there twice"),
        "{:?}",
        decoded.refused
    );
    assert_eq!(decoded.parts[0].records, [6]);
}

#[test]
fn fields_that_nobody_reads_are_counted() {
    let a = || vec![Field::new("a", DataType::Int32, true)];
    let told = |payload, event_time, lines: &[&str]| {
        let unnamed = decode(a(), payload, event_time, lines).unnamed;
        (unnamed.records(), unnamed.says())
    };
    let lines = [
        r#"{"a": 1, "b": 2, "c": {"d": 1}}"#,
        r#"{"a": 1, "c": 3}"#,
        r#"{"a": 1, "b": null}"#,
    ];
    let (records, says) = told(None, None, &lines);
    assert_eq!(
        (records, says.unwrap()),
        (2, "the contract does not have: b, c (2 records)".to_owned())
    );
    // An envelope is no field of the rows, and an event time is read.
    let lines = [r#"{"id": "e1", "payload": {"a": 6, "at": "2026-01-01T00:00:00Z"}}"#];
    assert_eq!(told(Some("payload"), Some("at"), &lines), (0, None));
}

#[test]
fn fields_inside_of_columns_that_nobody_reads_are_told_with_their_way() {
    let o = DataType::Struct(vec![Field::new("a", DataType::Int32, true)].into());
    let columns = || {
        vec![
            Field::new("o", o.clone(), true),
            Field::new(
                "l",
                DataType::List(Arc::new(Field::new("element", o.clone(), true))),
                true,
            ),
        ]
    };
    let lines = [
        r#"{"p": {"o": {"a": 1, "at": "2026-01-01T00:00:00Z"}, "l": [{"a": 1}, {"b": 1, "c": 1}, {"b": 2}]}}"#,
        r#"{"p": {"o": {"a": 1, "at": "2026-01-01T00:00:00Z", "b": null}, "l": []}}"#,
        r#"{"p": {"o": {"a": "one", "x": 1, "at": "2026-01-01T00:00:00Z"}, "z": 1}}"#,
    ];
    // The event time is read, although the column does not have it; a row that is refused counts as well.
    let decoded = decode(columns(), Some("p"), Some("o.at"), &lines);
    assert_eq!(decoded.refused.len(), 1);
    let says = decoded.unnamed.says().unwrap();
    assert_eq!(says, "the contract does not have: l[].b, l[].c, o.x, z (2 records)");
    let decoded = decode(columns(), Some("p"), None, &lines[1..2]);
    assert_eq!(
        decoded.unnamed.says().unwrap(),
        "the contract does not have: o.at (1 record)"
    );
}

#[test]
fn objects_are_maps_where_the_contract_says_so() {
    let sides = vec![
        Field::new("key", DataType::Int32, false),
        Field::new("value", DataType::Utf8, true),
    ];
    let entries = Arc::new(Field::new("key_value", DataType::Struct(sides.into()), false));
    let columns = vec![Field::new("m", DataType::Map(entries, false), true)];
    let lines = [
        r#"{"m": {"1": "a", "2": null}}"#,
        r#"{"m": {"1": "a", "x": "b"}}"#,
        r#"{"m": {"1": {}}}"#,
        r#"{"m": [1]}"#,
        r#"{"m": {}}"#,
        r#"{"m": null}"#,
    ];
    let decoded = decode(columns, None, None, &lines);
    let reasons: Vec<_> = decoded.refused.iter().map(|refused| refused.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "m.type: key 2: `x` is not a 32-bit integer",
            "m.type: value 1: an object is not text",
            "m.type: a list is not a map"
        ]
    );
    let part = &decoded.parts[0];
    assert_eq!(part.records, [0, 4, 5]);
    let map = part.columns[0].as_map();
    assert_eq!((map.value(0).len(), map.value(1).len(), map.is_null(2)), (2, 0, true));
    assert_eq!(map.value(0).column(0).as_primitive::<Int32Type>().value(1), 2);
}

#[test]
fn nested_values_say_where_they_do_not_fit() {
    let columns = vec![
        Field::new(
            "tags",
            DataType::List(Arc::new(Field::new("element", DataType::Int32, true))),
            true,
        ),
        Field::new(
            "at",
            DataType::Struct(vec![Field::new("x", DataType::Int32, true)].into()),
            true,
        ),
    ];
    let lines = [
        r#"{"tags": [1, null, 3], "at": {"x": 1, "y": 2}}"#,
        r#"{"tags": [], "at": null}"#,
        r#"{"tags": [4, "five"], "at": {"x": {}}}"#,
        r#"{"tags": 1}"#,
    ];
    let decoded = decode(columns, None, None, &lines);
    let reasons: Vec<_> = decoded.refused.iter().map(|refused| refused.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "tags.type: item 2: `five` is not a 32-bit integer; at.type: x: an object is not a 32-bit integer",
            "tags.type: a number is not a list"
        ]
    );
    let part = &decoded.parts[0];
    assert_eq!(part.records, [0, 1]);
    assert_eq!(
        part.columns[0]
            .as_list::<i32>()
            .value(0)
            .as_primitive::<Int32Type>()
            .value(2),
        3
    );
    assert!(part.columns[1].is_null(1));
}

#[test]
fn bytes_of_a_refused_record_are_shown_as_quarantine_reads_them() {
    let binary = || Field::new("element", DataType::Binary, true);
    let sides = vec![
        Field::new("key", DataType::Binary, false),
        Field::new("value", DataType::Binary, true),
    ];
    let entries = Arc::new(Field::new("key_value", DataType::Struct(sides.into()), false));
    let columns = vec![
        Field::new("n", DataType::Int32, true),
        Field::new("b", DataType::Binary, true),
        Field::new("l", DataType::List(Arc::new(binary())), true),
        Field::new("r", DataType::Struct(vec![binary()].into()), true),
        Field::new("m", DataType::Map(entries, false), true),
    ];
    let lines = [r#"{"n": "six", "b": "ab", "l": ["00", null], "r": {"element": 7, "x": "y"}, "m": {"c": "d"}}"#];
    let decoded = decode(columns, None, None, &lines);
    let received = decoded.refused[0].received.as_ref().unwrap();
    // `printf 'ab' | xxd -p` and so on.
    assert_eq!(
        received.json,
        r#"{"n":"six","b":"6162","l":["3030",null],"r":{"element":"37","x":"y"},"m":{"63":"64"}}"#
    );
    assert_eq!(decoded.misfits[0].columns[1].as_binary::<i32>().value(0), b"ab");
}
