//! Nothing is lost in silence: whatever is taken out of a document, or changed in it, changes what comes of it or the
//! losses that are named, or stands within something that is named.

mod contract;
mod marks;
mod vendors;

use polder_core::Result;
use serde_json::{Value, json};

use crate::loss::{Loss, join};
use crate::{Converted, Dialect, Format, ImportOptions, import};

/// A place in a document: where it is found, and how losses name it.
struct Place {
    pointer: String,
    path: String,
}

/// Every value of the document below its root.
fn places(value: &Value, pointer: &str, path: &str, out: &mut Vec<Place>) {
    let children: Vec<(String, String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, child)| (key.replace('~', "~0").replace('/', "~1"), join(path, key), child))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let label = item
                    .get("name")
                    .and_then(Value::as_str)
                    .map_or(index.to_string(), str::to_owned);
                (index.to_string(), format!("{path}[{label}]"), item)
            })
            .collect(),
        _ => Vec::new(),
    };
    for (step, path, child) in children {
        let pointer = format!("{pointer}/{step}");
        places(child, &pointer, &path, out);
        out.push(Place { pointer, path });
    }
}

/// The document without the value at the place.
fn without(document: &Value, place: &Place) -> Value {
    let mut document = document.clone();
    let (parent, step) = place.pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(map) => {
            map.shift_remove(&step.replace("~1", "/").replace("~0", "~"));
        }
        Value::Array(items) => {
            items.remove(step.parse().unwrap());
        }
        _ => unreachable!("only these have children"),
    }
    document
}

/// Whether the place says a type, which what stands beside it may say, too.
fn is_type(place: &Place) -> bool {
    let own = place.path.rsplit(['.', ']']).next().unwrap();
    matches!(own, "logicalType" | "type")
}

/// The document with another value at the place, where it is a single one.
fn changed(document: &Value, place: &Place) -> Option<Value> {
    let mut document = document.clone();
    let value = document.pointer_mut(&place.pointer).unwrap();
    if is_type(place) && value.is_string() {
        *value = json!("boolean");
        return Some(document);
    }
    *value = match value {
        Value::String(text) => json!(format!("{text}x")),
        Value::Bool(flag) => json!(!*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => json!(whole + 1),
            None => json!(number.as_f64().unwrap() + 1.0),
        },
        _ => return None,
    };
    Some(document)
}

