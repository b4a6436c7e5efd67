//! Bounds and values of columns, read as written and given in one form.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};

use crate::column_type::ColumnType;

/// The bound in the form that checks read: numbers as written, dates `YYYY-MM-DD`, instants by RFC 3339 in UTC, local
/// timestamps `YYYY-MM-DDTHH:MM:SS[.ffffff]`, times `HH:MM:SS[.ffffff]`.
///
/// # Errors
/// What is wrong with the text.
pub(crate) fn normal(column: &ColumnType, text: &str, zone: Option<&str>) -> Result<String, String> {
    let wrong = |what: &str, form: &str| format!("`{text}` is not {what}, such as {form}");
    match column {
        ColumnType::Int32 | ColumnType::Int64 | ColumnType::Float64 | ColumnType::Decimal { .. } => {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            number
                .map(|_| text.trim_start_matches('+').to_owned())
                .ok_or_else(|| match column {
                    ColumnType::Int32 | ColumnType::Int64 => wrong("a whole number", "12"),
                    _ => wrong("a decimal number", "12.50"),
                })
        }
        ColumnType::Date => NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map(|date| date.to_string())
            .map_err(|_| wrong("a date", "2026-01-31")),
        ColumnType::Timestamp => instant(text, zone)?
            .map(|instant| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            .ok_or_else(|| wrong("an instant", "2026-01-31T12:00:00Z")),
        ColumnType::TimestampLocal => local(text)
            .map(|local| local.format("%Y-%m-%dT%H:%M:%S%.f").to_string())
            .ok_or_else(|| wrong("a local timestamp", "2026-01-31T12:00:00")),
        ColumnType::Time => ["%H:%M:%S%.f", "%H:%M"]
            .iter()
            .find_map(|form| NaiveTime::parse_from_str(text, form).ok())
            .map(|time| time.format("%H:%M:%S%.f").to_string())
            .ok_or_else(|| wrong("a time", "12:00:00")),
        _ => Err(format!("a column of type {column} has no order")),
    }
}

/// The order of two bounds in their normal form.
pub(crate) fn order(column: &ColumnType, left: &str, right: &str) -> Option<Ordering> {
    match column {
        ColumnType::Int32 | ColumnType::Int64 | ColumnType::Float64 | ColumnType::Decimal { .. } => {
            left.parse::<f64>().ok()?.partial_cmp(&right.parse().ok()?)
        }
        // Largest unit first and filled with zeros: the texts have the order of what they stand for.
        _ => Some(left.trim_end_matches('Z').cmp(right.trim_end_matches('Z'))),
    }
}

fn instant(text: &str, zone: Option<&str>) -> Result<Option<DateTime<Utc>>, String> {
    let with_offset = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z"];
    let exact = DateTime::parse_from_rfc3339(text).ok().or_else(|| {
        with_offset
            .iter()
            .find_map(|form| DateTime::parse_from_str(text, form).ok())
    });
    if let Some(instant) = exact {
        return Ok(Some(instant.to_utc()));
    }
    let Some(local) = local(text) else { return Ok(None) };
    match zone {
        None | Some("Etc/UTC" | "UTC" | "Z" | "GMT" | "Etc/GMT") => Ok(Some(local.and_utc())),
        Some(zone) => Err(format!(
            "`{text}` is in the zone {zone}: write it with its offset, such as 2026-01-31T12:00:00+10:00"
        )),
    }
}

fn local(text: &str) -> Option<NaiveDateTime> {
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_given_in_utc() {
        let cases = [
            ("2020-01-01 00:00:00+10:00", "2019-12-31T14:00:00Z"),
            ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
            ("2020-01-01 00:00:00.25", "2020-01-01T00:00:00.250Z"),
            ("2020-01-01", "2020-01-01T00:00:00Z"),
        ];
        for (text, normal_form) in cases {
            assert_eq!(
                normal(&ColumnType::Timestamp, text, None).unwrap(),
                normal_form,
                "{text}"
            );
        }
        assert!(normal(&ColumnType::Timestamp, "2020-01-01 00:00:00", Some("Australia/Sydney")).is_err());
        assert!(normal(&ColumnType::Timestamp, "soon", None).is_err());
    }

    #[test]
    fn numbers_keep_their_digits() {
        let decimal = ColumnType::Decimal {
            precision: 38,
            scale: 3,
        };
        assert_eq!(
            normal(&decimal, "12345678901234567890.123", None).unwrap(),
            "12345678901234567890.123"
        );
        for text in ["0x1F", ".inf", "ten", ".nan"] {
            assert!(normal(&decimal, text, None).is_err(), "{text}");
        }
    }
}
