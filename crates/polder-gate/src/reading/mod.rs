//! Values as documents and texts write them, read into the contract's types: exactly, or not at all.
//!
//! There is one reader for whoever gets such values (streams of JSON, texts in other encodings, samples), so that a sample
//! is what a stream would carry. Scalars go through their text: `2.550`, `"2.550"` and `2.55` are one decimal, `1.0` and
//! `"1"` one integer; times are ISO 8601.
//!
//! One exception: times finer than a microsecond are cut to it, because no Delta timestamp holds more.

mod beyond;
mod json;
mod maps;
mod misread;
mod nested;
mod object;
mod text;
mod words;
mod written;

use arrow::array::ArrayRef;

pub use beyond::{BeyondField, FieldsBeyond, fields_beyond};
pub use json::kind;
pub use maps::{assemble, sides};
pub use misread::{MISREAD, READ, REASON, RECEIVED, as_received, misread_type, tells_misread};
pub(crate) use misread::{Parts, parts as misread_parts};
pub use nested::column;
pub use object::{read as from_json, without_mark};
pub use words::{reasons, words};
pub use written::from_text;

/// A column in its wanted type.
#[derive(Debug)]
pub struct Cast {
    /// The values; null where one did not fit.
    pub array: ArrayRef,
    /// The rows whose value did not fit, with the reason; each once.
    pub failures: Vec<(usize, String)>,
}

/// A scalar as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'a> {
    /// No value.
    Null,
    /// The value's text: of a number its digits, of a boolean `true` or `false`.
    Text(&'a str),
    /// A number that JSON cannot write (`.nan`, `.inf`), and its text.
    NotFinite(f64, &'a str),
}

/// A value of a document.
pub trait Written: Sized {
    /// The scalar; none of a list or an object.
    fn scalar(&self) -> Option<Scalar<'_>>;

    /// The items, where this is a list.
    fn items(&self) -> Option<impl Iterator<Item = &Self>>;

    /// The entries, where this is an object. No key is there twice.
    fn entries(&self) -> Option<impl Iterator<Item = (&str, &Self)>>;

    /// The value under a key, where this is an object that has it.
    fn field(&self, name: &str) -> Option<&Self>;

    /// What it is, in words.
    fn kind(&self) -> &'static str;

    /// Whether there is no value.
    fn is_null(&self) -> bool {
        self.scalar() == Some(Scalar::Null)
    }
}
