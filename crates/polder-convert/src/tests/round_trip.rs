//! A contract that goes to a format and comes back says everything that was not named as lost.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{contract, formats};
use crate::kind::{INT32, INT64, Kind, UINT32, UINT64, option};
use crate::{Format, ImportOptions, Loss, export_document, import, yaml};

fn kinds() -> impl Strategy<Value = Kind> {
    let integer = |bits, signed| Just(Kind::Integer { bits, signed });
    prop_oneof![
        Just(Kind::Boolean),
        integer(8, true),
        integer(16, true),
        Just(INT32),
        Just(INT64),
        integer(8, false),
        integer(16, false),
        Just(UINT32),
        Just(UINT64),
        Just(Kind::Float32),
        Just(Kind::Float64),
        (1..=38_u32)
            .prop_flat_map(|precision| (0..=precision).prop_map(move |scale| Kind::Decimal { precision, scale })),
        Just(Kind::String),
        Just(Kind::String),
        Just(Kind::Uuid),
        Just(Kind::Binary),
        Just(Kind::Date),
        Just(Kind::Timestamp),
        Just(Kind::TimestampLocal),
        Just(Kind::Time),
    ]
}

/// Text that people could write: quotes, line feeds and signs of every format in it.
fn prose() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}( [a-z'\"\\\\;#:/*{}<>&|$%@-]{1,8}){0,3}",
        "[a-z]{1,6}\n[a-z]{1,6}",
        "[äöü漢字é]{1,6}",
    ]
    .prop_map(|text| text.trim().to_owned())
    .prop_filter("something", |text| !text.is_empty())
}

fn options(kind: Kind) -> BoxedStrategy<Vec<(&'static str, Value)>> {
    let none = Just(Vec::new());
    match kind {
        // Too small for the bounds below, which nothing could be compared with.
        Kind::Decimal { precision, scale } if precision - scale < 3 => none.boxed(),
        Kind::Integer { .. } | Kind::Float64 | Kind::Decimal { .. } => prop_oneof![
            none,
            (0..50_i64).prop_map(|least| vec![("minimum", json!(least)), ("maximum", json!(least + 70))]),
            Just(vec![("exclusiveMinimum", json!(0)), ("multipleOf", json!(5))]),
        ]
        .boxed(),
        Kind::String => prop_oneof![
            none,
            (0..5_u64, 5..200_u64)
                .prop_map(|(least, most)| vec![("minLength", json!(least)), ("maxLength", json!(most))]),
            Just(vec![("pattern", json!("^[A-Z]{2}$"))]),
            Just(vec![("format", json!("email"))]),
        ]
        .boxed(),
        Kind::Date => prop_oneof![none, Just(vec![("minimum", json!("2020-01-01"))])].boxed(),
        Kind::Timestamp => prop_oneof![none, Just(vec![("exclusiveMaximum", json!("2030-01-01T00:00:00Z"))])].boxed(),
        _ => none.boxed(),
    }
}

/// Rules of a property: the values of text that are allowed first, as imports write them.
fn rules(kind: Kind) -> BoxedStrategy<Vec<Value>> {
    let allowed = |values: Value| json!({"metric": "invalidValues", "arguments": {"validValues": values}, "mustBe": 0});
    let other = Just(json!({"metric": "nullValues", "unit": "percent", "mustBeLessThan": 5}));
    let text = prop_oneof![
        Just(allowed(json!(["open", "paid"]))),
        Just(allowed(json!(["STATE_UNKNOWN", "STATE_OPEN", "order"]))),
        Just(allowed(json!(["in transit", "it's", "ß"]))),
        other.clone(),
    ];
    match kind {
        Kind::String => prop::collection::vec(text, 0..2).boxed(),
        _ => prop::collection::vec(other, 0..2).boxed(),
    }
}

