//! What a replay asks of whoever mends rows.

use arrow::array::RecordBatch;
use polder_core::{Error, ErrorKind, Result};

use super::reread::Misfit;

/// A change that a replay makes to rows before they are judged.
pub trait Patch: Send + Sync {
    /// The columns that it sets.
    fn columns(&self) -> &[String];

    /// Fields of records that it names although they are no columns of the contract (any more).
    fn named(&self) -> &[String] {
        &[]
    }

    /// These rows, in the contract's columns, then the platform's, then [the named fields](Self::named) as text (all of
    /// them nullable), with the columns that it sets set anew; row for row. A value that its column's type does not hold
    /// exactly is null and told: it is never rounded or cut.
    ///
    /// # Errors
    /// `Data`, where it cannot be done for one of the rows at least.
    fn apply(&self, rows: &RecordBatch) -> Result<Patched>;

    /// The columns that it computes from.
    fn reads(&self) -> &[String] {
        &[]
    }

    /// As [`apply`](Self::apply), for rows in which `texts`, columns that it sets, are what was received, because their
    /// types do not hold it: text, and where only a field of an object, the items of a list, or the keys or values of a map
    /// do not fit, these alone. How such a column came stands as JSON in one behind all others, whose metadata name the
    /// column under [`RECEIVED`](polder_gate::reading::RECEIVED); it is not given back.
    ///
    /// # Errors
    /// `Data`, where it cannot be done for one of the rows at least, or with text at all.
    fn apply_to_texts(&self, _rows: &RecordBatch, texts: &[String]) -> Result<Patched> {
        let message = format!("nothing is computed from the text of {}", texts.join(", "));
        Err(Error::new(ErrorKind::Data, message))
    }
}

/// Rows with columns that were set anew.
#[derive(Debug, Clone)]
pub struct Patched {
    /// The rows, in the columns that were given.
    pub rows: RecordBatch,
    /// What was set but does not fit its column, by the rows' places.
    pub misfits: Vec<(usize, Misfit)>,
}
