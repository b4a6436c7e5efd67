//! The standard's own JSON schema as judge: what it refuses we refuse, what it accepts we accept. Where the standard's
//! prose says otherwise, the schema is amended first; each amendment has its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;

use polder_core::document::{Severity, Source, parse as parse_document};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::examples::{examples, standard};
use super::json_schema::JsonSchema;
use crate::{editor_schema, parse};

/// How often the same mistake is made at the same place of the schema.
const REPEATS: usize = 2;

/// The schema of version 3.2, amended: for documents of version 3.0, and for later ones.
struct Judges {
    first: JsonSchema,
    later: JsonSchema,
    /// The schema of version 3.1, amended too: what it accepts, later versions accept. That a document of version 3.1
    /// may use keys of version 3.2 is what the newer schema says.
    middle: JsonSchema,
}

impl Judges {
    fn of(&self, document: &Value) -> &JsonSchema {
        let version = document["apiVersion"].as_str().unwrap_or_default();
        if version.starts_with("v3.0") {
            &self.first
        } else {
            &self.later
        }
    }
}

fn judges() -> Option<Judges> {
    let amended = |file: &str, first| {
        let mut schema = serde_json::from_str(&fs::read_to_string(standard(file)?).unwrap()).unwrap();
        amend(&mut schema, first);
        Some(JsonSchema::new(schema))
    };
    Some(Judges {
        first: amended("odcs-json-schema-v3.2.0.json", true)?,
        later: amended("odcs-json-schema-v3.2.0.json", false)?,
        middle: amended("odcs-json-schema-v3.1.0.json", false)?,
    })
}

