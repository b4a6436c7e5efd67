//! Values that one column takes from another: whether what is asked of them there is kept already where they come from.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use polder_core::DatasetName;

use super::kept::{Checked, Kept, is_alike};
use crate::contract::Contract;
use crate::quality::Operator;
use crate::rule::{
    Figure, Metric, OnFailure, PathStep, RowCheck, RowTest, Rule, RuleKind, RuleSeverity, SetTest, written,
};
use crate::schema::SchemaObject;

/// What a contract keeps of a dataset's values, in whatever words it says so: its rules that keep out what breaks them. One
/// that only warns keeps nothing.
#[derive(Debug, Clone)]
pub struct Guarantees {
    object: Arc<SchemaObject>,
    rules: Vec<Rule>,
}

impl Guarantees {
    /// Those of a dataset; nothing where the contract does not describe it.
    pub fn of(contract: &Contract, dataset: &DatasetName) -> Option<Self> {
        let mut objects = contract.objects.iter();
        let object = objects.find(|object| object.dataset.as_ref() == Some(dataset))?;
        let rules = contract.rules_of(object).into_iter().filter(keeps_out);
        Some(Self {
            object: Arc::new(object.clone()),
            rules: rules.collect(),
        })
    }

    /// The same, if a rule were there too.
    #[must_use]
    pub fn with(&self, rule: &Rule) -> Self {
        let mut with = self.clone();
        with.rules.push(rule.clone());
        with
    }

    /// The same rules, if the columns were of the types that they are there.
    #[must_use]
    pub fn with_types_of(&self, other: &Self) -> Self {
        Self {
            object: Arc::clone(&other.object),
            rules: self.rules.clone(),
        }
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that ask something of the value at a path (`price`, `lines[].price`, `rates.value`), as [`Rule::column`]
    /// names it.
    pub fn about<'g>(&'g self, path: &'g str) -> impl Iterator<Item = &'g Rule> {
        let about = move |rule: &&Rule| rule.column.as_deref() == Some(path) && !asked_by(rule).is_empty();
        self.rules.iter().filter(about)
    }

    /// The same of the value at a path and of all that is inside of it.
    pub fn about_inside<'g>(&'g self, path: &'g str) -> impl Iterator<Item = &'g Rule> {
        let inside = move |rule: &&Rule| {
            let rest = rule.column.as_deref().and_then(|column| column.strip_prefix(path));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])) && !asked_by(rule).is_empty()
        };
        self.rules.iter().filter(inside)
    }

    /// Whether the value at a path is never null where what is around it is not.
    pub fn require(&self, path: &str) -> bool {
        // The keys of a map are never null.
        let is_key = || {
            self.object
                .path(path)
                .is_some_and(|steps| steps.last() == Some(&PathStep::MapKey))
        };
        self.checked(path).have_value() || is_key()
    }

    /// Whether each row has a value at a path: all around it have one, and it is no item of a list nor value of a map, of
    /// which there may be none.
    pub fn have_value(&self, path: &str) -> bool {
        let steps = self.object.path(path).unwrap_or_default();
        let is_field = |step: &PathStep| matches!(step, PathStep::Field(_));
        steps.iter().all(is_field) && (1..=steps.len()).all(|length| self.require(&written(&steps[..length])))
    }

    /// Whether the values at a path that are there keep what a rule of another dataset asks, null aside.
    pub fn keep(&self, path: &str, asked: &Rule, of: &Self) -> Kept {
        self.keep_each(path, asked, of)
            .into_iter()
            .min()
            .unwrap_or(Kept::Surely)
    }

    /// The same, part by part of what the rule asks: a width has two ends.
    pub fn keep_each(&self, path: &str, asked: &Rule, of: &Self) -> Vec<Kept> {
        let asked_of = asked.column.as_deref().and_then(|column| of.column_type(column));
        let values = self.checked(path);
        let parts = asked_by(asked).into_iter().flat_map(parts);
        parts.map(|part| values.keep(&part, asked_of.as_ref())).collect()
    }

    /// Whether values of the column at a path keep what a rule of this dataset asks, part by part, if all that is known of
    /// them is that they keep some checks, null aside.
    pub fn keep_by_checks(&self, path: &str, checks: &[RowCheck], asked: &Rule) -> Vec<Kept> {
        let asked_of = asked.column.as_deref().and_then(|column| self.column_type(column));
        let values = Checked::new(self.column_type(path), checks, Vec::new());
        let parts = asked_by(asked).into_iter().flat_map(parts);
        parts.map(|part| values.keep(&part, asked_of.as_ref())).collect()
    }

    /// Whether there is a value at a path that could be the one at a path of another dataset, by what kind they are of.
    pub fn may_be_at(&self, path: &str, of: &Self, there: &str) -> bool {
        let (own, other) = (self.column_type(path), of.column_type(there));
        own.zip(other).is_some_and(|(own, other)| is_alike(&own, &other))
    }

    /// Whether the same patterns, formats and lists are asked for at a path.
    pub fn same_texts(&self, other: &Self, path: &str) -> bool {
        let (own, other) = (self.checked(path), other.checked(path));
        let of_text = |checked: &Checked<'_>| {
            let checks = checked.checks().iter().filter(|check| is_of_text(check));
            checks.map(|check| (**check).clone()).collect::<Vec<_>>()
        };
        of_text(&own) == of_text(&other)
    }

    /// Whether values at a path keep the very same as those at a path of another dataset.
    pub fn keep_alike(&self, path: &str, other: &Self, there: &str) -> bool {
        let (own, others) = (self.checked(path), other.checked(there));
        own.checks() == others.checks() && self.column_type(path) == other.column_type(there)
    }

    /// Whether no two rows have the same values in these columns.
    pub fn tell_apart(&self, columns: &BTreeSet<&str>) -> bool {
        let mut keys = self.rules.iter().filter_map(key);
        // Fewer columns that tell rows apart do it all the more.
        keys.any(|key| key.iter().all(|column| columns.contains(column.as_str())))
    }

    fn column_type(&self, path: &str) -> Option<crate::ColumnType> {
        let steps = self.object.path(path)?;
        self.object.value(&steps)?.column_type().ok()
    }

    fn checked(&self, path: &str) -> Checked<'_> {
        let own = self.rules.iter().filter(|rule| rule.column.as_deref() == Some(path));
        let checks = own.filter_map(|rule| match &rule.kind {
            RuleKind::Row(RowTest::Value { check, .. }) => Some(check),
            _ => None,
        });
        let steps = self.object.path(path).unwrap_or_default();
        let fields = self.object.value(&steps).map(|value| value.properties.as_slice());
        let there = fields.unwrap_or_default().iter().filter(|field| {
            let path = format!("{path}.{}", field.name);
            let mut rules = self
                .rules
                .iter()
                .filter(|rule| rule.column.as_deref() == Some(path.as_str()));
            rules.any(|rule| matches!(&rule.kind, RuleKind::Row(RowTest::Value { check, .. }) if asks_value(check)))
        });
        let there = there.map(|field| field.name.as_str()).collect();
        Checked::new(self.column_type(path), checks, there)
    }
}

