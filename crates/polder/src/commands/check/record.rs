//! What a change does to the record of cancellations: what was said cannot be unsaid, nor be said to have been said before.

use chrono::{DateTime, Days, Utc};
use polder_contract::cancellation::{Cancellation, Canceller};
use polder_contract::{Consumer, Status};
use polder_core::document::{Diagnostic, Severity};

use super::Declared;
use super::revision::Revision;

/// What is wrong with cancellations that are new or gone. `before` are those of the base, `consumers` its consumers.
pub(super) fn check(
    mesh: &Declared<'_>,
    base: &Revision,
    before: &[Cancellation],
    consumers: &[Consumer],
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let new = mesh
        .cancellations
        .iter()
        .filter(|now| !before.iter().any(|old| same(old, now)));
    for cancellation in new {
        problems.extend(announced_late(cancellation, base, mesh.now));
        problems.extend(nobody(mesh, cancellation, consumers));
    }
    for old in before {
        // A document that cannot be read is reported as that.
        let unreadable = mesh.platform.mesh.path(&old.place.file).is_file()
            && !mesh.cancellations.iter().any(|now| now.place.file == old.place.file);
        if !unreadable && !mesh.cancellations.iter().any(|now| same(old, now)) {
            problems.push(struck(mesh, base, old));
        }
    }
    problems
}

/// Whether both record the same, wherever they lie.
fn same(one: &Cancellation, other: &Cancellation) -> bool {
    let what = |of: &Cancellation| (of.contract.clone(), of.by, of.party.clone(), of.announced, of.effective);
    what(one) == what(other)
}

/// A cancellation that says to have been announced when nobody could know of it. A day is left for clocks and zones.
fn announced_late(cancellation: &Cancellation, base: &Revision, now: DateTime<Utc>) -> Option<Diagnostic> {
    // A commit from the future says nothing.
    let earliest = base.day?.min(now.date_naive()).checked_sub_days(Days::new(1))?;
    (cancellation.announced < earliest).then(|| {
        let message = format!(
            "it says that it was announced on {}, and {} does not have it yet",
            cancellation.announced, base.says
        );
        let help = "write the day on which this change is made: the notice runs from then on";
        cancellation.place.error("cancellation", message, Some(help))
    })
}

/// A consumer's cancellation by somebody who is registered for nothing.
fn nobody(mesh: &Declared<'_>, cancellation: &Cancellation, before: &[Consumer]) -> Option<Diagnostic> {
    let mut known = mesh
        .consumers
        .iter()
        .chain(before)
        .map(|consumer| consumer.name.as_str());
    if cancellation.by == Canceller::Provider || known.any(|name| name == cancellation.party) {
        return None;
    }
    let message = format!("there is no consumer `{}`", cancellation.party);
    let help = "`party` is the name of a registration in catalog/consumers";
    Some(cancellation.place.error("cancellation", message, Some(help)))
}

/// A cancellation that is gone from the record, or says something else.
fn struck(mesh: &Declared<'_>, base: &Revision, old: &Cancellation) -> Diagnostic {
    let ends = mesh
        .contracts
        .find(&old.contract)
        .is_some_and(|contract| matches!(contract.lifecycle().status, Status::Deprecated | Status::Retired));
    let over = old.effective < mesh.now.date_naive();
    // Who takes a cancellation back may do so; what ends without a record may not.
    let severity = match old.by == Canceller::Provider && ends && !over {
        true => Severity::Error,
        false => Severity::Warning,
    };
    let message = format!(
        "the cancellation of {} by {} was taken from the record, or changed",
        old.contract, old.party
    );
    let help = "keep the document as it was; who changes their mind writes one more, with the day of that";
    let found = old.place.error("cancellation", message, Some(help));
    Diagnostic {
        severity,
        file: base.path(&old.place.file),
        ..found
    }
}
