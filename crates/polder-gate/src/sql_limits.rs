//! How much the SQL of a rule may ask for: whatever a contract says, it must not take the process down.
//!
//! Stack: a text is bounded before it is parsed, since each operator may be a level of nesting. Memory: values that
//! scalar functions build are outside of every pool, so only known functions are let through, and what they build may
//! be only so many times as long as what they are given.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator, Subquery};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::engine_words::syntax;
use crate::plan_limits;

/// Longest text, bytes: what is longer is no rule that anybody could read.
const LONGEST: usize = 16 << 10;
/// Most operators, keywords and brackets of an expression over one row.
pub(crate) const IN_EXPRESSION: usize = 200;
/// Most operators, keywords and brackets of a query.
const IN_QUERY: usize = 600;
/// Longest text of a pipeline's query, bytes.
const LONGEST_OF_PIPELINE: usize = 1 << 20;
/// Most operators, keywords and brackets of a pipeline's query.
const IN_PIPELINE: usize = 5_000;
/// How many times as long as what it is given a text or list may become.
const MOST_GROWTH: u64 = 128;
/// Longest text that may be put in at many places of another, bytes.
const PUT_IN: usize = 16;
/// Widest text that is filled up, characters.
const WIDEST: i64 = 256;
/// What a text or list made of many rows counts for: nothing much may be made of it again.
const OF_MANY_ROWS: u64 = 64;

/// Functions whose value is at most about as long as the longest value that they are given, or of a fixed width.
#[rustfmt::skip]
const PLAIN: &[&str] = &[
    // numbers
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "cos", "cosh", "cot", "degrees",
    "exp", "factorial", "floor", "gcd", "isnan", "iszero", "lcm", "ln", "log", "log10", "log2", "nanvl", "pi", "power",
    "radians", "random", "round", "signum", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
    // choices
    "arrow_typeof", "coalesce", "greatest", "least", "nullif", "nvl", "nvl2",
    // texts and bytes
    "ascii", "bit_length", "btrim", "character_length", "chr", "contains", "decode", "digest", "ends_with",
    "find_in_set", "initcap", "left", "levenshtein", "lower", "ltrim", "md5", "octet_length", "regexp_count",
    "regexp_instr", "regexp_like", "regexp_match", "reverse", "right", "rtrim", "sha224", "sha256", "sha384", "sha512",
    "split_part", "starts_with", "strpos", "substr", "substr_index", "to_hex", "translate", "upper", "uuid",
    // dates and times
    "current_date", "current_time", "date_bin", "date_part", "date_trunc", "from_unixtime", "make_date", "make_time",
    "now", "to_date", "to_local_time", "to_time", "to_timestamp", "to_timestamp_micros", "to_timestamp_millis",
    "to_timestamp_nanos", "to_timestamp_seconds", "to_unixtime",
    // what lies inside others
    "get_field", "union_extract", "union_tag",
    // lists and maps
    "array_any_value", "array_avg", "array_compact", "array_dims", "array_distance", "array_distinct", "array_element",
    "array_except", "array_first", "array_has", "array_has_all", "array_has_any", "array_intersect", "array_length",
    "array_max", "array_min", "array_ndims", "array_pop_back", "array_pop_front", "array_position", "array_positions",
    "array_product", "array_remove", "array_remove_all", "array_remove_n", "array_reverse", "array_slice", "array_sort",
    "array_sum", "cardinality", "cosine_distance", "empty", "flatten", "inner_product", "map_entries", "map_extract",
    "map_keys", "map_values",
];
/// Functions whose value is about as long as all that they are given together.
#[rustfmt::skip]
const TOGETHER: &[&str] = &[
    "array_append", "array_concat", "array_prepend", "array_union", "arrays_zip", "concat", "make_array", "map",
    "named_struct", "overlay", "struct",
];

/// Refuses the text of a query that could not be planned within a thread's stack, before anything parses it.
///
/// # Errors
/// What is too much, in words.
pub fn query_text(sql: &str) -> Result<(), String> {
    text("query", sql, IN_QUERY)
}

/// The same of a pipeline's query, which may be longer than that of a rule.
///
/// # Errors
/// What is too much, in words.
pub fn pipeline_text(sql: &str) -> Result<(), String> {
    if sql.len() > LONGEST_OF_PIPELINE {
        return Err(format!("the query is longer than {} KiB", LONGEST_OF_PIPELINE >> 10));
    }
    // What cannot be read is told with its place by whoever parses it.
    match Tokenizer::new(&GenericDialect {}, sql).tokenize() {
        Ok(tokens) if operators(&tokens) > IN_PIPELINE => Err(format!(
            "the query has more than {IN_PIPELINE} operators: build it in several pipelines"
        )),
        _ => Ok(()),
    }
}

