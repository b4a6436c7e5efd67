//! Operators that do not take the types that stand beside them.

use super::types::{leading_type, types_in_words};
use super::{Said, between};

/// The sentence for an operator between types that it does not take.
pub(super) fn said(text: &str) -> Option<Said> {
    if let Some(rest) = between(text, "Cannot coerce arithmetic expression ", " to valid types") {
        let (left, operator, right) = operands(rest)?;
        return Some(apart(
            format!("`{operator}` does not work on {left} and {right}"),
            &[left, right],
        ));
    }
    if let Some(rest) = text.strip_prefix("Cannot infer common argument type for comparison operation ") {
        let (left, operator, right) = operands(rest)?;
        return Some(apart(
            format!("`{operator}` cannot compare {left} with {right}"),
            &[left, right],
        ));
    }
    if let Some(rest) = text.strip_prefix("Invalid comparison operation: ") {
        let (left, _, right) = operands(rest)?;
        return Some(apart(format!("{left} cannot be compared with {right}"), &[left, right]));
    }
    if let Some(rest) = text.strip_prefix("Cannot infer common argument type for logical boolean operation ") {
        let (left, operator, right) = operands(rest)?;
        return Some(Said::new(format!(
            "`{operator}` needs true or false on both sides, not {left} and {right}"
        )));
    }
    if let Some(rest) = text.strip_prefix("Cannot infer common type for bitwise operation ") {
        let (left, operator, right) = operands(rest)?;
        return Some(Said::new(format!(
            "`{operator}` needs whole numbers on both sides, not {left} and {right}"
        )));
    }
    if let Some(rest) = text.strip_prefix("Cannot get result type for temporal operation ") {
        let (left, operator, right) = operands(rest.split(": ").next().unwrap_or(rest))?;
        return Some(Said::new(format!("`{operator}` does not work on {left} and {right}")));
    }
    if let Some(rest) = text.strip_prefix("There isn't a common type to coerce ") {
        let (types, operator) = rest.strip_suffix(" expression")?.rsplit_once(" in ")?;
        let (left, operator_of, right) = operands(types)?;
        return (operator_of == "and")
            .then(|| Said::new(format!("`{operator}` needs text on both sides, not {left} and {right}")));
    }
    if let Some(rest) = text.strip_prefix("Unary operator 'NOT' requires a boolean expression, got ") {
        return Some(Said::new(format!(
            "`NOT` needs true or false, not {}",
            types_in_words(rest)
        )));
    }
    if text.starts_with("Unary operator '-' only supports signed numeric") {
        return Some(Said::new("`-` before a value needs a number or an interval"));
    }
    if text.starts_with("Unsupported binary operator: PGOverlap") {
        return Some(Said::new("there is no operator `&&`").with_help("write AND"));
    }
    if let Some(operator) = between(text, "Operator ", " is not yet supported") {
        return Some(Said::new(format!("there is no operator `{operator}`")));
    }
    None
}

/// Types that do not go together; plain ones can be brought together.
fn apart(message: String, types: &[String]) -> Said {
    let nested = |kind: &String| {
        ["array<", "struct<", "map<"]
            .iter()
            .any(|start| kind.starts_with(start))
    };
    match types.iter().any(nested) {
        true => Said::new(message),
        false => Said::new(message).with_help("CAST one of them to the type of the other"),
    }
}

/// `Decimal128(10, 2) + Utf8` as both types in words and what stands between them.
fn operands(text: &str) -> Option<(String, &str, String)> {
    let (left, behind) = leading_type(text)?;
    let rest = text[behind..].trim_start();
    // An operator may be several words, as `IS DISTINCT FROM` is.
    let spaces = rest.match_indices(' ').map(|(place, _)| place);
    spaces.into_iter().find_map(|place| {
        let after = &rest[place + 1..];
        let (right, end) = leading_type(after)?;
        (end == after.len()).then(|| (left.clone(), &rest[..place], right))
    })
}
