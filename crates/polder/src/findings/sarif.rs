//! SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format), as code scanning reads it.

use std::collections::BTreeSet;
use std::path::Path;

use polder_core::Result;
use serde_json::{Value, json};

use super::{Case, Outcome, slashed, unwritable};

/// What failed, warned or is worth knowing, each with its place. What was not run is no result, of which code scanning
/// would make an alert, but a notification of the run; what held is left out.
pub(super) fn render(cases: &[Case]) -> Result<String> {
    let told: Vec<_> = cases
        .iter()
        .filter_map(|case| Some((case, level(case.outcome)?)))
        .collect();
    let not_run: Vec<&Case> = cases.iter().filter(|case| case.outcome == Outcome::NotRun).collect();
    // What to do about it is each finding's own, and stands in its message.
    let rules: BTreeSet<&str> = told
        .iter()
        .map(|(case, _)| case)
        .chain(&not_run)
        .map(|case| case.name.as_str())
        .collect();
    let results: Vec<Value> = told.iter().map(|(case, level)| result(case, level)).collect();
    let rules: Vec<Value> = rules.into_iter().map(|id| json!({"id": id})).collect();
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "polder", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": not_run.into_iter().map(notification).collect::<Vec<_>>(),
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&log).map_err(unwritable)
}

fn level(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Failed => Some("error"),
        Outcome::Warned => Some("warning"),
        Outcome::Noted => Some("note"),
        Outcome::Passed | Outcome::NotRun => None,
    }
}

fn result(case: &Case, level: &str) -> Value {
    let text = match &case.help {
        Some(help) => format!("{}: {} ({help})", case.suite, case.message),
        None => format!("{}: {}", case.suite, case.message),
    };
    let mut result = json!({"ruleId": case.name, "level": level, "message": {"text": text}});
    if let Some(locations) = locations(case) {
        result["locations"] = locations;
    }
    classed(&mut result, case);
    result
}

/// That a check was not run, and why.
fn notification(case: &Case) -> Value {
    let text = format!("{}: {} was not run: {}", case.suite, case.name, case.message);
    let mut notification = json!({"level": "note", "message": {"text": text}, "associatedRule": {"id": case.name}});
    if let Some(locations) = locations(case) {
        notification["locations"] = locations;
    }
    classed(&mut notification, case);
    notification
}

/// Adds what the contract says of the rule, where code scanning keeps what is beyond its own words.
fn classed(told: &mut Value, case: &Case) {
    for (key, class) in case.classes() {
        told["properties"][key] = json!(class);
    }
}

fn locations(case: &Case) -> Option<Value> {
    let (path, span) = case.place.as_ref()?;
    let mut place = json!({"artifactLocation": {"uri": uri(path)}});
    // Code scanning shows a result only where it has a line.
    let (line, column) = span.map_or((1, 1), |span| (span.line, span.column));
    place["region"] = json!({"startLine": line, "startColumn": column});
    Some(json!([{"physicalLocation": place}]))
}

/// The path as a URI (RFC 3986): from the repository's root on, or with the scheme `file` where it is absolute.
fn uri(path: &Path) -> String {
    let mut uri = match path.is_absolute() {
        true => "file://".to_owned(),
        false => String::new(),
    };
    for byte in slashed(path).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            // A colon in the first part of a relative path would end a scheme.
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}
