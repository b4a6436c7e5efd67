//! References from one element to another.

use std::sync::LazyLock;

use polder_core::document::Node;
use regex::Regex;

use super::tables::CUSTOM;
use super::{Field, Rule, Walk, join, optional, required};
use Rule::{OneOf, Special};

const PROPERTY: &[Field] = &[
    optional("type", OneOf(&["foreignKey"])),
    required("to", Special(reference)),
    optional("customProperties", CUSTOM),
];

const FROM: &[Field] = &[required("from", Special(reference))];

/// Both notations of the standard: `object.property`, and `[file.yaml#]/schema/<id>/properties/<id>`.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?:[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+",
        r"|(?:(?:https?://)?[A-Za-z0-9._\-/]+\.yaml#)?/?[A-Za-z_][A-Za-z0-9_]*/[A-Za-z0-9_-]+",
        r"(?:/[A-Za-z_][A-Za-z0-9_]*/[A-Za-z0-9_-]+)*)$",
    ))
    .ok()
});

/// A relationship of a property, which is itself where it begins.
pub(super) fn check_property(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    walk.map(&[PROPERTY], false, node, path);
}

/// A relationship of an object: both ends are named, each as one reference or each as a list.
pub(super) fn check_object(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    walk.map(&[PROPERTY, FROM], false, node, path);
    if let (Some(from), Some(to)) = (node.get("from"), node.get("to")) {
        match (from.as_list(), to.as_list()) {
            (Some(from_list), Some(to_list)) if from_list.len() != to_list.len() => {
                walk.wrong_value(
                    to,
                    &join(path, "to"),
                    "`from` and `to` name different numbers of elements",
                    "",
                );
            }
            (Some(_), None) | (None, Some(_)) => {
                walk.wrong_value(
                    to,
                    &join(path, "to"),
                    "one end is a list and the other is not",
                    "make both lists",
                );
            }
            _ => {}
        }
    }
}

fn reference(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    if let Some(items) = node.as_list() {
        if items.is_empty() {
            walk.wrong_value(node, path, "the list is empty", "name at least one element");
        }
        items
            .iter()
            .enumerate()
            .for_each(|(index, item)| one(walk, item, &format!("{path}[{index}]")));
    } else {
        one(walk, node, path);
    }
}

fn one(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    let Some(text) = walk.text(node, path) else { return };
    if REFERENCE.as_ref().is_some_and(|reference| !reference.is_match(text)) {
        let help = "write object.property, or /schema/<id>/properties/<id>";
        walk.wrong_value(node, path, &format!("`{text}` is no reference"), help);
    }
}
