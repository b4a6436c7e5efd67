//! Versions by Semantic Versioning.

use std::fmt;
use std::str::FromStr;

use polder_core::{Error, ErrorKind, Result};

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
    fn raised(&self, bump: Bump) -> Self {
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

    pub(crate) fn numbers(&self) -> (u64, u64, u64) {
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
