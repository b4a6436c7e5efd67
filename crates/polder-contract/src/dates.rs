//! Dates as contracts write and show them: notice periods, the instants at which something begins or ends, last days.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

/// The seconds by which an offset such as `+01:00` is ahead of UTC. Nothing may follow it, which chrono's own reading of
/// an offset allows.
pub(crate) fn offset(text: &str) -> Option<i32> {
    let moment = format!("2000-01-01T00:00:00{text}");
    let moment = DateTime::parse_from_str(&moment, "%Y-%m-%dT%H:%M:%S%:z").ok()?;
    Some(moment.offset().local_minus_utc())
}

/// A notice period in days: `90d`, `12w`, `6mo`, `1y`; a bare number is days, a month 30 of them, a year 365.
pub fn days(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim().to_lowercase().as_str() {
        "" | "d" | "day" | "days" => 1,
        "w" | "week" | "weeks" => 7,
        "mo" | "month" | "months" => 30,
        "y" | "yr" | "year" | "years" => 365,
        _ => return None,
    };
    // A hundred years are notice enough, and stay within what dates can hold.
    number
        .parse::<u32>()
        .ok()?
        .checked_mul(factor)
        .filter(|days| *days <= 36_500)
}

/// The instant that a date means; one without a time is its first moment, or where it ends something its last.
pub(crate) fn instant(text: &str, ends: bool) -> Option<DateTime<Utc>> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    let date = if ends {
        date.checked_add_days(Days::new(1))?
    } else {
        date
    };
    Some(date.and_time(NaiveTime::MIN).and_utc())
}

/// The last day before or on which an end is: the one before, where it is the first moment of a day.
pub(crate) fn last_day(end: DateTime<Utc>) -> NaiveDate {
    let whole_days = end.time() == NaiveTime::MIN;
    (end - TimeDelta::days(i64::from(whole_days))).date_naive()
}

/// The day that an end is on: the one before, where it is the first moment of a day.
pub fn day(end: DateTime<Utc>) -> String {
    if end.time() == NaiveTime::MIN {
        last_day(end).to_string()
    } else {
        end.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}
