//! What a query itself says of the values that it gives, wherever they come from: that none of them is null, that they are
//! these constants, that they are between bounds which it filters by. And which constants it puts beside others.

use std::collections::{BTreeSet, HashMap};
use std::marker::PhantomData;

use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::common::tree_node::TreeNode as _;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Aggregate, Distinct, Expr, ExprSchemable as _, JoinType, LogicalPlan, Operator};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use polder_contract::RowCheck;

/// What is certain of the values of a column.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Certain {
    /// Whether none of them is null.
    pub(crate) have_value: bool,
    /// What those keep that are not null.
    pub(crate) checks: Vec<RowCheck>,
    /// The constants among them, as contracts write them, beside values that are columns' own or computed from such.
    pub(crate) constants: Constants,
    /// Whether the query may give null where no value that it comes from is null.
    pub(crate) brings_null: bool,
    /// Whether they are sums of such values.
    pub(crate) sums: bool,
    /// Whether they are lists, objects or maps that the query made of such values.
    pub(crate) puts_inside: bool,
}

/// Constants that a query gives among other values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Constants {
    /// These.
    These(BTreeSet<String>),
    /// Values that are no column's own, of which nothing is known.
    Unknown,
}

/// Of more, none is known.
const MOST_CONSTANTS: usize = 1_000;

impl Default for Constants {
    fn default() -> Self {
        Self::These(BTreeSet::new())
    }
}

impl Constants {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::These(mut all), Self::These(more)) if all.len() + more.len() <= MOST_CONSTANTS => {
                all.extend(more);
                Self::These(all)
            }
            _ => Self::Unknown,
        }
    }
}

impl Certain {
    /// Of values that may be any.
    fn nothing() -> Self {
        Self {
            constants: Constants::Unknown,
            brings_null: true,
            ..Self::default()
        }
    }

    /// Of values that come from both, or one of them.
    fn or(self, other: Self) -> Self {
        Self {
            have_value: self.have_value && other.have_value,
            checks: match (self.checks.as_slice(), other.checks.as_slice()) {
                ([RowCheck::OneOf(one)], [RowCheck::OneOf(more)]) if one.len() + more.len() <= MOST_CONSTANTS => {
                    vec![RowCheck::OneOf(one.iter().chain(more).cloned().collect())]
                }
                (one, other) if one == other => self.checks,
                _ => Vec::new(),
            },
            constants: self.constants.and(other.constants),
            brings_null: self.brings_null || other.brings_null,
            sums: self.sums || other.sums,
            puts_inside: self.puts_inside || other.puts_inside,
        }
    }

    /// The same beside rows for which there is no value.
    fn or_null(self) -> Self {
        Self {
            have_value: false,
            brings_null: true,
            ..self
        }
    }
}

/// What is certain of each column of a plan as it is written.
pub(crate) fn certain(plan: &LogicalPlan) -> impl Iterator<Item = Certain> {
    let mut known = Known::default();
    (0..plan.schema().fields().len()).map(move |at| known.column(plan, at))
}

/// What was found of columns so far, by the plan that gives them and their place: a query may name one many times.
#[derive(Default)]
struct Known<'p> {
    found: HashMap<(*const LogicalPlan, usize), Certain>,
    /// The plans live as long.
    plans: PhantomData<&'p LogicalPlan>,
}

impl<'p> Known<'p> {
    fn column(&mut self, plan: &'p LogicalPlan, at: usize) -> Certain {
        let place = (std::ptr::from_ref(plan), at);
        if let Some(known) = self.found.get(&place) {
            return known.clone();
        }
        let certain = self.of_column(plan, at);
        self.found.insert(place, certain.clone());
        certain
    }

