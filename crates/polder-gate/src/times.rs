//! Times as text, read alike wherever rows come in.

use arrow::array::timezone::Tz;
use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// Signs of a date.
const DAY: usize = "2026-01-31".len();

/// An instant in microseconds since 1970: RFC 3339, with a space for the `T` too. A time without an offset is read in
/// `zone`; where clocks were put back it could be either of two, and is none. Digits behind the microsecond are cut: no
/// Delta timestamp can hold them.
pub fn instant(text: &str, zone: &Tz) -> Option<i64> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(time) => Some(time.timestamp_micros()),
        Err(_) => Some(wall_clock(text)?.and_local_timezone(*zone).single()?.timestamp_micros()),
    }
}

/// A date and time of day without a zone, in microseconds since 1970 began there.
pub fn local(text: &str) -> Option<i64> {
    Some(wall_clock(text)?.and_utc().timestamp_micros())
}

/// A date with all its digits: `26-01-31` would be a day of the year 26.
pub(crate) fn calendar_day(text: &str) -> Option<NaiveDate> {
    let is_digit = |(place, sign): (usize, u8)| matches!(place, 4 | 7) || sign.is_ascii_digit();
    let whole = text.len() == DAY && text.bytes().enumerate().all(is_digit);
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| whole)
}

fn wall_clock(text: &str) -> Option<NaiveDateTime> {
    calendar_day(text.get(..DAY)?)?;
    let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    formats
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_instants_in_utc() {
        // Seconds from `date -u -d 2010-12-01T08:26:00Z +%s`.
        let micros = 1_291_191_960_000_000;
        let utc: Tz = "UTC".parse().unwrap();
        for text in [
            "2010-12-01T08:26:00Z",
            "2010-12-01T09:26:00+01:00",
            "2010-12-01T08:26:00",
            "2010-12-01 08:26:00",
        ] {
            assert_eq!(instant(text, &utc), Some(micros), "{text}");
        }
        assert_eq!(instant("2010-12-01T08:26:00.123456789Z", &utc), Some(micros + 123_456));
        assert_eq!(local("2010-12-01T08:26:00"), Some(micros));
        assert_eq!(local("2010-12-01T08:26:00Z"), None);
        for other in [
            "1291191960000",
            "10-12-01T08:26:00",
            "2010-12-1T08:26:00",
            "+2010-12-01 08:26:00",
            " 2010-12-01T08:26:00",
        ] {
            assert_eq!(instant(other, &utc), None, "{other}");
        }
    }

    #[test]
    fn a_leap_second_is_the_first_moment_of_the_next() {
        let utc: Tz = "UTC".parse().unwrap();
        // Seconds from `date -u -d 2017-01-01T00:00:00Z +%s`.
        let new_year = 1_483_228_800_000_000;
        assert_eq!(instant("2016-12-31T23:59:60Z", &utc), Some(new_year));
        assert_eq!(instant("2016-12-31T23:59:60", &utc), Some(new_year));
    }

    #[test]
    fn a_time_without_an_offset_is_read_in_the_zone_of_its_column() {
        let berlin: Tz = "Europe/Berlin".parse().unwrap();
        // Seconds from `TZ=Europe/Berlin date -d '2026-07-02 08:30' +%s`, and of the same day in January.
        assert_eq!(instant("2026-07-02T08:30:00", &berlin), Some(1_782_973_800_000_000));
        assert_eq!(instant("2026-01-02T08:30:00", &berlin), Some(1_767_339_000_000_000));
        assert_eq!(instant("2026-07-02T08:30:00Z", &berlin), Some(1_782_981_000_000_000));
        // The clocks go back from 3 to 2: half past two is there twice. They go forward from 2 to 3: it is not there.
        assert_eq!(instant("2026-10-25T02:30:00", &berlin), None);
        assert_eq!(instant("2026-03-29T02:30:00", &berlin), None);
    }
}
