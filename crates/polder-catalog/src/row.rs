//! Between Rust's values and the two column types that both databases agree on: TEXT and BIGINT.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use polder_core::{Error, ErrorKind, Result};
use sqlx::any::AnyRow;
use sqlx::{Any, ColumnIndex, Decode, Row as _, Type};

/// Counts are kept as BIGINT; one beyond its range is kept as its greatest value.
pub(crate) fn from_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Instants are kept as microseconds since 1970, UTC.
pub(crate) fn from_instant(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_micros()
}

/// Reads one row; every failure names the column.
pub(crate) struct Reader<'a>(pub(crate) &'a AnyRow);

impl<'a> Reader<'a> {
    fn get<T>(&self, column: &'static str) -> Result<T>
    where
        T: Decode<'a, Any> + Type<Any>,
        &'static str: ColumnIndex<AnyRow>,
    {
        self.0
            .try_get(column)
            .map_err(|cause| broken(column, &cause.to_string()))
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<String> {
        self.get(column)
    }

    pub(crate) fn optional_text(&self, column: &'static str) -> Result<Option<String>> {
        self.get(column)
    }

    /// A name, an id or a word.
    pub(crate) fn parsed<T: FromStr<Err = Error>>(&self, column: &'static str) -> Result<T> {
        self.text(column)?
            .parse()
            .map_err(|cause: Error| broken(column, &cause.report()))
    }

    pub(crate) fn optional_parsed<T: FromStr<Err = Error>>(&self, column: &'static str) -> Result<Option<T>> {
        let parse = |text: String| text.parse().map_err(|cause: Error| broken(column, &cause.report()));
        self.optional_text(column)?.map(parse).transpose()
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        serde_json::from_str(&self.text(column)?).map_err(|cause| broken(column, &cause.to_string()))
    }

    pub(crate) fn count(&self, column: &'static str) -> Result<u64> {
        to_count(column, self.get(column)?)
    }

    pub(crate) fn optional_count(&self, column: &'static str) -> Result<Option<u64>> {
        self.get::<Option<i64>>(column)?
            .map(|value| to_count(column, value))
            .transpose()
    }

    pub(crate) fn instant(&self, column: &'static str) -> Result<DateTime<Utc>> {
        to_instant(column, self.get(column)?)
    }

    pub(crate) fn optional_instant(&self, column: &'static str) -> Result<Option<DateTime<Utc>>> {
        self.get::<Option<i64>>(column)?
            .map(|value| to_instant(column, value))
            .transpose()
    }
}

fn to_count(column: &'static str, value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| broken(column, "a count is negative"))
}

fn to_instant(column: &'static str, value: i64) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_micros(value).ok_or_else(|| broken(column, "an instant is out of range"))
}

/// The catalog's own rows cannot be read: somebody else wrote them.
fn broken(column: &'static str, cause: &str) -> Error {
    Error::new(
        ErrorKind::Data,
        format!("the catalog's column {column} cannot be read: {cause}"),
    )
    .with_help("`polder catalog sync` rebuilds the catalog")
}
