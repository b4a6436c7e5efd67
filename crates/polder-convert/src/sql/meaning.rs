//! Expressions whose words mean another thing to the engine that runs a contract's rules than to the database that they
//! were written for.

use std::collections::HashSet;
use std::ops::ControlFlow;

use serde_json::{Map, Value};
use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, Value as Literal, visit_expressions_mut,
};

use super::{functions, moments};
use crate::dialect::Dialect;

/// Why a condition of a text is not taken over.
const NO_CASE: &str = "its patterns ignore case, and those of a contract do not";

/// The expression as the rules' engine writes what it means in its dialect.
///
/// # Errors
/// Why nothing can be written that means the same.
pub(super) fn translated(expr: &Expr, dialect: Dialect, columns: &[Map<String, Value>]) -> Result<Expr, String> {
    let mut expr = expr.clone();
    let fractions: HashSet<String> = columns
        .iter()
        .filter(|column| column.get("logicalType").is_some_and(|kind| kind == "number"))
        .filter_map(|column| Some(column.get("name")?.as_str()?.to_lowercase()))
        .collect();
    let dates = moments::moments(columns);
    match visit_expressions_mut(&mut expr, |part| {
        let translated = functions::refuse_others(part, dialect)
            .and_then(|()| moments::refuse_numbers(part, dialect, &dates))
            .and_then(|()| translate(part, dialect, &fractions));
        match translated {
            Ok(()) => ControlFlow::Continue(()),
            Err(why) => ControlFlow::Break(why),
        }
    }) {
        ControlFlow::Continue(()) => Ok(expr),
        ControlFlow::Break(why) => Err(why),
    }
}

