//! Dates and instants in checks: what a database reads with a format becomes a literal, and what it takes for a number
//! is refused.

use std::collections::HashSet;
use std::ops::ControlFlow;

use serde_json::{Map, Value};
use sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, TimezoneInfo,
    TypedString, UnaryOperator, Value as Literal, visit_expressions_mut,
};

use crate::dialect::Dialect;

/// Writes dates that are read from a text with a format (`TO_DATE('31.01.2026', 'DD.MM.YYYY')`) as literals. What cannot
/// be written so stays.
pub(super) fn as_literals(expr: &mut Expr, dialect: Dialect) {
    let known: &[&str] = match dialect {
        Dialect::Oracle => &["to_date", "to_timestamp"],
        // Instants there are of the session's zone.
        Dialect::Postgres | Dialect::Redshift | Dialect::Snowflake => &["to_date"],
        _ => return,
    };
    let _: ControlFlow<()> = visit_expressions_mut(expr, |part| {
        if let Expr::Function(function) = part
            && known.contains(&function.name.to_string().to_lowercase().as_str())
            && let Some([text, format]) = two_texts(function)
            && let Some((moment, has_time)) = moment(text, format)
            // A date of the others has no time.
            && (dialect == Dialect::Oracle || !has_time)
        {
            let data_type = match has_time {
                true => DataType::Timestamp(None, TimezoneInfo::None),
                false => DataType::Date,
            };
            *part = Expr::TypedString(TypedString {
                data_type,
                value: Literal::SingleQuotedString(moment).with_empty_span(),
                uses_odbc_syntax: false,
            });
        }
        ControlFlow::Continue(())
    });
}

/// The texts that a function is called with, where these are two.
fn two_texts<'f>(function: &'f Function) -> Option<[&'f str; 2]> {
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    let text = |argument: &'f FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => match &value.value {
            Literal::SingleQuotedString(text) => Some(text.as_str()),
            _ => None,
        },
        _ => None,
    };
    let [first, second] = list.args.as_slice() else {
        return None;
    };
    Some([text(first)?, text(second)?])
}

/// A text as its format reads it, in the form of literals, and whether it has a time of day. Nothing where the format has
/// more than whole years, months, days and times of 24 hours in digits.
fn moment(text: &str, format: &str) -> Option<(String, bool)> {
    const PARTS: [(&str, usize); 6] = [("YYYY", 4), ("MM", 2), ("DD", 2), ("HH24", 2), ("MI", 2), ("SS", 2)];
    let format = format.to_uppercase();
    let (mut text, mut format) = (text, format.as_str());
    let mut read: [Option<&str>; 6] = [None; 6];
    while !format.is_empty() {
        let found = PARTS.iter().position(|(word, _)| format.starts_with(word));
        if let Some(part) = found {
            let (word, length) = PARTS[part];
            let digits = text.get(..length)?;
            if read[part].is_some() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            read[part] = Some(digits);
            (text, format) = (&text[length..], &format[word.len()..]);
        } else {
            let between = format.chars().next().filter(|c| "-/.: ".contains(*c))?;
            (text, format) = (text.strip_prefix(between)?, &format[1..]);
        }
    }
    let [Some(year), Some(month), Some(day), hour, minute, second] = read else {
        return None;
    };
    if !text.is_empty() {
        return None;
    }
    let date = format!("{year}-{month}-{day}");
    match (hour, minute, second) {
        (None, None, None) => Some((date, false)),
        (Some(hour), Some(minute), second) => {
            Some((format!("{date} {hour}:{minute}:{}", second.unwrap_or("00")), true))
        }
        _ => None,
    }
}

/// A date of eight digits as contracts write it, where the database reads it whatever its settings.
pub(super) fn with_dashes(text: &str, dialect: Dialect) -> String {
    let reads = matches!(
        dialect,
        Dialect::SqlServer | Dialect::MySql | Dialect::Postgres | Dialect::Redshift
    );
    match moment(text, "YYYYMMDD") {
        Some((date, _)) if reads => date,
        _ => text.to_owned(),
    }
}

/// The columns that are dates or instants, in lower case.
pub(super) fn moments(columns: &[Map<String, Value>]) -> HashSet<String> {
    columns
        .iter()
        .filter(|column| {
            let logical = column.get("logicalType").and_then(Value::as_str);
            matches!(logical, Some("date" | "timestamp"))
        })
        .filter_map(|column| Some(column.get("name")?.as_str()?.to_lowercase()))
        .collect()
}

