//! What becomes of null in a query: with which columns of datasets a value is null, and in the place of whose null it is
//! another value.

use std::collections::BTreeSet;
use std::rc::Rc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    Aggregate, Case, Distinct, Expr, ExprSchemable as _, Join, JoinType, LogicalPlan, Operator, TableScan, WindowFrame,
    WindowFrameBound,
};
use polder_query::lineage::{DatasetColumn, dataset_of};

use super::conditions::{chained, met, never_null, null_with, present_otherwise};
use super::constants::{constant, is_null};
use super::{Known, groups, index};

/// What becomes of the nulls of the columns that a value is made of.
#[derive(Debug, Clone, Default)]
pub(super) struct Nulls {
    /// Those with which it may be null.
    pub(super) passed: BTreeSet<Rc<DatasetColumn>>,
    /// Those whose null may be inside of it, in a list or an object.
    inside: BTreeSet<Rc<DatasetColumn>>,
    /// Those in the place of whose null it may be another value.
    pub(super) replaced: BTreeSet<Rc<DatasetColumn>>,
}

impl Nulls {
    fn and(mut self, mut other: Self) -> Self {
        self.passed.append(&mut other.passed);
        self.inside.append(&mut other.inside);
        self.replaced.append(&mut other.replaced);
        self
    }

    /// Of a value that is none of null.
    fn answered(mut self) -> Self {
        self.replaced.append(&mut self.passed);
        self.inside.clear();
        self
    }

    /// Of a list or object that is made of such values.
    fn put_inside(mut self) -> Self {
        self.inside.append(&mut self.passed);
        self
    }

    /// Of what comes out of a list or object.
    fn taken_out(mut self) -> Self {
        self.passed.extend(self.inside.iter().cloned());
        self
    }
}

/// The places of columns that are known to be not null in the rows that count.
pub(super) type Present = BTreeSet<usize>;

impl<'p> Known<'p> {
    /// What becomes of null in a column of a plan, in those of its rows where some columns are not null.
    pub(super) fn nulls(&mut self, plan: &'p LogicalPlan, at: usize, present: &Present) -> Nulls {
        let place = (std::ptr::from_ref(plan), at, present.clone());
        if let Some(known) = self.nulls.get(&place) {
            return known.clone();
        }
        let mut nulls = self.nulls_of_column(plan, at, present);
        if present.contains(&at) || self.column(plan, at).have_value {
            nulls.passed.clear();
        }
        self.nulls.insert(place, nulls.clone());
        nulls
    }

    /// Whether an expression is null in no row.
    pub(super) fn is_never_null(&mut self, expr: &'p Expr, input: &'p LogicalPlan) -> bool {
        self.is_present(expr, input, &Present::new())
    }

    /// Whether an expression is not null in the rows where some columns are not.
    pub(super) fn is_present(&mut self, expr: &'p Expr, input: &'p LogicalPlan, present: &Present) -> bool {
        let place = match expr {
            Expr::Column(column) => index(input.schema(), column),
            _ => None,
        };
        place.is_some_and(|at| present.contains(&at))
            || !self.brings_null(expr, input) && self.nulls_of(expr, input, present).passed.is_empty()
    }