/// As [`query_text`], with a name for what the text is, and the most operators that it may have.
pub(crate) fn text(what: &str, sql: &str, most: usize) -> Result<(), String> {
    if sql.len() > LONGEST {
        return Err(format!("the {what} is longer than {} KiB", LONGEST >> 10));
    }
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize().map_err(|error| {
        format!(
            "`{sql}` is no {what}, it cannot be read: {}",
            syntax(&error.to_string())
        )
    })?;
    if operators(&tokens) > most {
        return Err(format!(
            "the {what} has more than {most} operators: write several rules"
        ));
    }
    Ok(())
}

/// How many operators, keywords, brackets and commas there are: nothing is nested deeper. Listed literals and their
/// signs nest nothing.
fn operators(tokens: &[Token]) -> usize {
    let mut listed = false;
    let mut count = 0;
    for token in tokens {
        match token {
            Token::Whitespace(_) => continue,
            Token::Minus if listed => continue,
            Token::Comma => {
                listed = true;
                continue;
            }
            Token::Number(..) | Token::SingleQuotedString(_) => {}
            Token::Word(word) if word.keyword == Keyword::NoKeyword => count += usize::from(listed),
            Token::Period => {}
            _ => count += 1 + usize::from(listed),
        }
        listed = false;
    }
    count
}

/// Refuses a planned query that could make much of little outside of the session's memory: functions that are not
/// known to be harmless, texts that grow too much from table to result, and texts that grow with each round of a
/// recursion.
///
/// # Errors
/// What is refused, in words.
pub fn query_plan(plan: &LogicalPlan) -> Result<(), String> {
    plan_limits::size(plan)?;
    plan_growth(plan).map(|_| ())
}

/// Whether a function may make more than it is given, by its name: evaluated before a query runs, it could take all memory.
pub fn makes_more(function: &str) -> bool {
    !PLAIN.contains(&function)
}

fn plan_growth(plan: &LogicalPlan) -> Result<u64, String> {
    let mut inputs = 1;
    for input in plan.inputs() {
        inputs = plan_growth(input)?.max(inputs);
    }
    if let LogicalPlan::RecursiveQuery(query) = plan
        && plan_growth(&query.recursive_term)? > 1
    {
        return Err("texts must not grow with each round of a recursion".to_owned());
    }
    let mut own = Ok(1);
    let walked = plan.apply_expressions(|expression| {
        own = match (&own, growth(expression)) {
            (Ok(so_far), Ok(more)) => Ok(more.max(*so_far)),
            (_, Err(problem)) => Err(problem),
            (Err(problem), _) => Err(problem.clone()),
        };
        Ok(match own {
            Ok(_) => TreeNodeRecursion::Continue,
            Err(_) => TreeNodeRecursion::Stop,
        })
    });
    walked.map_err(|error| error.strip_backtrace())?;
    bounded(inputs.saturating_mul(own?))
}

fn bounded(growth: u64) -> Result<u64, String> {
    if growth > MOST_GROWTH {
        return Err(format!(
            "it can make texts more than {MOST_GROWTH} times as long as what the tables hold, which a rule must not"
        ));
    }
    Ok(growth)
}