    fn of_column(&mut self, plan: &'p LogicalPlan, at: usize) -> Certain {
        let mut certain = match plan {
            LogicalPlan::TableScan(_) => Certain::default(),
            LogicalPlan::Projection(projection) => match projection.expr.get(at) {
                Some(expr) => self.of_expression(expr, &projection.input),
                None => Certain::nothing(),
            },
            LogicalPlan::Filter(filter) => {
                let mut certain = self.column(&filter.input, at);
                for conjunct in split_conjunction(&filter.predicate) {
                    let schema = filter.input.schema();
                    let is_it = |column: &Column| index(schema, column) == Some(at);
                    let of_type = schema.fields().get(at).map(|field| field.data_type());
                    narrow(&mut certain, conjunct, &is_it, of_type);
                }
                certain
            }
            LogicalPlan::SubqueryAlias(alias) => self.column(&alias.input, at),
            LogicalPlan::Sort(sort) => self.column(&sort.input, at),
            LogicalPlan::Limit(limit) => self.column(&limit.input, at),
            LogicalPlan::Distinct(Distinct::All(input)) => self.column(input, at),
            LogicalPlan::Distinct(Distinct::On(on)) => match on.select_expr.get(at) {
                Some(expr) => self.of_expression(expr, &on.input),
                None => Certain::nothing(),
            },
            LogicalPlan::Union(union) => {
                let inputs = union.inputs.iter().map(|input| self.column(input, at));
                inputs.reduce(Certain::or).unwrap_or_else(Certain::nothing)
            }
            LogicalPlan::Values(values) => {
                let given = values.values.iter().filter_map(|row| row.get(at));
                let given = given.map(|value| self.of_expression(value, plan));
                given.reduce(Certain::or).unwrap_or_else(Certain::nothing)
            }
            LogicalPlan::Aggregate(aggregate) => self.of_group(aggregate, at),
            LogicalPlan::Window(window) => {
                let before = window.input.schema().fields().len();
                match at.checked_sub(before) {
                    None => self.column(&window.input, at),
                    Some(at) => match window.window_expr.get(at) {
                        Some(expr) => self.of_expression(expr, &window.input),
                        None => Certain::nothing(),
                    },
                }
            }
            LogicalPlan::Join(join) => {
                let left = join.left.schema().fields().len();
                match (join.join_type, at.checked_sub(left)) {
                    (
                        JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark,
                        None,
                    ) => self.column(&join.left, at),
                    (JoinType::Right | JoinType::Full, None) => self.column(&join.left, at).or_null(),
                    (JoinType::Inner | JoinType::Right, Some(at)) => self.column(&join.right, at),
                    (JoinType::Left | JoinType::Full, Some(at)) => self.column(&join.right, at).or_null(),
                    (JoinType::RightSemi | JoinType::RightAnti, _) => self.column(&join.right, at),
                    _ => Certain::nothing(),
                }
            }
            _ => Certain::nothing(),
        };
        let field = plan.schema().fields().get(at);
        certain.have_value |= field.is_some_and(|field| !field.is_nullable());
        certain
    }

    /// A column of an aggregate: what is grouped by, or what is computed of each group.
    fn of_group(&mut self, aggregate: &'p Aggregate, at: usize) -> Certain {
        // In grouping sets a group may leave a column out, which is null then.
        if matches!(aggregate.group_expr.as_slice(), [Expr::GroupingSet(_), ..]) {
            return Certain::nothing();
        }
        let Some(computed) = at.checked_sub(aggregate.group_expr.len()) else {
            let group = aggregate.group_expr.get(at);
            return group.map_or_else(Certain::nothing, |expr| self.of_expression(expr, &aggregate.input));
        };
        let Some(expr) = aggregate.aggr_expr.get(computed) else {
            return Certain::nothing();
        };
        let mut certain = self.of_expression(expr, &aggregate.input);
        let is_grouped = !aggregate.group_expr.is_empty();
        if is_grouped && counts_rows(expr) {
            // There is no group of no rows.
            certain.checks = vec![at_least("1".to_owned())];
        }
        if !is_grouped {
            // Of no rows at all there is none.
            certain.have_value = false;
            certain.brings_null = true;
        }
        certain
    }

    fn of_expression(&mut self, expr: &Expr, input: &'p LogicalPlan) -> Certain {
        let brings_null = self.brings_null(expr, input);
        let mut certain = self.given(expr, input);
        certain.brings_null = brings_null;
        certain.have_value |= !brings_null && self.is_of_values(expr, input);
        certain
    }

