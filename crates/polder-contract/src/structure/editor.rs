//! A JSON schema for editors, made of the same tables that documents are checked against.

use serde_json::{Map as Object, Value as Json, json};

use super::hints::hint;
use super::{Field, Rule, property, quality, relationship, server, tables, words};

/// The JSON schema (draft 2019-09) of contracts as Polder reads them, for completion and hints in editors. It says what
/// a schema can say; `polder contract lint` says the rest.
pub fn editor_schema() -> Json {
    let mut contract = mapping(&[tables::CONTRACT], false);
    if let Json::Object(contract) = &mut contract {
        let old = json!({ "properties": { "apiVersion": { "pattern": "^v3\\.[01]\\." } }, "required": ["apiVersion"] });
        contract.insert("if".into(), old);
        contract.insert(
            "then".into(),
            json!({ "required": required_keys(&[tables::BEFORE_3_2]) }),
        );
        contract.insert("$defs".into(), definitions());
    }
    let mut schema = Object::new();
    schema.insert("$schema".into(), "https://json-schema.org/draft/2019-09/schema".into());
    schema.insert("title".into(), "Data contract (Open Data Contract Standard 3)".into());
    if let Json::Object(contract) = contract {
        schema.extend(contract);
    }
    Json::Object(schema)
}

fn definitions() -> Json {
    let versions: Vec<_> = super::VERSIONS.iter().map(|(name, _)| *name).collect();
    let one = json!({ "type": "string", "pattern": relationship::REFERENCE });
    json!({
        "ApiVersion": { "type": "string", "enum": versions },
        "Version": { "type": "string", "examples": ["1.0.0"] },
        "Engine": described(&Rule::Word(&words::ENGINE)),
        "ServiceLevel": mapping(&[tables::SERVICE_LEVEL], false),
        "StableId": { "type": "string", "pattern": "^[A-Za-z0-9_-]+$" },
        "Team": { "oneOf": [
            mapping(&[tables::TEAM], false),
            list(mapping(&[tables::TEAM_MEMBER], false)),
        ] },
        "Server": servers(),
        "SchemaObject": mapping(&[tables::ELEMENT, tables::OBJECT], false),
        "SchemaProperty": { "$ref": "#/$defs/SchemaItem", "required": ["name"] },
        "SchemaItem": properties(),
        "ObjectRelationship": mapping(&[relationship::PROPERTY, relationship::FROM], false),
        "PropertyRelationship": mapping(&[relationship::PROPERTY], false),
        "Reference": { "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] },
        "Quality": rules(),
    })
}

/// What a rule of the tables is in JSON schema.
fn described(rule: &Rule) -> Json {
    match rule {
        Rule::Any => json!({}),
        Rule::Scalar => json!({ "type": ["string", "number", "boolean", "null"] }),
        Rule::Single => json!({ "type": ["string", "number", "boolean"] }),
        Rule::Text => json!({ "type": "string" }),
        Rule::Beginning(head) => json!({ "type": "string", "pattern": format!("^{head}") }),
        Rule::StableId => json!({ "$ref": "#/$defs/StableId" }),
        Rule::Bool => json!({ "type": "boolean" }),
        Rule::Whole(i64::MIN) => json!({ "type": "integer" }),
        Rule::Whole(least) => json!({ "type": "integer", "minimum": least }),
        Rule::Number => json!({ "type": "number" }),
        Rule::Positive => json!({ "type": "number", "exclusiveMinimum": 0 }),
        Rule::Date => json!({ "type": "string", "format": "date" }),
        Rule::Instant => json!({ "type": "string", "format": "date-time" }),
        Rule::OneOf(words) => json!({ "type": "string", "enum": words }),
        Rule::Word(words) => json!({ "type": "string", "examples": words.known() }),
        Rule::List(rule) => list(described(rule)),
        Rule::Set(rule) => {
            json!({ "type": "array", "items": described(rule), "minItems": 1, "uniqueItems": true })
        }
        Rule::Map(fields) => mapping(&[fields], false),
        Rule::OpenMap => json!({ "type": "object" }),
        Rule::OpenMapOf(fields) => mapping(&[fields], true),
        Rule::TextOr(rule) => json!({ "anyOf": [{ "type": "string" }, described(rule)] }),
        Rule::Special(_, name) => json!({ "$ref": format!("#/$defs/{name}") }),
    }
}

fn list(items: Json) -> Json {
    json!({ "type": "array", "items": items })
}

fn required_keys(tables: &[&[Field]]) -> Vec<&'static str> {
    let fields = tables.iter().flat_map(|table| table.iter());
    fields.filter(|field| field.required).map(|field| field.key).collect()
}

