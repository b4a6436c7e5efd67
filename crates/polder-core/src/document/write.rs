//! From nodes back to text: YAML in block style that is read back to the same values in the same order.

use super::parse::{is_number, plain};
use super::{Entry, Node, Value};

/// Keys of this length and more are written as explicit keys: YAML ends a simple key after 1,024 characters.
const LONG_KEY: usize = 1000;

/// The document as YAML, two spaces a level, with a line break at its end. Reading it gives the same values, in the same
/// order, with every digit; comments and the choice of quotes are not part of a document's values and are not kept.
pub fn write(document: &Node) -> String {
    let mut text = String::new();
    inside(&mut text, document, 0, false);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Writes a value whose first line is already begun; `level` is where its own lines begin. `after_key`: what stands
/// before it is a key, so that lists and mappings begin on the next line.
fn inside(out: &mut String, node: &Node, level: usize, after_key: bool) {
    let gap = if after_key { " " } else { "" };
    match &node.value {
        Value::List(items) if items.is_empty() => out.push_str(&format!("{gap}[]\n")),
        Value::Map(entries) if entries.is_empty() => out.push_str(&format!("{gap}{{}}\n")),
        Value::List(items) => {
            begin(out, after_key);
            for (index, item) in items.iter().enumerate() {
                if index > 0 || after_key {
                    indent(out, level);
                }
                out.push_str("- ");
                inside(out, item, level + 1, false);
            }
        }
        Value::Map(entries) => {
            begin(out, after_key);
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 || after_key {
                    indent(out, level);
                }
                pair(out, entry, level);
            }
        }
        Value::Null => out.push_str(&format!("{gap}null\n")),
        Value::Bool(value) => out.push_str(&format!("{gap}{value}\n")),
        Value::Number(text) if is_number(text) => out.push_str(&format!("{gap}{text}\n")),
        Value::Number(text) => out.push_str(&format!("{gap}{}\n", quoted(text))),
        Value::String(text) => {
            out.push_str(gap);
            if !block(out, text, level.max(1)) {
                out.push_str(&one_line(text));
                out.push('\n');
            }
        }
    }
}

fn pair(out: &mut String, entry: &Entry, level: usize) {
    let key = one_line(&entry.key);
    if key.len() < LONG_KEY {
        out.push_str(&key);
        out.push(':');
        inside(out, &entry.value, level + 1, true);
    } else {
        out.push_str("? ");
        out.push_str(&key);
        out.push('\n');
        indent(out, level);
        out.push_str(": ");
        inside(out, &entry.value, level + 1, false);
    }
}

fn begin(out: &mut String, after_key: bool) {
    if after_key {
        out.push('\n');
    }
}

fn indent(out: &mut String, level: usize) {
    out.extend(std::iter::repeat_n("  ", level));
}

/// Writes text of several lines as a literal block; tells whether it could.
fn block(out: &mut String, text: &str, level: usize) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let begins_plainly = body.starts_with(|first: char| !first.is_whitespace());
    let fits = body.contains('\n') && begins_plainly && !body.ends_with('\n') && body.chars().all(prints);
    // A line of nothing but spaces would be taken for an empty one.
    if !fits || body.lines().any(|line| !line.is_empty() && line.trim().is_empty()) {
        return false;
    }
    out.push_str(if body.len() == text.len() { "|-\n" } else { "|\n" });
    for line in body.split('\n') {
        if !line.is_empty() {
            indent(out, level);
            out.push_str(line);
        }
        out.push('\n');
    }
    true
}

fn one_line(text: &str) -> String {
    if needs_no_quotes(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Whether the text, written as it is, is read as text and as nothing more. Narrower than YAML allows, so that every
/// reader agrees.
fn needs_no_quotes(text: &str) -> bool {
    let begins = text.starts_with(|first: char| first.is_alphanumeric() || matches!(first, '_' | '/' | '$' | '('));
    let ends = text.ends_with(|last: char| !matches!(last, ' ' | ':'));
    let mut after_colon = false;
    let middle = text.chars().all(|character| {
        let colon = std::mem::replace(&mut after_colon, character == ':');
        let known = character.is_alphanumeric() || " _-./+()%$,;='@&*<>:".contains(character);
        known && !(colon && character == ' ')
    });
    begins && ends && middle && matches!(plain(text), Value::String(_)) && !reads_otherwise(text)
}

/// Words that readers of YAML 1.1 take for booleans, and what some take for a date or a sexagesimal number.
fn reads_otherwise(text: &str) -> bool {
    let word = ["yes", "no", "on", "off", "y", "n"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word));
    word || (text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '-' | ':' | '_' | 'T' | 'Z' | ' ' | '.' | '+')))
}

/// Double quotes, and escapes for everything that would not stand for itself.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            shown if prints(shown) => out.push(shown),
            other if u32::from(other) <= 0xff => out.push_str(&format!("\\x{:02X}", u32::from(other))),
            other if u32::from(other) <= 0xffff => out.push_str(&format!("\\u{:04X}", u32::from(other))),
            other => out.push_str(&format!("\\U{:08X}", u32::from(other))),
        }
    }
    out.push('"');
    out
}

/// Whether a character stands for itself in every reader: neither a control character nor a break of lines that some
/// take for one, nor a mark or a code point that is no character.
fn prints(character: char) -> bool {
    let code = u32::from(character);
    let no_character = code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code);
    character == '\n'
        || !(character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}') || no_character)
}
