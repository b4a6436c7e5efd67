//! Values that cannot be computed or do not become what they are cast to. Each value is in single quotes, by which it is found
//! where not everybody may see it.

use super::types::types_in_words;
use super::{Said, between};

/// The sentence for a value that there is none of.
pub(super) fn said(text: &str) -> Option<Said> {
    let text = text.trim_end_matches('.');
    if text == "Divide by zero error" || text == "Divide by zero" {
        return Some(Said::new("division by zero"));
    }
    if let Some(computed) = text.strip_prefix("Overflow happened on: ") {
        return Some(Said::new(format!("the result is out of range: '{computed}'")));
    }
    // `Int64Array overflow on abs(-9223372036854775808)`
    if let Some((array, computed)) = text.split_once(" overflow on ")
        && array.ends_with("Array")
    {
        return Some(Said::new(format!("the result is out of range: '{computed}'")));
    }
    if text.starts_with("Unable to cast to Date32 for converting") {
        return Some(Said::new("the value is no date"));
    }
    cast(text)
        .or_else(|| long(text))
        .or_else(|| parsed(text))
        .or_else(|| pattern(text))
}

/// Numbers of the text itself, which are decimals, of more digits than any decimal has.
fn long(text: &str) -> Option<Said> {
    let as_double = "a number that large or small is a double: CAST('1e200' AS DOUBLE), up to 1.8e308";
    if let Some(scale) = between(text, "Decimal scale -", " exceeds the minimum supported scale") {
        return Some(
            Said::new(format!(
                "a number with {scale} zeros at its end is too large for a decimal"
            ))
            .with_help(as_double),
        );
    }
    let digits = between(text, "Decimal precision ", " exceeds the maximum supported precision: ")?;
    let most = text.rsplit(' ').next()?;
    Some(
        Said::new(format!(
            "a number of {digits} digits is too long for a decimal, which has {most} at most"
        ))
        .with_help(as_double),
    )
}

fn cast(text: &str) -> Option<Said> {
    let is_no = |value: &str, kind: &str| {
        let kind = types_in_words(kind);
        // The engine reads texts as wider decimals than anybody asked for.
        let kind = if kind.starts_with("decimal") {
            "decimal"
        } else {
            kind.as_str()
        };
        Said::new(format!("'{value}' is no {kind}"))
    };
    for before in ["Cannot cast string '", "Cannot cast value '"] {
        if let Some((value, kind)) = text
            .strip_prefix(before)
            .and_then(|rest| rest.rsplit_once("' to value of "))
        {
            return Some(is_no(value, kind.strip_suffix(" type")?));
        }
    }
    if let Some((value, kind)) = text
        .strip_prefix("Can't cast value ")
        .and_then(|rest| rest.rsplit_once(" to type "))
    {
        return Some(Said::new(format!(
            "'{value}' does not fit into {}",
            types_in_words(kind)
        )));
    }
    if let Some((kind, value)) = text
        .strip_prefix("Cannot cast to ")
        .and_then(|rest| rest.split_once(". Overflowing on "))
    {
        return Some(Said::new(format!(
            "the number has more digits than {} holds: '{value}'",
            types_in_words(kind)
        )));
    }
    if let Some((_, precision)) = text.split_once(" is too large to store in a Decimal") {
        let digits = between(precision, " of precision ", ".")?;
        return Some(Said::new(format!("the number has more than {digits} digits")));
    }
    if let Some((from, to)) = text
        .strip_prefix("Unsupported CAST from ")
        .and_then(|rest| rest.split_once(" to "))
    {
        return Some(no_cast(from, to));
    }
    let (from, to) = text
        .strip_prefix("Casting from ")?
        .strip_suffix(" not supported")?
        .split_once(" to ")?;
    Some(no_cast(from, to))
}

fn no_cast(from: &str, to: &str) -> Said {
    let (from, to) = (types_in_words(from), types_in_words(to));
    Said::new(format!("{from} cannot be cast to {to}"))
}

/// Texts that are read as something else.
fn parsed(text: &str) -> Option<Said> {
    if let Some((value, why)) = text
        .strip_prefix("Error parsing timestamp from '")
        .and_then(|rest| rest.rsplit_once("': "))
    {
        return Some(Said::new(format!("'{value}' is no timestamp: {why}")));
    }
    if let Some(value) = text.strip_prefix("Invalid input syntax for type interval: ") {
        return Some(Said::new(format!("'{}' is no interval", value.trim_matches('"'))));
    }
    if let Some(value) = between(text, "can't parse the string value ", " to decimal") {
        return Some(Said::new(format!("'{value}' is no decimal")));
    }
    if let Some(value) = text
        .strip_prefix("parse decimal overflow (")
        .and_then(|rest| rest.strip_suffix(')'))
    {
        return Some(Said::new(format!("'{value}' has more digits than a decimal holds")));
    }
    None
}

/// A regular expression is drawn over several lines, and the last one says what is wrong with it.
fn pattern(text: &str) -> Option<Said> {
    let (_, rest) = text.split_once("regex parse error:")?;
    let (_, why) = rest.rsplit_once("error: ")?;
    let why = why.lines().next().unwrap_or_default().trim();
    Some(Said::new(format!("the pattern cannot be used: {why}")))
}
