//! Regular expressions of contracts, which are written by ECMA-262, for an engine that matches in linear time.

use std::sync::{Mutex, PoisonError};

use regex::{Regex, RegexBuilder};

/// Memory that one compiled pattern may take, bytes: an expression that needs more is meant to hurt. Names of people by
/// Unicode's letters need some of it: `^[\p{L}\p{N}]{1,60}$` takes more than 1 MiB.
const BYTES: usize = 10 << 20;

/// Memory that most patterns stay below, bytes.
const USUAL: usize = 1 << 20;

/// Different patterns beyond that which one contract may have; as many are kept compiled, so that columns with the same
/// one share its memory.
pub(super) const KEPT: usize = 16;

/// White space and line ends of ECMA-262: the byte order mark is one of them, and next line (U+0085) is not.
const WHITE: &str = r"\t\n\x0b\x0c\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}";

static LARGE: Mutex<Vec<(String, Regex)>> = Mutex::new(Vec::new());

/// Compiles a pattern as ECMA-262 means it: `\d` and `\w` are ASCII, `\s` is its white space, a dot stops at every line
/// end, brackets within brackets are characters, `[]` never matches, and a brace that is no repetition is a character. A
/// pattern takes at most 10 MiB; the same pattern compiled again shares them.
///
/// # Errors
/// Why it cannot be used: no regular expression, look-around, back references, flags for the whole of it, or one that
/// takes too much memory.
pub fn regex(pattern: &str) -> Result<Regex, String> {
    compiled(pattern).map(|(regex, _)| regex)
}

/// The compiled pattern, and whether it takes far more memory than others.
pub(super) fn compiled(pattern: &str) -> Result<(Regex, bool), String> {
    let mut large = LARGE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, known)) = large.iter().find(|(text, _)| text == pattern) {
        return Ok((known.clone(), true));
    }
    let translated = translated(pattern).map_err(|why| unusable(pattern, &why))?;
    match build(&translated, USUAL) {
        Err(regex::Error::CompiledTooBig(_)) => {}
        built => {
            let built = built.map_err(|error| unusable(pattern, &error.to_string()))?;
            return Ok((built, false));
        }
    }
    let regex = build(&translated, BYTES).map_err(|error| unusable(pattern, &error.to_string()))?;
    if large.len() == KEPT {
        large.remove(0);
    }
    large.push((pattern.to_owned(), regex.clone()));
    Ok((regex, true))
}

fn build(translated: &str, bytes: usize) -> Result<Regex, regex::Error> {
    RegexBuilder::new(translated)
        .size_limit(bytes)
        .dfa_size_limit(bytes)
        .build()
}

fn unusable(pattern: &str, why: &str) -> String {
    // The library draws the place over several lines; the last one says what is wrong.
    let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
    format!("the pattern `{}` cannot be used: {last}", shortened(pattern))
}

fn translated(pattern: &str) -> Result<String, String> {
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
                Some('s') => text.push_str(&format!("[{WHITE}]")),
                Some('S') => text.push_str(&format!("[^{WHITE}]")),
                Some('b') if class.is_none() => text.push_str("(?-u:\\b)"),
                Some('b') => text.push_str("\\x08"),
                Some('/') => text.push('/'),
                // A letter with the control key.
                Some('c') => match characters.next() {
                    Some(letter) if letter.is_ascii_alphabetic() => {
                        text.push_str(&format!("\\x{:02x}", letter as u8 % 32));
                    }
                    _ => return Err("a letter goes behind \\c".to_owned()),
                },
                // What is named in braces.
                Some(escaped @ ('p' | 'P' | 'u' | 'x')) => {
                    text.extend(['\\', escaped]);
                    if characters.peek() == Some(&'{') {
                        for inside in characters.by_ref() {
                            text.push(inside);
                            if inside == '}' {
                                break;
                            }
                        }
                    }
                }
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
                let negated = characters.next_if_eq(&'^').is_some();
                if characters.next_if_eq(&']').is_some() {
                    // None of no characters is any; one of none is nothing.
                    text.push_str(if negated { "(?s:.)" } else { "[a&&b]" });
                    continue;
                }
                text.push_str(if negated { "[^" } else { "[" });
                class = Some('[');
            }
            (None, '{') if !is_repetition(characters.clone()) => text.push_str("\\{"),
            (None, '(') => {
                text.push('(');
                let mut ahead = characters
                    .clone()
                    .skip_while(|c| *c == '?' || *c == '-' || c.is_ascii_alphabetic());
                if characters.peek() == Some(&'?') && ahead.next() == Some(')') {
                    return Err("ECMA-262 has no flags for the rest of a pattern: write `(?i:…)`".to_owned());
                }
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
    Ok(text)
}

