//! Compatibility modes: what may not change within one major version.

use std::fmt;
use std::str::FromStr;

use polder_core::document::{Diagnostic, nearest};
use polder_core::{Error, ErrorKind, Result};

use super::{Change, Class, Comparison};
use crate::contract::Contract;
use crate::custom_property::custom_property;

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
        Some(
            contract
                .at(value.span)
                .error("wrong-value", error.to_string(), help.as_deref()),
        )
    }

    /// Whether readers must be able to go on.
    pub(crate) fn protects_readers(self) -> bool {
        matches!(
            self,
            Self::Backward | Self::BackwardTransitive | Self::Full | Self::FullTransitive
        )
    }

    /// Whether writers must be able to go on.
    pub(crate) fn protects_writers(self) -> bool {
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
