//! How plans pass on what tells their rows apart.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::marker::PhantomData;
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::utils::{split_binary, split_conjunction};
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, FetchType, Filter, Join, JoinType, LogicalPlan, Operator, Window,
};
use polder_contract::RowCheck;
use polder_core::DatasetName;
use polder_query::lineage::dataset_of;

use super::{Given, Keys, MOST_KEYS, Rows, Words, apart, place};
use crate::lineage::certain::{Certain, certain, gives_one_of_rows};

/// One reading of a query.
pub(super) struct Reading<'r, 'p> {
    words: Words,
    sources: &'r dyn Fn(&DatasetName) -> Keys,
    /// Whether each scalar subquery so far gives one row at most.
    pub(super) is_scalar: bool,
    /// Among how many columns is chosen at most.
    pub(super) choices: Cell<usize>,
    /// What was found of plans: a query may name one many times.
    found: HashMap<*const LogicalPlan, Rows>,
    /// The plans live as long.
    plans: PhantomData<&'p LogicalPlan>,
}

impl<'r, 'p> Reading<'r, 'p> {
    pub(super) fn new(words: Words, sources: &'r dyn Fn(&DatasetName) -> Keys) -> Self {
        Self {
            words,
            sources,
            is_scalar: true,
            choices: Cell::default(),
            found: HashMap::new(),
            plans: PhantomData,
        }
    }

