//! What can be known of a contract's rules without data, once all contracts and the query engine are there: SQL over
//! single rows, references to other datasets, and rules that nothing can run.

mod circles;

use std::collections::HashSet;
use std::sync::Arc;

use polder_contract::rule::{Metric, RowTest, Rule, RuleKind, SetTest};
use polder_contract::{ColumnType, Contract, ContractSet, DatasetContract, ReadableRules, Relationship, Written};
use polder_core::document::{Diagnostic, Node, Severity, Source, Span, Value, nearest};
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_gate::Gate;
use polder_gate::table::unlike;
use polder_query::{RuleQueries, Session};

pub(crate) use circles::circles;

use crate::lineage::{Asker, DatasetColumn, Reading};
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
        if let RuleKind::NotRun { why } = &rule.kind {
            found.push(Diagnostic {
                severity: Severity::Warning,
                code: "not-run".into(),
                message: format!("a rule of {} is not run: {}: {why}", contract.dataset(), rule.id),
                help: None,
                file: contract.contract.source_path.clone(),
                span: Some(rule.place.span),
            });
        }
    }
    found.extend(dangling_references(contract, contracts));
    found
}

/// References of rules to datasets and columns that no contract of the set describes, or whose values do not compare.
pub fn dangling_references(contract: &DatasetContract, contracts: &ContractSet) -> Vec<Diagnostic> {
    let rules = contract.rules().unwrap_or_default();
    let references = rules.iter().filter_map(|rule| match &rule.kind {
        RuleKind::Set(SetTest {
            metric: Metric::Orphans { columns, dataset, to },
            ..
        }) => dangling(rule, dataset, to, contracts)
            .or_else(|| incomparable(contract, rule, columns, &contracts.get(dataset)?, to)),
        _ => None,
    });
    references.collect()
}

/// References of a contract's objects to each other whose values do not compare: what can be told of a contract that is
/// in no set.
pub fn incomparable_within(contract: &Arc<Contract>) -> Vec<Diagnostic> {
    let objects = DatasetContract::all(contract);
    let mut found = Vec::new();
    for object in &objects {
        for rule in object.rules().unwrap_or_default() {
            let RuleKind::Set(SetTest {
                metric: Metric::Orphans { columns, dataset, to },
                ..
            }) = &rule.kind
            else {
                continue;
            };
            let other = objects.iter().find(|other| other.dataset() == dataset);
            found.extend(other.and_then(|other| incomparable(object, &rule, columns, other, to)));
        }
    }
    found
}

/// What keeps the queries of a contract's rules from giving figures, each at its place, and what those and references to
/// other datasets read. In the session every dataset with a contract is a table of its columns. `begin` hears the number of
/// each rule before it is planned.
pub(crate) async fn planned(
    contract: &DatasetContract,
    contracts: &ContractSet,
    session: &Session,
    begin: impl Fn(usize),
) -> (Vec<Diagnostic>, Vec<Reading>) {
    let rules = contract.rules().unwrap_or_default();
    let mut planner = None;
    let mut found = Vec::new();
    let by_file = by_file(&contract.contract);
    let mut readings: Vec<_> = rules
        .iter()
        .filter_map(|rule| reference(contract, rule, &by_file, contracts))
        .collect();
    for (rule, query) in queries(&rules) {
        begin(rules.iter().position(|own| std::ptr::eq(own, rule)).unwrap_or(0));
        let planner = planner.get_or_insert_with(|| RuleQueries::new(session, contract));
        let column = rule.column.as_deref();
        let text = format!("{}\n{query}", column.unwrap_or_default());
        let error = match planner.planned(query, column).await {
            Ok((kind, plan)) => {
                readings.extend(Reading::of(asker(contract, rule), "", &text, &plan).ok());
                kind.and_then(|kind| misfit(rule, &kind))
            }
            Err(_) if reads_unreadable(query, contracts) => None,
            Err(error) => {
                readings.push(Reading::unplanned(asker(contract, rule), "", &text));
                Some(error)
            }
        };
        found.extend(error.map(|error| refused(contract, rule, query, &error)));
    }
    (found, readings)
}

fn asker(contract: &DatasetContract, rule: &Rule) -> Asker {
    Asker::Rule {
        dataset: contract.dataset().clone(),
        id: rule.id.clone(),
    }
}

/// What a reference to another dataset reads. Some of the contract's are written `by_file`.
fn reference(
    contract: &DatasetContract,
    rule: &Rule,
    by_file: &[&Relationship],
    contracts: &ContractSet,
) -> Option<Reading> {
    let declared = by_file.iter().find(|relationship| relationship.place == rule.place);
    let as_written = declared.map(|relationship| {
        let written = |ends: &[Written]| ends.iter().map(|end| end.text.as_str()).collect::<Vec<_>>().join(", ");
        let column = rule.column.as_deref().unwrap_or_default();
        format!(
            "{column} {} of {}",
            written(&relationship.from),
            written(&relationship.to)
        )
    });
    let RuleKind::Set(SetTest {
        metric: Metric::Orphans { columns, dataset, to },
        ..
    }) = &rule.kind
    else {
        return Some(Reading::unplanned(asker(contract, rule), "", &as_written?));
    };
    let text = as_written.unwrap_or_else(|| format!("{} of {dataset}: {}", columns.join(", "), to.join(", ")));
    if contracts.is_unreadable(&dataset.to_string()) {
        return None;
    }
    if dangling(rule, dataset, to, contracts).is_some() {
        return Some(Reading::unplanned(asker(contract, rule), "", &text));
    }
    let of = |dataset: &DatasetName, column: &String| DatasetColumn {
        dataset: dataset.clone(),
        column: column.clone(),
    };
    let own = columns.iter().map(|column| of(contract.dataset(), column));
    let others = to.iter().map(|column| of(dataset, column));
    let other = contracts.get(dataset)?;
    let unlike = unlike(contract.object(), columns, other.object(), to).is_some();
    Some(Reading::of_columns(
        asker(contract, rule),
        &text,
        own.chain(others),
        unlike,
    ))
}

