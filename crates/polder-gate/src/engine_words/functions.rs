//! Functions that are not there or do not take what they are given.

use std::collections::BTreeSet;

use polder_core::document::nearest;
use polder_core::units::counted;

use super::nested::{no_item_of, unnested};
use super::types::{leading_type, types_in_words};
use super::{Said, between};
use crate::engine::functions;

/// Functions of other engines, with what to write here.
const ELSEWHERE: [(&str, &str); 32] = [
    ("year", "extract(year FROM …)"),
    ("month", "extract(month FROM …)"),
    ("day", "extract(day FROM …)"),
    ("hour", "extract(hour FROM …)"),
    ("minute", "extract(minute FROM …)"),
    ("second", "extract(second FROM …)"),
    ("week", "extract(week FROM …)"),
    ("quarter", "extract(quarter FROM …)"),
    ("dayofweek", "extract(dow FROM …)"),
    ("datediff", "a subtraction, as in day - other_day"),
    ("date_diff", "a subtraction, as in day - other_day"),
    ("timestampdiff", "a subtraction, as in day - other_day"),
    ("dateadd", "an addition, as in day + INTERVAL '1 day'"),
    ("date_add", "an addition, as in day + INTERVAL '1 day'"),
    ("timestampadd", "an addition, as in day + INTERVAL '1 day'"),
    ("date_sub", "a subtraction, as in day - INTERVAL '1 day'"),
    ("if", "CASE WHEN … THEN … ELSE … END"),
    ("iff", "CASE WHEN … THEN … ELSE … END"),
    ("iif", "CASE WHEN … THEN … ELSE … END"),
    ("count_if", "count(*) FILTER (WHERE …)"),
    ("countif", "count(*) FILTER (WHERE …)"),
    ("len", "length(…)"),
    ("charindex", "strpos(text, part)"),
    ("isnull", "… IS NULL"),
    ("isnotnull", "… IS NOT NULL"),
    ("size", "array_length(…)"),
    ("rlike", "regexp_like(text, pattern)"),
    ("regexp_matches", "regexp_like(text, pattern)"),
    ("regexp_full_match", "regexp_like(text, '^(…)$')"),
    ("safe_cast", "TRY_CAST(… AS …)"),
    ("explode", "unnest(…) in SELECT, which makes a row of each item"),
    ("explode_outer", "unnest(…) in SELECT, which makes a row of each item"),
];

/// The sentence for a call that cannot be.
pub(super) fn said(text: &str) -> Option<Said> {
    if let Some(name) = between(text, "Invalid function '", "'") {
        return Some(no_function(name));
    }
    if let Some(name) = between(text, "table function '", "' not found") {
        let said = Said::new(format!("there is no table function `{name}`"));
        return Some(match name.eq_ignore_ascii_case("unnest") {
            true => said.with_help(unnested("items", Some("sku"))),
            false => said,
        });
    }
    if text.starts_with("Substring without for/from is not valid") {
        return Some(Said::new("`substring` needs where to begin").with_help("write it as in substr(code, 2)"));
    }
    if let Some(kind) = between(
        text,
        "Cannot access field at argument 1: type ",
        " is not Struct, Map, or Null",
    ) {
        let kind = types_in_words(kind);
        let said = Said::new(format!(
            "there is nothing inside of {kind}: `.` and `['…']` are for structs and maps"
        ));
        return Some(match kind.starts_with("array<") {
            true => said.with_help("an item of a list is [1], and what is inside of it [1]['…']"),
            false => said,
        });
    }
    let calls = Calls::read(text);
    calls.said().or_else(|| unfit(text)).or_else(|| no_such_type(text))
}

/// A call that says only which type it does not take.
fn no_such_type(text: &str) -> Option<Said> {
    let (name, kind) = text.split_once(" does not support type")?;
    let kind = kind.trim_start_matches([':', ' ', '\'']).trim_end_matches(['.', '\'']);
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then(|| Said::new(format!("`{name}` does not take {}", types_in_words(kind))))
}

fn no_function(name: &str) -> Said {
    let said = Said::new(format!("there is no function `{name}`"));
    if let Some((_, instead)) = ELSEWHERE.iter().find(|(other, _)| name.eq_ignore_ascii_case(other)) {
        return said.with_help(format!("write {instead}"));
    }
    match nearest(name, functions().iter().map(String::as_str)) {
        Some(near) => said.with_help(format!("did you mean `{near}`?")),
        None => said,
    }
}

/// What the engine tried of one function's ways to be called.
#[derive(Default)]
struct Calls<'t> {
    name: &'t str,
    /// How many values each way takes, where they are too few or too many.
    counts: BTreeSet<usize>,
    given: usize,
    /// What a way takes, and what it was given.
    wanted: Vec<(String, String)>,
}

impl<'t> Calls<'t> {
    fn read(text: &'t str) -> Self {
        let mut calls = Self::default();
        for part in text.split("Function '").skip(1) {
            let Some((name, rest)) = part.split_once('\'') else {
                continue;
            };
            calls.name = name;
            calls.way(rest);
        }
        calls
    }