    /// Whether an expression is computed, by what gives null of null alone, from columns that are never null.
    fn is_of_values(&mut self, expr: &Expr, input: &'p LogicalPlan) -> bool {
        let lacks = expr.exists(|part| {
            Ok(match part {
                Expr::Column(column) => {
                    let at = index(input.schema(), column);
                    at.is_none_or(|at| !self.column(input, at).have_value)
                }
                part => !is_strict(part),
            })
        });
        lacks.is_ok_and(|lacks| !lacks)
    }

    /// Whether an expression may be null where no column in it is.
    fn brings_null(&mut self, expr: &Expr, input: &'p LogicalPlan) -> bool {
        let schema = input.schema();
        let found = expr.exists(|part| {
            Ok(match part {
                Expr::Column(column) => {
                    let known = index(schema, column).map(|at| self.column(input, at));
                    known.is_none_or(|known| known.brings_null)
                }
                Expr::Literal(value, _) => value.is_null(),
                Expr::Case(case) => case.else_expr.is_none(),
                Expr::ScalarFunction(call) => {
                    let of_map = || call.args.first().map(|of| of.get_type(schema));
                    match call.name() {
                        "get_field" => !matches!(of_map(), Some(Ok(DataType::Struct(_)))),
                        "nullif" | "element_at" | "regexp_match" => true,
                        name => ["array_", "list_", "map_", "json_"]
                            .iter()
                            .any(|of| name.starts_with(of)),
                    }
                }
                Expr::AggregateFunction(function) => {
                    function.params.filter.is_some() && function.func.name() != "count"
                }
                Expr::WindowFunction(function) => matches!(function.fun.name(), "lag" | "lead" | "nth_value"),
                Expr::TryCast(_) | Expr::ScalarSubquery(_) | Expr::OuterReferenceColumn(..) => true,
                _ => false,
            })
        });
        found.unwrap_or(true)
    }