fn amend(schema: &mut Value, first_version: bool) {
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
fn forbidden_by_prose(value: &Value) -> bool {
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

/// A value that a schema accepts: every key that it knows, down to a depth.
fn sample(schema: &JsonSchema, part: &Value, depth: usize) -> Option<Value> {
    let part_of = schema.resolve(part);
    if let Some(words) = part_of.get("enum") {
        return Some(words[0].clone());
    }
    for branches in ["oneOf", "anyOf"] {
        if let Some(branch) = part_of.get(branches) {
            return sample(schema, &branch[0], depth);
        }
    }
    match part_of["type"].as_str()? {
        "string" => Some(match (part_of["pattern"].as_str(), part_of["format"].as_str()) {
            (Some(pattern), _) if pattern.starts_with("^sftp") => json!("sftp://host/x"),
            (Some(pattern), _) if pattern.contains("\\.") && !pattern.contains("properties") => json!("t.a"),
            (Some(_), _) => json!("x1"),
            (_, Some("date")) => json!("2026-01-31"),
            (_, Some("date-time")) => json!("2026-01-31T12:00:00Z"),
            _ => json!("text"),
        }),
        "integer" | "number" => Some(json!(1)),
        "boolean" => Some(json!(true)),
        "array" => {
            let item = part_of.get("items").filter(|_| depth > 0);
            Some(
                item.and_then(|item| sample(schema, item, depth - 1))
                    .map_or_else(|| json!([]), |item| json!([item])),
            )
        }
        "object" => {
            let mut object = serde_json::Map::new();
            let known = part_of["properties"].as_object();
            for (key, part) in known.into_iter().flatten() {
                let needed = part_of["required"]
                    .as_array()
                    .is_some_and(|keys| keys.contains(&json!(key)));
                if (depth > 0 || needed)
                    && let Some(value) = sample(schema, part, depth.saturating_sub(1))
                {
                    object.insert(key.clone(), value);
                }
            }
            Some(Value::Object(object))
        }
        _ => None,
    }
}

/// A change of a document: what is done, where, and at which place of the schema.
pub(super) struct Mistake {
    pub(super) path: Vec<String>,
    pub(super) what: String,
    value: Option<Value>,
}

/// Every change that the schema suggests for a document that it accepts.
pub(super) fn mistakes(schema: &JsonSchema, document: &Value) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for (path, part) in schema.applied(document) {
        let here = at(document, &path);
        let mut push = |what: String, key: Option<&str>, value: Option<Value>| {
            let path = path.iter().cloned().chain(key.map(str::to_owned)).collect();
            mistakes.push(Mistake { path, what, value });
        };
        if part.get("type").is_some() || part.get("anyOf").is_some() || part.get("oneOf").is_some() {
            for (index, value) in [
                json!("text"),
                json!("7"),
                json!(7),
                json!(2.5),
                json!(3.0),
                json!(-1),
                json!(true),
                json!(null),
                json!([]),
                json!([1]),
                json!(["t.a"]),
                json!({}),
                json!({"own": 1}),
            ]
            .into_iter()
            .enumerate()
            {
                push(format!("type {index}"), None, Some(value));
            }
        }
        if part.get("pattern").is_some() {
            for text in [
                "",
                "a b",
                "a/b c",
                "é",
                "a.b",
                "a",
                "x.yaml#a.b",
                "x.yaml#/schema/a/properties/b",
                "schema/a",
            ] {
                push(format!("pattern {text}"), None, Some(json!(text)));
            }
        }
        if part.get("format").is_some() {
            for text in [
                "2026-01-31",
                "2026-13-01",
                "2026-1-1",
                "2026-01-31T12:00:00Z",
                "2026-01-31 12:00",
            ] {
                push(format!("format {text}"), None, Some(json!(text)));
            }
        }
        for word in part["enum"].as_array().into_iter().flatten() {
            push(format!("word {word}"), None, Some(word.clone()));
            push(
                format!("slip {word}"),
                None,
                Some(json!(format!("{}x", word.as_str().unwrap_or_default()))),
            );
        }
        for key in part["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            push(format!("without {key}"), Some(key), None);
        }
        if let (Value::Object(entries), Some(_)) = (here, part.get("properties")) {
            push("unknown".to_owned(), Some("quantitty"), Some(json!("x")));
            for (key, inner) in part["properties"].as_object().unwrap() {
                if !entries.contains_key(key) {
                    for depth in [0, 2] {
                        push(format!("with {key} {depth}"), Some(key), sample(schema, inner, depth));
                    }
                    push(format!("with null {key}"), Some(key), Some(json!(null)));
                }
            }
        }
        if let Value::Array(items) = here {
            push("empty".to_owned(), None, Some(json!([])));
            if let Some(first) = items.first() {
                let twice: Vec<_> = [first, first].into_iter().chain(&items[1..]).cloned().collect();
                push("twice".to_owned(), None, Some(json!(twice)));
                push("fewer".to_owned(), None, Some(json!(items[1..])));
            }
        }
        if part.get("minimum").is_some() || part.get("exclusiveMinimum").is_some() {
            for number in [json!(0), json!(-1), json!(-0.5), json!(1e3)] {
                push(format!("bound {number}"), None, Some(number));
            }
        }
    }
    mistakes
}

fn at<'v>(document: &'v Value, path: &[String]) -> &'v Value {
    path.iter().fold(document, |value, step| match value {
        Value::Array(items) => &items[step.parse::<usize>().unwrap()],
        other => &other[step],
    })
}

pub(super) fn made(document: &Value, mistake: &Mistake) -> Value {
    let mut document = document.clone();
    let Some((last, way)) = mistake.path.split_last() else {
        return mistake.value.clone().unwrap_or_default();
    };
    let mut here = &mut document;
    for step in way {
        here = match here {
            Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
            other => &mut other[step],
        };
    }
    match (here, &mistake.value) {
        (Value::Array(items), Some(value)) => items[last.parse::<usize>().unwrap()] = value.clone(),
        (Value::Object(entries), Some(value)) => {
            entries.insert(last.clone(), value.clone());
        }
        (Value::Object(entries), None) => {
            entries.remove(last);
        }
        _ => panic!("no such place"),
    }
    document
}

/// Holds our verdict on a document against the judge's; gives the difference in words.
fn difference(schema: &JsonSchema, document: &Value) -> Option<String> {
    let expected = schema.accepts(document) && !forbidden_by_prose(document);
    let text = format!("{document:#}");
    let parsed = parse(&Source::new("c.odcs.yaml", text.as_str()));
    for diagnostic in &parsed.diagnostics {
        let span = diagnostic.span.unwrap_or_else(|| panic!("no place: {diagnostic}"));
        assert!(
            text.get(span.start..span.end).is_some() && span.line > 0,
            "{diagnostic}"
        );
    }
    let errors = || {
        parsed
            .diagnostics
            .iter()
            .filter(|found| found.severity == Severity::Error)
    };
    assert_eq!(
        parsed.contract.is_some(),
        errors().next().is_none(),
        "{:?}",
        parsed.diagnostics
    );
    // What rules mean is no matter of the schema, and what is accepted may be told with a warning.
    let accepted = errors().all(|found| found.code == "rule");
    (accepted != expected).then(|| {
        let found: Vec<_> = parsed.diagnostics.iter().map(ToString::to_string).collect();
        format!("the schema says {expected}, we say {accepted}: {found:?}")
    })
}

