//! Changes of tables in words that the parser knows.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::import::items::{is_word, items};
use super::{ALL_ROWS, ENFORCED, Editor, FILLED_IN, behind_brackets};
use crate::dialect::Dialect;

const KEYS: [&str; 7] = [
    "CONSTRAINT",
    "PRIMARY",
    "UNIQUE",
    "FOREIGN",
    "CHECK",
    "DEFAULT",
    "PERIOD",
];

impl Editor<'_> {
    /// An ALTER TABLE.
    pub(super) fn alter(&mut self, tokens: &[TokenWithSpan]) {
        match self.dialect {
            Dialect::SqlServer => self.alter_sql_server(tokens),
            Dialect::Oracle => self.alter_oracle(tokens),
            _ => {}
        }
        self.phrases(tokens, "");
    }

    fn alter_sql_server(&mut self, tokens: &[TokenWithSpan]) {
        let word = |at: usize, word: &str| tokens.get(at).is_some_and(|token| is_word(token, word));
        for at in 0..tokens.len() {
            if word(at, "WITH") && (word(at + 1, "CHECK") || word(at + 1, "NOCHECK")) && word(at + 2, "ADD") {
                match word(at + 1, "CHECK") {
                    true => self.cover(&tokens[at..at + 2]),
                    false => self.cover_named(&tokens[at..at + 2], "", ALL_ROWS),
                }
            }
            // That a key holds is what the contract says anyway.
            if word(at, "CHECK") && word(at + 1, "CONSTRAINT") {
                return self.cover(tokens);
            }
            if word(at, "NOCHECK") && word(at + 1, "CONSTRAINT") {
                self.name(&tokens[at..], "", ENFORCED);
                return self.cover(tokens);
            }
            if word(at, "DEFAULT") && tokens.iter().skip(at).any(|token| is_word(token, "FOR")) {
                self.name(&tokens[at..], "", FILLED_IN);
                return self.cover(tokens);
            }
            let adds = word(at, "ADD") && !KEYS.iter().any(|key| word(at + 1, key));
            if adds {
                self.data_type(tokens.get(at + 2..).unwrap_or_default(), "");
            }
        }
    }

    fn alter_oracle(&mut self, tokens: &[TokenWithSpan]) {
        let verb = |verb: &str| tokens.iter().position(|token| is_word(token, verb));
        let (Some(at), brackets) = (match verb("ADD") {
            Some(add) => (Some(add), true),
            None => (verb("MODIFY"), false),
        }) else {
            return;
        };
        let open = tokens.get(at + 1).is_some_and(|token| token.token == Token::LParen);
        if brackets && open {
            let (items, _) = items(&tokens[at..]);
            let rest = &tokens[at..];
            for (index, item) in items.iter().enumerate() {
                let words = &rest[item.first..item.end];
                if index > 0 {
                    self.replace(&rest[item.first - 1..item.first], ", ADD ");
                }
                self.added(words);
            }
            self.cover(&tokens[at + 1..at + 2]);
            let end = behind_brackets(tokens, at + 1);
            self.cover(&tokens[end - 1..end]);
        } else if brackets {
            self.added(tokens.get(at + 1..).unwrap_or_default());
        } else {
            self.never_null(tokens, at, open);
        }
    }

    fn added(&mut self, words: &[TokenWithSpan]) {
        let Some(first) = words.first() else { return };
        if !KEYS.iter().any(|key| is_word(first, key)) {
            let name = match &first.token {
                Token::Word(word) => word.value.clone(),
                _ => String::new(),
            };
            self.data_type(&words[1..], &name);
        }
        self.phrases(words, "");
    }

    /// `MODIFY (c NOT NULL ENABLE)`, as `ALTER COLUMN c SET NOT NULL`.
    fn never_null(&mut self, tokens: &[TokenWithSpan], at: usize, open: bool) {
        let begin = at + if open { 2 } else { 1 };
        let end = if open {
            behind_brackets(tokens, at + 1) - 1
        } else {
            tokens.len()
        };
        let words = tokens.get(begin..end).unwrap_or_default();
        let named = words.get(1).is_some_and(|word| is_word(word, "CONSTRAINT"));
        let not = if named { 3 } else { 1 };
        let is = |at: usize, word: &str| words.get(at).is_some_and(|token| is_word(token, word));
        if !is(not, "NOT") || !is(not + 1, "NULL") {
            return;
        }
        self.replace(&tokens[at..=at], "ALTER COLUMN");
        if named {
            self.cover_named(&words[1..3], "", "such a limit has no name in a contract");
        }
        self.replace(&words[not..=not], "SET NOT");
        self.phrases(&words[not + 2..], "");
        if open {
            self.cover(&tokens[at + 1..at + 2]);
            self.cover(&tokens[end..=end]);
        }
    }
}