    fn given(&mut self, expr: &Expr, input: &'p LogicalPlan) -> Certain {
        // What is computed is one of no known values.
        let checks = |checks: Vec<RowCheck>| Certain {
            checks,
            ..Certain::nothing()
        };
        // Not a number is above all numbers to the engine, and keeps no limit of a contract.
        let is_float = || expr.get_type(input.schema()).is_ok_and(|of_type| of_type.is_floating());
        if let Some(text) = constant(expr) {
            return Certain {
                have_value: true,
                checks: vec![RowCheck::OneOf(vec![text.clone()])],
                constants: Constants::These(BTreeSet::from([text])),
                ..Certain::default()
            };
        }
        if is_null(expr) {
            return Certain {
                checks: vec![RowCheck::OneOf(Vec::new())],
                ..Certain::default()
            };
        }
        match expr {
            Expr::Alias(alias) => self.of_expression(&alias.expr, input),
            Expr::Column(column) => match index(input.schema(), column) {
                Some(at) => self.column(input, at),
                None => Certain::nothing(),
            },
            Expr::Cast(cast) => {
                let of = self.of_expression(&cast.expr, input);
                // What the other type cannot hold may become another value, or fails, and is no null.
                let is_whole = |constant: &String| constant.parse::<i128>().is_ok();
                let constants = match of.constants {
                    Constants::These(constants)
                        if constants.is_empty()
                            || cast.field.data_type().is_numeric() && constants.iter().all(is_whole) =>
                    {
                        Constants::These(constants)
                    }
                    _ => Constants::Unknown,
                };
                Certain {
                    have_value: of.have_value,
                    puts_inside: of.puts_inside,
                    constants,
                    ..Certain::default()
                }
            }
            Expr::Case(case) => {
                let values = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
                let values: Vec<_> = values.chain(case.else_expr.as_deref()).collect();
                let given = values.iter().filter(|value| !is_null(value));
                let texts = given.map(|value| constant(value)).collect::<Option<Vec<_>>>();
                Certain {
                    checks: texts.map(RowCheck::OneOf).into_iter().collect(),
                    constants: self.constants_of(values, input),
                    ..Certain::default()
                }
            }
            Expr::ScalarFunction(call) => {
                let bounds = call.args.iter().filter_map(constant_number);
                match call.name() {
                    "least" => Certain {
                        checks: bounds.map(at_most).collect(),
                        constants: self.constants_of(&call.args, input),
                        ..Certain::default()
                    },
                    "greatest" => Certain {
                        checks: bounds.map(at_least).filter(|_| !is_float()).collect(),
                        constants: self.constants_of(&call.args, input),
                        ..Certain::default()
                    },
                    "coalesce" | "ifnull" | "nvl" => Certain {
                        constants: self.constants_of(&call.args, input),
                        ..Certain::default()
                    },
                    // The first of them, or what is inside.
                    "nullif" | "array_element" | "get_field" => Certain {
                        constants: self.constants_of(call.args.first(), input),
                        ..Certain::default()
                    },
                    "make_array" => Certain {
                        constants: self.constants_of(&call.args, input),
                        puts_inside: true,
                        ..Certain::default()
                    },
                    "named_struct" | "struct" | "map" | "make_map" => Certain {
                        puts_inside: true,
                        ..Certain::nothing()
                    },
                    _ => Certain::nothing(),
                }
            }
            Expr::AggregateFunction(function) if function.func.name() == "count" => {
                checks(vec![at_least("0".to_owned())])
            }
            Expr::AggregateFunction(function) if function.func.name() == "sum" => Certain {
                constants: self.constants_of(function.params.args.first(), input),
                sums: true,
                ..Certain::default()
            },
            Expr::AggregateFunction(function) if function.func.name() == "array_agg" => Certain {
                puts_inside: true,
                ..Certain::nothing()
            },
            Expr::AggregateFunction(function) if gives_one_of_rows(function.func.name()) => Certain {
                constants: self.constants_of(function.params.args.first(), input),
                ..Certain::default()
            },
            Expr::WindowFunction(function) => match function.fun.name() {
                // The third is given where there is no such row.
                "lag" | "lead" => {
                    let args = &function.params.args;
                    Certain {
                        constants: self.constants_of(args.first().into_iter().chain(args.get(2)), input),
                        ..Certain::default()
                    }
                }
                name if gives_one_of_rows(name) => Certain {
                    constants: self.constants_of(function.params.args.first(), input),
                    ..Certain::default()
                },
                "count" => checks(vec![at_least("0".to_owned())]),
                "row_number" | "rank" | "dense_rank" | "ntile" => checks(vec![at_least("1".to_owned())]),
                _ => Certain::nothing(),
            },
            _ => Certain::nothing(),
        }
    }

    /// The constants among values of which one is given.
    fn constants_of<'e>(&mut self, values: impl IntoIterator<Item = &'e Expr>, input: &'p LogicalPlan) -> Constants {
        let each = values
            .into_iter()
            .map(|value| self.of_expression(value, input).constants);
        each.fold(Constants::default(), Constants::and)
    }
}

fn index(schema: &DFSchema, column: &Column) -> Option<usize> {
    schema.maybe_index_of_column(column)
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

fn is_least(check: &RowCheck) -> bool {
    matches!(check, RowCheck::Minimum { .. })
}

/// Whether an aggregate is the number of rows.
fn counts_rows(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => counts_rows(&alias.expr),
        Expr::AggregateFunction(function) => {
            let of_rows = |of: &Expr| matches!(of, Expr::Literal(value, _) if !value.is_null());
            let params = &function.params;
            function.func.name() == "count" && params.filter.is_none() && params.args.iter().all(of_rows)
        }
        _ => false,
    }
}

/// Whether an aggregate or a function over a window gives its argument of one of the rows.
fn gives_one_of_rows(name: &str) -> bool {
    matches!(
        name,
        "min" | "max" | "first_value" | "last_value" | "nth_value" | "any_value"
    )
}

