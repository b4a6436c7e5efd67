//! Errors of the query engine in Polder's terms.

use std::error::Error as StdError;
use std::io;

use datafusion::error::DataFusionError;
use datafusion::object_store;
use polder_core::{Error, ErrorKind};
use polder_gate::engine_words::{self, Asked};

/// What the query engine says, as Polder's error. An error of Polder inside (of the lake, for instance) comes out as it
/// went in.
pub fn query_error(error: DataFusionError) -> Error {
    match error {
        DataFusionError::External(cause) => match cause.downcast::<Error>() {
            Ok(own) => *own,
            Err(cause) => translate(DataFusionError::External(cause)),
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => query_error(*inner),
        other => translate(other),
    }
}

fn translate(error: DataFusionError) -> Error {
    if let Some(own) = own_cause(&error) {
        return own.with_source(error);
    }
    if let Some(kind) = of_store(&error).or_else(|| of_footer(&error)) {
        return store_failure(kind, error);
    }
    let said = engine_words::said(&error, Asked::default());
    let message = match error.find_root() {
        DataFusionError::SQL(..) => format!("the statement cannot be read: {}", said.message),
        _ => said.message,
    };
    let translated = match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => Error::new(
            ErrorKind::Refused,
            format!("the query needs more memory or disk than it may take: {message}"),
        )
        .with_help("raise engine.memory in polder.yaml or POLDER_ENGINE__MEMORY, or ask for less at once"),
        DataFusionError::Plan(_)
        | DataFusionError::SQL(..)
        | DataFusionError::SchemaError(..)
        | DataFusionError::NotImplemented(_)
        | DataFusionError::Configuration(_)
        | DataFusionError::Collection(_) => Error::new(ErrorKind::Usage, message),
        DataFusionError::ArrowError(..) | DataFusionError::ParquetError(_) | DataFusionError::Execution(_) => {
            Error::new(ErrorKind::Data, message)
        }
        DataFusionError::External(_) => Error::new(ErrorKind::Data, message).with_source(error),
        _ => Error::new(ErrorKind::Internal, message),
    };
    match said.help {
        Some(help) => translated.with_help(help),
        None => translated,
    }
}

/// Polder's own error below the engine's, with its words.
fn own_cause(error: &(dyn StdError + 'static)) -> Option<Error> {
    let own =
        std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref::<Error>())?;
    let copy = Error::new(own.kind(), own.to_string());
    Some(match own.help() {
        Some(help) => copy.with_help(help),
        None => copy,
    })
}

/// What the store or the disk said, however deep below the engine's error it lies: readers of files wrap it. Nothing for
/// errors of other kinds, and for files that were read and are broken.
fn of_store(error: &(dyn StdError + 'static)) -> Option<ErrorKind> {
    let mut found = None;
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(store) = error.downcast_ref::<object_store::Error>() {
            use object_store::Error as Store;
            match store {
                Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => return Some(ErrorKind::Refused),
                Store::NotFound { .. } => return Some(ErrorKind::NotFound),
                _ => found = Some(ErrorKind::Unreachable),
            }
        }
        if let Some(files) = error.downcast_ref::<io::Error>() {
            match files.kind() {
                io::ErrorKind::PermissionDenied => return Some(ErrorKind::Refused),
                io::ErrorKind::NotFound => return Some(ErrorKind::NotFound),
                // What was read does not decode.
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {}
                io::ErrorKind::UnexpectedEof if found.is_none() => {}
                _ => found = Some(ErrorKind::Unreachable),
            }
        }
        cause = error.source();
    }
    found
}

/// What the store said when the engine asked for a file's footer: the engine keeps that as text alone.
fn of_footer(error: &DataFusionError) -> Option<ErrorKind> {
    let DataFusionError::ParquetError(cause) = error.find_root() else {
        return None;
    };
    let text = cause.to_string();
    let (_, said) = text
        .split_once("Failed to fetch metadata for file ")?
        .1
        .split_once("Object Store error: ")?;
    let refused = [
        "lacked the necessary privileges",
        "lacked valid authentication credentials",
    ];
    Some(if refused.iter().any(|words| said.contains(words)) {
        ErrorKind::Refused
    } else if said.starts_with("Object at location ") && said.contains(" not found") {
        ErrorKind::NotFound
    } else {
        ErrorKind::Unreachable
    })
}

