//! What becomes of rows of datasets in a query: by which of their columns they meet others, so that these come twice where
//! two have the same value there, and by which columns one row of several is left.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Distinct, Expr, Filter, JoinType, LogicalPlan};
use polder_contract::RowCheck;
use polder_core::DatasetName;
use polder_query::lineage::{DatasetColumn, dataset_of};

use super::certain::Certain;

/// What becomes of rows in a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Meeting {
    /// The columns that rows meet others by, also as a part of what is compared.
    by: BTreeSet<DatasetColumn>,
    /// Of each place where a dataset is read: the sets of columns of which one row each is left on the way from there.
    ways: BTreeMap<DatasetName, Vec<Vec<BTreeSet<DatasetColumn>>>>,
}

impl Meeting {
    /// Whether rows meet others by a column.
    pub(crate) fn by(&self, column: &DatasetColumn) -> bool {
        self.by.contains(column)
    }

    /// Whether one row of a dataset is left of all that have the same values in these of its columns.
    pub(crate) fn leaves_one(&self, dataset: &DatasetName, columns: &BTreeSet<&str>) -> bool {
        let is_one = |column: &DatasetColumn| column.dataset == *dataset && columns.contains(column.column.as_str());
        let leaves = |way: &Vec<BTreeSet<DatasetColumn>>| way.iter().any(|left| left.iter().all(is_one));
        let ways = self.ways.get(dataset).map(Vec::as_slice).unwrap_or_default();
        !ways.is_empty() && ways.iter().all(leaves)
    }
}

/// What becomes of rows in a plan as it is written.
pub(crate) fn meeting(plan: &LogicalPlan) -> Meeting {
    let mut meeting = Meeting::default();
    let mut open: Vec<(&LogicalPlan, Vec<Origin>)> = vec![(plan, Vec::new())];
    while let Some((plan, mut above)) = open.pop() {
        above.extend(left_one_of_each(plan));
        match plan {
            // `FROM a, b WHERE a.x = b.x`
            LogicalPlan::Filter(filter) => meeting.compare(&filter.predicate, &filter.input, &above),
            LogicalPlan::Join(join) => match join.join_type {
                JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                    for (left, right) in &join.on {
                        meeting.meet(Origin::of(left, &join.left, true), &above);
                        meeting.meet(Origin::of(right, &join.right, true), &above);
                    }
                    if let Some(filter) = &join.filter {
                        meeting.compare(filter, plan, &above);
                    }
                }
                // Rows of one side only ask for the other.
                JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {
                    open.push((&join.left, above));
                    continue;
                }
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                    open.push((&join.right, above));
                    continue;
                }
            },
            LogicalPlan::TableScan(scan) => {
                if let Some(dataset) = dataset_of(&scan.table_name) {
                    let known = above.iter().filter(|left| left.known);
                    let way = known.map(|left| left.columns.clone()).collect();
                    meeting.ways.entry(dataset).or_default().push(way);
                }
            }
            _ => {}
        }
        open.extend(plan.inputs().into_iter().map(|input| (input, above.clone())));
    }
    meeting
}

impl Meeting {
    /// Takes in columns by which rows meet, unless one row of each of the others is left above: then they come once again.
    fn meet(&mut self, origin: Origin, above: &[Origin]) {
        let come_once = |column: &DatasetColumn| {
            let of_others = |left: &Origin| left.columns.iter().all(|other| other.dataset != column.dataset);
            above.iter().any(|left| left.known && of_others(left))
        };
        let columns = origin.columns.into_iter().filter(|column| !come_once(column));
        self.by.extend(columns);
    }

    /// Takes in what is compared with columns of other places.
    fn compare(&mut self, condition: &Expr, input: &LogicalPlan, above: &[Origin]) {
        for conjunct in split_conjunction(condition) {
            let origin = Origin::of(conjunct, input, true);
            if origin.places.len() > 1 {
                self.meet(origin, above);
            }
        }
    }
}

