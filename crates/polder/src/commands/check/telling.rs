//! How a change that breaks somebody is told.

use std::collections::{BTreeMap, BTreeSet};

use polder_contract::diff::Change;
use polder_contract::{DatasetContract, Place};
use polder_core::DatasetName;
use polder_core::document::{Diagnostic, Severity, Span};
use polder_engine::Reached;

use super::compatibility::STRUCK;
use super::refusing::Losing;

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

/// What becomes of the rows of streams (`names`) after a change that breaks writers, and what to do. `now` is their dataset's
/// contract.
pub(super) fn to_writers(change: &Change, names: &str, now: Option<&DatasetContract>) -> (String, &'static str) {
    let rule = change.rule.as_deref().unwrap_or_default();
    let of_option = |option: &str| change.code.starts_with("limit-") && rule.ends_with(option);
    let is_judged = || {
        let rules = now.and_then(|contract| contract.rules().ok()).unwrap_or_default();
        rules.iter().any(|known| known.id == rule)
    };
    match change.code {
        "object-removed" | "object-renamed" if now.is_none() => (
            format!("{names} cannot run: the dataset that it feeds has no contract any more"),
            "let it feed another dataset, or remove it",
        ),
        "column-renamed" => (
            format!("what {names} brings under the old name is in no row any more"),
            "make sure that its source already sends it under the new one",
        ),
        "currency-changed" => (
            format!("no row of {names} is refused for it, but the amounts that come are taken to be in that currency"),
            "make sure that its source already sends them in it",
        ),
        _ if of_option(".defaultTimezone") => (
            format!("times without an offset that come by {names} are other instants now"),
            "make sure that its source already means them so",
        ),
        // How dates are written, or whether times have an offset, is a promise that no rule enforces.
        "object-kind-changed" => untold(names),
        _ if of_option(".timezone") || of_option(".format") && !is_judged() => untold(names),
        _ => (
            format!("rows of {names} may be refused"),
            "make sure that its source already keeps to it",
        ),
    }
}

/// A pipeline whose rows may be refused after a change of what it builds, with who reads that.
pub(super) fn may_lose(what: &str, place: &Place, losing: &Losing, readers: &BTreeSet<String>) -> Diagnostic {
    let readers = listed("\nwho reads what it builds: ", readers);
    Diagnostic {
        severity: Severity::Warning,
        code: "breaks-writers".into(),
        message: format!("{what}: {}", losing.what),
        help: Some(format!(
            "{}\nlet its query leave out or mend what breaks this, or let its source promise the same{readers}",
            losing.why
        )),
        file: place.file.to_path_buf(),
        span: Some(place.span),
    }
}

/// Pipelines that may refuse what comes after a change, of which it cannot be told, each with why.
pub(super) fn perhaps_refused(change: &Change, unsure: &BTreeMap<String, String>) -> Option<Diagnostic> {
    let place = change.new.as_ref().or(change.old.as_ref())?;
    let names: Vec<_> = unsure.keys().map(String::as_str).collect();
    let why: Vec<_> = unsure.values().map(String::as_str).collect();
    (!names.is_empty()).then(|| Diagnostic {
        severity: Severity::Warning,
        code: "may-lose-rows".into(),
        message: format!("{}: {} may refuse rows", change.what, names.join(", ")),
        help: Some(format!("{}\nwrite both alike where they mean the same", why.join("\n"))),
        file: place.file.to_path_buf(),
        span: Some(place.span),
    })
}

fn untold(names: &str) -> (String, &'static str) {
    (
        format!("no row of {names} is refused for it, but what comes is taken to be so"),
        "make sure that its source already keeps to it",
    )
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
