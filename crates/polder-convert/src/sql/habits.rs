//! How scripts of each dialect are cut, and what in them is their client's.

use super::routine::is_routine;
use super::statements::End;
use crate::dialect::Dialect;

/// Behind Oracle's `q'[…]'`, whose quote is here.
pub(super) fn past_alternative_quote(script: &str, at: usize) -> End {
    let open = script[at + 1..].chars().next().unwrap_or('\'');
    let close = match open {
        '[' => ']',
        '(' => ')',
        '{' => '}',
        '<' => '>',
        other => other,
    };
    let inside = at + 1 + open.len_utf8();
    match script.get(inside..).and_then(|rest| rest.find(&format!("{close}'"))) {
        Some(length) => End {
            at: inside + length + close.len_utf8() + 1,
            open: None,
            ended: true,
        },
        None => End {
            at: script.len(),
            open: Some(at),
            ended: false,
        },
    }
}

/// A statement of Oracle with each `q'[it's]'` written as `'it''s'`, which every parser knows.
pub(super) fn with_plain_quotes(text: &str) -> String {
    let habits = Habits::of(Dialect::Oracle);
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let (mut copied, mut at) = (0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'\'' if habits.is_alternative_quote(text, at) => {
                let open = text[at + 1..].chars().next().map_or(0, char::len_utf8);
                let end = past_alternative_quote(text, at).at;
                let Some(inside) = text.get(at + 1 + open..end.saturating_sub(1 + open)) else {
                    break;
                };
                // Without the `q`, and without an `n` before it.
                let prefix = match at >= 2 && matches!(bytes[at - 2], b'n' | b'N') {
                    true => at - 2,
                    false => at - 1,
                };
                out.push_str(&text[copied..prefix]);
                out.push_str(&format!("'{}'", inside.replace('\'', "''")));
                (copied, at) = (end, end);
            }
            quote @ (b'\'' | b'"') => {
                let close = bytes[at + 1..].iter().position(|byte| *byte == quote);
                at = close.map_or(bytes.len(), |close| at + close + 2);
            }
            _ => at += 1,
        }
    }
    out.push_str(&text[copied..]);
    out
}

/// How scripts of a dialect are cut.
pub(super) struct Habits<'s> {
    pub(super) dialect: Dialect,
    /// Whether `#` begins a comment.
    pub(super) hash: bool,
    /// What ends a statement: MySQL's client changes it.
    pub(super) delimiter: &'s str,
}

/// Words of SQL*Plus that stand on a line of their own, without a semicolon.
const OF_SQL_PLUS: [&str; 15] = [
    "REM", "REMARK", "PROMPT", "SPOOL", "WHENEVER", "DEFINE", "UNDEFINE", "ACCEPT", "SHOW", "SET", "COLUMN", "CONNECT",
    "EXIT", "PAUSE", "HOST",
];
/// With these, at the begin of a line, another statement of SQL Server begins behind a table: it needs no semicolon.
const BEHIND_TABLE: [&str; 20] = [
    "ALTER", "BEGIN", "CREATE", "DECLARE", "DELETE", "DROP", "END", "EXEC", "EXECUTE", "GRANT", "IF", "INSERT",
    "MERGE", "PRINT", "SELECT", "SET", "TRUNCATE", "UPDATE", "USE", "WAITFOR",
];

impl<'s> Habits<'s> {
    pub(super) fn of(dialect: Dialect) -> Self {
        Self {
            dialect,
            hash: dialect == Dialect::MySql,
            delimiter: ";",
        }
    }

    /// Whether a backslash keeps such a quote from ending a text.
    pub(super) fn escapes(&self, quote: u8) -> bool {
        match self.dialect {
            Dialect::Spark | Dialect::BigQuery | Dialect::Snowflake => true,
            Dialect::MySql | Dialect::Redshift => quote == b'\'' || (quote == b'"' && self.dialect == Dialect::MySql),
            _ => false,
        }
    }

    /// Whether a line that begins here is no SQL: what cuts a script into batches, or a command of its client.
    pub(super) fn is_of_the_client(&self, script: &str, at: usize) -> bool {
        if self.is_separator(script, at) {
            return true;
        }
        let word = first_words(script, at).0;
        self.dialect == Dialect::Oracle && (OF_SQL_PLUS.contains(&word.as_str()) || word.starts_with('@'))
    }

    /// Whether the line that begins here cuts the script.
    fn is_separator(&self, script: &str, at: usize) -> bool {
        let line = script[at..].lines().next().unwrap_or_default().trim();
        match self.dialect {
            Dialect::SqlServer => {
                let mut words = line.trim_end_matches(';').split_whitespace();
                words.next().is_some_and(|word| word.eq_ignore_ascii_case("go"))
                    && words.all(|word| word.bytes().all(|byte| byte.is_ascii_digit()) || word.starts_with("--"))
            }
            Dialect::Oracle => line == "/",
            _ => false,
        }
    }

