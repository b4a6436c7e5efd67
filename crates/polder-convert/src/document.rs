//! The document that is imported: its text, and places in it as people look them up.

use std::path::PathBuf;

use polder_core::document::{Diagnostic, Severity, Source, Span, parse};
use polder_core::{Error, ErrorKind};
use serde_json::Value;

/// A text with the name under which its author knows it.
pub(crate) struct Document<'t> {
    /// The text behind a byte order mark.
    pub(crate) text: &'t str,
    whole: &'t str,
    file: PathBuf,
    /// Bytes that stand before the text.
    skipped: usize,
}

impl<'t> Document<'t> {
    pub(crate) fn new(text: &'t str, file: Option<PathBuf>) -> Self {
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            text: rest,
            whole: text,
            file: file.unwrap_or_else(|| PathBuf::from("the document")),
            skipped: text.len() - rest.len(),
        }
    }

    /// What is wrong with the text between two bytes.
    pub(crate) fn wrong(&self, start: usize, end: usize, message: impl Into<String>) -> Diagnostic {
        let start = self.text.floor_char_boundary(start);
        let end = self.text.ceil_char_boundary(end.max(start));
        let before = &self.text[..start];
        let begin = before.rfind('\n').map_or(0, |at| at + 1);
        Diagnostic {
            severity: Severity::Error,
            code: "syntax".into(),
            message: message.into(),
            help: None,
            file: self.file.clone(),
            span: Some(Span {
                line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
                column: before[begin..].chars().count() + 1,
                start: start + self.skipped,
                end: end + self.skipped,
            }),
        }
    }

    /// The byte at a line and column (in characters), both from 1, of the part of the text that begins at `from`.
    pub(crate) fn offset(&self, from: usize, line: usize, column: usize) -> usize {
        let part = self.text.get(from..).unwrap_or_default();
        let mut begin = 0;
        for _ in 1..line {
            match part[begin..].find('\n') {
                Some(at) => begin += at + 1,
                None => return self.text.len(),
            }
        }
        let rest = part[begin..].lines().next().unwrap_or_default();
        let within = rest
            .char_indices()
            .nth(column.saturating_sub(1))
            .map_or(rest.len(), |(at, _)| at);
        from + begin + within
    }

    /// The end of the word that begins at a byte; one character further, where no word does.
    pub(crate) fn word_end(&self, start: usize) -> usize {
        let rest = self.text.get(start..).unwrap_or_default();
        let word = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let first = rest.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
        start + word.max(first)
    }

    /// The JSON that the text is to be.
    ///
    /// # Errors
    /// `Document` with the place where it stops to be JSON.
    pub(crate) fn json(&self, what: &str) -> Result<Value, Error> {
        serde_json::from_str(self.text).map_err(|cause| {
            // The reader says where after the reason.
            let reason = cause.to_string();
            let reason = reason
                .rsplit_once(" at line ")
                .map_or(reason.as_str(), |(reason, _)| reason);
            let start = self.offset(0, cause.line().max(1), cause.column());
            let message = format!("the {what} is no JSON: {reason}");
            Error::document(vec![self.wrong(start, self.word_end(start), message)])
        })
    }

    /// A YAML document as JSON.
    ///
    /// # Errors
    /// `Document` with the places where it is no YAML.
    pub(crate) fn yaml(&self) -> Result<Value, Error> {
        let node = parse(&Source::new(self.file.as_path(), self.whole)).map_err(Error::document)?;
        Ok(node.to_json())
    }

    /// An error of the document as a whole, with the file's name.
    pub(crate) fn name(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::Document || !error.diagnostics().is_empty() {
            return error;
        }
        Error::document(vec![Diagnostic {
            severity: Severity::Error,
            code: "import".into(),
            message: error.report(),
            help: error.help().map(str::to_owned),
            file: self.file.clone(),
            span: None,
        }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters_behind_a_byte_order_mark() {
        let document = Document::new("\u{feff}ä b\nüx wrong", None);
        let start = document.offset(0, 2, 4);
        let found = document.wrong(start, document.word_end(start), "");
        let span = found.span.unwrap();
        assert_eq!((span.line, span.column), (2, 4));
        assert_eq!(&"\u{feff}ä b\nüx wrong"[span.start..span.end], "wrong");
    }
}