/// The columns by which a plan leaves one row of those that have the same values; nothing of one that leaves all.
fn left_one_of_each(plan: &LogicalPlan) -> Option<Origin> {
    match plan {
        LogicalPlan::Aggregate(aggregate) => match aggregate.group_expr.as_slice() {
            [Expr::GroupingSet(_), ..] => Some(Origin::unknown()),
            groups => Some(Origin::of_all(groups, &aggregate.input, false)),
        },
        LogicalPlan::Distinct(Distinct::On(on)) => Some(Origin::of_all(&on.on_expr, &on.input, false)),
        LogicalPlan::Distinct(Distinct::All(input)) => {
            let columns = (0..input.schema().fields().len()).map(|at| Origin::of_place(at, input, false));
            Some(columns.fold(Origin::default(), Origin::and))
        }
        LogicalPlan::Filter(filter) => numbered(filter),
        _ => None,
    }
}

/// By which columns rows are numbered of which a filter leaves the first.
fn numbered(filter: &Filter) -> Option<Origin> {
    (0..filter.input.schema().fields().len()).find_map(|at| {
        let number = partitions(&filter.input, at)?;
        let left = Certain::default().filtered(filter, at);
        left.checks.iter().any(is_one_alone).then_some(number)
    })
}

/// Whether the number one alone passes, of those that count from there.
fn is_one_alone(check: &RowCheck) -> bool {
    match check {
        RowCheck::OneOf(numbers) => numbers.iter().all(|number| number == "1"),
        RowCheck::Maximum { value, exclusive } => value == if *exclusive { "2" } else { "1" },
        _ => false,
    }
}

/// By which columns the rows are numbered where the column at this place is their number.
fn partitions(plan: &LogicalPlan, at: usize) -> Option<Origin> {
    match plan {
        LogicalPlan::Window(window) => {
            let Some(at) = at.checked_sub(window.input.schema().fields().len()) else {
                return partitions(&window.input, at);
            };
            match window.window_expr.get(at)?.clone().unalias() {
                Expr::WindowFunction(function) if function.fun.name() == "row_number" => {
                    Some(Origin::of_all(&function.params.partition_by, &window.input, false))
                }
                _ => None,
            }
        }
        LogicalPlan::Projection(projection) => {
            let column = projection.expr.get(at)?.clone().unalias();
            let at = projection.input.schema().maybe_index_of_column(column.try_as_col()?)?;
            partitions(&projection.input, at)
        }
        LogicalPlan::SubqueryAlias(alias) => partitions(&alias.input, at),
        LogicalPlan::Filter(filter) => partitions(&filter.input, at),
        LogicalPlan::Sort(sort) => partitions(&sort.input, at),
        _ => None,
    }
}

/// The columns of datasets that an expression comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    columns: BTreeSet<DatasetColumn>,
    /// Where in the plan these are read.
    places: BTreeSet<usize>,
    /// Whether it comes from nothing else.
    known: bool,
}

impl Default for Origin {
    fn default() -> Self {
        Self {
            columns: BTreeSet::new(),
            places: BTreeSet::new(),
            known: true,
        }
    }
}

impl Origin {
    fn unknown() -> Self {
        Self {
            known: false,
            ..Self::default()
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.columns.extend(other.columns);
        self.places.extend(other.places);
        self.known &= other.known;
        self
    }

    fn of_all<'e>(exprs: impl IntoIterator<Item = &'e Expr>, input: &LogicalPlan, met: bool) -> Self {
        let each = exprs.into_iter().map(|expr| Self::of(expr, input, met));
        each.fold(Self::default(), Self::and)
    }

