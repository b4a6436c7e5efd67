//! What stands inside types and the parser does not know: what fields of structs say of themselves (`NOT NULL`,
//! `COMMENT 'text'`), and DuckDB's `MAP(key, value)`.
//!
//! The words of fields are blanked before the parser sees them, so that everything keeps its place, and found again by
//! the place of the field.

use std::collections::HashMap;

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::parser;
use crate::dialect::Dialect;

/// What a field says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) required: bool,
    pub(super) comment: Option<String>,
}

/// What fields say of themselves, by the line and column of their names.
pub(super) type Fields = HashMap<(u64, u64), Words>;

/// Brackets around the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    Struct,
    Angle,
    Round,
    /// Round ones that are to be angle ones.
    Map,
}

/// A text as the parser can read it, and what its fields say; nothing where the parser can read it as it is.
pub(super) fn readable(text: &str, dialect: Dialect) -> Option<(String, Fields)> {
    if !matches!(dialect, Dialect::Spark | Dialect::BigQuery | Dialect::DuckDb) {
        return None;
    }
    let rules = parser(dialect);
    let tokens = Tokenizer::new(rules.as_ref(), text).tokenize_with_location().ok()?;
    let tokens: Vec<_> = tokens
        .into_iter()
        .filter(|token| !matches!(token.token, Token::Whitespace(_)))
        .collect();
    let changes = Walk::default().over(&tokens, dialect);
    if changes.edits.is_empty() {
        return None;
    }
    Some((edited(text, &changes.edits)?, changes.fields))
}

/// A stretch that is blanked, or the one character that stands there instead.
struct Edit {
    from: Location,
    to: Location,
    instead: Option<char>,
}

#[derive(Default)]
struct Walk {
    around: Vec<Around>,
    /// The field whose type is being read, in each struct around.
    names: Vec<(u64, u64)>,
    begins: bool,
    edits: Vec<Edit>,
    fields: Fields,
}

impl Walk {
    fn over(mut self, tokens: &[TokenWithSpan], dialect: Dialect) -> Self {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let next = tokens.get(at + 1).map(|next| &next.token);
            at += self.step(token, tokens.get(at + 1), tokens.get(at + 2), dialect, next);
        }
        self
    }

    /// Takes a token; gives how many were taken with it.
    fn step(
        &mut self,
        token: &TokenWithSpan,
        second: Option<&TokenWithSpan>,
        third: Option<&TokenWithSpan>,
        dialect: Dialect,
        next: Option<&Token>,
    ) -> usize {
        let place = (token.span.start.line, token.span.start.column);
        let in_struct = self.around.last() == Some(&Around::Struct);
        let begins = std::mem::replace(&mut self.begins, false) && in_struct;
        match &token.token {
            Token::Word(_) if begins => {
                if let Some(name) = self.names.last_mut() {
                    *name = place;
                }
                return 1;
            }
            Token::Word(word) => match (word.keyword, second, next) {
                (Keyword::STRUCT, _, Some(Token::Lt)) => {
                    self.around.push(Around::Struct);
                    self.names.push(place);
                    self.begins = true;
                    return 2;
                }
                (Keyword::ARRAY | Keyword::MAP, _, Some(Token::Lt)) => {
                    self.around.push(Around::Angle);
                    return 2;
                }
                // A type, and no list of values.
                (Keyword::MAP, Some(open), Some(Token::LParen))
                    if dialect == Dialect::DuckDb
                        && matches!(third.map(|third| &third.token), Some(Token::Word(_))) =>
                {
                    self.around.push(Around::Map);
                    self.replace(open, '<');
                    return 2;
                }
                (Keyword::NOT, Some(null), Some(Token::Word(word))) if in_struct && word.keyword == Keyword::NULL => {
                    self.words().required = true;
                    self.blank(token, null);
                    return 2;
                }
                (
                    Keyword::COMMENT,
                    Some(text),
                    Some(Token::SingleQuotedString(said) | Token::DoubleQuotedString(said)),
                ) if in_struct => {
                    self.words().comment = Some(said.clone());
                    self.blank(token, text);
                    return 2;
                }
                _ => {}
            },
            Token::Comma => self.begins = in_struct,
            Token::LParen => self.around.push(Around::Round),
            Token::RParen => {
                if self.around.last() == Some(&Around::Map) {
                    self.replace(token, '>');
                }
                self.close(&[Around::Round, Around::Map]);
            }
            Token::Gt => self.close(&[Around::Struct, Around::Angle]),
            Token::ShiftRight => {
                self.close(&[Around::Struct, Around::Angle]);
                self.close(&[Around::Struct, Around::Angle]);
            }
            _ => {}
        }
        1
    }

    fn close(&mut self, kinds: &[Around]) {
        if let Some(last) = self.around.pop_if(|last| kinds.contains(last))
            && last == Around::Struct
        {
            self.names.pop();
        }
    }

    /// What the field says that is being read.
    fn words(&mut self) -> &mut Words {
        let name = self.names.last().copied().unwrap_or_default();
        self.fields.entry(name).or_default()
    }

    fn blank(&mut self, first: &TokenWithSpan, last: &TokenWithSpan) {
        self.edits.push(Edit {
            from: first.span.start,
            to: last.span.end,
            instead: None,
        });
    }

    fn replace(&mut self, token: &TokenWithSpan, instead: char) {
        self.edits.push(Edit {
            from: token.span.start,
            to: token.span.end,
            instead: Some(instead),
        });
    }
}