    /// Whether an expression may be null where no column in it is.
    pub(super) fn brings_null(&mut self, expr: &Expr, input: &'p LogicalPlan) -> bool {
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
                        "nullif" | "element_at" | "regexp_match" | "arrow_metadata" | "union_extract" => true,
                        name => ["array_", "list_", "map_", "json_", "try_"]
                            .iter()
                            .any(|of| name.starts_with(of)),
                    }
                }
                Expr::AggregateFunction(function) => {
                    let name = function.func.name();
                    !counts(name) && (function.params.filter.is_some() || !has_value_of_rows(name))
                }
                Expr::WindowFunction(function) => {
                    let (name, params) = (function.fun.name(), &function.params);
                    let has_rows = params.filter.is_none() && holds_its_row(&params.window_frame);
                    !(counts(name) || has_rows && has_value_of_rows(name))
                }
                Expr::TryCast(_)
                | Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
                | Expr::Unnest(_)
                | Expr::HigherOrderFunction(_)
                | Expr::OuterReferenceColumn(..) => true,
                _ => false,
            })
        });
        found.unwrap_or(true)
    }

    fn nulls_of_column(&mut self, plan: &'p LogicalPlan, at: usize, present: &Present) -> Nulls {
        match plan {
            LogicalPlan::TableScan(scan) => of_scan(scan, at),
            LogicalPlan::Projection(projection) => self.nulls_of_one(&projection.expr, at, &projection.input, present),
            LogicalPlan::Distinct(Distinct::On(on)) => self.nulls_of_one(&on.select_expr, at, &on.input, present),
            LogicalPlan::Filter(filter) => {
                let mut below = never_null(&filter.predicate, filter.input.schema());
                below.extend(present);
                self.nulls(&filter.input, at, &below)
            }
            LogicalPlan::SubqueryAlias(alias) => self.nulls(&alias.input, at, present),
            LogicalPlan::Subquery(subquery) => self.nulls(&subquery.subquery, at, present),
            LogicalPlan::Sort(sort) => self.nulls(&sort.input, at, present),
            LogicalPlan::Limit(limit) => self.nulls(&limit.input, at, present),
            LogicalPlan::Distinct(Distinct::All(input)) => self.nulls(input, at, present),
            LogicalPlan::Union(union) => {
                let inputs = union.inputs.iter().map(|input| self.nulls(input, at, present));
                inputs.fold(Nulls::default(), Nulls::and)
            }
            LogicalPlan::RecursiveQuery(query) => {
                let begin = self.nulls(&query.static_term, at, present);
                begin.and(self.nulls(&query.recursive_term, at, present))
            }
            LogicalPlan::Aggregate(aggregate) => self.nulls_of_group(aggregate, at, present),
            LogicalPlan::Window(window) => {
                let before = window.input.schema().fields().len();
                match at.checked_sub(before) {
                    None => {
                        let below = present.iter().copied().filter(|at| *at < before);
                        self.nulls(&window.input, at, &below.collect())
                    }
                    // It looks at other rows too.
                    Some(at) => match window.window_expr.get(at) {
                        Some(expr) => self.nulls_of(expr, &window.input, &Present::new()),
                        None => Nulls::default(),
                    },
                }
            }
            LogicalPlan::Join(join) => self.nulls_of_join(join, at, present),
            LogicalPlan::Unnest(unnest) => match unnest.dependency_indices.get(at) {
                Some(from) => self.nulls(&unnest.input, *from, &Present::new()).taken_out(),
                None => Nulls::default(),
            },
            _ => Nulls::default(),
        }
    }

    /// One of the expressions that make rows of others.
    fn nulls_of_one(&mut self, made: &'p [Expr], at: usize, input: &'p LogicalPlan, present: &Present) -> Nulls {
        let not_null = present.iter().filter_map(|at| made.get(*at));
        let below = not_null.flat_map(|expr| null_with(expr, input.schema())).collect();
        match made.get(at) {
            Some(expr) => self.nulls_of(expr, input, &below),
            None => Nulls::default(),
        }
    }

    fn nulls_of_group(&mut self, aggregate: &'p Aggregate, at: usize, present: &Present) -> Nulls {
        let schema = aggregate.input.schema();
        let (groups, is_set) = groups(aggregate);
        // Behind those of grouping sets stands which one it is.
        let others = groups.len() + usize::from(is_set);
        let made = match at.checked_sub(others) {
            Some(computed) => aggregate.aggr_expr.get(computed),
            None => groups.get(at).copied(),
        };
        // All rows of a group have the same; in grouping sets a group may leave a column out.
        let not_null = present.iter().filter(|_| !is_set).filter_map(|at| groups.get(*at));
        let below = not_null.flat_map(|expr| null_with(expr, schema)).collect();
        match made {
            Some(expr) => self.nulls_of(expr, &aggregate.input, &below),
            None => Nulls::default(),
        }
    }

    fn nulls_of_join(&mut self, join: &'p Join, at: usize, present: &Present) -> Nulls {
        use JoinType::{Inner, Left, LeftSemi, Right, RightAnti, RightMark, RightSemi};
        let width = join.left.schema().fields().len();
        let (is_left, at, before) = match (join.join_type, at.checked_sub(width)) {
            (RightSemi | RightAnti | RightMark, _) => (false, at, 0),
            (_, None) => (true, at, 0),
            (_, Some(at)) => (false, at, width),
        };
        let side = if is_left { &join.left } else { &join.right };
        let schema = side.schema();
        let fields = schema.fields().len();
        let here = present.iter().filter_map(|at| at.checked_sub(before));
        let mut below: Present = here.filter(|at| *at < fields).collect();
        // Of rows that met none nothing is known.
        let all_met = match is_left {
            true => matches!(join.join_type, Inner | Right | LeftSemi),
            false => matches!(join.join_type, Inner | Left | RightSemi),
        };
        if all_met {
            below.extend(met(join, is_left));
        }
        match at < fields {
            true => self.nulls(side, at, &below),
            false => Nulls::default(),
        }
    }

    fn nulls_of(&mut self, expr: &'p Expr, input: &'p LogicalPlan, present: &Present) -> Nulls {
        match expr {
            Expr::Column(column) => match index(input.schema(), column) {
                Some(at) => self.nulls(input, at, present),
                None => Nulls::default(),
            },
            Expr::BinaryExpr(binary) => {
                let is_distinct = |op| matches!(op, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom);
                let parts = match is_distinct(binary.op) {
                    true => vec![binary.left.as_ref(), binary.right.as_ref()],
                    false => chained(binary, |op| !is_distinct(op)),
                };
                let nulls = self.nulls_of_all(parts, input, present);
                match is_distinct(binary.op) {
                    true => nulls.answered(),
                    false => nulls,
                }
            }
            Expr::IsNull(of)
            | Expr::IsNotNull(of)
            | Expr::IsTrue(of)
            | Expr::IsNotTrue(of)
            | Expr::IsFalse(of)
            | Expr::IsNotFalse(of)
            | Expr::IsUnknown(of)
            | Expr::IsNotUnknown(of) => self.nulls_of(of, input, present).answered(),
            Expr::Case(case) => self.nulls_of_case(case, input, present),
            Expr::ScalarFunction(call) => {
                let nulls = self.nulls_of_call(call, input, present);
                // Whatever it makes of null is a value.
                let is_value = || expr.nullable(input.schema()).is_ok_and(|nullable| !nullable);
                match !nulls.passed.is_empty() && is_value() {
                    true => nulls.answered(),
                    false => nulls,
                }
            }
            Expr::AggregateFunction(function) => {
                let of = self.nulls_of_all(&function.params.args, input, present);
                let chosen = self.nulls_of_all(function.params.filter.as_deref(), input, present);
                of_rows(function.func.name(), of).and(chosen.answered())
            }
            Expr::WindowFunction(function) => {
                let of = self.nulls_of_all(&function.params.args, input, present);
                let chosen = self.nulls_of_all(function.params.filter.as_deref(), input, present);
                of_rows(function.fun.name(), of).and(chosen.answered())
            }
            Expr::ScalarSubquery(subquery) => self.nulls(&subquery.subquery, 0, &Present::new()),
            other => {
                let mut parts = Vec::new();
                let collected = other.apply_children(|part| {
                    parts.push(part);
                    Ok(TreeNodeRecursion::Continue)
                });
                match collected {
                    Ok(_) => self.nulls_of_all(parts, input, present),
                    Err(_) => Nulls::default(),
                }
            }
        }
    }

    fn nulls_of_all(
        &mut self,
        parts: impl IntoIterator<Item = &'p Expr>,
        input: &'p LogicalPlan,
        present: &Present,
    ) -> Nulls {
        let parts = parts.into_iter().map(|part| self.nulls_of(part, input, present));
        parts.fold(Nulls::default(), Nulls::and)
    }

    /// A condition that is null holds as little as one that is false, and what was asked for null before is not null behind.
    fn nulls_of_case(&mut self, case: &'p Case, input: &'p LogicalPlan, present: &Present) -> Nulls {
        let schema = input.schema();
        let mut nulls = self.nulls_of_all(case.expr.as_deref(), input, present).answered();
        let mut present = present.clone();
        for (when, then) in &case.when_then_expr {
            nulls = nulls.and(self.nulls_of(when, input, &present).answered());
            let mut there = present.clone();
            if case.expr.is_none() {
                there.extend(never_null(when, schema));
                present.extend(present_otherwise(when, schema));
            }
            nulls = nulls.and(self.nulls_of(then, input, &there));
        }
        nulls.and(self.nulls_of_all(case.else_expr.as_deref(), input, &present))
    }

    fn nulls_of_call(&mut self, call: &'p ScalarFunction, input: &'p LogicalPlan, present: &Present) -> Nulls {
        let args = call.args.as_slice();
        match (call.name(), args) {
            ("coalesce" | "ifnull" | "nvl", args) => self.nulls_of_first(args, input, present),
            ("nvl2", [asked, then, otherwise]) => {
                let mut there = null_with(asked, input.schema());
                there.extend(present);
                let asked = self.nulls_of(asked, input, present).answered();
                let then = self.nulls_of(then, input, &there);
                asked.and(then).and(self.nulls_of(otherwise, input, present))
            }
            ("nullif", [value, other]) => {
                let other = self.nulls_of(other, input, present).answered();
                self.nulls_of(value, input, present).and(other)
            }
            ("least" | "greatest", args) => {
                let mut args = args.iter().map(|arg| self.nulls_of(arg, input, present));
                let Some(first) = args.next() else {
                    return Nulls::default();
                };
                // It is null where all of them are.
                args.fold(first, |all, one| {
                    let passed: BTreeSet<_> = all.passed.intersection(&one.passed).cloned().collect();
                    let mut both = all.and(one).answered();
                    both.replaced.retain(|column| !passed.contains(column));
                    Nulls { passed, ..both }
                })
            }
            ("concat", args) => self.nulls_of_all(args, input, present).answered(),
            ("concat_ws", [between, parts @ ..]) => {
                let parts = self.nulls_of_all(parts, input, present).answered();
                self.nulls_of(between, input, present).and(parts)
            }
            ("array_to_string", [list, rest @ ..]) => {
                let mut nulls = self.nulls_of(list, input, present);
                nulls.replaced.append(&mut nulls.inside);
                nulls.and(self.nulls_of_all(rest, input, present))
            }
            ("make_array" | "named_struct" | "struct" | "map" | "make_map", args) => {
                self.nulls_of_all(args, input, present).put_inside()
            }
            (_, args) => self.nulls_of_all(args, input, present).taken_out(),
        }
    }

    /// The first of some values that is not null.
    fn nulls_of_first(&mut self, args: &'p [Expr], input: &'p LogicalPlan, present: &Present) -> Nulls {
        let mut args: Vec<_> = args.iter().filter(|arg| !is_null(arg)).collect();
        if let Some(at) = args.iter().position(|arg| constant(arg).is_some()) {
            args.truncate(at + 1);
        }
        let mut nulls = Nulls::default();
        let last = args.last().copied();
        for arg in args {
            let of = self.nulls_of(arg, input, present);
            let is_last = of.passed.is_empty() && !self.brings_null(arg, input);
            // Itself is nothing else in its place.
            nulls = nulls.and(match last == Some(arg) {
                true => of,
                false => Nulls {
                    inside: of.inside.clone(),
                    ..of.answered()
                },
            });
            if is_last {
                break;
            }
        }
        nulls
    }
}

