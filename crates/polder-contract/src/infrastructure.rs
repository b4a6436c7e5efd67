//! Where the data is and who may use it: servers and roles.

use std::collections::BTreeMap;

use polder_core::document::Node;

use crate::custom_property::CustomProperty;
use crate::place::{Place, Written, items, text};
use crate::structure;

/// A place where the data is to be found.
#[derive(Debug, Clone)]
pub struct Server {
    /// The identifier that references name, where it has one.
    pub id: Option<String>,
    /// What the contract calls it.
    pub server: String,
    /// The type by the standard, such as `s3`, `kafka` or `postgresql`.
    pub kind: String,
    /// Which environment it belongs to, such as `prod`.
    pub environment: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What its type asks for, by the standard's keys (`location`, `host`, `port`, `database`, …), as written.
    pub settings: BTreeMap<String, Written>,
    /// Who may use it.
    pub roles: Vec<Role>,
    /// What it says beyond the standard.
    pub custom_properties: Vec<CustomProperty>,
    /// Where it is declared.
    pub place: Place,
}

/// A role that gives access.
#[derive(Debug, Clone)]
pub struct Role {
    /// The identifier that references name, where it has one.
    pub id: Option<String>,
    /// Its name.
    pub role: String,
    /// What it may do, such as `read`.
    pub access: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Who approves first, as written.
    pub first_level_approvers: Option<String>,
    /// Who approves after that, as written.
    pub second_level_approvers: Option<String>,
    /// What it says beyond the standard.
    pub custom_properties: Vec<CustomProperty>,
    /// Where it is declared.
    pub place: Place,
}

impl Server {
    pub(crate) fn read(node: &Node, document: &Place) -> Self {
        let entries = node.as_map().unwrap_or_default();
        let settings = entries
            .iter()
            .filter(|entry| !structure::is_common_to_servers(&entry.key));
        Self {
            id: text(node, "id"),
            server: text(node, "server").unwrap_or_default(),
            kind: text(node, "type").unwrap_or_default(),
            environment: text(node, "environment"),
            description: text(node, "description"),
            settings: settings
                .filter_map(|entry| Some((entry.key.clone(), Written::under(node, &entry.key, document)?)))
                .collect(),
            roles: Role::all(node, document),
            custom_properties: CustomProperty::read(node, document),
            place: document.at(node.get("server").map_or(node.span, |name| name.span)),
        }
    }
}

impl Role {
    /// The roles that an element lists.
    pub(crate) fn all(element: &Node, document: &Place) -> Vec<Self> {
        let roles = items(element, "roles").iter().map(|node| Self {
            id: text(node, "id"),
            role: text(node, "role").unwrap_or_default(),
            access: text(node, "access"),
            description: text(node, "description"),
            first_level_approvers: text(node, "firstLevelApprovers"),
            second_level_approvers: text(node, "secondLevelApprovers"),
            custom_properties: CustomProperty::read(node, document),
            place: document.at(node.get("role").map_or(node.span, |name| name.span)),
        });
        roles.collect()
    }
}
