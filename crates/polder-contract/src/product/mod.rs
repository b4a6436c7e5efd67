//! Data products by the Open Data Product Standard (ODPS), version 1.0: what a domain offers, and what it is made from,
//! as ports that are bound to contracts.

mod bindings;

use std::path::PathBuf;
use std::sync::Arc;

use polder_core::document::{self, Diagnostic, Node, Reader, Severity, Source};

pub use bindings::{check, unbound_ports};

use crate::diff::{Comparison, Mode, product_changes};
use crate::place::{Place, items, text};
use crate::status::Status;
use crate::structure;
use crate::unheeded::foreign_properties;
use crate::version::SemanticVersion;

/// A data product that is structurally right.
#[derive(Debug, Clone)]
pub struct Product {
    /// The version of the standard, such as `v1.0.0`.
    pub api_version: String,
    /// The product's identifier.
    pub id: String,
    /// Its name; its id where it has none.
    pub name: String,
    /// The product's own version, where it has one.
    pub version: Option<String>,
    /// Where it is in its life.
    pub status: Status,
    /// The domain that it names.
    pub domain: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// What it is made from.
    pub input_ports: Vec<InputPort>,
    /// What it offers.
    pub output_ports: Vec<OutputPort>,
    /// Where it is managed and watched.
    pub management_ports: Vec<ManagementPort>,
    /// Where its users find help.
    pub support: Vec<SupportChannel>,
    /// Who builds it.
    pub team: Option<Team>,
    /// The document, as shown to users.
    pub source_path: PathBuf,
    /// The document's text.
    pub text: Arc<str>,
    /// The whole document with every place, for what has no field here.
    pub document: Node,
}

/// Data that a product is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputPort {
    /// Its name.
    pub name: String,
    /// The version of the contract that the product is built for.
    pub version: String,
    /// The contract.
    pub contract_id: String,
    /// Where it is declared.
    pub place: Place,
}

/// Data that a product offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputPort {
    /// Its name.
    pub name: String,
    /// Its version: that of its contract.
    pub version: String,
    /// The contract. The standard lets it be left out; a mesh does not.
    pub contract_id: Option<String>,
    /// The kind of port, such as `tables`.
    pub kind: Option<String>,
    /// What it offers, in words.
    pub description: Option<String>,
    /// The contracts that it is made from, each with its version.
    pub inputs: Vec<(String, String)>,
    /// Where it is declared.
    pub place: Place,
}

/// An endpoint for managing or watching a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagementPort {
    /// Its name.
    pub name: String,
    /// What it gives, such as `observability`.
    pub content: String,
    /// `rest` (the default) or `topic`.
    pub kind: String,
    /// Where it answers.
    pub url: Option<String>,
    /// The channel, where it is a topic.
    pub channel: Option<String>,
}

/// Where users find help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportChannel {
    /// Its name.
    pub channel: String,
    /// Its address.
    pub url: String,
    /// What it is for: `interactive`, `announcements` or `issues`.
    pub scope: Option<String>,
}

/// Who builds a product.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Team {
    /// Its name.
    pub name: Option<String>,
    /// Its members: user name and role.
    pub members: Vec<(String, Option<String>)>,
    /// The first member with the role `owner` that has not left, else the team's name.
    pub owner: Option<String>,
}

/// Reads a product: its structure by the standard. Everything that is wrong is reported at once; what its ports name is
/// for [`check`] to hold against the contracts.
pub fn parse(source: &Source) -> (Option<Product>, Vec<Diagnostic>) {
    let document = match document::parse(source) {
        Ok(document) => document,
        Err(found) => return (None, found),
    };
    let reader = Reader::new(source);
    structure::check_product(&reader, &document);
    let mut found = reader.finish();
    let place = Place::of(source, document.span);
    found.extend(foreign_properties(&document, &place));
    found.sort_by_key(|found| found.span.map(|span| span.start));
    let sound = found.iter().all(|found| found.severity != Severity::Error);
    (sound.then(|| read(source, document)), found)
}