/// Refuses dates where a database takes them for numbers.
///
/// # Errors
/// That they are none in rules.
pub(super) fn refuse_numbers(part: &Expr, dialect: Dialect, moments: &HashSet<String>) -> Result<(), String> {
    let beside = |left: &Expr, right: &Expr| is_moment(left, moments) && is_number(right);
    let counts = matches!(dialect, Dialect::MySql | Dialect::SqlServer | Dialect::Oracle);
    let refused = match part {
        Expr::BinaryOp { left, op, right } => match op {
            BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Spaceship
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq => beside(left, right) || beside(right, left),
            BinaryOperator::Plus | BinaryOperator::Minus if counts => {
                let is_interval = |expr: &Expr| matches!(expr, Expr::Interval(_));
                (is_moment(left, moments) && !is_interval(right)) || (is_moment(right, moments) && !is_interval(left))
            }
            _ => false,
        },
        Expr::Between { expr, low, high, .. } => beside(expr, low) || beside(expr, high),
        Expr::InList { expr, list, .. } => list.iter().any(|item| beside(expr, item)),
        _ => false,
    };
    match refused {
        true => Err("a date is no number in rules".to_owned()),
        false => Ok(()),
    }
}

fn is_moment(expr: &Expr, moments: &HashSet<String>) -> bool {
    match expr {
        Expr::Nested(inner) => is_moment(inner, moments),
        Expr::Identifier(name) => moments.contains(&name.value.to_lowercase()),
        Expr::TypedString(TypedString { data_type, .. }) | Expr::Cast { data_type, .. } => {
            matches!(
                data_type,
                DataType::Date | DataType::Datetime(_) | DataType::Timestamp(..)
            )
        }
        _ => false,
    }
}

fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_number(inner),
        Expr::UnaryOp {
            op: UnaryOperator::Minus | UnaryOperator::Plus,
            expr,
        } => is_number(expr),
        Expr::Value(value) => matches!(value.value, Literal::Number(..)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Format;
    use crate::tests::{imported, properties};

    /// What becomes of a column with a check: its limits, the rules of the table and the losses.
    fn read(dialect: Dialect, column: &str) -> (Value, Value, Vec<String>) {
        let script = format!("CREATE TABLE t (id int, w {column})");
        let (document, losses) = imported(Format::Sql(dialect), &script);
        let found = properties(&document, 0)[1]["logicalTypeOptions"].clone();
        let checks = losses.into_iter().filter(|loss| loss.contains("CHECK (")).collect();
        (found, document["schema"][0]["quality"].clone(), checks)
    }

    #[test]
    fn a_date_with_its_format_is_a_bound() {
        for (dialect, column, bound) in [
            (
                Dialect::Oracle,
                "DATE CHECK (w >= TO_DATE('2020-01-31','YYYY-MM-DD'))",
                "2020-01-31",
            ),
            (
                Dialect::Oracle,
                "TIMESTAMP CHECK (w >= to_timestamp('31.01.2020 06:30', 'dd.mm.yyyy hh24:mi'))",
                "2020-01-31 06:30:00",
            ),
            (
                Dialect::Postgres,
                "date CHECK (w >= to_date('20200131', 'YYYYMMDD'))",
                "2020-01-31",
            ),
            (Dialect::SqlServer, "DATE CHECK (w >= '20200131')", "2020-01-31"),
            (Dialect::MySql, "DATETIME CHECK (w >= '20200131')", "2020-01-31"),
        ] {
            let (options, rules, losses) = read(dialect, column);
            assert_eq!(options["minimum"], json!(bound), "{column}: {losses:?}");
            assert!(rules.is_null() && losses.is_empty(), "{column}: {rules} {losses:?}");
        }
    }

    #[test]
    fn what_is_no_date_to_a_contract_is_named() {
        for (dialect, column) in [
            (
                Dialect::Oracle,
                "DATE CHECK (w >= TO_DATE('01-JAN-2020','DD-MON-YYYY'))",
            ),
            (
                Dialect::Oracle,
                "DATE CHECK (w >= TO_DATE('2020-01-01 06','YYYY-MM-DD HH24'))",
            ),
            (Dialect::Oracle, "DATE CHECK (w > '01-JAN-2020')"),
            (Dialect::Oracle, "DATE CHECK (w - DATE '2020-01-01' > 3)"),
            (Dialect::Oracle, "DATE CHECK (w > '20200101')"),
            (Dialect::MySql, "DATE CHECK (w > 20200101)"),
            (Dialect::MySql, "DATETIME CHECK (w BETWEEN 20200101 AND 20210101)"),
            (Dialect::MySql, "DATE CHECK (w IN (20200101, 20210101))"),
            (Dialect::MySql, "DATE CHECK (w + 0 > 20200101)"),
            (Dialect::MySql, "DATE CHECK (w > '2020.01.05')"),
            (Dialect::SqlServer, "BIT CHECK (w IN (0,1))"),
            (Dialect::Postgres, "time CHECK (w > '25:00:00')"),
            (Dialect::Postgres, "int CHECK (w > 5 AND w < 3)"),
        ] {
            let (_, rules, losses) = read(dialect, column);
            assert!(rules.is_null() && losses.len() == 1, "{column}: {rules} {losses:?}");
        }
    }
}
