//! Quality rules as declared.

use polder_core::document::Node;

use crate::place::{Place, Written, text};

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
    /// The unit of the figure, such as `rows` (the default) or `percent`.
    pub unit: Option<String>,
    /// What the rule is for.
    pub description: Option<String>,
    /// The dimension of quality.
    pub dimension: Option<String>,
    /// How much a failure weighs; `error` where it says nothing.
    pub severity: Option<String>,
    /// Where it is declared.
    pub place: Place,
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
    /// From the one number to the other.
    Between(String, String),
    /// Not from the one number to the other.
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
                arguments: node.get("arguments").cloned(),
            },
        };
        Self {
            id: word("id"),
            name: word("name"),
            kind,
            operator: operator(node, document),
            unit: word("unit"),
            description: word("description"),
            dimension: word("dimension"),
            severity: word("severity"),
            place: document.at(node.span),
        }
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

    /// Whether a failure is an error and not only a warning or note.
    pub fn is_error(&self) -> bool {
        self.severity
            .as_deref()
            .is_none_or(|severity| severity.eq_ignore_ascii_case("error"))
    }
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
