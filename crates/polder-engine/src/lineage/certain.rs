//! What a query itself says of the values that it gives, wherever they come from: that none of them is null, that they are
//! these constants, that they are between bounds which it filters by. And which constants it puts beside others.

mod conditions;
mod constants;
mod nulls;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::marker::PhantomData;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNode as _;
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::{Aggregate, Case, Distinct, Expr, ExprSchemable as _, JoinType, LogicalPlan, Operator};
use polder_contract::RowCheck;
use polder_query::lineage::DatasetColumn;

use self::conditions::{at_least, at_most, never_null, present_otherwise};
use self::constants::{constant, constant_number, is_null};
use self::nulls::{Nulls, Present};

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
    /// Whether they are sums or means of such values.
    pub(crate) sums: bool,
    /// Into how many lists, objects or maps that the query made such values were put, and not taken out again.
    pub(crate) inside: usize,
    /// The columns that may be null where the query gives another value instead.
    pub(crate) replaced: BTreeSet<DatasetColumn>,
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
            inside: self.inside.max(other.inside),
            replaced: BTreeSet::new(),
        }
    }

    /// Takes in values of which one is given beside others.
    fn takes_in(&mut self, other: Self) {
        self.constants = std::mem::take(&mut self.constants).and(other.constants);
        self.sums |= other.sums;
        self.inside = self.inside.max(other.inside);
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
    (0..plan.schema().fields().len()).map(move |at| {
        let replaced = known.nulls(plan, at, &Present::new()).replaced;
        Certain {
            replaced: replaced.iter().map(|column| DatasetColumn::clone(column)).collect(),
            ..known.column(plan, at)
        }
    })
}

