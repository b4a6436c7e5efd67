//! The one clock of the platform.

use std::ops::Sub;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// How far ahead of the clock a newest value may be and still tell how old a table is: a day, since clocks differ, and
/// days begin earlier in the east.
pub const AHEAD: TimeDelta = TimeDelta::days(1);

/// The current instant, cut to whole microseconds: the precision in which tables and the catalog keep time, so that
/// a value read back equals the value written.
pub fn now() -> DateTime<Utc> {
    let instant = Utc::now();
    instant.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(instant)
}

/// How old something is now that is dated from one moment to another: an instant, or a day from its beginning to its end.
/// Its end counts; it is of no age while it lasts, and below that until it begins.
pub fn age<T, A>(begins: T, ends: T, now: T) -> A
where
    T: Copy + Ord + Sub<Output = A>,
{
    if now < begins {
        now - begins
    } else {
        now - ends.min(now)
    }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn a_day_grows_old_from_its_end_on_and_lies_ahead_up_to_its_beginning() {
        for (now, expected) in [(90, -10), (100, 0), (110, 0), (124, 0), (125, 1), (148, 24)] {
            assert_eq!(age::<i64, i64>(100, 124, now), expected, "{now}");
        }
        assert_eq!((age::<i64, i64>(100, 100, 99), age::<i64, i64>(100, 100, 101)), (-1, 1));
    }
}
