//! Whether a value counts rows, and so says nothing of any one of them.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Case, Expr, Operator};

use super::trace::Scope;

/// What kind of value an expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Nature {
    /// Anything; what chose it among others is told with it.
    #[default]
    Value,
    /// Stands in the query.
    Constant,
    /// Yes or no, also as 1 and 0: the sum of such is a count.
    Flag,
    /// How many rows there are, or is computed from nothing but such numbers.
    Count,
}

impl Nature {
    /// Of values that come from either.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Count, Self::Constant) | (Self::Constant, Self::Count) => Self::Count,
            _ => Self::Value,
        }
    }

    /// Of what is computed from all of these.
    fn of_all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut parts = parts.into_iter();
        let Some(first) = parts.next() else { return Self::Value };
        match parts.fold(first, Self::or) {
            Self::Flag => Self::Value,
            other => other,
        }
    }

    /// Of an expression over the columns of `scope`.
    pub(super) fn of(expr: &Expr, scope: &Scope<'_>) -> Self {
        match expr {
            Expr::Literal(..) => Self::Constant,
            Expr::Alias(alias) => Self::of(&alias.expr, scope),
            Expr::BinaryExpr(binary) if arithmetic(binary.op) => Self::of_all(operands(expr, scope)),
            Expr::BinaryExpr(_) => Self::Flag,
            Expr::AggregateFunction(call) => Self::of_aggregate(call.func.name(), &call.params.args, scope),
            Expr::WindowFunction(call) => Self::of_aggregate(call.fun.name(), &call.params.args, scope),
            Expr::Case(case) if chooses_flags(case) => Self::Flag,
            Expr::Case(_) | Expr::ScalarSubquery(_) => Self::Value,
            Expr::Cast(cast) => Self::of(&cast.expr, scope),
            Expr::TryCast(cast) => Self::of(&cast.expr, scope),
            Expr::Negative(value) => Self::of_all([Self::of(value, scope)]),
            other => match Self::of_call(other, scope) {
                Self::Value if scope.type_of(other) == Some(DataType::Boolean) => Self::Flag,
                nature => nature,
            },
        }
    }

    fn of_call(expr: &Expr, scope: &Scope<'_>) -> Self {
        match expr {
            Expr::Column(column) => scope.find(column).map(|origins| origins.nature).unwrap_or_default(),
            Expr::OuterReferenceColumn(_, column) => {
                let origins = scope.find_around(column);
                origins.map(|origins| origins.nature).unwrap_or_default()
            }
            Expr::ScalarFunction(call) => Self::of_all(call.args.iter().map(|part| Self::of(part, scope))),
            _ => Self::Value,
        }
    }

    fn of_aggregate(name: &str, args: &[Expr], scope: &Scope<'_>) -> Self {
        if is_count(name) {
            return Self::Count;
        }
        match (name, args) {
            ("sum" | "avg", [of]) => match Self::of(of, scope) {
                Self::Value => Self::Value,
                _ => Self::Count,
            },
            ("min" | "max", [of]) if Self::of(of, scope) == Self::Count => Self::Count,
            _ => Self::Value,
        }
    }
}

/// Whether an aggregate function only counts.
pub(super) fn is_count(name: &str) -> bool {
    matches!(name, "count" | "approx_distinct")
}

/// Whether an operator gives something else than yes or no.
fn arithmetic(operator: Operator) -> bool {
    use Operator::{
        And, Eq, Gt, GtEq, ILikeMatch, IsDistinctFrom, IsNotDistinctFrom, LikeMatch, Lt, LtEq, NotEq, NotILikeMatch,
        NotLikeMatch, Or, RegexIMatch, RegexMatch, RegexNotIMatch, RegexNotMatch,
    };
    !matches!(
        operator,
        And | Eq
            | Gt
            | GtEq
            | ILikeMatch
            | IsDistinctFrom
            | IsNotDistinctFrom
            | LikeMatch
            | Lt
            | LtEq
            | NotEq
            | NotILikeMatch
            | NotLikeMatch
            | Or
            | RegexIMatch
            | RegexMatch
            | RegexNotIMatch
            | RegexNotMatch
    )
}

/// The natures of operands in a row (`a + b + …`), without a call for each operator: there can be thousands.
fn operands(expr: &Expr, scope: &Scope<'_>) -> Vec<Nature> {
    let (mut open, mut natures) = (vec![expr], Vec::new());
    while let Some(expr) = open.pop() {
        match expr {
            Expr::BinaryExpr(inner) if arithmetic(inner.op) => {
                open.extend([inner.left.as_ref(), inner.right.as_ref()]);
            }
            other => natures.push(Nature::of(other, scope)),
        }
    }
    natures
}

/// Whether all that it gives is 1, 0 or nothing, as written.
fn chooses_flags(case: &Case) -> bool {
    let values = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
    let mut values = values.chain(case.else_expr.as_deref());
    values.all(|value| match value {
        Expr::Literal(value, _) => match value.cast_to(&DataType::Float64) {
            Ok(ScalarValue::Float64(number)) => number.is_none_or(|number| number == 0.0 || number == 1.0),
            _ => false,
        },
        _ => false,
    })
}
