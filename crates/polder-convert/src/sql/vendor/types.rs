//! Types in words that the parser knows.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::import::items::is_word;
use super::{Editor, OF_DATABASE, behind_brackets};
use crate::dialect::Dialect;

const SHOWN: &str = "a contract says what numbers are, not how they are shown";

impl Editor<'_> {
    /// The type with which these tokens begin, of this column; what stands behind it is looked at where it is said of
    /// the type.
    pub(super) fn data_type(&mut self, tokens: &[TokenWithSpan], of: &str) {
        match self.dialect {
            Dialect::MySql => self.my_sql_type(tokens, of),
            Dialect::SqlServer => self.sql_server_type(tokens, of),
            Dialect::Oracle => self.oracle_type(tokens, of),
            _ => {}
        }
    }

    fn my_sql_type(&mut self, tokens: &[TokenWithSpan], of: &str) {
        let Some(first) = tokens.first() else { return };
        if is_word(first, "NATIONAL") {
            self.cover(&tokens[..1]);
            return;
        }
        let end = behind_brackets(tokens, 1);
        let attributes = tokens.get(end..).unwrap_or_default();
        let of_type = |token: &&TokenWithSpan| {
            [
                "UNSIGNED",
                "SIGNED",
                "ZEROFILL",
                "PRECISION",
                "BINARY",
                "ASCII",
                "UNICODE",
            ]
            .iter()
            .any(|word| is_word(token, word))
        };
        let attributes = &attributes[..attributes.iter().take_while(of_type).count()];
        let mut unsigned = attributes.iter().any(|token| is_word(token, "UNSIGNED"));
        for (index, token) in attributes.iter().enumerate() {
            let one = &attributes[index..=index];
            if is_word(token, "ZEROFILL") {
                self.name(one, of, SHOWN);
                // It makes the number one without a sign.
                match std::mem::replace(&mut unsigned, true) {
                    true => self.cover(one),
                    false => self.replace(one, "UNSIGNED"),
                }
            } else if is_word(token, "SIGNED") {
                self.cover(one);
            } else if ["BINARY", "ASCII", "UNICODE"].iter().any(|word| is_word(token, word)) {
                self.cover_named(one, of, OF_DATABASE);
            }
        }
        if is_word(first, "NUMERIC") && unsigned {
            self.replace(&tokens[..1], "DECIMAL");
        } else if is_word(first, "FIXED") {
            self.replace(&tokens[..1], "DEC");
        }
    }

    /// A type in square brackets is not known as one.
    fn sql_server_type(&mut self, tokens: &[TokenWithSpan], of: &str) {
        let qualified = tokens.get(1).is_some_and(|next| next.token == Token::Period);
        if let Some(Token::Word(word)) = tokens.first().map(|first| &first.token)
            && word.quote_style.is_some()
            && !qualified
        {
            self.replace(&tokens[..1], &format!(" {} ", word.value));
        }
        let is_xml =
            |token: &TokenWithSpan| matches!(&token.token, Token::Word(word) if word.value.eq_ignore_ascii_case("xml"));
        let end = behind_brackets(tokens, 1);
        if tokens.first().is_some_and(is_xml) && end > 1 {
            self.cover_named(&tokens[1..end], of, "a contract has no schemas of XML");
        }
    }

    fn oracle_type(&mut self, tokens: &[TokenWithSpan], of: &str) {
        let Some(first) = tokens.first() else { return };
        let is = |word: &str| is_word(first, word);
        let end = behind_brackets(tokens, 1);
        let inside = if end > 1 { &tokens[2..end - 1] } else { &[] };
        if ["NUMBER", "NUMERIC", "DECIMAL", "DEC"].into_iter().any(is) {
            self.digits(tokens, inside, end, of);
        } else if is("TIMESTAMP") {
            let rest = tokens.get(end..).unwrap_or_default();
            if let [with, local, ..] = rest
                && is_word(with, "WITH")
                && is_word(local, "LOCAL")
            {
                // An instant is one in any zone.
                self.cover(&rest[1..2]);
            }
        } else if is("INTERVAL") {
            let words = ["YEAR", "MONTH", "DAY", "TO", "SECOND"];
            let mut at = 1;
            while tokens
                .get(at)
                .is_some_and(|token| token.token == Token::LParen || words.iter().any(|word| is_word(token, word)))
            {
                at = behind_brackets(tokens, at).max(at + 1);
            }
            self.cover(&tokens[1..at.min(tokens.len())]);
        } else if is("LONG") && tokens.get(1).is_some_and(|next| is_word(next, "RAW")) {
            self.cover(&tokens[..1]);
        } else if ["CHAR", "VARCHAR", "CHARACTER"].into_iter().any(is)
            && let [_, unit] = inside
        {
            let known = match is_word(unit, "BYTE") {
                true => "OCTETS",
                false => "CHARACTERS",
            };
            self.replace(&inside[1..], known);
        }
    }

    /// `(*, 2)` is of all digits; `(5, -2)` of hundreds.
    fn digits(&mut self, tokens: &[TokenWithSpan], inside: &[TokenWithSpan], end: usize, of: &str) {
        let number = |token: &TokenWithSpan| match &token.token {
            Token::Number(digits, _) => digits.parse::<u32>().ok(),
            _ => None,
        };
        match inside {
            [star] if star.token == Token::Mul => self.cover(&tokens[1..end]),
            [star, ..] if star.token == Token::Mul => self.replace(&inside[..1], "38"),
            [precision, _, minus, scale] if minus.token == Token::Minus => {
                if let (Some(precision), Some(scale)) = (number(precision), number(scale)) {
                    let why = "a contract's decimals are not rounded before the point";
                    self.name(&tokens[..end], of, why);
                    self.replace(inside, &precision.saturating_add(scale).to_string());
                }
            }
            _ => {}
        }
    }
}
