//! A pipeline's query as a plan over pinned sources, and the plans that increments run instead.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Column, ExprSchema as _};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, try_cast};
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt as _};
use polder_gate::arrow_schema;
use polder_query::lineage::Tracer;

use crate::admission::admit;
use crate::assess::Assessment;
use crate::columns::{compare, handed_over};
use crate::definition::Pipeline;
use crate::engine::Engine;
use crate::sql::place::SqlText;
use crate::sql::row_local;
use crate::sql::scans::{as_scanned, both, changed_rows, narrow, rows_of, scans, substitute};

use super::Deltas;

/// The query of one build.
pub(crate) struct Query {
    state: SessionState,
    plan: LogicalPlan,
    schema: SchemaRef,
    sources: Vec<DatasetName>,
    message: String,
}

impl Query {
    /// Plans a pipeline's query over its sources as they are pinned.
    pub(crate) async fn plan(engine: &Engine, pipeline: &Pipeline, assessment: &Assessment) -> Result<Self> {
        let tables = assessment
            .sources
            .iter()
            .map(|tracked| Ok((tracked.source.dataset.clone(), tracked.source.provider()?)))
            .collect::<Result<Vec<_>>>()?;
        let session = engine.session.with_tables(tables);
        let text = SqlText::file(&pipeline.sql);
        let frame = session
            .sql(pipeline.query())
            .await
            .map_err(|error| Error::document(vec![text.failure(&error, "sql")]).with_source(error))?;
        let (state, plan) = frame.into_parts();
        admit(pipeline, &plan)?;
        let schema = arrow_schema(assessment.contract.object())?;
        let message = format!("cannot plan the query of {}", pipeline.name);
        // Held against the contract on the tables as they are: casts below may widen, but must never round.
        let coerced = state.optimize(&plan).context(ErrorKind::Document, || message.clone())?;
        let found = compare(&text, &pipeline.dataset, coerced.schema(), &schema);
        if !found.is_empty() {
            return Err(Error::document(found));
        }
        Ok(Self {
            state,
            plan,
            schema,
            sources: assessment
                .sources
                .iter()
                .map(|tracked| tracked.source.dataset.clone())
                .collect(),
            message,
        })
    }

    /// The columns that it names; nothing where they cannot be told.
    pub(crate) fn named(&self) -> Option<BTreeSet<(DatasetName, String)>> {
        Tracer::named_by(&self.plan).ok()
    }

    /// The session's state, in which plans run.
    pub(crate) fn state(&self) -> &SessionState {
        &self.state
    }

    /// The whole result, in the target's columns.
    pub(crate) fn full(&self) -> Result<LogicalPlan> {
        self.planned(self.shaped(self.plan.clone(), &[]))
    }

    /// The whole result, where a condition on the target's columns holds.
    pub(crate) fn filtered(&self, condition: Option<Expr>) -> Result<LogicalPlan> {
        let plan = self.full()?;
        match condition {
            None => Ok(plan),
            Some(condition) => self.planned(self.as_kept(condition, &plan).and_then(|condition| {
                LogicalPlanBuilder::from(plan)
                    .filter(condition)
                    .and_then(LogicalPlanBuilder::build)
            })),
        }
    }

    /// A condition on the target's columns, asked of computed ones: a value that is finer than the table keeps it counts
    /// as the table would keep it, as in [sets of keys](super::keys::KeySet).
    fn as_kept(&self, condition: Expr, computed: &LogicalPlan) -> Result<Expr, DataFusionError> {
        let asked = condition.transform(|part| {
            let Expr::Column(column) = &part else {
                return Ok(Transformed::no(part));
            };
            let given = computed.schema().field_with_unqualified_name(&column.name)?.data_type();
            let kept = self.schema.field_with_name(&column.name)?.data_type();
            if given == kept {
                return Ok(Transformed::no(part));
            }
            Ok(Transformed::yes(kept_as(part, given, kept)))
        });
        asked.map(|asked| asked.data)
    }

    /// The result of new rows alone, for a row-local query.
    pub(crate) fn of_new_rows(&self, deltas: &Deltas) -> Result<LogicalPlan> {
        self.planned(self.new_rows(deltas).and_then(|plan| self.shaped(plan, &[])))
    }

    /// The result of new rows, or of all rows, for a row-local query; behind the target's columns follow columns that
    /// say in which order the rows arrived, and their names are given. A source that does not know gives none.
    pub(crate) fn with_arrival(&self, deltas: Option<&Deltas>) -> Result<(LogicalPlan, Vec<String>)> {
        let plan = match deltas {
            Some(deltas) => self.planned(self.new_rows(deltas))?,
            None => self.plan.clone(),
        };
        let names: Vec<_> = (0..row_local::ARRIVAL.len()).map(row_local::arrival_name).collect();
        match self.planned(row_local::with_arrival(&plan))? {
            Some(carried) => Ok((self.planned(self.shaped(carried, &names))?, names)),
            None => Ok((self.planned(self.shaped(plan, &[]))?, Vec::new())),
        }
    }

    /// For each place where a changed source is read, the distinct keys of the result when that place gives the changed
    /// rows alone. All other places give what is there now and what was there before, so that a group is also found
    /// when several sources changed at once.
    pub(crate) fn touched_keys(&self, deltas: &Deltas, key: &[String]) -> Result<Vec<LogicalPlan>> {
        let places = self.planned(scans(&self.plan))?;
        let mut plans = Vec::new();
        for (changed, dataset) in places.iter().enumerate() {
            if self.delta(deltas, dataset).is_some() {
                plans.push(self.planned(self.keys_of_place(deltas, changed, key))?);
            }
        }
        Ok(plans)
    }

