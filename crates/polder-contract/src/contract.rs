//! A contract as a whole.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use polder_core::DatasetName;
use polder_core::document::{Node, Source, Span};

use crate::custom_property::CustomProperty;
use crate::definition::Definition;
use crate::infrastructure::{Role, Server};
use crate::people::{Price, SupportChannel, Team};
use crate::place::{Place, items, tags, text};
use crate::rule::reference::Target;
use crate::schema::{Relationship, SchemaObject};
use crate::service_level::ServiceLevel;
use crate::version::SemanticVersion;

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
    /// What references by file name, as written: known among the contracts of a mesh alone.
    pub(crate) files: HashMap<String, Target>,
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

    /// The references of all its objects and of what is inside of them.
    pub fn relationships(&self) -> Vec<&Relationship> {
        self.objects.iter().flat_map(SchemaObject::all_relationships).collect()
    }

    /// Whether a reference leads into another document of which nothing is known; what lies at an address is never known.
    pub fn refers_to_unknown_files(&self) -> bool {
        let mut ends = self
            .relationships()
            .into_iter()
            .flat_map(|relationship| &relationship.to);
        ends.any(|end| end.text.contains('#') && !end.text.contains("://") && !self.files.contains_key(&end.text))
    }

    /// The first number of its version, where that is one by Semantic Versioning.
    pub fn major(&self) -> Option<u64> {
        let version: Result<SemanticVersion, _> = self.version.parse();
        version.ok().map(|version| version.major)
    }

    /// A contract as its document says it, right or wrong.
    pub(crate) fn read(source: &Source, document: Node) -> Self {
        let place = Place::of(source, document.span);
        let id = text(&document, "id").unwrap_or_default();
        let team = Team::read(&document, &place);
        Self {
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
            files: HashMap::new(),
            service_levels: items(&document, "slaProperties")
                .iter()
                .map(|node| ServiceLevel::read(node, &document, &place))
                .collect(),
            source_path: source.path.clone(),
            text: Arc::clone(&source.text),
            document,
        }
    }

    /// A stretch of its document.
    pub(crate) fn at(&self, span: Span) -> Place {
        Place {
            file: Arc::from(self.source_path.as_path()),
            span,
        }
    }
}
