//! Words behind columns and keys.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::import::items::is_word;
use super::{ALL_ROWS, ENFORCED, Editor, FILLED_IN, OF_DATABASE, behind_brackets};
use crate::dialect::Dialect;

/// What stands behind a phrase and belongs to it.
#[derive(Clone, Copy)]
enum Behind {
    Nothing,
    Word,
    Brackets,
    /// Everything up to what says how a constraint is enforced.
    Storage,
}

/// The words, what belongs to them, and why they are lost; nothing where they say nothing.
type Phrase = (&'static [&'static str], Behind, Option<&'static str>);

const MYSQL: &[Phrase] = &[
    (&["COLUMN_FORMAT"], Behind::Word, Some(OF_DATABASE)),
    (&["STORAGE"], Behind::Word, Some(OF_DATABASE)),
    (&["CHARSET"], Behind::Word, Some(OF_DATABASE)),
    (&["VISIBLE"], Behind::Nothing, None),
];
const SQL_SERVER: &[Phrase] = &[
    (&["NOT", "FOR", "REPLICATION"], Behind::Nothing, Some(OF_DATABASE)),
    (&["ROWGUIDCOL"], Behind::Nothing, Some(OF_DATABASE)),
    (&["SPARSE"], Behind::Nothing, Some(OF_DATABASE)),
    (&["HIDDEN"], Behind::Nothing, Some(OF_DATABASE)),
    (&["FILESTREAM"], Behind::Nothing, Some(OF_DATABASE)),
    (
        &["GENERATED", "ALWAYS", "AS", "ROW", "START"],
        Behind::Nothing,
        Some(FILLED_IN),
    ),
    (
        &["GENERATED", "ALWAYS", "AS", "ROW", "END"],
        Behind::Nothing,
        Some(FILLED_IN),
    ),
    (&["MASKED", "WITH"], Behind::Brackets, Some(OF_DATABASE)),
    (&["ENCRYPTED", "WITH"], Behind::Brackets, Some(OF_DATABASE)),
    (&["WITH", "VALUES"], Behind::Nothing, Some(FILLED_IN)),
    (&["WITH"], Behind::Brackets, Some(OF_DATABASE)),
    (&["CLUSTERED"], Behind::Nothing, Some(OF_DATABASE)),
    (&["NONCLUSTERED"], Behind::Nothing, Some(OF_DATABASE)),
];
const ORACLE: &[Phrase] = &[
    (&["USING", "INDEX"], Behind::Storage, Some(OF_DATABASE)),
    (&["ENABLE", "NOVALIDATE"], Behind::Nothing, Some(ALL_ROWS)),
    (&["NOVALIDATE"], Behind::Nothing, Some(ALL_ROWS)),
    (&["DISABLE"], Behind::Nothing, Some(ENFORCED)),
    (&["ENABLE"], Behind::Nothing, None),
    (&["VALIDATE"], Behind::Nothing, None),
    (&["VISIBLE"], Behind::Nothing, None),
    (&["RELY"], Behind::Nothing, Some(OF_DATABASE)),
    (&["NORELY"], Behind::Nothing, Some(OF_DATABASE)),
    (&["ENCRYPT"], Behind::Nothing, Some(OF_DATABASE)),
    (&["SORT"], Behind::Nothing, Some(OF_DATABASE)),
    (&["ON", "NULL"], Behind::Nothing, Some(FILLED_IN)),
];
const REDSHIFT: &[Phrase] = &[
    (&["ENCODE"], Behind::Word, Some(OF_DATABASE)),
    (&["DISTKEY"], Behind::Nothing, Some(OF_DATABASE)),
    (&["SORTKEY"], Behind::Nothing, Some(OF_DATABASE)),
];