/// What changed from the old product to the new one: ports that are gone or bound to another contract break readers.
/// See [`crate::diff`] for what the classes mean; the mode is that of contracts without one.
pub fn compare(old: &Product, new: &Product) -> Comparison {
    let unreleased = |version: &str| {
        let version = version.parse::<SemanticVersion>();
        version.is_ok_and(|version| version.major == 0)
    };
    Comparison {
        changes: product_changes((&old.source_path, &old.document), (&new.source_path, &new.document)),
        mode: Mode::default(),
        draft: matches!(old.status, Status::Draft | Status::Proposed) || old.version.as_deref().is_some_and(unreleased),
    }
}

/// What is wrong with the step from one version of a product to the next: a version that was not raised as far as the
/// changes ask, or a status that may not follow. A product without a version has none to raise.
pub fn problems(comparison: &Comparison, mode: Mode, old: &Product, new: &Product) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    if let (Some(from), Some(to)) = (&old.version, &new.version) {
        problems.extend(comparison.version_step(mode, from, to, &new.at("version")));
    }
    if !old.status.may_become(&new.status) {
        let message = format!("a product that is {} cannot become {}", old.status, new.status);
        problems.push(new.at("status").error("lifecycle", message, None));
    }
    problems
}

fn read(source: &Source, document: Node) -> Product {
    let file = Place::of(source, document.span);
    let place = |node: &Node| file.at(node.get("name").map_or(node.span, |name| name.span));
    let word = |node: &Node, key| text(node, key).unwrap_or_default();
    let id = word(&document, "id");
    Product {
        api_version: word(&document, "apiVersion"),
        name: text(&document, "name").unwrap_or_else(|| id.clone()),
        id,
        version: text(&document, "version"),
        status: Status::read(&word(&document, "status")),
        domain: text(&document, "domain"),
        purpose: document.get("description").and_then(|words| text(words, "purpose")),
        tags: items(&document, "tags")
            .iter()
            .filter_map(|tag| tag.as_str().map(str::to_owned))
            .collect(),
        input_ports: items(&document, "inputPorts")
            .iter()
            .map(|port| InputPort {
                name: word(port, "name"),
                version: word(port, "version"),
                contract_id: word(port, "contractId"),
                place: place(port),
            })
            .collect(),
        output_ports: items(&document, "outputPorts")
            .iter()
            .map(|port| OutputPort {
                name: word(port, "name"),
                version: word(port, "version"),
                contract_id: text(port, "contractId"),
                kind: text(port, "type"),
                description: text(port, "description"),
                inputs: items(port, "inputContracts")
                    .iter()
                    .map(|input| (word(input, "id"), word(input, "version")))
                    .collect(),
                place: place(port),
            })
            .collect(),
        management_ports: items(&document, "managementPorts")
            .iter()
            .map(|port| ManagementPort {
                name: word(port, "name"),
                content: word(port, "content"),
                kind: text(port, "type").unwrap_or_else(|| "rest".to_owned()),
                url: text(port, "url"),
                channel: text(port, "channel"),
            })
            .collect(),
        support: items(&document, "support")
            .iter()
            .map(|channel| SupportChannel {
                channel: word(channel, "channel"),
                url: word(channel, "url"),
                scope: text(channel, "scope"),
            })
            .collect(),
        team: document.get("team").map(team),
        source_path: source.path.clone(),
        text: Arc::clone(&source.text),
        document,
    }
}

fn team(node: &Node) -> Team {
    let name = text(node, "name");
    let members = items(node, "members");
    let owns = |member: &&Node| {
        let role = text(member, "role");
        role.is_some_and(|role| role.eq_ignore_ascii_case("owner")) && member.get("dateOut").is_none()
    };
    Team {
        owner: members
            .iter()
            .find(owns)
            .and_then(|member| text(member, "username"))
            .or_else(|| name.clone()),
        members: members
            .iter()
            .map(|member| (text(member, "username").unwrap_or_default(), text(member, "role")))
            .collect(),
        name,
    }
}

impl Product {
    /// Who answers for it.
    pub fn owner(&self) -> Option<&str> {
        self.team.as_ref()?.owner.as_deref()
    }

    /// The place of a key's value.
    fn at(&self, key: &str) -> Place {
        Place {
            file: Arc::from(self.source_path.as_path()),
            span: self.document.get(key).map_or(self.document.span, |value| value.span),
        }
    }
}