fn scalar() -> impl Strategy<Value = Map<String, Value>> {
    kinds().prop_flat_map(|kind| {
        (
            options(kind),
            rules(kind),
            prop::option::of(prose()),
            any::<bool>(),
            prop::option::of(Just("confidential")),
            prop::option::of(prop::collection::vec("[a-z]{1,4}", 1..3)),
        )
            .prop_map(move |(options, rules, description, required, classification, tags)| {
                let mut property = Map::new();
                kind.write(&mut property);
                for (key, value) in options {
                    option(&mut property, key, value);
                }
                property.extend(description.map(|text| ("description".to_owned(), json!(text))));
                property.extend(required.then(|| ("required".to_owned(), json!(true))));
                property.extend(classification.map(|word| ("classification".to_owned(), json!(word))));
                property.extend(tags.map(|tags| ("tags".to_owned(), json!(tags))));
                if !rules.is_empty() {
                    property.insert("quality".to_owned(), Value::Array(rules));
                }
                property
            })
    })
}

fn named(properties: Vec<(String, Map<String, Value>)>) -> Vec<Value> {
    let mut names = HashSet::new();
    properties
        .into_iter()
        .filter(|(name, _)| names.insert(name.to_lowercase()))
        .map(|(name, mut property)| {
            property.insert("name".to_owned(), json!(name));
            Value::Object(property)
        })
        .collect()
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z][a-z0-9_]{0,8}",
        1 => "[A-Z][a-zA-Z]{0,6}",
        1 => prop::sample::select(vec!["order", "select", "timestamp", "message", "total amount", "größe", "a-b"]).prop_map(str::to_owned),
    ]
}

fn property() -> impl Strategy<Value = Map<String, Value>> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        let compound = |kind: Kind, key: &'static str, value: Value| {
            let mut property = Map::new();
            kind.write(&mut property);
            property.insert(key.to_owned(), value);
            property
        };
        prop_oneof![
            prop::collection::vec((name(), inner.clone()), 1..4).prop_map(move |fields| compound(
                Kind::Object,
                "properties",
                json!(named(fields))
            )),
            inner
                .clone()
                .prop_map(move |items| compound(Kind::Array, "items", Value::Object(items))),
            inner.prop_map(move |value| {
                let key = json!({"logicalType": "string", "required": true});
                compound(Kind::Map, "map", json!({"key": key, "value": value}))
            }),
        ]
    })
}

fn object() -> impl Strategy<Value = (Vec<Value>, Option<String>, usize)> {
    (
        prop::collection::vec((name(), property()), 1..6).prop_map(named),
        prop::option::of(prose()),
        0..3_usize,
    )
}

fn document() -> impl Strategy<Value = Value> {
    (prop::collection::vec(object(), 1..3), prop::option::of(prose())).prop_map(|(objects, purpose)| {
        let schema: Vec<Value> = objects
            .into_iter()
            .enumerate()
            .map(|(index, (mut properties, description, keys))| {
                let scalars = properties
                    .iter_mut()
                    .filter_map(Value::as_object_mut)
                    .filter(|property| !matches!(property["logicalType"].as_str(), Some("object" | "array" | "map")))
                    .take(keys)
                    .collect::<Vec<_>>();
                let several = scalars.len() > 1;
                for (position, property) in scalars.into_iter().enumerate() {
                    property.insert("primaryKey".to_owned(), json!(true));
                    property.insert("required".to_owned(), json!(true));
                    if several {
                        property.insert("primaryKeyPosition".to_owned(), json!(position + 1));
                    }
                }
                let mut object = Map::from_iter([
                    ("name".to_owned(), json!(format!("things_{index}"))),
                    ("physicalName".to_owned(), json!(format!("shop.goods.things_{index}"))),
                    ("properties".to_owned(), Value::Array(properties)),
                ]);
                object.extend(description.map(|text| ("description".to_owned(), json!(text))));
                Value::Object(object)
            })
            .collect();
        let mut document = json!({
            "apiVersion": "v3.2.0", "kind": "DataContract", "id": "round-trip", "version": "1.2.3", "status": "active",
            "schema": schema,
            "slaProperties": [{"property": "retention", "value": 3, "unit": "y"}],
            "team": {"name": "shop", "members": [{"username": "ada", "role": "owner"}]},
        });
        if let Some(purpose) = purpose {
            document["description"] = json!({"purpose": purpose});
        }
        document
    })
}

/// Every single value with its path.
fn leaves(value: &Value, path: &str, out: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, child)| leaves(child, &crate::loss::join(path, key), out)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let label = item
                    .get("name")
                    .and_then(Value::as_str)
                    .map_or(index.to_string(), str::to_owned);
                leaves(item, &format!("{path}[{label}]"), out);
            }
        }
        scalar => {
            out.insert(path.to_owned(), scalar.to_string());
        }
    }
}

