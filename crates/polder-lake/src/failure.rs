//! What went wrong, in Polder's words: an unreachable store, a refusal, or a broken table.

use std::error::Error as StdError;
use std::io;

use polder_core::{Error, ErrorKind};

/// S3's code for a bucket that is not there.
const NO_BUCKET: &str = "NoSuchBucket";

/// Wraps an error of the store, the Delta library or the query engine; the kind follows its deepest known cause.
pub(crate) fn failure(message: impl Into<String>, cause: impl StdError + Send + Sync + 'static) -> Error {
    let kind = kind_of(&cause);
    let error = Error::new(kind, message);
    let error = match kind {
        ErrorKind::Refused => {
            error.with_help("check the lake's credentials and rights (`lake.options` in polder.yaml)")
        }
        ErrorKind::Unreachable if is_full(&cause) => error.with_help("free some space and run again: nothing is lost"),
        ErrorKind::NotFound if chain_text(&cause).contains(NO_BUCKET) => {
            error.with_help("create the bucket, or correct `lake.location` in polder.yaml")
        }
        ErrorKind::Unreachable => error.with_help("check `lake.location`, `lake.options` and that the store is up"),
        _ => error,
    };
    error.with_source(cause)
}

/// The kind of an error by its chain of causes: known answers of the store, then anything of the store or the files;
/// what is left is a table that cannot be read.
fn kind_of(error: &(dyn StdError + 'static)) -> ErrorKind {
    let text = chain_text(error);
    if text.contains(NO_BUCKET) {
        return ErrorKind::NotFound;
    }
    if is_refusal(&text) {
        return ErrorKind::Refused;
    }
    let mut from_store = false;
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(store) = error.downcast_ref::<object_store::Error>() {
            from_store = true;
            use object_store::Error as Store;
            match store {
                Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => return ErrorKind::Refused,
                Store::AlreadyExists { .. } | Store::Precondition { .. } => return ErrorKind::Conflict,
                Store::NotFound { .. } => return ErrorKind::NotFound,
                Store::InvalidPath { .. } | Store::UnknownConfigurationKey { .. } => return ErrorKind::Document,
                _ => {}
            }
        }
        if let Some(files) = error.downcast_ref::<io::Error>() {
            from_store = true;
            if files.kind() == io::ErrorKind::PermissionDenied {
                return ErrorKind::Refused;
            }
        }
        if error.downcast_ref::<arrow::error::ArrowError>().is_some() {
            return ErrorKind::Data;
        }
        cause = error.source();
    }
    // The Delta kernel keeps some store errors only as text; these are its words for what comes from a store.
    if from_store || text.contains("object store") || text.contains("Generic ") && text.contains(" error: ") {
        ErrorKind::Unreachable
    } else {
        ErrorKind::Data
    }
}

/// A refusal by its text: object_store's words for 401 and 403, and codes that S3 stores send as 400 or 404 (the last
/// one is VersityGW's for an unknown key).
fn is_refusal(text: &str) -> bool {
    const WORDS: [&str; 6] = [
        "lacked valid authentication credentials",
        "lacked the necessary privileges",
        "AccessDenied",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "XAdminUserNotFound",
    ];
    WORDS.iter().any(|word| text.contains(word))
}

fn chain_text(error: &(dyn StdError + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn is_full(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(files) = error.downcast_ref::<io::Error>() {
            return matches!(files.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_and_silence_are_told_apart() {
        let denied = object_store::Error::PermissionDenied {
            path: "a".into(),
            source: "403".into(),
        };
        assert_eq!(failure("cannot read", denied).kind(), ErrorKind::Refused);
        let down = object_store::Error::Generic {
            store: "S3",
            source: "connection refused".into(),
        };
        assert_eq!(failure("cannot read", down).kind(), ErrorKind::Unreachable);
        let full = object_store::Error::Generic {
            store: "LocalFileSystem",
            source: Box::new(io::Error::from(io::ErrorKind::StorageFull)),
        };
        let error = failure("cannot write", full);
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert!(error.help().unwrap().contains("space"));
        let text = "Operation lacked the necessary privileges to complete for path x";
        assert_eq!(
            failure("cannot read", io::Error::other(text)).kind(),
            ErrorKind::Refused
        );
    }
}
