//! Objects and properties: what a property may say depends on its logical type.

use polder_core::document::Node;

use super::parts::{CONTEXT, CUSTOM, DEFINITIONS, TAGS};
use super::{Field, Shape, Walk, join, optional, quality, relationship, required, words};
use Shape::{
    Any, Bool, List, Map, Number, OneOf, OpenMap, Positive, Scalar, Set, Special, StableId, Text, TextOr, Whole, Word,
};

pub(crate) const LOGICAL_TYPES: &[&str] = &[
    "string",
    "date",
    "timestamp",
    "time",
    "number",
    "integer",
    "object",
    "array",
    "boolean",
    "map",
];

/// What objects and properties have in common.
pub(crate) const ELEMENT: &[Field] = &[
    optional("id", StableId),
    optional("name", Text),
    optional("physicalName", Text),
    optional("physicalType", Text),
    optional("description", Text),
    optional("businessName", Text),
    optional("synonyms", List(&Map(SYNONYM))),
    optional("authoritativeDefinitions", DEFINITIONS),
    optional("tags", TAGS),
    optional("customProperties", CUSTOM),
    optional("quality", List(&Special(quality::check, "Quality"))),
];

const SYNONYM: &[Field] = &[
    optional("id", StableId),
    required("synonym", Text),
    optional("description", Text),
    optional("locale", Text),
    optional("source", Text),
    optional("status", Word(&words::SYNONYM_STATUS)),
    optional("customProperties", CUSTOM),
];

pub(crate) const OBJECT: &[Field] = &[
    required("name", Text),
    optional("physicalType", Word(&words::OBJECT_TYPE)),
    optional("logicalType", OneOf(&["object"])),
    optional("dataGranularityDescription", Text),
    optional("properties", List(&Special(check_named, "SchemaProperty"))),
    optional(
        "relationships",
        List(&Special(relationship::check_object, "ObjectRelationship")),
    ),
    optional("context", TextOr(&Map(CONTEXT))),
];

pub(crate) const PROPERTY: &[Field] = &[
    optional("primaryKey", Bool),
    optional("primaryKeyPosition", Whole(i64::MIN)),
    optional("logicalType", OneOf(LOGICAL_TYPES)),
    optional("logicalTypeOptions", OpenMap),
    optional("required", Bool),
    optional("unique", Bool),
    optional("semanticType", OneOf(&["column", "measure", "dimension"])),
    optional("partitioned", Bool),
    optional("partitionKeyPosition", Whole(i64::MIN)),
    optional("classification", Word(&words::CLASSIFICATION)),
    optional("encryptedName", Text),
    optional("transformSourceObjects", List(&Text)),
    optional("transformLogic", Text),
    optional("transformDescription", Text),
    optional("examples", List(&Any)),
    optional("enum", Set(&Map(ENUM_VALUE))),
    optional("criticalDataElement", Bool),
    optional(
        "relationships",
        List(&Special(relationship::check_property, "PropertyRelationship")),
    ),
];

const ENUM_VALUE: &[Field] = &[
    required("value", Scalar),
    optional("label", Text),
    optional("id", StableId),
    optional("description", Text),
    optional("customProperties", CUSTOM),
    optional("authoritativeDefinitions", DEFINITIONS),
    optional("tags", TAGS),
];

const STRING: &[Field] = &[
    optional("minLength", Whole(0)),
    optional("maxLength", Whole(0)),
    optional("pattern", Text),
    optional("format", Text),
];

const DATE: &[Field] = &[
    optional("format", Text),
    optional("minimum", Text),
    optional("maximum", Text),
    optional("exclusiveMinimum", Text),
    optional("exclusiveMaximum", Text),
];

const ZONE: &[Field] = &[optional("timezone", Bool), optional("defaultTimezone", Text)];

const NUMERIC: &[Field] = &[
    optional("multipleOf", Positive),
    optional("minimum", Number),
    optional("maximum", Number),
    optional("exclusiveMinimum", Number),
    optional("exclusiveMaximum", Number),
];

const INTEGER: &[Field] = &[optional(
    "format",
    OneOf(&["i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64", "u128"]),
)];

const FLOAT: &[Field] = &[optional("format", OneOf(&["f32", "f64"]))];

