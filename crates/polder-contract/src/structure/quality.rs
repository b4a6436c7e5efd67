//! Quality rules: what a rule must say depends on its type.

use polder_core::document::Node;

use super::parts::{CUSTOM, DEFINITIONS, TAGS};
use super::{Field, Shape, Version, Walk, join, optional, required, words};
use Shape::{Any, List, Number, OneOf, OpenMap, Single, Special, StableId, Text, TextOr, Word};

/// The dimensions, and in the same order their synonyms, which are in the standard's prose alone.
const DIMENSIONS: [&str; 14] = [
    "accuracy",
    "completeness",
    "conformity",
    "consistency",
    "coverage",
    "timeliness",
    "uniqueness",
    "ac",
    "cp",
    "cf",
    "cs",
    "cv",
    "tm",
    "uq",
];

/// The dimension's full name, where its synonym is written.
pub(crate) fn dimension(word: &str) -> &str {
    let known = DIMENSIONS.iter().position(|known| *known == word);
    known.map_or(word, |index| DIMENSIONS[index % (DIMENSIONS.len() / 2)])
}

const TYPES: &[&str] = &["text", "library", "sql", "custom"];

pub(crate) const BASE: &[Field] = &[
    optional("id", StableId),
    optional("name", Text),
    optional("type", OneOf(TYPES)),
    optional("description", Text),
    optional("dimension", OneOf(&DIMENSIONS)),
    optional("method", Word(&words::METHOD)),
    optional("severity", Word(&words::SEVERITY)),
    optional("businessImpact", Word(&words::BUSINESS_IMPACT)),
    optional("schedule", Text),
    optional("scheduler", Word(&words::SCHEDULER)),
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

pub(super) const LIBRARY: &[Field] = &[
    required("metric", OneOf(METRICS)),
    optional("rule", Text),
    optional("arguments", OpenMap),
];

/// In version 3.0 the metric could be called the rule instead, and its names were free; the one argument that its
/// prose knows stood beside it.
pub(crate) const LIBRARY_3_0: &[Field] = &[
    optional("metric", OneOf(METRICS)),
    optional("rule", Text),
    optional("arguments", OpenMap),
    optional("validValues", List(&Any)),
];

/// The unit of the library's figures is looked at with the figures.
pub(crate) const SQL: &[Field] = &[required("query", Text), optional("unit", Word(&words::FIGURE_UNIT))];

pub(crate) const CUSTOM_ENGINE: &[Field] = &[
    required("engine", Special(words::engine, "Engine")),
    required("implementation", TextOr(&OpenMap)),
];

/// What to write for a metric that stands under the name that it had in version 3.0.
pub(super) fn metric_of(rule: &Node) -> Option<String> {
    let named = rule.get("rule")?.as_str()?;
    Some(match METRICS.contains(&named) {
        true => format!("version 3.0 called it `rule`: write metric: {named}"),
        false => format!(
            "version 3.0 called it `rule`; now there are the metrics {}",
            METRICS.join(", ")
        ),
    })
}

/// Two numbers; that they are two is checked where the operator is looked at.
const PAIR: Shape = List(&Number);

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

pub(crate) const OPERATOR: &[Field] = &[
    optional("mustBe", Single),
    optional("mustNotBe", Single),
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
    if kind.is_some_and(|kind| !TYPES.contains(&kind)) {
        // Which keys are right depends on the type: only the type is wrong.
        walk.map(&[BASE], true, node, path);
        return;
    }
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
    words::schedule(walk, node, path);
    if !measured {
        return;
    }
    let without_metric = library && node.get("metric").is_none() && node.get("rule").is_none();
    if without_metric && walk.version == Version::V3_0 && !Walk::has_misspelt(node, &["metric"]) {
        walk.missing(node, path, "metric", None);
    }
    let operators: Vec<_> = entries
        .iter()
        .filter(|entry| OPERATORS.contains(&entry.key.as_str()))
        .collect();
    match operators.as_slice() {
        // Version 3.0 left it open what the figure must be: `rule: validValues` says enough.
        [] if library && walk.version == Version::V3_0 => {}
        [] if Walk::has_misspelt(node, OPERATORS) => {}
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
        // By the prose two bounds go together: `mustBeBetween` is their short form.
        [one, other] if is_range(&one.key, &other.key) || is_range(&other.key, &one.key) => {}
        [_, second, ..] => {
            let message = format!("`{path}` has more than one operator");
            walk.reader.error(
                second.key_span,
                "wrong-value",
                message,
                Some("write one rule for each; only a lower and an upper bound go together".to_owned()),
            );
        }
    }
}

/// Whether the two operators are a lower and an upper bound.
fn is_range(lower: &str, upper: &str) -> bool {
    lower.starts_with("mustBeGreater") && upper.starts_with("mustBeLess")
}
