//! How a type, a limit or a threshold moved.

/// How a type, a limit or a threshold moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    /// Written otherwise, the same in meaning.
    Restated,
    /// Fewer values are possible: all of them were possible before.
    Tightened,
    /// More values are possible: those of before among them.
    Loosened,
    /// Neither.
    Changed,
}

impl Shift {
    /// The shift from two tests: whether all new values are old ones, and whether all old ones are new ones.
    pub(super) fn of(new_in_old: bool, old_in_new: bool) -> Self {
        match (new_in_old, old_in_new) {
            (true, true) => Self::Restated,
            (true, false) => Self::Tightened,
            (false, true) => Self::Loosened,
            (false, false) => Self::Changed,
        }
    }
}