    /// The rows of a plan of which only those count for which these conditions hold.
    pub(super) fn rows(&mut self, plan: &'p LogicalPlan, conditions: &[&'p Expr]) -> Rows {
        if let Some(found) = self
            .found
            .get(&std::ptr::from_ref(plan))
            .filter(|_| conditions.is_empty())
        {
            return found.clone();
        }
        self.scalars(plan);
        let mut rows = self.of_plan(plan, conditions);
        rows.hold(conditions, plan.schema());
        if conditions.is_empty() {
            self.found.insert(std::ptr::from_ref(plan), rows.clone());
        }
        rows
    }

    /// Looks whether scalar subqueries give one row each.
    fn scalars(&mut self, plan: &LogicalPlan) {
        let walked = plan.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::ScalarSubquery(subquery) = part {
                    let apart = apart(&subquery.subquery, self.words, self.sources);
                    self.is_scalar &= apart.is_scalar && apart.rows.are_apart_by(&BTreeSet::new());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        });
        self.is_scalar &= walked.is_ok();
    }

    fn of_plan(&mut self, plan: &'p LogicalPlan, conditions: &[&'p Expr]) -> Rows {
        let width = plan.schema().fields().len();
        match plan {
            LogicalPlan::TableScan(scan) => {
                let Some(dataset) = dataset_of(&scan.table_name) else {
                    return Rows::one(width);
                };
                let fields = plan.schema().fields().iter();
                let columns: Vec<_> = fields.map(|field| field.name().clone()).collect();
                let keys = (self.sources)(&dataset);
                if keys.is_elsewhere {
                    return Rows::elsewhere(width);
                }
                let mut rows = Rows::any(width);
                for key in keys.sets {
                    let places = key.iter().map(|column| place(&columns, column));
                    let Some(places) = places.collect::<Option<BTreeSet<_>>>() else {
                        continue;
                    };
                    rows.determine(places.clone(), (0..width).collect());
                    rows.add_key(places);
                }
                let alike = keys.alike.iter();
                let places =
                    |alike: &BTreeSet<String>| alike.iter().filter_map(|column| place(&columns, column)).collect();
                rows.alike = alike.map(places).collect();
                rows
            }
            LogicalPlan::Projection(projection) => {
                let rows = self.rows(&projection.input, &[]);
                rows.through(&self.given(&projection.expr, projection.input.schema()))
            }
            LogicalPlan::Filter(filter) => {
                let mut all = conditions.to_vec();
                all.extend(split_conjunction(&filter.predicate));
                let mut rows = self.rows(&filter.input, &all);
                let first = rows.numbers.iter().copied().filter(|at| leaves_first(filter, *at));
                rows.fixed.extend(first.collect::<Vec<_>>());
                rows
            }
            LogicalPlan::Sort(sort) => self.rows(&sort.input, conditions),
            LogicalPlan::SubqueryAlias(alias) => self.rows(&alias.input, &[]),
            // What it is of one row of another plan it is not of all.
            LogicalPlan::Subquery(subquery) if !subquery.outer_ref_columns.is_empty() => match self.words {
                Words::Exact => Rows::any(width),
                _ => {
                    let mut rows = self.rows(&subquery.subquery, &[]);
                    rows.fixed.clear();
                    rows
                }
            },
            LogicalPlan::Subquery(subquery) => self.rows(&subquery.subquery, &[]),
            LogicalPlan::Repartition(repartition) => self.rows(&repartition.input, &[]),
            LogicalPlan::Limit(limit) => match limit.get_fetch_type() {
                Ok(FetchType::Literal(Some(0 | 1))) => Rows::one(width),
                _ => self.rows(&limit.input, &[]),
            },
            LogicalPlan::EmptyRelation(_) => Rows::one(width),
            LogicalPlan::Values(values) if values.values.len() == 1 => Rows::one(width),
            LogicalPlan::Values(_) if self.words > Words::Exact => Rows::elsewhere(width),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let mut rows = self.rows(input, &[]);
                rows.add_key((0..width).collect());
                rows
            }
            LogicalPlan::Distinct(Distinct::On(on)) => {
                let mut rows = self.rows(&on.input, &[]);
                let by = self.given(&on.on_expr, on.input.schema());
                if by.iter().all(|given| !given.of.is_empty()) {
                    rows.add_key(by.into_iter().flat_map(|given| given.of).collect());
                }
                rows.through(&self.given(&on.select_expr, on.input.schema()))
            }
            LogicalPlan::Aggregate(aggregate) => self.of_groups(aggregate),
            LogicalPlan::Window(window) => self.of_window(window),
            LogicalPlan::Join(join) => self.of_join(join, conditions),
            LogicalPlan::Union(union) => self.of_union(&union.inputs, width),
            LogicalPlan::Unnest(unnest) if self.words > Words::Exact => {
                let rows = self.rows(&unnest.input, &[]);
                let given = unnest.dependency_indices.iter().map(|at| Given {
                    of: BTreeSet::from([*at]),
                    ..Given::default()
                });
                rows.through(&given.collect::<Vec<_>>())
            }
            _ => Rows::any(width),
        }
    }

    fn given<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>, schema: &DFSchema) -> Vec<Given> {
        let given = exprs.into_iter().map(|expr| {
            let own = own_column(expr).and_then(|column| schema.maybe_index_of_column(column));
            Given {
                of: match own {
                    Some(own) => BTreeSet::from([own]),
                    None => self.made_of(expr, schema),
                },
                own,
                is_constant: is_constant(expr),
            }
        });
        given.collect()
    }

    fn chooses_among(&self, choices: usize) {
        self.choices.set(self.choices.get().max(choices));
    }

    /// The columns that values are computed of, where such count.
    fn made_of(&self, expr: &Expr, schema: &DFSchema) -> BTreeSet<usize> {
        match self.words {
            Words::Exact => BTreeSet::new(),
            words => {
                let mut making = Making::of(words, schema);
                let of = making.made_of(expr);
                self.chooses_among(making.choices);
                of
            }
        }
    }

    fn of_groups(&mut self, aggregate: &'p Aggregate) -> Rows {
        let rows = self.rows(&aggregate.input, &[]);
        let (groups, computed) = (&aggregate.group_expr, &aggregate.aggr_expr);
        if groups.is_empty() {
            return Rows::one(computed.len());
        }
        if matches!(groups.as_slice(), [Expr::GroupingSet(_), ..]) {
            return Rows::any(aggregate.schema.fields().len());
        }
        let schema = aggregate.input.schema();
        let mut given = self.given(groups, schema);
        given.extend(computed.iter().map(|expr| Given {
            of: match unaliased(expr) {
                // Of each group one, or all of them.
                Expr::AggregateFunction(function)
                    if gives_one_of_rows(function.func.name())
                        || matches!(function.func.name(), "array_agg" | "string_agg") =>
                {
                    let args = function.params.args.iter();
                    args.flat_map(|arg| self.made_of(arg, schema)).collect()
                }
                _ => BTreeSet::new(),
            },
            ..Given::default()
        }));
        let mut rows = rows.through(&given);
        rows.add_key((0..groups.len()).collect());
        rows
    }

    fn of_window(&mut self, window: &'p Window) -> Rows {
        let schema = window.input.schema();
        let before = schema.fields().len();
        let mut rows = self.rows(&window.input, &[]);
        rows.same.extend(before..before + window.window_expr.len());
        for (expr, at) in window.window_expr.iter().zip(before..) {
            let Expr::WindowFunction(function) = unaliased(expr) else {
                continue;
            };
            let places = |exprs: &mut dyn Iterator<Item = &Expr>| {
                let given = self.given(exprs, schema);
                let known = given.iter().all(|given| !given.of.is_empty() || given.is_constant);
                known.then(|| given.into_iter().flat_map(|given| given.of).collect::<BTreeSet<_>>())
            };
            let params = &function.params;
            let partition = places(&mut params.partition_by.iter());
            let name = function.fun.name();
            if let Some(partition) = partition.as_ref().filter(|_| is_of_partition(function)) {
                rows.determine(partition.clone(), BTreeSet::from([at]));
            }
            match name {
                // How many rows come before, nulls and frames aside.
                "count" | "cume_dist" | "percent_rank" if self.words == Words::Exact => {}
                "row_number" | "rank" | "dense_rank" | "count" | "cume_dist" | "percent_rank" => {
                    if matches!(name, "row_number" | "rank" | "dense_rank") {
                        rows.numbers.insert(at);
                    }
                    let order = places(&mut params.order_by.iter().map(|sort| &sort.expr)).unwrap_or_default();
                    let Some(mut key) = partition else { continue };
                    // Those that stand at the same place have the same number.
                    let is_apart = name == "row_number"
                        || !params.order_by.is_empty() && rows.are_apart_by(&key.union(&order).copied().collect());
                    if is_apart {
                        key.insert(at);
                        rows.add_key(key);
                    }
                }
                // Another one's, or one of several.
                _ if gives_one_of_rows(name) || matches!(name, "lag" | "lead") => {
                    let of: BTreeSet<_> = params.args.iter().flat_map(|arg| self.made_of(arg, schema)).collect();
                    let with: Vec<_> = rows.keys.iter().filter(|key| !key.is_disjoint(&of)).collect();
                    let with = with
                        .into_iter()
                        .map(|key| key.difference(&of).copied().chain([at]).collect());
                    let with: Vec<BTreeSet<usize>> = with.collect();
                    with.into_iter().for_each(|key| rows.add_key(key));
                }
                _ => {}
            }
        }
        rows
    }

    fn of_join(&mut self, join: &'p Join, conditions: &[&'p Expr]) -> Rows {
        let on: Vec<&Expr> = join.filter.iter().flat_map(split_conjunction).collect();
        let none: &[&Expr] = &[];
        let mut inside = on.clone();
        inside.extend(conditions);
        // Conditions of a filter that only rows of both sides fulfil.
        let meets = |schema: &DFSchema| conditions.iter().any(|condition| refuses_null(condition, schema));
        let join_type = match join.join_type {
            JoinType::Left if meets(join.right.schema()) => JoinType::Inner,
            JoinType::Right if meets(join.left.schema()) => JoinType::Inner,
            other => other,
        };
        let is_inner = join_type == JoinType::Inner;
        let (above_left, above_right) = match join_type {
            JoinType::Inner => (inside.as_slice(), inside.as_slice()),
            JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => (conditions, none),
            JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => (none, conditions),
            JoinType::Full => (none, none),
        };
        let left = self.rows(&join.left, above_left);
        let right = self.rows(&join.right, above_right);
        match join_type {
            JoinType::LeftSemi | JoinType::LeftAnti => return left,
            JoinType::RightSemi | JoinType::RightAnti => return right,
            JoinType::LeftMark | JoinType::RightMark => {
                let (mut rows, mark) = match join_type {
                    JoinType::LeftMark => (left, join.left.schema().fields().len()),
                    _ => (right, join.right.schema().fields().len()),
                };
                rows.same.push(mark);
                return rows;
            }
            _ => {}
        }
        let mut compared = Compared::default();
        for (one, other) in &join.on {
            compared.add(self, join, (one, other), true);
        }
        let conditions = if is_inner { &inside } else { &on };
        for condition in conditions.iter().flat_map(|condition| self.chosen(condition)) {
            match condition {
                Expr::BinaryExpr(binary) if is_equal(binary.op) => {
                    compared.add(self, join, (&binary.left, &binary.right), true);
                }
                condition if self.words >= Words::Compared => compared.add(self, join, (condition, condition), false),
                _ => {}
            }
        }
        let (meets_one_right, meets_one_left) =
            (right.are_apart_by(&compared.right), left.are_apart_by(&compared.left));
        let width = left.same.len();
        let shifted = |key: &BTreeSet<usize>| key.iter().map(|at| at + width).collect::<BTreeSet<_>>();
        let mut rows = Rows::any(width + right.same.len());
        rows.same.clone_from(&left.same);
        rows.same.extend(right.same.iter().map(|at| at + width));
        if join_type != JoinType::Right && join_type != JoinType::Full && meets_one_right {
            left.keys_met_by(&right).into_iter().for_each(|key| rows.add_key(key));
        }
        if join_type != JoinType::Left && join_type != JoinType::Full && meets_one_left {
            right
                .keys_met_by(&left)
                .iter()
                .for_each(|key| rows.add_key(shifted(key)));
        }
        for one in &left.keys {
            for other in &right.keys {
                rows.add_key(one.union(&shifted(other)).copied().collect());
            }
        }
        // What told the rows of a side apart tells which of them it is still.
        for (by, of) in &left.determined {
            rows.determine(by.clone(), of.clone());
        }
        for (by, of) in &right.determined {
            rows.determine(shifted(by), shifted(of));
        }
        rows.alike.extend(left.alike.iter().cloned());
        rows.alike.extend(right.alike.iter().map(shifted));
        rows.is_elsewhere = left.is_elsewhere && right.is_elsewhere;
        if left.is_elsewhere {
            rows.alike.push((0..width).collect());
        }
        if right.is_elsewhere {
            rows.alike.push((width..rows.same.len()).collect());
        }
        // Of one row at most the other side says whether it is met.
        let asked = |schema: &DFSchema| {
            let on = join.on.iter().flat_map(|(one, other)| [one, other]);
            let all = on.chain(inside.iter().copied());
            all.flat_map(|expr| places_in(expr, schema)).collect::<BTreeSet<_>>()
        };
        for key in &left.keys {
            let by = match key.is_empty() {
                true => shifted(&asked(join.right.schema())),
                false => key.clone(),
            };
            rows.determine(by, (0..width).collect());
        }
        for key in &right.keys {
            let by = match key.is_empty() {
                true => asked(join.left.schema()),
                false => shifted(key),
            };
            rows.determine(by, (width..width + right.same.len()).collect());
        }
        if matches!(join_type, JoinType::Inner | JoinType::Left) {
            rows.fixed.extend(&left.fixed);
            rows.numbers.extend(&left.numbers);
        }
        if matches!(join_type, JoinType::Inner | JoinType::Right) {
            rows.fixed.extend(shifted(&right.fixed));
            rows.numbers.extend(shifted(&right.numbers));
        }
        for (one, other) in compared.equal {
            let other = other + width;
            if is_inner {
                rows.unite(one, other);
                continue;
            }
            // Where there is a row, it has the same; null aside.
            if self.words > Words::Exact && join_type != JoinType::Right {
                rows.determine(BTreeSet::from([other]), BTreeSet::from([one]));
            }
            if self.words > Words::Exact && join_type != JoinType::Left {
                rows.determine(BTreeSet::from([one]), BTreeSet::from([other]));
            }
        }
        rows
    }

    /// The conditions of which a row fulfils all; of those of which it fulfils one, the one that is asked for.
    fn chosen<'e>(&self, condition: &'e Expr) -> Vec<&'e Expr> {
        let arms = split_binary(condition, Operator::Or);
        self.chooses_among(arms.len());
        match self.words {
            Words::Chosen(at) if arms.len() > 1 => split_conjunction(arms[at.min(arms.len() - 1)]),
            _ => vec![condition],
        }
    }

    fn of_union(&mut self, inputs: &'p [Arc<LogicalPlan>], width: usize) -> Rows {
        let mut arms = Vec::new();
        let mut open: Vec<&'p LogicalPlan> = inputs.iter().rev().map(Arc::as_ref).collect();
        while let Some(arm) = open.pop() {
            match arm {
                LogicalPlan::Union(union) => open.extend(union.inputs.iter().rev().map(Arc::as_ref)),
                arm => arms.push(arm),
            }
        }
        // A key of each of them, put together.
        let mut keys = vec![BTreeSet::new()];
        for arm in &arms {
            let of_arm = self.rows(arm, &[]).least_keys();
            let with = |key: &BTreeSet<usize>| of_arm.iter().map(|own| key | own).collect::<Vec<_>>();
            let mut all: Vec<_> = keys.iter().flat_map(with).collect();
            all.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
            all.dedup();
            all.truncate(MOST_KEYS);
            keys = all;
        }
        let mut rows = Rows::any(width);
        if keys.is_empty() {
            return rows;
        }
        let tags: Vec<_> = arms.iter().map(|arm| certain(arm).collect::<Vec<_>>()).collect();
        // A column in which each input has a constant of its own.
        let tag = (0..width).find(|at| {
            let mut values = BTreeSet::new();
            let known = |arm: &Vec<Certain>| {
                arm.get(*at)
                    .filter(|known| known.have_value)
                    .map(|known| known.checks.clone())
            };
            tags.iter().all(|arm| match known(arm).as_deref() {
                Some([RowCheck::OneOf(only)]) if only.len() == 1 => values.insert(only.clone()),
                _ => false,
            })
        });
        for key in keys {
            match (tag, self.words) {
                (Some(tag), _) => rows.add_key(key.into_iter().chain([tag]).collect()),
                (None, Words::Exact) => {}
                // As if no row were in two of them.
                (None, _) => rows.add_key(key),
            }
        }
        rows
    }
}

