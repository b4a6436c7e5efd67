//! CHECK constraints: simple ones are limits of the value, the others rules in SQL.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};
use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Value as Literal,
};
use sqlparser::tokenizer::Token;

use super::{meaning, moments};
use crate::dialect::Dialect;
use crate::draft::{add_rule, allowed_values};
use crate::kind::option;
use crate::proof::fits;

/// Takes a check over into the columns, or into the object as a rule of its own in SQL (which passes where it gives
/// null, as a check does). Gives whether it became a rule, and so kept its name.
///
/// # Errors
/// Why no rule means what the check means in its dialect, or why the column's type does not take the limit.
pub(super) fn apply(
    expr: &Expr,
    dialect: Dialect,
    name: Option<&str>,
    columns: &mut [Map<String, Value>],
    object: &mut Map<String, Value>,
) -> Result<bool, String> {
    let mut expr = expr.clone();
    moments::as_literals(&mut expr, dialect);
    let expr = &expr;
    let mut limits = Vec::new();
    let simple = collect(expr, dialect, columns, &mut limits) && are_free(&limits, columns);
    if simple {
        let mut limited = BTreeMap::new();
        for (column, limit) in limits {
            let Some(property) = columns.get(column) else {
                continue;
            };
            let property = limited.entry(column).or_insert_with(|| property.clone());
            match limit {
                Limit::Option(key, value) => option(property, key, value),
                Limit::Values(values) => allowed_values(property, values),
            }
        }
        for (column, property) in &limited {
            fits(&columns[*column], property).map_err(|why| format!("it cannot be a rule: {why}"))?;
        }
        for (column, property) in limited {
            columns[column] = property;
        }
        return Ok(false);
    }
    let row = meaning::translated(expr, dialect, columns)?.to_string();
    let mut rule = Map::new();
    if let Some(name) = name {
        rule.insert("name".to_owned(), json!(name));
    }
    rule.insert("type".to_owned(), json!("custom"));
    rule.insert("engine".to_owned(), json!("polder"));
    rule.insert("implementation".to_owned(), json!({"row": row}));
    add_rule(object, Value::Object(rule));
    Ok(true)
}

/// Whether every limit has its place to itself: a column has one of each.
fn are_free(limits: &[(usize, Limit)], columns: &[Map<String, Value>]) -> bool {
    let mut seen = HashSet::new();
    limits.iter().all(|(column, limit)| {
        let Limit::Option(key, value) = limit else { return true };
        let given = columns[*column]
            .get("logicalTypeOptions")
            .and_then(|options| options.get(*key));
        seen.insert((*column, *key)) && given.is_none_or(|given| given == value)
    })
}

enum Limit {
    Option(&'static str, Value),
    Values(Vec<Value>),
}

/// Whether the whole expression is made of limits of single columns.
fn collect(expr: &Expr, dialect: Dialect, columns: &[Map<String, Value>], limits: &mut Vec<(usize, Limit)>) -> bool {
    match bare(expr) {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => collect(left, dialect, columns, limits) && collect(right, dialect, columns, limits),
        Expr::BinaryOp { left, op, right } => {
            if let Some(column) = column(left, columns) {
                let key = match op {
                    BinaryOperator::GtEq => "minimum",
                    BinaryOperator::Gt => "exclusiveMinimum",
                    BinaryOperator::LtEq => "maximum",
                    BinaryOperator::Lt => "exclusiveMaximum",
                    _ => return false,
                };
                return bound(columns, column, right, dialect)
                    .map(|value| limits.push((column, Limit::Option(key, value))))
                    .is_some();
            }
            let Some(column) = length_of(left, dialect, columns) else {
                return false;
            };
            let Some(number) = literal(right).and_then(|value| value.to_string().parse::<u64>().ok()) else {
                return false;
            };
            let (key, number) = match op {
                BinaryOperator::GtEq => ("minLength", number),
                BinaryOperator::Gt => ("minLength", number.saturating_add(1)),
                BinaryOperator::LtEq => ("maxLength", number),
                BinaryOperator::Lt if number > 0 => ("maxLength", number - 1),
                _ => return false,
            };
            limits.push((column, Limit::Option(key, json!(number))));
            true
        }
        Expr::Between {
            expr,
            negated: false,
            low,
            high,
        } => {
            let Some(column) = column(expr, columns) else {
                return false;
            };
            let of = |expr| bound(columns, column, expr, dialect);
            let (Some(low), Some(high)) = (of(low), of(high)) else {
                return false;
            };
            limits.push((column, Limit::Option("minimum", low)));
            limits.push((column, Limit::Option("maximum", high)));
            true
        }
        Expr::InList {
            expr,
            list,
            negated: false,
        } => one_of(expr, list, columns, limits),
        // So PostgreSQL writes a list of values.
        Expr::AnyOp {
            left,
            compare_op: BinaryOperator::Eq,
            right,
            is_some: _,
        } => match bare(right) {
            Expr::Array(list) => one_of(left, &list.elem, columns, limits),
            _ => false,
        },
        _ => false,
    }
}

fn one_of(expr: &Expr, list: &[Expr], columns: &[Map<String, Value>], limits: &mut Vec<(usize, Limit)>) -> bool {
    let Some(column) = column(expr, columns) else {
        return false;
    };
    let values: Option<Vec<Value>> = list.iter().map(literal).collect();
    let Some(values) = values else { return false };
    let text = columns[column].get("logicalType").is_some_and(|kind| kind == "string");
    if values.iter().any(|value| value.is_string() != text) {
        return false;
    }
    limits.push((column, Limit::Values(values)));
    true
}

/// Without brackets and casts around it.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Prefixed { value: inner, .. } => bare(inner),
        other => other,
    }
}

