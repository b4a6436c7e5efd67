//! A JSON schema for editors, made of the same tables that documents are checked against.

mod hints;

use serde_json::{Map as Object, Value as Json, json};

use hints::{hint, property_hint};

use crate::diff::Mode;
use crate::rule::OnFailure;
use crate::structure::{Field, Shape, VERSIONS, parts, property, quality, relationship, server, tables, words};
use crate::unheeded;

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
    let versions: Vec<_> = VERSIONS.iter().map(|(name, _)| *name).collect();
    let one = json!({ "type": "string", "pattern": relationship::REFERENCE });
    json!({
        "ApiVersion": { "type": "string", "enum": versions },
        "CustomProperty": custom_property(),
        "Version": { "type": "string", "examples": ["1.0.0"] },
        "Engine": described(&Shape::Word(&words::ENGINE)),
        "ServiceLevel": mapping(&[tables::SERVICE_LEVEL], false),
        "StableId": { "type": "string", "pattern": "^[A-Za-z0-9_-]+$" },
        "Team": { "oneOf": [
            mapping(&[tables::TEAM], false),
            list(mapping(&[tables::TEAM_MEMBER], false)),
        ] },
        "Server": servers(),
        "SchemaObject": mapping(&[property::ELEMENT, property::OBJECT], false),
        "SchemaProperty": { "$ref": "#/$defs/SchemaItem", "required": ["name"] },
        "SchemaItem": properties(),
        "ObjectRelationship": mapping(&[relationship::PROPERTY, relationship::FROM], false),
        "PropertyRelationship": mapping(&[relationship::PROPERTY], false),
        "Reference": { "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] },
        "Quality": rules(),
    })
}

/// Polder's own properties are suggested with what they may say, and any other is accepted: a name means something in
/// some places only, and a value may be written in more ways than a schema can say. The lint tells.
fn custom_property() -> Json {
    let mut custom = mapping(&[parts::CUSTOM_PROPERTY], false);
    let names = unheeded::PROPERTIES.iter().map(|(name, _, place)| {
        let said = property_hint(name).unwrap_or_default();
        json!({ "const": name, "description": format!("{said} Declared on {place}.") })
    });
    custom["properties"]["property"] =
        json!({ "anyOf": names.chain([json!({ "type": "string" })]).collect::<Vec<_>>() });
    let values = |name: &str, suggested: Json| {
        let value = json!({ "anyOf": [suggested, {}] });
        json!({
            "if": { "properties": { "property": { "const": name } }, "required": ["property"] },
            "then": { "properties": { "value": value } },
        })
    };
    let modes = Mode::ALL.map(Mode::as_str);
    custom["allOf"] = json!([
        values(
            "polder.onFailure",
            json!({ "enum": OnFailure::ALL.map(OnFailure::as_str) })
        ),
        values("polder.compatibility", json!({ "enum": modes })),
        values(
            "polder.noticePeriod",
            json!({ "type": "string", "examples": ["90d", "12w", "6mo", "1y"] })
        ),
        values("polder.replacement", json!({ "type": "string", "examples": ["none"] })),
        values("polder.currency", json!({ "type": "string", "examples": ["EUR"] })),
    ]);
    custom
}

/// What a shape is in JSON schema.
fn described(shape: &Shape) -> Json {
    match shape {
        Shape::Any => json!({}),
        Shape::Scalar => json!({ "type": ["string", "number", "boolean", "null"] }),
        Shape::Single => json!({ "type": ["string", "number", "boolean"] }),
        Shape::Text => json!({ "type": "string" }),
        Shape::Beginning(head) => json!({ "type": "string", "pattern": format!("^{head}") }),
        Shape::StableId => json!({ "$ref": "#/$defs/StableId" }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Whole(i64::MIN) => json!({ "type": "integer" }),
        Shape::Whole(least) => json!({ "type": "integer", "minimum": least }),
        Shape::Number => json!({ "type": "number" }),
        Shape::Positive => json!({ "type": "number", "exclusiveMinimum": 0 }),
        Shape::Date => json!({ "type": "string", "format": "date" }),
        Shape::Instant => json!({ "type": "string", "format": "date-time" }),
        Shape::OneOf(words) => json!({ "type": "string", "enum": words }),
        Shape::Word(words) => json!({ "type": "string", "examples": words.known() }),
        Shape::List(shape) => list(described(shape)),
        Shape::Set(shape) => {
            json!({ "type": "array", "items": described(shape), "minItems": 1, "uniqueItems": true })
        }
        Shape::Map(fields) => mapping(&[fields], false),
        Shape::OpenMap => json!({ "type": "object" }),
        Shape::OpenMapOf(fields) => mapping(&[fields], true),
        Shape::TextOr(shape) => json!({ "anyOf": [{ "type": "string" }, described(shape)] }),
        Shape::Special(_, name) => json!({ "$ref": format!("#/$defs/{name}") }),
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
        let mut described = described(&field.shape);
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
        let described = |key: &str| described(&server::shape(kind, key));
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
    closed(&[property::ELEMENT, property::PROPERTY], branches)
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