/// The columns of both sides by which rows meet in a join.
#[derive(Default)]
struct Compared {
    left: BTreeSet<usize>,
    right: BTreeSet<usize>,
    /// Those that are equal as they are.
    equal: Vec<(usize, usize)>,
}

impl Compared {
    /// Takes in two expressions that are compared. `is_equal`: they are equal, each of one side or a constant.
    fn add(&mut self, reading: &Reading<'_, '_>, join: &Join, (one, other): (&Expr, &Expr), is_equal: bool) {
        let (left, right) = (join.left.schema(), join.right.schema());
        if !is_equal {
            let (of_left, of_right) = (reading.made_of(one, left), reading.made_of(one, right));
            if !of_left.is_empty() && !of_right.is_empty() {
                self.left.extend(of_left);
                self.right.extend(of_right);
            }
            return;
        }
        let is_of = |expr: &Expr, schema: &DFSchema| {
            let columns = expr.column_refs();
            !expr.is_volatile()
                && columns
                    .iter()
                    .all(|column| schema.maybe_index_of_column(column).is_some())
        };
        for (one, other) in [(one, other), (other, one)] {
            let own = |expr: &Expr, schema: &DFSchema| match own_column(expr) {
                Some(column) => schema.maybe_index_of_column(column),
                None => None,
            };
            let places = |expr: &Expr, schema: &DFSchema| match own(expr, schema) {
                Some(at) => BTreeSet::from([at]),
                None => reading.made_of(expr, schema),
            };
            if is_of(one, left) && is_of(other, right) {
                self.left.extend(places(one, left));
                self.right.extend(places(other, right));
                self.equal.extend(own(one, left).zip(own(other, right)));
            }
        }
    }
}

