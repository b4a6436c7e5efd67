//! Sizes and durations as people write them in declared files, and counts as they read them.

use std::fmt::Display;
use std::time::Duration;

use crate::{Error, ErrorKind, Result};

/// A number of things, in words: `1 row`, `2 rows`. Takes things whose plural ends in `s`.
pub fn counted(number: impl Display, thing: &str) -> String {
    let number = number.to_string();
    let s = if number == "1" { "" } else { "s" };
    format!("{number} {thing}{s}")
}

/// Reads a size: a whole number and a unit, such as `64MiB` (powers of 1024: KiB, MiB, GiB, TiB; powers of 1000: kB,
/// MB, GB, TB; B or no unit: bytes). Gives bytes.
///
/// # Errors
/// `Usage`, when the text is no size or exceeds 64 bits.
pub fn parse_bytes(text: &str) -> Result<u64> {
    let factor = |unit: &str| {
        Some(match unit {
            "" | "B" => 1,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1_u64 << 40,
            _ => return None,
        })
    };
    quantity(text, factor).ok_or_else(|| {
        Error::new(ErrorKind::Usage, format!("`{text}` is not a size"))
            .with_help("write a size as 512KiB, 64MiB or 1GiB")
    })
}

/// Reads a duration: a whole number and a unit, such as `500ms`, `10s`, `5m`, `2h` or `7d`.
///
/// # Errors
/// `Usage`, when the text is no duration or exceeds 64 bits of milliseconds.
pub fn parse_duration(text: &str) -> Result<Duration> {
    let factor = |unit: &str| {
        Some(match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        })
    };
    quantity(text, factor).map(Duration::from_millis).ok_or_else(|| {
        Error::new(ErrorKind::Usage, format!("`{text}` is not a duration"))
            .with_help("write a duration as 500ms, 10s, 5m, 2h or 7d")
    })
}

fn quantity(text: &str, factor: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    number.parse::<u64>().ok()?.checked_mul(factor(unit.trim_start())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_several() {
        assert_eq!(
            [counted(0, "row"), counted(1_u64, "row"), counted(2, "row")],
            ["0 rows", "1 row", "2 rows"]
        );
    }

    #[test]
    fn sizes_are_read_in_both_families_of_units() {
        let cases = [
            ("0", 0),
            ("512", 512),
            ("1kB", 1000),
            ("64MiB", 67_108_864),
            ("1 GiB", 1_073_741_824),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_bytes(text).unwrap(), bytes, "{text}");
        }
    }

    #[test]
    fn durations_are_read() {
        let cases = [
            ("500ms", 500),
            ("10s", 10_000),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("7d", 604_800_000),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(
                parse_duration(text).unwrap(),
                Duration::from_millis(milliseconds),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in [
            "",
            "MiB",
            "-1MiB",
            "1.5GiB",
            "1mib",
            "1 PB",
            "99999999999999999999",
            "99999999TiB",
        ] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
        for text in ["", "10", "10 seconds", "-1s", "s", "300000000000000000d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
