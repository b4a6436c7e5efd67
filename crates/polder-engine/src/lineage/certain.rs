//! What a query itself says of the values that it gives, wherever they come from: that none of them is null, that they are
//! these constants, that they are between bounds which it filters by. And which constants it puts beside others.

mod conditions;
mod constants;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::marker::PhantomData;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNode as _;
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::{Aggregate, Distinct, Expr, ExprSchemable as _, JoinType, LogicalPlan, Operator};
use polder_contract::RowCheck;

use self::conditions::{at_least, at_most};
use self::constants::{constant, constant_number, is_null};

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
                    sums: of.sums,
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
                    ..self.among(values, input)
                }
            }
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
                    "coalesce" | "ifnull" | "nvl" => self.among(&call.args, input),
                    // The first of them, or what is inside.
                    "nullif" | "array_element" | "get_field" => self.among(call.args.first(), input),
                    "make_array" => Certain {
                        puts_inside: true,
                        ..self.among(&call.args, input)
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
                sums: true,
                ..self.among(function.params.args.first(), input)
            },
            Expr::AggregateFunction(function) if function.func.name() == "array_agg" => Certain {
                puts_inside: true,
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
                "sum" => Certain {
                    sums: true,
                    ..self.among(function.params.args.first(), input)
                },
                "array_agg" => Certain {
                    puts_inside: true,
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
    fn among<'e>(&mut self, values: impl IntoIterator<Item = &'e Expr>, input: &'p LogicalPlan) -> Certain {
        let mut among = Certain::default();
        for value in values {
            let of = self.of_expression(value, input);
            among.constants = among.constants.and(of.constants);
            among.sums |= of.sums;
            among.puts_inside |= of.puts_inside;
        }
        among
    }
}

fn index(schema: &DFSchema, column: &Column) -> Option<usize> {
    schema.maybe_index_of_column(column)
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
