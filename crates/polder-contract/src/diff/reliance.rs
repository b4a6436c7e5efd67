//! Whom a change breaks: what a consumer relies on, held against the changes.

use super::{Change, Class, Comparison};
use crate::service_level::service_level_name;

/// What a consumer of one dataset relies on. Leave out the changes of other datasets with [`Comparison::of_dataset`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reliance {
    /// The columns that it reads, by their names in the store (`price`, `address.city`); nothing stands for all.
    pub columns: Option<Vec<String>>,
    /// The rules and service levels that it relies on: a rule's id (`line_total_positive`, `price.minimum`), or a
    /// service level's property (`latency`).
    pub guarantees: Vec<String>,
}

impl Comparison {
    /// The changes that break this consumer: what it reads is gone or has values that it cannot expect, or a guarantee
    /// that it relies on is weaker.
    pub fn breaks(&self, reliance: &Reliance) -> Vec<&Change> {
        self.changes
            .iter()
            .filter(|change| reliance.is_broken_by(change))
            .collect()
    }
}

impl Reliance {
    fn is_broken_by(&self, change: &Change) -> bool {
        if change.gone_rules().iter().any(|rule| self.relies_on(rule)) {
            return true;
        }
        if change.class.breaks_readers() {
            return match (&change.column, &self.columns) {
                (Some(changed), Some(read)) => {
                    read.iter().any(|column| touches(changed, column)) || self.relies_on_rule(change)
                }
                _ => true,
            };
        }
        // A rule that asks something else under the same name tells who relies on it nothing, so it breaks them once.
        let weaker = matches!(change.class, Class::QualityLoosened | Class::ServiceLevelLowered);
        weaker && self.relies_on_rule(change)
    }

    fn relies_on_rule(&self, change: &Change) -> bool {
        change.rule.as_ref().is_some_and(|rule| {
            self.relies_on(rule)
                || change
                    .column
                    .as_ref()
                    .is_some_and(|column| self.relies_on(&format!("{column}.{rule}")))
        })
    }

    fn relies_on(&self, rule: &str) -> bool {
        // Of rules without a name of their own that are told apart by a number, each may be the one that is meant.
        let plain = |guarantee: &str| guarantee.split('#').next().unwrap_or_default().to_owned();
        self.guarantees.iter().any(|guarantee| {
            plain(guarantee) == rule || guarantee == rule || service_level_name(guarantee) == service_level_name(rule)
        })
    }
}

/// Whether a change of the one path concerns who reads the other: the same, inside it, or around it.
fn touches(changed: &str, read: &str) -> bool {
    let inside = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    inside(changed, read) || inside(read, changed)
}