fn known_keys(tables: &[&[Field]]) -> Object<String, Json> {
    let fields = tables.iter().flat_map(|table| table.iter());
    let described = fields.map(|field| {
        let mut described = described(&field.rule);
        if let (Some(hint), Json::Object(keywords)) = (hint(field.key), &mut described) {
            keywords.insert("description".into(), hint.into());
        }
        (field.key.to_owned(), described)
    });
    described.collect()
}

/// A mapping with the keys of these tables; a later table's word on a key counts.
fn mapping(tables: &[&[Field]], open: bool) -> Json {
    let mut object = json!({ "type": "object", "properties": known_keys(tables) });
    let required = required_keys(tables);
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    if !open {
        object["additionalProperties"] = json!(false);
    }
    object
}

/// `then`, where the key has this value.
fn when(key: &str, value: &str, then: Json) -> Json {
    json!({ "if": { "properties": { key: { "const": value } }, "required": [key] }, "then": then })
}

/// The keys of these tables, and those that the branches add.
fn closed(base: &[&[Field]], branches: Vec<Json>) -> Json {
    let mut object = mapping(base, true);
    object["allOf"] = Json::Array(branches);
    object["unevaluatedProperties"] = json!(false);
    object
}

fn servers() -> Json {
    let own = |kind: &str, keys: &[&str]| -> Object<String, Json> {
        let described = |key: &str| described(&server::rule(kind, key));
        keys.iter().map(|key| ((*key).to_owned(), described(key))).collect()
    };
    let branches = server::TYPES.iter().map(|(name, needs, may)| {
        let mut keys = own(name, needs);
        keys.extend(own(name, may));
        when("type", name, json!({ "properties": keys, "required": needs }))
    });
    closed(&[server::BASE], branches.collect())
}

fn properties() -> Json {
    let mut branches: Vec<_> = property::LOGICAL_TYPES
        .iter()
        .map(|logical| {
            let (options, inside) = property::tables_of(Some(logical));
            let mut then = mapping(inside, true);
            if !matches!(*logical, "boolean" | "map") {
                then["properties"]["logicalTypeOptions"] = mapping(options, false);
            }
            when("logicalType", logical, then)
        })
        .collect();
    let (_, inside) = property::tables_of(None);
    let mut untyped = mapping(inside, true);
    untyped["properties"]["logicalTypeOptions"] = json!({ "type": "object", "maxProperties": 0 });
    branches.push(json!({ "if": { "not": { "required": ["logicalType"] } }, "then": untyped }));
    closed(&[tables::ELEMENT, tables::PROPERTY], branches)
}

fn rules() -> Json {
    let mut operators = known_keys(&[quality::OPERATOR]);
    for key in ["mustBeBetween", "mustNotBeBetween"] {
        let items = json!({ "type": "number" });
        operators[key] = json!({ "type": "array", "items": items, "minItems": 2, "maxItems": 2, "uniqueItems": true });
    }
    let measured = |table: &[Field]| {
        let mut then = mapping(&[table], true);
        then["allOf"] = json!([{ "properties": operators }, one_figure()]);
        then
    };
    // Before version 3.1 less was needed, which a part of the document cannot know: the lint does.
    let mut library = mapping(&[quality::LIBRARY_3_0], true);
    library["anyOf"] = json!([{ "required": ["metric"] }, { "required": ["rule"] }]);
    library["allOf"] = json!([{ "properties": operators }, {
        "if": { "required": ["metric"] }, "then": one_figure(),
    }]);
    let is_library = json!({ "anyOf": [
        { "required": ["metric"] },
        { "not": { "required": ["type"] } },
        { "properties": { "type": { "const": "library" } }, "required": ["type"] },
    ] });
    closed(
        &[quality::BASE],
        vec![
            json!({ "if": is_library, "then": library }),
            when("type", "sql", measured(quality::SQL)),
            when("type", "custom", mapping(&[quality::CUSTOM_ENGINE], true)),
        ],
    )
}

/// Exactly one operator, or a lower and an upper bound.
fn one_figure() -> Json {
    let keys = |chosen: fn(&str) -> bool| quality::OPERATORS.iter().copied().filter(move |key| chosen(key));
    let single = keys(|_| true).map(|key| json!({ "required": [key] }));
    let lower = keys(|key| key.starts_with("mustBeGreater"));
    let ranges = lower.flat_map(|lower| {
        keys(|key| key.starts_with("mustBeLess")).map(move |upper| {
            let others = keys(|_| true).filter(|key| *key != lower && *key != upper);
            let others: Vec<_> = others.map(|key| json!({ "required": [key] })).collect();
            json!({ "required": [lower, upper], "not": { "anyOf": others } })
        })
    });
    json!({ "anyOf": [{ "oneOf": single.collect::<Vec<_>>() }, { "anyOf": ranges.collect::<Vec<_>>() }] })
}
