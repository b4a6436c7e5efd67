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
    fn the_nearest_name_is_a_slip_away() {
        let names = ["physicalName", "logicalType", "description"];
        assert_eq!(nearest("physcalName", names), Some("physicalName"));
        assert_eq!(nearest("physicalname", names), Some("physicalName"));
        assert_eq!(nearest("owner", names), None);
        assert_eq!(nearest(&"x".repeat(10_000_000), names), None);
    }
}
