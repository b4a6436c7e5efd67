//! The origins of a plan's columns and rows, from its scans upwards.
//!
//! It reads plans as written: an optimiser drops what it finds needless, and lineage is about what the query says.

use std::collections::{BTreeSet, HashMap};

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Column, DFSchema, ExprSchema, JoinType, Result, TableReference, plan_datafusion_err};
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{Aggregate, Distinct, Expr, ExprSchemable as _, Join, LogicalPlan, TableScan};
use polder_core::DatasetName;

use super::nature::Nature;
use super::origins::{Columns, DatasetColumn, Dependency, Origins};
use super::rows::Rows;
use super::uses::{DISTINCT, Looks, clause};

/// What a plan gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traced {
    /// For each output column what it is computed from.
    pub columns: Vec<Origins>,
    /// What decides which rows there are.
    pub rows: Origins,
    /// What the rows are.
    pub(super) of: Rows,
}

/// The dataset that a table reference names; nothing for references that are no full dataset name.
pub fn dataset_of(reference: &TableReference) -> Option<DatasetName> {
    match reference {
        TableReference::Full { catalog, schema, table } => format!("{catalog}.{schema}.{table}").parse().ok(),
        _ => None,
    }
}

/// The columns that an expression sees, and those around a subquery.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    schema: &'a DFSchema,
    columns: &'a [Origins],
    /// The other side of a join.
    beside: Option<(&'a DFSchema, &'a [Origins])>,
    around: Option<&'a Self>,
}

impl<'a> Scope<'a> {
    fn of(plan: &'a LogicalPlan, traced: &'a Traced, around: Option<&'a Self>) -> Self {
        Self {
            schema: plan.schema(),
            columns: &traced.columns,
            beside: None,
            around,
        }
    }

    /// The origins of a column.
    pub(super) fn find(&self, column: &Column) -> Option<&'a Origins> {
        let at = |schema: &DFSchema, columns: &'a [Origins]| {
            schema.maybe_index_of_column(column).and_then(|i| columns.get(i))
        };
        let beside = || self.beside.and_then(|(schema, columns)| at(schema, columns));
        at(self.schema, self.columns).or_else(beside)
    }

    /// The type of an expression over the columns; nothing where it has none.
    pub(super) fn type_of(&self, expr: &Expr) -> Option<DataType> {
        expr.get_type(self).ok()
    }

    /// The origins of a column of the nearest query around that has it.
    pub(super) fn find_around(&self, column: &Column) -> Option<&'a Origins> {
        let around = self.around?;
        around.find(column).or_else(|| around.find_around(column))
    }
}

impl ExprSchema for Scope<'_> {
    fn field_from_column(&self, column: &Column) -> Result<&FieldRef> {
        let sides = std::iter::once(self.schema).chain(self.beside.map(|(schema, _)| schema));
        let mut found = sides.filter_map(|schema| Some(&schema.fields()[schema.maybe_index_of_column(column)?]));
        found.next().ok_or_else(|| plan_datafusion_err!("no column {column}"))
    }
}

/// Follows the columns of one query.
#[derive(Debug, Default)]
pub struct Tracer {
    pub(super) columns: Columns,
    /// Whether a count comes from nothing.
    pub(super) counts_tell_nothing: bool,
    /// Whether it is kept what is done with values.
    pub(super) keeps_uses: bool,
    /// Every column that any expression of the query names.
    named: Origins,
    /// Those among them that it does not only hand on under their names.
    spelt: Origins,
    /// What recursive queries gave so far, by name.
    pub(super) working: HashMap<String, Traced>,
}

impl Tracer {
    /// One by which a count of rows of datasets comes from nothing, neither from what is counted nor from what decides
    /// which rows are. Any other value comes from all that chooses it as well: see [`Traced::into_values`].
    pub fn of_values() -> Self {
        Self {
            counts_tell_nothing: true,
            ..Self::default()
        }
    }

