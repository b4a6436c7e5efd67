//! Cuts a script into statements, so that a dump with rows, functions and settings can be read for its tables alone.

use super::habits::{Habits, past_alternative_quote};
use super::routine::{Body, is_routine};
use crate::dialect::Dialect;

/// One statement of a script, without its semicolon.
pub(super) struct Statement<'a> {
    pub(super) text: &'a str,
    /// The byte at which it begins.
    pub(super) start: usize,
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    /// The byte at which a text or comment begins that does not end.
    pub(super) open: Option<usize>,
    /// Its first words in upper case.
    pub(super) head: String,
}

/// The statements of a script. Text in quotes (also `$tag$ … $tag$`) and comments are not looked into; lines of `psql`
/// (`\connect …`) and the rows behind `COPY … FROM stdin` are passed over. A routine ends behind its body, whose statements are its own.
/// What else ends a statement (`GO`, `/`, another delimiter), and whether a backslash in a text keeps the quote behind it
/// from ending it, is of the dialect; behind `E` a backslash always does.
pub(super) fn statements(script: &str, dialect: Dialect) -> Vec<Statement<'_>> {
    let bytes = script.as_bytes();
    let mut habits = Habits::of(dialect);
    let mut found = Vec::new();
    let mut at = 0;
    let mut line = 1;
    let mut counted = 0;
    let mut bodies = true;
    let mut batches = true;
    while at < bytes.len() {
        let blank = past_blank(script, at, &habits);
        at = blank.at;
        if at >= bytes.len() {
            if let Some(start) = blank.open {
                let line = line_of(script, start);
                found.push(Statement {
                    text: "",
                    start,
                    line,
                    open: Some(start),
                    head: String::new(),
                });
            }
            break;
        }
        line += bytes[counted..at].iter().filter(|byte| **byte == b'\n').count();
        counted = at;
        if bytes[at] == b'\\' || habits.is_of_the_client(script, at) {
            at = past_line(bytes, at);
            continue;
        }
        if let Some(delimiter) = habits.new_delimiter(script, at) {
            habits.delimiter = delimiter;
            at = past_line(bytes, at);
            continue;
        }
        let start = at;
        let mut end = end_of(script, at, &habits, None);
        let first = head(&script[at..end.at]);
        let batch = (batches && habits.is_batch(&first)).then(|| habits.end_of_batch(script, at));
        // Where none of them ends no other one is looked for.
        batches &= batch.is_none_or(|behind| behind.is_some());
        if let Some(behind) = batch.flatten() {
            end = behind;
        } else if bodies && habits.delimiter == ";" && end.at < bytes.len() && is_routine(&first) {
            let behind = end_of(script, at, &habits, Some(Body::default()));
            // Where a body does not end its statements are taken for the script's, and no other one is looked for: each
            // costs a look at all that follows.
            bodies = behind.ended;
            if behind.ended {
                end = behind;
            }
        }
        let text = script[at..end.at].trim_end();
        let head = head(text);
        at = end.at + habits.delimiter.len();
        if head.starts_with("COPY") && text.to_lowercase().ends_with("from stdin") {
            at = script
                .get(at..)
                .and_then(|rest| rest.find("\n\\."))
                .map_or(bytes.len(), |index| at + index + 3);
        }
        if !text.is_empty() {
            found.push(Statement {
                text,
                start,
                line,
                open: end.open,
                head,
            });
        }
    }
    found
}

/// Where something ends.
#[derive(Clone, Copy)]
pub(super) struct End {
    pub(super) at: usize,
    /// Where a text or comment begins that is still open there.
    pub(super) open: Option<usize>,
    /// Whether what began has ended there, and not the script alone.
    pub(super) ended: bool,
}

