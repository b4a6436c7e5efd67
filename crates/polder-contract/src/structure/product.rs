//! The keys of the Open Data Product Standard, version 1.0 (and 0.9, which has fewer). Where its prose says more than
//! its JSON schema, the prose counts: there is an output port, statuses and kinds of ports are words of a list, name
//! and version tell ports apart.

use polder_core::document::{Node, Reader};

use super::parts::TAGS;
use super::{Field, Shape, Version, Walk, kind_of, optional, required, words};
use Shape::{Any, Date, Instant, List, Map, OneOf, Special, Text, Word};

const PRODUCT: &[Field] = &[
    required("apiVersion", OneOf(&["v1.0.0", "v0.9.0"])),
    required("kind", OneOf(&["DataProduct"])),
    required("id", Text),
    required(
        "status",
        OneOf(&["proposed", "draft", "active", "deprecated", "retired"]),
    ),
    optional("name", Text),
    optional("version", Text),
    optional("domain", Text),
    optional("tenant", Text),
    optional("description", Map(DESCRIPTION)),
    optional("authoritativeDefinitions", DEFINITIONS),
    optional("customProperties", CUSTOM),
    optional("tags", TAGS),
    optional("inputPorts", List(&Map(INPUT_PORT))),
    required("outputPorts", List(&Map(OUTPUT_PORT))),
    optional("managementPorts", List(&Map(MANAGEMENT_PORT))),
    optional("support", List(&Map(SUPPORT))),
    optional("team", Map(TEAM)),
    optional("productCreatedTs", Instant),
];

const CUSTOM: Shape = List(&Map(&[
    required("property", Text),
    required("value", Any),
    optional("description", Text),
]));

const DEFINITIONS: Shape = List(&Map(&[
    required("type", Word(&words::DEFINITION)),
    required("url", ADDRESS),
    optional("description", Text),
]));

const ADDRESS: Shape = Special(address, "");

const DESCRIPTION: &[Field] = &[
    optional("purpose", Text),
    optional("limitations", Text),
    optional("usage", Text),
    optional("authoritativeDefinitions", DEFINITIONS),
    optional("customProperties", CUSTOM),
];

const INPUT_PORT: &[Field] = &[
    required("name", Text),
    required("version", Text),
    required("contractId", Text),
    optional("tags", TAGS),
    optional("customProperties", CUSTOM),
    optional("authoritativeDefinitions", DEFINITIONS),
];

const OUTPUT_PORT: &[Field] = &[
    required("name", Text),
    required("version", Text),
    // An output port without one is refused with a word of its own, where products meet contracts.
    optional("contractId", Text),
    optional("description", Text),
    optional("type", Text),
    optional("sbom", List(&Map(BILL_OF_MATERIALS))),
    optional("inputContracts", Special(input_contracts, "")),
    optional("tags", TAGS),
    optional("customProperties", CUSTOM),
    optional("authoritativeDefinitions", DEFINITIONS),
];

const BILL_OF_MATERIALS: &[Field] = &[optional("type", OneOf(&["external"])), required("url", ADDRESS)];

const INPUT_CONTRACT: &[Field] = &[required("id", Text), required("version", Text)];

const MANAGEMENT_PORT: &[Field] = &[
    required("name", Text),
    required("content", Word(&words::PORT_CONTENT)),
    optional("type", OneOf(&["rest", "topic"])),
    optional("url", ADDRESS),
    optional("channel", Text),
    optional("description", Text),
    optional("tags", TAGS),
    optional("customProperties", CUSTOM),
    optional("authoritativeDefinitions", DEFINITIONS),
];

const SUPPORT: &[Field] = &[
    required("channel", Text),
    required("url", ADDRESS),
    optional("description", Text),
    optional("tool", Word(&words::TOOL)),
    optional("scope", Word(&words::SCOPE)),
    optional("invitationUrl", ADDRESS),
    optional("tags", TAGS),
    optional("customProperties", CUSTOM),
    optional("authoritativeDefinitions", DEFINITIONS),
];

const TEAM: &[Field] = &[
    optional("name", Text),
    optional("description", Text),
    optional("members", List(&Map(MEMBER))),
    optional("tags", TAGS),
    optional("customProperties", CUSTOM),
    optional("authoritativeDefinitions", DEFINITIONS),
];

const MEMBER: &[Field] = &[
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

/// Holds a document against the standard for products; findings go to the reader.
pub(crate) fn check_product(reader: &Reader<'_>, document: &Node) {
    let walk = Walk {
        reader,
        version: Version::V3_2,
    };
    let begins = "a data product begins with `apiVersion: v1.0.0` and `kind: DataProduct`";
    if walk.is_no_mapping(document, begins) {
        return;
    }
    if let Some(kind) = kind_of(document, "DataContract") {
        let message = "this is a contract, not a data product";
        let help = "contracts end in .odcs.yaml; two of them compare with: polder contract diff OLD NEW";
        reader.error(kind.span, "other-standard", message, Some(help.to_owned()));
        return;
    }
    walk.map(&[PRODUCT], false, document, "");
    for ports in ["inputPorts", "outputPorts"] {
        distinct(&walk, document, ports);
    }
    if let Some(ports) = document.get("outputPorts")
        && ports.as_list().is_some_and(<[Node]>::is_empty)
    {
        walk.wrong_value(
            ports,
            "outputPorts",
            "the list is empty",
            "a product without output is of no use",
        );
    }
}

/// Name and version are the key of a port.
fn distinct(walk: &Walk<'_, '_>, document: &Node, ports: &str) {
    let mut seen = std::collections::HashSet::new();
    for port in document.get(ports).and_then(Node::as_list).unwrap_or_default() {
        let text = |key| port.get(key).and_then(Node::as_str);
        if let (Some(name), Some(version)) = (text("name"), text("version"))
            && !seen.insert((name, version))
        {
            let message = format!("`{ports}` has the port `{name}` with the version {version} twice");
            let span = port.get("name").map_or(port.span, |name| name.span);
            let help = "name and version tell ports apart: change one of them";
            walk.reader
                .error(span, "duplicate-name", message, Some(help.to_owned()));
        }
    }
}

/// The contracts that an output port is made from; one contract may be there in several versions.
fn input_contracts(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    let Some(items) = node.as_list() else {
        walk.wrong_type(node, path, "a list");
        return;
    };
    for (index, item) in items.iter().enumerate() {
        walk.map(&[INPUT_CONTRACT], false, item, &format!("{path}[{index}]"));
    }
}

/// An address with its scheme (RFC 3986): `https://…`, `mailto:…`.
fn address(walk: &Walk<'_, '_>, node: &Node, path: &str) {
    let Some(text) = walk.text(node, path) else { return };
    let scheme = text.split_once(':').is_some_and(|(scheme, rest)| {
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(letters) && !rest.is_empty()
    });
    if !scheme || text.contains(char::is_whitespace) {
        let help = "write it with its scheme, such as https://… or mailto:…";
        walk.wrong_value(node, path, &format!("`{text}` is no address"), help);
    }
}