    /// One that keeps what is done with values; of a plan in which all types are settled.
    pub fn of_uses() -> Self {
        Self {
            keeps_uses: true,
            ..Self::default()
        }
    }

    /// What a whole query gives. Columns that it names in vain are among those of [`Tracer::named`] alone.
    ///
    /// # Errors
    /// The engine's, for plans that contradict themselves.
    pub fn query(&mut self, plan: &LogicalPlan) -> Result<Traced> {
        self.plan(plan, None)
    }

    /// The source columns.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The columns that a query names, whatever becomes of them.
    ///
    /// # Errors
    /// The engine's, for plans that contradict themselves.
    pub fn named_by(plan: &LogicalPlan) -> Result<BTreeSet<(DatasetName, String)>> {
        let mut tracer = Self::default();
        let traced = tracer.query(plan)?;
        let mut named = tracer.named;
        named.add(&traced.rows);
        traced.columns.iter().for_each(|column| named.add(column));
        Ok(tracer.columns.named(&named))
    }

    /// The columns on which anything of what a query gives depends, whatever it is and however.
    ///
    /// # Errors
    /// The engine's, for plans that contradict themselves.
    pub fn used_by(plan: &LogicalPlan) -> Result<BTreeSet<(DatasetName, String)>> {
        let mut tracer = Self::default();
        let traced = tracer.query(plan)?;
        let mut used = traced.rows;
        traced.columns.iter().for_each(|column| used.add(column));
        Ok(tracer.columns.named(&used))
    }

    /// Every source column that the queries so far name.
    pub fn named(&self) -> &Origins {
        &self.named
    }

    /// Those among [`Tracer::named`] that stand in the queries themselves. Others may, or came by a `*`: they are handed on
    /// under their names.
    pub fn spelt(&self) -> &Origins {
        &self.spelt
    }

    pub(super) fn plan(&mut self, plan: &LogicalPlan, around: Option<&Scope<'_>>) -> Result<Traced> {
        match plan {
            LogicalPlan::TableScan(scan) => self.scan(plan, scan),
            LogicalPlan::SubqueryAlias(alias) => self.plan(&alias.input, around),
            LogicalPlan::Subquery(subquery) => self.plan(&subquery.subquery, around),
            LogicalPlan::Limit(limit) => self.plan(&limit.input, around),
            LogicalPlan::Repartition(repartition) => self.plan(&repartition.input, around),
            LogicalPlan::Projection(projection) => {
                let input = self.plan(&projection.input, around)?;
                let columns = self.each(&projection.expr, &Scope::of(&projection.input, &input, around))?;
                Ok(Traced {
                    columns,
                    rows: input.rows,
                    of: input.of,
                })
            }
            LogicalPlan::Filter(filter) => {
                let mut input = self.plan(&filter.input, around)?;
                let scope = Scope::of(&filter.input, &input, around);
                let decides = self.steering([&filter.predicate], Dependency::Filter, &scope)?;
                input.rows.add(&decides);
                Ok(input)
            }
            LogicalPlan::Window(window) => {
                let mut input = self.plan(&window.input, around)?;
                let mut computed = self.each(&window.window_expr, &Scope::of(&window.input, &input, around))?;
                self.excuse_counts(&mut computed, &input.rows, input.of);
                input.columns.extend(computed);
                Ok(input)
            }
            LogicalPlan::Sort(sort) => {
                let mut input = self.plan(&sort.input, around)?;
                let scope = Scope::of(&sort.input, &input, around);
                let by = sort.expr.iter().map(|sort| &sort.expr);
                let decides = self.steering(by, Dependency::Sort, &scope)?;
                input.rows.add(&decides);
                Ok(input)
            }
            LogicalPlan::Aggregate(aggregate) => self.aggregated(aggregate, around),
            LogicalPlan::Distinct(distinct) => self.distinct(distinct, around),
            LogicalPlan::Join(join) => self.join(join, around),
            LogicalPlan::Union(union) => {
                let mut traced: Option<Traced> = None;
                for input in &union.inputs {
                    let input = self.plan(input, around)?;
                    match &mut traced {
                        Some(traced) => traced.add(input),
                        None => traced = Some(input),
                    }
                }
                Ok(traced.unwrap_or_default())
            }
            LogicalPlan::Unnest(unnest) => self.unnested(unnest, around),
            LogicalPlan::RecursiveQuery(query) => self.recursive(query, around),
            LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => Ok(Traced {
                columns: vec![Origins::default(); plan.schema().fields().len()],
                rows: Origins::default(),
                of: match plan {
                    LogicalPlan::Values(values) if values.values.len() > 1 => Rows::Made,
                    _ => Rows::One,
                },
            }),
            other => self.anything(other, around),
        }
    }

