//! Versions of contracts: what a change asks of the version number, and what may not change within one major version.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use polder_core::document::{Diagnostic, Severity, nearest};
use polder_core::units::counted;
use polder_core::{Error, ErrorKind, Result};

use super::{Change, Class, Comparison, compare};
use crate::contract::Contract;
use crate::lifecycle::{Status, custom_property};
use crate::place::Place;

/// How much of a version number has to be raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bump {
    /// Nothing changed.
    None,
    /// The third number: words changed.
    Patch,
    /// The second number: something came, or a guarantee moved.
    Minor,
    /// The first number: somebody is broken.
    Major,
}

impl Bump {
    /// The part of the version number.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}

impl fmt::Display for Bump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whom changes within one major version may not break, and which versions are compared. A contract declares it by the
/// custom property `polder.compatibility`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Anything may change.
    None,
    /// Readers of the version before can go on.
    #[default]
    Backward,
    /// Readers of every version before, of the same major version, can go on.
    BackwardTransitive,
    /// Writers for the version before can go on.
    Forward,
    /// Writers for every version before can go on.
    ForwardTransitive,
    /// Readers and writers of the version before can go on.
    Full,
    /// Readers and writers of every version before can go on.
    FullTransitive,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Backward,
        Self::BackwardTransitive,
        Self::Forward,
        Self::ForwardTransitive,
        Self::Full,
        Self::FullTransitive,
    ];

    /// The mode's word in contracts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Backward => "backward",
            Self::BackwardTransitive => "backward_transitive",
            Self::Forward => "forward",
            Self::ForwardTransitive => "forward_transitive",
            Self::Full => "full",
            Self::FullTransitive => "full_transitive",
        }
    }

    /// The mode that a contract declares; `backward` where it declares none.
    pub fn of(contract: &Contract) -> Self {
        custom_property(&contract.document, "polder.compatibility")
            .and_then(|value| value.as_str()?.parse().ok())
            .unwrap_or_default()
    }

    /// What is wrong with the mode that a contract declares.
    pub fn problem(contract: &Contract) -> Option<Diagnostic> {
        let value = custom_property(&contract.document, "polder.compatibility")?;
        let error = value.scalar_text().unwrap_or_default().parse::<Self>().err()?;
        let help = error.help().map(str::to_owned);
        let place = Place {
            file: Arc::from(contract.source_path.as_path()),
            span: value.span,
        };
        Some(place.error("wrong-value", error.to_string(), help.as_deref()))
    }

    /// Whether readers must be able to go on.
    pub fn protects_readers(self) -> bool {
        matches!(
            self,
            Self::Backward | Self::BackwardTransitive | Self::Full | Self::FullTransitive
        )
    }

    /// Whether writers must be able to go on.
    pub fn protects_writers(self) -> bool {
        matches!(
            self,
            Self::Forward | Self::ForwardTransitive | Self::Full | Self::FullTransitive
        )
    }

    /// Whether every earlier version counts, not the last one only.
    pub fn is_transitive(self) -> bool {
        matches!(
            self,
            Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive
        )
    }

    /// Whether the mode refuses a change of this class within one major version.
    pub fn forbids(self, class: Class) -> bool {
        (self.protects_readers() && class.breaks_readers()) || (self.protects_writers() && class.breaks_writers())
    }

    /// The changes that the mode refuses within one major version.
    pub fn problems(self, comparison: &Comparison) -> Vec<&Change> {
        comparison
            .changes
            .iter()
            .filter(|change| self.forbids(change.class))
            .collect()
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let lower = text.to_lowercase();
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == lower)
            .ok_or_else(|| {
                let error = Error::new(ErrorKind::Usage, format!("`{text}` is no compatibility mode"));
                let words = Self::ALL.map(Self::as_str);
                match nearest(text, words) {
                    Some(word) => error.with_help(format!("did you mean `{word}`?")),
                    None => error.with_help(format!("modes are {}", words.join(", "))),
                }
            })
    }
}

/// A version by Semantic Versioning 2.0: three numbers (missing ones are 0, a leading `v` is passed over) and what
/// comes before the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SemanticVersion {
    /// Raised by what breaks somebody.
    pub major: u64,
    /// Raised by what is new.
    pub minor: u64,
    /// Raised by what was mended.
    pub patch: u64,
    /// `rc.1` of `2.0.0-rc.1`.
    pub prerelease: Option<String>,
}