    /// The delimiter that MySQL's client is told here.
    pub(super) fn new_delimiter(&self, script: &'s str, at: usize) -> Option<&'s str> {
        let line = script[at..].lines().next()?;
        let mut words = line.split_whitespace();
        let is = self.dialect == Dialect::MySql && words.next()?.eq_ignore_ascii_case("delimiter");
        words.next().filter(|_| is)
    }

    /// Whether a statement that begins at a place and has so many open brackets ends before a line.
    pub(super) fn ends_before(&self, script: &str, begin: usize, line: usize, depth: usize) -> bool {
        if !script.is_char_boundary(line) || line >= script.len() {
            return false;
        }
        if self.is_separator(script, line) {
            return true;
        }
        if self.dialect != Dialect::SqlServer || depth > 0 {
            return false;
        }
        let (first, second) = first_words(script, line);
        if matches!(first.as_str(), "CREATE" | "ALTER") && second == "TABLE" {
            return true;
        }
        if !BEHIND_TABLE.contains(&first.as_str()) {
            return false;
        }
        let own = first_words(script, begin);
        match (own.0.as_str(), own.1.as_str()) {
            ("CREATE", "TABLE") => true,
            // These change columns, too.
            ("ALTER", "TABLE") => !matches!(first.as_str(), "ALTER" | "DROP" | "SET"),
            _ => false,
        }
    }

    /// Whether a statement with these first words goes up to the batch's end: a routine of SQL Server or Oracle.
    pub(super) fn is_batch(&self, head: &str) -> bool {
        let block = matches!(head.split(' ').next(), Some("BEGIN" | "DECLARE"));
        match self.dialect {
            Dialect::SqlServer => {
                is_routine(head)
                    || ["CREATE PROC ", "ALTER PROC", "ALTER FUNCTION"]
                        .iter()
                        .any(|words| head.starts_with(words))
            }
            Dialect::Oracle => is_routine(head) || block || head.contains(" TYPE BODY "),
            _ => false,
        }
    }

    /// The end of the batch.
    pub(super) fn end_of_batch(&self, script: &str, at: usize) -> Option<End> {
        let mut line = at;
        while let Some(length) = script[line..].find('\n') {
            line += length + 1;
            if self.is_separator(script, line) {
                return Some(End {
                    at: line - 1,
                    open: None,
                    ended: true,
                });
            }
        }
        // A batch of SQL Server ends with the script; in Oracle nothing says that there is one.
        (self.dialect == Dialect::SqlServer).then_some(End {
            at: script.len(),
            open: None,
            ended: true,
        })
    }

    /// Whether the quote here is that of `q'[…]'`.
    pub(super) fn is_alternative_quote(&self, script: &str, at: usize) -> bool {
        let before = &script.as_bytes()[..at];
        let q = matches!(before.last(), Some(b'q' | b'Q'));
        let word = before.len() >= 2 && {
            let byte = before[before.len() - 2];
            (byte.is_ascii_alphanumeric() || byte == b'_') && !matches!(byte, b'n' | b'N')
        };
        q && !word
    }
}

/// The first two words from a place on, in upper case.
fn first_words(script: &str, at: usize) -> (String, String) {
    let line = script
        .get(at..)
        .and_then(|rest| rest.lines().next())
        .unwrap_or_default();
    let mut words = line
        .split(|c: char| c.is_whitespace() || c == '(' || c == ';')
        .filter(|word| !word.is_empty())
        .map(str::to_uppercase);
    (words.next().unwrap_or_default(), words.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use crate::tests::{imported, properties};
    use crate::{Dialect, Format};

    #[test]
    fn texts_in_quotes_of_oracle_are_texts() {
        let script = "CREATE TABLE t (id NUMBER(5), c VARCHAR2(5) CHECK (c IN (q'{it's}', nq'!b;!')), \
                      CHECK (c <> q'<a>' OR id > 1));
COMMENT ON TABLE t IS q'[it's; here]';
COMMENT ON COLUMN t.id IS Nq'(q''s (number))';
COMMENT ON COLUMN t.c IS 'plain q''s; text';
";
        let (document, losses) = imported(Format::Sql(Dialect::Oracle), script);
        let object = &document["schema"][0];
        assert_eq!(object["description"], "it's; here");
        let columns = properties(&document, 0);
        assert_eq!(columns[0]["description"], "q''s (number)");
        assert_eq!(columns[1]["description"], "plain q's; text");
        assert_eq!(columns[1]["quality"][0]["arguments"]["validValues"][0], "it's");
        assert_eq!(columns[1]["quality"][0]["arguments"]["validValues"][1], "b;");
        assert_eq!(object["quality"][0]["implementation"]["row"], "c <> 'a' OR id > 1");
        assert!(!losses.iter().any(|loss| loss.contains("COMMENT")), "{losses:?}");
    }
}