    fn scan(&mut self, plan: &LogicalPlan, scan: &TableScan) -> Result<Traced> {
        if let TableReference::Bare { table } = &scan.table_name
            && let Some(traced) = self.working.get(table.as_ref())
        {
            return Ok(traced.clone());
        }
        let dataset = dataset_of(&scan.table_name);
        let fields = scan.projected_schema.fields().iter();
        let columns = fields.map(|field| match &dataset {
            Some(dataset) => Origins::identity(self.columns.id(DatasetColumn {
                dataset: dataset.clone(),
                column: field.name().clone(),
            })),
            None => Origins::default(),
        });
        let mut traced = Traced {
            columns: columns.collect(),
            rows: Origins::default(),
            of: match dataset {
                Some(_) => Rows::Stored,
                None => Rows::Made,
            },
        };
        let scope = Scope::of(plan, &traced, None);
        let decides = self.steering(&scan.filters, Dependency::Filter, &scope)?;
        traced.rows.add(&decides);
        Ok(traced)
    }

    fn aggregated(&mut self, aggregate: &Aggregate, around: Option<&Scope<'_>>) -> Result<Traced> {
        let input = self.plan(&aggregate.input, around)?;
        let scope = Scope::of(&aggregate.input, &input, around);
        let groups = grouping_set_to_exprlist(&aggregate.group_expr)?;
        let mut columns = self.each(groups.iter().copied(), &scope)?;
        let mut computed = self.each(&aggregate.aggr_expr, &scope)?;
        // Grouping sets have one column more, which numbers them.
        let numbered = aggregate
            .schema
            .fields()
            .len()
            .saturating_sub(columns.len() + computed.len());
        columns.extend(std::iter::repeat_n(Origins::default(), numbered));
        let decides = self.steering(groups, Dependency::GroupBy, &scope)?;
        let mut rows = input.rows;
        rows.add(&decides);
        self.excuse_counts(&mut computed, &rows, input.of);
        columns.extend(computed);
        // Without groups there is one row, whatever decided of those that went into it.
        if self.counts_tell_nothing && aggregate.group_expr.is_empty() {
            let values = columns.iter_mut().filter(|column| column.nature != Nature::Count);
            values.for_each(|column| column.add(&rows));
            rows = Origins::default();
        }
        let of = match aggregate.group_expr.as_slice() {
            [] => Rows::One,
            // A row comes once for each of them.
            [Expr::GroupingSet(_), ..] => Rows::Made,
            _ => input.of,
        };
        Ok(Traced { columns, rows, of })
    }

    fn distinct(&mut self, distinct: &Distinct, around: Option<&Scope<'_>>) -> Result<Traced> {
        match distinct {
            Distinct::All(input) => {
                let mut traced = self.plan(input, around)?;
                for (column, field) in traced.columns.iter().zip(input.schema().fields()) {
                    let mut decides = column.clone().steering(Dependency::GroupBy);
                    self.note(&mut decides, DISTINCT, Looks::Compares, Some(field.data_type()));
                    traced.rows.add(&decides);
                }
                Ok(traced)
            }
            Distinct::On(on) => {
                let input = self.plan(&on.input, around)?;
                let scope = Scope::of(&on.input, &input, around);
                let columns = self.each(&on.select_expr, &scope)?;
                let by = on.sort_expr.iter().flatten().map(|sort| &sort.expr);
                let mut decides = self.steering(by, Dependency::Sort, &scope)?;
                decides.add(&self.steering(&on.on_expr, Dependency::GroupBy, &scope)?);
                let mut rows = input.rows;
                rows.add(&decides);
                Ok(Traced {
                    columns,
                    rows,
                    of: input.of,
                })
            }
        }
    }

