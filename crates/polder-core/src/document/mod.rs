//! Declared documents (YAML, of which JSON is a subset): values with positions, and a reader that reports everything
//! that is wrong at once.

mod diagnostic;
mod lines;
mod mistake;
mod node;
mod parse;
mod position;
mod reader;
#[cfg(test)]
mod tests;
mod write;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use diagnostic::{Diagnostic, Severity, Span, nearest, shortened};
pub use node::{Entry, Node, Value};
pub use parse::{MAX_BYTES, MAX_DEPTH, MAX_EXPANDED_NODES, parse, without_mark};
pub use reader::{MAX_FINDINGS, MapReader, Reader};
pub use write::write;

use crate::{Error, ErrorKind, Result, ResultExt};

/// One document: its text and the name under which users know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file as shown to users, relative to the mesh's root.
    pub path: PathBuf,
    /// The whole text.
    pub text: Arc<str>,
}

impl Source {
    /// A document from text at hand.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }

    /// Reads the file `path`, which is relative to `root` (or absolute).
    ///
    /// # Errors
    /// `NotFound` when there is no such file; `Document` when it is larger than [`MAX_BYTES`] or not UTF-8;
    /// `Refused` when it cannot be read, or is none: what never ends is not even begun.
    pub fn read(root: &Path, path: &Path) -> Result<Self> {
        let full = root.join(path);
        let bytes = match content(&full) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                let to = std::fs::read_link(&full).ok();
                let to = to.map_or_else(String::new, |to| format!(": it is a link to {}", to.display()));
                return Err(Error::new(
                    ErrorKind::NotFound,
                    format!("there is no file {}{to}", path.display()),
                ));
            }
            other => other.context(ErrorKind::Refused, || format!("cannot read {}", path.display()))?,
        };
        let Some(bytes) = bytes else {
            return Err(Error::document(vec![parse::too_large(path)]));
        };
        if is_utf16(&bytes) {
            return Err(Error::document(vec![Diagnostic {
                severity: Severity::Error,
                code: "encoding".into(),
                message: "the file is UTF-16".to_owned(),
                help: Some("save the file as UTF-8".to_owned()),
                file: path.to_owned(),
                span: None,
            }]));
        }
        let text = String::from_utf8(bytes).map_err(|cause| {
            let byte = cause.utf8_error().valid_up_to();
            let line = cause.as_bytes()[..byte].iter().filter(|b| **b == b'\n').count() + 1;
            Error::document(vec![Diagnostic {
                severity: Severity::Error,
                code: "encoding".into(),
                message: format!("line {line} is not UTF-8"),
                help: Some("save the file as UTF-8".to_owned()),
                file: path.to_owned(),
                span: None,
            }])
        })?;
        Ok(Self::new(path, text))
    }

    /// As [`Source::read`], with what keeps a file from being read as findings about it: one of many says nothing about the
    /// others.
    ///
    /// # Errors
    /// The findings.
    pub fn read_or_tell(root: &Path, path: &Path) -> std::result::Result<Self, Vec<Diagnostic>> {
        Self::read(root, path).map_err(|error| match error.diagnostics() {
            [] => vec![Diagnostic {
                severity: Severity::Error,
                code: "unreadable".into(),
                message: error.report(),
                help: error.help().map(str::to_owned),
                file: path.to_owned(),
                span: None,
            }],
            found => found.to_vec(),
        })
    }
}

/// The bytes of an ordinary file; nothing where there are more than a document may have.
fn content(path: &Path) -> io::Result<Option<Vec<u8>>> {
    // Looked at before it is opened: a pipe would wait for somebody who writes to it.
    let file = std::fs::metadata(path)?;
    if file.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    if !file.is_file() {
        return Err(io::Error::other("it is no ordinary file"));
    }
    if file.len() > MAX_BYTES as u64 {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    // Some files are longer than they say.
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() <= MAX_BYTES))
}

/// By its mark, or by a first character of the Latin script, whose other byte is 0.
fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
        || matches!(bytes, [0, first, 0, second, ..] | [first, 0, second, 0, ..] if *first != 0 && *second != 0)
}
