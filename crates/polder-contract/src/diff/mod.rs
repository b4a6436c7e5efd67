//! What a change of a contract means to those who read its datasets and to those who write them.
//!
//! [`compare`] holds the whole documents against each other; no difference in meaning goes without a [`Change`], and
//! documents that mean the same (other order of keys, of items where order has no meaning, defaults spelled out,
//! numbers written otherwise) have none.
//!
//! The rule behind every decision: a contract is a promise about values. Who reads is broken by values that were not
//! possible before and by what is gone; who writes is broken by values that are not accepted any more.
//!
//! | what changed | class |
//! |---|---|
//! | column, object added; optional | compatible |
//! | required column added | breaks writers |
//! | column, role removed | breaks readers |
//! | object, server removed; object or column renamed (same `id`, other name in the store) | breaks both |
//! | type widened (`int` to `bigint`, more digits of a decimal): values come that the old type cannot hold | breaks readers |
//! | type narrowed (`bigint` to `int`), or changed to another kind (`date` to `timestamp`) | breaks both |
//! | shorter text, closer width in a column of the same type (`varchar` to `varchar(10)`): a limit | breaks writers |
//! | `required`, `unique`, a key, a limit, `enum`, `pattern`: tightened / loosened / neither | breaks writers / readers / both |
//! | limit that only warns from now on / that warned only (`polder.onFailure`) | breaks readers / writers |
//! | key over other columns; id of the contract; place of a server; time zone of values; currency of amounts | breaks both |
//! | currency of amounts said for the first time / not any more | breaks writers / readers |
//! | quality rule or relationship added or tightened (threshold, `severity`, `polder.onFailure`) | quality tightened |
//! | quality rule or relationship removed or loosened | quality loosened |
//! | quality rule that asks something else | quality loosened and quality tightened |
//! | service level added or raised, price lowered, status towards `active`, end of life or support removed | service level raised |
//! | service level removed or lowered, price raised, status away from `active`, end of life or support added | service level lowered |
//! | service level measured on another element, by another schedule or in units that do not compare | service level lowered and raised |
//! | service level whose element is gone, by whatever name, type or default that is | service level lowered |
//! | to or from `retired` | breaks both |
//! | partitioning, order of columns, classification, names in an encrypted store | compatible |
//! | limit that takes nothing away (`format: i64` of a `bigint`); end of a relationship by another name | documentation |
//! | everything in words: descriptions, tags, team, support, definitions, transformations, examples, text rules | documentation |
//!
//! The classes are each other's mirror: what breaks readers on the way from A to B breaks writers on the way back,
//! loosened becomes tightened, lowered raised. Three things have no mirror: a notice period, which is a service level when
//! it gets longer; columns and objects that come (nobody needs them yet) and go (somebody may); and types that narrow
//! (information is lost) and widen.

mod bounds;
mod columns;
mod currency;
mod document;
mod ends;
mod failures;
mod formats;
mod gone;
mod handed_on;
mod kept;
mod keys;
mod limits;
mod meaning;
mod measured;
mod misfits;
mod mode;
mod number;
mod pairing;
mod policies;
mod products;
mod quality;
mod query;
mod range;
mod reliance;
mod renamed;
mod service_levels;
mod shift;
mod thresholds;
mod types;
mod version;
mod walk;
mod widths;
mod words;

use polder_core::DatasetName;

pub use crate::version::{Bump, SemanticVersion};
pub use handed_on::{Guarantees, asks_of_text, demanded_key, key, refuses_null, refuses_only_null};
pub use kept::Kept;
pub use mode::Mode;
pub(crate) use products::product_changes;
pub use reliance::Reliance;
pub use renamed::renamed_columns;
pub use version::{is_draft, problems_with_history};

use crate::contract::Contract;
use crate::place::Place;