fn column(expr: &Expr, columns: &[Map<String, Value>]) -> Option<usize> {
    let Expr::Identifier(name) = bare(expr) else {
        return None;
    };
    let found = columns.iter().position(|column| {
        column
            .get("name")
            .and_then(Value::as_str)
            .is_some_and(|own| own.eq_ignore_ascii_case(&name.value))
    })?;
    let logical = columns[found].get("logicalType").and_then(Value::as_str);
    keeps_value(expr, logical.unwrap_or_default()).then_some(found)
}

/// Whether the casts around a column leave its value as it is: a number as a whole number or an instant as a date is
/// another value.
fn keeps_value(expr: &Expr, logical: &str) -> bool {
    match expr {
        Expr::Nested(inner) => keeps_value(inner, logical),
        Expr::Cast { expr, data_type, .. } => {
            let word = data_type.to_string().to_lowercase();
            let of = |words: &[&str]| words.iter().any(|known| word.starts_with(known));
            let same = match logical {
                "string" => of(&["text", "varchar", "character varying", "string"]) && !word.contains('('),
                "integer" | "number" => {
                    of(&["numeric", "decimal", "double"]) && !word.contains('(')
                        || logical == "integer" && of(&["bigint"])
                }
                _ => false,
            };
            same && keeps_value(expr, logical)
        }
        _ => true,
    }
}

fn length_of(expr: &Expr, dialect: Dialect, columns: &[Map<String, Value>]) -> Option<usize> {
    let Expr::Function(function) = bare(expr) else {
        return None;
    };
    let name = function.name.to_string().to_lowercase();
    // MySQL's `length` counts bytes, SQL Server's `len` no blanks at the end.
    let counts = match name.as_str() {
        "length" => dialect != Dialect::MySql,
        "len" => dialect != Dialect::SqlServer,
        other => matches!(other, "char_length" | "character_length"),
    };
    if !counts {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] = list.args.as_slice() else {
        return None;
    };
    let found = column(argument, columns)?;
    // Of other types the text's length is meant, which is another matter.
    (columns[found].get("logicalType")? == "string" && columns[found].get("physicalType").is_none()).then_some(found)
}

/// A literal that is a bound of a column of this type.
fn bound(columns: &[Map<String, Value>], column: usize, expr: &Expr, dialect: Dialect) -> Option<Value> {
    let value = literal(expr)?;
    let logical = columns.get(column)?.get("logicalType")?.as_str()?;
    match logical {
        "integer" | "number" => value.is_number().then_some(value),
        "date" | "timestamp" => Some(json!(moments::with_dashes(value.as_str()?, dialect))),
        "time" => value.is_string().then_some(value),
        _ => None,
    }
}

fn literal(expr: &Expr) -> Option<Value> {
    match bare(expr) {
        Expr::Value(value) => match &value.value {
            Literal::Number(text, _) => serde_json::from_str::<serde_json::Number>(text).ok().map(Value::Number),
            Literal::SingleQuotedString(text)
            | Literal::DoubleQuotedString(text)
            | Literal::NationalStringLiteral(text) => Some(json!(text)),
            Literal::QuoteDelimitedStringLiteral(text) | Literal::NationalQuoteDelimitedStringLiteral(text) => {
                Some(json!(text.value))
            }
            _ => None,
        },
        Expr::TypedString(typed) => match &typed.value.value {
            Literal::SingleQuotedString(text) => Some(json!(text)),
            _ => None,
        },
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => match literal(expr)? {
            Value::Number(number) => serde_json::from_str(&format!("-{number}")).ok(),
            _ => None,
        },
        _ => None,
    }
}

/// As [`apply`], from text.
///
/// # Errors
/// Why the text becomes no rule: it is no expression, or none that means the same.
pub(crate) fn apply_check(
    text: &str,
    dialect: Dialect,
    name: Option<&str>,
    columns: &mut [Map<String, Value>],
    object: &mut Map<String, Value>,
) -> Result<bool, String> {
    let unknown = || "it is no expression that is known".to_owned();
    // Long expressions make deep trees.
    if text.len() > 10_000 || super::types::refuse_deep_types(text).is_err() {
        return Err(unknown());
    }
    let rules = super::parser(Dialect::Ansi);
    let parser = sqlparser::parser::Parser::new(rules.as_ref()).try_with_sql(text);
    let mut parser = parser.map_err(|_| unknown())?;
    let expr = parser.parse_expr().map_err(|_| unknown())?;
    match parser.peek_token_ref().token {
        Token::EOF => apply(&expr, dialect, name, columns, object),
        _ => Err(unknown()),
    }
}
