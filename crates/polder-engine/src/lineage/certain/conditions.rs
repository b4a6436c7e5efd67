//! What a condition of a query says of a column wherever it holds.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Filter, Operator};
use polder_contract::RowCheck;

use super::Certain;
use super::constants::{constant, constant_number, is_text};

impl Certain {
    /// Of the column at this place of what a filter leaves, of which this was certain before.
    pub(in crate::lineage) fn filtered(mut self, filter: &Filter, at: usize) -> Self {
        let schema = filter.input.schema();
        let is_it = |column: &Column| schema.maybe_index_of_column(column) == Some(at);
        let of_type = schema.fields().get(at).map(|field| field.data_type());
        for conjunct in split_conjunction(&filter.predicate) {
            narrow(&mut self, conjunct, &is_it, of_type);
        }
        self
    }
}

/// What a condition says of a column wherever it holds.
fn narrow(certain: &mut Certain, condition: &Expr, is_it: &dyn Fn(&Column) -> bool, of_type: Option<&DataType>) {
    // A text that is held against a number, or a number against a text, is not compared as it stands there.
    let alike = |other: &Expr| is_text(other) == of_type.is_some_and(DataType::is_string);
    let is_it = |expr: &Expr| matches!(expr, Expr::Column(column) if is_it(column));
    // Not a number is above all numbers to the engine, and keeps no limit of a contract.
    let is_float = of_type.is_some_and(DataType::is_floating);
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
                let bound = bound(order, other).filter(|_| alike(other));
                certain
                    .checks
                    .extend(bound.filter(|bound| !(is_float && is_least(bound))));
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
