//! International bank account numbers.

use super::{Finding, Kind, masked_tail};

/// The length of the numbers of each country (the IBAN registry of SWIFT, the registration authority of ISO 13616).
const LENGTHS: [(&[u8; 2], usize); 76] = [
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NL", 18),
    (b"NO", 15),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"SA", 24),
    (b"SC", 31),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"XK", 20),
];

/// Adds every bank account number of the text: a country's code, two check digits and as many letters and digits as
/// the country's numbers have, in one piece or with single blanks, whose remainder by 97 is 1 (ISO 7064, MOD 97-10).
pub(super) fn find(text: &str, findings: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + 4 <= bytes.len() {
        let inside = at > 0 && bytes[at - 1].is_ascii_alphanumeric();
        let head = !inside
            && bytes[at].is_ascii_uppercase()
            && bytes[at + 1].is_ascii_uppercase()
            && bytes[at + 2].is_ascii_digit()
            && bytes[at + 3].is_ascii_digit();
        let country = match head {
            true => LENGTHS.iter().find(|(code, _)| code[..] == bytes[at..at + 2]),
            false => None,
        };
        match country.and_then(|(_, length)| number(bytes, at, *length)) {
            Some(end) => {
                findings.push(Finding {
                    kind: Kind::BankAccount,
                    range: at..end,
                    masked: masked_tail(&text[at..end], 4),
                });
                at = end;
            }
            None => at += 1,
        }
    }
}

/// Where the number of `length` letters and digits from `start` ends, if it is one.
fn number(bytes: &[u8], start: usize, length: usize) -> Option<usize> {
    let mut characters = Vec::with_capacity(length);
    let mut at = start;
    while characters.len() < length {
        match bytes.get(at)? {
            b' ' if bytes.get(at + 1)? != &b' ' => {}
            byte if byte.is_ascii_uppercase() || byte.is_ascii_digit() => characters.push(*byte),
            _ => return None,
        }
        at += 1;
    }
    let ends = bytes.get(at).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    (ends && remainder(&characters) == 1).then_some(at)
}

/// The remainder by 97 of the number with its first four characters at the end and its letters as 10 to 35.
fn remainder(characters: &[u8]) -> u32 {
    let (head, rest) = characters.split_at(4);
    rest.iter().chain(head).fold(0, |remainder, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        letter => (remainder * 100 + u32::from(letter - b'A') + 10) % 97,
    })
}
