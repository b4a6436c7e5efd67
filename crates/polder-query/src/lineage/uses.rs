//! What queries do with values: under which operators, functions and orders they come, and as values of which kind. Two
//! plans of one text that agree in this make the same of the same values, whatever the types of the columns are.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, Operator, TryCast};

use super::choice;
use super::kind::Kind;
use super::origins::{Dependency, Origins};
use super::trace::{Scope, Tracer};

/// One thing that is done with values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Use {
    /// What it is: an operator, a function, a clause.
    pub by: Arc<str>,
    /// Of which kind the values are there.
    pub of: Kind,
}

/// What `SELECT DISTINCT` and `UNION` do.
pub const DISTINCT: &str = "DISTINCT";

/// What `TRY_CAST` to whole numbers does: of text that is no whole number it makes nothing, of other numbers whole ones.
pub const TRY_CAST: &str = "TRY_CAST to whole numbers";

/// How far a use looks at values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Looks {
    /// It tells them apart, and which comes first.
    Compares,
    /// It compares them with numbers that each type of numbers holds.
    ComparesNumbers,
    /// It adds them up, or takes what is left of them.
    Reckons,
    /// It makes sums, differences and products of their type of them.
    Computes,
    /// It asks for the day that they are of.
    Days,
    /// Anything.
    Whole,
}

impl Tracer {
    /// Keeps a use of values of a type.
    pub(super) fn note(&self, origins: &mut Origins, by: &str, looks: Looks, kind: Option<&DataType>) {
        let Some(kind) = kind.filter(|_| self.keeps_uses && !origins.is_empty()) else {
            return;
        };
        let (kind, data_type) = (Kind::of(kind), kind);
        let of = match looks {
            Looks::Compares => kind.compared(),
            Looks::ComparesNumbers => kind.held_against_numbers(),
            Looks::Computes => kind.computed(data_type),
            Looks::Reckons => kind.reckoned(),
            Looks::Days => kind.each(&|kind| match kind {
                Kind::Timestamp | Kind::LocalTimestamp => Kind::Date,
                other => other,
            }),
            Looks::Whole => kind,
        };
        origins.used(&Use { by: by.into(), of });
    }

    /// What an expression is computed from, used in this way.
    pub(super) fn used(&mut self, expr: &Expr, by: &str, looks: Looks, scope: &Scope<'_>) -> Result<Origins> {
        let mut origins = self.expression(expr, scope)?;
        if self.keeps_uses {
            self.note(&mut origins, by, looks, scope.type_of(expr).as_ref());
        }
        Ok(origins)
    }

    /// Several, together.
    pub(super) fn all_used<'e>(
        &mut self,
        list: impl IntoIterator<Item = &'e Expr>,
        by: &str,
        looks: Looks,
        scope: &Scope<'_>,
    ) -> Result<Origins> {
        let mut origins = Origins::default();
        for expr in list {
            origins.add(&self.used(expr, by, looks, scope)?);
        }
        Ok(origins)
    }

    /// Keeps a cast that makes something else of values.
    pub(super) fn note_cast(&self, origins: &mut Origins, cast: &Expr, from: &DataType, to: &DataType) {
        if !self.keeps_uses {
            return;
        }
        let (is, becomes) = (Kind::of(from), Kind::of(to));
        if !is.keeps_meaning_as(&becomes) {
            self.note(origins, &format!("cast to {becomes}"), Looks::Whole, Some(from));
        } else if matches!(cast, Expr::TryCast(_)) && becomes == Kind::Integer {
            self.note(origins, TRY_CAST, Looks::Whole, Some(from));
        }
        if is.is_written_as(&becomes) {
            origins.written_out();
        }
    }

    /// Operators in a row, each with the types of what it is given, without a call for each.
    pub(super) fn used_chain(&mut self, binary: &BinaryExpr, scope: &Scope<'_>) -> Result<Origins> {
        enum Next<'e> {
            Open(&'e Expr),
            Close(&'e BinaryExpr),
        }
        let mut next = vec![
            Next::Close(binary),
            Next::Open(binary.right.as_ref()),
            Next::Open(binary.left.as_ref()),
        ];
        let mut done: Vec<(Origins, Option<DataType>)> = Vec::new();
        while let Some(one) = next.pop() {
            match one {
                Next::Open(Expr::BinaryExpr(inner)) => next.extend([
                    Next::Close(inner),
                    Next::Open(inner.right.as_ref()),
                    Next::Open(inner.left.as_ref()),
                ]),
                Next::Open(other) => done.push((self.expression(other, scope)?, scope.type_of(other))),
                Next::Close(inner) => {
                    let (Some((mut right, of_right)), Some((mut left, of_left))) = (done.pop(), done.pop()) else {
                        break;
                    };
                    if !matches!(inner.op, Operator::And | Operator::Or) {
                        let by = format!("`{}`", inner.op);
                        let looks = looks_of(inner.op);
                        let with = |other: &Expr| looks.with([other]);
                        self.note(&mut left, &by, with(&inner.right), of_left.as_ref());
                        self.note(&mut right, &by, with(&inner.left), of_right.as_ref());
                    }
                    left.add(&right);
                    let kind = of_left.zip(of_right).and_then(|(left, right)| {
                        let settled = BinaryTypeCoercer::new(&left, &inner.op, &right).get_result_type();
                        settled.ok()
                    });
                    done.push((left, kind));
                }
            }
        }
        let (origins, _) = done.pop().unwrap_or_default();
        Ok(origins.computed(Dependency::Transformation))
    }

    /// What takes the month, or another part no smaller than a day, of a day or an instant: the same of both.
    pub(super) fn of_days(&mut self, call: &ScalarFunction, scope: &Scope<'_>) -> Result<Origins> {
        let values = call.args.iter().map(|value| match value {
            Expr::Cast(cast)
                if scope
                    .type_of(&cast.expr)
                    .is_some_and(|from| Kind::of(&from) == Kind::Date) =>
            {
                &cast.expr
            }
            other => other,
        });
        let origins = self.all_used(values, call.name(), Looks::Days, scope)?;
        Ok(origins.computed(Dependency::Transformation))
    }

    /// The arguments of an aggregate or window function.
    pub(super) fn arguments(
        &mut self,
        name: &str,
        (args, distinct): (&[Expr], bool),
        scope: &Scope<'_>,
    ) -> Result<Origins> {
        let by = format!("{name}{}", if distinct { " of DISTINCT" } else { "" });
        let looks = match name {
            "min" | "max" | "approx_distinct" => Looks::Compares,
            "sum" => Looks::Reckons,
            _ if distinct => Looks::Compares,
            // What counts values, or gives one of them by its place, does not look at them.
            "count" => return self.expressions(args, scope),
            _ if choice::of_rows(name) => return self.expressions(args, scope),
            _ => Looks::Whole,
        };
        self.all_used(args, &by, looks, scope)
    }
}

