//! How a change that breaks somebody is told.

use std::collections::{BTreeMap, BTreeSet};

use polder_contract::diff::{Change, Comparison};
use polder_contract::{DatasetContract, Place};
use polder_core::DatasetName;
use polder_core::document::{Diagnostic, Severity, Span};
use polder_engine::Reached;

use super::compatibility::STRUCK;
use super::refusing::Losing;

/// The code of changes that break somebody.
pub(super) const BREAKING: &str = "breaking-change";

/// The code of changes that can break readers and break nobody who is known.
pub(super) const BREAKS_READERS: &str = "breaks-readers";

/// The code of changes after which rows may be refused that a pipeline hands on.
const MAY_LOSE_ROWS: &str = "may-lose-rows";

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

/// The classes of changes, each with how many there are.
pub(super) fn classes(comparison: &Comparison) -> String {
    let mut classes: BTreeMap<_, usize> = BTreeMap::new();
    for change in &comparison.changes {
        *classes.entry(change.class).or_default() += 1;
    }
    let classes: Vec<_> = classes
        .iter()
        .map(|(class, count)| format!("{} ({count})", class.as_str()))
        .collect();
    classes.join(", ")
}

/// A step from one version to the next.
pub(super) fn versions(old: &str, new: &str) -> String {
    match old == new {
        true => new.to_owned(),
        false => format!("{old} → {new}"),
    }
}

/// What a change means to streams.
pub(super) struct ToWriters {
    /// What becomes of their rows.
    pub(super) what: String,
    /// What to do.
    pub(super) help: &'static str,
    /// Whether rows may be refused.
    pub(super) refuses: bool,
}

/// What becomes of the rows of streams (`names`) after a change that breaks writers. `now` is their dataset's contract.
pub(super) fn to_writers(change: &Change, names: &str, now: Option<&DatasetContract>) -> ToWriters {
    let rule = change.rule.as_deref().unwrap_or_default();
    let of_option = |option: &str| change.code.starts_with("limit-") && rule.ends_with(option);
    let is_judged = || {
        let rules = now.and_then(|contract| contract.rules().ok()).unwrap_or_default();
        rules.iter().any(|known| known.id == rule)
    };
    let (what, help) = match change.code {
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
        _ => {
            return ToWriters {
                what: format!("rows of {names} may be refused"),
                help: "make sure that its source already keeps to it",
                refuses: true,
            };
        }
    };
    ToWriters {
        what,
        help,
        refuses: false,
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

/// Pipelines that may refuse what comes after a change, of which it cannot be told, each with why. Where that is, is left
/// open.
pub(super) fn perhaps_refused(change: &Change, unsure: &BTreeMap<String, String>) -> Option<Diagnostic> {
    let names: Vec<_> = unsure.keys().map(String::as_str).collect();
    let why: Vec<_> = unsure.values().map(String::as_str).collect();
    (!names.is_empty()).then(|| Diagnostic {
        severity: Severity::Warning,
        code: MAY_LOSE_ROWS.into(),
        message: format!("{}: {} may refuse rows", change.what, names.join(", ")),
        help: Some(format!("{}\nwrite both alike where they mean the same", why.join("\n"))),
        file: Default::default(),
        span: None,
    })
}

/// Pipelines that hand on what may come after a change, of which some is refused where it goes. Where that is, is left open.
pub(super) fn perhaps_lost(change: &Change, names: &BTreeSet<String>) -> Option<Diagnostic> {
    (!names.is_empty()).then(|| Diagnostic {
        severity: Severity::Warning,
        code: MAY_LOSE_ROWS.into(),
        message: format!("{}: {} may lose rows", change.what, listed("", names)),
        help: Some(
            "what is built there refuses some of what may come now; how much of that its query gives depends on the rows\n\
             let the query leave out or mend what is refused, or let the contract of what it builds allow it"
                .to_owned(),
        ),
        file: Default::default(),
        span: None,
    })
}

/// A change that can break readers, and breaks nobody who is known (`what`), for those who read reports alone. Where that is,
/// is left open.
pub(super) fn nobody(what: String, offered: &BTreeSet<String>, reached: &Reached) -> Diagnostic {
    let more = [
        listed("changes with it: ", offered),
        listed("not built until mended: ", &reached.waiting),
        listed("not affected: ", &reached.unaffected),
    ];
    let more: Vec<_> = more.into_iter().filter(|text| !text.is_empty()).collect();
    Diagnostic {
        severity: Severity::Note,
        code: BREAKS_READERS.into(),
        message: what,
        help: (!more.is_empty()).then(|| more.join("\n")),
        file: Default::default(),
        span: None,
    }
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
