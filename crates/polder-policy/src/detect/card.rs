//! Numbers of payment cards.

use super::{Finding, Kind, masked_tail};

/// The digits of a number may be parted by one of these.
const SEPARATORS: [u8; 3] = [b' ', b'-', b'.'];
/// The shortest and the longest number that issuers give out today.
const LENGTHS: std::ops::RangeInclusive<usize> = 14..=19;

/// Adds every card number of the text: a run of digits, parted by single blanks, hyphens or points, that is as long as its
/// issuer's numbers are and whose last digit is right by Luhn's formula (ISO/IEC 7812-1, annex B).
pub(super) fn find(text: &str, findings: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    if bytes.iter().filter(|byte| byte.is_ascii_digit()).count() < *LENGTHS.start() {
        return;
    }
    let mut at = 0;
    // Each digit with the bytes that it lies between.
    let mut digits: Vec<u8> = Vec::new();
    let mut places: Vec<(usize, usize)> = Vec::new();
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        digits.clear();
        places.clear();
        while at < bytes.len() {
            if bytes[at].is_ascii_digit() {
                digits.push(bytes[at] - b'0');
                at += 1;
                places.push((at - 1, at));
            } else if SEPARATORS.contains(&bytes[at]) && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
                at += 1;
            } else {
                break;
            }
        }
        // A number within a word, a decimal number or a path is part of something else.
        let bound = |byte: Option<&u8>| byte.is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_');
        let before = start.checked_sub(1).and_then(|before| bytes.get(before));
        if before == Some(&b'.') || !bound(before) || !bound(bytes.get(at)) {
            continue;
        }
        let mut first = 0;
        while first < digits.len() {
            let begins_group = first == 0 || places[first - 1].1 < places[first].0;
            let found = begins_group
                .then(|| number(&digits[first..], &places[first..]))
                .flatten();
            match found.filter(|length| is_written_so(bytes, &places[first..first + length])) {
                Some(length) => {
                    let range = places[first].0..places[first + length - 1].1;
                    findings.push(Finding {
                        kind: Kind::CardNumber,
                        masked: masked_tail(&text[range.clone()], 4),
                        range,
                    });
                    first += length;
                }
                None => first += 1,
            }
        }
    }
}

/// How many digits the card number has that the run begins with. What follows in the same run must be parted from it
/// (an expiry date or a check number behind it).
fn number(digits: &[u8], places: &[(usize, usize)]) -> Option<usize> {
    LENGTHS.rev().find(|length| {
        let Some(number) = digits.get(..*length) else {
            return false;
        };
        let parted = places.get(*length).is_none_or(|next| next.0 > places[*length - 1].1);
        parted && issued(number) && luhn(number) && number.iter().any(|d| *d != number[0])
    })
}

/// Whether the digits stand as people and cards write them: in one piece, or parted by one kind of separator into the
/// groups of such a number. Numbers parted by hyphens or points that go on in them are something else, mostly a UUID.
fn is_written_so(bytes: &[u8], places: &[(usize, usize)]) -> bool {
    const GROUPED: [&[usize]; 4] = [&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 4, 3]];
    let mut groups = vec![1];
    let mut separators = Vec::new();
    for pair in places.windows(2) {
        if pair[0].1 < pair[1].0 {
            separators.push(bytes[pair[0].1]);
            groups.push(0);
        }
        if let Some(group) = groups.last_mut() {
            *group += 1;
        }
    }
    let byte = |at: Option<usize>| at.and_then(|at| bytes.get(at));
    let before = byte(places.first().and_then(|place| place.0.checked_sub(1)));
    let end = places.last().map(|place| place.1);
    let Some(separator) = separators.first() else {
        // Digits behind a decimal point are no number of their own.
        return before != Some(&b'.');
    };
    // A point may end a sentence.
    let goes_on = byte(end) == Some(separator)
        && (*separator == b'-' || byte(end.map(|end| end + 1)).is_some_and(u8::is_ascii_alphanumeric));
    separators.iter().all(|other| other == separator)
        && GROUPED.contains(&groups.as_slice())
        && (*separator == b' ' || !(before == Some(separator) || goes_on))
}

/// Whether an issuer gives out numbers that begin so and are so long.
fn issued(number: &[u8]) -> bool {
    let prefix = |digits: usize| {
        number[..digits]
            .iter()
            .fold(0_u32, |all, digit| all * 10 + u32::from(*digit))
    };
    match number.len() {
        // Diners Club.
        14 => matches!(prefix(3), 300..=305 | 309 | 360..=369 | 380..=389),
        // American Express.
        15 => matches!(prefix(2), 34 | 37),
        16 => {
            // Visa, Mastercard, Discover, JCB, UnionPay, Maestro.
            prefix(1) == 4
                || matches!(prefix(2), 51..=55 | 62 | 65)
                || matches!(prefix(4), 2221..=2720 | 3528..=3589 | 6011 | 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763)
                || matches!(prefix(3), 644..=649)
        }
        // Visa, UnionPay, Maestro.
        19 => {
            prefix(1) == 4
                || prefix(2) == 62
                || matches!(prefix(4), 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763)
        }
        17 | 18 => prefix(2) == 62,
        _ => false,
    }
}

/// Luhn's formula: from the right every second digit is doubled, and the sum of all digits ends in 0.
fn luhn(number: &[u8]) -> bool {
    let sum: u32 = number
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(*digit) * 2) {
            (0, doubled) => doubled / 2,
            (_, doubled) => doubled / 10 + doubled % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}
