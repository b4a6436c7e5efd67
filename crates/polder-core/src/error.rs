//! The error of the whole platform: one opaque type over a kind.

use std::error::Error as StdError;

use crate::document::{Diagnostic, Severity};

/// What Polder's functions give.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it is; decides the exit code of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A declared file (configuration, contract, pipeline, …) is wrong.
    Document,
    /// A command, statement or call is wrong.
    Usage,
    /// A check ran and did not pass.
    CheckFailed,
    /// What was asked for does not exist.
    NotFound,
    /// A service or store does not answer.
    Unreachable,
    /// A service or store answers and refuses.
    Refused,
    /// Somebody else was at work on the same thing.
    Conflict,
    /// Data that cannot be used as it is.
    Data,
    /// Anything that should not happen.
    Internal,
}

/// A failure: kind, message, and where there are any: help, diagnostics of documents, and the cause.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Inner>);

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Inner {
    kind: ErrorKind,
    message: String,
    help: Option<String>,
    diagnostics: Vec<Diagnostic>,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error that names the thing and what is wrong with it: lower case, no full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            help: None,
            diagnostics: Vec::new(),
            source: None,
        }))
    }

    /// The error of documents with these diagnostics: the first error is the message, the others are counted.
    pub fn document(diagnostics: Vec<Diagnostic>) -> Self {
        let errors: Vec<_> = diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
        let message = match errors.as_slice() {
            [] => "the document was refused".to_owned(),
            [only] => only.to_string(),
            [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
        };
        let help = errors.first().and_then(|first| first.help.clone());
        Self(Box::new(Inner {
            kind: ErrorKind::Document,
            message,
            help,
            diagnostics,
            source: None,
        }))
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Box::new(source));
        self
    }

    /// Adds what the reader can do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Adds the diagnostics of the documents concerned.
    #[must_use]
    pub fn with_diagnostics(mut self, diagnostics: Vec<Diagnostic>) -> Self {
        self.0.diagnostics = diagnostics;
        self
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What the reader can do about it.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// Everything that was found wrong in documents; empty where no document is concerned.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0.diagnostics
    }

    /// The exit code of a command that ends with this error: 1 a check failed, 2 wrong usage, configuration or
    /// document, 3 something outside is unreachable or refused.
    pub fn exit_code(&self) -> u8 {
        match self.0.kind {
            ErrorKind::CheckFailed | ErrorKind::Data => 1,
            ErrorKind::Document | ErrorKind::Usage | ErrorKind::NotFound => 2,
            ErrorKind::Unreachable | ErrorKind::Refused | ErrorKind::Conflict | ErrorKind::Internal => 3,
        }
    }

    /// The message and its causes in one line: `message: cause: cause`. A cause that its parent's text already
    /// contains is not repeated.
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        let mut last = text.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            let message = error.to_string();
            if !last.contains(&message) {
                text.push_str(": ");
                text.push_str(&message);
                last = message;
            }
            cause = error.source();
        }
        text
    }
}

/// Turns any error into Polder's, with kind and message.
pub trait ResultExt<T> {
    /// Wraps the error as the cause of a new one. Help and diagnostics of a wrapped Polder error are kept.
    ///
    /// # Errors
    /// The wrapped error, where there was one.
    fn context(self, kind: ErrorKind, message: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: StdError + Send + Sync + 'static> ResultExt<T> for Result<T, E> {
    fn context(self, kind: ErrorKind, message: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|cause| {
            let mut error = Error::new(kind, message());
            let cause: Box<dyn StdError + Send + Sync> = Box::new(cause);
            if let Some(own) = cause.downcast_ref::<Error>() {
                error.0.help = own.0.help.clone();
                error.0.diagnostics = own.0.diagnostics.clone();
            }
            error.0.source = Some(cause);
            error
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_each_cause_once() {
        let cause = std::io::Error::other("disk is full");
        let error = Err::<(), _>(cause).context(ErrorKind::Refused, || "cannot write part-1: disk is full".to_owned());
        let error = error
            .context(ErrorKind::Refused, || "cannot commit".to_owned())
            .unwrap_err();
        assert_eq!(error.report(), "cannot commit: cannot write part-1: disk is full");
        assert_eq!(error.exit_code(), 3);
    }

    #[test]
    fn context_keeps_help_and_diagnostics() {
        let inner = Error::new(ErrorKind::Document, "x is wrong").with_help("write y");
        let outer = Err::<(), _>(inner)
            .context(ErrorKind::Usage, || "cannot run".to_owned())
            .unwrap_err();
        assert_eq!(outer.kind(), ErrorKind::Usage);
        assert_eq!(outer.help(), Some("write y"));
        assert_eq!(outer.report(), "cannot run: x is wrong");
    }
}
