//! Formats of text that a check exists for.

use std::net::{Ipv4Addr, Ipv6Addr};

use chrono::DateTime;
use polder_contract::rule::TextFormat;
use serde::de::IgnoredAny;

use crate::times::calendar_day;

/// Longest host name, bytes (RFC 1123).
const HOSTNAME_BYTES: usize = 253;
/// Longest part of a host name, bytes.
const LABEL_BYTES: usize = 63;

/// Whether a text is of the format.
pub(crate) fn keeps(format: TextFormat, text: &str) -> bool {
    match format {
        TextFormat::Uuid => uuid(text),
        TextFormat::Email => email(text),
        TextFormat::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
        TextFormat::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
        TextFormat::Hostname => text.len() <= HOSTNAME_BYTES && labels(text),
        TextFormat::Uri => uri(text),
        TextFormat::Byte => base64(text),
        TextFormat::Json => serde_json::from_str::<IgnoredAny>(text).is_ok(),
        TextFormat::Date => date(text),
        TextFormat::DateTime => instant(text),
        TextFormat::Time => time(text),
        TextFormat::Duration => duration(text),
    }
}

fn uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// As HTML defines an address for its input fields: what mail servers take in practice.
fn email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    !local.is_empty() && local.bytes().all(allowed) && labels(domain)
}

fn labels(text: &str) -> bool {
    text.split('.').all(|label| {
        let bytes = label.as_bytes();
        !bytes.is_empty()
            && bytes.len() <= LABEL_BYTES
            && bytes[0] != b'-'
            && bytes[bytes.len() - 1] != b'-'
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    })
}

/// A scheme, a colon, and only characters that RFC 3986 knows.
fn uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let named = scheme.bytes().enumerate().all(|(index, byte)| match index {
        0 => byte.is_ascii_alphabetic(),
        _ => byte.is_ascii_alphanumeric() || b"+-.".contains(&byte),
    });
    if scheme.is_empty() || !named {
        return false;
    }
    let bytes = rest.as_bytes();
    bytes.iter().enumerate().all(|(index, byte)| match byte {
        b'%' => bytes
            .get(index + 1..index + 3)
            .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
        byte => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(byte),
    })
}

fn base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

fn digits(text: &str, places: &[usize]) -> bool {
    let bytes = text.as_bytes();
    places
        .iter()
        .all(|place| bytes.get(*place).is_some_and(u8::is_ascii_digit))
}

fn date(text: &str) -> bool {
    calendar_day(text).is_some()
}

fn instant(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok()
}

/// A day that has every time: what is behind it is an instant or no time at all.
fn time(text: &str) -> bool {
    let zoned = text.ends_with(['Z', 'z'])
        || text
            .get(text.len().saturating_sub(6)..)
            .is_some_and(|end| end.starts_with(['+', '-']));
    let zone = if zoned { "" } else { "Z" };
    digits(text, &[0, 1]) && instant(&format!("1970-01-01T{text}{zone}"))
}

/// `P` with years, months, weeks and days, `T` with hours, minutes and seconds; each at most once and in this order.
fn duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else {
        return false;
    };
    let (days, times) = match rest.split_once('T') {
        Some((days, times)) => (days, Some(times)),
        None => (rest, None),
    };
    let some = !days.is_empty() || times.is_some();
    some && units(days, "YMWD", false) && times.is_none_or(|times| !times.is_empty() && units(times, "HMS", true))
}

fn units(mut text: &str, mut known: &str, fraction: bool) -> bool {
    while !text.is_empty() {
        let number = text
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
            .count();
        let (value, rest) = text.split_at(number);
        let Some(unit) = rest.chars().next() else { return false };
        let Some(place) = known.find(unit) else { return false };
        let whole = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let split = value.split_once('.');
        let part = split.is_some_and(|(whole, part)| {
            !whole.is_empty() && !part.is_empty() && !part.contains('.') && fraction && unit == 'S'
        });
        if !whole && !part {
            return false;
        }
        known = &known[place + 1..];
        text = &rest[1..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_text_accept_and_refuse() {
        let cases: [(TextFormat, &[&str], &[&str]); 12] = [
            (
                TextFormat::Uuid,
                &[
                    "53581432-6c55-4ba2-a65f-72344a91553a",
                    "53581432-6C55-4BA2-A65F-72344A91553A",
                ],
                &[
                    "53581432-6c55-4ba2-a65f",
                    "53581432x6c55-4ba2-a65f-72344a91553a",
                    "x",
                    "",
                ],
            ),
            (
                TextFormat::Email,
                &["a.b@shop.example", "a+b@localhost"],
                &["a.b", "@shop.example", "a b@c.de", "a@", "a@-b.c", "a@b@c"],
            ),
            (
                TextFormat::Ipv4,
                &["127.0.0.1", "255.255.255.255"],
                &["256.0.0.1", "1.2.3", "01.2.3.4"],
            ),
            (
                TextFormat::Ipv6,
                &["::1", "2001:db8::ff00:42:8329", "::ffff:192.0.2.1"],
                &["1.2.3.4", ":::", "2001:db8", "g::1"],
            ),
            (
                TextFormat::Hostname,
                &["shop.example", "a", "1.2"],
                &["-a.b", "a..b", "a_b", "", "a.", "ä.de"],
            ),
            (
                TextFormat::Uri,
                &[
                    "https://shop.example/x?y#z",
                    "mailto:a@b.c",
                    "urn:isbn:0451450523",
                    "http://a/%20",
                ],
                &[
                    "shop.example",
                    "1a:x",
                    "http://a b",
                    "http://a/%2",
                    "http://a/<x>",
                    ":x",
                    "",
                ],
            ),
            (
                TextFormat::Byte,
                &["", "TQ==", "TWE=", "TWFu", "+/+/"],
                &["T", "TQ=", "TQ=a", "T===", "TW F", "TWF_"],
            ),
            (
                TextFormat::Json,
                &["{}", "[1, null]", "\"x\"", " 1e3 "],
                &["", "{", "{a: 1}", "01", "[1,]", "1 2"],
            ),
            (
                TextFormat::Date,
                &["2026-01-31", "2024-02-29"],
                &[
                    "2026-02-29",
                    "2026-1-31",
                    "31.01.2026",
                    "2026-01-31T00:00:00Z",
                    "+026-01-01",
                ],
            ),
            (
                TextFormat::DateTime,
                &["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123+01:00"],
                &[
                    "2026-01-31",
                    "2026-01-31T12:00:00",
                    "2026-13-31T12:00:00Z",
                    "2026-01-31T25:00:00Z",
                ],
            ),
            (
                TextFormat::Time,
                &["12:00:00", "23:59:59.5Z", "12:00:00+01:00"],
                &["24:00:00", "12:00", "1:00:00", "12:00:00 Z", ""],
            ),
            (
                TextFormat::Duration,
                &["P3DT4H", "PT0.5S", "P1Y2M3W4D", "PT1M"],
                &["P", "PT", "3D", "P1D2Y", "P1S", "PT1.5H", "P1.D", "PTxS"],
            ),
        ];
        for (format, good, bad) in cases {
            good.iter()
                .for_each(|text| assert!(keeps(format, text), "{format:?} {text}"));
            bad.iter()
                .for_each(|text| assert!(!keeps(format, text), "{format:?} {text}"));
        }
    }
}
