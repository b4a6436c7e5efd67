//! A contract as a whole.

use std::path::PathBuf;
use std::sync::Arc;

use polder_core::document::{self, Diagnostic, Node, Reader, Severity, Source};

use crate::place::{Place, items, text};
use crate::schema::SchemaObject;
use crate::structure;

/// A contract that is structurally right.
#[derive(Debug, Clone)]
pub struct Contract {
    /// The version of the standard, such as `v3.1.0`.
    pub api_version: String,
    /// The contract's identifier.
    pub id: String,
    /// Its name; its id where it has none.
    pub name: String,
    /// The contract's own version.
    pub version: String,
    /// Where it is in its life: `proposed`, `draft`, `active`, `deprecated`, `retired` or a word of one's own;
    /// `draft` where it says nothing (which version 3.2 of the standard allows).
    pub status: String,
    /// The domain that it names.
    pub domain: Option<String>,
    /// The data product that it belongs to.
    pub data_product: Option<String>,
    /// Who answers for it: the team's first member with the role `owner` that has not left, else the team's name.
    pub owner: Option<String>,
    /// What the data is for.
    pub description: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// What the contract promises, one object a dataset.
    pub objects: Vec<SchemaObject>,
    /// What it promises about delivery.
    pub service_levels: Vec<ServiceLevel>,
    /// The document, as shown to users.
    pub source_path: PathBuf,
    /// The document's text.
    pub text: Arc<str>,
    /// The whole document with every place, for what has no field here.
    pub document: Node,
}

/// One service-level property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceLevel {
    /// What is promised, such as `latency` or `retention`.
    pub property: String,
    /// How much, as written.
    pub value: String,
    /// The unit of the value, as written.
    pub unit: Option<String>,
    /// The element that it is measured on, as written.
    pub element: Option<String>,
    /// Why it matters, such as `regulatory`.
    pub driver: Option<String>,
    /// What it means in words.
    pub description: Option<String>,
}

/// What reading a contract gives.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The contract, where there is no error.
    pub contract: Option<Contract>,
    /// Everything that was found, errors and lesser things, by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a contract: its structure by the standard, and for objects that are bound to a dataset the types and row
/// rules too. Everything that is wrong is reported at once.
pub fn parse(source: &Source) -> Parsed {
    let document = match document::parse(source) {
        Ok(document) => document,
        Err(diagnostics) => {
            return Parsed {
                contract: None,
                diagnostics,
            };
        }
    };
    let reader = Reader::new(source);
    structure::check(&reader, &document);
    let sound = !reader.has_errors();
    let mut diagnostics = reader.finish();
    if !sound {
        return Parsed {
            contract: None,
            diagnostics,
        };
    }
    let contract = read(source, document);
    diagnostics.extend(
        contract
            .objects
            .iter()
            .filter(|object| object.dataset.is_some())
            .flat_map(SchemaObject::problems),
    );
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.map(|span| span.start));
    diagnostics.dedup();
    let sound = diagnostics
        .iter()
        .all(|diagnostic| diagnostic.severity != Severity::Error);
    Parsed {
        contract: sound.then_some(contract),
        diagnostics,
    }
}

fn read(source: &Source, document: Node) -> Contract {
    let place = Place {
        file: Arc::from(source.path.as_path()),
        span: document.span,
    };
    let id = text(&document, "id").unwrap_or_default();
    Contract {
        api_version: text(&document, "apiVersion").unwrap_or_default(),
        name: text(&document, "name").unwrap_or_else(|| id.clone()),
        id,
        version: text(&document, "version").unwrap_or_default(),
        status: text(&document, "status").unwrap_or_else(|| "draft".to_owned()),
        domain: text(&document, "domain"),
        data_product: text(&document, "dataProduct"),
        owner: owner(&document),
        description: document
            .get("description")
            .and_then(|description| text(description, "purpose")),
        tags: items(&document, "tags")
            .iter()
            .filter_map(Node::as_str)
            .map(str::to_owned)
            .collect(),
        objects: items(&document, "schema")
            .iter()
            .map(|node| SchemaObject::read(node, &place))
            .collect(),
        service_levels: items(&document, "slaProperties").iter().map(service_level).collect(),
        source_path: source.path.clone(),
        text: Arc::clone(&source.text),
        document,
    }
}

fn owner(document: &Node) -> Option<String> {
    let team = document.get("team")?;
    let members = team.as_list().unwrap_or_else(|| items(team, "members"));
    let owner = members.iter().find(|member| {
        let role = member.get("role").and_then(Node::as_str);
        role.is_some_and(|role| role.eq_ignore_ascii_case("owner")) && member.get("dateOut").is_none()
    });
    owner
        .and_then(|member| text(member, "username"))
        .or_else(|| text(team, "name"))
}

fn service_level(node: &Node) -> ServiceLevel {
    ServiceLevel {
        property: text(node, "property").unwrap_or_default(),
        value: node
            .get("value")
            .and_then(Node::scalar_text)
            .unwrap_or_default()
            .to_owned(),
        unit: text(node, "unit"),
        element: text(node, "element"),
        driver: text(node, "driver"),
        description: text(node, "description"),
    }
}
