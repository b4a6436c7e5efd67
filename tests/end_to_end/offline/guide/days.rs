//! Days as pages write them, `2026-02-02`, counted since 1970.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::offline::new_mesh::instant;

/// Today as the binary has it: in UTC.
pub(super) fn today() -> i64 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    i64::try_from(seconds / 86_400).unwrap()
}

/// The day that a text is, if it is one.
pub(super) fn day(text: &str) -> Option<i64> {
    let shape = |(at, byte): (usize, u8)| {
        if at == 4 || at == 7 {
            byte == b'-'
        } else {
            byte.is_ascii_digit()
        }
    };
    let a_day = text.len() == 10 && text.bytes().enumerate().all(shape);
    a_day.then(|| (0..40_000).find(|day| written(*day) == text)).flatten()
}

fn written(day: i64) -> String {
    instant(day * 86_400_000)[..10].to_owned()
}

/// A text with each of its days so many later.
pub(super) fn moved(text: &str, later: i64) -> String {
    let (mut moved, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let found = rest.get(..10).and_then(day);
        moved.push_str(&found.map_or_else(|| first.to_string(), |day| written(day + later)));
        rest = &rest[if found.is_some() { 10 } else { first.len_utf8() }..];
    }
    moved
}

#[test]
fn days_in_a_text_are_moved() {
    assert_eq!(
        moved("…2026-02-27: no 2026-13-01, x-2026-12-31.yaml", 2),
        "…2026-03-01: no 2026-13-01, x-2027-01-02.yaml"
    );
    assert_eq!(day("1970-01-02"), Some(1));
}
