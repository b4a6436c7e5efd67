//! Quality rules: what a rule must say depends on its type.

use polder_core::document::Node;

use super::tables::{CUSTOM, DEFINITIONS, TAGS};
use super::{Field, Rule, Version, Walk, join, optional, required};
use Rule::{Any, List, Number, OneOf, OpenMap, StableId, Text, TextOr};

const BASE: &[Field] = &[
    optional("id", StableId),
    optional("name", Text),
    optional("type", OneOf(&["text", "library", "sql", "custom"])),
    optional("description", Text),
    optional(
        "dimension",
        OneOf(&[
            "accuracy",
            "completeness",
            "conformity",
            "consistency",
            "coverage",
            "timeliness",
            "uniqueness",
        ]),
    ),
    optional("method", Text),
    optional("severity", Text),
    optional("businessImpact", Text),
    optional("schedule", Text),
    optional("scheduler", Text),
    optional("unit", Text),
    optional("tags", TAGS),
    optional("customProperties", CUSTOM),
    optional("authoritativeDefinitions", DEFINITIONS),
];

const METRICS: &[&str] = &[
    "nullValues",
    "missingValues",
    "invalidValues",
    "duplicateValues",
    "rowCount",
];

const LIBRARY: &[Field] = &[
    required("metric", OneOf(METRICS)),
    optional("rule", Text),
    optional("arguments", OpenMap),
];

/// In version 3.0 the metric could be called the rule instead, and its names were free.
const LIBRARY_3_0: &[Field] = &[
    optional("metric", OneOf(METRICS)),
    optional("rule", Text),
    optional("arguments", OpenMap),
];

const SQL: &[Field] = &[required("query", Text)];

const CUSTOM_ENGINE: &[Field] = &[required("engine", Text), required("implementation", TextOr(&OpenMap))];

const PAIR: Rule = List(&Number);

pub(crate) const OPERATORS: &[&str] = &[
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
];

const OPERATOR: &[Field] = &[
    optional("mustBe", Any),
    optional("mustNotBe", Any),
    optional("mustBeGreaterThan", Number),
    optional("mustBeGreaterOrEqualTo", Number),
    optional("mustBeLessThan", Number),
    optional("mustBeLessOrEqualTo", Number),
    optional("mustBeBetween", PAIR),
    optional("mustNotBeBetween", PAIR),
];

/// One quality rule.
pub(super) fn check(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    let Some(entries) = walk.entries(node, path) else {
        return;
    };
    let kind = node.get("type").and_then(Node::as_str);
    let library = node.get("metric").is_some() || matches!(kind, None | Some("library"));
    let mut tables = vec![BASE];
    if library {
        tables.push(if walk.version == Version::V3_0 {
            LIBRARY_3_0
        } else {
            LIBRARY
        });
    }
    match kind {
        Some("sql") => tables.push(SQL),
        Some("custom") => tables.push(CUSTOM_ENGINE),
        _ => {}
    }
    let measured = library || kind == Some("sql");
    if measured {
        tables.push(OPERATOR);
    }
    walk.map(&tables, false, node, path);
    if !measured {
        return;
    }
    if library && walk.version == Version::V3_0 && node.get("metric").is_none() && node.get("rule").is_none() {
        walk.missing(node, path, "metric", None);
    }
    let operators: Vec<_> = entries
        .iter()
        .filter(|entry| OPERATORS.contains(&entry.key.as_str()))
        .collect();
    match operators.as_slice() {
        [] => {
            let help = format!("say what the figure must be: {}", OPERATORS.join(", "));
            walk.missing(node, path, "mustBe", Some(&help));
        }
        [one] => {
            if let Some(pair) = one.value.as_list().filter(|_| one.key.ends_with("Between")) {
                if pair.len() != 2 {
                    walk.wrong_value(
                        &one.value,
                        &join(path, &one.key),
                        "a range has two numbers",
                        "write [low, high]",
                    );
                }
                walk.distinct(pair, &join(path, &one.key));
            }
        }
        [_, second, ..] => {
            let message = format!("`{path}` has more than one operator");
            walk.reader.error(
                second.key_span,
                "wrong-value",
                message,
                Some("write one rule for each".to_owned()),
            );
        }
    }
}
