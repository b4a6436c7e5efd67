//! Errors of the query engine in Polder's terms.

use datafusion::error::DataFusionError;
use polder_core::{Error, ErrorKind};

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
    let message = match error.find_root() {
        DataFusionError::SQL(cause, _) => {
            let cause = cause.to_string();
            format!(
                "the statement cannot be read: {}",
                cause.trim_start_matches("sql parser error: ")
            )
        }
        _ => without_appeal(&error.message()).to_owned(),
    };
    match error.find_root() {
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
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => {
            Error::new(ErrorKind::Unreachable, "cannot read the lake").with_source(error)
        }
        DataFusionError::External(_) => Error::new(ErrorKind::Data, message).with_source(error),
        _ => Error::new(ErrorKind::Internal, message),
    }
}

/// The engine asks users to report what it holds for its own bugs; mostly it is a statement whose types do not fit.
fn without_appeal(message: &str) -> &str {
    let end = message
        .find("This issue was likely caused by a bug")
        .unwrap_or(message.len());
    message[..end].trim_end_matches(['.', '\n', ' '])
}

#[cfg(test)]
mod tests {
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
    fn the_appeal_to_report_a_bug_is_left_out() {
        let text = "no such function.\nThis issue was likely caused by a bug in DataFusion's code. Please help.";
        assert_eq!(without_appeal(text), "no such function");
        assert_eq!(without_appeal("no such function"), "no such function");
    }

    #[test]
    fn exhausted_memory_is_refused_with_help() {
        let error = query_error(DataFusionError::ResourcesExhausted("2 GB".to_owned()));
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.help().unwrap().contains("engine.memory"));
    }
}
