//! What MySQL, SQL Server, Oracle and Redshift write in definitions of tables and the parser does not know: it is
//! covered with blanks, so that places stay, and named; or written in words that the parser knows.

mod alter;
mod phrases;
#[cfg(test)]
mod tests;
mod types;

use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::import::items::{Item, Offsets, is_word, items};
use super::parser;
use crate::dialect::Dialect;

const OF_DATABASE: &str = "a contract says what holds, not how a database keeps it";
const FILLED_IN: &str = "a contract says what values are, not what a database fills in";
const ENFORCED: &str = "what a contract says is enforced";
const ALL_ROWS: &str = "a contract speaks of the rows that are there, too";

/// A text as the parser can read it.
pub(super) struct Readable {
    pub(super) text: String,
    /// The table's last name, where it stands in it.
    pub(super) table: String,
    pub(super) lost: Vec<Lost>,
}

/// What was covered and says something.
pub(super) struct Lost {
    /// Line within the text, from 1.
    pub(super) line: usize,
    /// The column or key that it is of; empty where it is of the table.
    pub(super) of: String,
    pub(super) what: String,
    pub(super) why: &'static str,
}

/// A CREATE TABLE as the parser can read it; nothing where the dialect is none of these or the text has no tokens.
pub(super) fn create_table(text: &str, dialect: Dialect) -> Option<Readable> {
    let text = opened(text, dialect)?;
    let mut editor = Editor::new(&text, dialect)?;
    let tokens = std::mem::take(&mut editor.tokens);
    let (items, behind) = items(&tokens);
    for item in &items {
        editor.item(&tokens, item);
    }
    if !items.is_empty() {
        editor.tail(&tokens[behind..]);
    }
    Some(editor.finish())
}

/// An ALTER TABLE, likewise.
pub(super) fn alter_table(text: &str, dialect: Dialect) -> Option<Readable> {
    let text = opened(text, dialect)?;
    let mut editor = Editor::new(&text, dialect)?;
    let tokens = std::mem::take(&mut editor.tokens);
    editor.alter(&tokens);
    Some(editor.finish())
}

/// A CREATE UNIQUE INDEX, likewise.
pub(super) fn create_index(text: &str, dialect: Dialect) -> Option<Readable> {
    let text = opened(text, dialect)?;
    let mut editor = Editor::new(&text, dialect)?;
    let tokens = std::mem::take(&mut editor.tokens);
    let (items, behind) = items(&tokens);
    editor.phrases(&tokens[..behind], "");
    // Which rows it is of is for the parser.
    let filtered = tokens[behind..].iter().any(|token| is_word(token, "WHERE"));
    if !items.is_empty() && !filtered && !matches!(dialect, Dialect::MySql) {
        editor.cover_named(&tokens[behind..], "", OF_DATABASE);
    }
    Some(editor.finish())
}

/// A type that SQL Server derives from another (`CREATE TYPE … FROM …`), as a domain; nothing where it is no such one.
pub(super) fn create_type(text: &str, dialect: Dialect) -> Option<Readable> {
    let text = opened(text, dialect).filter(|_| dialect == Dialect::SqlServer)?;
    let mut editor = Editor::new(&text, dialect)?;
    let tokens = std::mem::take(&mut editor.tokens);
    let from = tokens.iter().position(|token| is_word(token, "FROM"))?;
    editor.replace(tokens.get(1..2)?, "DOMAIN");
    editor.replace(&tokens[from..=from], "AS");
    let of = &tokens[from + 1..];
    editor.data_type(of, "");
    match of {
        [.., not, null] if is_word(not, "NOT") && is_word(null, "NULL") => {
            editor.cover_named(&of[of.len() - 2..], "", "limits of a domain are not followed");
        }
        [.., null] if is_word(null, "NULL") => editor.cover(&of[of.len() - 1..]),
        _ => {}
    }
    Some(editor.finish())
}

/// A type alone, likewise.
pub(super) fn data_type(text: &str, dialect: Dialect) -> Option<Readable> {
    let text = opened(text, dialect)?;
    let mut editor = Editor::new(&text, dialect)?;
    let tokens = std::mem::take(&mut editor.tokens);
    editor.data_type(&tokens, "");
    Some(editor.finish())
}

