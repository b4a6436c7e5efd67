//! Who answers for the data, where to ask, and what it costs.

use chrono::NaiveDate;
use polder_core::document::Node;

use crate::custom_property::CustomProperty;
use crate::definition::Definition;
use crate::place::{Place, Written, items, tags, text};

/// The team that answers for a contract.
#[derive(Debug, Clone)]
pub struct Team {
    /// Its name; none where the contract lists members alone, as before version 3.1.
    pub name: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// Who belongs or belonged to it.
    pub members: Vec<TeamMember>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Where it is defined.
    pub definitions: Vec<Definition>,
    /// What it says beyond the standard.
    pub custom_properties: Vec<CustomProperty>,
    /// Where it is declared.
    pub place: Place,
}

/// A member of a team.
#[derive(Debug, Clone)]
pub struct TeamMember {
    /// The user's name or address.
    pub username: String,
    /// The person's name.
    pub name: Option<String>,
    /// What they do, such as `owner`.
    pub role: Option<String>,
    /// What else is worth knowing.
    pub description: Option<String>,
    /// Their first day.
    pub date_in: Option<NaiveDate>,
    /// Their last day, where they have left.
    pub date_out: Option<NaiveDate>,
    /// Who came after them.
    pub replaced_by: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// What they say beyond the standard.
    pub custom_properties: Vec<CustomProperty>,
    /// Where they are declared.
    pub place: Place,
}

/// A channel for questions and news.
#[derive(Debug, Clone)]
pub struct SupportChannel {
    /// Its name or identifier.
    pub channel: String,
    /// Its address.
    pub url: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The tool: `email`, `slack`, `teams`, `discord`, `ticket`, `googlechat`, `other`, or a word of one's own.
    pub tool: Option<String>,
    /// `interactive`, `announcements`, `issues`, `notifications`, or a word of one's own.
    pub scope: Option<String>,
    /// Where to ask for access.
    pub invitation_url: Option<String>,
    /// What it says beyond the standard.
    pub custom_properties: Vec<CustomProperty>,
    /// Where it is declared.
    pub place: Place,
}

/// What the data costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// How much, with every digit as written.
    pub amount: Option<Written>,
    /// The currency, such as `EUR`.
    pub currency: Option<String>,
    /// For what, such as `megabyte`.
    pub unit: Option<String>,
}

impl Team {
    /// The team, in either of the standard's two forms.
    pub(crate) fn read(contract: &Node, document: &Place) -> Option<Self> {
        let node = contract.get("team")?;
        let members = node.as_list().unwrap_or_else(|| items(node, "members"));
        Some(Self {
            name: text(node, "name"),
            description: text(node, "description"),
            members: members.iter().map(|node| TeamMember::read(node, document)).collect(),
            tags: tags(node),
            definitions: Definition::all(node, document),
            custom_properties: CustomProperty::read(node, document),
            place: document.at(node.span),
        })
    }

    /// Who answers: the member with the role `owner`, else the team itself.
    pub(crate) fn owner(&self) -> Option<String> {
        let owner = self.member("owner").map(|member| member.username.clone());
        owner.or_else(|| self.name.clone())
    }

    /// The first member with this role, in upper or lower case, that has not left.
    fn member(&self, role: &str) -> Option<&TeamMember> {
        let has = |member: &&TeamMember| member.role.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(role));
        self.members.iter().filter(has).find(|member| member.date_out.is_none())
    }
}

impl TeamMember {
    fn read(node: &Node, document: &Place) -> Self {
        let day = |key| text(node, key)?.parse().ok();
        Self {
            username: text(node, "username").unwrap_or_default(),
            name: text(node, "name"),
            role: text(node, "role"),
            description: text(node, "description"),
            date_in: day("dateIn"),
            date_out: day("dateOut"),
            replaced_by: text(node, "replacedByUsername"),
            tags: tags(node),
            custom_properties: CustomProperty::read(node, document),
            place: document.at(node.get("username").map_or(node.span, |name| name.span)),
        }
    }
}

impl SupportChannel {
    pub(crate) fn all(contract: &Node, document: &Place) -> Vec<Self> {
        let channels = items(contract, "support").iter().map(|node| Self {
            channel: text(node, "channel").unwrap_or_default(),
            url: text(node, "url"),
            description: text(node, "description"),
            tool: text(node, "tool"),
            scope: text(node, "scope"),
            invitation_url: text(node, "invitationUrl"),
            custom_properties: CustomProperty::read(node, document),
            place: document.at(node.get("channel").map_or(node.span, |name| name.span)),
        });
        channels.collect()
    }
}

impl Price {
    pub(crate) fn read(contract: &Node, document: &Place) -> Option<Self> {
        let node = contract.get("price")?;
        Some(Self {
            amount: Written::under(node, "priceAmount", document),
            currency: text(node, "priceCurrency"),
            unit: text(node, "priceUnit"),
        })
    }
}
