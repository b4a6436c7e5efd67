//! What a query itself says of the values that it gives, wherever they come from: that none of them is null, that they are
//! these constants, that they are between bounds which it filters by. And which constants it puts beside others.

mod bounds;
mod conditions;
mod constants;
mod nulls;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::marker::PhantomData;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::{
    Aggregate, Case, Cast, Distinct, Expr, ExprSchemable as _, JoinType, LogicalPlan, Operator, Unnest,
};
use polder_contract::RowCheck;
use polder_query::lineage::{DatasetColumn, dataset_of};

use self::bounds::{in_type, of_either};
use self::conditions::{at_least, at_most, met, never_null, present_otherwise};
use self::constants::{as_type, constant, constant_number, is_null};
use self::nulls::{Nulls, Present, is_count};

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
    /// Whether they are numbers of values that are not null, whichever those are.
    pub(crate) counts: bool,
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

    /// The same in another type.
    fn in_type(self, to: &DataType) -> Self {
        let Self::These(all) = self else {
            return Self::Unknown;
        };
        let all = all.iter().map(|constant| as_type(constant, to));
        all.collect::<Option<_>>().map_or(Self::Unknown, Self::These)
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

    /// Of null, which keeps whatever is asked of values.
    fn of_null() -> Self {
        Self {
            checks: vec![RowCheck::OneOf(Vec::new())],
            ..Self::default()
        }
    }

    /// The same, if they keep these too.
    fn keeping(mut self, checks: impl Iterator<Item = RowCheck>) -> Self {
        self.checks.extend(checks);
        self
    }

    /// Of values that come from both, or one of them.
    fn or(self, other: Self) -> Self {
        Self {
            have_value: self.have_value && other.have_value,
            checks: of_either(self.checks, other.checks),
            constants: self.constants.and(other.constants),
            brings_null: self.brings_null || other.brings_null,
            sums: self.sums || other.sums,
            counts: self.counts && other.counts,
            inside: self.inside.max(other.inside),
            replaced: BTreeSet::new(),
        }
    }

    /// Takes in values of which one is given beside others.
    fn takes_in(&mut self, other: Self) {
        self.checks = of_either(std::mem::take(&mut self.checks), other.checks);
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

    /// The same in the rows where they are not null.
    fn present(self) -> Self {
        Self {
            have_value: true,
            brings_null: false,
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
            LogicalPlan::TableScan(scan) => Certain {
                // Of what a recursive query made so far nothing is known here.
                brings_null: dataset_of(&scan.table_name).is_none(),
                ..Certain::default()
            },
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
            LogicalPlan::RecursiveQuery(query) => {
                let begin = self.column(&query.static_term, at);
                begin.or(self.column(&query.recursive_term, at))
            }
            LogicalPlan::Unnest(unnest) => self.of_unnested(unnest, at),
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
                let present = |certain: Certain, is_left: bool, at: usize| match met(join, is_left).contains(&at) {
                    true => certain.present(),
                    false => certain,
                };
                match (join.join_type, at.checked_sub(left)) {
                    (JoinType::Inner | JoinType::LeftSemi, None) => present(self.column(&join.left, at), true, at),
                    (JoinType::Left | JoinType::LeftAnti | JoinType::LeftMark, None) => self.column(&join.left, at),
                    (JoinType::Right | JoinType::Full, None) => self.column(&join.left, at).or_null(),
                    (JoinType::Inner, Some(at)) => present(self.column(&join.right, at), false, at),
                    (JoinType::Right, Some(at)) => self.column(&join.right, at),
                    (JoinType::Left | JoinType::Full, Some(at)) => self.column(&join.right, at).or_null(),
                    (JoinType::RightSemi, _) => present(self.column(&join.right, at), false, at),
                    (JoinType::RightAnti, _) => self.column(&join.right, at),
                    _ => Certain::nothing(),
                }
            }
            _ => Certain::nothing(),
        };
        let field = plan.schema().fields().get(at);
        certain.have_value |= field.is_some_and(|field| !field.is_nullable());
        certain
    }

    /// What comes out of a list or object, or stands beside.
    fn of_unnested(&mut self, unnest: &'p Unnest, at: usize) -> Certain {
        let Some(from) = unnest.dependency_indices.get(at) else {
            return Certain::nothing();
        };
        let of = self.column(&unnest.input, *from);
        let mut lists = unnest.list_type_columns.iter().map(|(list, _)| list);
        match lists.any(|list| list == from) || unnest.struct_type_columns.contains(from) {
            true => Certain {
                checks: Vec::new(),
                inside: of.inside.saturating_sub(1),
                ..of.or_null()
            },
            false => of,
        }
    }

    /// A column of an aggregate: what is grouped by, or what is computed of each group.
    fn of_group(&mut self, aggregate: &'p Aggregate, at: usize) -> Certain {
        let (groups, is_set) = groups(aggregate);
        if let Some(group) = groups.get(at) {
            let of = self.of_expression(group, &aggregate.input);
            // In grouping sets a group may leave a column out, which is null then.
            return if is_set { of.or_null() } else { of };
        }
        // Behind those of grouping sets stands which one it is.
        let others = groups.len() + usize::from(is_set);
        let computed = at.checked_sub(others).and_then(|at| aggregate.aggr_expr.get(at));
        let Some(expr) = computed else {
            return Certain::nothing();
        };
        let mut certain = self.of_expression(expr, &aggregate.input);
        let is_grouped = !groups.is_empty() && !is_set;
        if is_grouped && self.counts_rows(expr, &aggregate.input) {
            // There is no group of no rows.
            certain.checks = vec![at_least("1".to_owned())];
        }
        match is_grouped || is_count(expr) {
            true => certain,
            // Of no rows at all there is none.
            false => certain.or_null(),
        }
    }

    /// Whether an aggregate is a number of rows of which each counts.
    fn counts_rows(&mut self, expr: &'p Expr, input: &'p LogicalPlan) -> bool {
        match expr {
            Expr::Alias(alias) => self.counts_rows(&alias.expr, input),
            Expr::AggregateFunction(function) => {
                let params = &function.params;
                let is_plain = function.func.name() == "count" && params.filter.is_none();
                is_plain && params.args.iter().all(|of| self.is_never_null(of, input))
            }
            _ => false,
        }
    }

    fn of_expression(&mut self, expr: &'p Expr, input: &'p LogicalPlan) -> Certain {
        let brings_null = self.brings_null(expr, input);
        let mut certain = self.given(expr, input);
        certain.brings_null = brings_null;
        certain.have_value |= self.is_present(expr, input, &Present::new());
        certain
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
            return Certain::of_null();
        }
        match expr {
            Expr::Alias(alias) => self.of_expression(&alias.expr, input),
            Expr::Column(column) => match index(input.schema(), column) {
                Some(at) => self.column(input, at),
                None => Certain::nothing(),
            },
            Expr::Cast(cast) => self.of_cast(cast, input),
            Expr::Case(case) => self.of_case(case, input),
            Expr::ScalarFunction(call) => {
                let bounds = call.args.iter().filter_map(constant_number);
                match call.name() {
                    "least" => self.among(&call.args, input).keeping(bounds.map(at_most)),
                    "greatest" => {
                        let bounds = bounds.map(at_least).filter(|_| !is_float());
                        self.among(&call.args, input).keeping(bounds)
                    }
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
                            checks: Vec::new(),
                            inside: of.inside.saturating_sub(call.args.len().saturating_sub(1)),
                            ..of
                        }
                    }
                    "make_array" => {
                        let of = self.among(&call.args, input);
                        Certain {
                            checks: Vec::new(),
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
            Expr::AggregateFunction(function) if function.func.name() == "count" => Certain {
                counts: self.counts_values(&function.params.args, function.params.distinct, input),
                ..checks(vec![at_least("0".to_owned())])
            },
            Expr::AggregateFunction(function) if matches!(function.func.name(), "sum" | "avg") => Certain {
                sums: true,
                checks: Vec::new(),
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
                    checks: Vec::new(),
                    ..self.among(function.params.args.first(), input)
                },
                "array_agg" => Certain {
                    inside: self.among(function.params.args.first(), input).inside + 1,
                    ..Certain::nothing()
                },
                "count" => Certain {
                    counts: self.counts_values(&function.params.args, function.params.distinct, input),
                    ..checks(vec![at_least("0".to_owned())])
                },
                "row_number" | "rank" | "dense_rank" | "ntile" => checks(vec![at_least("1".to_owned())]),
                _ => Certain::nothing(),
            },
            Expr::ScalarSubquery(subquery) => self.column(&subquery.subquery, 0).or_null(),
            _ => Certain::nothing(),
        }
    }

    /// What the other type cannot hold may become another value, or fails, and is no null.
    fn of_cast(&mut self, cast: &'p Cast, input: &'p LogicalPlan) -> Certain {
        let of = self.of_expression(&cast.expr, input);
        let to = cast.field.data_type();
        let from = cast.expr.get_type(input.schema());
        Certain {
            checks: from.map_or_else(|_| Vec::new(), |from| in_type(of.checks, &from, to)),
            constants: of.constants.in_type(to),
            ..of
        }
    }

    /// Whether it makes no difference to a number of values what they are, if not null.
    fn counts_values(&mut self, values: &'p [Expr], is_distinct: bool, input: &'p LogicalPlan) -> bool {
        !is_distinct && !values.iter().any(|value| self.brings_null(value, input))
    }

    /// What is the same of values of which one is given: what each of them keeps, the constants among them, and what any
    /// of them is made of.
    fn among(&mut self, values: impl IntoIterator<Item = &'p Expr>, input: &'p LogicalPlan) -> Certain {
        let mut among = Certain::of_null();
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
            ..Certain::of_null()
        };
        given.extend(case.else_expr.as_deref().map(|otherwise| (otherwise, present)));
        for (value, present) in given {
            let of = self.of_expression(value, input);
            certain.have_value &= of.have_value || self.is_present(value, input, &present);
            certain.takes_in(of);
        }
        certain
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

/// What an aggregate groups by, and whether that is in sets.
fn groups(aggregate: &Aggregate) -> (Vec<&Expr>, bool) {
    match aggregate.group_expr.as_slice() {
        [Expr::GroupingSet(sets)] => (sets.distinct_expr(), true),
        all => (all.iter().collect(), false),
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