/// How many times as long as the values that an expression reads its value can become.
///
/// # Errors
/// That it is too much, or a function of which nothing is known.
pub(crate) fn growth(expression: &Expr) -> Result<u64, String> {
    if let Expr::ScalarSubquery(Subquery { subquery, .. }) = expression {
        return plan_growth(subquery);
    }
    let mut parts = Vec::new();
    let walked = expression.apply_children(|part| {
        parts.push(part);
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map_err(|error| error.strip_backtrace())?;
    let (mut most, mut sum) = (1, 0u64);
    for part in parts {
        let part = growth(part)?;
        most = part.max(most);
        sum = sum.saturating_add(part);
    }
    let sum = sum.max(1);
    bounded(match expression {
        Expr::Exists(exists) => plan_growth(&exists.subquery.subquery)?,
        Expr::InSubquery(inside) => most.max(plan_growth(&inside.subquery.subquery)?),
        Expr::SetComparison(compared) => most.max(plan_growth(&compared.subquery.subquery)?),
        Expr::BinaryExpr(binary) if binary.op == Operator::StringConcat => sum,
        Expr::ScalarFunction(call) => of_function(call, most, sum)?,
        Expr::AggregateFunction(call) => match call.func.name() {
            "array_agg" => most.saturating_mul(OF_MANY_ROWS),
            "string_agg" => {
                put_in("string_agg", call.params.args.get(1))?;
                most.saturating_mul(OF_MANY_ROWS)
            }
            _ => most,
        },
        Expr::HigherOrderFunction(call) => {
            return Err(format!("`{}` is no function that a rule may use", call.func.name()));
        }
        _ => most,
    })
}

fn of_function(call: &ScalarFunction, most: u64, sum: u64) -> Result<u64, String> {
    let name = call.func.name();
    let times = |factor: usize| most.saturating_mul(factor as u64);
    let argument = |place: usize| call.args.get(place);
    Ok(match name {
        _ if PLAIN.contains(&name) => most,
        _ if TOGETHER.contains(&name) => sum,
        "concat_ws" => {
            put_in(name, argument(0))?;
            sum
        }
        "encode" => times(2),
        "string_to_array" => times(4),
        "replace" => {
            let put = put_in(name, argument(2))?;
            let shorter = argument(1)
                .and_then(literal)
                .is_some_and(|from| put <= from.len() && !from.is_empty());
            times(if shorter { 1 } else { put + 1 })
        }
        "regexp_replace" => times(put_in(name, argument(2))? + 1),
        "array_to_string" => {
            let null = argument(2).map_or(Ok(0), |null| put_in(name, Some(null)))?;
            times(put_in(name, argument(1))?.max(null) + 1)
        }
        "to_char" => match argument(1).and_then(literal) {
            Some(format) if format.len() <= PUT_IN * 16 => most,
            _ => return Err("`to_char` takes a format that is written out, and no long one".to_owned()),
        },
        "repeat" => match argument(1).and_then(whole) {
            Some(count) if count <= PUT_IN as i64 => times(usize::try_from(count).unwrap_or(0).max(1)),
            _ => return Err(much_of_little(name)),
        },
        "lpad" | "rpad" => match argument(1).and_then(whole) {
            Some(width) if width <= WIDEST => {
                if let Some(fill) = argument(2) {
                    put_in(name, Some(fill))?;
                }
                most
            }
            _ => return Err(much_of_little(name)),
        },
        "array_repeat" | "array_resize" | "generate_series" | "range" | "space" => return Err(much_of_little(name)),
        _ => return Err(format!("`{name}` is no function that a rule may use")),
    })
}

fn much_of_little(name: &str) -> String {
    format!("`{name}` can make much of little, which a rule must not")
}

/// The length of a text that is put in at many places, bytes.
fn put_in(function: &str, text: Option<&Expr>) -> Result<usize, String> {
    match text.and_then(literal) {
        Some(text) if text.len() <= PUT_IN => Ok(text.len()),
        _ => Err(format!(
            "`{function}` can make much of little: what it puts in must be written out, with at most {PUT_IN} bytes"
        )),
    }
}

fn literal(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Literal(value, _) if value.is_null() => Some(""),
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        Expr::Cast(cast) => literal(&cast.expr),
        _ => None,
    }
}

fn whole(expression: &Expr) -> Option<i64> {
    match expression {
        Expr::Literal(ScalarValue::Int64(Some(number)), _) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_literals_and_names_nest_nothing_and_everything_else_counts() {
        let counted = |sql: &str| operators(&Tokenizer::new(&GenericDialect {}, sql).tokenize().unwrap());
        assert_eq!(counted("net"), 0);
        assert_eq!(counted("net IN (1, -2, 'x', 4)"), 3);
        assert_eq!(counted("concat(a, b, 'c')"), 3);
        assert_eq!(counted("a + -b"), 2);
    }

    #[test]
    fn texts_that_no_stack_holds_are_refused_before_they_are_parsed() {
        for (sql, why) in [
            (format!("SELECT count(*){}", "+1".repeat(20_000)), "longer than 16 KiB"),
            (
                format!("SELECT count(*){}", "+1".repeat(2_000)),
                "more than 600 operators",
            ),
            (
                format!("SELECT 1 FROM t{}", ",t".repeat(2_000)),
                "more than 600 operators",
            ),
        ] {
            let error = query_text(&sql).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        query_text("SELECT count(*) FROM t WHERE a IN (1, 2, 3) GROUP BY b").unwrap();
    }
}
