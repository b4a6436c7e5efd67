mod cancellation;
mod compare;
mod compare_properties;
mod compatibility;
mod examples;
mod from_schema;
mod json_schema;
mod keys;
mod lifecycle;
mod mistakes;
mod product;
mod promises;
mod quality;
mod rules;
mod set;
mod typos;

use polder_core::document::Source;

use crate::{Contract, Parsed, SchemaObject, parse};

/// A contract of `sales.bronze.t` with this text as its properties (a YAML list, each item on one line).
fn with_properties(properties: &[&str]) -> String {
    let properties: String = properties
        .iter()
        .map(|property| format!("      - {property}\n"))
        .collect();
    format!(
        "apiVersion: v3.2.0\nkind: DataContract\nid: t\nversion: 1.0.0\nschema:\n  - name: t\n    \
         physicalName: sales.bronze.t\n    properties:\n{properties}"
    )
}

fn parsed(text: &str) -> Parsed {
    parse(&Source::new("c.odcs.yaml", text))
}

fn contract(text: &str) -> Contract {
    let parsed = parsed(text);
    parsed.contract.unwrap_or_else(|| panic!("{:#?}", parsed.diagnostics))
}

fn object(properties: &[&str]) -> SchemaObject {
    contract(&with_properties(properties)).objects.remove(0)
}

/// `line:column code message (help)` of each finding.
fn findings(text: &str) -> Vec<String> {
    let parsed = parsed(text);
    let line = |d: &polder_core::document::Diagnostic| {
        let place = d
            .span
            .map_or_else(String::new, |span| format!("{}:{}", span.line, span.column));
        let help = d.help.as_ref().map_or_else(String::new, |help| format!(" ({help})"));
        format!("{place} {} {}{help}", d.code, d.message)
    };
    let errors = parsed
        .diagnostics
        .iter()
        .any(|found| found.severity == polder_core::document::Severity::Error);
    assert_eq!(parsed.contract.is_none(), errors);
    parsed.diagnostics.iter().map(line).collect()
}
