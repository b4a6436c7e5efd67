//! Where the prose of the standard says otherwise than its JSON schema, and why.

use std::collections::BTreeSet;

use serde_json::{Value, json};

pub(super) fn amend(schema: &mut Value, first_version: bool) {
    // Versions 2 have another structure altogether, which this schema does not describe.
    schema["properties"]["apiVersion"]["enum"] = json!(["v3.2.0", "v3.1.0", "v3.0.2", "v3.0.1", "v3.0.0"]);
    // The schemas and the prose of versions 3.0 and 3.1 need a status.
    schema["if"] = json!({ "properties": { "apiVersion": { "pattern": "^v3\\.[01]" } }, "required": ["apiVersion"] });
    schema["then"] = json!({ "required": ["status"] });
    let definitions = &mut schema["$defs"];

    // `if properties.logicalType is const` is true of a property without logicalType, so that each such property would
    // need a `map`. By the prose the type is optional, and options go with a type.
    let mut untyped = json!({});
    for branch in definitions["SchemaBaseProperty"]["allOf"].as_array_mut().unwrap() {
        if branch.get("if").is_none() {
            continue;
        }
        branch["if"]["required"] = json!(["logicalType"]);
        let then = &branch["then"];
        for key in ["properties", "items", "map"] {
            if then["properties"].get(key).is_some() {
                untyped["properties"][key] = then["properties"][key].clone();
            }
        }
    }
    untyped["properties"]["logicalTypeOptions"] = json!({ "type": "object", "maxProperties": 0 });
    let untyped = json!({ "if": { "not": { "required": ["logicalType"] } }, "then": untyped });
    definitions["SchemaBaseProperty"]["allOf"]
        .as_array_mut()
        .unwrap()
        .push(untyped);
    // By the prose only objects have properties; the schema lets items of any type have some.
    definitions["SchemaItemProperty"]
        .as_object_mut()
        .unwrap()
        .remove("properties");

    // By the prose `library` is the type of a rule that names none, and a library rule needs its metric.
    let library = &mut definitions["DataQuality"]["allOf"][0]["if"]["anyOf"];
    library
        .as_array_mut()
        .unwrap()
        .push(json!({ "not": { "required": ["type"] } }));
    // By the prose a lower and an upper bound go together, and dimensions have synonyms.
    let words = definitions["DataQuality"]["properties"]["dimension"]["enum"]
        .as_array_mut()
        .unwrap();
    words.extend(["ac", "cp", "cf", "cs", "cv", "tm", "uq"].map(Value::from));
    let mut one = definitions["DataQualityOperators"]["oneOf"].take();
    // A figure is one value: no list, mapping or null is equal to it, which the schema leaves open.
    for (index, key) in ["mustBe", "mustNotBe"].into_iter().enumerate() {
        one[index]["properties"][key]["type"] = json!(["string", "number", "boolean"]);
    }
    let bounds = [2, 3].into_iter().flat_map(|lower| [4, 5].map(|upper| (lower, upper)));
    let ranges: Vec<_> = bounds
        .map(|(lower, upper)| {
            let others: Vec<_> = (0..8)
                .filter(|index| *index != lower && *index != upper)
                .map(|index| json!({ "required": one[index]["required"] }))
                .collect();
            json!({ "allOf": [one[lower], one[upper]], "not": { "anyOf": others } })
        })
        .collect();
    let mut anyone = vec![json!({ "oneOf": one })];
    anyone.extend(ranges);
    if first_version {
        // In version 3.0 the metric was called the rule, nothing was asked of its figure, and valid values stood
        // beside it.
        let library = &mut definitions["DataQualityLibrary"];
        library.as_object_mut().unwrap().remove("required");
        library["anyOf"] = json!([{ "required": ["metric"] }, { "required": ["rule"] }]);
        library["properties"]["validValues"] = json!({ "type": "array" });
        let none: Vec<_> = (0..8)
            .map(|index| json!({ "required": one[index]["required"] }))
            .collect();
        let mut optional = anyone.clone();
        optional.push(json!({ "not": { "anyOf": none } }));
        library["allOf"] = json!([{ "anyOf": optional }]);
    }
    definitions["DataQualityOperators"] = json!({ "type": "object", "anyOf": anyone });

    // The prose's examples describe a relationship, and name a file before the short notation too.
    definitions["RelationshipBase"]["properties"]["description"] = json!({ "type": "string" });
    let file = r"^(?:(?:https?://|file://)?[A-Za-z0-9._\-/]+\.yaml#)?";
    for (name, rest) in [
        (
            "ShorthandReference",
            r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$",
        ),
        (
            "FullyQualifiedReference",
            r"\/?[A-Za-z_][A-Za-z0-9_]*\/[A-Za-z0-9_-]+(?:\/[A-Za-z_][A-Za-z0-9_]*\/[A-Za-z0-9_-]+)*$",
        ),
    ] {
        definitions[name]["pattern"] = format!("{file}{rest}").into();
    }
    // No port is below 0.
    for server in definitions["ServerSource"].as_object_mut().unwrap().values_mut() {
        if let Some(port) = server["properties"].get_mut("port") {
            port["minimum"] = json!(0);
        }
    }
}

/// What the prose forbids and no JSON schema can say: names of properties that are there twice, ids that are in a list
/// twice, and references whose ends are of different numbers.
pub(super) fn forbidden_by_prose(value: &Value) -> bool {
    let repeated = |items: &[Value], key: &str| {
        let mut known = BTreeSet::new();
        items
            .iter()
            .filter_map(|item| item[key].as_str())
            .any(|name| !known.insert(name))
    };
    match value {
        Value::Array(items) => repeated(items, "id") || items.iter().any(forbidden_by_prose),
        Value::Object(entries) => {
            let names = entries.get("properties").and_then(Value::as_array);
            let ends = |key| entries.get(key).and_then(Value::as_array).map(Vec::len);
            names.is_some_and(|items| repeated(items, "name"))
                || matches!((ends("from"), ends("to")), (Some(from), Some(to)) if from != to)
                || entries
                    .iter()
                    // These are the author's own.
                    .filter(|(key, _)| !matches!(key.as_str(), "value" | "arguments" | "implementation" | "examples"))
                    .any(|(_, value)| forbidden_by_prose(value))
        }
        _ => false,
    }
}
