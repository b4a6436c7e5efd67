//! The keys of the Open Data Contract Standard, versions 3.0 to 3.2, one table for each kind of mapping. What has
//! rules between its keys is in the modules beside this one.

use super::parts::{CONTEXT, CUSTOM, DEFINITIONS, ROLES, TAGS};
use super::{Field, Shape, api_version, optional, property, required, server, words};
use Shape::{Date, Instant, List, Map, Number, OneOf, OpenMapOf, Scalar, Special, StableId, Text, TextOr, Word};

pub(crate) const CONTRACT: &[Field] = &[
    required("apiVersion", Special(api_version, "ApiVersion")),
    required("kind", OneOf(&["DataContract"])),
    required("id", Text),
    required("version", Special(words::version, "Version")),
    optional("name", Text),
    optional("tenant", Text),
    optional("tags", TAGS),
    optional("status", Word(&words::STATUS)),
    optional("servers", List(&Special(server::check, "Server"))),
    optional("dataProduct", Text),
    optional("description", OpenMapOf(DESCRIPTION)),
    optional("domain", Text),
    optional("context", TextOr(&Map(CONTEXT))),
    optional("schema", List(&Special(property::check_object, "SchemaObject"))),
    optional("support", List(&Map(SUPPORT))),
    optional("price", Map(PRICE)),
    optional("team", Special(team, "Team")),
    optional("roles", ROLES),
    optional("slaDefaultElement", Text),
    optional("slaProperties", List(&Special(service_level, "ServiceLevel"))),
    optional("authoritativeDefinitions", DEFINITIONS),
    optional("customProperties", CUSTOM),
    optional("contractCreatedTs", Instant),
];

/// Version 3.2 made the status optional.
pub(crate) const BEFORE_3_2: &[Field] = &[required("status", Word(&words::STATUS))];

const DESCRIPTION: &[Field] = &[
    optional("usage", Text),
    optional("purpose", Text),
    optional("limitations", Text),
    optional("authoritativeDefinitions", DEFINITIONS),
    optional("customProperties", CUSTOM),
];

const SUPPORT: &[Field] = &[
    optional("id", StableId),
    required("channel", Text),
    optional("url", Text),
    optional("description", Text),
    optional("tool", Word(&words::TOOL)),
    optional("scope", Word(&words::SCOPE)),
    optional("invitationUrl", Text),
    optional("customProperties", CUSTOM),
];

const PRICE: &[Field] = &[
    optional("id", StableId),
    optional("priceAmount", Number),
    optional("priceCurrency", Text),
    optional("priceUnit", Word(&words::PRICE_UNIT)),
];

pub(crate) const TEAM: &[Field] = &[
    optional("id", StableId),
    optional("name", Text),
    optional("description", Text),
    optional("members", List(&Map(TEAM_MEMBER))),
    optional("tags", TAGS),
    optional("customProperties", CUSTOM),
    optional("authoritativeDefinitions", DEFINITIONS),
];

pub(crate) const TEAM_MEMBER: &[Field] = &[
    optional("id", StableId),
    required("username", Text),
    optional("name", Text),
    optional("description", Text),
    optional("role", Word(&words::ROLE_IN_TEAM)),
    optional("dateIn", Date),
    optional("dateOut", Date),
    optional("replacedByUsername", Text),
    optional("tags", TAGS),
    optional("customProperties", CUSTOM),
    optional("authoritativeDefinitions", DEFINITIONS),
];

pub(crate) const SERVICE_LEVEL: &[Field] = &[
    optional("id", StableId),
    required("property", Word(&words::SERVICE_LEVELS)),
    required("value", Scalar),
    optional("valueExt", Scalar),
    optional("unit", Text),
    optional("element", Text),
    optional("driver", Word(&words::DRIVER)),
    optional("description", Text),
    optional("scheduler", Word(&words::SCHEDULER)),
    optional("schedule", Text),
];

/// A team is a mapping; before version 3.1 it was the list of its members, which is still read.
fn team(walk: &super::Walk<'_, '_>, node: &polder_core::document::Node, path: &str) {
    let shape = if node.as_list().is_some() {
        List(&Map(TEAM_MEMBER))
    } else {
        Map(TEAM)
    };
    walk.check(&shape, node, path);
}

/// A service level, with what its schedule says.
fn service_level(walk: &super::Walk<'_, '_>, node: &polder_core::document::Node, path: &str) {
    walk.map(&[SERVICE_LEVEL], false, node, path);
    words::schedule(walk, node, path);
}
