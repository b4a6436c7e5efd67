//! A contract as a whole.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use polder_core::DatasetName;
use polder_core::document::{self, Diagnostic, Node, Reader, Severity, Source};

use crate::custom_property::CustomProperty;
use crate::definition::Definition;
use crate::doubt::Doubt;
use crate::infrastructure::{Role, Server};
use crate::people::{Price, SupportChannel, Team};
use crate::place::{Place, items, tags, text};
use crate::schema::SchemaObject;
use crate::structure;
use crate::unheeded::unheeded;

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
    /// Whom the data is of.
    pub tenant: Option<String>,
    /// When the contract was made.
    pub created: Option<DateTime<Utc>>,
    /// Where the data is.
    pub servers: Vec<Server>,
    /// Who may use it.
    pub roles: Vec<Role>,
    /// Who answers for it.
    pub team: Option<Team>,
    /// Where to ask.
    pub support: Vec<SupportChannel>,
    /// What it costs.
    pub price: Option<Price>,
    /// Where more is said.
    pub definitions: Vec<Definition>,
    /// What it says beyond the standard.
    pub custom_properties: Vec<CustomProperty>,
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

impl Contract {
    /// The datasets that it describes.
    pub fn datasets(&self) -> impl Iterator<Item = &DatasetName> {
        self.objects.iter().filter_map(|object| object.dataset.as_ref())
    }
}

/// One service-level property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceLevel {
    /// The identifier that references name, where it has one.
    pub id: Option<String>,
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
    /// More about how much, as written.
    pub value_ext: Option<String>,
    /// Who is meant to check it.
    pub scheduler: Option<String>,
    /// When it is meant to be checked, as written.
    pub schedule: Option<String>,
    /// Where it is declared.
    pub place: Place,
}

/// What reading a contract gives.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The contract, where there is no error.
    pub contract: Option<Contract>,
    /// Everything that was found, errors and lesser things, by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a contract: its structure by the standard, its rules, and for objects that are bound to a dataset the types of
/// their columns too. Everything that is wrong is reported at once.
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
    let goes_on = !reader.is_full();
    let mut diagnostics = reader.finish();
    let contract = read(source, document);
    let bound = || contract.objects.iter().filter(|object| object.dataset.is_some());
    if goes_on {
        // What follows from a mistake is no other mistake.
        let doubt = Doubt::of(&contract.document, &diagnostics);
        let shapes = bound().flat_map(SchemaObject::problems);
        diagnostics.extend(shapes.filter(|found| !doubt.covers(found)));
        let doubt = Doubt::of(&contract.document, &diagnostics);
        let mut large = std::collections::HashSet::new();
        let rules = contract.objects.iter();
        let rules = rules.flat_map(|object| object.rule_problems(&contract.objects, &mut large));
        diagnostics.extend(rules.filter(|found| !doubt.covers(found)));
    }
    let place = Place {
        file: Arc::from(source.path.as_path()),
        span: contract.document.span,
    };
    let errors = |found: &[Diagnostic]| found.iter().any(|found| found.severity == Severity::Error);
    let sound = !errors(&diagnostics);
    diagnostics.extend(unheeded(&contract, &place, sound));
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.map(|span| span.start));
    diagnostics.dedup();
    let sound = !errors(&diagnostics);
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
    let team = Team::read(&document, &place);
    Contract {
        api_version: text(&document, "apiVersion").unwrap_or_default(),
        name: text(&document, "name").unwrap_or_else(|| id.clone()),
        id,
        version: text(&document, "version").unwrap_or_default(),
        status: text(&document, "status").unwrap_or_else(|| "draft".to_owned()),
        domain: text(&document, "domain"),
        data_product: text(&document, "dataProduct"),
        owner: team.as_ref().and_then(Team::owner),
        team,
        description: document
            .get("description")
            .and_then(|description| text(description, "purpose")),
        tags: tags(&document),
        tenant: text(&document, "tenant"),
        created: text(&document, "contractCreatedTs").and_then(|text| text.parse().ok()),
        servers: items(&document, "servers")
            .iter()
            .map(|node| Server::read(node, &place))
            .collect(),
        roles: Role::all(&document, &place),
        support: SupportChannel::all(&document, &place),
        price: Price::read(&document, &place),
        definitions: Definition::all(&document, &place),
        custom_properties: CustomProperty::read(&document, &place),
        objects: items(&document, "schema")
            .iter()
            .map(|node| SchemaObject::read(node, &place))
            .collect(),
        service_levels: items(&document, "slaProperties")
            .iter()
            .map(|node| service_level(node, &document, &place))
            .collect(),
        source_path: source.path.clone(),
        text: Arc::clone(&source.text),
        document,
    }
}

pub(crate) fn service_level(node: &Node, contract: &Node, document: &Place) -> ServiceLevel {
    let scalar = |key| node.get(key).and_then(Node::scalar_text).map(str::to_owned);
    ServiceLevel {
        id: text(node, "id"),
        property: text(node, "property").unwrap_or_default(),
        value: scalar("value").unwrap_or_default(),
        unit: text(node, "unit"),
        element: text(node, "element").or_else(|| text(contract, "slaDefaultElement")),
        driver: text(node, "driver"),
        description: text(node, "description"),
        value_ext: scalar("valueExt"),
        scheduler: text(node, "scheduler"),
        schedule: text(node, "schedule"),
        place: document.at(node.get("property").map_or(node.span, |property| property.span)),
    }
}
