//! The status of a contract or product: where it is in its life, and what may follow.

use std::fmt;

/// Where a contract is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Somebody wants it.
    Proposed,
    /// It is being written: nothing is promised yet.
    Draft,
    /// It is in force.
    Active,
    /// It is in force until its end; a replacement is there.
    Deprecated,
    /// It is over: nothing is written any more.
    Retired,
    /// A word of one's own.
    Other(String),
}

impl Status {
    /// The status that a word means.
    pub fn read(word: &str) -> Self {
        match word.to_lowercase().as_str() {
            "proposed" => Self::Proposed,
            "draft" => Self::Draft,
            "active" => Self::Active,
            "deprecated" => Self::Deprecated,
            "retired" => Self::Retired,
            _ => Self::Other(word.to_owned()),
        }
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Proposed => "proposed",
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Deprecated => "deprecated",
            Self::Retired => "retired",
            Self::Other(word) => word,
        }
    }

    /// How much a contract of this status promises, to be compared; words of one's own promise nothing.
    pub(crate) fn promise(&self) -> u8 {
        match self {
            Self::Proposed | Self::Draft | Self::Retired | Self::Other(_) => 0,
            Self::Deprecated => 1,
            Self::Active => 2,
        }
    }

    /// Whether what was once in force may go from this status to that one. A word of one's own leads to another one, or
    /// back into force: else it would be a way round the deprecation that announces the end.
    pub(crate) fn may_become(&self, next: &Self) -> bool {
        match (self, next) {
            (from, to) if from == to => true,
            (Self::Other(_), to) => matches!(to, Self::Active | Self::Deprecated | Self::Other(_)),
            // Nothing comes back from the end.
            (from, Self::Other(_)) => *from != Self::Retired,
            // Before it is in force, a contract may be anything but deprecated.
            (Self::Proposed | Self::Draft, to) => *to != Self::Deprecated,
            (Self::Active, to) => *to == Self::Deprecated,
            // A deprecation can be taken back.
            (Self::Deprecated, to) => matches!(to, Self::Active | Self::Retired),
            (Self::Retired, _) => false,
        }
    }

    /// The statuses that may follow.
    pub(crate) fn next(&self) -> &'static str {
        match self {
            Self::Proposed | Self::Draft => "proposed, draft, active or retired",
            Self::Active => "deprecated",
            Self::Deprecated => "active again, or retired",
            Self::Retired => "nothing: write a new contract",
            Self::Other(_) => "active, deprecated or another word of your own: before the end it is deprecated",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