/// The text with MySQL's comments open whose words are to be read (`/*!50100 … */`); nothing in other dialects.
fn opened(text: &str, dialect: Dialect) -> Option<String> {
    match dialect {
        Dialect::MySql => {}
        Dialect::SqlServer | Dialect::Oracle | Dialect::Redshift => return Some(text.to_owned()),
        _ => return None,
    }
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"' | b'`') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if quote != b'`' && bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'/' if bytes[at..].starts_with(b"/*!") => {
                let digits = bytes[at + 3..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                let begin = at + 3 + digits;
                if let Some(length) = bytes[begin..].windows(2).position(|pair| pair == b"*/") {
                    bytes[at..begin].fill(b' ');
                    bytes[begin + length..begin + length + 2].fill(b' ');
                }
                at = begin;
            }
            _ => {}
        }
        at += 1;
    }
    String::from_utf8(bytes).ok()
}

/// A stretch of bytes and what stands there instead.
struct Edit {
    from: usize,
    to: usize,
    /// Blanks, where there is nothing.
    instead: Option<String>,
}

struct Editor<'t> {
    text: &'t str,
    dialect: Dialect,
    tokens: Vec<TokenWithSpan>,
    offsets: Offsets,
    edits: Vec<Edit>,
    lost: Vec<Lost>,
    table: String,
}

impl<'t> Editor<'t> {
    fn new(text: &'t str, dialect: Dialect) -> Option<Self> {
        let rules = parser(dialect);
        let tokens = Tokenizer::new(rules.as_ref(), text).tokenize_with_location().ok()?;
        let tokens: Vec<TokenWithSpan> = tokens
            .into_iter()
            .filter(|token| !matches!(token.token, Token::Whitespace(_)))
            .collect();
        Some(Self {
            text,
            dialect,
            table: table_name(&tokens),
            tokens,
            offsets: Offsets::of(text),
            edits: Vec::new(),
            lost: Vec::new(),
        })
    }

    /// The bytes from the first of these tokens to the last.
    fn bytes(&self, tokens: &[TokenWithSpan]) -> Option<(usize, usize)> {
        let (first, last) = (tokens.first()?, tokens.last()?);
        Some((self.offsets.at(first.span.start), self.offsets.at(last.span.end)))
    }

