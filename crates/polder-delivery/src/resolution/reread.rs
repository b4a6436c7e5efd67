//! What a replay asks of whoever can read the bytes of refused records again.

use arrow::array::{RecordBatch, TimestampMicrosecondArray};
use futures::future::BoxFuture;
use polder_core::Result;

use crate::record::RawRecord;

/// Reads the bytes of refused records again, as their streams are declared now.
///
/// A replay asks it for records that never became a row, and for those whose row does not say everything that the
/// contract of now asks for.
pub trait Reread: Send + Sync {
    /// Whether records of this origin (the full name of a stream) can be read: the stream is declared still.
    fn knows(&self, origin: &str) -> bool;

    /// Reads records of one origin. What cannot be read is no error but told, record by record.
    ///
    /// # Errors
    /// `Unreachable` or `Refused`, where somebody who must be asked for it does not answer.
    fn reread<'a>(&'a self, origin: &'a str, records: &'a [RawRecord<'a>]) -> BoxFuture<'a, Result<Again>>;
}

/// Records that were read again, in the order in which they were given.
#[derive(Debug)]
pub struct Again {
    /// One row a record in the contract's columns, all of them nullable. What could not be read is null.
    pub rows: RecordBatch,
    /// The event times in UTC, one a record: as the stream declares them, else the source's own timestamps.
    pub event_times: TimestampMicrosecondArray,
    /// The ids of the schemas that the records were written with, one a record.
    pub schema_ids: Vec<Option<i32>>,
    /// What could not be read, one a record.
    pub unread: Vec<Option<Unread>>,
}

/// What cannot be read of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// All of it.
    Record {
        /// The rule that it breaks, such as `format.json`.
        rule: String,
        /// What is wrong with it, in words.
        reason: String,
    },
    /// Values that their types do not hold; the others are read.
    Columns {
        /// Which.
        misfits: Vec<Misfit>,
        /// The record's fields as received: a JSON object by the contract's columns.
        json: String,
    },
}

/// A value that its type does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The column; `_event_time` too.
    pub column: String,
    /// Why, in words.
    pub reason: String,
}