/// Whether a part of an expression is null only where something in it is.
fn is_strict(part: &Expr) -> bool {
    match part {
        Expr::Column(_) | Expr::Literal(..) | Expr::Alias(_) | Expr::Cast(_) | Expr::Negative(_) => true,
        Expr::BinaryExpr(binary) => matches!(
            binary.op,
            Operator::Plus | Operator::Minus | Operator::Multiply | Operator::StringConcat
        ),
        Expr::ScalarFunction(call) => matches!(
            call.name(),
            "upper" | "lower" | "btrim" | "ltrim" | "rtrim" | "substr" | "replace" | "abs" | "round" | "floor" | "ceil"
        ),
        _ => false,
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

/// A value that stands in the query, or is computed of such, as contracts write it.
fn constant(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Alias(alias) => constant(&alias.expr),
        Expr::Literal(value, _) => written(value),
        Expr::Cast(_) | Expr::Negative(_) | Expr::BinaryExpr(_) => whole(expr).or_else(|| computed(expr)),
        _ => None,
    }
}

/// A whole number, which is the same in any type of numbers that holds it.
fn whole(expr: &Expr) -> Option<String> {
    let (inner, negates) = match expr {
        Expr::Cast(cast) if cast.field.data_type().is_numeric() => (&cast.expr, false),
        Expr::Negative(inner) => (inner, true),
        _ => return None,
    };
    let number = constant_number(inner)?;
    match negates {
        true => Some(number.parse::<i128>().ok()?.checked_neg()?.to_string()),
        false => Some(number),
    }
}

/// What is computed of a few literals.
fn computed(expr: &Expr) -> Option<String> {
    if !is_small(expr) {
        return None;
    }
    let simplifier = ExprSimplifier::new(SimplifyContext::default());
    match simplifier.simplify(expr.clone()).ok()? {
        Expr::Literal(value, _) => written(&value),
        _ => None,
    }
}

/// Whether an expression is a handful of literals that are cast, put together or reckoned with.
fn is_small(expr: &Expr) -> bool {
    const MOST: usize = 32;
    let mut parts = 0;
    let other = expr.exists(|part| {
        parts += 1;
        let is_plain = match part {
            Expr::Literal(..) | Expr::Cast(_) | Expr::Negative(_) => true,
            Expr::BinaryExpr(binary) => matches!(
                binary.op,
                Operator::Plus | Operator::Minus | Operator::Multiply | Operator::StringConcat
            ),
            _ => false,
        };
        Ok(!is_plain || parts > MOST)
    });
    other.is_ok_and(|other| !other)
}

fn written(value: &ScalarValue) -> Option<String> {
    match value {
        ScalarValue::Int8(Some(_))
        | ScalarValue::Int16(Some(_))
        | ScalarValue::Int32(Some(_))
        | ScalarValue::Int64(Some(_))
        | ScalarValue::UInt8(Some(_))
        | ScalarValue::UInt16(Some(_))
        | ScalarValue::UInt32(Some(_))
        | ScalarValue::UInt64(Some(_))
        | ScalarValue::Boolean(Some(_))
        | ScalarValue::Date32(Some(_)) => Some(value.to_string()),
        ScalarValue::Decimal32(Some(_), ..)
        | ScalarValue::Decimal64(Some(_), ..)
        | ScalarValue::Decimal128(Some(_), ..) => {
            let array = value.to_array().ok()?;
            array_value_to_string(&array, 0).ok()
        }
        other => other.try_as_str().flatten().map(ToOwned::to_owned),
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
                "SELECT v + 1 AS x FROM a.silver.t",
                "SELECT upper(CAST(v AS varchar)) AS x FROM a.silver.t",
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
            // Of values that are never null, a sum is none; of some that are, it is one all the same: nothing is said of it.
            let sums = format!("SELECT sum(v) AS s FROM a.silver.t WHERE {condition} GROUP BY k");
            assert!(!of(&sums).await.have_value, "{sums}");
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
            ("1 + 2 * 3 AS x FROM a.silver.t", vec![listed(&["7"])]),
            ("'a' || 'b' AS x FROM a.silver.t", vec![listed(&["ab"])]),
            ("CAST('a' AS varchar) AS x FROM a.silver.t", vec![listed(&["a"])]),
            (
                "CAST('1.25' AS decimal(10, 2)) AS x FROM a.silver.t",
                vec![listed(&["1.25"])],
            ),
            ("DATE '2024-01-31' AS x FROM a.silver.t", vec![listed(&["2024-01-31"])]),
            (
                "1 AS x UNION ALL SELECT 2 UNION ALL SELECT 3",
                vec![listed(&["1", "2", "3"])],
            ),
            ("column1 FROM (VALUES (1), (2))", vec![listed(&["1", "2"])]),
            ("count(*) AS x FROM a.silver.t GROUP BY k", vec![least("1", false)]),
            ("count(v) AS x FROM a.silver.t GROUP BY k", vec![least("0", false)]),
            (
                "count(*) FILTER (WHERE v > 1) AS x FROM a.silver.t GROUP BY k",
                vec![least("0", false)],
            ),
            // Not a number is above all numbers to the engine.
            ("greatest(CAST(v AS double), 10) AS x FROM a.silver.t", vec![]),
            (
                "x FROM (SELECT CAST(v AS double) AS x FROM a.silver.t) WHERE x >= 0 AND x <= 9",
                vec![most("9", false)],
            ),
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

    #[tokio::test]
    async fn constants_beside_other_values_are_known_and_null_that_the_query_brings() {
        let these = |values: &[&str]| Constants::These(values.iter().map(ToString::to_string).collect());
        for (rest, constants, brings_null) in [
            ("v FROM a.silver.t", these(&[]), false),
            ("coalesce(v, 99) AS x FROM a.silver.t", these(&["99"]), false),
            (
                "CASE WHEN v > 1 THEN v ELSE 7 END AS x FROM a.silver.t",
                these(&["7"]),
                false,
            ),
            ("CASE WHEN v > 1 THEN v END AS x FROM a.silver.t", these(&[]), true),
            (
                "CASE WHEN v > 1 THEN now() END AS x FROM a.silver.t",
                Constants::Unknown,
                true,
            ),
            (
                "max(CASE WHEN v > 1 THEN 9 ELSE 0 END) AS x FROM a.silver.t GROUP BY k",
                these(&["0", "9"]),
                false,
            ),
            (
                "lag(v, 1, 5) OVER (ORDER BY k) AS x FROM a.silver.t",
                these(&["5"]),
                true,
            ),
            (
                "CAST(coalesce(v, 7) AS double) AS x FROM a.silver.t",
                these(&["7"]),
                false,
            ),
            ("v FROM a.silver.t UNION ALL SELECT 5", these(&["5"]), false),
            ("v FROM a.silver.t UNION ALL SELECT NULL", these(&[]), true),
            ("upper(k) AS x FROM a.silver.t", Constants::Unknown, false),
            ("sum(v) AS x FROM a.silver.t GROUP BY k", these(&[]), false),
            ("sum(v) AS x FROM a.silver.t", these(&[]), true),
            ("nullif(v, 1) AS x FROM a.silver.t", these(&[]), true),
            ("TRY_CAST(k AS bigint) AS x FROM a.silver.t", Constants::Unknown, true),
            (
                "t.v FROM a.silver.u LEFT JOIN a.silver.t ON t.k = u.k",
                these(&[]),
                true,
            ),
            ("t.v FROM a.silver.u JOIN a.silver.t ON t.k = u.k", these(&[]), false),
            ("v FROM a.silver.t GROUP BY ROLLUP(v)", Constants::Unknown, true),
        ] {
            let found = of(&format!("SELECT {rest}")).await;
            assert_eq!((found.constants, found.brings_null), (constants, brings_null), "{rest}");
        }
    }

    #[tokio::test]
    async fn a_column_that_is_named_again_and_again_is_looked_at_once() {
        let mut sql = "SELECT v AS x FROM a.silver.t".to_owned();
        for _ in 0..20 {
            sql = format!("SELECT coalesce(x, x, 1) AS x FROM ({sql}) AS q");
        }
        let constants = Constants::These(BTreeSet::from(["1".to_owned()]));
        assert_eq!(of(&sql).await.constants, constants);
        let casts = format!("SELECT 5{} AS x FROM a.silver.t", "::int::bigint".repeat(15));
        assert_eq!(of(&casts).await.checks, vec![RowCheck::OneOf(vec!["5".to_owned()])]);
        let signs = format!("SELECT {}5 AS x FROM a.silver.t", "- ".repeat(30));
        assert_eq!(of(&signs).await.checks, vec![RowCheck::OneOf(vec!["5".to_owned()])]);
    }
}
