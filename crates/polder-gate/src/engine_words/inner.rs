//! What the engine and its parser show in the form in which they hold it: `MemberOf(MemberOf { value: …`.

use super::types::types_in_words;
use super::{Said, between};

/// The sentence for a part of SQL that the engine does not know.
pub(super) fn said(text: &str) -> Option<Said> {
    let operator = text
        .strip_prefix("Unsupported SQL unary operator ")
        .or_else(|| text.strip_prefix("Unsupported binary operator: "));
    if let Some(name) = operator.and_then(name) {
        return Some(Said::new(format!("there is no operator {name}")));
    }
    let between_types = text
        .strip_prefix("Cannot infer common argument type for operation ")
        .or_else(|| text.strip_prefix("Cannot infer common string type for string concat operation "));
    if let Some(rest) = between_types {
        let words: Vec<&str> = rest.split(' ').collect();
        let at = words.iter().position(|word| !word.contains(char::is_alphanumeric))?;
        let [one, other] = [&words[..at], &words[at + 1..]].map(|words| types_in_words(&words.join(" ")));
        return Some(Said::new(format!(
            "`{}` is no operator of {one} and {other}",
            words[at]
        )));
    }
    if let Some(value) = text.strip_prefix("Unsupported Value ") {
        let name = name(value.trim_start_matches('\''))?;
        return Some(Said::new(format!("this is not supported: {name}")));
    }
    if text.ends_with(" has no type information") {
        let name = between(text, "variable [\"", "\"]")?;
        return Some(Said::new(format!("there are no variables here, such as `{name}`")));
    }
    if text.starts_with("Unsupported interval argument") {
        return Some(Said::new("an interval is written as a text: INTERVAL '1 day'"));
    }
    let node = text.strip_prefix("Unsupported ast node in sqltorel: ")?;
    // What follows the name is the inner form of the whole text.
    if let Some(column) = node
        .strip_prefix("Identifier(")
        .and_then(|node| between(node, "value: \"", "\""))
    {
        return Some(Said::new(format!("a column cannot stand there: `{column}`")));
    }
    Some(Said::new(format!("this is not supported: {}", name(node)?)))
}

/// The parser's sentence about what stands between two values and means nothing; none for others.
pub(super) fn no_operator(text: &str) -> Option<String> {
    let token = text.strip_prefix("No infix parser for token ")?;
    let place = token.rsplit_once(" at Line: ").map_or(String::new(), |(_, place)| {
        format!(" at line {}", place.replacen("Column: ", "column ", 1))
    });
    Some(match between(token, "value: \"", "\"") {
        Some(word) => format!("`{word}`{place} is no operator that is known"),
        None => format!("what stands{place} is no operator that is known"),
    })
}

/// The name that an inner form begins with, as SQL writes names: `MEMBER OF` of `MemberOf(…`.
fn name(form: &str) -> Option<String> {
    let name = form.split(|c: char| !c.is_alphanumeric()).next()?;
    let mut words = String::new();
    let mut small = false;
    for letter in name.chars() {
        if letter.is_uppercase() && small {
            words.push(' ');
        }
        small = letter.is_lowercase();
        words.extend(letter.to_uppercase());
    }
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};

    use crate::row_sql::RowSql;

    #[test]
    fn what_the_engine_does_not_know_is_told_without_its_inner_form() {
        let fields = vec![
            Field::new("qty", DataType::Int32, true),
            Field::new("code", DataType::Utf8, true),
        ];
        let contract = Schema::new(fields);
        for (sql, words) in [
            ("qty MEMBER OF (code)", "this is not supported: MEMBER OF"),
            (
                "qty DIV 2 = 1",
                "`qty DIV 2 = 1` is no expression: `DIV` at line 1, column 5 is no operator that is known",
            ),
            ("~qty = 1", "there is no operator BITWISE NOT"),
            ("qty := 1", "there is no operator ASSIGNMENT"),
            ("qty @> 1", "`@>` is no operator of int and bigint"),
            ("qty || 1 = 'x'", "`||` is no operator of int and bigint"),
            ("qty = @v", "there are no variables here, such as `@v`"),
            (
                "INTERVAL (qty, 1) > INTERVAL '1 day'",
                "an interval is written as a text: INTERVAL '1 day'",
            ),
        ] {
            let said = RowSql::compile(sql, &contract).err();
            assert_eq!(said.as_deref(), Some(words), "{sql}");
        }
    }
}
