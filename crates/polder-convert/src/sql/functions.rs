//! Functions whose names the rules' engine knows too, but by which a database means another thing.

use sqlparser::ast::{BinaryOperator, Expr, FunctionArguments, Value as Literal};

use crate::dialect::Dialect;

/// Functions of a dialect that are there for the rules' engine too, but give another value.
const OTHERS: [(Dialect, &[&str]); 7] = [
    (Dialect::Spark, &["log", "concat", "regexp_like", "regexp_replace"]),
    (
        Dialect::Snowflake,
        &["concat", "greatest", "least", "regexp_like", "regexp_replace"],
    ),
    (
        Dialect::BigQuery,
        &["log", "concat", "greatest", "least", "regexp_replace"],
    ),
    // Where `length` counts bytes, and patterns ignore case.
    (
        Dialect::MySql,
        &[
            "log",
            "length",
            "concat",
            "greatest",
            "least",
            "regexp_like",
            "regexp_replace",
            "truncate",
        ],
    ),
    // Where `len` does not count blanks at the end.
    (Dialect::SqlServer, &["log", "len", "isnull", "replicate"]),
    // Where a text without characters is null, and dates have formats of their own.
    (
        Dialect::Oracle,
        &[
            "log",
            "greatest",
            "least",
            "regexp_like",
            "regexp_replace",
            "concat",
            "substr",
            "translate",
            "trunc",
            "replace",
            "trim",
            "ltrim",
            "rtrim",
            "lpad",
            "rpad",
            "to_char",
            "to_date",
            "to_timestamp",
        ],
    ),
    (Dialect::Redshift, &["concat", "regexp_like", "regexp_replace"]),
];
/// Functions with a format behind the value, which each database writes in its own way.
const WITH_FORMAT: [&str; 4] = ["to_char", "to_date", "to_timestamp", "date_format"];

/// Refuses an expression that calls such a function.
///
/// # Errors
/// That the function, called so, is another one in rules.
pub(super) fn refuse_others(part: &Expr, dialect: Dialect) -> Result<(), String> {
    let refused = |name: &str| Err(format!("`{name}` is another function in rules"));
    let (name, arguments) = match part {
        Expr::Function(function) => {
            let arguments = match &function.args {
                FunctionArguments::List(list) => list.args.len(),
                FunctionArguments::None | FunctionArguments::Subquery(_) => 0,
            };
            (function.name.to_string().to_lowercase(), arguments)
        }
        // These have a syntax of their own, and are no functions to the parser.
        Expr::Trim { .. } => ("trim".to_owned(), 1),
        Expr::Substring {
            substring_from,
            shorthand,
            ..
        } => {
            let name = if *shorthand { "substr" } else { "substring" };
            // Before the first character there it counts from the end, or begins with the first one.
            if counts_from_end(dialect) && !substring_from.as_deref().is_none_or(is_place) {
                return Err(format!("`{name}` from there is another text in rules"));
            }
            (name.to_owned(), 2)
        }
        Expr::BinaryOp {
            op: BinaryOperator::StringConcat,
            ..
        } if dialect == Dialect::Oracle => return Err("`||` of a null is a text there, and null in rules".to_owned()),
        _ => return Ok(()),
    };
    let of_dialect = OTHERS.iter().filter(|(known, _)| *known == dialect);
    if of_dialect
        .flat_map(|(_, names)| names.iter())
        .any(|known| *known == name)
    {
        return refused(&name);
    }
    if arguments > 1 && WITH_FORMAT.contains(&name.as_str()) {
        return Err(format!("formats of `{name}` are written in another way in rules"));
    }
    Ok(())
}

/// Whether a part of a text that begins before the first character is not what PostgreSQL gives.
fn counts_from_end(dialect: Dialect) -> bool {
    match dialect {
        Dialect::Spark
        | Dialect::Snowflake
        | Dialect::BigQuery
        | Dialect::DuckDb
        | Dialect::MySql
        | Dialect::Oracle => true,
        Dialect::Ansi | Dialect::Postgres | Dialect::SqlServer | Dialect::Redshift => false,
    }
}

/// Whether an expression is surely the place of a character.
fn is_place(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_place(inner),
        Expr::Value(value) => {
            matches!(&value.value, Literal::Number(text, _) if text.parse().is_ok_and(|place: u64| place > 0))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;
    use crate::tests::imported;

    fn losses(dialect: Dialect, check: &str) -> (bool, Vec<String>) {
        let script = format!("CREATE TABLE t (c varchar(10), a int, d date, CHECK ({check}))");
        let (document, losses) = imported(Format::Sql(dialect), &script);
        let checks = losses.into_iter().filter(|loss| loss.contains("CHECK (")).collect();
        (document["schema"][0].get("quality").is_some(), checks)
    }

    #[test]
    fn no_function_that_means_another_thing_is_taken_over() {
        for (dialect, names) in OTHERS {
            for name in names {
                let check = match *name {
                    "trim" => format!("{name}(c) IS NOT NULL"),
                    "substr" => format!("{name}(c, 1, 1) = 'x'"),
                    "len" | "length" => format!("{name}(c) > 1"),
                    "log" => format!("{name}(a) > 1"),
                    _ => format!("{name}(c, 'a') <> 'x'"),
                };
                let (kept, lost) = losses(dialect, &check);
                assert!(!kept && lost.len() == 1, "{dialect}: {check}: {lost:?}");
            }
        }
    }

    #[test]
    fn places_from_the_end_and_formats_are_of_their_database() {
        for (dialect, check) in [
            (Dialect::MySql, "SUBSTR(c, -2, 1) = 'x'"),
            (Dialect::MySql, "SUBSTRING(c, a, 1) = 'x'"),
            (Dialect::Oracle, "SUBSTR(c, -2, 1) = 'x'"),
            (Dialect::Oracle, "TRIM(c) IS NOT NULL"),
            (Dialect::Oracle, "c || 'a' <> 'a'"),
            (Dialect::Oracle, "d > TO_DATE('2020', 'YYYY')"),
            (Dialect::Oracle, "TO_CHAR(d, 'D') <> '1'"),
            (Dialect::Postgres, "to_char(d, 'D') <> '1'"),
            (Dialect::MySql, "DATE_FORMAT(d, '%i') <> '1'"),
        ] {
            let (kept, lost) = losses(dialect, check);
            assert!(!kept && lost.len() == 1, "{dialect}: {check}: {lost:?}");
        }
        for (dialect, check) in [
            (Dialect::MySql, "SUBSTR(c, 2, 1) = a"),
            (Dialect::Postgres, "substr(c, -2, 1) = 'x'"),
            (Dialect::Postgres, "trim(c) <> ''"),
        ] {
            assert!(losses(dialect, check).0, "{dialect}: {check}");
        }
    }
}