/// The text after the edits, which come in its order.
fn edited(text: &str, edits: &[Edit]) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut edits = edits.iter().peekable();
    let mut here = Location { line: 1, column: 1 };
    for c in text.chars() {
        while edits.peek().is_some_and(|edit| edit.to <= here) {
            edits.next();
        }
        match edits.peek().filter(|edit| edit.from <= here) {
            None => out.push(c),
            Some(Edit { instead: Some(c), .. }) => {
                // Two of them would be one token.
                if *c == '>' && out.ends_with('>') {
                    out.push(' ');
                }
                out.push(*c);
            }
            Some(_) if c == '\n' => out.push(c),
            Some(_) => out.push(' '),
        }
        here = match c {
            '\n' => Location {
                line: here.line + 1,
                column: 1,
            },
            _ => Location {
                line: here.line,
                column: here.column + 1,
            },
        };
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::tests::{contract, imported, properties};
    use crate::{Dialect, Format, ImportOptions, export, import};

    fn column(document: &Value, object: usize, name: &str) -> Value {
        let columns = properties(document, object);
        columns
            .into_iter()
            .find(|column| column["name"] == name)
            .unwrap_or_default()
    }

    #[test]
    fn what_fields_of_structs_say_of_themselves_is_read() {
        for (dialect, script) in [
            (
                Dialect::Spark,
                "CREATE TABLE t (\n  a STRUCT<x: INT NOT NULL COMMENT 'It''s\nx > y, NOT NULL', `not`: STRING, m: MAP<STRING, \
             DECIMAL(5,2)>> NOT NULL,\n  l ARRAY<STRUCT<y: STRUCT<z: INT NOT NULL>>> COMMENT 'L',\n  b INT)",
            ),
            (
                Dialect::BigQuery,
                "CREATE TABLE t (a STRUCT<x INT64 NOT NULL, `not` STRING, m ARRAY<STRING>> NOT NULL, l ARRAY<STRUCT<y \
             STRUCT<z INT64 NOT NULL>>>, b INT64)",
            ),
        ] {
            let (document, losses) = imported(Format::Sql(dialect), script);
            assert_eq!(losses, [""; 0], "{dialect}");
            let a = column(&document, 0, "a");
            assert_eq!(a["required"], true);
            let required = |property: &Value| property.get("required").is_some();
            let said: Vec<bool> = a["properties"].as_array().unwrap().iter().map(required).collect();
            assert_eq!(said, [true, false, false], "{dialect}");
            if dialect == Dialect::Spark {
                assert_eq!(a["properties"][0]["description"], "It's\nx > y, NOT NULL");
                assert_eq!(column(&document, 0, "l")["description"], "L");
            }
            let y = &column(&document, 0, "l")["items"]["properties"][0];
            assert_eq!((required(y), required(&y["properties"][0])), (false, true), "{dialect}");
            assert!(!required(&column(&document, 0, "b")));
        }
        // A mistake behind such a field is told at its own place.
        let error = import(
            Format::Sql(Dialect::Spark),
            "CREATE TABLE t (a STRUCT<x: INT NOT NULL>, b INT INT)",
            &ImportOptions::default(),
        )
        .unwrap_err();
        let found = &error.diagnostics()[0];
        assert_eq!(found.span.map(|span| span.column), Some(50), "{found:?}");
        let (document, _) = imported(
            Format::Dbt(Dialect::Spark),
            "models: [{name: m, columns: [{name: c, data_type: 'struct<x: int not null>'}]}]",
        );
        assert_eq!(column(&document, 0, "c")["properties"][0]["required"], true);
    }

    #[test]
    fn what_fields_of_structs_are_is_read_and_written() {
        for (dialect, script) in [
            (
                Dialect::BigQuery,
                "CREATE TABLE t (s STRUCT<a STRING NOT NULL OPTIONS(description=\"The \\\"key\\\".\"), b INT64>, l \
                 ARRAY<STRUCT<c DATE OPTIONS(description='When.')>>)",
            ),
            (
                Dialect::Spark,
                "CREATE TABLE t (s STRUCT<a: STRING NOT NULL COMMENT 'The \"key\".', b: BIGINT>, l ARRAY<STRUCT<c: DATE \
                 COMMENT 'When.'>>)",
            ),
        ] {
            let (document, losses) = imported(Format::Sql(dialect), script);
            assert_eq!(losses, [""; 0], "{dialect}");
            let a = &column(&document, 0, "s")["properties"][0];
            assert_eq!(a["description"], "The \"key\".", "{dialect}");
            assert_eq!(a["required"], true, "{dialect}");
            assert_eq!(
                column(&document, 0, "l")["items"]["properties"][0]["description"],
                "When.",
                "{dialect}"
            );
            let exported = export(&contract(&document.to_string()), None, Format::Sql(dialect)).unwrap();
            let (back, losses) = imported(Format::Sql(dialect), &exported.value);
            assert_eq!(back["schema"], document["schema"], "{}", exported.value);
            assert_eq!(losses, [""; 0], "{dialect}");
            let lost: Vec<&str> = exported.losses.iter().map(|loss| loss.path.as_str()).collect();
            assert!(!lost.iter().any(|path| path.starts_with("schema")), "{lost:?}");
        }
        // Other options have no place.
        let (_, losses) = imported(
            Format::Sql(Dialect::BigQuery),
            "CREATE TABLE t (s STRUCT<a STRING OPTIONS(rounding_mode=\"ROUND_HALF_EVEN\")>)",
        );
        assert_eq!(losses.len(), 1, "{losses:?}");
    }

    #[test]
    fn a_type_that_is_cast_to_says_nothing_of_its_fields() {
        let script = "CREATE TABLE t (s STRUCT<a: INT NOT NULL COMMENT 'A.'>)";
        let (document, _) = imported(Format::Sql(Dialect::Spark), script);
        let exported = export(&contract(&document.to_string()), None, Format::Dbt(Dialect::Spark)).unwrap();
        assert!(exported.value.contains("STRUCT<a: INT>"), "{}", exported.value);
    }

    #[test]
    fn maps_of_duckdb_are_maps_both_ways() {
        let script = "CREATE TABLE t (m MAP(VARCHAR, INTEGER), n MAP(VARCHAR, MAP(VARCHAR, DECIMAL(5,2)))[], \
                  s STRUCT(k MAP(BIGINT, STRUCT(a DATE))), h HUGEINT, l INTEGER DEFAULT map([1], [2])[1])";
        let (document, losses) = imported(Format::Sql(Dialect::DuckDb), script);
        let of = |name: &str| column(&document, 0, name);
        assert_eq!(of("m")["map"]["value"]["logicalType"], "integer");
        assert_eq!(of("n")["logicalType"], "array");
        assert_eq!(
            of("n")["items"]["map"]["value"]["map"]["value"]["physicalType"],
            "decimal(5,2)"
        );
        assert_eq!(of("s")["properties"][0]["map"]["value"]["properties"][0]["name"], "a");
        assert!(losses.contains(&"line 1: t.h: HUGEINT".to_owned()), "{losses:?}");
        assert!(!losses.iter().any(|loss| loss.contains("MAP")), "{losses:?}");
        let exported = export(&contract(&document.to_string()), None, Format::Sql(Dialect::DuckDb)).unwrap();
        for text in [
            "m MAP(VARCHAR, INTEGER)",
            "n MAP(VARCHAR, MAP(VARCHAR, DECIMAL(5, 2)))[]",
            "s STRUCT(k MAP(BIGINT, STRUCT(a DATE)))",
        ] {
            assert!(exported.value.contains(text), "{text}\n{}", exported.value);
        }
    }
}