fn json_of(source: &Source) -> Value {
    parse_document(source).unwrap().to_json()
}

/// Small documents that lead into every branch of the schema: each type of server, property and rule, with every key
/// that it may have.
fn branches(schema: &JsonSchema) -> Vec<Value> {
    let head = |key: &str, value: Value| json!({ "apiVersion": "v3.2.0", "kind": "DataContract", "id": "x", "version": "1.0.0", key: value });
    let property = |property: Value| head("schema", json!([{ "name": "t", "properties": [property] }]));
    let mut documents = Vec::new();
    let definitions = &schema.root()["$defs"];
    for branch in definitions["Server"]["allOf"].as_array().unwrap() {
        let mut server = sample(schema, &branch["then"], 1).unwrap();
        server["server"] = json!("s");
        server["type"] = branch["if"]["properties"]["type"]["const"].clone();
        documents.push(head("servers", json!([server])));
    }
    for branch in definitions["SchemaBaseProperty"]["allOf"].as_array().unwrap() {
        let words = branch["if"].to_string();
        for logical in definitions["SchemaBaseProperty"]["properties"]["logicalType"]["enum"]
            .as_array()
            .unwrap()
        {
            if words.contains(&format!("\"const\":{logical}")) {
                let mut column = json!({ "name": "a", "logicalType": logical });
                for (key, part) in branch["then"]["properties"].as_object().unwrap() {
                    let depth = if key == "logicalTypeOptions" { 2 } else { 0 };
                    column[key] = sample(schema, part, depth).unwrap_or_else(|| json!({ "logicalType": "string" }));
                }
                if column.get("map").is_some() {
                    column["map"] =
                        json!({ "key": { "logicalType": "string" }, "value": { "logicalType": "integer" } });
                }
                if column.get("items").is_some() {
                    column["items"] = json!({ "logicalType": "string" });
                }
                documents.push(property(column));
            }
        }
    }
    for rule in [
        json!({ "metric": "rowCount", "mustBe": 1 }),
        json!({ "metric": "nullValues", "mustBeBetween": [1, 2], "arguments": {}, "unit": "percent", "type": "library" }),
        json!({ "metric": "nullValues", "mustNotBeBetween": [1, 2], "rule": "x" }),
        json!({ "metric": "nullValues", "mustBeGreaterThan": 1, "mustBeLessOrEqualTo": 2 }),
        json!({ "type": "sql", "query": "SELECT 1", "mustBeLessThan": 5 }),
        json!({ "type": "sql", "query": "SELECT 1", "mustNotBe": "x" }),
        json!({ "type": "custom", "engine": "soda", "implementation": "x" }),
        json!({ "type": "custom", "engine": "soda", "implementation": { "a": 1 } }),
        json!({ "type": "text", "description": "clean", "dimension": "accuracy" }),
    ] {
        documents.push(head("schema", json!([{ "name": "t", "quality": [rule.clone()] }])));
        documents.push(property(json!({ "name": "a", "quality": [rule] })));
    }
    documents.push(property(
        json!({ "name": "a", "relationships": [{ "to": "u.b", "type": "foreignKey" }] }),
    ));
    documents.push(property(json!({ "name": "a", "relationships": [{ "to": ["u.b"] }] })));
    for (from, to) in [
        (json!("t.a"), json!("u.b")),
        (json!(["t.a", "t.b"]), json!(["u.a", "schema/u/properties/b"])),
    ] {
        let relationships = json!([{ "from": from, "to": to }]);
        documents.push(head("schema", json!([{ "name": "t", "relationships": relationships }])));
    }
    // Every key that there is at the top and below it.
    for (key, part) in schema.root()["properties"].as_object().unwrap() {
        if !matches!(
            key.as_str(),
            "apiVersion" | "kind" | "id" | "version" | "schema" | "servers"
        ) && let Some(value) = sample(schema, part, 4)
        {
            documents.push(head(key, value));
        }
    }
    documents.push(head("team", json!([{ "username": "u" }])));
    documents.push(head(
        "context",
        json!({ "instructions": "x", "verifiedStatements": [{ "question": "q" }] }),
    ));
    documents
}

