//! What stands in a table's brackets, or before them, and the parser does not know: it is named, and covered with
//! blanks so that all places stay.

use sqlparser::dialect::Dialect as Rules;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::OF_DATABASE;

/// A statement without what the parser does not know.
#[derive(Default)]
pub(super) struct Cut {
    /// The statement's text, where it had any of it.
    pub(super) text: Option<String>,
    /// Line within the statement (from 1), what it was, and why it is lost.
    pub(super) lost: Vec<(usize, String, &'static str)>,
}

/// Words that such a thing begins with.
const WORDS: [&str; 6] = ["UNLOGGED", "EXCLUDE", "LIKE", "TABLESPACE", "WITH", "USING"];

/// Covers `UNLOGGED`, `EXCLUDE …`, `LIKE …` and the storage of PostgreSQL's tables.
pub(super) fn cut(statement: &str, rules: &dyn Rules) -> Cut {
    let mut cut = Cut::default();
    let upper = statement.to_ascii_uppercase();
    if !WORDS.iter().any(|word| upper.contains(word)) {
        return cut;
    }
    // What cannot be cut into tokens is told by the parser.
    let Ok(tokens) = Tokenizer::new(rules, statement).tokenize_with_location() else {
        return cut;
    };
    let tokens: Vec<TokenWithSpan> = tokens
        .into_iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_)))
        .collect();
    let offsets = Offsets::of(statement);
    let mut bytes = statement.as_bytes().to_vec();
    let mut cover = |from: Location, to: Location, shown: (usize, usize), why: &'static str| {
        let line = offsets.line(shown.0);
        cut.lost
            .push((line, statement[shown.0..shown.1].trim().to_owned(), why));
        for byte in &mut bytes[offsets.at(from)..offsets.at(to)] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    };
    if let [create, unlogged, ..] = tokens.as_slice()
        && is_word(create, "CREATE")
        && is_word(unlogged, "UNLOGGED")
    {
        let shown = (offsets.at(unlogged.span.start), offsets.at(unlogged.span.end));
        cover(unlogged.span.start, unlogged.span.end, shown, OF_DATABASE);
    }
    let (items, behind) = items(&tokens);
    for part in storage(&tokens[behind..]) {
        let (from, to) = (part[0].span.start, part[part.len() - 1].span.end);
        cover(from, to, (offsets.at(from), offsets.at(to)), OF_DATABASE);
    }
    for item in items {
        let words = &tokens[item.first..item.end];
        let Some(first) = words.first() else { continue };
        let named = words.len() > 2 && is_word(first, "CONSTRAINT");
        let why = match words.get(if named { 2 } else { 0 }) {
            Some(word) if is_word(word, "EXCLUDE") => "a contract's keys are of equal values",
            // A column can have this name; its type is no name of a table and no brackets.
            Some(word) if !named && is_word(word, "LIKE") => "the columns of another table are not followed",
            _ => continue,
        };
        let shown = (
            offsets.at(first.span.start),
            offsets.at(words[words.len() - 1].span.end),
        );
        // With the comma before it; of the first item with the one behind it.
        let from = match item.first.checked_sub(1).map(|before| &tokens[before]) {
            Some(before) if before.token == Token::Comma => before.span.start,
            _ => first.span.start,
        };
        let to = match &tokens[item.end] {
            behind if behind.token == Token::Comma && from == first.span.start => behind.span.end,
            _ => words[words.len() - 1].span.end,
        };
        cover(from, to, shown, why);
    }
    if !cut.lost.is_empty() {
        // Whole tokens were covered, so that it is text still.
        cut.text = String::from_utf8(bytes).ok();
    }
    cut
}

pub(in crate::sql) fn is_word(token: &TokenWithSpan, word: &str) -> bool {
    matches!(&token.token, Token::Word(own) if own.quote_style.is_none() && own.value.eq_ignore_ascii_case(word))
}

/// The tokens from the first of an item of the table's brackets to its comma, or the closing bracket.
pub(in crate::sql) struct Item {
    pub(in crate::sql) first: usize,
    pub(in crate::sql) end: usize,
}

/// `WITH (…)`, `TABLESPACE …` and `USING …` behind a table's brackets.
fn storage(tokens: &[TokenWithSpan]) -> Vec<&[TokenWithSpan]> {
    let mut found = Vec::new();
    let mut at = 0;
    while let [word, next, ..] = &tokens[at..] {
        // A query can have all of these words.
        if is_word(word, "AS") {
            break;
        }
        let length = if is_word(word, "WITH") && next.token == Token::LParen {
            let close = tokens[at..].iter().position(|token| token.token == Token::RParen);
            close.map(|close| close + 1)
        } else {
            let names = is_word(word, "TABLESPACE") || is_word(word, "USING");
            (names && matches!(next.token, Token::Word(_))).then_some(2)
        };
        if let Some(length) = length {
            found.push(&tokens[at..at + length]);
        }
        at += length.unwrap_or(1);
    }
    found
}

/// The items of a table's brackets, and the place behind these.
pub(in crate::sql) fn items(tokens: &[TokenWithSpan]) -> (Vec<Item>, usize) {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut first = 0;
    for (index, token) in tokens.iter().enumerate() {
        match token.token {
            Token::LParen => {
                depth += 1;
                if depth == 1 {
                    first = index + 1;
                }
            }
            Token::Comma if depth == 1 => {
                found.push(Item { first, end: index });
                first = index + 1;
            }
            Token::RParen if depth == 1 => {
                found.push(Item { first, end: index });
                return (found, index + 1);
            }
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    (Vec::new(), tokens.len())
}

/// Bytes of the parser's places.
pub(in crate::sql) struct Offsets {
    /// The byte of each character, and of the end.
    characters: Vec<usize>,
    /// The character that each line begins with.
    lines: Vec<usize>,
}

impl Offsets {
    pub(in crate::sql) fn of(text: &str) -> Self {
        let breaks = text.chars().enumerate().filter(|(_, c)| *c == '\n');
        Self {
            characters: text.char_indices().map(|(at, _)| at).chain([text.len()]).collect(),
            lines: std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect(),
        }
    }

    pub(in crate::sql) fn at(&self, place: Location) -> usize {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
        let start = self.lines.get(number(place.line)).copied().unwrap_or(usize::MAX);
        let end = self.characters.last().copied().unwrap_or_default();
        let character = start.saturating_add(number(place.column));
        self.characters.get(character).copied().unwrap_or(end)
    }

    /// The line of a byte, from 1.
    pub(in crate::sql) fn line(&self, byte: usize) -> usize {
        let character = self.characters.partition_point(|at| *at < byte);
        self.lines.partition_point(|begin| *begin <= character)
    }
}
