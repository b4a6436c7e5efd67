//! Checks that the parser does not know, `CHECK (h MOD 2 = 0)` in MySQL: they are named, and covered with blanks so that
//! the table is read all the same and all places stay.

use sqlparser::dialect::Dialect as Rules;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::items::{Offsets, is_word, items};
use crate::sql::vendor::{behind_brackets, table_name};

/// A statement without such checks.
pub(super) struct Cut {
    pub(super) text: String,
    pub(super) lost: Vec<Lost>,
}

/// A check that was covered.
pub(super) struct Lost {
    /// Line within the statement, from 1.
    pub(super) line: usize,
    /// The table, and the column where the check is of one.
    pub(super) of: String,
    pub(super) what: String,
}

/// What may stand behind a check's brackets and belongs to it.
const BEHIND: [&[&str]; 7] = [
    &["NOT", "ENFORCED"],
    &["ENFORCED"],
    &["NO", "INHERIT"],
    &["NOT", "VALID"],
    &["ENABLE"],
    &["DISABLE"],
    &["NOVALIDATE"],
];

/// Covers the checks of a CREATE TABLE that the parser does not know; nothing where it knows them all.
pub(super) fn cut(statement: &str, rules: &dyn Rules) -> Option<Cut> {
    let tokens = Tokenizer::new(rules, statement).tokenize_with_location().ok()?;
    let tokens: Vec<TokenWithSpan> = tokens
        .into_iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_)))
        .collect();
    let offsets = Offsets::of(statement);
    let bytes = |from: usize, end: usize| {
        let (first, last) = (tokens.get(from)?, tokens.get(end.checked_sub(1)?)?);
        Some((offsets.at(first.span.start), offsets.at(last.span.end)))
    };
    let table = table_name(&tokens);
    let mut text = statement.as_bytes().to_vec();
    let mut lost = Vec::new();
    for item in items(&tokens).0 {
        let mut at = item.first;
        while at < item.end {
            let open = at + 1;
            let end = behind_brackets(&tokens, open).min(item.end);
            if !is_word(&tokens[at], "CHECK") || end <= open {
                at = behind_brackets(&tokens, at).max(at + 1);
                continue;
            }
            let inside = bytes(open + 1, end - 1).and_then(|(from, to)| statement.get(from..to));
            let (from, end) = (begin(&tokens, item.first, at), behind(&tokens, end));
            at = end;
            if inside.is_some_and(|inside| is_expression(inside, rules)) {
                continue;
            }
            let (shown_from, shown_to) = bytes(from, end)?;
            let column = match &tokens[item.first].token {
                Token::Word(word) if from > item.first => format!(".{}", word.value),
                _ => String::new(),
            };
            lost.push(Lost {
                line: offsets.line(shown_from),
                of: format!("{table}{column}"),
                what: statement.get(shown_from..shown_to)?.to_owned(),
            });
            // What is an item of its own goes with the comma before it; the first one with the one behind it.
            let is_comma = |at: usize| tokens.get(at).is_some_and(|token| token.token == Token::Comma);
            let whole = from == item.first && end >= item.end;
            let (from, end) = match (whole, from.checked_sub(1).filter(|before| is_comma(*before))) {
                (true, Some(before)) => (before, end),
                (true, None) if is_comma(end) => (from, end + 1),
                _ => (from, end),
            };
            let (from, to) = bytes(from, end)?;
            for byte in text.get_mut(from..to)?.iter_mut().filter(|byte| **byte != b'\n') {
                *byte = b' ';
            }
        }
    }
    // Whole tokens were covered, so that it is text still.
    let text = String::from_utf8(text).ok()?;
    (!lost.is_empty()).then_some(Cut { text, lost })
}

/// Where a check begins: at its name, if it has one.
fn begin(tokens: &[TokenWithSpan], first: usize, check: usize) -> usize {
    let named = |at: &usize| *at >= first && is_word(&tokens[*at], "CONSTRAINT");
    let before = [2, 1]
        .into_iter()
        .filter_map(|length| check.checked_sub(length))
        .find(named);
    before.unwrap_or(check)
}

/// Where what belongs to a check ends whose brackets end here.
fn behind(tokens: &[TokenWithSpan], mut at: usize) -> usize {
    let is = |at: usize, words: &[&str]| {
        let mut words = words.iter().enumerate();
        words.all(|(index, word)| tokens.get(at + index).is_some_and(|token| is_word(token, word)))
    };
    while let Some(words) = BEHIND.iter().find(|words| is(at, words)) {
        at += words.len();
    }
    at
}

fn is_expression(text: &str, rules: &dyn Rules) -> bool {
    let Ok(mut parser) = Parser::new(rules).try_with_sql(text) else {
        return false;
    };
    parser.parse_expr().is_ok() && parser.peek_token_ref().token == Token::EOF
}