/// The places that are neither carried nor named.
fn silent(document: &Value, convert: impl Fn(&Value) -> Result<Converted<String>>, own: &[&str]) -> Vec<String> {
    let whole = convert(document).unwrap_or_else(|error| panic!("{}", error.report()));
    let is_named = |path: &str| {
        whole.losses.iter().any(|loss: &Loss| {
            let rest = path.strip_prefix(loss.path.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    };
    let mut all = Vec::new();
    places(document, "", "", &mut all);
    let mut found = Vec::new();
    for place in all {
        if own.contains(&place.path.as_str()) || is_named(&place.path) {
            continue;
        }
        let without = (!is_type(&place)).then(|| without(document, &place));
        let others = [without, changed(document, &place)];
        for (other, what) in others.into_iter().zip(["taken out", "changed"]) {
            // What is refused without it is not silent.
            if other.is_some_and(|other| convert(&other).is_ok_and(|other| other == whole)) {
                found.push(format!("{} {what}", place.path));
            }
        }
    }
    found
}

fn import_silent(format: Format, document: &Value, own: &[&str]) -> Vec<String> {
    silent(
        document,
        |document| import(format, &document.to_string(), &ImportOptions::default()),
        own,
    )
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn everything_in_an_avro_schema_is_carried_or_named() {
    let schema = json!({
        "type": "record", "name": "order", "namespace": "shop", "doc": "An order.", "aliases": ["old"], "x-own": 1,
        "fields": [
            {"name": "id", "type": "long", "doc": "The key.", "aliases": ["key"], "order": "descending", "default": 0},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis", "x-unit": "ms"}},
            {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null},
            {"name": "took", "type": {"type": "fixed", "name": "span", "size": 12, "logicalType": "duration"}},
            {"name": "hash", "type": {"type": "fixed", "name": "hash", "namespace": "other", "size": 16, "aliases": ["h"]}},
            {"name": "odd", "type": {"type": "string", "logicalType": "iban"}},
            {"name": "wide", "type": {"type": "bytes", "logicalType": "decimal", "precision": 50, "scale": 2}},
            {"name": "sum", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
            {"name": "either", "type": ["null", "string", {"type": "array", "items": "int"}]},
            {"name": "status", "type": {"type": "enum", "name": "Status", "doc": "How far it is.", "symbols": ["OPEN", "PAID"],
                "default": "OPEN"}},
            {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "line", "doc": "A line.",
                "fields": [{"name": "sku", "type": "string", "doc": "What."}]}, "default": []}},
            {"name": "labels", "type": {"type": "map", "values": ["null", "string"]}},
            {"name": "last", "type": "line", "doc": "The last line."},
        ],
    });
    // What may be null is null where it is not given: the default says it again.
    assert_eq!(import_silent(Format::Avro, &schema, &["fields[day].default"]), none());
}

#[test]
fn everything_in_a_json_schema_is_carried_or_named() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/order", "$comment": "x",
        "title": "order", "description": "An order.", "type": "object", "additionalProperties": false,
        "minProperties": 1, "patternProperties": {"^x-": {"type": "string"}}, "propertyNames": {"pattern": "^[a-z]"},
        "dependentRequired": {"a": ["b"]}, "if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["b"]},
        "required": ["id", "status", "nobody"], "examples": [{"id": 1}], "default": {}, "readOnly": true, "deprecated": true,
        "properties": {
            "id": {"type": "integer", "format": "int64", "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 2,
                "title": "Key", "description": "The key.", "examples": [1, 2], "default": 1, "readOnly": true, "$comment": "c"},
            "status": {"enum": ["open", "paid"], "deprecated": true},
            "fixed": {"const": "a"},
            "text": {"type": "string", "minLength": 1, "maxLength": 5, "pattern": "^a", "format": "email",
                "contentMediaType": "text/html", "contentEncoding": "7bit"},
            "time": {"type": "string", "format": "date-time", "minLength": 3, "formatMinimum": "2020-01-01T00:00:00Z"},
            "not": {"type": "string", "not": {"const": "b"}},
            "any": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "integer", "minimum": 2}]},
            "one": {"oneOf": [{"const": "a", "title": "A"}, {"const": "b"}]},
            "all": {"allOf": [{"type": "string", "minLength": 2}, {"maxLength": 4, "minLength": 3}]},
            "odd": {"type": "string", "minimum": 4, "minItems": 3, "required": ["x"]},
            "mixed": {"enum": ["a", 1, {"x": 1}]},
            "list": {"type": "array", "items": {"type": "string", "description": "One."}, "minItems": 1, "maxItems": 3,
                "uniqueItems": true, "contains": {"const": "x"}, "prefixItems": [{"type": "string"}], "minContains": 2},
            "tuple": {"type": "array", "items": [{"type": "string"}, {"type": "integer"}], "additionalItems": false},
            "map": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 3}, "maxProperties": 5,
                "propertyNames": {"pattern": "^k"}},
            "open": {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"},
                "unevaluatedProperties": false},
            "to": {"$ref": "#/$defs/address", "description": "Where to."},
            "from": {"$ref": "#/$defs/address"},
            "many": {"type": ["string", "integer", "null"]},
            "nothing": {"type": "null"},
        },
        "$defs": {
            "address": {"type": "object", "title": "Address", "description": "A place.", "required": ["city"],
                "properties": {"city": {"type": "string", "maxLength": 90}}},
            "unused": {"type": "string"},
        },
    });
    // Whole numbers are of 64 bits without it.
    let own = ["$schema", "properties.id.format"];
    assert_eq!(import_silent(Format::JsonSchema, &schema, &own), none());
    let draft_4 = json!({
        "$schema": "http://json-schema.org/draft-04/schema#", "id": "http://example.com/x", "type": "object", "title": "t",
        "definitions": {"n": {"type": "number", "minimum": 1, "exclusiveMinimum": true, "exclusiveMaximum": false}},
        "properties": {"n": {"$ref": "#/definitions/n", "x-nullable": true}, "m": {"type": "string", "nullable": true,
            "discriminator": {"propertyName": "a"}, "xml": {"name": "b"}, "example": "c"}},
        "required": ["n"], "dependencies": {"n": ["m"]},
    });
    // What is not required may be null without it, and no bound is exclusive.
    let own = ["$schema", "definitions.n.exclusiveMaximum", "properties.m.nullable"];
    assert_eq!(import_silent(Format::JsonSchema, &draft_4, &own), none());
}

