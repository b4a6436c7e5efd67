//! What a failure of the database means for Polder.

use polder_core::{Error, ErrorKind};

use crate::address::Address;

/// The driver's chain of causes as one text, without passwords. The driver's own error is not kept: its debug output
/// cannot be vouched for.
#[derive(Debug)]
struct Cause(String);

impl std::fmt::Display for Cause {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}

impl Address {
    /// Turns the driver's error into Polder's. `doing` completes "cannot …".
    pub(crate) fn failure(&self, doing: &str, cause: &sqlx::Error) -> Error {
        let (kind, help) = classify(cause);
        let error = Error::new(kind, format!("cannot {doing} of catalog {}", self.shown))
            .with_source(Cause(self.redact(&chain(cause))));
        match help {
            Some(help) => error.with_help(help),
            None => error,
        }
    }

    /// The error for a database that did not answer in time.
    pub(crate) fn timed_out(&self) -> Error {
        Error::new(
            ErrorKind::Unreachable,
            format!("catalog {} does not answer", self.shown),
        )
        .with_help(UNREACHABLE)
    }
}

const UNREACHABLE: &str = "check that the database runs and that catalog.database of polder.yaml names it";

fn classify(cause: &sqlx::Error) -> (ErrorKind, Option<&'static str>) {
    match cause {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut => {
            (ErrorKind::Unreachable, Some(UNREACHABLE))
        }
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => (ErrorKind::Unreachable, None),
        sqlx::Error::Configuration(_) => (ErrorKind::Document, Some("check catalog.database of polder.yaml")),
        sqlx::Error::Database(answer) => match answer.code().as_deref() {
            Some(code) => classify_code(code),
            None => (ErrorKind::Internal, None),
        },
        _ => (ErrorKind::Internal, None),
    }
}

/// SQLSTATE of PostgreSQL (five characters) or result code of SQLite (a number; its low byte is the primary code).
fn classify_code(code: &str) -> (ErrorKind, Option<&'static str>) {
    if code.len() == 5 {
        return match code.get(..2).unwrap_or_default() {
            "42" if code != "42501" => (ErrorKind::Internal, None),
            "28" | "42" => (
                ErrorKind::Refused,
                Some("check user, password and rights of catalog.database of polder.yaml"),
            ),
            "3D" => (
                ErrorKind::Refused,
                Some("create the database, or name another one in catalog.database"),
            ),
            // Too many connections, shutting down, starting up.
            "08" | "53" | "57" => (ErrorKind::Unreachable, Some(UNREACHABLE)),
            "40" | "55" => (ErrorKind::Conflict, None),
            "25" => (ErrorKind::Refused, None),
            _ => (ErrorKind::Internal, None),
        };
    }
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(5 | 6) => (
            ErrorKind::Conflict,
            Some("another process holds the catalog; try again"),
        ),
        Ok(3 | 8 | 14 | 23) => (
            ErrorKind::Refused,
            Some("check that the file and its folder can be written"),
        ),
        Ok(10 | 13) => (ErrorKind::Refused, Some("check that the disk has space and works")),
        Ok(11 | 26) => (
            ErrorKind::Refused,
            Some("the file is no catalog; remove it and run `polder catalog sync` to rebuild it"),
        ),
        _ => (ErrorKind::Internal, None),
    }
}

/// Messages of the error and its causes; a cause that its parent repeats is left out.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}
