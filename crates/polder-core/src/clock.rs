//! The one clock of the platform.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// How far ahead of the clock a newest value may be and still tell how old a table is: a day, since of a date its end
/// counts, and clocks differ.
pub const AHEAD: TimeDelta = TimeDelta::days(1);

/// The current instant, cut to whole microseconds: the precision in which tables and the catalog keep time, so that
/// a value read back equals the value written.
pub fn now() -> DateTime<Utc> {
    let instant = Utc::now();
    instant.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(instant)
}
