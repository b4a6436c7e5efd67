//! Every rule that a contract declares, in the one form that all gates compile: what a row must keep, what a table
//! must keep, and what nobody here can check, with why.

mod compile;
mod compiler;
mod custom;
mod figure;
pub(crate) mod id;
mod key;
mod library;
mod limits;
mod on_failure;
mod operator;
mod path;
mod pattern;
pub(crate) mod reference;
mod says;
mod valid;

use std::collections::HashSet;

use polder_core::DatasetName;
use polder_core::document::{Diagnostic, Severity};

pub use crate::format::{NumberWidth, TextFormat};
pub use crate::quality::Operator;
pub use custom::LEAST_COMMITS;
pub use figure::Figure;
pub(crate) use key::NESTED_KEY;
pub(crate) use path::written;
pub use pattern::regex;

use crate::contract::Contract;
use crate::dataset_contract::DatasetContract;
use crate::place::Place;
use crate::schema::{MOST_COLUMNS, Property, SchemaObject};

/// One declared rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What reports call it, unique in its object: `<column>.<rule>`, or the declared id or name. A repeated one gets
    /// `#2`, `#3`, ….
    pub id: String,
    /// The path of the value that it is about: `address.city`, `lines[].price`; none for rules of the whole object.
    pub column: Option<String>,
    /// What is checked.
    pub kind: RuleKind,
    /// How much a failure weighs.
    pub severity: RuleSeverity,
    /// What happens to a row that breaks it, or to a commit after which the table does.
    pub on_failure: OnFailure,
    /// The dimension of quality, as declared.
    pub dimension: Option<String>,
    /// What it is for, as declared.
    pub description: Option<String>,
    /// What is asked, in words: `at most 100`, `fewer than 5 percent null`.
    pub says: String,
    /// Where it is declared.
    pub place: Place,
}

/// What a rule looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleKind {
    /// One row alone can break it.
    Row(RowTest),
    /// A table as a whole keeps it or breaks it.
    Set(SetTest),
    /// Nobody here can check it.
    NotRun {
        /// Why.
        why: String,
    },
}

/// A check of one row.
#[derive(Debug, Clone, PartialEq)]
pub enum RowTest {
    /// Every value at the end of the path keeps the check. What lies in a null struct, list or map is not looked at.
    Value {
        /// From the row to the value; the first step is the column.
        path: Vec<PathStep>,
        /// What the value must be.
        check: RowCheck,
    },
    /// A boolean SQL expression over the columns. A row for which it is false fails; null passes, as in a SQL CHECK.
    Sql(String),
}

/// One step from a row towards a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathStep {
    /// Into the column, or the field of a struct.
    Field(String),
    /// Into each item of a list.
    Items,
    /// To each key of a map.
    MapKey,
    /// Into each value of a map.
    MapValue,
}

/// What a value must be. Null passes every check but [`RowCheck::Required`] and [`RowCheck::NotMissing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowCheck {
    /// Not null.
    Required,
    /// Neither null nor one of these, as written.
    NotMissing(Vec<String>),
    /// At least this. Numbers are as written, dates `YYYY-MM-DD`, instants by RFC 3339 in UTC.
    Minimum {
        /// The bound.
        value: String,
        /// Whether the bound itself is refused.
        exclusive: bool,
    },
    /// At most this, written as a minimum is.
    Maximum {
        /// The bound.
        value: String,
        /// Whether the bound itself is refused.
        exclusive: bool,
    },
    /// A number that this width can hold, whatever the column could.
    Width(NumberWidth),
    /// A multiple of this number.
    MultipleOf(String),
    /// At least so many characters (of binary columns: bytes).
    MinLength(u64),
    /// At most so many characters (of binary columns: bytes).
    MaxLength(u64),
    /// The regular expression occurs in the text; it is anchored only where it says so.
    Pattern(String),
    /// Text of this format.
    Format(TextFormat),
    /// One of these, as written.
    OneOf(Vec<String>),
    /// A list of at least so many items, or a map of so many keys.
    MinItems(u64),
    /// A list of at most so many items, or a map of so many keys.
    MaxItems(u64),
    /// A list whose items differ from each other. Null items are equal to each other.
    UniqueItems,
    /// An object with at least so many fields that are not null.
    MinProperties(u64),
    /// An object with at most so many fields that are not null.
    MaxProperties(u64),
    /// An object of which these fields are not null.
    RequiredProperties(Vec<String>),
    /// Each of these.
    All(Vec<RowCheck>),
}

/// A figure over a table and what it must be.
#[derive(Debug, Clone, PartialEq)]
pub struct SetTest {
    /// What is measured.
    pub metric: Metric,
    /// What the figure must be.
    pub operator: Operator,
    /// Whether the figure is a share of all rows of the table, in percent; 0 percent where there are none.
    pub percent: bool,
}

