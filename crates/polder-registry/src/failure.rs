//! What a failed call to the registry means for Polder: is it down, does it not know, or does it refuse?

use std::error::Error as _;

use polder_core::{Error, ErrorKind};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::RawError;

/// Confluent's code for "no schema has this id".
const SCHEMA_NOT_FOUND: u32 = 40_403;
/// `SRCError` keeps the HTTP status nowhere but at the end of this sentence.
const STATUS_MARK: &str = "failed with status ";

/// Where the call went and what it was for; completes the sentences of the errors.
pub(crate) struct Call<'a> {
    /// The registry's address, without credentials.
    pub(crate) url: &'a str,
    /// What was asked, e.g. `schema 12`.
    pub(crate) what: &'a str,
}

/// Turns the converter's error into Polder's.
///
/// `NotFound`: the registry answered that there is no such schema. `Unreachable`: no answer, or one that says that the
/// registry itself is in trouble (5xx, 429), so that trying again can help. `Refused`: any other answer.
pub(crate) fn from_converter(call: &Call<'_>, failure: SRCError) -> Error {
    let Call { url, what } = call;
    if let Some(status) = status_of(&failure) {
        let answer = failure.source().and_then(|source| source.downcast_ref::<RawError>());
        let code = answer.map_or(0, |answer| answer.error_code);
        let said = match answer {
            Some(answer) if code != 0 => format!("HTTP {status}, {}", answer.message),
            _ => format!("HTTP {status}"),
        };
        return match status {
            404 if code == SCHEMA_NOT_FOUND => Error::new(
                ErrorKind::NotFound,
                format!("schema registry {url} does not know {what}"),
            ),
            401 | 403 => Error::new(
                ErrorKind::Refused,
                format!("schema registry {url} refused access to {what} ({said})"),
            )
            .with_help("check registry.username and registry.password of polder.yaml"),
            404 => Error::new(
                ErrorKind::Refused,
                format!("schema registry {url} did not answer for {what} ({said})"),
            )
            .with_help(
                "check that registry.url names the root of a Confluent API; some registries serve it under a path"
                    .to_owned(),
            ),
            429 | 500..=599 => Error::new(
                ErrorKind::Unreachable,
                format!("schema registry {url} is in trouble with {what} ({said})"),
            ),
            _ => Error::new(
                ErrorKind::Refused,
                format!("schema registry {url} refused {what} ({said})"),
            ),
        };
    }
    match failure
        .source()
        .and_then(|source| source.downcast_ref::<reqwest::Error>())
    {
        Some(transport) if transport.is_decode() && is_syntax(transport) => Error::new(
            ErrorKind::Refused,
            format!("{url} answered for {what}, but not as a schema registry does"),
        )
        .with_help("check registry.url of polder.yaml")
        .with_source(Cause(failure)),
        Some(_) => Error::new(
            ErrorKind::Unreachable,
            format!("schema registry {url} is unreachable for {what}"),
        )
        .with_help("check that it runs and that registry.url of polder.yaml names it")
        .with_source(Cause(failure)),
        None => Error::new(
            ErrorKind::Refused,
            format!("schema registry {url} gave no usable answer for {what}"),
        )
        .with_source(Cause(failure)),
    }
}

/// Whether there was nothing at the address that was asked, as opposed to a registry that knows of no such schema.
pub(crate) fn is_no_such_path(failure: &SRCError) -> bool {
    let answer = failure.source().and_then(|source| source.downcast_ref::<RawError>());
    status_of(failure) == Some(404) && answer.is_none_or(|answer| answer.error_code != SCHEMA_NOT_FOUND)
}

/// The HTTP status that the registry answered with, if it answered with an error.
fn status_of(failure: &SRCError) -> Option<u16> {
    let (_, rest) = failure.error.split_once(STATUS_MARK)?;
    rest.split(' ').next()?.parse().ok()
}

/// An answer that arrived whole and is no JSON, as opposed to a connection that broke while it was read.
fn is_syntax(transport: &reqwest::Error) -> bool {
    transport
        .source()
        .is_some_and(|source| source.downcast_ref::<serde_json::Error>().is_some())
}

/// Shows the converter's cause instead of its own sentence, which repeats the cause and speaks of its cache.
#[derive(Debug)]
struct Cause(SRCError);

impl std::fmt::Display for Cause {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.source() {
            Some(source) => std::fmt::Display::fmt(source, formatter),
            None => formatter.write_str(&self.0.error),
        }
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source().and_then(std::error::Error::source)
    }
}
