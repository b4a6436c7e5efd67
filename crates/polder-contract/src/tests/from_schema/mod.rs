//! The standard's own JSON schema as judge: what it refuses we refuse, what it accepts we accept. Where the standard's
//! prose says otherwise, the schema is amended first; each amendment has its reason.

mod amendments;
mod errors;

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use polder_core::document::{Severity, Source, parse as parse_document};
use proptest::prelude::*;
use serde_json::{Value, json};

pub(super) use errors::{made, mistakes};

use amendments::{amend, forbidden_by_prose};
use errors::sample;

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
fn editors_suggest_polders_own_properties_and_accept_any_other() {
    let schema = editor_schema();
    let schema = JsonSchema::new(schema);
    let custom = &schema.root()["$defs"]["CustomProperty"];
    let suggested: Vec<_> = custom["properties"]["property"]["anyOf"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|name| {
            assert!(
                name["const"].is_null() || name["description"].as_str().unwrap().len() > 20,
                "{name}"
            );
            name["const"].as_str()
        })
        .collect();
    // The names of the documentation.
    assert_eq!(
        suggested,
        [
            "polder.noticePeriod",
            "polder.replacement",
            "polder.compatibility",
            "polder.currency",
            "polder.samples",
            "polder.mask",
            "polder.onFailure"
        ]
    );
    let applied = |property: &str| {
        let custom = json!([{ "property": property, "value": "any" }]);
        let document = json!({
            "apiVersion": "v3.2.0", "kind": "DataContract", "id": "x", "version": "1.0.0", "customProperties": custom,
        });
        let applied = schema.applied(&document);
        let of_value = applied
            .iter()
            .filter(|(path, _)| path.last().is_some_and(|key| key == "value"));
        of_value.map(|(_, schema)| (*schema).clone()).collect::<Vec<_>>()
    };
    let offers = |property: &str, words: Value| {
        let offered = applied(property);
        assert!(
            offered.iter().any(|schema| schema["anyOf"][0]["enum"] == words),
            "{offered:?}"
        );
    };
    offers("polder.onFailure", json!(["quarantine", "reject", "warn"]));
    let modes = [
        "none",
        "backward",
        "backward_transitive",
        "forward",
        "forward_transitive",
        "full",
        "full_transitive",
    ];
    offers("polder.compatibility", json!(modes));
    assert_eq!(applied("house.onFailure").len(), 1);
    // Wherever the standard has custom properties.
    let everywhere = schema.root().to_string();
    assert_eq!(
        everywhere.matches("\"customProperties\":{").count(),
        everywhere.matches("\"$ref\":\"#/$defs/CustomProperty\"").count()
    );
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