impl Looks {
    /// The same where values are compared with these.
    pub(super) fn with<'e>(self, others: impl IntoIterator<Item = &'e Expr>) -> Self {
        match self {
            Self::Compares if others.into_iter().all(is_held_by_all) => Self::ComparesNumbers,
            looks => looks,
        }
    }
}

/// Whether an expression is a whole number that a double holds exactly, as each other type of numbers does that can be
/// compared with it.
fn is_held_by_all(expr: &Expr) -> bool {
    const MOST: u64 = 1 << 53;
    let mut expr = expr;
    while let Expr::Cast(Cast { expr: inner, .. })
    | Expr::TryCast(TryCast { expr: inner, .. })
    | Expr::Negative(inner) = expr
    {
        expr = inner;
    }
    let Expr::Literal(value, _) = expr else {
        return false;
    };
    let size = match value {
        ScalarValue::Int8(Some(value)) => u64::from(value.unsigned_abs()),
        ScalarValue::Int16(Some(value)) => u64::from(value.unsigned_abs()),
        ScalarValue::Int32(Some(value)) => u64::from(value.unsigned_abs()),
        ScalarValue::Int64(Some(value)) => value.unsigned_abs(),
        ScalarValue::UInt64(Some(value)) => *value,
        _ => return false,
    };
    size <= MOST
}

/// Whether a function takes a part of a day or an instant that is no smaller than a day.
pub(super) fn is_of_days(call: &ScalarFunction) -> bool {
    let Some(Expr::Literal(part, _)) = call.args.first() else {
        return false;
    };
    let part = part.try_as_str().flatten().map(str::to_lowercase);
    let is_day = |part: String| {
        matches!(
            part.as_str(),
            "year" | "quarter" | "month" | "week" | "day" | "dow" | "doy"
        )
    };
    matches!(call.name(), "date_part" | "date_trunc") && part.is_some_and(is_day)
}

/// How far an operator looks at its operands.
fn looks_of(operator: Operator) -> Looks {
    use Operator::{
        BitwiseShiftLeft, BitwiseShiftRight, Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, Minus, Modulo,
        Multiply, NotEq, Plus,
    };
    match operator {
        Eq | NotEq | Gt | GtEq | Lt | LtEq | IsDistinctFrom | IsNotDistinctFrom => Looks::Compares,
        Plus | Minus | Multiply | BitwiseShiftLeft | BitwiseShiftRight => Looks::Computes,
        Modulo => Looks::Reckons,
        _ => Looks::Whole,
    }
}

/// How an expression that is no function and no operator of two looks at its operands; nothing where it only asks whether
/// there is a value.
pub(super) fn looks(expr: &Expr) -> Option<(&'static str, Looks)> {
    match expr {
        Expr::IsNull(_) | Expr::IsNotNull(_) => None,
        Expr::Between(between) => {
            let ends = [between.low.as_ref(), between.high.as_ref()];
            Some(("BETWEEN", Looks::Compares.with(ends)))
        }
        Expr::InList(within) => Some(("IN", Looks::Compares.with(&within.list))),
        Expr::InSubquery(_) => Some(("IN", Looks::Compares)),
        Expr::SetComparison(_) => Some(("ANY or ALL", Looks::Compares)),
        Expr::Like(_) => Some(("LIKE", Looks::Whole)),
        Expr::SimilarTo(_) => Some(("SIMILAR TO", Looks::Whole)),
        Expr::Negative(_) => Some(("`-`", Looks::Computes)),
        _ => Some(("an expression", Looks::Whole)),
    }
}

/// What a clause of rows does, in words.
pub(super) fn clause(kind: Dependency) -> (&'static str, Looks) {
    let by = match kind {
        Dependency::Sort => "ORDER BY",
        Dependency::GroupBy => "GROUP BY",
        Dependency::Join => "JOIN",
        _ => "WHERE",
    };
    (by, Looks::Compares)
}

/// Uses, each with the number of the column whose values it looks at.
pub(super) type Uses = BTreeSet<(super::ColumnId, Use)>;
