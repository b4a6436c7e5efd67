//! What happens to failing rows, on either side.

use polder_core::document::Node;

use super::pairing::word;
use super::shift::Shift;
use crate::place::items;
use crate::rule::OnFailure;

/// What happens on either side to a row that breaks a rule which says nothing itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Policies {
    pub(super) old: OnFailure,
    pub(super) new: OnFailure,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            old: OnFailure::Quarantine,
            new: OnFailure::Quarantine,
        }
    }
}

impl Policies {
    /// The policies of an element inside; where one side lacks it, that side's stay.
    pub(super) fn of(self, old: Option<&Node>, new: Option<&Node>) -> Self {
        Self {
            old: own(old).unwrap_or(self.old),
            new: own(new).unwrap_or(self.new),
        }
    }

    /// How a limit moved that the old side had and the new one has, and whether it keeps rows out on either side.
    pub(super) fn limit(self, shift: Shift, (had, has): (bool, bool)) -> (Shift, bool) {
        // What is written otherwise, or limits nothing, is on both sides or on neither.
        let same = shift == Shift::Restated;
        let before = (had || same) && self.old != OnFailure::Warn;
        let now = (has || same) && self.new != OnFailure::Warn;
        match (before, now) {
            (true, false) => (Shift::Loosened, true),
            (false, true) => (Shift::Tightened, true),
            (both, _) => (shift, both),
        }
    }

    /// How what is kept out moved, from one policy to the other.
    pub(super) fn shift(self) -> Shift {
        let rank = |policy| match policy {
            OnFailure::Reject => 3,
            OnFailure::Quarantine => 2,
            OnFailure::Warn => 1,
        };
        let (old, new) = (rank(self.old), rank(self.new));
        Shift::of(new >= old, old >= new)
    }
}

/// What an element itself says.
pub(super) fn own(element: Option<&Node>) -> Option<OnFailure> {
    OnFailure::of_word(own_word(element?)?.as_str()?)
}

/// The word by which it says so.
pub(super) fn own_word(element: &Node) -> Option<&Node> {
    let properties = items(element, "customProperties").iter();
    let ours = properties.filter(|one| word(one, "property").is_some_and(|name| name == "polder.onFailure"));
    let mut words = ours.filter_map(|one| one.get("value"));
    words.rfind(|value| value.as_str().and_then(OnFailure::of_word).is_some())
}
