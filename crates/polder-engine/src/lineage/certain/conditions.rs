//! What a condition of a query says of a column wherever it holds.

use std::collections::BTreeSet;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, NullEquality};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Filter, Join, Operator};
use polder_contract::RowCheck;

use super::constants::{constant, constant_number, is_text};
use super::{Certain, is_strict};

impl Certain {
    /// Of the column at this place of what a filter leaves, of which this was certain before.
    pub(in crate::lineage) fn filtered(mut self, filter: &Filter, at: usize) -> Self {
        let schema = filter.input.schema();
        let is_it = |column: &Column| schema.maybe_index_of_column(column) == Some(at);
        let of_type = schema.fields().get(at).map(|field| field.data_type());
        for conjunct in split_conjunction(&filter.predicate) {
            narrow(&mut self.checks, conjunct, &is_it, of_type);
        }
        match never_null(&filter.predicate, schema).contains(&at) {
            true => self.present(),
            false => self,
        }
    }
}

/// What a condition says of a column wherever it holds.
fn narrow(checks: &mut Vec<RowCheck>, condition: &Expr, is_it: &dyn Fn(&Column) -> bool, of_type: Option<&DataType>) {
    // A text that is held against a number, or a number against a text, is not compared as it stands there.
    let alike = |other: &Expr| is_text(other) == of_type.is_some_and(DataType::is_string);
    let is_it = |expr: &Expr| matches!(expr, Expr::Column(column) if is_it(column));
    // Not a number is above all numbers to the engine, and keeps no limit of a contract.
    let is_float = of_type.is_some_and(DataType::is_floating);
    match condition {
        Expr::BinaryExpr(binary) => {
            let Some(op) = compared(binary.op) else { return };
            let sides = [
                (&binary.left, &binary.right, op),
                (&binary.right, &binary.left, op.reverse()),
            ];
            for (_, other, order) in sides.into_iter().filter(|(value, ..)| is_it(value)) {
                let bound = bound(order, other).filter(|_| alike(other));
                checks.extend(bound.filter(|bound| !(is_float && is_least(bound))));
            }
        }
        Expr::Between(between) if is_it(&between.expr) && !between.negated => {
            let (low, high) = (constant_number(&between.low), constant_number(&between.high));
            checks.extend(low.map(at_least));
            checks.extend(high.map(at_most));
        }
        Expr::InList(list) if is_it(&list.expr) => {
            let texts = list.list.iter().map(constant).collect::<Option<Vec<_>>>();
            if !list.negated && list.list.iter().all(alike) {
                checks.extend(texts.map(RowCheck::OneOf));
            }
        }
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

pub(super) fn at_most(value: String) -> RowCheck {
    RowCheck::Maximum {
        value,
        exclusive: false,
    }
}

pub(super) fn at_least(value: String) -> RowCheck {
    RowCheck::Minimum {
        value,
        exclusive: false,
    }
}

fn is_least(check: &RowCheck) -> bool {
    matches!(check, RowCheck::Minimum { .. })
}

/// The places of the columns that are not null wherever a condition holds.
pub(super) fn never_null(condition: &Expr, schema: &DFSchema) -> BTreeSet<usize> {
    match condition {
        Expr::BinaryExpr(binary) if binary.op == Operator::And => {
            let all = chained(binary, |op| op == Operator::And).into_iter();
            all.flat_map(|one| never_null(one, schema)).collect()
        }
        Expr::BinaryExpr(binary) if binary.op == Operator::Or => {
            let any = chained(binary, |op| op == Operator::Or).into_iter();
            in_each(any.map(|one| never_null(one, schema)))
        }
        Expr::IsNotNull(of) | Expr::IsFalse(of) => null_with(of, schema),
        Expr::IsTrue(of) => never_null(of, schema),
        Expr::Not(of) => &present_otherwise(of, schema) | &null_with(of, schema),
        Expr::InSubquery(within) if !within.negated => null_with(&within.expr, schema),
        other => null_with(other, schema),
    }
}

/// The places of the columns of one side of a join that are not null in the rows that meet.
pub(super) fn met(join: &Join, is_left: bool) -> BTreeSet<usize> {
    let schema = if is_left {
        join.left.schema()
    } else {
        join.right.schema()
    };
    let keys = join.on.iter().map(|(left, right)| if is_left { left } else { right });
    let keys = keys.filter(|_| join.null_equality == NullEquality::NullEqualsNothing);
    let by_filter = join.filter.iter().flat_map(|filter| never_null(filter, schema));
    keys.flat_map(|key| null_with(key, schema)).chain(by_filter).collect()
}

/// The places of the columns that are not null wherever a condition does not hold.
pub(super) fn present_otherwise(condition: &Expr, schema: &DFSchema) -> BTreeSet<usize> {
    match condition {
        Expr::IsNull(of) => null_with(of, schema),
        Expr::Not(of) => match of.as_ref() {
            Expr::IsNotNull(of) => null_with(of, schema),
            _ => BTreeSet::new(),
        },
        Expr::BinaryExpr(binary) if binary.op == Operator::Or => {
            let any = chained(binary, |op| op == Operator::Or).into_iter();
            any.flat_map(|one| present_otherwise(one, schema)).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// The places of the columns with any of which an expression is null.
pub(super) fn null_with(expr: &Expr, schema: &DFSchema) -> BTreeSet<usize> {
    let all = |of: &[&Expr]| of.iter().flat_map(|one| null_with(one, schema)).collect();
    match expr {
        Expr::Column(column) => schema.maybe_index_of_column(column).into_iter().collect(),
        Expr::Alias(alias) => null_with(&alias.expr, schema),
        Expr::Cast(cast) => null_with(&cast.expr, schema),
        Expr::TryCast(cast) => null_with(&cast.expr, schema),
        Expr::Negative(of) | Expr::Not(of) => null_with(of, schema),
        Expr::BinaryExpr(binary) => match binary.op {
            Operator::IsDistinctFrom | Operator::IsNotDistinctFrom => BTreeSet::new(),
            // One that is false, or true, is the answer.
            Operator::And | Operator::Or => {
                let parts = chained(binary, |op| matches!(op, Operator::And | Operator::Or)).into_iter();
                in_each(parts.map(|part| null_with(part, schema)))
            }
            _ => {
                let is_plain = |op| {
                    let answers = [
                        Operator::And,
                        Operator::Or,
                        Operator::IsDistinctFrom,
                        Operator::IsNotDistinctFrom,
                    ];
                    !answers.contains(&op)
                };
                all(&chained(binary, is_plain))
            }
        },
        Expr::Between(between) => null_with(&between.expr, schema),
        // `IN ()` asks nothing.
        Expr::InList(list) if !list.list.is_empty() => null_with(&list.expr, schema),
        Expr::Like(like) | Expr::SimilarTo(like) => all(&[&like.expr, &like.pattern]),
        Expr::ScalarFunction(call) if is_strict(expr) => all(&call.args.iter().collect::<Vec<_>>()),
        _ => BTreeSet::new(),
    }
}

/// What operators in a row stand between: there can be thousands.
pub(super) fn chained(binary: &BinaryExpr, is_same: impl Fn(Operator) -> bool) -> Vec<&Expr> {
    let (mut open, mut parts) = (vec![binary.right.as_ref(), binary.left.as_ref()], Vec::new());
    while let Some(expr) = open.pop() {
        match expr {
            Expr::BinaryExpr(inner) if is_same(inner.op) => open.extend([inner.right.as_ref(), inner.left.as_ref()]),
            other => parts.push(other),
        }
    }
    parts
}

fn in_each(sets: impl Iterator<Item = BTreeSet<usize>>) -> BTreeSet<usize> {
    sets.reduce(|all, one| &all & &one).unwrap_or_default()
}
