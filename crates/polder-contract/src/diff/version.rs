//! What changes ask of the version number, from one version of a contract to the next and over its history.

use polder_core::document::{Diagnostic, Severity};
use polder_core::units::counted;

use super::{Bump, Change, Class, Comparison, Mode, SemanticVersion, compare};
use crate::contract::Contract;
use crate::place::Place;
use crate::status::Status;

/// Whether a contract promises nothing yet.
pub fn is_draft(contract: &Contract) -> bool {
    matches!(Status::read(&contract.status), Status::Draft | Status::Proposed)
        || contract
            .version
            .parse::<SemanticVersion>()
            .is_ok_and(|version| version.major == 0)
}

impl Comparison {
    /// How much of the version these changes ask for: what the old contract's mode refuses within one major version a
    /// major one; any other change of columns, rules and service levels a minor one; words a patch. A draft is free to
    /// break with a minor one.
    pub fn required_bump(&self) -> Bump {
        self.required_bump_in(self.mode)
    }

    /// As [`Comparison::required_bump`], by another mode.
    pub fn required_bump_in(&self, mode: Mode) -> Bump {
        let of = |change: &Change| match change.class {
            Class::Documentation => Bump::Patch,
            class if mode.forbids(class) => Bump::Major,
            _ => Bump::Minor,
        };
        let bump = self.changes.iter().map(of).max().unwrap_or(Bump::None);
        if self.draft { bump.min(Bump::Minor) } else { bump }
    }

    /// What is wrong with the new contract's version: it was not raised as far as the changes ask, it went backwards, or
    /// it is no semantic version. The diagnostic stands at the version and names the version that is needed.
    pub fn version_problem(&self, old: &Contract, new: &Contract) -> Option<Diagnostic> {
        self.version_problem_in(self.mode, old, new)
    }

    /// As [`Comparison::version_problem`], by another mode.
    pub fn version_problem_in(&self, mode: Mode, old: &Contract, new: &Contract) -> Option<Diagnostic> {
        self.version_step(mode, &old.version, &new.version, &version_place(new))
    }

    /// What is wrong with the step from one version to the next; the diagnostic stands at `place`.
    pub(crate) fn version_step(&self, mode: Mode, old: &str, new: &str, place: &Place) -> Option<Diagnostic> {
        if self.is_empty() {
            return None;
        }
        let needed = self.required_bump_in(mode);
        let (from, to): (SemanticVersion, SemanticVersion) = match (old.parse(), new.parse()) {
            (Ok(from), Ok(to)) => (from, to),
            (_, Err(error)) => {
                return Some(place.error("contract-version", error.to_string(), error.help()));
            }
            // The version is a semantic one from now on.
            (Err(_), Ok(_)) => return None,
        };
        let wanted = from.next(needed);
        if to.numbers() >= wanted.numbers() && to > from {
            return None;
        }
        let gravest = self.gravest(mode, needed);
        let reason = gravest.map_or_else(String::new, |change| {
            let more = self
                .changes
                .iter()
                .filter(|other| other.code != "version-changed" && *other != change)
                .count();
            let and = match more {
                0 => String::new(),
                more => format!(" (and {})", counted(more, "more change")),
            };
            format!(": {}{and}", change.what)
        });
        let message = if to < from {
            format!("the version went back from {from} to {to}")
        } else if to == from {
            format!("the document changed, but its version is still {from}{reason}")
        } else {
            format!("the version {to} does not say enough{reason}")
        };
        let help = format!("the changes since {from} ask for a {needed} version: write version: {wanted}");
        Some(place.error("contract-version", message, Some(&help)))
    }

    /// The change that asks for the most.
    fn gravest(&self, mode: Mode, needed: Bump) -> Option<&Change> {
        let others = || self.changes.iter().filter(|change| change.code != "version-changed");
        match needed {
            Bump::Major => others().find(|change| mode.forbids(change.class)),
            _ => others().find(|change| change.class != Class::Documentation),
        }
        .or_else(|| others().next())
    }
}

/// Holds a contract against earlier versions of itself, the newest first. A transitive mode (as the newest earlier one
/// declares it) refuses what breaks readers or writers of any of them with the same major version; the first is
/// compared by [`Comparison::version_problem`] already and left out here.
pub fn problems_with_history(earlier: &[Contract], new: &Contract) -> Vec<Diagnostic> {
    let Some((last, before)) = earlier.split_first() else {
        return Vec::new();
    };
    let mode = Mode::of(last);
    if !mode.is_transitive() || new.major().is_none() {
        return Vec::new();
    }
    let mut problems: Vec<Diagnostic> = Vec::new();
    for old in before.iter().filter(|old| old.major() == new.major()) {
        let comparison = compare(old, new);
        if comparison.draft {
            continue;
        }
        // Another id is told of the last version, or was told when it came.
        let told = |change: &&Change| change.code != "contract-id-changed";
        for change in mode.problems(&comparison).into_iter().filter(told) {
            let message = format!(
                "{}, since version {}: this {}",
                change.what,
                old.version,
                change.class.as_str()
            );
            if problems.iter().any(|problem| problem.message.starts_with(&change.what)) {
                continue;
            }
            let place = change.new.clone().unwrap_or_else(|| version_place(new));
            let help = format!("the mode {mode} allows it with a new major version only");
            problems.push(Diagnostic {
                severity: Severity::Error,
                ..place.error("incompatible", message, Some(&help))
            });
        }
    }
    problems
}

/// Where a contract says its version.
fn version_place(contract: &Contract) -> Place {
    let version = contract.document.get("version");
    contract.at(version.map_or(contract.document.span, |version| version.span))
}