/// Whether a rule is broken by null.
pub fn refuses_null(rule: &Rule) -> bool {
    asked_by(rule).into_iter().any(asks_value)
}

/// Whether a rule asks for texts of a pattern or format, or for listed ones.
pub fn asks_of_text(rule: &Rule) -> bool {
    asked_by(rule).into_iter().any(is_of_text)
}

fn is_of_text(check: &RowCheck) -> bool {
    match check {
        RowCheck::Pattern(_) | RowCheck::Format(_) | RowCheck::OneOf(_) => true,
        RowCheck::All(all) => all.iter().any(is_of_text),
        _ => false,
    }
}

/// Whether a rule is broken by null alone.
pub fn refuses_only_null(rule: &Rule) -> bool {
    asked_by(rule).into_iter().all(|check| *check == RowCheck::Required)
}

/// The columns of which a rule asks that no two rows have the same values.
pub fn key(rule: &Rule) -> Option<&[String]> {
    match &rule.kind {
        RuleKind::Set(test) if allows_none(&test.operator, test.percent) => demanded_key(rule),
        _ => None,
    }
}

/// The columns of a rule that no rows can break of which no two have the same values there.
pub fn demanded_key(rule: &Rule) -> Option<&[String]> {
    match &rule.kind {
        RuleKind::Set(SetTest {
            metric: Metric::Duplicates { columns },
            operator,
            ..
        }) if operator.holds(&Figure::Whole(0)) => Some(columns),
        _ => None,
    }
}

fn asks_value(check: &RowCheck) -> bool {
    match check {
        RowCheck::Required | RowCheck::NotMissing(_) => true,
        RowCheck::All(all) => all.iter().any(asks_value),
        _ => false,
    }
}

/// Whether a rule keeps out what breaks it.
fn keeps_out(rule: &Rule) -> bool {
    rule.severity == RuleSeverity::Error && rule.on_failure != OnFailure::Warn
}

/// What a check is made of.
fn parts(check: &RowCheck) -> Vec<Cow<'_, RowCheck>> {
    match check {
        RowCheck::All(all) => all.iter().flat_map(parts).collect(),
        RowCheck::Width(width) => match width.range() {
            Some((low, high)) => {
                let (low, high) = (low.to_string(), high.to_string());
                vec![
                    Cow::Owned(RowCheck::Minimum {
                        value: low,
                        exclusive: false,
                    }),
                    Cow::Owned(RowCheck::Maximum {
                        value: high,
                        exclusive: false,
                    }),
                ]
            }
            None => vec![Cow::Borrowed(check)],
        },
        one => vec![Cow::Borrowed(one)],
    }
}

/// Whether a figure must be 0 that counts rows, or is a share of them.
fn allows_none(operator: &Operator, percent: bool) -> bool {
    let least = if percent {
        Figure::Real(f64::MIN_POSITIVE)
    } else {
        Figure::Whole(1)
    };
    let from_zero = matches!(
        operator,
        Operator::MustBe(_) | Operator::LessThan(_) | Operator::LessOrEqual(_) | Operator::Between(..)
    );
    from_zero && operator.holds(&Figure::Whole(0)) && !operator.holds(&least)
}

/// What a rule asks of each value: also one about the table that no failing row can break.
fn asked_by(rule: &Rule) -> Vec<&RowCheck> {
    const REQUIRED: &RowCheck = &RowCheck::Required;
    match &rule.kind {
        RuleKind::Row(RowTest::Value { check, .. }) => vec![check],
        RuleKind::Set(test) if test.operator.holds(&Figure::Whole(0)) => match &test.metric {
            Metric::Nulls { .. } | Metric::Missing { .. } => vec![REQUIRED],
            Metric::Invalid { checks, .. } => checks.iter().collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