/// What a change means, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nobody has to do anything.
    Compatible,
    /// Who reads the dataset may not be able to go on.
    BreaksReaders,
    /// Who writes the dataset may not be able to go on.
    BreaksWriters,
    /// Neither may be able to go on.
    BreaksBoth,
    /// A rule about quality asks more.
    QualityTightened,
    /// A rule about quality asks less: who relies on it is broken.
    QualityLoosened,
    /// More is promised about delivery.
    ServiceLevelRaised,
    /// Less is promised about delivery: who relies on it is broken.
    ServiceLevelLowered,
    /// Words for people.
    Documentation,
}

impl Class {
    /// Every class, the gravest first.
    pub const ALL: [Self; 9] = [
        Self::BreaksBoth,
        Self::BreaksReaders,
        Self::BreaksWriters,
        Self::QualityLoosened,
        Self::ServiceLevelLowered,
        Self::QualityTightened,
        Self::ServiceLevelRaised,
        Self::Compatible,
        Self::Documentation,
    ];

    /// The class in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::BreaksReaders => "breaks readers",
            Self::BreaksWriters => "breaks writers",
            Self::BreaksBoth => "breaks readers and writers",
            Self::QualityTightened => "quality tightened",
            Self::QualityLoosened => "quality loosened",
            Self::ServiceLevelRaised => "service level raised",
            Self::ServiceLevelLowered => "service level lowered",
            Self::Documentation => "documentation",
        }
    }

    /// Whether readers may not be able to go on.
    pub fn breaks_readers(self) -> bool {
        matches!(self, Self::BreaksReaders | Self::BreaksBoth)
    }

    /// Whether writers may not be able to go on.
    pub fn breaks_writers(self) -> bool {
        matches!(self, Self::BreaksWriters | Self::BreaksBoth)
    }

    /// Whether a guarantee got weaker, which breaks those who rely on it.
    pub fn weakens_guarantee(self) -> bool {
        matches!(self, Self::QualityLoosened | Self::ServiceLevelLowered)
    }
}

/// One difference in meaning between two contracts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The kind of change in kebab-case, such as `column-removed`.
    pub code: &'static str,
    /// The dataset concerned, as the old contract names it; none for what concerns the whole contract.
    pub dataset: Option<DatasetName>,
    /// The object concerned, by its name in the old contract.
    pub object: Option<String>,
    /// The column concerned, as the old contract's store names it: `price`, `address.city`, `lines[].price`.
    pub column: Option<String>,
    /// The rule concerned (as [`crate::Rule::id`] calls it, where it is one that is checked) or the service level.
    pub rule: Option<String>,
    /// What it means, and to whom.
    pub class: Class,
    /// The change in a sentence.
    pub what: String,
    /// Where it stands in the old document; of what is new, where it would belong.
    pub old: Option<Place>,
    /// Where it stands in the new document; of what is gone, where it would belong: of a column the name of its object.
    pub new: Option<Place>,
    /// The rules that went together with what was removed.
    gone: Vec<String>,
}

impl Change {
    /// The ids of the rules that went together with what was removed.
    pub(crate) fn gone_rules(&self) -> &[String] {
        &self.gone
    }
}

/// Everything that differs between two contracts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The changes: by object in the new document's order, what is gone last.
    pub changes: Vec<Change>,
    /// What may not change within one major version, as the old contract declares it: a change cannot lift the rule
    /// that it breaks.
    pub mode: Mode,
    /// Whether the old contract promised nothing yet: its status is `draft` or `proposed`, or its version 0.x.
    pub draft: bool,
}

/// What changed from the old contract to the new one.
pub fn compare(old: &Contract, new: &Contract) -> Comparison {
    Comparison {
        changes: walk::Walk::over(old, new),
        mode: Mode::of(old),
        draft: is_draft(old),
    }
}

impl Comparison {
    /// Whether both contracts mean the same.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// What concerns this dataset: its own changes and those of the whole contract.
    #[must_use]
    pub fn of_dataset(&self, dataset: &DatasetName) -> Self {
        let concerns = |change: &&Change| change.dataset.as_ref().is_none_or(|name| name == dataset);
        Self {
            changes: self.changes.iter().filter(concerns).cloned().collect(),
            mode: self.mode,
            draft: self.draft,
        }
    }
}
