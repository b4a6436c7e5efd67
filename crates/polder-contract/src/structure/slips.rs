//! Keys as other tools call them, or in the wrong place, with what the standard has instead.

use polder_core::document::{Entry, Node};

use super::{Field, property, quality};

/// The key that is meant by one of another name, though the two look nothing like each other; `known` are those that there
/// are.
pub(super) fn meant(key: &str, known: impl Fn(&str) -> bool) -> Option<&'static str> {
    let meant = match key {
        "sql" | "statement" => "query",
        "row" | "freshness" | "volume" => "implementation",
        "nullable" | "isNullable" | "is_nullable" | "notNull" | "not_null" | "isRequired" => "required",
        "precision" | "scale" => "physicalType",
        _ => return None,
    };
    known(meant).then_some(meant)
}

/// What to write for a key that the mapping cannot have. `known` are those that it can have, `path` is its own.
pub(super) fn instead(mapping: &Node, entry: &Entry, known: impl Fn(&str) -> bool, path: &str) -> Option<String> {
    let key = entry.key.as_str();
    let of_options = path.rsplit('.').next() == Some("logicalTypeOptions");
    if of_options && matches!(key, "precision" | "scale") {
        return Some(format!("write it beside `logicalTypeOptions`: {}", decimal(mapping)));
    }
    // What stands in the wrong place is told so first.
    if of_options && !property::is_key(key) && property::options().any(|option| option == key) {
        return Some(format!("`{key}` is an option of columns of another `logicalType`"));
    }
    if of_options && property::is_key(key) {
        let example = match key {
            "enum" => ": enum: [{value: …}]",
            _ => "",
        };
        return Some(format!(
            "`{key}` stands beside `logicalTypeOptions`, not in it{example}"
        ));
    }
    Some(match (meant(key, known)?, key) {
        ("query", _) => "write the SQL under `query`".to_owned(),
        ("implementation", _) => format!("write it as implementation: {{{key}: …}}"),
        ("required", "nullable" | "isNullable" | "is_nullable") if entry.value.scalar_text() != Some("false") => {
            "leave it out: a value may be null unless it is `required: true`".to_owned()
        }
        ("required", _) => "write required: true".to_owned(),
        _ => format!("write {}", decimal(mapping)),
    })
}

/// What to write for a key that is missing, where an example says more than its name.
pub(super) fn example(mapping: &Node, field: &Field) -> Option<String> {
    let text = match field.key {
        "metric" => return quality::metric_of(mapping),
        "query" => "write the query that gives the figure: query: SELECT count(*) FROM {object} WHERE …",
        "engine" => "name the tool that runs the rule, `polder` for its own: engine: polder",
        "implementation" if mapping.get("engine").and_then(Node::as_str) == Some("polder") => {
            "write the rule itself: implementation: {row: amount >= 0}"
        }
        "implementation" => "what the tool runs goes there, as text or as a mapping",
        "apiVersion" => "say which version of the standard it is written for: apiVersion: v3.1.0",
        "version" => "say which version of the document it is: version: 1.0.0",
        "id" => "give it an id that no other document has: id: …",
        "map" => "say what its keys and values are: map: {key: {logicalType: string}, value: {logicalType: string}}",
        _ => return None,
    };
    Some(text.to_owned())
}

/// A decimal's type, of the digits that stand beside each other in the mapping.
fn decimal(mapping: &Node) -> String {
    let digits = |key: &str| {
        let text = mapping.get(key).and_then(Node::scalar_text);
        text.filter(|text| text.bytes().all(|digit| digit.is_ascii_digit()))
    };
    match (digits("precision"), digits("scale")) {
        (Some(precision), scale) => format!("physicalType: \"decimal({precision},{})\"", scale.unwrap_or("0")),
        (None, _) => "physicalType: \"decimal(12,2)\", with the digits in all and those behind the point".to_owned(),
    }
}
