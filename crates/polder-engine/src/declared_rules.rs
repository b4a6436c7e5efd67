//! What can be known of a contract's rules without data, once all contracts and the query engine are there: SQL over
//! single rows, references to other datasets, and rules that nothing can run.

mod circles;

use std::collections::HashSet;

use polder_contract::rule::{Metric, RowTest, Rule, RuleKind, SetTest};
use polder_contract::{ContractSet, DatasetContract};
use polder_core::DatasetName;
use polder_core::document::{Diagnostic, Node, Severity, Source, Span, Value, nearest};
use polder_gate::Gate;
use polder_query::{RuleQueries, Session};

pub(crate) use circles::circles;

use crate::sql::place::SqlText;

/// Everything wrong with the rules of a contract that is not found where contracts are read; a warning for each rule
/// that nothing can run.
pub(crate) fn findings(contract: &DatasetContract, contracts: &ContractSet) -> Vec<Diagnostic> {
    // A contract whose rules are wrong is in no set.
    let rules = contract.rules().unwrap_or_default();
    let mut found = Vec::new();
    let of_rows = |rule: &Rule| matches!(rule.kind, RuleKind::Row(RowTest::Sql(_)));
    if rules.iter().any(of_rows)
        && let Err(error) = Gate::compile(contract)
    {
        found.extend(error.diagnostics().iter().cloned());
    }
    for rule in &rules {
        match &rule.kind {
            RuleKind::NotRun { why } => found.push(Diagnostic {
                severity: Severity::Warning,
                code: "not-run".into(),
                message: format!("a rule of {} is not run: {}: {why}", contract.dataset(), rule.id),
                help: None,
                file: contract.contract.source_path.clone(),
                span: Some(rule.place.span),
            }),
            RuleKind::Set(SetTest {
                metric: Metric::Orphans { dataset, to, .. },
                ..
            }) => found.extend(dangling(rule, dataset, to, contracts)),
            _ => {}
        }
    }
    found
}

/// What keeps the queries of a contract's rules from giving figures, each at its place. In the session every dataset with a
/// contract is a table of its columns.
pub(crate) async fn unplanned(contract: &DatasetContract, session: &Session) -> Vec<Diagnostic> {
    let rules = contract.rules().unwrap_or_default();
    let queries = rules.iter().filter_map(|rule| match &rule.kind {
        RuleKind::Set(SetTest {
            metric: Metric::Sql { query },
            ..
        }) => Some((rule, query)),
        _ => None,
    });
    let mut planner = None;
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (rule, query) in queries {
        // A rule with two bounds is two rules of one query.
        if !seen.insert((rule.place.span.start, query)) {
            continue;
        }
        let planner = planner.get_or_insert_with(|| RuleQueries::new(session, contract));
        if let Err(error) = planner.plan(query, rule.column.as_deref()).await {
            let contract = &contract.contract;
            let source = Source::new(contract.source_path.clone(), contract.text.as_ref());
            let span = query_span(&contract.document, rule, query).unwrap_or(rule.place.span);
            let mut diagnostic = SqlText::value(&source, query, span).failure(&error, "rule");
            diagnostic.message = format!("{}: {}", rule.id, diagnostic.message);
            found.push(diagnostic);
        }
    }
    found
}

/// Where the query of a rule is written.
fn query_span(node: &Node, rule: &Rule, query: &str) -> Option<Span> {
    let within = node.span.start <= rule.place.span.start && rule.place.span.start <= node.span.end;
    let own = |node: &Node| {
        node.get("query")
            .filter(|own| own.as_str() == Some(query))
            .map(|own| own.span)
    };
    match &node.value {
        Value::Map(_) if node.span == rule.place.span => own(node),
        Value::Map(entries) if within => entries.iter().find_map(|entry| query_span(&entry.value, rule, query)),
        Value::List(items) if within => items.iter().find_map(|item| query_span(item, rule, query)),
        _ => None,
    }
}

/// The error of a reference to a dataset or column that no contract describes.
fn dangling(rule: &Rule, dataset: &DatasetName, to: &[String], contracts: &ContractSet) -> Option<Diagnostic> {
    let (message, help) = match contracts.get(dataset) {
        None => (
            format!("{}: there is no contract of {dataset}", rule.id),
            contracts.nearest(&dataset.to_string()).map(ToString::to_string),
        ),
        Some(other) => {
            let object = other.object();
            let missing = to.iter().find(|column| object.path(column).is_none())?;
            let columns = object.properties.iter().map(|column| column.name.as_str());
            (
                format!("{}: {dataset} has no column `{missing}`", rule.id),
                nearest(missing, columns).map(str::to_owned),
            )
        }
    };
    let help = help.map(|near| format!("did you mean `{near}`?"));
    Some(rule.place.error("unknown-reference", message, help.as_deref()))
}