    fn join(&mut self, join: &Join, around: Option<&Scope<'_>>) -> Result<Traced> {
        let left = self.plan(&join.left, around)?;
        // A lateral query refers to the left side as to a query around it.
        let lateral = Scope::of(&join.left, &left, around);
        let right = self.plan(&join.right, Some(&lateral))?;
        let scope = Scope {
            schema: join.left.schema(),
            columns: &left.columns,
            beside: Some((join.right.schema(), &right.columns)),
            around,
        };
        let keys = join
            .on
            .iter()
            .flat_map(|(left, right)| [left, right])
            .chain(&join.filter);
        let decides = self.steering(keys, Dependency::Join, &scope)?;
        let mut rows = left.rows;
        rows.add(&right.rows);
        rows.add(&decides);
        // A mark says whether the row has a match.
        let mark = || std::iter::once(rows.clone().steering(Dependency::Conditional));
        let of = match join.join_type {
            JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => left.of,
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => right.of,
            _ => left.of.max(right.of),
        };
        let columns = match join.join_type {
            JoinType::LeftSemi | JoinType::LeftAnti => left.columns,
            JoinType::RightSemi | JoinType::RightAnti => right.columns,
            JoinType::LeftMark => left.columns.into_iter().chain(mark()).collect(),
            JoinType::RightMark => right.columns.into_iter().chain(mark()).collect(),
            _ => left.columns.into_iter().chain(right.columns).collect(),
        };
        Ok(Traced { columns, rows, of })
    }

    /// The origins of each of several expressions.
    fn each<'e>(&mut self, list: impl IntoIterator<Item = &'e Expr>, scope: &Scope<'_>) -> Result<Vec<Origins>> {
        list.into_iter()
            .map(|expr| {
                let mut origins = self.expression(expr, scope)?;
                self.named.add(&origins);
                if !matches!(expr, Expr::Column(_)) {
                    self.spelt.add(&origins);
                }
                if self.counts_tell_nothing {
                    origins.nature = Nature::of(expr, scope);
                }
                Ok(origins)
            })
            .collect()
    }

    /// The origins of expressions that only steer.
    fn steering<'e>(
        &mut self,
        list: impl IntoIterator<Item = &'e Expr>,
        kind: Dependency,
        scope: &Scope<'_>,
    ) -> Result<Origins> {
        let (by, looks) = clause(kind);
        let origins = self.all_used(list, by, looks, scope)?;
        self.named.add(&origins);
        self.spelt.add(&origins);
        Ok(origins.steering(kind))
    }
}

impl Traced {
    /// Adds the rows of another plan with the same columns.
    pub(super) fn add(&mut self, other: Self) {
        self.of = self.of.and_more(other.of);
        self.rows.add(&other.rows);
        for (column, more) in self.columns.iter_mut().zip(&other.columns) {
            column.add(more);
            column.nature = column.nature.or(more.nature);
        }
        let further = other.columns.into_iter().skip(self.columns.len());
        self.columns.extend(further);
    }

    /// Of a tracer of values: all that each column comes from, with what decides which rows there are for those that
    /// are no counts.
    pub fn into_values(self) -> Vec<Origins> {
        let Self { mut columns, rows, .. } = self;
        let values = columns.iter_mut().filter(|column| column.nature != Nature::Count);
        values.for_each(|column| column.add(&rows));
        columns
    }
}