fn of_scan(scan: &TableScan, at: usize) -> Nulls {
    let (Some(dataset), Some(field)) = (dataset_of(&scan.table_name), scan.projected_schema.fields().get(at)) else {
        return Nulls::default();
    };
    let column = Rc::new(DatasetColumn {
        dataset,
        column: field.name().clone(),
    });
    let around = matches!(
        field.data_type(),
        DataType::Struct(_) | DataType::Map(..) | DataType::List(_) | DataType::LargeList(_)
    );
    Nulls {
        inside: around.then(|| Rc::clone(&column)).into_iter().collect(),
        passed: BTreeSet::from([column]),
        replaced: BTreeSet::new(),
    }
}

/// What is made of the values of several rows: null among others is left out, a count or list alone is a value all the same.
fn of_rows(name: &str, values: Nulls) -> Nulls {
    match name {
        "count" | "approx_distinct" => values.answered(),
        "array_agg" => values.put_inside(),
        _ => values,
    }
}

/// Whether an aggregate or a function over a window is a number of rows or values, also where there are none.
fn counts(name: &str) -> bool {
    matches!(
        name,
        "count" | "approx_distinct" | "row_number" | "rank" | "dense_rank" | "percent_rank" | "cume_dist" | "ntile"
    )
}

/// Whether an aggregate is a number of rows or values.
pub(super) fn is_count(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => is_count(&alias.expr),
        Expr::AggregateFunction(function) => counts(function.func.name()),
        _ => false,
    }
}

/// Whether an aggregate is not null of rows of which each has a value, whatever those are; not of no rows at all.
fn has_value_of_rows(name: &str) -> bool {
    matches!(
        name,
        "sum"
            | "avg"
            | "min"
            | "max"
            | "first_value"
            | "last_value"
            | "any_value"
            | "median"
            | "approx_median"
            | "stddev_pop"
            | "var_pop"
            | "array_agg"
            | "string_agg"
            | "bool_and"
            | "bool_or"
            | "bit_and"
            | "bit_or"
            | "bit_xor"
    )
}

/// Whether a frame holds the row that it is of: one of rows before or behind may be empty.
fn holds_its_row(frame: &WindowFrame) -> bool {
    use WindowFrameBound::{CurrentRow, Following, Preceding};
    matches!(frame.start_bound, Preceding(_) | CurrentRow) && matches!(frame.end_bound, CurrentRow | Following(_))
}
