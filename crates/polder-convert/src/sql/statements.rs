//! Cuts a script into statements, so that a dump with rows, functions and settings can be read for its tables alone.

/// One statement of a script, without its semicolon.
pub(super) struct Statement<'a> {
    pub(super) text: &'a str,
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    /// Its first words in upper case.
    pub(super) head: String,
}

/// The statements of a script. Text in quotes (also `$tag$ … $tag$`) and comments are not looked into; lines of `psql`
/// (`\connect …`) and the rows behind `COPY … FROM stdin` are passed over.
/// `backslash` tells whether a backslash in a text keeps the quote behind it from ending it; behind `E` it always does.
pub(super) fn statements(script: &str, backslash: bool) -> Vec<Statement<'_>> {
    let bytes = script.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let mut line = 1;
    let mut counted = 0;
    while at < bytes.len() {
        at = past_blank(script, at);
        if at >= bytes.len() {
            break;
        }
        line += bytes[counted..at].iter().filter(|byte| **byte == b'\n').count();
        counted = at;
        if bytes[at] == b'\\' {
            at = past_line(bytes, at);
            continue;
        }
        let end = end_of(script, at, backslash);
        let text = script[at..end].trim_end();
        let head = head(text);
        at = end + 1;
        if head.starts_with("COPY") && text.to_lowercase().ends_with("from stdin") {
            at = script
                .get(at..)
                .and_then(|rest| rest.find("\n\\."))
                .map_or(bytes.len(), |index| at + index + 3);
        }
        if !text.is_empty() {
            found.push(Statement { text, line, head });
        }
    }
    found
}

/// Behind white space and comments.
fn past_blank(script: &str, mut at: usize) -> usize {
    let bytes = script.as_bytes();
    loop {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        let after = past_comment(bytes, at);
        if after == at {
            return at;
        }
        at = after;
    }
}

fn past_line(bytes: &[u8], at: usize) -> usize {
    bytes[at..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |index| at + index + 1)
}

/// Behind the comment that begins here; here, if none does.
fn past_comment(bytes: &[u8], at: usize) -> usize {
    if bytes[at..].starts_with(b"--") {
        return past_line(bytes, at);
    }
    if !bytes[at..].starts_with(b"/*") {
        return at;
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
                return index;
            }
        } else {
            index += 1;
        }
    }
    bytes.len()
}

/// The place of the semicolon that ends the statement, or the script's end.
fn end_of(script: &str, mut at: usize, backslash: bool) -> usize {
    let bytes = script.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b';' => return at,
            quote @ (b'\'' | b'"' | b'`') => {
                let escapes = backslash || (quote == b'\'' && at > 0 && matches!(bytes[at - 1], b'E' | b'e'));
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if escapes && bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'$' => at = past_dollars(script, at),
            b'-' | b'/' => at = past_comment(bytes, at).max(at + 1),
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Behind a text in dollar quotes that begins here; one further, if none does.
fn past_dollars(script: &str, at: usize) -> usize {
    let rest = &script[at + 1..];
    let Some(length) = rest.find('$') else { return at + 1 };
    let tag = &rest[..length];
    if !tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return at + 1;
    }
    let mark = &script[at..at + length + 2];
    let inside = at + mark.len();
    match script[inside..].find(mark) {
        Some(index) => inside + index + mark.len(),
        // Text that does not end ends with the script.
        None => script.len(),
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
        let found: Vec<_> = statements(script, false)
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
}