#[test]
fn everything_in_a_dbt_file_is_carried_or_named() {
    let file = json!({
        "version": 2, "unknown": {"a": 1},
        "models": [{
            "name": "orders", "description": "Orders.", "access": "public", "group": "sales", "latest_version": 2,
            "deprecation_date": "2030-01-01", "docs": {"show": true}, "tests": [
                {"dbt_utils.unique_combination_of_columns": {"combination_of_columns": ["id", "day"], "where": "id > 0"}},
                {"dbt_utils.expression_is_true": {"expression": "id > 0", "name": "positive"}},
            ],
            "config": {"materialized": "table", "contract": {"enforced": true, "alias_types": false}, "tags": ["a"],
                "meta": {"owner": "ada"}},
            "constraints": [
                {"type": "primary_key", "columns": ["id"], "name": "pk", "warn_unsupported": false},
                {"type": "unique", "columns": ["id", "day"], "name": "uq", "expression": "nulls first"},
                {"type": "check", "expression": "id > day", "name": "sane", "columns": ["id"]},
                {"type": "foreign_key", "columns": ["id"], "to": "ref('customers')", "to_columns": ["id"]},
                {"type": "custom", "expression": "x"},
            ],
            "versions": [{"v": 1, "columns": [{"include": "all", "exclude": ["day"]}]}],
            "columns": [
                {"name": "id", "data_type": "bigint", "description": "The key.", "quote": true, "tags": ["b"],
                    "meta": {"x": [1, 2]}, "policy_tags": ["p"], "granularity": "day",
                    "constraints": [{"type": "not_null", "expression": "e"}, {"type": "check", "expression": "id > 5", "name": "n"}],
                    "data_tests": ["not_null", {"unique": {"config": {"severity": "warn"}}},
                        {"not_null": {"where": "id > 1", "name": "my"}}]},
                {"name": "day", "data_type": "int", "tests": [
                    {"accepted_values": {"values": [1, 2], "quote": false, "config": {"where": "a"}}},
                    {"accepted_values": {"arguments": {"values": [1, 2, 3]}, "name": "other", "severity": "warn"}},
                    {"relationships": {"to": "ref('customers')", "field": "id", "from_condition": "x"}},
                    {"my_package.own": {"a": 1}}, "another"]},
                {"name": "bare"},
            ],
        }, {"name": "customers", "columns": [{"name": "id", "data_type": "int"}]}],
        "seeds": [{"name": "seed", "columns": [{"name": "a", "data_type": "text"}]}],
        "sources": [{"name": "crm", "schema": "raw", "database": "db", "loader": "x", "description": "From the CRM.",
            "freshness": {"warn_after": {"count": 1, "period": "day"}}, "loaded_at_field": "at", "tags": ["s"], "meta": {"y": 1},
            "quoting": {"identifier": true},
            "tables": [{"name": "leads", "identifier": "LEADS", "external": {"location": "s3"},
                "columns": [{"name": "a", "data_type": "text"}]}]}],
        "exposures": [{"name": "dash", "type": "dashboard"}],
    });
    // Every contract is enforced here, values are compared as what the column holds, and names are as they stand.
    let own = [
        "version",
        "models[orders].columns[id].quote",
        "models[orders].config.contract",
        "models[orders].config.contract.enforced",
        "models[orders].columns[day].tests[0].accepted_values.quote",
    ];
    assert_eq!(import_silent(Format::Dbt(Dialect::Postgres), &file, &own), none());
}

