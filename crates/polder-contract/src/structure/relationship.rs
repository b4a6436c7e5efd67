//! References from one element to another.

use std::sync::LazyLock;

use polder_core::document::Node;
use regex::Regex;

use super::parts::CUSTOM;
use super::{Field, Shape, Walk, join, optional, required};
use Shape::{OneOf, Special};

pub(crate) const PROPERTY: &[Field] = &[
    optional("type", OneOf(&["foreignKey"])),
    required("to", Special(reference, "Reference")),
    // Not in the JSON schema, but in the examples of the standard's prose.
    optional("description", Shape::Text),
    optional("customProperties", CUSTOM),
];

pub(crate) const FROM: &[Field] = &[required("from", Special(reference, "Reference"))];

/// Both notations of the standard: `object.property` and `/schema/<id>/properties/<id>`, each of which may name the
/// contract's file before it (`file.yaml#…`; before the first notation by the standard's prose alone, as for `file://`).
pub(crate) const REFERENCE: &str = concat!(
    r"^(?:(?:https?://|file://)?[A-Za-z0-9._\-/]+\.yaml#)?",
    r"(?:[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+",
    r"|/?[A-Za-z_][A-Za-z0-9_]*/[A-Za-z0-9_-]+(?:/[A-Za-z_][A-Za-z0-9_]*/[A-Za-z0-9_-]+)*)$",
);

static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(REFERENCE).ok());

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
    if PATTERN.as_ref().is_some_and(|reference| !reference.is_match(text)) {
        let help = "write object.property, or /schema/<id>/properties/<id>";
        walk.wrong_value(node, path, &format!("`{text}` is no reference"), help);
    }
}