/// Whether a loss speaks of the value at the path: of it, of what it is in, or of the name that its path is made of.
fn excuses(loss: &Loss, path: &str) -> bool {
    let within = |outer: &str| {
        path.strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    within(&loss.path) || loss.path.strip_suffix(".name").is_some_and(within)
}

fn unexplained(format: Format, document: &Value) -> Result<Vec<String>, TestCaseError> {
    let fail = |what: &str, error: &polder_core::Error, text: &str| {
        TestCaseError::fail(format!("{format:?} {what}: {}\n{text}", error.report()))
    };
    let exported = export_document(document, format).map_err(|error| fail("export", &error, ""))?;
    if format == Format::Avro {
        let parsed = apache_avro::Schema::parse_str(&exported.value);
        parsed.map_err(|error| TestCaseError::fail(format!("{error}\n{}", exported.value)))?;
    }
    let back = import(format, &exported.value, &ImportOptions::default())
        .map_err(|error| fail("import", &error, &exported.value))?;
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    leaves(&document["schema"], "schema", &mut before);
    leaves(
        &contract(&back.value).document.to_json()["schema"],
        "schema",
        &mut after,
    );
    Ok(before
        .into_iter()
        .filter(|(path, value)| after.get(path) != Some(value))
        .filter(|(path, _)| !exported.losses.iter().any(|loss| excuses(loss, path)))
        .map(|(path, value)| {
            format!(
                "{format:?}: {path} was {value}, is {:?}\n{}\n{}",
                after.get(&path),
                exported.value,
                back.value
            )
        })
        .collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_is_not_named_as_lost_comes_back(document in document()) {
        contract(&yaml::write(&document));
        for format in formats() {
            let unexplained = unexplained(format, &document)?;
            prop_assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
        }
    }
}

#[test]
fn the_contract_s_own_keys_are_named_where_a_format_has_none() {
    let document = json!({
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1.0.0", "status": "active",
        "schema": [{"name": "t", "properties": [{"name": "a", "logicalType": "string"}]}],
        "team": {"name": "shop"}, "price": {"priceAmount": 5},
    });
    for format in formats() {
        let losses = export_document(&document, format).unwrap().losses;
        let paths: Vec<&str> = losses.iter().map(|loss| loss.path.as_str()).collect();
        if format == Format::DataContractSpecification {
            assert_eq!(paths, ["price"], "{format:?}");
        } else {
            assert_eq!(paths, ["id", "version", "status", "team", "price"], "{format:?}");
        }
    }
}

#[test]
fn the_length_in_a_physical_type_is_kept_or_named() {
    let document = json!({
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1.0.0", "status": "active",
        "schema": [{"name": "t", "properties": [{"name": "a", "logicalType": "string", "physicalType": "varchar(18)"}]}],
    });
    for format in formats() {
        let exported = export_document(&document, format).unwrap();
        let is_lost = exported
            .losses
            .iter()
            .any(|loss| loss.path == "schema[t].properties[a].physicalType");
        assert!(
            is_lost != exported.value.contains("(18)"),
            "{format:?}: {:?}\n{}",
            exported.losses,
            exported.value
        );
    }
}

#[test]
fn words_of_a_type_that_say_more_than_the_type_are_named() {
    let document = json!({
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1.0.0", "status": "active",
        "schema": [{"name": "t", "properties": [
            {"name": "a", "logicalType": "integer", "physicalType": "bigint", "logicalTypeOptions": {"format": "i32"}},
            {"name": "b", "logicalType": "string", "physicalType": "geography"},
            {"name": "c", "logicalType": "array", "physicalType": "list", "items": {"logicalType": "string"}},
        ]}],
    });
    let losses = export_document(&document, Format::Avro).unwrap().losses;
    let paths: Vec<&str> = losses.iter().map(|loss| loss.path.as_str()).collect();
    assert_eq!(
        paths[..3],
        [
            "schema[t].properties[a].logicalTypeOptions",
            "schema[t].properties[b].physicalType",
            "schema[t].properties[c].physicalType"
        ]
    );
}