/// The references by file of a contract: as it is written such a one may read another dataset than before, or none.
fn by_file(contract: &Contract) -> Vec<&Relationship> {
    let mut all = contract.relationships();
    all.retain(|relationship| relationship.to.iter().any(|end| end.text.contains('#')));
    all
}

/// Why a figure of a type can never be what the rule asks for.
fn misfit(rule: &Rule, kind: &ColumnType) -> Option<Error> {
    let RuleKind::Set(SetTest { operator, .. }) = &rule.kind else {
        return None;
    };
    let (message, help) = operator.misfit(kind)?;
    Some(Error::new(ErrorKind::Usage, message).with_help(help))
}

/// The queries of a contract's rules that cannot be read or ask for what no rule may, each at its place: what can be told
/// without the columns of any table. The session is of no lake.
pub fn unread_rules(contract: &DatasetContract, session: &Session) -> Vec<Diagnostic> {
    let read = match contract.contract.refers_to_unknown_files() {
        true => RuleQueries::read_alone,
        false => RuleQueries::read,
    };
    unread(contract, &contract.rules().unwrap_or_default(), session, read)
}

/// The same of the rules that could be read of a contract with errors.
pub fn unread_readable(readable: &ReadableRules, session: &Session) -> Vec<Diagnostic> {
    let read = match readable.names_are_known {
        true => RuleQueries::read,
        false => RuleQueries::read_alone,
    };
    unread(&readable.dataset, &readable.rules, session, read)
}

fn unread(
    contract: &DatasetContract,
    rules: &[Rule],
    session: &Session,
    read: fn(&RuleQueries, &str, Option<&str>) -> Result<()>,
) -> Vec<Diagnostic> {
    let mut reader = None;
    let mut found = Vec::new();
    for (rule, query) in queries(rules) {
        let reader = reader.get_or_insert_with(|| RuleQueries::new(session, contract));
        if let Err(error) = read(reader, query, rule.column.as_deref()) {
            found.push(refused(contract, rule, query, &error));
        }
    }
    found
}

/// Rules that are queries; a rule with two bounds, which is two rules of one query, once.
fn queries(rules: &[Rule]) -> impl Iterator<Item = (&Rule, &str)> {
    let mut seen = HashSet::new();
    let queries = rules.iter().filter_map(|rule| match &rule.kind {
        RuleKind::Set(SetTest {
            metric: Metric::Sql { query },
            ..
        }) => Some((rule, query.as_str())),
        _ => None,
    });
    queries.filter(move |(rule, query)| seen.insert((rule.place.span.start, *query)))
}

fn refused(contract: &DatasetContract, rule: &Rule, query: &str, error: &Error) -> Diagnostic {
    let contract = &contract.contract;
    let source = Source::new(contract.source_path.clone(), contract.text.as_ref());
    let span = query_span(&contract.document, rule, query).unwrap_or(rule.place.span);
    let mut diagnostic = SqlText::value(&source, query, span).failure(error, "rule");
    diagnostic.message = format!("{}: {}", rule.id, diagnostic.message);
    diagnostic
}

/// Whether a query names a dataset whose contract is wrong, which was reported.
fn reads_unreadable(query: &str, contracts: &ContractSet) -> bool {
    let of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let mut words = query.split(|c| !of_name(c));
    words.any(|word| contracts.is_unreadable(word))
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
        None if contracts.is_unreadable(&dataset.to_string()) => return None,
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

/// The error of a reference that no gate could ever answer: the values of both ends do not compare.
fn incomparable(
    contract: &DatasetContract,
    rule: &Rule,
    columns: &[String],
    other: &DatasetContract,
    to: &[String],
) -> Option<Diagnostic> {
    let unlike = unlike(contract.object(), columns, other.object(), to)?;
    let far = other.object();
    if let Some(why) = to.iter().find_map(|path| far.no_key(&far.path(path)?)) {
        let message = format!("{}: it refers to {}: {why}", rule.id, other.dataset());
        let help = "refer to a column of one value, or leave the relationship out";
        return Some(rule.place.error("reference-types", message, Some(help)));
    }
    let message = format!(
        "{}: `{}` is {}, but {}.{} is {}: their values cannot be compared",
        rule.id,
        unlike.own,
        unlike.own_type,
        other.dataset(),
        unlike.other,
        unlike.other_type
    );
    let help = "declare both of one type, and cast where the values are made";
    Some(rule.place.error("reference-types", message, Some(help)))
}
