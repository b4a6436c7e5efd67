//! One JSON object: the command, the counts and every check.

use polder_contract::RuleSeverity;
use polder_core::Result;
use serde_json::{Value, json};

use super::{Case, Findings, Outcome, slashed, unwritable};

pub(super) fn render(command: &str, findings: &Findings) -> Result<String> {
    let cases: Vec<Value> = findings.cases.iter().map(case).collect();
    let mut report = json!({
        "command": command,
        "version": env!("CARGO_PKG_VERSION"),
        "passed": findings.count(Outcome::Passed),
        "failed": findings.count(Outcome::Failed),
        "warned": findings.count(Outcome::Warned),
        "not_run": findings.count(Outcome::NotRun),
        "coverage_percent": findings.coverage(),
        "checks": cases,
    });
    if let Some(comparison) = &findings.comparison {
        report["comparison"] = comparison.clone();
    }
    serde_json::to_string_pretty(&report).map_err(unwritable)
}

fn case(case: &Case) -> Value {
    let (file, span) = match &case.place {
        Some((path, span)) => (Some(slashed(path)), *span),
        None => (None, None),
    };
    json!({
        "subject": case.suite,
        "check": case.name,
        "outcome": case.outcome.as_str(),
        "message": case.message,
        "help": case.help,
        "file": file,
        "line": span.map(|span| span.line),
        "column": span.map(|span| span.column),
        "severity": case.severity.map(RuleSeverity::as_str),
        "dimension": case.dimension,
    })
}