#[test]
fn every_mistake_that_the_schema_forbids_is_refused_and_nothing_else() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let (mut tried, mut refused, mut accepted_before, mut wrong) = (0, 0, 0, Vec::new());
    let Some(judges) = judges() else { return };
    let mut documents = branches(&judges.later);
    // The small ones first: a mistake that was made in them is not made again in the large ones.
    let mut examples = examples();
    examples.sort_by_key(|source| source.text.len());
    documents.extend(examples.iter().map(json_of));
    for document in documents {
        let schema = judges.of(&document);
        let reference = difference(schema, &document);
        assert!(
            schema.accepts(&document) && reference.is_none(),
            "{document:#}: {reference:?}"
        );
        for mistake in mistakes(schema, &document) {
            // Where in the schema it is: positions in lists do not count.
            let place: Vec<_> = mistake
                .path
                .iter()
                .filter(|step| step.parse::<usize>().is_err())
                .cloned()
                .collect();
            let count = seen.entry(format!("{} {}", place.join("."), mistake.what)).or_default();
            *count += 1;
            if *count > REPEATS {
                continue;
            }
            let broken = made(&document, &mistake);
            let schema = judges.of(&broken);
            tried += 1;
            refused += usize::from(!schema.accepts(&broken));
            if broken["apiVersion"] == "v3.1.0" && judges.middle.accepts(&broken) {
                accepted_before += 1;
                assert!(schema.accepts(&broken), "{} {}", mistake.path.join("."), mistake.what);
            }
            if let Some(told) = difference(schema, &broken) {
                wrong.push(format!("{} {}: {told}", mistake.path.join("."), mistake.what));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {tried}:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
    assert!(
        tried > 5_000 && refused > 3_000 && accepted_before > 100,
        "{tried} tried, {refused} refused, {accepted_before} right in version 3.1"
    );
}

#[test]
fn the_official_examples_are_valid_for_editors() {
    let schema = JsonSchema::new(editor_schema());
    for source in examples() {
        assert!(schema.accepts(&json_of(&source)), "{}", source.path.display());
    }
}

#[test]
fn editors_accept_what_we_accept() {
    let Some(judges) = judges() else { return };
    let judge = &judges.later;
    let editor = JsonSchema::new(editor_schema());
    for document in branches(judge) {
        assert!(editor.accepts(&document), "{document:#}");
        for mistake in mistakes(judge, &document) {
            let broken = made(&document, &mistake);
            let parsed = parse(&Source::new("c.odcs.yaml", broken.to_string()));
            if parsed.contract.is_some() {
                assert!(editor.accepts(&broken), "{} {}", mistake.path.join("."), mistake.what);
            }
        }
    }
}

/// The smaller examples and the branches, with their judges: the largest example alone would take as long as all others.
static DOCUMENTS: LazyLock<Option<(Judges, Vec<Value>)>> = LazyLock::new(|| {
    let judges = judges()?;
    let small = |source: &&Source| source.text.len() < 20_000;
    let mut documents: Vec<Value> = examples().iter().filter(small).map(json_of).collect();
    documents.extend(branches(&judges.later));
    Some((judges, documents))
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Two mistakes at once, anywhere.
    #[test]
    fn random_mistakes_get_the_schemas_verdict(
        document in any::<prop::sample::Index>(),
        picks in prop::array::uniform2(any::<prop::sample::Index>()),
    ) {
        let Some((judges, documents)) = DOCUMENTS.as_ref() else { return Ok(()) };
        let mut document = document.get(documents).clone();
        for pick in picks {
            let schema = judges.of(&document);
            if !schema.accepts(&document) {
                break;
            }
            document = made(&document, pick.get(&mistakes(schema, &document)));
        }
        let difference = difference(judges.of(&document), &document);
        prop_assert!(difference.is_none(), "{:?}: {}", difference, document);
    }
}