#[test]
fn everything_in_a_data_contract_specification_is_carried_or_named() {
    let file = json!({
        "dataContractSpecification": "1.2.0", "id": "orders", "tags": ["a"], "links": {"docs": "https://x"}, "x-own": 1,
        "info": {"title": "Orders", "version": "1.0.0", "status": "active", "description": "All.", "owner": "shop",
            "contact": {"name": "Ada", "url": "https://x", "email": "a@b.example", "x": 1}, "x-more": 2},
        "servers": {
            "prod": {"type": "s3", "location": "s3://x/*.json", "format": "json", "delimiter": "new_line", "environment": "prod",
                "description": "It.", "roles": [{"name": "r", "description": "d"}], "x-odd": 3},
            "db": {"type": "postgres", "host": "h", "port": 5432, "database": "d", "schema": "s"},
            "typeless": {"host": "a"},
        },
        "terms": {"usage": "u", "limitations": "l", "billing": "b", "noticePeriod": "P3M", "x": 1,
            "policies": [{"name": "privacy", "description": "d", "url": "https://p", "type": "x"}, {"name": "bare"}]},
        "models": {
            "orders": {"type": "table", "title": "Orders", "description": "An order.", "namespace": "n", "tags": ["b"],
                "primaryKey": ["id", "gone"], "config": {"avroNamespace": "x"}, "examples": ["e"], "additionalFields": true,
                "quality": [{"type": "sql", "description": "q", "query": "SELECT COUNT(*) FROM orders", "mustBeGreaterThan": 1},
                    {"type": "odd", "x": 1}],
                "fields": {
                    "id": {"type": "long", "title": "Key", "description": "The key.", "required": true, "unique": true,
                        "minimum": 1, "exclusiveMaximum": 9, "tags": ["t"], "examples": [1], "links": {"a": "b"}, "$ref": "#/definitions/x",
                        "lineage": {"inputFields": [{"namespace": "n", "name": "a", "field": "b"}]}, "pii": true,
                        "classification": "restricted", "config": {"k": "v"}, "x-own": 4},
                    "text": {"type": "varchar", "minLength": 1, "maxLength": 5, "pattern": "^a", "format": "email",
                        "enum": ["a", "b"], "default": "a", "minimum": 3},
                    "sum": {"type": "decimal", "precision": 10, "scale": 2},
                    "loose": {"type": "decimal", "precision": 50, "scale": 2},
                    "customer": {"type": "string", "references": "customers.id"},
                    "away": {"type": "string", "references": "gone.id"},
                    "lines": {"type": "array", "items": {"type": "object", "fields": {"sku": {"type": "string", "required": true}}}},
                    "labels": {"type": "map", "keys": {"type": "string"}, "values": {"type": "integer"}},
                    "odd": {"type": "geography"}, "json": {"type": "json"}, "untyped": {"description": "d"},
                    "ruled": {"type": "int", "quality": [{"type": "text", "description": "be good"}]},
                }},
            "customers": {"type": "view", "fields": {"id": {"type": "string", "primary": true}}},
        },
        "definitions": {"x": {"type": "string", "domain": "d"}},
        "servicelevels": {
            "availability": {"description": "d", "percentage": "99.9%", "x": 1},
            "retention": {"description": "d", "period": "P1Y", "unlimited": false, "timestampField": "orders.id"},
            "latency": {"threshold": "25h", "sourceTimestampField": "a", "processedTimestampField": "orders.id"},
            "freshness": {"threshold": "25h", "timestampField": "orders.id"},
            "frequency": {"description": "d", "type": "batch", "interval": "daily", "cron": "0 0,12 * * *"},
            "support": {"time": "9am to 5pm", "responseTime": "1h", "description": "d"},
            "backup": {"interval": "weekly", "cron": "0 0 * * 0", "recoveryTime": "24 hours", "recoveryPoint": "1 week"},
            "unknown": {"x": 1},
        },
        "examples": [{"type": "csv", "model": "orders", "data": "a"}],
        "quality": {"type": "SodaCL", "specification": {"checks": 1}},
    });
    // Keys are text without it.
    let own = ["dataContractSpecification", "models.orders.fields.labels.keys"];
    assert_eq!(import_silent(Format::DataContractSpecification, &file, &own), none());
}