fn store_failure(kind: ErrorKind, cause: DataFusionError) -> Error {
    let (message, help) = match kind {
        ErrorKind::Refused => (
            "the lake refuses to be read",
            "check the lake's credentials and rights (`lake.options` in polder.yaml)",
        ),
        ErrorKind::NotFound => (
            "a file of the lake is not there",
            "it may have been vacuumed since the query began; run again",
        ),
        _ => (
            "cannot read the lake",
            "check `lake.location`, `lake.options` and that the store is up",
        ),
    };
    Error::new(kind, message).with_help(help).with_source(cause)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::error::ArrowError;
    use datafusion::parquet::errors::ParquetError;

    use super::*;

    #[test]
    fn an_error_of_polder_comes_out_as_it_went_in() {
        let own = Error::new(ErrorKind::NotFound, "no version 9").with_help("try 8");
        let error = query_error(DataFusionError::External(Box::new(own)).context("while planning"));
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.to_string(), "no version 9");
        assert_eq!(error.help(), Some("try 8"));
    }

    #[test]
    fn an_error_of_polder_deep_inside_keeps_its_words() {
        let own = Error::new(ErrorKind::Conflict, "made anew").with_help("run again");
        let arrow = ArrowError::ExternalError(Box::new(DataFusionError::External(Box::new(own))));
        let error = query_error(DataFusionError::ArrowError(Box::new(arrow), None));
        assert_eq!((error.kind(), error.help()), (ErrorKind::Conflict, Some("run again")));
        assert_eq!(error.to_string(), "made anew");
    }

    #[test]
    fn what_a_query_asks_for_is_told_in_words_of_contracts_without_the_appeal_to_report_a_bug() {
        let text = "no such Utf8View.\nThis issue was likely caused by a bug in DataFusion's code. Please help.";
        let error = query_error(DataFusionError::Internal(text.to_owned()));
        assert_eq!(error.to_string(), "no such string");
        let error = query_error(DataFusionError::Plan("Invalid function 'lenght'.".to_owned()));
        assert_eq!(error.to_string(), "there is no function `lenght`");
        assert_eq!(error.help(), Some("did you mean `length`?"));
    }

    #[test]
    fn a_store_that_went_away_is_told_however_deep_it_is_wrapped() {
        let gone = || object_store::Error::Generic {
            store: "S3",
            source: "connection refused".into(),
        };
        let denied = object_store::Error::PermissionDenied {
            path: "a".into(),
            source: "403".into(),
        };
        let missing = object_store::Error::NotFound {
            path: "a".into(),
            source: "404".into(),
        };
        let parquet = |cause: object_store::Error| -> DataFusionError {
            DataFusionError::ParquetError(Box::new(ParquetError::External(Box::new(cause)))).context("while reading")
        };
        let arrow = DataFusionError::ArrowError(Box::new(ArrowError::ExternalError(Box::new(parquet(gone())))), None);
        let reset = ArrowError::IoError("read".to_owned(), io::Error::from(io::ErrorKind::ConnectionReset));
        for (cause, kind) in [
            (parquet(gone()), ErrorKind::Unreachable),
            (arrow, ErrorKind::Unreachable),
            (DataFusionError::ObjectStore(Box::new(gone())), ErrorKind::Unreachable),
            (
                DataFusionError::ArrowError(Box::new(reset), None),
                ErrorKind::Unreachable,
            ),
            (DataFusionError::External(Box::new(gone())), ErrorKind::Unreachable),
            (
                DataFusionError::Shared(Arc::new(parquet(gone()))),
                ErrorKind::Unreachable,
            ),
            (parquet(denied), ErrorKind::Refused),
            (parquet(missing), ErrorKind::NotFound),
        ] {
            let error = query_error(cause);
            assert_eq!(error.kind(), kind, "{}", error.report());
            assert!(error.source().is_some(), "{}", error.report());
        }
    }

    #[test]
    fn a_store_that_went_away_before_a_footer_was_read_is_told_by_the_engines_text() {
        let generic = object_store::Error::Generic {
            store: "S3",
            source: "connection refused".into(),
        };
        let denied = object_store::Error::Unauthenticated {
            path: "a".into(),
            source: "401".into(),
        };
        let missing = object_store::Error::NotFound {
            path: "a".into(),
            source: "404".into(),
        };
        for (cause, kind) in [
            (generic, ErrorKind::Unreachable),
            (denied, ErrorKind::Refused),
            (missing, ErrorKind::NotFound),
        ] {
            let cause = DataFusionError::ObjectStore(Box::new(cause));
            let text = format!("Failed to fetch metadata for file a.parquet: {cause}");
            let error = query_error(DataFusionError::ParquetError(Box::new(ParquetError::General(text))));
            assert_eq!(error.kind(), kind, "{}", error.report());
        }
    }

    #[test]
    fn a_file_that_was_read_and_is_broken_is_bad_data() {
        let broken = io::Error::new(io::ErrorKind::InvalidData, "corrupt input");
        for cause in [
            ParquetError::General("corrupt footer".to_owned()),
            ParquetError::External(Box::new(broken)),
        ] {
            let error = query_error(DataFusionError::ParquetError(Box::new(cause)));
            assert_eq!(error.kind(), ErrorKind::Data, "{}", error.report());
        }
    }

    #[test]
    fn exhausted_memory_is_refused_with_help() {
        let error = query_error(DataFusionError::ResourcesExhausted("2 GB".to_owned()));
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.help().unwrap().contains("engine.memory"));
    }
}