/// A figure over a table. Columns are paths ([`Rule::column`]); [`SchemaObject::path`] gives their steps.
#[derive(Debug, Clone, PartialEq)]
pub enum Metric {
    /// Rows.
    Rows,
    /// Rows in which the value is null.
    Nulls {
        /// The value's path.
        column: String,
    },
    /// Rows in which the value is null or one of those that stand for nothing.
    Missing {
        /// The value's path.
        column: String,
        /// What stands for nothing beside null, as written.
        values: Vec<String>,
    },
    /// Rows whose value breaks one of the checks; null breaks none.
    Invalid {
        /// The value's path.
        column: String,
        /// What a valid value keeps.
        checks: Vec<RowCheck>,
    },
    /// Rows beyond the first of each key; rows with a null in their key are left out.
    Duplicates {
        /// The paths of the key's values.
        columns: Vec<String>,
    },
    /// What a query gives: one row with one column.
    Sql {
        /// The query as written, with its placeholders.
        query: String,
    },
    /// Rows whose key is not in the other dataset; rows with a null in their key are left out.
    Orphans {
        /// The paths of the key's values.
        columns: Vec<String>,
        /// The dataset that it must be in.
        dataset: DatasetName,
        /// The columns there, in the same order.
        to: Vec<String>,
    },
    /// The age of the column's newest value, in seconds, when it is checked.
    Freshness {
        /// The column.
        column: String,
        /// The greatest age, seconds.
        within_seconds: u64,
    },
    /// How many standard deviations the newest commit's added rows are from the mean of those before it.
    Volume {
        /// How many commits before it count.
        commits: u32,
        /// The greatest distance, in standard deviations.
        deviation: f64,
    },
}

/// How much a failed rule weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleSeverity {
    /// The promise is broken.
    Error,
    /// Somebody should look.
    Warning,
    /// Worth knowing.
    Info,
}

/// What happens where a rule is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// The row goes to quarantine; where the rule is about a table, the commit is refused.
    Quarantine,
    /// The batch or commit is refused.
    Reject,
    /// It is reported, nothing more.
    Warn,
}

impl RuleSeverity {
    /// The severity's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl OnFailure {
    /// The word in contracts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
            Self::Warn => "warn",
        }
    }
}

impl SchemaObject {
    /// Every declared rule, each once, in the order of the document. Relationships to other objects are listed as not
    /// run: [`DatasetContract::rules`] resolves those.
    ///
    /// # Errors
    /// Everything that makes no sense: bounds that are no value of their column's type, patterns that cannot be
    /// compiled, metrics that can never be measured, words that nobody knows.
    pub fn rules(&self) -> Result<Vec<Rule>, Vec<Diagnostic>> {
        sound(compile::compile(self, None))
    }

    /// What happens to a row whose value in this column breaks a rule that says nothing itself.
    pub fn on_failure(&self, column: &Property) -> OnFailure {
        let policy = on_failure::Policy::default().of(&self.custom_properties);
        policy.of(&column.custom_properties).on_failure()
    }

    /// What happens to a row whose value the type of this column cannot hold, never a warning: such a value cannot be written,
    /// whatever anybody says. Of what the column and the values inside of it declare the strictest counts, whichever of
    /// them does not fit: a computed row tells only that its column as a whole does not.
    pub fn on_misfit(&self, column: &Property) -> OnFailure {
        let policy = on_failure::Policy::default().of(&self.custom_properties);
        match policy.rejects_within(column) {
            true => OnFailure::Reject,
            false => OnFailure::Quarantine,
        }
    }
}

impl Contract {
    /// Those rules of one of its objects that make sense, whatever is wrong with others.
    pub fn rules_of(&self, object: &SchemaObject) -> Vec<Rule> {
        match object.properties.len() > MOST_COLUMNS {
            true => Vec::new(),
            false => compile::compile(object, Some(self)).0,
        }
    }
}

impl DatasetContract {
    /// Every declared rule of the dataset, each once, in the order of the document.
    ///
    /// # Errors
    /// As [`SchemaObject::rules`], and references that name nothing.
    pub fn rules(&self) -> Result<Vec<Rule>, Vec<Diagnostic>> {
        sound(compile::compile(self.object(), Some(&self.contract)))
    }

    /// Those of its rules that make sense, whatever is wrong with others.
    pub fn rules_that_make_sense(&self) -> Vec<Rule> {
        self.contract.rules_of(self.object())
    }
}

/// Everything that is wrong with the rules of an object of the contract, warnings too; `large` are the contract's patterns
/// so far that take much memory.
pub(crate) fn findings(object: &SchemaObject, contract: &Contract, large: &mut HashSet<String>) -> Vec<Diagnostic> {
    if object.properties.len() > MOST_COLUMNS {
        return Vec::new();
    }
    compile::compile_beside(object, Some(contract), large).1
}

fn sound((rules, problems): (Vec<Rule>, Vec<Diagnostic>)) -> Result<Vec<Rule>, Vec<Diagnostic>> {
    match problems.iter().any(|problem| problem.severity == Severity::Error) {
        true => Err(problems),
        false => Ok(rules),
    }
}