/// What was found of columns so far, by the plan that gives them and their place: a query may name one many times.
#[derive(Default)]
struct Known<'p> {
    found: HashMap<(*const LogicalPlan, usize), Certain>,
    /// The same of null, in the rows where some columns are not null.
    nulls: HashMap<(*const LogicalPlan, usize, Present), Nulls>,
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
            LogicalPlan::Filter(filter) => self.column(&filter.input, at).filtered(filter, at),
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

    fn of_expression(&mut self, expr: &'p Expr, input: &'p LogicalPlan) -> Certain {
        let brings_null = self.brings_null(expr, input);
        let mut certain = self.given(expr, input);
        certain.brings_null = brings_null;
        certain.have_value |= !brings_null && self.is_of_values(expr, input, &Present::new());
        certain
    }

    /// Whether an expression is computed, by what gives null of null alone, from columns that are never null,
    /// or are not null in the rows that count.
    fn is_of_values(&mut self, expr: &Expr, input: &'p LogicalPlan, present: &Present) -> bool {
        let lacks = expr.exists(|part| {
            Ok(match part {
                Expr::Column(column) => {
                    let at = index(input.schema(), column);
                    at.is_none_or(|at| !present.contains(&at) && !self.column(input, at).have_value)
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

    fn given(&mut self, expr: &'p Expr, input: &'p LogicalPlan) -> Certain {
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
                    sums: of.sums,
                    inside: of.inside,
                    constants,
                    ..Certain::default()
                }
            }
            Expr::Case(case) => self.of_case(case, input),
            Expr::ScalarFunction(call) => {
                let bounds = call.args.iter().filter_map(constant_number);
                match call.name() {
                    "least" => Certain {
                        checks: bounds.map(at_most).collect(),
                        ..self.among(&call.args, input)
                    },
                    "greatest" => Certain {
                        checks: bounds.map(at_least).filter(|_| !is_float()).collect(),
                        ..self.among(&call.args, input)
                    },
                    "coalesce" | "ifnull" | "nvl" => {
                        // What stands behind a value that is never null is never given.
                        let last = call.args.iter().position(|value| self.is_never_null(value, input));
                        let given = last.map_or(call.args.len(), |last| last + 1);
                        self.among(call.args.iter().take(given), input)
                    }
                    // The first of them, or what is inside.
                    "nullif" => self.among(call.args.first(), input),
                    "array_element" | "get_field" => {
                        let of = self.among(call.args.first(), input);
                        Certain {
                            inside: of.inside.saturating_sub(call.args.len().saturating_sub(1)),
                            ..of
                        }
                    }
                    "make_array" => {
                        let of = self.among(&call.args, input);
                        Certain {
                            inside: of.inside + 1,
                            ..of
                        }
                    }
                    "named_struct" | "struct" | "map" | "make_map" => Certain {
                        inside: self.among(&call.args, input).inside + 1,
                        ..Certain::nothing()
                    },
                    name if makes_list(name) => Certain {
                        inside: self.among(&call.args, input).inside.max(1),
                        ..Certain::nothing()
                    },
                    _ => Certain::nothing(),
                }
            }
            Expr::AggregateFunction(function) if function.func.name() == "count" => {
                checks(vec![at_least("0".to_owned())])
            }
            Expr::AggregateFunction(function) if matches!(function.func.name(), "sum" | "avg") => Certain {
                sums: true,
                ..self.among(function.params.args.first(), input)
            },
            Expr::AggregateFunction(function) if function.func.name() == "array_agg" => Certain {
                inside: self.among(function.params.args.first(), input).inside + 1,
                ..Certain::nothing()
            },
            Expr::AggregateFunction(function) if gives_one_of_rows(function.func.name()) => {
                self.among(function.params.args.first(), input)
            }
            Expr::WindowFunction(function) => match function.fun.name() {
                // The third is given where there is no such row.
                "lag" | "lead" => {
                    let args = &function.params.args;
                    self.among(args.first().into_iter().chain(args.get(2)), input)
                }
                name if gives_one_of_rows(name) => self.among(function.params.args.first(), input),
                "sum" | "avg" => Certain {
                    sums: true,
                    ..self.among(function.params.args.first(), input)
                },
                "array_agg" => Certain {
                    inside: self.among(function.params.args.first(), input).inside + 1,
                    ..Certain::nothing()
                },
                "count" => checks(vec![at_least("0".to_owned())]),
                "row_number" | "rank" | "dense_rank" | "ntile" => checks(vec![at_least("1".to_owned())]),
                _ => Certain::nothing(),
            },
            _ => Certain::nothing(),
        }
    }

    /// What is the same of values of which one is given: the constants among them, and what any of them is made of.
    fn among(&mut self, values: impl IntoIterator<Item = &'p Expr>, input: &'p LogicalPlan) -> Certain {
        let mut among = Certain::default();
        for value in values {
            among.takes_in(self.of_expression(value, input));
        }
        among
    }

    /// What was asked for null before is not null behind, and nothing is given for a null that never is.
    fn of_case(&mut self, case: &'p Case, input: &'p LogicalPlan) -> Certain {
        let schema = input.schema();
        let mut given = Vec::new();
        let mut present = Present::new();
        for (when, then) in &case.when_then_expr {
            let mut there = present.clone();
            if case.expr.is_none() {
                there.extend(never_null(when, schema));
                present.extend(present_otherwise(when, schema));
            }
            let is_never = match when.as_ref() {
                Expr::IsNull(asked) => self.is_never_null(asked, input),
                _ => false,
            };
            given.extend((!is_never).then_some((then.as_ref(), there)));
        }
        let mut certain = Certain {
            have_value: case.else_expr.is_some(),
            ..Certain::default()
        };
        given.extend(case.else_expr.as_deref().map(|otherwise| (otherwise, present)));
        let texts = given.iter().filter(|(value, _)| !is_null(value));
        let texts = texts.map(|(value, _)| constant(value)).collect::<Option<Vec<_>>>();
        certain.checks.extend(texts.map(RowCheck::OneOf));
        for (value, present) in given {
            let of = self.of_expression(value, input);
            certain.have_value &= of.have_value || self.is_present(value, input, &present);
            certain.takes_in(of);
        }
        certain
    }

    /// Whether an expression is not null in the rows where some columns are not.
    fn is_present(&mut self, expr: &'p Expr, input: &'p LogicalPlan, present: &Present) -> bool {
        let place = match expr {
            Expr::Column(column) => index(input.schema(), column),
            _ => None,
        };
        place.is_some_and(|at| present.contains(&at))
            || !self.brings_null(expr, input) && self.is_of_values(expr, input, present)
    }
}

fn index(schema: &DFSchema, column: &Column) -> Option<usize> {
    schema.maybe_index_of_column(column)
}

/// Whether a function makes a list of a list or of values.
fn makes_list(name: &str) -> bool {
    matches!(
        name,
        "array_append"
            | "array_prepend"
            | "array_concat"
            | "array_distinct"
            | "array_remove"
            | "array_remove_n"
            | "array_remove_all"
            | "array_repeat"
            | "array_reverse"
            | "array_slice"
            | "array_sort"
            | "string_to_array"
    )
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
pub(super) fn gives_one_of_rows(name: &str) -> bool {
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
