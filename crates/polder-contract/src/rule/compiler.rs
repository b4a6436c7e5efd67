//! What the walk over a declared object collects: rules, and what is wrong with them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use polder_core::document::{Diagnostic, Severity};

use super::id;
use super::on_failure::{self, Policy};
use super::pattern::KEPT;
use super::{Metric, OnFailure, Operator, PathStep, RowCheck, RowTest, Rule, RuleKind, RuleSeverity, SetTest};
use crate::column_type::ColumnType;
use crate::contract::Contract;
use crate::custom_property::CustomProperty;
use crate::place::Place;
use crate::schema::{Property, SchemaObject};

/// What the walk over one object has collected.
pub(super) struct Compiler<'a> {
    pub(super) object: &'a SchemaObject,
    pub(super) contract: Option<&'a Contract>,
    rules: Vec<Rule>,
    problems: Vec<Diagnostic>,
    ids: HashSet<String>,
    /// The number that each id was repeated with last.
    repeats: HashMap<String, usize>,
    /// The contract's patterns so far that take much memory.
    large: &'a mut HashSet<String>,
}

/// A value that rules are about: a column or something inside one.
pub(super) struct Value<'a> {
    pub(super) property: &'a Property,
    pub(super) column: ColumnType,
    pub(super) steps: Vec<PathStep>,
    /// The steps as people write them.
    pub(super) path: String,
    pub(super) policy: Policy,
}

impl Value<'_> {
    /// Whether a row may have several of it, or none.
    pub(super) fn is_repeated(&self) -> bool {
        self.steps.iter().any(|step| !matches!(step, PathStep::Field(_)))
    }
}

/// What a rule is called and how much it weighs.
pub(super) struct Heading {
    pub(super) id: String,
    pub(super) column: Option<String>,
    pub(super) severity: RuleSeverity,
    pub(super) on_failure: OnFailure,
    pub(super) dimension: Option<String>,
    pub(super) description: Option<String>,
    pub(super) place: Place,
}

impl<'a> Compiler<'a> {
    /// Nothing collected yet of an object. `contract` is its own, where that is known, and `large` are the contract's patterns
    /// so far that take much memory.
    pub(super) fn new(
        object: &'a SchemaObject,
        contract: Option<&'a Contract>,
        large: &'a mut HashSet<String>,
    ) -> Self {
        Self {
            object,
            contract,
            rules: Vec::new(),
            problems: Vec::new(),
            ids: HashSet::new(),
            repeats: HashMap::new(),
            large,
        }
    }

    /// The rules, and everything that is wrong with them.
    pub(super) fn finish(self) -> (Vec<Rule>, Vec<Diagnostic>) {
        (self.rules, self.problems)
    }

    /// The policy of an element inside another, with everything that is wrong with its `polder.` properties.
    pub(super) fn policy(&mut self, element: &[CustomProperty], outer: Policy) -> Policy {
        self.report(on_failure::problems(element));
        outer.of(element)
    }

    /// The heading of a rule that a value's own keys declare.
    pub(super) fn limit(&self, value: &Value<'_>, rule: &str, place: &Place) -> Heading {
        Heading {
            id: id::of_value(Some(&value.path), rule),
            column: Some(value.path.clone()),
            severity: value.policy.severity(),
            on_failure: value.policy.on_failure(),
            dimension: None,
            description: None,
            place: place.clone(),
        }
    }

    /// A check of each value at the end of the steps.
    pub(super) fn row(&mut self, heading: Heading, steps: &[PathStep], check: RowCheck) {
        self.row_because(heading, steps, check, None);
    }

    /// The same, with what asks for it where the value's own keys do not.
    pub(super) fn row_because(&mut self, heading: Heading, steps: &[PathStep], check: RowCheck, why: Option<&str>) {
        let says = match why {
            Some(why) => format!("{} ({why})", check.says()),
            None => check.says(),
        };
        let path = steps.to_vec();
        self.add(heading, RuleKind::Row(RowTest::Value { path, check }), says);
    }

    /// A SQL expression over each row.
    pub(super) fn row_sql(&mut self, heading: Heading, sql: String) {
        let says = format!("{sql} must hold");
        self.add(heading, RuleKind::Row(RowTest::Sql(sql)), says);
    }

    /// A figure over the table.
    pub(super) fn set(&mut self, heading: Heading, metric: Metric, operator: Operator, percent: bool) {
        let test = SetTest {
            metric,
            operator,
            percent,
        };
        let says = test.says();
        self.add(heading, RuleKind::Set(test), says);
    }

    /// A rule that nothing here can check.
    pub(super) fn not_run(&mut self, heading: Heading, why: String, says: &str) {
        self.add(heading, RuleKind::NotRun { why }, says.to_owned());
    }

    fn add(&mut self, heading: Heading, kind: RuleKind, says: String) {
        let id = self.unique_id(heading.id);
        self.rules.push(Rule {
            id,
            column: heading.column,
            kind,
            severity: heading.severity,
            on_failure: heading.on_failure,
            dimension: heading.dimension,
            description: heading.description,
            says,
            place: heading.place,
        });
    }

    fn unique_id(&mut self, id: String) -> String {
        let mut unique = id.clone();
        // From the last number on: hostile contracts repeat an id many thousand times.
        let mut number = self.repeats.get(&id).copied().unwrap_or(1);
        while !self.ids.insert(unique.clone()) {
            number += 1;
            unique = format!("{id}#{number}");
        }
        self.repeats.insert(id, number);
        unique
    }

    /// Whether the contract may have this large pattern too.
    pub(super) fn has_room_for(&mut self, pattern: &str) -> bool {
        self.large.contains(pattern) || (self.large.len() < KEPT && self.large.insert(pattern.to_owned()))
    }

    /// Adds an error.
    pub(super) fn refuse(&mut self, place: &Place, message: String, help: Option<&str>) {
        self.problems.push(place.error("rule", message, help));
    }

    /// Adds a warning.
    pub(super) fn warn(&mut self, place: &Place, message: String, help: Option<&str>) {
        self.problems.push(Diagnostic {
            severity: Severity::Warning,
            code: Cow::Borrowed("rule"),
            ..place.error("rule", message, help)
        });
    }

    /// Adds what was found elsewhere.
    pub(super) fn report(&mut self, found: Vec<Diagnostic>) {
        self.problems.extend(found);
    }
}
