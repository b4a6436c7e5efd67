//! Text that others made, as it may stand in a sentence: a value of a row can hold line ends that make it look like
//! another line, sequences that a terminal obeys, and marks that turn the order of letters around.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character is no letter but acts on what shows it: control characters, marks of writing direction, and line
/// ends of all kinds.
pub fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The text with every such character written out (`\n`, `\u{1b}`).
pub fn plain(text: &str) -> Cow<'_, str> {
    plain_but(text, |_| false)
}

/// The same, with those left as they are that `keeps` names.
pub fn plain_but(text: &str, keeps: impl Fn(char) -> bool) -> Cow<'_, str> {
    let escaped = |character: char| acts(character) && !keeps(character);
    if !text.contains(escaped) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            _ if !escaped(character) => plain.push(character),
            '\n' => plain.push_str("\\n"),
            '\r' => plain.push_str("\\r"),
            '\t' => plain.push_str("\\t"),
            // Writing to a string cannot fail.
            other => drop(write!(plain, "\\u{{{:x}}}", u32::from(other))),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_written_out_and_letters_stay() {
        assert_eq!(
            plain("a\n::error::\r\t\u{1b}[31m\u{9b}1m\u{7f}\u{202e}gpj\u{2028}"),
            r"a\n::error::\r\t\u{1b}[31m\u{9b}1m\u{7f}\u{202e}gpj\u{2028}"
        );
        assert!(matches!(plain("naïve – 東京 🦀 \\n"), Cow::Borrowed(_)));
        assert_eq!(plain_but("a\nb\u{1b}", |character| character == '\n'), "a\nb\\u{1b}");
    }
}
