//! The keys of the Open Data Contract Standard, versions 3.0 to 3.2, one table for each kind of mapping. What has
//! rules between its keys is in the modules beside this one.

use super::{Field, Rule, api_version, optional, property, quality, relationship, required, server, words};
use Rule::{
    Any, Date, Instant, List, Map, Number, OneOf, OpenMapOf, Scalar, Special, StableId, Text, TextOr, Whole, Word,
};

pub(super) const CONTRACT: &[Field] = &[
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
    optional("roles", List(&Map(ROLE))),
    optional("slaDefaultElement", Text),
    optional("slaProperties", List(&Special(service_level, "ServiceLevel"))),
    optional("authoritativeDefinitions", DEFINITIONS),
    optional("customProperties", CUSTOM),
    optional("contractCreatedTs", Instant),
];

/// Version 3.2 made the status optional.
pub(super) const BEFORE_3_2: &[Field] = &[required("status", Word(&words::STATUS))];

pub(super) const TAGS: Rule = List(&Text);
pub(super) const CUSTOM: Rule = List(&Map(CUSTOM_PROPERTY));
pub(super) const DEFINITIONS: Rule = List(&Map(DEFINITION));
pub(super) const ROLES: Rule = List(&Map(ROLE));

const CUSTOM_PROPERTY: &[Field] = &[
    optional("id", StableId),
    required("property", Text),
    required("value", Any),
    optional("description", Text),
];

const DEFINITION: &[Field] = &[
    optional("id", StableId),
    required("url", Text),
    required("type", Word(&words::DEFINITION)),
    optional("description", Text),
];

const DESCRIPTION: &[Field] = &[
    optional("usage", Text),
    optional("purpose", Text),
    optional("limitations", Text),
    optional("authoritativeDefinitions", DEFINITIONS),
    optional("customProperties", CUSTOM),
];

const CONTEXT: &[Field] = &[
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

pub(super) const TEAM: &[Field] = &[
    optional("id", StableId),
    optional("name", Text),
    optional("description", Text),
    optional("members", List(&Map(TEAM_MEMBER))),
    optional("tags", TAGS),
    optional("customProperties", CUSTOM),
    optional("authoritativeDefinitions", DEFINITIONS),
];

pub(super) const TEAM_MEMBER: &[Field] = &[
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

const ROLE: &[Field] = &[
    optional("id", StableId),
    required("role", Text),
    optional("description", Text),
    optional("access", Word(&words::ACCESS)),
    optional("firstLevelApprovers", Text),
    optional("secondLevelApprovers", Text),
    optional("customProperties", CUSTOM),
];

pub(super) const SERVICE_LEVEL: &[Field] = &[
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

/// What objects and properties have in common.
pub(super) const ELEMENT: &[Field] = &[
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

pub(super) const OBJECT: &[Field] = &[
    required("name", Text),
    optional("physicalType", Word(&words::OBJECT_TYPE)),
    optional("logicalType", OneOf(&["object"])),
    optional("dataGranularityDescription", Text),
    optional("properties", List(&Special(property::check_named, "SchemaProperty"))),
    optional(
        "relationships",
        List(&Special(relationship::check_object, "ObjectRelationship")),
    ),
    optional("context", TextOr(&Map(CONTEXT))),
];

pub(super) const PROPERTY: &[Field] = &[
    optional("primaryKey", Rule::Bool),
    optional("primaryKeyPosition", Whole(i64::MIN)),
    optional("logicalType", OneOf(property::LOGICAL_TYPES)),
    optional("logicalTypeOptions", Rule::OpenMap),
    optional("required", Rule::Bool),
    optional("unique", Rule::Bool),
    optional("semanticType", OneOf(&["column", "measure", "dimension"])),
    optional("partitioned", Rule::Bool),
    optional("partitionKeyPosition", Whole(i64::MIN)),
    optional("classification", Word(&words::CLASSIFICATION)),
    optional("encryptedName", Text),
    optional("transformSourceObjects", List(&Text)),
    optional("transformLogic", Text),
    optional("transformDescription", Text),
    optional("examples", List(&Any)),
    optional("enum", Rule::Set(&Map(ENUM_VALUE))),
    optional("criticalDataElement", Rule::Bool),
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

/// A team is a mapping; before version 3.1 it was the list of its members, which is still read.
fn team(walk: &super::Walk<'_, '_>, node: &polder_core::document::Node, path: &str) {
    let rule = if node.as_list().is_some() {
        List(&Map(TEAM_MEMBER))
    } else {
        Map(TEAM)
    };
    walk.check(&rule, node, path);
}

/// A service level, with what its schedule says.
fn service_level(walk: &super::Walk<'_, '_>, node: &polder_core::document::Node, path: &str) {
    walk.map(&[SERVICE_LEVEL], false, node, path);
    words::schedule(walk, node, path);
}