/// Looking for the columns that values are computed of.
struct Making<'s> {
    schema: &'s DFSchema,
    /// Which one counts of those that are chosen among; all where it is not asked.
    chosen: Option<usize>,
    /// Among how many was chosen at most.
    choices: usize,
}

impl<'s> Making<'s> {
    fn of(words: Words, schema: &'s DFSchema) -> Self {
        Self {
            schema,
            chosen: match words {
                Words::Chosen(at) => Some(at),
                _ => None,
            },
            choices: 0,
        }
    }

    /// The columns: those that a `CASE` gives, or of which it names one value after the other.
    fn made_of(&mut self, expr: &Expr) -> BTreeSet<usize> {
        match expr {
            Expr::Column(column) => self.schema.maybe_index_of_column(column).into_iter().collect(),
            Expr::Case(case) => {
                let given = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
                let given = self.one_of(given.chain(case.else_expr.as_deref()));
                let names = |when: &Expr| match (&case.expr, when) {
                    (Some(_), _) => true,
                    (None, Expr::BinaryExpr(binary)) => binary.op == Operator::Eq,
                    _ => false,
                };
                let mut when = case.when_then_expr.iter().map(|(when, _)| when.as_ref());
                if !given.is_empty() || case.else_expr.is_some() || !when.clone().all(names) {
                    return given;
                }
                when.by_ref()
                    .chain(case.expr.as_deref())
                    .flat_map(|part| self.made_of(part))
                    .collect()
            }
            Expr::ScalarFunction(function) if matches!(function.name(), "coalesce" | "nvl" | "ifnull") => {
                self.one_of(function.args.iter())
            }
            Expr::ScalarFunction(function) if function.name() == "nvl2" => self.one_of(function.args.iter().skip(1)),
            expr => {
                let mut found = BTreeSet::new();
                let walked = expr.apply_children(|part| {
                    found.extend(self.made_of(part));
                    Ok(TreeNodeRecursion::Continue)
                });
                walked.map(|_| found).unwrap_or_default()
            }
        }
    }

