//! Regular expressions of contracts, which are written by ECMA-262, for an engine that matches in linear time.

use regex::{Regex, RegexBuilder};

/// Memory that one compiled pattern may take, bytes: an expression that needs more is meant to hurt.
const BYTES: usize = 1 << 20;

/// Compiles a pattern as ECMA-262 means it: `\d` and `\w` are ASCII, a dot stops at every line end, brackets within
/// brackets are characters.
///
/// # Errors
/// Why it cannot be used: no regular expression, look-around, back references, or one that takes too much memory.
pub fn regex(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(&translated(pattern))
        .size_limit(BYTES)
        .dfa_size_limit(BYTES)
        .build();
    built.map_err(|error| {
        // The library draws the place over several lines; the last one says what is wrong.
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("the pattern `{}` cannot be used: {last}", shortened(pattern))
    })
}

fn translated(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len() + 8);
    let mut characters = pattern.chars().peekable();
    // Between the brackets of a class: what came right before, for operators that ECMA-262 does not know.
    let mut class: Option<char> = None;
    while let Some(character) = characters.next() {
        if character == '\\' {
            match characters.next() {
                Some('d') => text.push_str("[0-9]"),
                Some('D') => text.push_str("[^0-9]"),
                Some('w') => text.push_str("[A-Za-z0-9_]"),
                Some('W') => text.push_str("[^A-Za-z0-9_]"),
                Some('b') if class.is_none() => text.push_str("(?-u:\\b)"),
                Some('b') => text.push_str("\\x08"),
                Some('/') => text.push('/'),
                // These would be assertions of our engine.
                Some(angle @ ('<' | '>')) => text.push(angle),
                Some(escaped) => text.extend(['\\', escaped]),
                None => text.push('\\'),
            }
            class = class.map(|_| '\\');
            continue;
        }
        match (class, character) {
            (None, '.') => text.push_str("[^\\n\\r\\u2028\\u2029]"),
            (None, '[') => {
                text.push('[');
                if characters.next_if_eq(&'^').is_some() {
                    text.push('^');
                }
                class = Some('[');
            }
            (Some(_), ']') => {
                text.push(']');
                class = None;
            }
            (Some(_), '[') => {
                text.push_str("\\[");
                class = Some(character);
            }
            (Some(before), '&' | '~' | '-') if before == character => {
                text.extend(['\\', character]);
                class = Some(character);
            }
            (before, character) => {
                text.push(character);
                class = before.map(|_| character);
            }
        }
    }
    text
}

fn shortened(pattern: &str) -> String {
    match pattern.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &pattern[..end]),
        None => pattern.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_ecma_262_says() {
        let cases: [(&str, &[&str], &[&str]); 9] = [
            ("^\\d+$", &["12"], &["١٢", ""]),
            ("^\\w$", &["a", "_"], &["ä"]),
            ("^[\\d\\-]+$", &["1-2"], &["a"]),
            ("^a.b$", &["axb"], &["a\nb", "a\rb"]),
            ("^a\\/b$", &["a/b"], &["a\\/b"]),
            ("^[[]x[&&]$", &["[x&"], &["x"]),
            ("\\<b\\>", &["<b>"], &["b"]),
            ("^[^\\d]$", &["x"], &["1"]),
            ("\\bab\\b", &["x ab y"], &["xab"]),
        ];
        for (pattern, good, bad) in cases {
            let regex = regex(pattern).unwrap();
            good.iter()
                .for_each(|text| assert!(regex.is_match(text), "{pattern} {text}"));
            bad.iter()
                .for_each(|text| assert!(!regex.is_match(text), "{pattern} {text}"));
        }
    }

    #[test]
    fn what_cannot_be_matched_in_linear_time_or_small_memory_is_refused() {
        for pattern in [
            "(?=x)",
            "(a)\\1",
            "(a{1000}){1000}",
            "[",
            "(((((x{99}){99}){99}){99}){99})",
            "a**b(",
        ] {
            assert!(regex(pattern).is_err(), "{pattern}");
        }
    }
}