    fn way(&mut self, text: &str) {
        let number = |text: &str| {
            let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            text[..digits].parse().ok()
        };
        if let Some((wanted, given)) = text
            .strip_prefix(" expects ")
            .and_then(|rest| rest.split_once(" arguments but received "))
        {
            if let (Some(wanted), Some(given)) = (number(wanted), number(given)) {
                self.counts.insert(wanted);
                self.given = given;
            }
            return;
        }
        let wanted = text.strip_prefix(" requires ").and_then(|rest| {
            let (wanted, given) = rest.split_once(", but received ")?;
            let (_, kind) = given.split_once("(DataType: ")?;
            Some((logical(wanted), leading_type(kind)?.0))
        });
        let wanted = wanted.or_else(|| {
            let (wanted, given) = text.strip_prefix(" expects ")?.split_once(" but received ")?;
            let given = given.split(['.', ',', '\n']).next()?.trim();
            Some((logical(wanted), types_in_words(given).to_lowercase()))
        });
        self.wanted.extend(wanted);
    }

    fn said(&self) -> Option<Said> {
        let name = self.name;
        if self.wanted.is_empty() {
            let counts: Vec<String> = self.counts.iter().map(ToString::to_string).collect();
            let last = counts.last()?;
            let ways = match counts.len() {
                1 => counted(last.parse::<u64>().ok()?, "value"),
                _ => format!("{} values", counts.join(" or ")),
            };
            return Some(Said::new(format!("`{name}` takes {ways}, not {}", self.given)));
        }
        // A way that fits but for the size of a number is not what is wrong.
        let number = |kind: &str| matches!(kind, "a number" | "a whole number");
        let numeric = |kind: &str| {
            let kinds = ["tinyint", "smallint", "int", "bigint", "float", "double"];
            kinds.contains(&kind) || kind.starts_with("decimal")
        };
        let mut ways: Vec<_> = self
            .wanted
            .iter()
            .filter(|(to, from)| !(number(to) && numeric(from)))
            .collect();
        if ways.is_empty() {
            ways = self.wanted.iter().collect();
        }
        let any_number = ways.iter().any(|(wanted, _)| wanted == "a number");
        let wanted: BTreeSet<&str> = ways.iter().map(|(wanted, _)| wanted.as_str()).collect();
        let wanted: Vec<&str> = wanted
            .into_iter()
            .filter(|wanted| !(any_number && *wanted == "a whole number"))
            .collect();
        let given: BTreeSet<&str> = ways.iter().map(|(_, given)| given.as_str()).collect();
        let given: Vec<&str> = given.into_iter().collect();
        Some(Said::new(format!(
            "`{name}` takes {}, not {}",
            wanted.join(" or "),
            given.join(" or ")
        )))
    }
}

/// What the engine calls kinds of values, with an article.
fn logical(kind: &str) -> String {
    let kind = kind.trim();
    match kind {
        "String" => "a string".to_owned(),
        "Binary" => "a binary".to_owned(),
        "Boolean" => "true or false".to_owned(),
        "Date" => "a date".to_owned(),
        "Timestamp" => "a timestamp".to_owned(),
        "Duration" | "Interval" => "an interval".to_owned(),
        "Numeric" | "Decimal" | "Float" | "Float16" | "Float32" | "Float64" => "a number".to_owned(),
        "Integer" | "Int8" | "Int16" | "Int32" | "Int64" | "UInt8" | "UInt16" | "UInt32" | "UInt64" => {
            "a whole number".to_owned()
        }
        kind => types_in_words(kind),
    }
}

/// A call of which only is told that its values do not fit: all of them, and how it is called, where the engine says so.
fn unfit(text: &str) -> Option<Said> {
    let called = between(
        text,
        "No function matches the given name and argument types '",
        "'. You might",
    );
    let called = called.and_then(|call| call.strip_suffix(')')?.split_once('('));
    let named = || {
        let (name, rest) = text
            .strip_prefix("Failed to coerce arguments to satisfy a call to '")?
            .split_once("' function: coercion from ")?;
        Some((name, rest.split(" to the signature ").next()?))
    };
    let refused = || {
        let (name, why) = text
            .strip_prefix("Function '")?
            .split_once("' user-defined coercion failed with: ")?;
        Some((name, super::headless(why)))
    };
    let Some((name, given)) = called.or_else(named) else {
        let (name, why) = refused()?;
        if why.starts_with("Fail to find the coerced type") {
            return Some(Said::new(format!("`{name}` needs values of one type")));
        }
        return Some(Said::new(format!(
            "`{name}` does not take these values: {}",
            super::tidy(why)
        )));
    };
    // It is called by brackets.
    if matches!(name, "array_element" | "array_slice")
        && let Some((kind, _)) = leading_type(given)
        && !kind.starts_with("array<")
    {
        return Some(no_item_of(&kind));
    }
    let said = match given {
        "" => Said::new(format!("`{name}` needs a value")),
        given => Said::new(format!(
            "`{name}` does not take {}",
            types_in_words(given).replace(", ", " and ")
        )),
    };
    if text.contains("ArraySignature(map") {
        return Some(said.with_help(match text.contains("ArraySignature(array") {
            true => "its first value must be an array or a map",
            false => "it takes a map",
        }));
    }
    if text.contains("ArraySignature(array") {
        return Some(said.with_help("its first value must be an array, and the others fit what is in it"));
    }
    let ways = text
        .split_once("Candidate functions:")
        .map_or("", |(_, ways)| ways.trim());
    // Of many ways none helps, and some say nothing of types.
    Some(
        match !ways.is_empty() && ways.lines().count() == 1 && !ways.contains("UserDefined") && !ways.contains("Any") {
            true => said.with_help(format!("it is called as {}", types_in_words(ways))),
            false => said,
        },
    )
}
