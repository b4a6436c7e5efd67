//! The functions that expressions may call.

use std::cell::RefCell;
use std::collections::HashMap;

use cel::common::types::{CelBool, CelString, DYN_TYPE, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{Env, ExecutionError};
use regex::{Regex, RegexBuilder};

use super::budget;

/// Every function by name.
pub(super) const NAMES: [&str; 13] = [
    "bool",
    "bytes",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "type",
    "uint",
];

/// Compiled patterns may take so many bytes.
const PATTERN_BYTES: usize = 1 << 18;
/// What a pattern that is seen for the first time costs: compiling it takes about as long.
const PATTERN_UNITS: u64 = 20_000;
/// Patterns that a thread keeps.
const KEPT: usize = 256;

thread_local! {
    static PATTERNS: RefCell<HashMap<String, Option<Regex>>> = RefCell::default();
}

/// CEL's standard library, with `matches` of our own (the same syntax, RE2's, with compiled patterns kept) and the
/// weighing of values.
pub(super) fn environment() -> Env {
    let mut environment = Env::stdlib().with_optional_support(false);
    let added = [
        environment.add_overload(budget::WEIGH, "weigh", vec![DYN_TYPE], budget::weigh),
        environment.add_overload("matches", "matches", vec![STRING_TYPE, STRING_TYPE], matches),
        environment.add_member_overload("matches", "matches_string", STRING_TYPE, vec![STRING_TYPE], matches),
    ];
    debug_assert!(added.iter().all(Result::is_ok), "{added:?}");
    environment
}

/// Whether the pattern occurs in the text.
fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = |index: usize| -> Option<&str> {
        let value = arguments.get(index)?;
        value.downcast_ref::<CelString>().map(CelString::inner)
    };
    let (Some(text), Some(pattern)) = (text(0), text(1)) else {
        return Err(ExecutionError::missing_argument_or_target());
    };
    budget::spend(1 + text.len() as u64 / 64)?;
    let found = PATTERNS.with_borrow_mut(|patterns| -> Result<Option<bool>, ExecutionError> {
        if !patterns.contains_key(pattern) {
            budget::spend(PATTERN_UNITS)?;
            if patterns.len() >= KEPT {
                patterns.clear();
            }
            let compiled = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build().ok();
            patterns.insert(pattern.to_owned(), compiled);
        }
        Ok(patterns
            .get(pattern)
            .and_then(Option::as_ref)
            .map(|pattern| pattern.is_match(text)))
    })?;
    match found {
        Some(found) => Ok(CowVal::owned(CelBool::from(found))),
        None => Err(ExecutionError::function_error(
            "matches",
            format!("`{pattern}` is no pattern that can be used"),
        )),
    }
}