    /// The same of expressions of which one is chosen.
    fn one_of<'e>(&mut self, exprs: impl Iterator<Item = &'e Expr>) -> BTreeSet<usize> {
        let mut all: Vec<_> = exprs
            .map(|expr| self.made_of(expr))
            .filter(|of| !of.is_empty())
            .collect();
        self.choices = self.choices.max(all.len());
        match self.chosen {
            Some(at) if !all.is_empty() => all.swap_remove(at.min(all.len() - 1)),
            _ => all.into_iter().flatten().collect(),
        }
    }
}

/// The columns that an expression names.
fn places_in(expr: &Expr, schema: &DFSchema) -> BTreeSet<usize> {
    let named = expr.column_refs().into_iter();
    named
        .filter_map(|column| schema.maybe_index_of_column(column))
        .collect()
}

pub(super) fn unaliased(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        expr => expr,
    }
}

fn own_column(expr: &Expr) -> Option<&Column> {
    match unaliased(expr) {
        Expr::Column(column) => Some(column),
        _ => None,
    }
}

/// Whether an expression has the same value for each row.
pub(super) fn is_constant(expr: &Expr) -> bool {
    let differs = |part: &Expr| {
        Ok(match part {
            Expr::ScalarSubquery(subquery) => !subquery.outer_ref_columns.is_empty(),
            part => matches!(part, Expr::AggregateFunction(_) | Expr::WindowFunction(_)),
        })
    };
    expr.column_refs().is_empty() && !expr.is_volatile() && expr.exists(differs).is_ok_and(|differs| !differs)
}

