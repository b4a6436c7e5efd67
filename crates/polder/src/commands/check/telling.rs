//! How a change that breaks somebody is told.

use std::collections::BTreeSet;

use polder_contract::diff::Change;
use polder_core::DatasetName;
use polder_core::document::{Diagnostic, Severity, Span};
use polder_engine::Reached;

use super::compatibility::STRUCK;

/// The code of changes that break somebody.
pub(super) const BREAKING: &str = "breaking-change";

/// How many chains of one change are shown.
const MOST_CHAINS: usize = 20;

/// A dataset, or one of its columns.
pub(super) fn start(dataset: &DatasetName, column: Option<&str>) -> String {
    match column {
        Some(column) => format!("{dataset}.{column}"),
        None => dataset.to_string(),
    }
}

/// Whether the new document shows whose part it was that is gone, by its name.
pub(super) fn named(change: &Change) -> bool {
    matches!(change.code, "column-removed" | "object-removed")
}

/// The first place of a stretch.
pub(super) fn head(span: Span) -> Span {
    Span {
        end: span.start,
        ..span
    }
}

/// What happened, for the head of a chain.
pub(super) fn word(code: &str) -> &str {
    match code {
        "column-removed" | "object-removed" => "removed",
        "column-renamed" | "object-renamed" => "renamed",
        "column-added" | "required-column-added" => "added",
        code if code.starts_with("type-") => "other type",
        _ => "changed",
    }
}

/// A change that breaks somebody, with the ways in which it does.
pub(super) fn breaking(what: &str, start: Option<&str>, word: &str, reached: Reached) -> Diagnostic {
    let mut help: Vec<_> = reached
        .chains
        .iter()
        .take(MOST_CHAINS)
        .map(
            |chain| match start.and_then(|start| Some((start, chain.strip_prefix(start)?))) {
                Some((start, rest)) => format!("{start} ({word}){rest}"),
                None => chain.clone(),
            },
        )
        .collect();
    if let Some(more @ 1..) = reached.chains.len().checked_sub(MOST_CHAINS) {
        help.push(format!("… and {more} more"));
    }
    if reached.broken.iter().any(|name| name.ends_with(STRUCK)) {
        help.push(
            "a registration cannot end in the change that breaks it: first let the consumer end it in a change of its \
             own, or record it: polder contract cancel DATASET --by consumer"
                .to_owned(),
        );
    }
    help.extend(Some(listed("not built until mended: ", &reached.waiting)).filter(|text| !text.is_empty()));
    help.extend(Some(listed("not affected: ", &reached.unaffected)).filter(|text| !text.is_empty()));
    Diagnostic {
        severity: Severity::Error,
        code: BREAKING.into(),
        message: format!("{what}: it breaks {}", listed("", &reached.broken)),
        help: Some(help.join("\n")),
        file: Default::default(),
        span: None,
    }
}

/// Names in a row behind a word; nothing where there are none.
pub(super) fn listed(head: &str, names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return String::new();
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    format!("{head}{}", names.join(", "))
}

/// Who is not broken by a change, behind what is.
pub(super) fn untouched(reached: &Reached) -> String {
    let waiting = listed("; not built until mended: ", &reached.waiting);
    format!("{waiting}{}", listed("; not affected: ", &reached.unaffected))
}
