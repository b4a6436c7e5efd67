//! How deep and how large an imported schema may be: named types that name each other can describe, in few lines,
//! more columns than any memory holds.

use std::cell::Cell;

use polder_core::{Error, ErrorKind, Result};

/// Deepest nesting of types; a contract's document would be nested more than twice as deep.
const MAX_DEPTH: usize = 24;
/// Most columns, nested ones counted.
const MAX_COLUMNS: usize = 50_000;

/// What is left of the bounds.
pub(crate) struct Bounds(Cell<usize>);

impl Default for Bounds {
    fn default() -> Self {
        Self(Cell::new(MAX_COLUMNS))
    }
}

impl Bounds {
    /// Counts a column at a depth.
    ///
    /// # Errors
    /// `Document` beyond the bounds.
    pub(crate) fn enter(&self, depth: usize, path: &str) -> Result<()> {
        if depth > MAX_DEPTH {
            let message = format!("types are nested deeper than {MAX_DEPTH} at {path}");
            return Err(
                Error::new(ErrorKind::Document, message).with_help("import the part that the contract is about")
            );
        }
        let left = self.0.get();
        if left == 0 {
            let message = format!("there are more than {MAX_COLUMNS} columns");
            return Err(
                Error::new(ErrorKind::Document, message).with_help("import the part that the contract is about")
            );
        }
        self.0.set(left - 1);
        Ok(())
    }
}

/// Refuses text whose brackets are nested so deeply that a parser that recurses could exhaust the stack.
///
/// # Errors
/// `Document` beyond 100 open brackets.
pub(crate) fn refuse_deep_brackets(text: &str) -> Result<()> {
    const DEEPEST: usize = 100;
    let mut open = 0_usize;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > DEEPEST {
            let line = text.as_bytes()[..index].iter().filter(|byte| **byte == b'\n').count() + 1;
            let message = format!("brackets are nested deeper than {DEEPEST} in line {line}");
            return Err(Error::new(ErrorKind::Document, message));
        }
    }
    Ok(())
}
