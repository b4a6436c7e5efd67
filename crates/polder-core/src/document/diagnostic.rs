//! What is wrong with a document, and where.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// A stretch of a document's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// Line of the first character, from 1.
    pub line: usize,
    /// Column of the first character in characters, from 1.
    pub column: usize,
    /// Byte offset of the first character.
    pub start: usize,
    /// Byte offset behind the last character.
    pub end: usize,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The document is refused.
    Error,
    /// The document is accepted; something about it is probably not meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The severity's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One finding in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it weighs.
    pub severity: Severity,
    /// Name of the rule, in kebab-case.
    pub code: Cow<'static, str>,
    /// What is wrong, in one line.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The document, as shown to users.
    pub file: PathBuf,
    /// The place, where there is one.
    pub span: Option<Span>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(span) = self.span {
            write!(f, ":{}:{}", span.line, span.column)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// A word of a message that is longer is shortened: a number of thousands of digits tells nobody more than its first ones.
const MOST_OF_A_WORD: usize = 300;
/// So many characters of it are kept.
const KEPT_OF_A_WORD: usize = 80;

/// A message with its longest words, which are values as they are written, cut short: `` `999…` ``.
pub fn shortened(message: String) -> String {
    let is_long = |word: &str| word.len() > MOST_OF_A_WORD && word.chars().nth(MOST_OF_A_WORD).is_some();
    if !message.split(char::is_whitespace).any(is_long) {
        return message;
    }
    let words = message.split_inclusive(char::is_whitespace).map(|word| {
        if !is_long(word.trim_end()) {
            return word.to_owned();
        }
        let head: String = word.chars().take(KEPT_OF_A_WORD).collect();
        // The quote and the colon behind it, and the blank.
        let tail = word.rfind(char::is_alphanumeric).map_or("", |last| {
            let behind = word[last..].chars().next().map_or(0, char::len_utf8);
            &word[last + behind..]
        });
        format!("{head}…{}", if tail.len() > KEPT_OF_A_WORD { "" } else { tail })
    });
    words.collect()
}

/// More names than this are not gone through for each that is wrong.
const MOST_CANDIDATES: usize = 2_000;
/// Nobody means a name by a word of so many bytes.
const LONGEST_WORD: usize = 256;

/// The candidate that `word` was probably meant to be, if one is near enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters wrong is a slip; more is another word.
    let slips = |candidate: &str| (word.chars().count().max(candidate.chars().count()) / 3).max(1);
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .take(MOST_CANDIDATES)
        // The distance costs the product of both lengths, and hostile words are long.
        .filter(|_| word.len() <= LONGEST_WORD)
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= slips(candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_thousands_of_characters_is_cut_short_in_its_message() {
        let long = |digits: usize| format!("`a.b`: `{}` is not a number", "9".repeat(digits));
        assert_eq!(
            shortened(long(5_000)),
            format!("`a.b`: `{}…` is not a number", "9".repeat(79))
        );
        assert_eq!(shortened(long(200)), long(200));
        // Bytes are no characters.
        let umlauts = format!("`{}`: no", "ü".repeat(200));
        assert_eq!(shortened(umlauts.clone()), umlauts);
        assert_eq!(shortened("ü".repeat(400)), format!("{}…", "ü".repeat(80)));
        assert_eq!(shortened("`".repeat(400)).chars().count(), 81);
        let many = "word ".repeat(1_000);
        assert_eq!(shortened(many.clone()), many);
    }

    #[test]
    fn the_nearest_name_is_a_slip_away() {
        let names = ["physicalName", "logicalType", "description"];
        assert_eq!(nearest("physcalName", names), Some("physicalName"));
        assert_eq!(nearest("physicalname", names), Some("physicalName"));
        assert_eq!(nearest("owner", names), None);
        assert_eq!(nearest(&"x".repeat(10_000_000), names), None);
    }
}