fn translate(part: &mut Expr, dialect: Dialect, fractions: &HashSet<String>) -> Result<(), String> {
    respelled(part);
    match part {
        Expr::Like { pattern, .. }
            if dialect == Dialect::SqlServer && text(pattern).is_none_or(|text| text.contains('[')) =>
        {
            return Err("classes of characters stand in no pattern of a contract's LIKE: write c ~ '[a-z]'".to_owned());
        }
        Expr::Like { .. } | Expr::RLike { .. } if matches!(dialect, Dialect::MySql) => return Err(NO_CASE.to_owned()),
        Expr::BinaryOp {
            op: BinaryOperator::StringConcat | BinaryOperator::Xor | BinaryOperator::BitwiseXor,
            ..
        } if dialect == Dialect::MySql => return Err("it is another operator in rules".to_owned()),
        Expr::SimilarTo {
            negated,
            expr,
            pattern,
            escape_char,
        } => {
            let escape = escape_char.as_ref().map(|text| text.value.clone());
            let regex = text(pattern).and_then(|text| match (dialect, escape) {
                (Dialect::DuckDb, None) => Some(whole(text)),
                (Dialect::DuckDb, Some(_)) => None,
                (_, Some(Literal::SingleQuotedString(escape))) => similar(text, escape.chars().next()),
                (_, Some(_)) => None,
                (Dialect::Postgres, None) => similar(text, Some('\\')),
                (_, None) => similar(text, None),
            });
            let regex = regex.ok_or("its pattern of SIMILAR TO has no counterpart")?;
            *part = matches(expr, *negated, regex);
        }
        Expr::RLike {
            negated, expr, pattern, ..
        } => {
            let regex = text(pattern).ok_or("its pattern is no text")?;
            let regex = match dialect {
                Dialect::Snowflake => whole(regex),
                _ => regex.to_owned(),
            };
            *part = matches(expr, *negated, regex);
        }
        // DuckDB's is of the whole text.
        Expr::BinaryOp { left, op, right }
            if dialect == Dialect::DuckDb
                && matches!(op, BinaryOperator::PGRegexMatch | BinaryOperator::PGRegexNotMatch) =>
        {
            let regex = whole(text(right).ok_or("its pattern is no text")?);
            *part = matches(left, *op == BinaryOperator::PGRegexNotMatch, regex);
        }
        Expr::BinaryOp {
            op: BinaryOperator::PGExp,
            ..
        } => return Err("`^` is another operator in rules: write power(a, b)".to_owned()),
        Expr::BinaryOp {
            op: BinaryOperator::BitwiseXor,
            ..
        } if dialect == Dialect::DuckDb => {
            return Err("`^` is another operator in rules: write power(a, b)".to_owned());
        }
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Divide,
            right,
        } if divides_as_fractions(dialect) && !is_fraction(left, fractions) && !is_fraction(right, fractions) => {
            let dividend = std::mem::replace(left.as_mut(), nothing());
            **left = Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(dividend),
                data_type: DataType::Double(ExactNumberInfo::None),
                array: false,
                format: None,
            };
            // There a division by zero is null, which breaks no check.
            if matches!(dialect, Dialect::DuckDb | Dialect::Spark | Dialect::MySql) && !is_number_but_zero(right) {
                let divisor = std::mem::replace(right.as_mut(), nothing());
                **right = null_if_zero(divisor);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Writes names and texts with the quotes that rules have for them.
fn respelled(part: &mut Expr) {
    let respell = |name: &mut Ident| {
        if matches!(name.quote_style, Some('`' | '[')) {
            name.quote_style = Some('"');
        }
    };
    match part {
        Expr::Identifier(name) => respell(name),
        Expr::CompoundIdentifier(names) => names.iter_mut().for_each(respell),
        Expr::Value(value) => {
            let text = match &value.value {
                Literal::DoubleQuotedString(text) | Literal::NationalStringLiteral(text) => text,
                Literal::QuoteDelimitedStringLiteral(text) | Literal::NationalQuoteDelimitedStringLiteral(text) => {
                    &text.value
                }
                _ => return,
            };
            value.value = Literal::SingleQuotedString(text.clone());
        }
        // The date in `{d '2026-01-31'}`.
        Expr::TypedString(typed) => typed.uses_odbc_syntax = false,
        // The character set of a text (`_utf8mb4'x'`).
        Expr::Prefixed { value, .. } => *part = std::mem::replace(value.as_mut(), nothing()),
        _ => {}
    }
}

/// Whether `/` of whole numbers gives a fraction.
fn divides_as_fractions(dialect: Dialect) -> bool {
    match dialect {
        Dialect::DuckDb
        | Dialect::Snowflake
        | Dialect::BigQuery
        | Dialect::Spark
        | Dialect::MySql
        | Dialect::Oracle => true,
        Dialect::Ansi | Dialect::Postgres | Dialect::SqlServer | Dialect::Redshift => false,
    }
}

/// Whether an operand is surely no whole number, so that the engine divides as fractions anyhow.
fn is_fraction(expr: &Expr, fractions: &HashSet<String>) -> bool {
    match expr {
        Expr::Nested(inner) => is_fraction(inner, fractions),
        Expr::Identifier(name) => fractions.contains(&name.value.to_lowercase()),
        Expr::Value(value) => matches!(&value.value, Literal::Number(text, _) if text.contains(['.', 'e', 'E'])),
        Expr::Cast { data_type, .. } => matches!(
            data_type,
            DataType::Double(_) | DataType::DoublePrecision | DataType::Float(_) | DataType::Float64 | DataType::Real
        ),
        _ => false,
    }
}

fn is_number_but_zero(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => {
            matches!(&value.value, Literal::Number(text, _) if text.parse().is_ok_and(|number: f64| number != 0.0))
        }
        _ => false,
    }
}

fn nothing() -> Expr {
    Expr::value(Literal::Null)
}

fn null_if_zero(divisor: Expr) -> Expr {
    let argument = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("NULLIF")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![
                argument(divisor),
                argument(Expr::value(Literal::Number("0".to_owned(), false))),
            ],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// `expr ~ 'regex'`.
fn matches(expr: &mut Expr, negated: bool, regex: String) -> Expr {
    let mut left = std::mem::replace(expr, nothing());
    if !matches!(
        left,
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Nested(_) | Expr::Function(_) | Expr::Value(_)
    ) {
        left = Expr::Nested(Box::new(left));
    }
    Expr::BinaryOp {
        left: Box::new(left),
        op: match negated {
            true => BinaryOperator::PGRegexNotMatch,
            false => BinaryOperator::PGRegexMatch,
        },
        right: Box::new(Expr::value(Literal::SingleQuotedString(regex))),
    }
}

fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => text(inner),
        Expr::Value(value) => match &value.value {
            Literal::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn whole(regex: &str) -> String {
    format!("^(?:{regex})$")
}

/// A pattern of SQL's SIMILAR TO as a regular expression of the whole text; none where it says what that cannot.
fn similar(pattern: &str, escape: Option<char>) -> Option<String> {
    let mut out = "(?s)^(?:".to_owned();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        if Some(c) == escape {
            let literal = rest.next().filter(|c| !c.is_alphanumeric() || escape != Some('\\'))?;
            push_literal(&mut out, literal);
            continue;
        }
        match c {
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '(' => out.push_str("(?:"),
            '|' | '*' | '+' | '?' | ')' | '{' | '}' => out.push(c),
            '[' => {
                out.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                let mut before = None;
                loop {
                    let inside = rest.next()?;
                    match inside {
                        ']' if before.is_some() => break,
                        // A class's name; whatever else is special inside of one engine's brackets is not taken over.
                        '[' if rest.peek() == Some(&':') => {
                            out.push('[');
                            loop {
                                let of_name = rest.next()?;
                                out.push(of_name);
                                if of_name == ']' {
                                    break;
                                }
                            }
                        }
                        '[' | ']' | '\\' | '&' | '~' => return None,
                        '-' if before == Some('-') => return None,
                        _ if Some(inside) == escape => return None,
                        _ => out.push(inside),
                    }
                    before = Some(inside);
                }
                out.push(']');
            }
            _ => push_literal(&mut out, c),
        }
    }
    out.push_str(")$");
    Some(out)
}

fn push_literal(out: &mut String, c: char) {
    if "\\.+*?()|[]{}^$".contains(c) {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sqlparser::parser::Parser;

    use super::*;

    fn written(dialect: Dialect, text: &str) -> Result<String, String> {
        let rules = crate::sql::parser(dialect);
        let expr = Parser::new(rules.as_ref())
            .try_with_sql(text)
            .unwrap()
            .parse_expr()
            .unwrap();
        let column = |name: &str, kind: &str| json!({"name": name, "logicalType": kind}).as_object().unwrap().clone();
        let columns = [column("a", "integer"), column("b", "integer"), column("n", "number")];
        translated(&expr, dialect, &columns).map(|expr| expr.to_string())
    }

    #[test]
    fn similar_to_is_of_the_whole_text() {
        for (dialect, from, to) in [
            (Dialect::Postgres, "c SIMILAR TO '[A-Z]+'", "c ~ '(?s)^(?:[A-Z]+)$'"),
            (
                Dialect::Postgres,
                "c NOT SIMILAR TO 'a.b_%|(c)'",
                r"c !~ '(?s)^(?:a\.b..*|(?:c))$'",
            ),
            (Dialect::Postgres, r"c SIMILAR TO 'a\%'", "c ~ '(?s)^(?:a%)$'"),
            (Dialect::Ansi, "c SIMILAR TO '5!%' ESCAPE '!'", "c ~ '(?s)^(?:5%)$'"),
            (
                Dialect::Postgres,
                "c SIMILAR TO '[[:alpha:]]'",
                "c ~ '(?s)^(?:[[:alpha:]])$'",
            ),
            (Dialect::DuckDb, "c SIMILAR TO 'a.b'", "c ~ '^(?:a.b)$'"),
            (Dialect::DuckDb, "c ~ 'a|b'", "c ~ '^(?:a|b)$'"),
            (Dialect::Postgres, "c ~ 'a|b'", "c ~ 'a|b'"),
            (Dialect::Snowflake, "c RLIKE 'a|b'", "c ~ '^(?:a|b)$'"),
            (Dialect::Spark, "c RLIKE 'a|b'", "c ~ 'a|b'"),
        ] {
            assert_eq!(written(dialect, from).as_deref(), Ok(to), "{from}");
        }
        for lost in [
            "c SIMILAR TO d",
            r"c SIMILAR TO '\d'",
            "c SIMILAR TO '[a'",
            "c SIMILAR TO '[a&&b]'",
        ] {
            assert!(written(Dialect::Postgres, lost).is_err(), "{lost}");
        }
    }

    #[test]
    fn whole_numbers_are_divided_as_their_dialect_does() {
        for (dialect, from, to) in [
            (Dialect::Postgres, "a / b > 0.6", "a / b > 0.6"),
            (Dialect::Ansi, "a / b > 0.6", "a / b > 0.6"),
            (Dialect::DuckDb, "a / b > 0.6", "CAST(a AS DOUBLE) / NULLIF(b, 0) > 0.6"),
            (Dialect::Spark, "a / 2 > 0.6", "CAST(a AS DOUBLE) / 2 > 0.6"),
            (
                Dialect::Snowflake,
                "(a + b) / b > 0.6",
                "CAST((a + b) AS DOUBLE) / b > 0.6",
            ),
            (
                Dialect::BigQuery,
                "a / b / b > 1",
                "CAST(CAST(a AS DOUBLE) / b AS DOUBLE) / b > 1",
            ),
            (Dialect::Spark, "n / a > 0.6", "n / a > 0.6"),
            (
                Dialect::MySql,
                "`a` / b > 0.6",
                "CAST(\"a\" AS DOUBLE) / NULLIF(b, 0) > 0.6",
            ),
            (Dialect::Oracle, "a / b > 0.6", "CAST(a AS DOUBLE) / b > 0.6"),
            (Dialect::SqlServer, "[a] / b > 0.6", "\"a\" / b > 0.6"),
            (Dialect::Redshift, "a / b > 0.6", "a / b > 0.6"),
            (Dialect::Spark, "a / 2.5 > 0.6", "a / 2.5 > 0.6"),
        ] {
            assert_eq!(written(dialect, from).as_deref(), Ok(to), "{from}");
        }
    }

    #[test]
    fn what_would_mean_another_thing_is_refused() {
        for (dialect, text) in [
            (Dialect::Postgres, "a ^ 2 > 4"),
            (Dialect::DuckDb, "a ^ 2 > 4"),
            (Dialect::BigQuery, "log(a) > 1"),
            (Dialect::Snowflake, "regexp_like(c, 'x')"),
            (Dialect::Spark, "concat(c, d) <> ''"),
            (Dialect::MySql, "length(c) > 1"),
            (Dialect::MySql, "c LIKE 'a%'"),
            (Dialect::MySql, "c REGEXP 'a'"),
            (Dialect::SqlServer, "len(c) > 1"),
            (Dialect::SqlServer, "c LIKE '[a-z]'"),
        ] {
            assert!(written(dialect, text).is_err(), "{text}");
        }
        assert!(written(Dialect::Postgres, "log(a) > 1").is_ok());
    }
}
