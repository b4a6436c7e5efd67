//! Descriptions in SQL Server's extended properties, where its tools keep them.

use serde_json::json;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::Reader;
use crate::dialect::Dialect;
use crate::sql::parser;

/// The parameters of the procedure in their order.
const PARAMETERS: [&str; 8] = [
    "@name",
    "@value",
    "@level0type",
    "@level0name",
    "@level1type",
    "@level1name",
    "@level2type",
    "@level2name",
];

impl Reader<'_> {
    /// Takes the description of a table or column; gives whether the statement was one.
    pub(super) fn extended_property(&mut self, statement: &str, head: &str) -> bool {
        let is_one = self.dialect == Dialect::SqlServer && head.contains("SP_ADDEXTENDEDPROPERTY");
        let Some(given) = is_one.then(|| arguments(statement)).flatten() else {
            return false;
        };
        let [name, Some(text), _, _, of, Some(table), inner, column] = &given else {
            return false;
        };
        let is = |given: &Option<String>, word: &str| given.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(word));
        if !is(name, "MS_Description") || !is(of, "table") {
            return false;
        }
        let Some(found) = self.find(table) else { return false };
        let element = match column {
            None => Some(&mut found.object),
            Some(column) if is(inner, "column") => {
                let at = found.position(column);
                at.and_then(|at| found.columns.get_mut(at))
            }
            Some(_) => None,
        };
        let Some(element) = element else { return false };
        element.insert("description".to_owned(), json!(text));
        true
    }
}

/// What the procedure is given, by name or in its order; nothing where that is no plain text.
fn arguments(statement: &str) -> Option<[Option<String>; 8]> {
    let rules = parser(Dialect::SqlServer);
    let tokens: Vec<Token> = Tokenizer::new(rules.as_ref(), statement)
        .tokenize()
        .ok()?
        .into_iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .collect();
    let begin = tokens.iter().position(
        |token| matches!(token, Token::Word(word) if word.value.eq_ignore_ascii_case("sp_addextendedproperty")),
    )?;
    let mut given: [Option<String>; 8] = Default::default();
    for (index, argument) in tokens[begin + 1..].split(|token| *token == Token::Comma).enumerate() {
        let (at, value) = match argument {
            [value] => (index, value),
            [Token::Word(name), Token::Eq, value] => {
                let known = |parameter: &&str| parameter.eq_ignore_ascii_case(&name.value);
                (PARAMETERS.iter().position(known)?, value)
            }
            _ => return None,
        };
        let text = match value {
            Token::SingleQuotedString(text) | Token::NationalStringLiteral(text) => Some(text.clone()),
            Token::Word(word) if word.value.eq_ignore_ascii_case("null") => None,
            Token::Word(word) => Some(word.value.clone()),
            _ => return None,
        };
        *given.get_mut(at)? = text;
    }
    Some(given)
}
