//! Quality rules as declared.

use polder_core::document::{Node, Value};

use crate::custom_property::CustomProperty;
use crate::definition::Definition;
use crate::place::{Place, Written, tags, text};
use crate::structure::{self, OPERATORS};

/// A declared quality rule.
#[derive(Debug, Clone)]
pub struct Quality {
    /// The rule's id, where it has one.
    pub id: Option<String>,
    /// The rule's name, where it has one.
    pub name: Option<String>,
    /// What is measured.
    pub kind: QualityKind,
    /// What the figure must be; rules in words have none.
    pub operator: Option<Operator>,
    /// The lower bound that goes together with this upper one, where the rule has both; each is a rule of its own.
    pub(crate) lower: Option<Operator>,
    /// The unit of the figure, such as `rows` (the default) or `percent`.
    pub unit: Option<String>,
    /// What the rule is for.
    pub description: Option<String>,
    /// The dimension of quality by its full name, also where its synonym is written.
    pub dimension: Option<String>,
    /// How it is measured, such as `reconciliation`.
    pub method: Option<String>,
    /// What a failure means to the business.
    pub business_impact: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Where more is said.
    pub definitions: Vec<Definition>,
    /// How much a failure weighs; `error` where it says nothing.
    pub severity: Option<String>,
    /// When it is meant to be run, as written. Information: Polder runs every rule at every write and on demand.
    pub schedule: Option<String>,
    /// Who is meant to run it then.
    pub scheduler: Option<String>,
    /// What it says beyond the standard.
    pub custom_properties: Vec<CustomProperty>,
    /// Where it is declared.
    pub place: Place,
    /// Where its parts stand.
    pub(crate) places: Places,
}

/// Where the parts of a rule stand; the whole rule where a part is not given.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) metric: Place,
    pub(crate) operator: Place,
    pub(crate) unit: Place,
    pub(crate) severity: Place,
    /// Of a query or an implementation.
    pub(crate) body: Place,
}

/// What a quality rule measures.
#[derive(Debug, Clone)]
pub enum QualityKind {
    /// A metric of the standard's library.
    Library {
        /// Its name (in version 3.0: the rule's name).
        metric: String,
        /// Its arguments, a mapping.
        arguments: Option<Node>,
    },
    /// A query that gives a figure.
    Sql {
        /// The query.
        query: String,
    },
    /// Words for people.
    Text,
    /// A rule of another tool.
    Custom {
        /// The tool.
        engine: String,
        /// The rule in the tool's own form, text or a mapping.
        implementation: Option<Node>,
    },
}

/// What a measured figure must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Operator {
    /// Equal to this value (text or number as written).
    MustBe(String),
    /// Other than this value.
    MustNotBe(String),
    /// Greater than this number.
    GreaterThan(String),
    /// This number or greater.
    GreaterOrEqual(String),
    /// Less than this number.
    LessThan(String),
    /// This number or less.
    LessOrEqual(String),
    /// Greater than the one number and less than the other: by the standard's words `mustBeBetween` is the equivalent of
    /// `mustBeGreaterThan` and `mustBeLessThan` together.
    Between(String, String),
    /// Not between the two numbers: the one or less, or the other or greater.
    NotBetween(String, String),
}

impl Quality {
    pub(crate) fn read(node: &Node, document: &Place) -> Self {
        let word = |key| text(node, key);
        let kind = match node.get("type").and_then(Node::as_str) {
            Some("sql") => QualityKind::Sql {
                query: word("query").unwrap_or_default(),
            },
            Some("text") => QualityKind::Text,
            Some("custom") => QualityKind::Custom {
                engine: word("engine").unwrap_or_default(),
                implementation: node.get("implementation").cloned(),
            },
            _ => QualityKind::Library {
                metric: word("metric").or_else(|| word("rule")).unwrap_or_default(),
                arguments: node.get("arguments").cloned().or_else(|| bare_arguments(node)),
            },
        };
        let part = |keys: &[&str]| {
            let found = keys.iter().find_map(|key| node.get(key));
            document.at(found.map_or(node.span, |found| found.span))
        };
        let places = Places {
            metric: part(&["metric", "rule"]),
            operator: part(OPERATORS),
            unit: part(&["unit"]),
            severity: part(&["severity"]),
            body: part(&["query", "implementation"]),
        };
        Self {
            id: word("id"),
            name: word("name"),
            kind,
            operator: operator(node, document),
            lower: None,
            unit: word("unit"),
            description: word("description"),
            dimension: word("dimension").map(|word| structure::dimension(&word).to_owned()),
            method: word("method"),
            business_impact: word("businessImpact"),
            tags: tags(node),
            definitions: Definition::all(node, document),
            severity: word("severity"),
            schedule: word("schedule"),
            scheduler: word("scheduler"),
            custom_properties: CustomProperty::read(node, document),
            place: document.at(node.span),
            places,
        }
    }

    /// Whether the document says what the figure must be, sensibly or not.
    pub(crate) fn names_operator(&self) -> bool {
        self.operator.is_some() || self.places.operator != self.place
    }

    /// What people call the rule: its id, else its name, else its kind.
    pub fn label(&self) -> &str {
        match (&self.id, &self.name, &self.kind) {
            (Some(label), _, _) | (None, Some(label), _) | (None, None, QualityKind::Library { metric: label, .. }) => {
                label
            }
            (None, None, QualityKind::Sql { .. }) => "sql",
            (None, None, QualityKind::Text) => "text",
            (None, None, QualityKind::Custom { .. }) => "custom",
        }
    }
}

/// Whether a figure in this unit is a number of rows, which is meant where no unit is said.
pub(crate) fn counts_rows(unit: &str) -> bool {
    matches!(unit.trim(), "rows" | "row" | "count" | "values")
}

/// Whether a figure in this unit is a share of all rows, in percent.
pub(crate) fn is_percent(unit: &str) -> bool {
    matches!(
        unit.trim().to_ascii_lowercase().as_str(),
        "percent" | "percentage" | "%"
    )
}

/// In version 3.0 the valid values stood beside the rule: `rule: validValues` with `validValues: [pounds]`.
fn bare_arguments(node: &Node) -> Option<Node> {
    let entries: Vec<_> = node
        .as_map()?
        .iter()
        .filter(|entry| entry.key == "validValues")
        .cloned()
        .collect();
    let span = entries.first()?.value.span;
    Some(Node {
        value: Value::Map(entries),
        span,
    })
}

fn operator(node: &Node, document: &Place) -> Option<Operator> {
    let one = |key| Written::under(node, key, document).map(|written| written.text);
    let pair = |key| {
        let items = node.get(key)?.as_list()?;
        Some((
            items.first()?.scalar_text()?.to_owned(),
            items.get(1)?.scalar_text()?.to_owned(),
        ))
    };
    one("mustBe")
        .map(Operator::MustBe)
        .or_else(|| one("mustNotBe").map(Operator::MustNotBe))
        .or_else(|| one("mustBeGreaterThan").map(Operator::GreaterThan))
        .or_else(|| one("mustBeGreaterOrEqualTo").map(Operator::GreaterOrEqual))
        .or_else(|| one("mustBeLessThan").map(Operator::LessThan))
        .or_else(|| one("mustBeLessOrEqualTo").map(Operator::LessOrEqual))
        .or_else(|| pair("mustBeBetween").map(|(low, high)| Operator::Between(low, high)))
        .or_else(|| pair("mustNotBeBetween").map(|(low, high)| Operator::NotBetween(low, high)))
}
