//! What a query itself says of the values that it gives, wherever they come from: that none of them is null, that they are
//! these constants, that they are between bounds which it filters by.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Aggregate, Distinct, Expr, JoinType, LogicalPlan, Operator};
use polder_contract::RowCheck;

/// What is certain of the values of a column.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Certain {
    /// Whether none of them is null.
    pub(crate) have_value: bool,
    /// What those keep that are not null.
    pub(crate) checks: Vec<RowCheck>,
}

/// What is certain of each column of a plan as it is written.
pub(crate) fn certain(plan: &LogicalPlan) -> impl Iterator<Item = Certain> {
    (0..plan.schema().fields().len()).map(|at| of_column(plan, at))
}

fn of_column(plan: &LogicalPlan, at: usize) -> Certain {
    let mut certain = match plan {
        LogicalPlan::Projection(projection) => match projection.expr.get(at) {
            Some(expr) => of_expression(expr, &projection.input),
            None => Certain::default(),
        },
        LogicalPlan::Filter(filter) => {
            let mut certain = of_column(&filter.input, at);
            for conjunct in split_conjunction(&filter.predicate) {
                let schema = filter.input.schema();
                let is_it = |column: &Column| index(schema, column) == Some(at);
                let of_type = schema.fields().get(at).map(|field| field.data_type());
                narrow(&mut certain, conjunct, &is_it, of_type);
            }
            certain
        }
        LogicalPlan::SubqueryAlias(alias) => of_column(&alias.input, at),
        LogicalPlan::Sort(sort) => of_column(&sort.input, at),
        LogicalPlan::Limit(limit) => of_column(&limit.input, at),
        LogicalPlan::Distinct(Distinct::All(input)) => of_column(input, at),
        LogicalPlan::Aggregate(aggregate) => of_group(aggregate, at),
        LogicalPlan::Window(window) => {
            let before = window.input.schema().fields().len();
            match at.checked_sub(before) {
                None => of_column(&window.input, at),
                Some(at) => match window.window_expr.get(at) {
                    Some(expr) => of_expression(expr, &window.input),
                    None => Certain::default(),
                },
            }
        }
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match (join.join_type, at.checked_sub(left)) {
                (JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti, None) => {
                    of_column(&join.left, at)
                }
                (JoinType::Inner, Some(at)) => of_column(&join.right, at),
                _ => Certain::default(),
            }
        }
        _ => Certain::default(),
    };
    let field = plan.schema().fields().get(at);
    certain.have_value |= field.is_some_and(|field| !field.is_nullable());
    certain
}

fn index(schema: &DFSchema, column: &Column) -> Option<usize> {
    schema.maybe_index_of_column(column)
}

/// A column of an aggregate: what is grouped by, or what is computed of each group.
fn of_group(aggregate: &Aggregate, at: usize) -> Certain {
    // In grouping sets a group may leave a column out, which is null then.
    if matches!(aggregate.group_expr.as_slice(), [Expr::GroupingSet(_), ..]) {
        return Certain::default();
    }
    let expr = match at.checked_sub(aggregate.group_expr.len()) {
        None => aggregate.group_expr.get(at),
        Some(at) => aggregate.aggr_expr.get(at),
    };
    expr.map(|expr| of_expression(expr, &aggregate.input))
        .unwrap_or_default()
}

fn of_expression(expr: &Expr, input: &LogicalPlan) -> Certain {
    let checks = |checks: Vec<RowCheck>| Certain {
        have_value: false,
        checks,
    };
    if let Some(text) = constant(expr) {
        return Certain {
            have_value: true,
            checks: vec![RowCheck::OneOf(vec![text])],
        };
    }
    if is_null(expr) {
        return checks(vec![RowCheck::OneOf(Vec::new())]);
    }
    match expr {
        Expr::Alias(alias) => of_expression(&alias.expr, input),
        Expr::Column(column) => match index(input.schema(), column) {
            Some(at) => of_column(input, at),
            None => Certain::default(),
        },
        Expr::Cast(cast) => Certain {
            // What the other type cannot hold may become another value, or fails, and is no null.
            checks: Vec::new(),
            ..of_expression(&cast.expr, input)
        },
        Expr::Case(case) => {
            let values = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
            let values = values.chain(case.else_expr.as_deref()).filter(|value| !is_null(value));
            match values.map(constant).collect::<Option<Vec<_>>>() {
                Some(texts) => checks(vec![RowCheck::OneOf(texts)]),
                None => Certain::default(),
            }
        }
        Expr::ScalarFunction(call) => {
            let bounds = call.args.iter().filter_map(constant_number);
            match call.name() {
                "least" => checks(bounds.map(at_most).collect()),
                "greatest" => checks(bounds.map(at_least).collect()),
                _ => Certain::default(),
            }
        }
        Expr::AggregateFunction(function) if function.func.name() == "count" => checks(vec![at_least("0".to_owned())]),
        Expr::WindowFunction(function) => match function.fun.name() {
            "count" => checks(vec![at_least("0".to_owned())]),
            "row_number" | "rank" | "dense_rank" | "ntile" => checks(vec![at_least("1".to_owned())]),
            _ => Certain::default(),
        },
        _ => Certain::default(),
    }
}