/// What ends the storage of a constraint's index in Oracle.
const STATES: [&str; 6] = ["ENABLE", "DISABLE", "VALIDATE", "NOVALIDATE", "RELY", "NORELY"];
/// What ends the options of an identity in Oracle that stand in no brackets.
const BEHIND_IDENTITY: [&str; 6] = ["NOT", "NULL", "CONSTRAINT", "PRIMARY", "UNIQUE", "ENABLE"];

impl Editor<'_> {
    /// Covers the phrases of the dialect in the outermost of these tokens.
    pub(super) fn phrases(&mut self, tokens: &[TokenWithSpan], of: &str) {
        let known = match self.dialect {
            Dialect::MySql => MYSQL,
            Dialect::SqlServer => SQL_SERVER,
            Dialect::Oracle => ORACLE,
            _ => REDSHIFT,
        };
        let mut at = 0;
        while at < tokens.len() {
            if tokens[at].token == Token::LParen {
                at = behind_brackets(tokens, at).max(at + 1);
                continue;
            }
            if let Some(end) = self
                .identity(tokens, at, of)
                .or_else(|| self.file_group(tokens, at, of))
            {
                at = end;
                continue;
            }
            let found = known.iter().find(|(words, behind, _)| {
                let is = words
                    .iter()
                    .enumerate()
                    .all(|(index, word)| tokens.get(at + index).is_some_and(|token| is_word(token, word)));
                let open = tokens.get(at + words.len()).map(|token| &token.token) == Some(&Token::LParen);
                is && (open || !matches!(behind, Behind::Brackets))
            });
            let Some((words, behind, why)) = found else {
                at += 1;
                continue;
            };
            let next = at + words.len();
            let end = match behind {
                Behind::Nothing => next,
                Behind::Word => next + 1,
                Behind::Brackets => behind_brackets(tokens, next),
                Behind::Storage => ends_at(tokens, next, &STATES),
            };
            let end = end.min(tokens.len());
            match why {
                Some(why) => self.cover_named(&tokens[at..end], of, why),
                None => self.cover(&tokens[at..end]),
            }
            at = end;
        }
    }

    /// How a column numbers itself.
    fn identity(&mut self, tokens: &[TokenWithSpan], at: usize, of: &str) -> Option<usize> {
        if !is_word(&tokens[at], "IDENTITY") {
            return None;
        }
        let generated = at > 0 && is_word(&tokens[at - 1], "AS");
        let end = match self.dialect {
            Dialect::Oracle if tokens.get(at + 1).map(|token| &token.token) != Some(&Token::LParen) => {
                ends_at(tokens, at + 1, &BEHIND_IDENTITY)
            }
            Dialect::Oracle | Dialect::Redshift => behind_brackets(tokens, at + 1),
            _ => return None,
        };
        let end = end.min(tokens.len());
        if generated {
            // What numbers it is named with the column.
            self.cover(&tokens[at + 1..end]);
        } else {
            self.name(&tokens[at..end], of, FILLED_IN);
            self.replace(&tokens[at..end], "NOT NULL");
        }
        Some(end)
    }

    /// `ON [PRIMARY]`, where a key's index is kept in SQL Server.
    fn file_group(&mut self, tokens: &[TokenWithSpan], at: usize, of: &str) -> Option<usize> {
        let next = tokens.get(at + 1)?;
        let action = ["DELETE", "UPDATE"].iter().any(|word| is_word(next, word));
        let index = tokens.first().is_some_and(|first| is_word(first, "CREATE"));
        if self.dialect != Dialect::SqlServer || index || action || !is_word(&tokens[at], "ON") {
            return None;
        }
        let end = behind_brackets(tokens, at + 2).min(tokens.len());
        self.cover_named(&tokens[at..end], of, OF_DATABASE);
        Some(end)
    }
}

fn ends_at(tokens: &[TokenWithSpan], from: usize, words: &[&str]) -> usize {
    let rest = tokens.get(from..).unwrap_or_default();
    let ends = |token: &TokenWithSpan| words.iter().any(|word| is_word(token, word));
    rest.iter().position(ends).map_or(tokens.len(), |length| from + length)
}
