//! What the rules of policies find.

use polder_contract::Place;

/// One thing that a rule found.
pub(crate) struct Found {
    /// What is wrong, in a sentence.
    pub(crate) message: String,
    /// Where.
    pub(crate) place: Place,
    /// The path of the column, where it is about one.
    pub(crate) column: Option<String>,
}
