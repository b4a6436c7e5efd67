//! What mappings of many kinds have in common: tags, custom properties, definitions, roles, the context for machines.

use polder_core::document::Node;

use super::{Field, Shape, Walk, optional, required, words};
use Shape::{Any, List, Map, Special, StableId, Text, Word};

pub(super) const TAGS: Shape = List(&Text);
pub(super) const CUSTOM: Shape = List(&Special(custom_property, "CustomProperty"));
pub(super) const DEFINITIONS: Shape = List(&Map(DEFINITION));
pub(super) const ROLES: Shape = List(&Map(ROLE));

pub(crate) const CUSTOM_PROPERTY: &[Field] = &[
    optional("id", StableId),
    required("property", Text),
    required("value", Any),
    optional("description", Text),
];

/// What Polder's own properties say is checked where they mean something.
fn custom_property(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    walk.map(&[CUSTOM_PROPERTY], false, node, path);
}

const DEFINITION: &[Field] = &[
    optional("id", StableId),
    required("url", Text),
    required("type", Word(&words::DEFINITION)),
    optional("description", Text),
];

pub(super) const CONTEXT: &[Field] = &[
    optional("instructions", Text),
    optional("verifiedStatements", List(&Map(VERIFIED_STATEMENT))),
    optional("constraints", List(&Map(CONSTRAINT))),
];

const VERIFIED_STATEMENT: &[Field] = &[
    optional("id", Text),
    required("question", Text),
    optional("answer", Text),
    optional("authoritativeDefinitions", DEFINITIONS),
    optional("tags", TAGS),
    optional("customProperties", CUSTOM),
];

const CONSTRAINT: &[Field] = &[
    optional("id", Text),
    required("constraint", Text),
    optional("authoritativeDefinitions", DEFINITIONS),
    optional("tags", TAGS),
    optional("customProperties", CUSTOM),
];

pub(super) const ROLE: &[Field] = &[
    optional("id", StableId),
    required("role", Text),
    optional("description", Text),
    optional("access", Word(&words::ACCESS)),
    optional("firstLevelApprovers", Text),
    optional("secondLevelApprovers", Text),
    optional("customProperties", CUSTOM),
];
