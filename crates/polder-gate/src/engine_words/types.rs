//! The engine's names of types and its way to write constants, within a text.

use arrow::datatypes::DataType;

use crate::schema;

/// A text of the engine with its types as contracts name them (`decimal(10,2)` for `Decimal128(10, 2)`), and constants
/// as SQL has them (`1` for `Int64(1)`). What is in quotes stays.
pub fn types_in_words(text: &str) -> String {
    replaced(text, |rest| constant(rest).or_else(|| leading_type(rest)), bare)
}

/// A text of the engine with its constants as SQL has them, and nothing else of it changed.
pub fn constants_in_words(text: &str) -> String {
    replaced(text, constant, |word| word)
}

/// A text with what `known` finds at the beginning of its words in other words, and any other word as `bare` gives it.
fn replaced(text: &str, known: impl Fn(&str) -> Option<(String, usize)>, bare: impl Fn(&str) -> &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let in_word = is_word(before);
        let end = if !in_word && matches!(first, '\'' | '"' | '`') {
            // A quote that nothing closes is a character like others.
            rest[1..].find(first).map_or(1, |end| end + 2)
        } else if is_word(first) {
            if let Some((word, end)) = known(rest) {
                words.push_str(&word);
                before = rest[..end].chars().next_back().unwrap_or(' ');
                rest = &rest[end..];
                continue;
            }
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, behind) = rest.split_at(end);
        words.push_str(bare(word));
        before = word.chars().next_back().unwrap_or(' ');
        rest = behind;
    }
    words
}

/// The type that a text begins with, in words, and where it ends.
pub(super) fn leading_type(text: &str) -> Option<(String, usize)> {
    if !text.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    let name = text.find(|c| !is_word(c)).unwrap_or(text.len());
    let end = match text[name..].starts_with('(') {
        true => name + closing(&text[name..])?,
        false => name,
    };
    let kind: DataType = text[..end].parse().ok()?;
    Some((in_words(&kind), end))
}

/// A constant as the engine writes it: `Int64(1)`, `Utf8("x")`, `Decimal128(Some(15),2,1)`.
fn constant(text: &str) -> Option<(String, usize)> {
    let (name, rest) = text.split_once('(')?;
    let end = name.len() + closing(&text[name.len()..])?;
    let inside = &text[name.len() + 1..end - 1];
    let value = match name {
        _ if inside == "NULL" => "NULL".to_owned(),
        "Utf8" | "LargeUtf8" | "Utf8View" => format!("'{}'", inside.strip_prefix('"')?.strip_suffix('"')?),
        "Boolean" if matches!(inside, "true" | "false") => inside.to_owned(),
        "Int8" | "Int16" | "Int32" | "Int64" | "UInt8" | "UInt16" | "UInt32" | "UInt64" | "Float32" | "Float64" => {
            inside.parse::<f64>().ok()?;
            inside.to_owned()
        }
        "Decimal128" | "Decimal256" => {
            let (digits, scale) = rest.strip_prefix("Some(")?.split_once("),")?;
            let scale = scale.split_once(',')?.1.split(')').next()?.trim();
            decimal(digits, scale.parse().ok()?)?
        }
        _ => return None,
    };
    Some((value, end))
}

/// A decimal from its digits and how many of them are behind the point.
fn decimal(digits: &str, scale: usize) -> Option<String> {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    if digits.is_empty() || scale > 76 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if scale > 0 { "." } else { "" };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// Where the bracket that a text begins with is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quoted = None;
    for (place, c) in text.char_indices() {
        match (quoted, c) {
            (Some(quote), c) if c == quote => quoted = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quoted = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(place + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// A name that is written without what belongs to it.
fn bare(word: &str) -> &str {
    match word {
        "Decimal32" | "Decimal64" | "Decimal128" | "Decimal256" => "decimal",
        "Timestamp" => "timestamp",
        word => word,
    }
}

/// The type in words; also those that no contract can name and only expressions have.
fn in_words(kind: &DataType) -> String {
    match kind {
        DataType::Null => "null".to_owned(),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => "bigint".to_owned(),
        DataType::Float16 => "float".to_owned(),
        DataType::Interval(_) | DataType::Duration(_) => "interval".to_owned(),
        kind => schema::in_words(kind),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