    /// The origin of an expression over a plan. `met`: rows meet others by it, so that a column of which there is one row
    /// each counts as a place alone.
    fn of(expr: &Expr, input: &LogicalPlan, met: bool) -> Self {
        let mut origin = Self::default();
        let walked = expr.apply(|part| {
            match part {
                Expr::Column(column) => {
                    let at = input.schema().maybe_index_of_column(column);
                    let found = at.map_or_else(Self::unknown, |at| Self::of_place(at, input, met));
                    origin = std::mem::take(&mut origin).and(found);
                }
                Expr::OuterReferenceColumn(..)
                | Expr::ScalarSubquery(_)
                | Expr::AggregateFunction(_)
                | Expr::WindowFunction(_) => origin.known = false,
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        });
        // A random number is another one of each row.
        origin.known &= walked.is_ok() && !expr.is_volatile();
        origin
    }

    fn of_place(at: usize, plan: &LogicalPlan, met: bool) -> Self {
        let origin = Self::beneath(at, plan, met);
        if !met {
            return origin;
        }
        // Of what it is made of, there is one row each: others meet no second one.
        match left_one_of_each(plan) {
            Some(left) if left.known && left.columns.is_subset(&origin.columns) => Self {
                columns: BTreeSet::new(),
                places: BTreeSet::from([std::ptr::from_ref(plan).addr()]),
                known: origin.known,
            },
            _ => origin,
        }
    }

    fn beneath(at: usize, plan: &LogicalPlan, met: bool) -> Self {
        match plan {
            LogicalPlan::TableScan(scan) => {
                let field = plan.schema().fields().get(at);
                let Some((dataset, field)) = dataset_of(&scan.table_name).zip(field) else {
                    return Self::unknown();
                };
                let column = DatasetColumn {
                    dataset,
                    column: field.name().clone(),
                };
                Self {
                    columns: BTreeSet::from([column]),
                    places: BTreeSet::from([std::ptr::from_ref(plan).addr()]),
                    known: true,
                }
            }
            LogicalPlan::Projection(projection) => match projection.expr.get(at) {
                Some(expr) => Self::of(expr, &projection.input, met),
                None => Self::unknown(),
            },
            LogicalPlan::Aggregate(aggregate) => match aggregate.group_expr.get(at) {
                Some(Expr::GroupingSet(_)) | None => Self::unknown(),
                Some(expr) => Self::of(expr, &aggregate.input, met),
            },
            LogicalPlan::Distinct(Distinct::On(on)) => match on.select_expr.get(at) {
                Some(expr) => Self::of(expr, &on.input, met),
                None => Self::unknown(),
            },
            LogicalPlan::Union(union) => {
                let each = union.inputs.iter().map(|input| Self::of_place(at, input, met));
                Self {
                    known: false,
                    ..each.fold(Self::default(), Self::and)
                }
            }
            LogicalPlan::Window(window) if at >= window.input.schema().fields().len() => Self::unknown(),
            LogicalPlan::Filter(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Window(_)
            | LogicalPlan::Distinct(Distinct::All(_)) => match plan.inputs().as_slice() {
                [input] => Self::of_place(at, input, met),
                _ => Self::unknown(),
            },
            LogicalPlan::Join(join) => {
                let left = join.left.schema().fields().len();
                match (join.join_type, at.checked_sub(left)) {
                    (JoinType::RightSemi | JoinType::RightAnti, _) => Self::of_place(at, &join.right, met),
                    (JoinType::RightMark, _) => Self::unknown(),
                    (_, None) => Self::of_place(at, &join.left, met),
                    (JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full, Some(at)) => {
                        Self::of_place(at, &join.right, met)
                    }
                    _ => Self::unknown(),
                }
            }
            _ => Self::unknown(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::testing::plan;

    async fn of(rest: &str) -> Meeting {
        meeting(&plan(&format!("SELECT {rest}")).await)
    }

    #[tokio::test]
    async fn rows_meet_by_what_a_join_compares_unless_there_is_one_of_each() {
        const BOTH: [&str; 2] = ["a.silver.t.k", "a.silver.u.k"];
        const JOIN: &str = "FROM a.silver.u JOIN";
        for (rest, by) in [
            ("t.v FROM a.silver.u LEFT JOIN a.silver.t ON t.k = u.k", &BOTH[..]),
            ("t.v FROM a.silver.u, a.silver.t WHERE t.k = u.k", &BOTH),
            ("t.v FROM a.silver.u JOIN a.silver.t ON lower(t.k) = lower(u.k)", &BOTH),
            (
                "t.v FROM a.silver.u JOIN a.silver.t ON t.k IS NOT DISTINCT FROM u.k",
                &BOTH,
            ),
            ("t.v FROM a.silver.u JOIN a.silver.t ON t.k LIKE u.k", &BOTH),
            (
                &format!("q.v {JOIN} (SELECT k AS x, v FROM a.silver.t WHERE v > 1 LIMIT 9) AS q ON q.x = u.k"),
                &BOTH,
            ),
            (
                &format!("q.v {JOIN} (SELECT upper(k) AS x, v FROM a.silver.t) AS q ON q.x = u.k"),
                &BOTH,
            ),
            (
                &format!("q.v {JOIN} (SELECT DISTINCT k, v FROM a.silver.t) AS q ON q.k = u.k"),
                &BOTH,
            ),
            (
                &format!(
                    "q.v {JOIN} (SELECT k, v FROM a.silver.t UNION ALL SELECT k, v FROM a.silver.t) AS q ON q.k = u.k"
                ),
                &BOTH,
            ),
            (
                &format!("q.v {JOIN} (SELECT k, max(v) AS v FROM a.silver.t GROUP BY k) AS q ON q.k = u.k"),
                &BOTH[1..],
            ),
            (
                &format!("q.k {JOIN} (SELECT DISTINCT k FROM a.silver.t) AS q ON q.k = u.k"),
                &BOTH[1..],
            ),
            (
                &format!(
                    "q.k {JOIN} (SELECT k FROM (SELECT k, row_number() OVER (PARTITION BY k ORDER BY v) AS n FROM a.silver.t) AS w \
                     WHERE n = 1) AS q ON q.k = u.k"
                ),
                &BOTH[1..],
            ),
            (
                &format!(
                    "q.k {JOIN} (SELECT k FROM (SELECT k, row_number() OVER (PARTITION BY v ORDER BY k) AS n FROM a.silver.t) AS w \
                     WHERE n = 1) AS q ON q.k = u.k"
                ),
                &BOTH,
            ),
            // One row of each `u` is left again.
            (
                "DISTINCT u.k FROM a.silver.u LEFT JOIN a.silver.t ON t.k = u.k",
                &BOTH[1..],
            ),
            (
                "u.k, sum(t.v) AS s FROM a.silver.u LEFT JOIN a.silver.t ON t.k = u.k GROUP BY u.k",
                &BOTH[1..],
            ),
            (
                "DISTINCT u.k, t.v FROM a.silver.u LEFT JOIN a.silver.t ON t.k = u.k",
                &BOTH,
            ),
            ("u.k FROM a.silver.u LEFT SEMI JOIN a.silver.t ON t.k = u.k", &[]),
            ("v FROM a.silver.t WHERE k = k AND k > 'a'", &[]),
        ] {
            let found: Vec<_> = of(rest).await.by.iter().map(ToString::to_string).collect();
            assert_eq!(found, by, "{rest}");
        }
    }

    #[tokio::test]
    async fn one_row_is_left_of_those_that_are_grouped_by_no_other_column() {
        let dataset: DatasetName = "a.silver.t".parse().unwrap();
        for (rest, leaves) in [
            ("k, v FROM a.silver.t", false),
            ("max(v) AS v, k FROM a.silver.t GROUP BY k", true),
            ("k FROM a.silver.t GROUP BY k, v", false),
            ("DISTINCT k FROM a.silver.t", true),
            ("DISTINCT k, upper(k) AS u FROM a.silver.t", true),
            ("DISTINCT k, v FROM a.silver.t", false),
            ("DISTINCT ON (k) k, v FROM a.silver.t ORDER BY k, v", true),
            ("DISTINCT ON (v) k, v FROM a.silver.t ORDER BY v", false),
            (
                "k FROM (SELECT *, row_number() OVER (PARTITION BY k ORDER BY v) AS n FROM a.silver.t) AS q WHERE n = 1",
                true,
            ),
            (
                "k FROM (SELECT *, row_number() OVER (PARTITION BY v ORDER BY k) AS n FROM a.silver.t) AS q WHERE n = 1",
                false,
            ),
            (
                "k FROM (SELECT *, sum(v) OVER () AS n FROM a.silver.t) AS q WHERE n > 0",
                false,
            ),
            (
                "k FROM (SELECT *, row_number() OVER (PARTITION BY k ORDER BY v) AS n FROM a.silver.t) AS q WHERE n < 2",
                true,
            ),
            (
                "k FROM (SELECT *, row_number() OVER (PARTITION BY k ORDER BY v) AS n FROM a.silver.t) AS q WHERE n <= 2",
                false,
            ),
            (
                "k FROM (SELECT *, row_number() OVER (PARTITION BY k ORDER BY v) AS n FROM a.silver.t) AS q WHERE v = 1",
                false,
            ),
            (
                "k FROM a.silver.t QUALIFY row_number() OVER (PARTITION BY k ORDER BY v) = 1",
                true,
            ),
            ("k FROM a.silver.t GROUP BY k, random()", false),
            ("k, v FROM a.silver.t UNION SELECT k, v FROM a.silver.t", false),
            ("k FROM a.silver.t GROUP BY ROLLUP(k)", false),
        ] {
            let found = of(rest).await.leaves_one(&dataset, &BTreeSet::from(["k"]));
            assert_eq!(found, leaves, "{rest}");
        }
    }
}