fn line_of(script: &str, at: usize) -> usize {
    script.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Behind white space and comments.
fn past_blank(script: &str, mut at: usize, habits: &Habits<'_>) -> End {
    let bytes = script.as_bytes();
    loop {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        if habits.hash && bytes.get(at) == Some(&b'#') {
            at = past_line(bytes, at);
            continue;
        }
        let after = past_comment(bytes, at);
        if after.at == at || after.open.is_some() {
            return after;
        }
        at = after.at;
    }
}

fn past_line(bytes: &[u8], at: usize) -> usize {
    bytes[at..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |index| at + index + 1)
}

/// Behind the comment that begins here; here, if none does.
fn past_comment(bytes: &[u8], at: usize) -> End {
    let closed = |at| End {
        at,
        open: None,
        ended: true,
    };
    if bytes[at..].starts_with(b"--") {
        return closed(past_line(bytes, at));
    }
    if !bytes[at..].starts_with(b"/*") {
        return closed(at);
    }
    let mut index = at + 2;
    let mut depth = 1;
    while index < bytes.len() {
        if bytes[index..].starts_with(b"/*") {
            depth += 1;
            index += 2;
        } else if bytes[index..].starts_with(b"*/") {
            depth -= 1;
            index += 2;
            if depth == 0 {
                return closed(index);
            }
        } else {
            index += 1;
        }
    }
    End {
        at: bytes.len(),
        open: Some(at),
        ended: false,
    }
}

/// The place of the semicolon that ends the statement, or the script's end. Those inside of a routine's body end none.
fn end_of(script: &str, mut at: usize, habits: &Habits<'_>, mut body: Option<Body>) -> End {
    let bytes = script.as_bytes();
    let begin = at;
    let mut open = None;
    let mut depth = 0_usize;
    while at < bytes.len() {
        match bytes[at] {
            _ if habits.delimiter != ";" && bytes[at..].starts_with(habits.delimiter.as_bytes()) => {
                return End {
                    at,
                    open: None,
                    ended: true,
                };
            }
            b'\n' if habits.ends_before(script, begin, at + 1, depth) => {
                return End {
                    at,
                    open: None,
                    ended: true,
                };
            }
            b'(' | b')' if habits.dialect == Dialect::SqlServer => {
                depth = match bytes[at] {
                    b'(' => depth + 1,
                    _ => depth.saturating_sub(1),
                };
                at += 1;
            }
            b';' if habits.delimiter != ";" => at += 1,
            b'#' if habits.hash => at = past_line(bytes, at),
            b'[' if habits.dialect == Dialect::SqlServer => {
                let line = bytes[at..].iter().take_while(|byte| **byte != b'\n');
                at += line.clone().position(|byte| *byte == b']').map_or(1, |close| close + 1);
            }
            b'\'' if habits.dialect == Dialect::Oracle && habits.is_alternative_quote(script, at) => {
                let end = past_alternative_quote(script, at);
                (at, open) = (end.at, end.open);
            }
            b';' if body.as_ref().is_some_and(Body::is_open) => {
                body.iter_mut().for_each(Body::mark);
                at += 1;
            }
            b';' => {
                return End {
                    at,
                    open: None,
                    ended: true,
                };
            }
            quote @ (b'\'' | b'"' | b'`') => {
                let escapes =
                    habits.escapes(quote) || (quote == b'\'' && at > 0 && matches!(bytes[at - 1], b'E' | b'e'));
                let begin = at;
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if escapes && bytes[at] == b'\\' { 2 } else { 1 };
                }
                if at >= bytes.len() {
                    open = Some(begin);
                }
                at += 1;
            }
            b'$' if habits.dialect != Dialect::MySql => {
                let end = past_dollars(script, at);
                (at, open) = (end.at, end.open);
            }
            b'-' | b'/' => {
                let end = past_comment(bytes, at);
                (at, open) = (end.at.max(at + 1), end.open);
            }
            letter if body.is_some() && (letter.is_ascii_alphabetic() || letter == b'_') => {
                let length = bytes[at..]
                    .iter()
                    .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
                let end = length.map_or(bytes.len(), |length| at + length);
                body.iter_mut().for_each(|body| body.word(&script[at..end]));
                at = end;
            }
            _ => at += 1,
        }
    }
    End {
        at: bytes.len(),
        open,
        ended: open.is_none() && !body.as_ref().is_some_and(Body::is_open),
    }
}

/// Behind a text in dollar quotes that begins here; one further, if none does.
fn past_dollars(script: &str, at: usize) -> End {
    let none = End {
        at: at + 1,
        open: None,
        ended: true,
    };
    let rest = &script[at + 1..];
    let Some(length) = rest.find('$') else { return none };
    let tag = &rest[..length];
    let is_tag = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !tag.starts_with(|c: char| c.is_ascii_digit());
    if !is_tag {
        return none;
    }
    let mark = &script[at..at + length + 2];
    let inside = at + mark.len();
    match script[inside..].find(mark) {
        Some(index) => End {
            at: inside + index + mark.len(),
            open: None,
            ended: true,
        },
        // Text that does not end ends with the script.
        None => End {
            at: script.len(),
            open: Some(at),
            ended: false,
        },
    }
}

fn head(text: &str) -> String {
    let words = text
        .split(|c: char| c.is_whitespace() || c == '(')
        .filter(|word| !word.is_empty());
    words.take(6).map(str::to_uppercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_cut_at_its_semicolons_alone() {
        let script = "-- a; b\n\\connect x\nSET a = ';';\nCREATE FUNCTION f() AS $_$ begin; end $_$;\nCOPY t (a) FROM \
                      stdin;\n1;2\n\\.\n\n/* ; /* ; */ */ CREATE TABLE \"a;b\" (x int)";
        let found: Vec<_> = statements(script, Dialect::Postgres)
            .into_iter()
            .map(|statement| (statement.line, statement.text.to_owned()))
            .collect();
        assert_eq!(
            found,
            [
                (3, "SET a = ';'".to_owned()),
                (4, "CREATE FUNCTION f() AS $_$ begin; end $_$".to_owned()),
                (5, "COPY t (a) FROM stdin".to_owned()),
                (9, "CREATE TABLE \"a;b\" (x int)".to_owned()),
            ]
        );
    }

    #[test]
    fn a_routine_ends_behind_its_body() {
        let bodies = [
            "CREATE OR REPLACE PROCEDURE p() RETURNS int LANGUAGE SQL AS BEGIN LET x := 1; IF (x > 0) THEN RETURN 1; END IF; \
             EXCEPTION WHEN OTHER THEN RETURN 0; END",
            "CREATE PROCEDURE p() AS DECLARE x int; y int; BEGIN BEGIN TRANSACTION; SELECT CASE WHEN x > 0 THEN ';' END; \
             BEGIN; COMMIT; END",
            "create function f() returns int begin atomic select 1; begin while x > 0 do set x = 0; end while; end; \
             case x when 1 then select 2; end case; end",
            "CREATE FUNCTION f(a int) RETURNS int RETURN a + 1",
            "CREATE PROCEDURE p() BEGIN loops: LOOP LEAVE loops; END LOOP; END",
        ];
        for body in bodies {
            let script = format!("{body};\nCREATE TABLE t (x int);");
            let found: Vec<_> = statements(&script, Dialect::Postgres)
                .into_iter()
                .map(|statement| statement.text.to_owned())
                .collect();
            assert_eq!(found, [body, "CREATE TABLE t (x int)"]);
        }
        let open = statements(
            "CREATE PROCEDURE p() BEGIN SELECT 1; CREATE TABLE t (x int); SELECT 2",
            Dialect::Postgres,
        );
        assert_eq!(open.len(), 3);
    }
}
