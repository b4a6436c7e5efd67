//! What stands behind the columns of Spark's CREATE TABLE. Spark takes its clauses in any order, the parser in one.

use sqlparser::tokenizer::{Token, Tokenizer};

use super::spark::Spark;

/// The clauses behind the columns.
#[derive(Default)]
pub(super) struct Tail {
    /// The columns of `PARTITIONED BY`.
    pub(super) partitions: Vec<String>,
    /// The table's comment.
    pub(super) comment: Option<String>,
    /// Everything else, clause by clause.
    pub(super) others: Vec<String>,
}

/// Cuts a statement behind its list of columns and reads the rest; nothing where it has no such list, or where the rest
/// is more than clauses (columns of Hive's partitions with their types, a query).
pub(super) fn cut(statement: &str) -> Option<(&str, Tail)> {
    let end = columns_end(statement)?;
    let (head, rest) = statement.split_at(end);
    let tokens: Vec<Token> = Tokenizer::new(&Spark, rest)
        .tokenize()
        .ok()?
        .into_iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .collect();
    let mut tail = Tail::default();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let Token::Word(word) = token else { return None };
        let clause = word.value.to_uppercase();
        match (clause.as_str(), tokens.get(at + 1)) {
            ("COMMENT", Some(Token::SingleQuotedString(text) | Token::DoubleQuotedString(text))) => {
                tail.comment = Some(text.clone());
                at += 2;
            }
            ("USING" | "LOCATION", Some(value)) => {
                // Delta is what tables here are.
                if !value.to_string().eq_ignore_ascii_case("delta") {
                    tail.others.push(format!("{clause} {value}"));
                }
                at += 2;
            }
            ("PARTITIONED" | "CLUSTER", Some(Token::Word(by))) if by.value.eq_ignore_ascii_case("by") => {
                let (inside, next) = brackets(&tokens, at + 2)?;
                if clause == "CLUSTER" {
                    tail.others.push(format!("CLUSTER BY ({})", shown(inside)));
                } else {
                    for (index, token) in inside.iter().enumerate() {
                        match token {
                            Token::Word(name) if index % 2 == 0 => tail.partitions.push(name.value.clone()),
                            Token::Comma if index % 2 == 1 => {}
                            _ => return None,
                        }
                    }
                }
                at = next;
            }
            ("TBLPROPERTIES" | "OPTIONS", _) => {
                let (inside, next) = brackets(&tokens, at + 1)?;
                tail.others.push(format!("{clause} ({})", shown(inside)));
                at = next;
            }
            _ => return None,
        }
    }
    Some((head, tail))
}

fn shown(tokens: &[Token]) -> String {
    tokens.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The tokens within the brackets that open here, and the place behind them.
fn brackets(tokens: &[Token], at: usize) -> Option<(&[Token], usize)> {
    if tokens.get(at) != Some(&Token::LParen) {
        return None;
    }
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&tokens[at + 1..index], index + 1));
        }
    }
    None
}

/// The place behind the brackets that hold the columns.
fn columns_end(statement: &str) -> Option<usize> {
    let bytes = statement.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'(' => depth += 1,
            b')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            quote @ (b'\'' | b'"' | b'`') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}