pub(super) fn is_equal(op: Operator) -> bool {
    matches!(op, Operator::Eq | Operator::IsNotDistinctFrom)
}

/// Whether a filter leaves only the first rows by a column that counts from one.
fn leaves_first(filter: &Filter, at: usize) -> bool {
    let left = Certain::default().filtered(filter, at);
    left.checks.iter().any(|check| match check {
        RowCheck::OneOf(numbers) => numbers.iter().all(|number| number == "1"),
        RowCheck::Maximum { value, exclusive } => value == if *exclusive { "2" } else { "1" },
        _ => false,
    })
}

/// Whether all rows of a partition have the same value.
fn is_of_partition(function: &WindowFunction) -> bool {
    let frame = &function.params.window_frame;
    match function.fun.name() {
        "first_value" => frame.start_bound.is_unbounded(),
        "count" | "sum" | "avg" | "min" | "max" => frame.start_bound.is_unbounded() && frame.end_bound.is_unbounded(),
        _ => false,
    }
}

/// Whether a row fulfils a condition only where columns of this schema are not null.
fn refuses_null(condition: &Expr, schema: &DFSchema) -> bool {
    let is_own = |expr: &Expr| own_column(expr).is_some_and(|column| schema.maybe_index_of_column(column).is_some());
    match condition {
        Expr::BinaryExpr(binary) => {
            use Operator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
            let compares = matches!(binary.op, Eq | NotEq | Lt | LtEq | Gt | GtEq);
            compares && (is_own(&binary.left) || is_own(&binary.right))
        }
        Expr::InList(list) => is_own(&list.expr),
        Expr::IsNotNull(expr) | Expr::IsTrue(expr) => is_own(expr),
        condition => is_own(condition),
    }
}
