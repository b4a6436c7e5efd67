//! What can be known of a contract's rules without data, once all contracts and the query engine are there: SQL over
//! single rows, references to other datasets, and rules that nothing can run.

use polder_contract::rule::{Metric, RowTest, Rule, RuleKind, SetTest};
use polder_contract::{ContractSet, DatasetContract};
use polder_core::DatasetName;
use polder_core::document::{Diagnostic, Severity, nearest};
use polder_gate::Gate;

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