/// What a condition says of a column wherever it holds.
fn narrow(certain: &mut Certain, condition: &Expr, is_it: &dyn Fn(&Column) -> bool, of_type: Option<&DataType>) {
    // A text that is held against a number, or a number against a text, is not compared as it stands there.
    let alike = |other: &Expr| is_text(other) == of_type.is_some_and(DataType::is_string);
    let is_it = |expr: &Expr| matches!(expr, Expr::Column(column) if is_it(column));
    match condition {
        Expr::IsNotNull(value) => certain.have_value |= is_it(value),
        Expr::Not(inner) => {
            certain.have_value |= matches!(inner.as_ref(), Expr::IsNull(value) if is_it(value));
        }
        Expr::BinaryExpr(binary) => {
            let Some(op) = compared(binary.op) else { return };
            let sides = [
                (&binary.left, &binary.right, op),
                (&binary.right, &binary.left, op.reverse()),
            ];
            for (_, other, order) in sides.into_iter().filter(|(value, ..)| is_it(value)) {
                // A comparison with null holds for no row.
                certain.have_value = true;
                certain.checks.extend(bound(order, other).filter(|_| alike(other)));
            }
        }
        Expr::Between(between) if is_it(&between.expr) => {
            certain.have_value = true;
            if !between.negated {
                let (low, high) = (constant_number(&between.low), constant_number(&between.high));
                certain.checks.extend(low.map(at_least));
                certain.checks.extend(high.map(at_most));
            }
        }
        Expr::InList(list) if is_it(&list.expr) => {
            // `NOT IN ()` asks nothing.
            certain.have_value |= !list.list.is_empty();
            let texts = list.list.iter().map(constant).collect::<Option<Vec<_>>>();
            if !list.negated && list.list.iter().all(alike) {
                certain.checks.extend(texts.map(RowCheck::OneOf));
            }
        }
        Expr::Like(like) if is_it(&like.expr) => certain.have_value = true,
        _ => {}
    }
}

/// How a value stands to another one.
#[derive(Debug, Clone, Copy)]
enum Order {
    Less { or_equal: bool },
    Greater { or_equal: bool },
    Equal,
    Unequal,
}

impl Order {
    /// How the other one stands to it.
    fn reverse(self) -> Self {
        match self {
            Self::Less { or_equal } => Self::Greater { or_equal },
            Self::Greater { or_equal } => Self::Less { or_equal },
            same => same,
        }
    }
}

/// The order that a comparison asks for; nothing of one that holds for nulls too.
fn compared(op: Operator) -> Option<Order> {
    Some(match op {
        Operator::Lt => Order::Less { or_equal: false },
        Operator::LtEq => Order::Less { or_equal: true },
        Operator::Gt => Order::Greater { or_equal: false },
        Operator::GtEq => Order::Greater { or_equal: true },
        Operator::Eq => Order::Equal,
        Operator::NotEq => Order::Unequal,
        _ => return None,
    })
}

fn bound(order: Order, other: &Expr) -> Option<RowCheck> {
    Some(match order {
        Order::Less { or_equal } => RowCheck::Maximum {
            value: constant_number(other)?,
            exclusive: !or_equal,
        },
        Order::Greater { or_equal } => RowCheck::Minimum {
            value: constant_number(other)?,
            exclusive: !or_equal,
        },
        Order::Equal => RowCheck::OneOf(vec![constant(other)?]),
        Order::Unequal => return None,
    })
}

fn at_most(value: String) -> RowCheck {
    RowCheck::Maximum {
        value,
        exclusive: false,
    }
}

fn at_least(value: String) -> RowCheck {
    RowCheck::Minimum {
        value,
        exclusive: false,
    }
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(value, _) if value.data_type().is_string())
}

fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => value.is_null(),
        Expr::Cast(cast) => is_null(&cast.expr),
        Expr::Alias(alias) => is_null(&alias.expr),
        _ => false,
    }
}

/// A whole number that stands in the query.
fn constant_number(expr: &Expr) -> Option<String> {
    constant(expr).filter(|text| text.parse::<i128>().is_ok())
}

