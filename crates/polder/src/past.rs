//! How far a command looks back: `--since`.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use polder_core::clock;
use polder_core::units::parse_duration;

/// How far back something is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Past {
    /// As long as this.
    For(TimeDelta),
    /// From this time on.
    From(DateTime<Utc>),
}

impl Past {
    /// How such a value is written, for messages.
    pub(crate) const AS_IN: &str = "2026-01-31, 2026-01-31T08:00:00Z or 30d";

    /// Reads a day, from its beginning, a time by ISO 8601 (both in UTC, where no other offset is written), or a duration; nothing
    /// for any other text.
    ///
    /// # Errors
    /// In words, for a time that is not past, and a duration that reaches further back than the calendar.
    pub(crate) fn read(text: &str) -> Option<Result<Self, String>> {
        if let Some(time) = time(text) {
            let past = time <= clock::now();
            return Some(
                past.then_some(Self::From(time))
                    .ok_or_else(|| format!("`{text}` is not past")),
            );
        }
        let length = parse_duration(text).ok()?;
        let length = TimeDelta::from_std(length).ok();
        let length = length.filter(|length| clock::now().checked_sub_signed(*length).is_some());
        Some(
            length
                .map(Self::For)
                .ok_or_else(|| format!("`{text}` reaches back too far")),
        )
    }

    /// When it begins, looked at from a time.
    pub(crate) fn begin(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::For(length) => now.checked_sub_signed(length).unwrap_or(DateTime::<Utc>::MIN_UTC),
            Self::From(time) => time,
        }
    }
}

/// The same as an option's value.
pub(crate) fn past(text: &str) -> Result<Past, String> {
    Past::read(text).unwrap_or_else(|| Err(format!("`{text}` is no time or duration: write {}", Past::AS_IN)))
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%MZ"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Some(time.and_utc());
        }
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_time(NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Result<String, String>> {
        let read = Past::read(text)?;
        Some(read.map(|past| match past {
            Past::For(length) => format!("{} s", length.num_seconds()),
            Past::From(time) => time.to_rfc3339(),
        }))
    }

    #[test]
    fn days_times_and_durations_are_read_in_utc() {
        for (text, expected) in [
            ("2026-01-31", "2026-01-31T00:00:00+00:00"),
            ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00+00:00"),
            ("2026-01-31T08:00:00+02:00", "2026-01-31T06:00:00+00:00"),
            ("2026-01-31T08:00:00.5", "2026-01-31T08:00:00.500+00:00"),
            ("2026-01-31T08:00", "2026-01-31T08:00:00+00:00"),
            ("2026-01-31T08:00Z", "2026-01-31T08:00:00+00:00"),
            ("0001-01-01", "0001-01-01T00:00:00+00:00"),
            ("90m", "5400 s"),
            ("30d", "2592000 s"),
        ] {
            assert_eq!(read(text), Some(Ok(expected.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_no_past_is_refused() {
        for text in ["", "12", "2y", "31.01.2026", "2026-02-30", "yesterday", "-3d"] {
            assert_eq!(read(text), None, "{text}");
            assert!(
                past(text)
                    .unwrap_err()
                    .contains("is no time or duration: write 2026-01-31")
            );
        }
        assert_eq!(read("9000-01-01"), Some(Err("`9000-01-01` is not past".to_owned())));
        let far = Some(Err("`900000000d` reaches back too far".to_owned()));
        assert_eq!(read("900000000d"), far);
    }
}