    fn shown(&self, tokens: &[TokenWithSpan]) -> &'t str {
        let text = self.text;
        self.bytes(tokens)
            .and_then(|(from, to)| text.get(from..to))
            .unwrap_or_default()
    }

    /// Covers tokens.
    fn cover(&mut self, tokens: &[TokenWithSpan]) {
        if let Some((from, to)) = self.bytes(tokens) {
            self.edits.push(Edit {
                from,
                to,
                instead: None,
            });
        }
    }

    /// Covers tokens and names them.
    fn cover_named(&mut self, tokens: &[TokenWithSpan], of: &str, why: &'static str) {
        self.name(tokens, of, why);
        self.cover(tokens);
    }

    fn name(&mut self, tokens: &[TokenWithSpan], of: &str, why: &'static str) {
        let Some((from, _)) = self.bytes(tokens) else { return };
        let what = self.shown(tokens).split_whitespace().collect::<Vec<_>>().join(" ");
        self.lost.push(Lost {
            line: self.offsets.line(from),
            of: of.to_owned(),
            what,
            why,
        });
    }

    /// Writes words in the place of tokens.
    fn replace(&mut self, tokens: &[TokenWithSpan], instead: &str) {
        if let Some((from, to)) = self.bytes(tokens) {
            self.edits.push(Edit {
                from,
                to,
                instead: Some(instead.to_owned()),
            });
        }
    }

    fn finish(mut self) -> Readable {
        self.edits.sort_by_key(|edit| (edit.from, std::cmp::Reverse(edit.to)));
        let mut text = String::with_capacity(self.text.len());
        let mut at = 0;
        for edit in &self.edits {
            // Within a stretch that is covered already.
            if edit.from < at {
                continue;
            }
            let (before, covered) = (self.text.get(at..edit.from), self.text.get(edit.from..edit.to));
            text.push_str(before.unwrap_or_default());
            match &edit.instead {
                Some(words) => text.push_str(words),
                None => text.extend(
                    covered
                        .unwrap_or_default()
                        .chars()
                        .map(|c| if c == '\n' { c } else { ' ' }),
                ),
            }
            at = edit.to;
        }
        text.push_str(self.text.get(at..).unwrap_or_default());
        self.lost.sort_by_key(|lost| lost.line);
        Readable {
            text,
            table: self.table,
            lost: self.lost,
        }
    }

    /// An item of the table's brackets: a column, a key, a check, or an index.
    fn item(&mut self, tokens: &[TokenWithSpan], item: &Item) {
        let words = &tokens[item.first..item.end];
        let Some(first) = words.first() else { return };
        if let Some(why) = self.no_column(words) {
            self.name(words, "", why);
            // With the comma before it; of the first item with the one behind it.
            let before = item.first.checked_sub(1).filter(|at| tokens[*at].token == Token::Comma);
            let behind = tokens.get(item.end).is_some_and(|token| token.token == Token::Comma);
            match (before, behind) {
                (Some(before), _) => self.cover(&tokens[before..item.end]),
                (None, true) => self.cover(&tokens[item.first..=item.end]),
                (None, false) => self.cover(words),
            }
            return;
        }
        const KEYS: [&str; 5] = ["CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"];
        let name = match &first.token {
            Token::Word(word) if !KEYS.iter().any(|key| is_word(first, key)) => word.value.clone(),
            _ => String::new(),
        };
        if !name.is_empty() {
            self.data_type(words.get(1..).unwrap_or_default(), &name);
        }
        self.phrases(words.get(1..).unwrap_or_default(), &name);
    }

    /// Why an item is none that a contract has a word for.
    fn no_column(&self, words: &[TokenWithSpan]) -> Option<&'static str> {
        let is = |at: usize, word: &str| words.get(at).is_some_and(|token| is_word(token, word));
        let found = match self.dialect {
            Dialect::MySql => ["KEY", "INDEX", "FULLTEXT", "SPATIAL"].iter().any(|word| is(0, word)),
            Dialect::SqlServer if is(1, "AS") => {
                return Some("it is computed, and of no type that is said: declare it where it is wanted");
            }
            Dialect::SqlServer => is(0, "INDEX") || (is(0, "PERIOD") && is(1, "FOR")),
            Dialect::Oracle => is(0, "SUPPLEMENTAL"),
            _ if is(0, "LIKE") => return Some("the columns of another table are not followed"),
            _ => false,
        };
        found.then_some(OF_DATABASE)
    }

    /// What stands behind the table's brackets.
    fn tail(&mut self, tokens: &[TokenWithSpan]) {
        if tokens.first().is_none_or(|first| is_word(first, "AS")) {
            return;
        }
        let comment = tokens
            .iter()
            .position(|token| self.dialect == Dialect::MySql && is_word(token, "COMMENT"));
        let Some(comment) = comment else {
            return self.cover_named(tokens, "", OF_DATABASE);
        };
        let equals = tokens.get(comment + 1).is_some_and(|token| token.token == Token::Eq);
        let behind = comment + if equals { 3 } else { 2 };
        for part in [tokens.get(..comment), tokens.get(behind..)].into_iter().flatten() {
            if !part.is_empty() {
                self.cover_named(part, "", OF_DATABASE);
            }
        }
    }
}

/// The last part of the name behind `TABLE`.
pub(super) fn table_name(tokens: &[TokenWithSpan]) -> String {
    let behind = tokens.iter().position(|token| is_word(token, "TABLE")).map(|at| at + 1);
    let rest = behind.and_then(|at| tokens.get(at..)).unwrap_or_default();
    let aside = |token: &&TokenWithSpan| ["IF", "NOT", "EXISTS", "ONLY"].iter().any(|word| is_word(token, word));
    let mut rest = rest.iter().skip_while(aside);
    let mut name = String::new();
    while let Some(Token::Word(word)) = rest.next().map(|token| &token.token) {
        name.clone_from(&word.value);
        if rest.next().is_none_or(|next| next.token != Token::Period) {
            break;
        }
    }
    name
}

/// The place behind the brackets that open at this one; itself, if none do.
pub(super) fn behind_brackets(tokens: &[TokenWithSpan], at: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return if index == at { at } else { index + 1 };
        }
    }
    at
}