    fn keys_of_place(&self, deltas: &Deltas, changed: usize, key: &[String]) -> Result<LogicalPlan, DataFusionError> {
        let plan = substitute(&self.plan, |place, dataset, original| {
            let Some(delta) = self.delta(deltas, dataset) else {
                return Ok(None);
            };
            if place == changed {
                return changed_rows(delta.changed()?).map(Some);
            }
            match &delta.vanished {
                Some(vanished) => {
                    let vanished = as_scanned(original, rows_of(Arc::clone(vanished))?)?;
                    both(original.clone(), vanished).map(Some)
                }
                None => Ok(None),
            }
        })?;
        let columns: Vec<_> = self
            .schema
            .fields()
            .iter()
            .filter(|field| key.contains(field.name()))
            .map(|field| {
                let column = output(&plan, field.name())?;
                let given = plan.schema().field_from_column(&column)?.data_type().clone();
                let name = column.name.clone();
                Ok(kept_as(Expr::Column(column), &given, field.data_type()).alias(name))
            })
            .collect::<Result<_, DataFusionError>>()?;
        LogicalPlanBuilder::from(narrow(plan)?)
            .project(columns)?
            .distinct()?
            .build()
    }

    fn delta<'d>(&self, deltas: &'d Deltas, dataset: &DatasetName) -> Option<&'d super::delta::Delta> {
        let source = self.sources.iter().position(|source| source == dataset)?;
        deltas.get(source)?.as_ref()
    }

    fn new_rows(&self, deltas: &Deltas) -> Result<LogicalPlan, DataFusionError> {
        substitute(&self.plan, |_, dataset, _| match self.delta(deltas, dataset) {
            Some(delta) => rows_of(Arc::clone(&delta.appeared)).map(Some),
            None => Ok(None),
        })
    }

    /// The plan's rows in the columns that the gate judges, and some further columns as they are.
    fn shaped(&self, plan: LogicalPlan, further: &[String]) -> Result<LogicalPlan, DataFusionError> {
        let mut columns = self
            .schema
            .fields()
            .iter()
            .map(|field| {
                let column = output(&plan, field.name())?;
                let given = plan.schema().field_from_column(&column)?.data_type();
                let handed = handed_over(given, field.data_type());
                Ok(column_as(column, &handed))
            })
            .collect::<Result<Vec<_>, DataFusionError>>()?;
        for name in further {
            columns.push(Expr::Column(output(&plan, name)?));
        }
        LogicalPlanBuilder::from(plan).project(columns)?.build()
    }

    fn planned<T>(&self, result: Result<T, DataFusionError>) -> Result<T> {
        result.context(ErrorKind::Document, || self.message.clone())
    }
}

fn output(plan: &LogicalPlan, name: &str) -> Result<Column, DataFusionError> {
    plan.schema()
        .qualified_field_with_unqualified_name(name)
        .map(Column::from)
}

/// A value as the table keeps it; null where the gate finds that it cannot.
fn kept_as(value: Expr, given: &DataType, kept: &DataType) -> Expr {
    match given {
        DataType::UInt64 => try_cast(value, kept.clone()),
        _ => cast(value, kept.clone()),
    }
}

fn column_as(column: Column, data_type: &DataType) -> Expr {
    let name = column.name.clone();
    cast(Expr::Column(column), data_type.clone()).alias(name)
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;
    use arrow::datatypes::{Field, Int64Type, Schema, TimeUnit};
    use datafusion::common::ScalarValue;
    use datafusion::logical_expr::{ident, lit};
    use datafusion::prelude::{DataFrame, SessionContext};

    use super::*;

    #[tokio::test]
    async fn a_condition_on_times_holds_of_finer_ones_as_they_would_be_kept() {
        let context = SessionContext::new();
        let sql = "SELECT to_timestamp_nanos(v) AS at, v FROM (VALUES (5000), (5001), (7000), (-1), (NULL)) AS t (v)";
        let (state, plan) = context.sql(sql).await.unwrap().into_parts();
        let kept = DataType::Timestamp(TimeUnit::Microsecond, None);
        let schema = Schema::new(vec![
            Field::new("at", kept, true),
            Field::new("v", DataType::Int64, true),
        ]);
        let query = Query {
            state,
            plan,
            schema: schema.into(),
            sources: Vec::new(),
            message: "cannot plan".to_owned(),
        };
        let times = [5, 0].map(|at| lit(ScalarValue::TimestampMicrosecond(Some(at), None)));
        let asked = ident("at").in_list(times.to_vec(), false);
        for (asked, expected) in [
            (asked.clone(), vec![5_000, 5_001, -1]),
            (asked.and(ident("v").lt(lit(0_i64))), vec![-1]),
        ] {
            let plan = query.filtered(Some(asked)).unwrap();
            let rows = DataFrame::new(query.state.clone(), plan).collect().await.unwrap();
            let found = rows.iter().flat_map(|rows| {
                let times = rows.column(0).data_type().clone();
                assert_eq!(times, DataType::Timestamp(TimeUnit::Nanosecond, None));
                rows.column(1).as_primitive::<Int64Type>().values().to_vec()
            });
            assert_eq!(found.collect::<Vec<_>>(), expected);
        }
    }
}