/// A brace that was probably meant to be a repetition and is a character: `{12$`, `{,3}`.
pub(super) fn stray_brace(pattern: &str) -> Option<&str> {
    let mut within = false;
    let mut characters = pattern.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                let escaped = characters.next();
                // The braces of `\x{20AC}` and `\p{Letter}`.
                if escaped.is_some_and(|(_, letter)| "xuUpP".contains(letter)) && characters.as_str().starts_with('{') {
                    characters.find(|(_, character)| *character == '}');
                }
            }
            '[' => within = true,
            ']' => within = false,
            '{' if !within => {
                let rest = &pattern[at + 1..];
                let begins = rest.trim_start_matches(',').starts_with(|c: char| c.is_ascii_digit());
                if begins && !is_repetition(rest.chars()) {
                    let end = rest
                        .find(|c: char| !c.is_ascii_digit() && c != ',')
                        .unwrap_or(rest.len());
                    return Some(&pattern[at..=at + end]);
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether what follows an opening brace makes it a repetition: `3}`, `3,}`, `3,5}`.
fn is_repetition(mut inside: impl Iterator<Item = char>) -> bool {
    let mut digits = 0;
    let mut commas = 0;
    loop {
        match inside.next() {
            Some(digit) if digit.is_ascii_digit() => digits += 1,
            Some(',') if digits > 0 && commas == 0 => commas += 1,
            Some('}') => return digits > 0,
            _ => return false,
        }
    }
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
        let cases: [(&str, &[&str], &[&str]); 19] = [
            (
                "^\\s$",
                &[" ", "\t", "\u{b}", "\u{a0}", "\u{2003}", "\u{2028}", "\u{feff}"],
                &["\u{85}", "\u{200b}", "x"],
            ),
            ("^[^\\s,]+\\S$", &["ab", "a\u{85}"], &["a\u{feff}", "a "]),
            ("^\\d+$", &["12"], &["١٢", ""]),
            ("^\\w$", &["a", "_"], &["ä"]),
            ("^[\\d\\-]+$", &["1-2"], &["a"]),
            ("^a.b$", &["axb"], &["a\nb", "a\rb"]),
            ("^a\\/b$", &["a/b"], &["a\\/b"]),
            ("^[[]x[&&]$", &["[x&"], &["x"]),
            ("\\<b\\>", &["<b>"], &["b"]),
            ("^[^\\d]$", &["x"], &["1"]),
            ("\\bab\\b", &["x ab y"], &["xab"]),
            ("a[]", &[], &["a", "a]"]),
            ("^a[^]$", &["ab", "a\n"], &["a"]),
            ("^\\cJ$", &["\n"], &["cJ"]),
            ("^{abc}$", &["{abc}"], &["abc"]),
            ("^a{,2}$", &["a{,2}"], &["aa"]),
            ("^a{2,}b{1}$", &["aab"], &["ab"]),
            ("^\\p{Lu}\\u0041\\x{42}$", &["ÄAB"], &["äAB"]),
            ("^(?:a|(?i:b))$", &["a", "B"], &["A"]),
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
    fn a_repetition_without_its_end_is_a_stray_brace() {
        assert_eq!(stray_brace("^[0-9a-f]{12$"), Some("{12"));
        assert_eq!(stray_brace("a{,2}"), Some("{,2"));
        for sound in ["a{2}b{1,}", "\\{12", "[{1]", "{abc}", "", "{"] {
            assert_eq!(stray_brace(sound), None, "{sound}");
        }
    }

    #[test]
    fn names_in_every_script_are_usual_and_the_same_pattern_is_compiled_once() {
        let pattern = "^[\\p{L}\\p{N}]{1,60}$";
        for _ in 0..500 {
            let names = regex(pattern).unwrap();
            assert!(names.is_match("Žofie") && names.is_match("李小龍") && !names.is_match("a b"));
        }
        assert!(compiled(pattern).unwrap().1 && !compiled("^[A-Z]{2}[0-9]{10}$").unwrap().1);
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
            "(?i)a",
            "\\c1",
        ] {
            assert!(regex(pattern).is_err(), "{pattern}");
        }
    }
}