impl SemanticVersion {
    /// The version after this one with so much raised.
    #[must_use]
    pub fn raised(&self, bump: Bump) -> Self {
        let (major, minor, patch) = match bump {
            Bump::None => return self.clone(),
            Bump::Patch => (self.major, self.minor, self.patch + 1),
            Bump::Minor => (self.major, self.minor + 1, 0),
            Bump::Major => (self.major + 1, 0, 0),
        };
        Self {
            major,
            minor,
            patch,
            prerelease: None,
        }
    }

    /// The least version after this one that says so much. What comes before a release is free to change as far as the
    /// release says: its numbers stay.
    #[must_use]
    pub fn next(&self, needed: Bump) -> Self {
        if self.announced() >= needed {
            self.released()
        } else {
            self.raised(needed)
        }
    }

    /// How much of the version a prerelease raises, by its own numbers; nothing where this is a release.
    fn announced(&self) -> Bump {
        match (&self.prerelease, self.minor, self.patch) {
            (None, ..) => Bump::None,
            (Some(_), 0, 0) => Bump::Major,
            (Some(_), _, 0) => Bump::Minor,
            _ => Bump::Patch,
        }
    }

    /// The release that this comes before.
    fn released(&self) -> Self {
        Self {
            prerelease: None,
            ..self.clone()
        }
    }

    fn numbers(&self) -> (u64, u64, u64) {
        (self.major, self.minor, self.patch)
    }
}

impl PartialOrd for SemanticVersion {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SemanticVersion {
    /// Precedence by Semantic Versioning 2.0, section 11.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        use std::cmp::Ordering;
        let parts = |text: &str| -> Vec<(bool, u64, String)> {
            text.split('.')
                .map(|part| match part.parse() {
                    Ok(number) => (false, number, String::new()),
                    Err(_) => (true, 0, part.to_owned()),
                })
                .collect()
        };
        self.numbers()
            .cmp(&other.numbers())
            .then_with(|| match (&self.prerelease, &other.prerelease) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(one), Some(other)) => parts(one).cmp(&parts(other)),
            })
    }
}

impl fmt::Display for SemanticVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prerelease = self
            .prerelease
            .as_ref()
            .map_or_else(String::new, |text| format!("-{text}"));
        f.pad(&format!("{}.{}.{}{prerelease}", self.major, self.minor, self.patch))
    }
}

impl FromStr for SemanticVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::new(ErrorKind::Usage, format!("`{text}` is no semantic version"))
                .with_help("write three numbers, such as 1.4.0")
        };
        let bare = text.trim().trim_start_matches(['v', 'V']);
        let bare = bare.split('+').next().unwrap_or_default();
        let (numbers, prerelease) = match bare.split_once('-') {
            Some((numbers, prerelease)) if !prerelease.is_empty() => (numbers, Some(prerelease.to_owned())),
            Some(_) => return Err(wrong()),
            None => (bare, None),
        };
        let numbers: Option<Vec<u64>> = numbers
            .split('.')
            .map(|part| {
                part.bytes()
                    .all(|byte| byte.is_ascii_digit())
                    .then(|| part.parse().ok())?
            })
            .collect();
        let at = |numbers: &[u64], index: usize| numbers.get(index).copied().unwrap_or(0);
        match numbers.as_deref() {
            // What follows a hyphen is a prerelease behind three numbers only: `2026-01` and `2026-02` are no prereleases
            // of the same version.
            Some(numbers) if numbers.len() <= 3 && (prerelease.is_none() || numbers.len() == 3) => Ok(Self {
                major: at(numbers, 0),
                minor: at(numbers, 1),
                patch: at(numbers, 2),
                prerelease,
            }),
            _ => Err(wrong()),
        }
    }
}

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
    let major = |contract: &Contract| {
        contract
            .version
            .parse::<SemanticVersion>()
            .ok()
            .map(|version| version.major)
    };
    if !mode.is_transitive() || major(new).is_none() {
        return Vec::new();
    }
    let mut problems: Vec<Diagnostic> = Vec::new();
    for old in before.iter().filter(|old| major(old) == major(new)) {
        let comparison = compare(old, new);
        if comparison.draft {
            continue;
        }
        for change in mode.problems(&comparison) {
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
    Place {
        file: Arc::from(contract.source_path.as_path()),
        span: contract
            .document
            .get("version")
            .map_or(contract.document.span, |version| version.span),
    }
}