/// A whole number, text or truth value that stands in the query, as contracts write it.
fn constant(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Alias(alias) => constant(&alias.expr),
        Expr::Negative(inner) => {
            let number = constant_number(inner)?.parse::<i128>().ok()?;
            Some(number.checked_neg()?.to_string())
        }
        // Whole numbers are the same in any type of numbers that holds them.
        Expr::Cast(cast) if cast.field.data_type().is_numeric() => constant_number(&cast.expr),
        Expr::Literal(value, _) => match value {
            ScalarValue::Int8(Some(_))
            | ScalarValue::Int16(Some(_))
            | ScalarValue::Int32(Some(_))
            | ScalarValue::Int64(Some(_))
            | ScalarValue::UInt8(Some(_))
            | ScalarValue::UInt16(Some(_))
            | ScalarValue::UInt32(Some(_))
            | ScalarValue::UInt64(Some(_))
            | ScalarValue::Boolean(Some(_)) => Some(value.to_string()),
            other => other.try_as_str().flatten().map(ToOwned::to_owned),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::testing::plan;

    async fn of(sql: &str) -> Certain {
        certain(&plan(sql).await).last().unwrap()
    }

    #[tokio::test]
    async fn conditions_that_hold_for_no_null_leave_values_alone() {
        for (condition, expected) in [
            ("v IS NOT NULL", true),
            ("NOT v IS NULL", true),
            ("v > 0", true),
            ("0 < v", true),
            ("v <> 0 AND k = 'a'", true),
            ("v BETWEEN 1 AND 2", true),
            ("v IN (1, 2)", true),
            ("v NOT IN (1, 2)", true),
            ("v > 0 OR k = 'a'", false),
            ("v IS NULL", false),
            ("v IS DISTINCT FROM 1", false),
            ("k > 'a'", false),
            ("NOT (v > 0 OR k = 'a')", false),
        ] {
            for select in [
                "SELECT v FROM a.silver.t",
                "SELECT k, v AS x FROM a.silver.t",
                "SELECT CAST(v AS bigint) FROM a.silver.t",
            ] {
                let found = of(&format!("{select} WHERE {condition}")).await;
                assert_eq!(found.have_value, expected, "{select} WHERE {condition}");
            }
            let within =
                format!("SELECT q.v FROM (SELECT * FROM a.silver.t WHERE {condition}) AS q ORDER BY q.k LIMIT 5");
            assert_eq!(of(&within).await.have_value, expected, "{within}");
            let grouped = format!("SELECT v FROM a.silver.t WHERE {condition} GROUP BY v");
            assert_eq!(of(&grouped).await.have_value, expected, "{grouped}");
            let joined = format!(
                "SELECT q.v FROM a.silver.u LEFT JOIN (SELECT * FROM a.silver.t WHERE {condition}) AS q ON q.k = u.k"
            );
            assert!(!of(&joined).await.have_value, "{joined}");
        }
        for (value, expected) in [
            ("1", true),
            ("CAST(NULL AS bigint)", false),
            ("TRY_CAST(k AS bigint)", false),
            ("count(*)", true),
        ] {
            let found = of(&format!("SELECT {value} AS x FROM a.silver.t WHERE k > 'a'")).await;
            assert_eq!(found.have_value, expected, "{value}");
        }
    }

    #[tokio::test]
    async fn constants_and_bounds_are_what_the_query_says_they_are() {
        let most = |value: &str, exclusive| RowCheck::Maximum {
            value: value.to_owned(),
            exclusive,
        };
        let least = |value: &str, exclusive| RowCheck::Minimum {
            value: value.to_owned(),
            exclusive,
        };
        let listed = |values: &[&str]| RowCheck::OneOf(values.iter().map(ToString::to_string).collect());
        for (rest, expected) in [
            ("99 AS x FROM a.silver.t", vec![listed(&["99"])]),
            ("CAST(-99 AS bigint) AS x FROM a.silver.t", vec![listed(&["-99"])]),
            ("CAST(NULL AS bigint) AS x FROM a.silver.t", vec![listed(&[])]),
            ("'EUR' AS x FROM a.silver.t", vec![listed(&["EUR"])]),
            (
                "CASE WHEN v > 1 THEN 'a' ELSE 'b' END AS x FROM a.silver.t",
                vec![listed(&["a", "b"])],
            ),
            ("CASE WHEN v > 1 THEN k ELSE 'b' END AS x FROM a.silver.t", vec![]),
            ("least(v, 10) AS x FROM a.silver.t", vec![most("10", false)]),
            ("greatest(v, 10) AS x FROM a.silver.t", vec![least("10", false)]),
            ("count(*) AS x FROM a.silver.t", vec![least("0", false)]),
            (
                "row_number() OVER (ORDER BY k) AS x FROM a.silver.t",
                vec![least("1", false)],
            ),
            ("v FROM a.silver.t WHERE v <= 10", vec![most("10", false)]),
            ("v FROM a.silver.t WHERE 10 > v", vec![most("10", true)]),
            (
                "v FROM a.silver.t WHERE v BETWEEN 1 AND 9",
                vec![least("1", false), most("9", false)],
            ),
            ("v FROM a.silver.t WHERE v NOT BETWEEN 1 AND 9", vec![]),
            ("k FROM a.silver.t WHERE k IN ('a', 'b')", vec![listed(&["a", "b"])]),
            ("k FROM a.silver.t WHERE k NOT IN ('a', 'b')", vec![]),
            ("k FROM a.silver.t WHERE k = 'a'", vec![listed(&["a"])]),
            ("k FROM a.silver.t WHERE k = 1", vec![]),
            ("v FROM a.silver.t WHERE v IN ('1', '2')", vec![]),
            ("v FROM a.silver.t WHERE v <= 10 OR k = 'a'", vec![]),
            ("v + 1 AS x FROM a.silver.t WHERE v <= 10", vec![]),
            ("CAST(v AS int) AS x FROM a.silver.t WHERE v <= 10", vec![]),
        ] {
            assert_eq!(of(&format!("SELECT {rest}")).await.checks, expected, "{rest}");
        }
    }
}