const OBJECT_OPTIONS: &[Field] = &[
    optional("minProperties", Whole(0)),
    optional("maxProperties", Whole(0)),
    optional("required", Set(&Text)),
];

const ARRAY: &[Field] = &[
    optional("minItems", Whole(0)),
    optional("maxItems", Whole(0)),
    optional("uniqueItems", Bool),
];

const PROPERTIES: &[Field] = &[optional("properties", List(&Special(check_named, "SchemaProperty")))];
const ITEMS: &[Field] = &[optional("items", Special(check, "SchemaItem"))];
const MAP: &[Field] = &[required("map", Map(MAP_SIDES))];
const UNTYPED_MAP: &[Field] = &[optional("map", Map(MAP_SIDES))];
const MAP_SIDES: &[Field] = &[
    required("key", Special(check, "SchemaItem")),
    required("value", Special(check, "SchemaItem")),
];

/// Every option of every logical type.
pub(super) fn options() -> impl Iterator<Item = &'static str> {
    let tables = [STRING, ZONE, NUMERIC, OBJECT_OPTIONS, ARRAY];
    let fields = tables.into_iter().flatten().map(|field| field.key);
    // A column may be required as well, and says so itself.
    fields.filter(|key| *key != "required")
}

/// Whether a property may say this of itself, whatever its type.
pub(super) fn is_key(key: &str) -> bool {
    ELEMENT.iter().chain(PROPERTY).any(|field| field.key == key)
}

/// An object of the schema.
pub(super) fn check_object(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    walk.map(&[ELEMENT, OBJECT], false, node, path);
    distinct_names(walk, node, path);
}

/// A property, which needs a name.
pub(super) fn check_named(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    check(walk, node, path);
    if node.as_map().is_some() && node.get("name").is_none() && !Walk::has_misspelt(node, &["name"]) {
        walk.missing(node, path, "name", None);
    }
}

/// The keys that a logical type adds: those of its options, and those of what it has inside.
pub(crate) fn tables_of(logical: Option<&str>) -> (&'static [&'static [Field]], &'static [&'static [Field]]) {
    match logical {
        Some("string") => (&[STRING], &[]),
        Some("date") => (&[DATE], &[]),
        Some("timestamp" | "time") => (&[DATE, ZONE], &[]),
        Some("integer") => (&[NUMERIC, INTEGER], &[]),
        Some("number") => (&[NUMERIC, FLOAT], &[]),
        Some("object") => (&[OBJECT_OPTIONS], &[PROPERTIES]),
        Some("array") => (&[ARRAY], &[ITEMS]),
        Some("map") => (&[], &[MAP]),
        Some("boolean") => (&[], &[]),
        _ => (&[], &[PROPERTIES, ITEMS, UNTYPED_MAP]),
    }
}

/// A property, or the items of an array or a side of a map, which need no name.
fn check(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    if walk.entries(node, path).is_none() {
        return;
    }
    let logical = node.get("logicalType").and_then(Node::as_str);
    let (options, inside) = tables_of(logical);
    let mut tables = vec![ELEMENT, PROPERTY];
    tables.extend(inside);
    walk.map(&tables, false, node, path);
    if let Some(written) = node
        .get("logicalTypeOptions")
        .filter(|written| written.as_map().is_some_and(|map| !map.is_empty()))
    {
        let path = join(path, "logicalTypeOptions");
        match logical {
            Some("boolean" | "map") => {}
            // Which options there are cannot be told of a type that nobody knows.
            Some(word) if !LOGICAL_TYPES.contains(&word) => {}
            Some(_) => walk.map(options, false, written, &path),
            None => walk.wrong_value(
                written,
                &path,
                "options depend on the logical type",
                "add `logicalType`",
            ),
        }
    }
    distinct_names(walk, node, path);
}

/// Two properties of one name: a table cannot have both.
fn distinct_names(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    let mut seen = std::collections::HashSet::new();
    for property in node.get("properties").and_then(Node::as_list).unwrap_or_default() {
        if let Some(name) = property.get("name")
            && let Some(text) = name.as_str()
            && !seen.insert(text)
        {
            let message = format!(
                "`{}` has two properties `{text}`",
                if path.is_empty() { "schema" } else { path }
            );
            walk.reader.error(
                name.span,
                "duplicate-name",
                message,
                Some("give one of them another name".to_owned()),
            );
        }
    }
}
