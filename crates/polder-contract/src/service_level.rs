//! Service levels as declared, and the standard's names for them.

use polder_core::document::Node;

use crate::place::{Place, text};

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

impl ServiceLevel {
    /// `contract` says of what levels are promised that do not say it themselves.
    pub(crate) fn read(node: &Node, contract: &Node, document: &Place) -> Self {
        let scalar = |key| node.get(key).and_then(Node::scalar_text).map(str::to_owned);
        Self {
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
}

/// The standard's names with their synonyms, and whether more is better. Frequency is how long from one update to the
/// next; of dates that end something later is better, of the one that begins it earlier.
const PROPERTIES: [(&str, &str, bool); 14] = [
    ("availability", "av", true),
    ("throughput", "th", true),
    ("errorrate", "er", false),
    ("generalavailability", "ga", false),
    ("endofsupport", "es", true),
    ("endoflife", "el", true),
    ("retention", "re", true),
    ("frequency", "fy", false),
    ("latency", "ly", false),
    ("freshness", "freshness", false),
    ("timetodetect", "td", false),
    ("timetonotify", "tn", false),
    ("timetorepair", "tr", false),
    ("timeofavailability", "ta", false),
];

/// The name of a service level in one form: the standard's names are not case-sensitive and have synonyms (`re` is
/// `retention`). Gives it in lower case; one that the standard does not know is what it is.
pub fn service_level_name(property: &str) -> String {
    let lower = property.to_lowercase();
    PROPERTIES
        .iter()
        .find(|(name, short, _)| *name == lower || *short == lower)
        .map_or(lower, |(name, ..)| (*name).to_owned())
}

/// Whether more of it is better, by its name in that form; nothing where the standard does not know it.
pub(crate) fn more_is_better(name: &str) -> Option<bool> {
    let level = PROPERTIES.iter().find(|(known, ..)| *known == name);
    level.map(|(.., more_is_better)| *more_is_better)
}
