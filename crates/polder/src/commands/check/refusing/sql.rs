//! Rules in SQL: nobody compares them, but which columns they name is known.

use std::collections::BTreeSet;

use polder_contract::diff::{Guarantees, Kept};
use polder_contract::{Metric, RowTest, Rule, RuleKind};
use polder_core::{DatasetName, ObjectName};
use polder_engine::{Dependency, Pipeline, Target, may_name};

use super::{GROUPS, Handed};

/// The SQL of a rule: an expression over each row, or a query.
pub(super) fn of(rule: &Rule) -> Option<&str> {
    match &rule.kind {
        RuleKind::Row(RowTest::Sql(sql)) => Some(sql),
        RuleKind::Set(test) => match &test.metric {
            Metric::Sql { query } => Some(query),
            _ => None,
        },
        _ => None,
    }
}

/// Whether the SQL of a rule may name the column of a path.
pub(super) fn names(rule: &Rule, path: &str) -> bool {
    let Some(sql) = of(rule) else { return false };
    let column = root(path);
    // A rule of a column may say so with a placeholder.
    let has_placeholder = ["{property}", "{column}"].iter().any(|name| sql.contains(name));
    if has_placeholder && rule.column.as_deref().is_some_and(|own| root(own) == column) {
        return true;
    }
    may_name(sql, column)
}

/// Whether an expression over a row is true of null, or null, wherever it is so of some value: null goes through all but
/// what asks for it, and functions may.
pub(super) fn passes_null(rule: &Rule) -> bool {
    let RuleKind::Row(RowTest::Sql(sql)) = &rule.kind else {
        return false;
    };
    let mut words = sql.split(|character: char| !character.is_alphanumeric() && character != '_');
    let asks = words.any(|word| {
        ["is", "case", "isnull", "notnull"]
            .iter()
            .any(|one| word.eq_ignore_ascii_case(one))
    });
    !asks && !sql.contains(['(', '[', '{']) && !sql.contains("<=>")
}

/// Whether the same is asked word for word.
pub(super) fn asks(kept: &Guarantees, rule: &Rule) -> bool {
    kept.rules().iter().any(|own| own.kind == rule.kind)
}

/// The column of a path.
pub(super) fn root(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}

impl Handed<'_> {
    /// Whether the columns that a rule names come, by one step, as they are and under the same names, from one dataset.
    pub(super) fn names_alike(&self, step: &ObjectName, target: &DatasetName, rule: &Rule) -> bool {
        let lineage = &self.mesh.analysis.lineage;
        let mut sources = BTreeSet::new();
        let named = lineage.entering(target).filter(|edge| edge.via.name == *step);
        let alike = named
            .filter_map(|edge| match &edge.to {
                Target::Column(to) if names(rule, &to.column) => Some((edge, to)),
                _ => None,
            })
            .all(|(edge, to)| {
                sources.insert(&edge.from.dataset);
                edge.how == Dependency::Identity && edge.from.column == to.column
            });
        alike && sources.len() == 1 && !self.has_other_rows(step, target, rule)
    }

    /// Whether a step makes other rows than it reads, of which a rule may not say the same: each row by itself is the same
    /// unless it meets others, and all of them are others where some are left out or put together.
    fn has_other_rows(&self, step: &ObjectName, target: &DatasetName, rule: &Rule) -> bool {
        let by: &[Dependency] = match &rule.kind {
            RuleKind::Row(_) => &[Dependency::Join],
            RuleKind::Set(_) | RuleKind::NotRun { .. } => GROUPS,
        };
        let mut entering = self.mesh.analysis.lineage.entering(target);
        entering.any(|edge| edge.via.name == *step && matches!(edge.to, Target::Rows(_)) && by.contains(&edge.how))
    }

    /// Whether what a pipeline makes keeps a rule in SQL: nobody knows, unless the same is asked where all of it comes
    /// from. And from where it comes.
    pub(super) fn sql_kept(&self, pipeline: &Pipeline, rule: &Rule) -> (Kept, String) {
        let lineage = &self.mesh.analysis.lineage;
        let entering = lineage.entering(&pipeline.dataset);
        let mine = entering.filter(|edge| edge.via.name == pipeline.name);
        let named = mine.filter(|edge| matches!(&edge.to, Target::Column(to) if names(rule, &to.column)));
        let (mut columns, mut datasets) = (BTreeSet::new(), BTreeSet::new());
        for edge in named {
            columns.insert(edge.from.to_string());
            datasets.insert(&edge.from.dataset);
        }
        let asked = datasets
            .iter()
            .all(|source| self.now(source).is_some_and(|kept| asks(&kept, rule)));
        if asked && self.names_alike(&pipeline.name, &pipeline.dataset, rule) {
            return (Kept::Surely, String::new());
        }
        if columns.is_empty() {
            let reading = lineage.steps.iter().filter(|read| read.via == pipeline.name);
            columns.extend(reading.map(|read| read.from.to_string()));
        }
        (Kept::Unsure, columns.into_iter().collect::<Vec<_>>().join(", "))
    }
}
