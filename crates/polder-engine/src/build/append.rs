//! `append` and `append_distinct`: rows of new rows are added; what is there stays.
//!
//! The row that `append_distinct` keeps of a key is the first of those that the contract accepts, in an order that lies
//! in the rows alone: by arrival (`_ingested_at`, `_partition`, `_offset` of the source row), then by the values of the
//! result, ascending, nulls last, those of the key behind the others (rows of one key may have 0.0 and -0.0 there);
//! where the source has no arrival columns, by the values alone. An increment and a full build share this order. A new
//! row that comes before one that is in the table already (a second writer with a clock behind, for instance) therefore
//! makes a full build: what is there would not stay.

use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Field, Fields, Float64Type, Int64Type};
use datafusion::common::{Column, DFSchema, JoinType, NullEquality, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::functions_aggregate::expr_fn::{count, max};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprFunctionExt as _, LogicalPlan, LogicalPlanBuilder, Operator, ScalarUDF, Volatility,
    binary_expr, cast, create_udf, ident, lit,
};
use polder_contract::DatasetContract;
use polder_core::{ErrorKind, Result, ResultExt as _};
use polder_gate::Gate;
use polder_lake::Operation;

use crate::assess::Change;
use crate::sql::row_local::{ARRIVAL, arrival_name};
use crate::sql::scans::rows_of;
use crate::step::Action;

use super::keys::one_value_a_key;
use super::{Build, Built, Deltas, next, stream};

const RANK: &str = "__polder_rank";
const ACCEPTED: &str = "__polder_accepted";
const NEW: &str = "__polder_new";
const KNOWN: &str = "__polder_known";

/// The same session with joins that sort.
fn sorting(state: &SessionState) -> SessionState {
    let mut state = state.clone();
    state.config_mut().options_mut().optimizer.prefer_hash_join = false;
    state
}

impl Build<'_> {
    /// Adds the rows that new rows give.
    pub(super) async fn append(&mut self, deltas: &Deltas) -> Result<Built> {
        let rows = self.stream(self.query.of_new_rows(deltas)?).await?;
        self.deliver(rows, Vec::new(), Operation::Append).await
    }

    /// Adds the first accepted row of each key that the table does not have; without deltas, builds the table from all
    /// rows. Rows that the contract refuses are delivered to quarantine, whatever their key.
    pub(super) async fn append_distinct(&mut self, deltas: Option<&Deltas>) -> Result<Built> {
        let (rows, arrival) = self.query.with_arrival(deltas)?;
        let message = || self.message();
        let judge = judge(&self.assessment.contract, self.schema.fields(), rows.schema())?;
        let first = self
            .first_of_each_key(rows, &arrival, &judge)
            .context(ErrorKind::Internal, message)?;
        let files = self.delivery.table().files()?;
        if deltas.is_none() {
            let plan = self.shaped(first).context(ErrorKind::Internal, message)?;
            let rows = self.stream(plan).await?;
            return self.deliver(rows, files, Operation::Replace).await;
        }
        if !files.is_empty() && self.displaces(first.clone(), !arrival.is_empty()).await? {
            let names: Vec<_> = self
                .assessment
                .sources
                .iter()
                .map(|one| one.source.dataset.to_string())
                .collect();
            let mut whole = Box::pin(self.append_distinct(None)).await?;
            (whole.action, whole.why) = (
                Action::Full,
                format!("new rows in {} come before rows that are built in", names.join(", ")),
            );
            return Ok(whole);
        }
        let message = || self.message();
        let plan = match files.is_empty() {
            true => Ok(first),
            false => self.without_known_keys(first),
        };
        let plan = plan
            .and_then(|plan| self.shaped(plan))
            .context(ErrorKind::Internal, message)?;
        let rows = self.sized_stream(plan).await?;
        self.deliver(rows, Vec::new(), Operation::Append).await
    }

    /// Runs a plan that joins new rows: with few of them in a hash table, else by sorting.
    async fn sized_stream(&self, plan: LogicalPlan) -> Result<datafusion::execution::SendableRecordBatchStream> {
        match self
            .assessment
            .new_rows()
            .is_some_and(|rows| rows <= self.limits.hashed_rows)
        {
            true => self.stream(plan).await,
            false => stream(&sorting(self.query.state()), plan, || self.message()).await,
        }
    }

    /// Of the accepted rows of one key the first, and every refused row. Behind the target's columns stand whether the
    /// row is accepted, and its arrival.
    fn first_of_each_key(
        &self,
        rows: LogicalPlan,
        arrival: &[String],
        judge: &ScalarUDF,
    ) -> Result<LogicalPlan, DataFusionError> {
        let columns = self.columns();
        let judged = columns
            .iter()
            .cloned()
            .chain([judge.call(columns.clone()).alias(ACCEPTED)])
            .chain(arrival.iter().map(ident));
        let values = self.in_order().map(|field| place(ident(field.name()), field));
        let order = arrival
            .iter()
            .map(ident)
            .chain(values)
            .map(|column| column.sort(true, false))
            .collect::<Vec<_>>();
        let partition = self.keys().into_iter().chain([ident(ACCEPTED)]).collect();
        let rank = row_number()
            .partition_by(partition)
            .order_by(order)
            .build()?
            .alias(RANK);
        LogicalPlanBuilder::from(rows)
            .project(judged.collect::<Vec<_>>())?
            .window([rank])?
            .filter(ident(RANK).eq(lit(1_u64)).or(!ident(ACCEPTED)))?
            .build()
    }

    /// What rows of one key have the same value of.
    fn keys(&self) -> Vec<Expr> {
        let key = self.pipeline.key.iter();
        key.map(|name| match self.schema.field_with_name(name) {
            Ok(field) if field.data_type().is_floating() => one_value(field.data_type()).call(vec![ident(name)]),
            // As the table keeps it, however fine it is given.
            Ok(field) if field.data_type().is_temporal() => cast(ident(name), field.data_type().clone()),
            _ => ident(name),
        })
        .collect()
    }

    /// The target's columns as rows of one key are ordered by them: those of the key last.
    fn in_order(&self) -> impl DoubleEndedIterator<Item = &Field> {
        let (fields, key) = (self.schema.fields(), &self.pipeline.key);
        let others = fields.iter().filter(|field| !key.contains(field.name()));
        others
            .chain(fields.iter().filter(|field| key.contains(field.name())))
            .map(AsRef::as_ref)
    }

    fn columns(&self) -> Vec<Expr> {
        self.schema.fields().iter().map(|field| ident(field.name())).collect()
    }

    fn shaped(&self, rows: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
        LogicalPlanBuilder::from(rows).project(self.columns())?.build()
    }

    /// Whether an accepted new row comes before the row of its key that the table has.
    async fn displaces(&self, first: LogicalPlan, by_arrival: bool) -> Result<bool> {
        let earlier = match by_arrival {
            true => match self.newest_arrival().await? {
                Newest::None => return Ok(false),
                Newest::Unknown => lit(true),
                Newest::At(newest) => qualified(NEW, &arrival_name(0)).lt_eq(lit(newest)),
            },
            false => self.comes_before(),
        };
        let plan = self.with_known(first, JoinType::Inner, Some(qualified(NEW, ACCEPTED).and(earlier)));
        let plan = plan
            .and_then(|plan| LogicalPlanBuilder::from(plan).limit(0, Some(1))?.build())
            .context(ErrorKind::Internal, || self.message())?;
        let mut rows = self.sized_stream(plan).await?;
        while let Some(batch) = next(&mut rows, || self.message()).await? {
            if batch.num_rows() > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// When the newest of the source's rows arrived that are built in.
    async fn newest_arrival(&self) -> Result<Newest> {
        let mut newest = Newest::None;
        for tracked in &self.assessment.sources {
            let (Some(table), Change::Files(changes)) = (&tracked.source.table, &tracked.change) else {
                continue;
            };
            let mut old = table.files()?;
            old.retain(|file| changes.added.iter().all(|added| added.path() != file.path()));
            if old.is_empty() {
                continue;
            }
            let at = ident(ARRIVAL[0]);
            let plan = rows_of(table.files_provider(&old)?).and_then(|rows| {
                LogicalPlanBuilder::from(rows)
                    .aggregate(
                        Vec::<Expr>::new(),
                        [
                            max(at.clone()).alias("newest"),
                            count(lit(1)).alias("all"),
                            count(at).alias("given"),
                        ],
                    )?
                    .build()
            });
            let plan = plan.context(ErrorKind::Internal, || self.message())?;
            let mut rows = self.stream(plan).await?;
            while let Some(batch) = next(&mut rows, || self.message()).await? {
                if let Some(found) = newest_in(&batch).context(ErrorKind::Internal, || self.message())? {
                    newest = found;
                }
            }
        }
        Ok(newest)
    }

    /// Whether the values of the new row come before those of the known one, ascending, nulls last. Of the key's columns
    /// only floats can differ in rows of one key.
    fn comes_before(&self) -> Expr {
        let values = self
            .in_order()
            .filter(|field| field.data_type().is_floating() || !self.pipeline.key.contains(field.name()));
        values.rev().fold(lit(false), |rest, field| {
            // Nested values have an order to sort by, but no comparison.
            if field.data_type().is_nested() {
                return lit(true);
            }
            let [new, known] = [NEW, KNOWN].map(|side| place(qualified(side, field.name()), field));
            let less = new.clone().lt(known.clone());
            let less = less.or(new.clone().is_not_null().and(known.clone().is_null()));
            less.or(binary_expr(new, Operator::IsNotDistinctFrom, known).and(rest))
        })
    }

    /// Refused rows, and rows whose key no row of the table has.
    fn without_known_keys(&self, rows: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
        self.with_known(rows, JoinType::LeftAnti, Some(qualified(NEW, ACCEPTED)))
    }

    /// New rows joined by key with those that the table has; null is equal to null.
    fn with_known(
        &self,
        rows: LogicalPlan,
        join: JoinType,
        filter: Option<Expr>,
    ) -> Result<LogicalPlan, DataFusionError> {
        let provider = self
            .delivery
            .table()
            .provider()
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let keys = self.keys().into_iter().enumerate();
        let keys: Vec<_> = keys.map(|(i, key)| key.alias(key_name(i))).collect();
        let known = LogicalPlanBuilder::from(rows_of(Arc::clone(&provider))?)
            .project(self.columns().into_iter().chain(keys.clone()))?
            .alias(KNOWN)?
            .build()?;
        let side = |qualifier: &str| -> Vec<Column> {
            let names = (0..keys.len()).map(key_name);
            names.map(|name| Column::new(Some(qualifier), name)).collect()
        };
        let of_rows: Vec<Expr> = rows.schema().columns().into_iter().map(Expr::Column).collect();
        LogicalPlanBuilder::from(rows)
            .project(of_rows.into_iter().chain(keys.clone()))?
            .alias(NEW)?
            .join_detailed(
                known,
                join,
                (side(NEW), side(KNOWN)),
                filter,
                NullEquality::NullEqualsNull,
            )?
            .build()
    }
}

/// The name under which the columns of the key are joined.
fn key_name(place: usize) -> String {
    format!("__polder_key_{place}")
}

/// [`one_value_a_key`] as a function for plans.
fn one_value(data_type: &DataType) -> ScalarUDF {
    let of = |values: &[ColumnarValue]| -> Result<ColumnarValue, DataFusionError> {
        let arrays = ColumnarValue::values_to_arrays(values)?;
        let column = arrays.first().map(one_value_a_key);
        let column = column.ok_or_else(|| DataFusionError::Internal("a key came without its column".to_owned()))?;
        Ok(ColumnarValue::Array(column))
    };
    create_udf(
        "polder_key",
        vec![data_type.clone()],
        data_type.clone(),
        Volatility::Immutable,
        Arc::new(of),
    )
}

/// What rows are ordered by in place of a column's values. Of floats it is their place in the total order (-0.0 before
/// 0.0, NaN last): the engine sorts by that, but compares -0.0 as 0.0.
fn place(column: Expr, field: &Field) -> Expr {
    if !field.data_type().is_floating() {
        return column;
    }
    let of = |values: &[ColumnarValue]| -> Result<ColumnarValue, DataFusionError> {
        let mut places = Vec::new();
        for array in ColumnarValue::values_to_arrays(values)? {
            let floats = arrow::compute::cast(&array, &DataType::Float64)?;
            let floats = floats.as_primitive::<Float64Type>();
            places.push(floats.unary::<_, Int64Type>(total_order));
        }
        let column = places.pop();
        let column = column.ok_or_else(|| DataFusionError::Internal("an order came without its column".to_owned()))?;
        Ok(ColumnarValue::Array(Arc::new(column)))
    };
    let function = create_udf(
        "polder_place",
        vec![field.data_type().clone()],
        DataType::Int64,
        Volatility::Immutable,
        Arc::new(of),
    );
    function.call(vec![column])
}

/// A number that is less than another's where the float comes before, as [`f64::total_cmp`] has it.
fn total_order(value: f64) -> i64 {
    let bits = i64::from_ne_bytes(value.to_ne_bytes());
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// The latest arrival among rows.
enum Newest {
    /// There are no rows.
    None,
    /// Not every row says when it arrived.
    Unknown,
    At(ScalarValue),
}

fn newest_in(batch: &RecordBatch) -> Result<Option<Newest>, DataFusionError> {
    if batch.num_rows() == 0 {
        return Ok(None);
    }
    let counted = |i: usize| batch.column(i).as_primitive::<Int64Type>().value(0);
    Ok(Some(match (counted(1), counted(2)) {
        (0, _) => Newest::None,
        (all, given) if given < all => Newest::Unknown,
        _ => Newest::At(ScalarValue::try_from_array(batch.column(0), 0)?),
    }))
}

fn qualified(relation: &str, name: &str) -> Expr {
    Expr::Column(Column::new(Some(relation), name))
}

/// The contract's verdict as a function of the target's columns, so that rows can be judged inside of a plan.
/// They are handed over as `rows` has them, which may be finer than the target keeps.
fn judge(contract: &DatasetContract, columns: &Fields, rows: &DFSchema) -> Result<ScalarUDF> {
    let gate = Gate::compile(contract)?;
    let fields = columns.iter().map(|column| {
        let handed = rows.field_with_unqualified_name(column.name());
        let handed = handed.map_or(column.data_type(), |field| field.data_type());
        // The gate says what may not be null; a batch that may not hold a null could not be asked.
        Field::new(column.name(), handed.clone(), true)
    });
    let fields: Vec<_> = fields.collect();
    let types = fields.iter().map(|field| field.data_type().clone()).collect();
    let columns = Arc::new(arrow::datatypes::Schema::new(fields));
    let verdict = move |values: &[ColumnarValue]| -> Result<ColumnarValue, DataFusionError> {
        let arrays = ColumnarValue::values_to_arrays(values)?;
        let batch = RecordBatch::try_new(Arc::clone(&columns), arrays)?;
        let verdict = gate
            .check(&batch)
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(ColumnarValue::Array(Arc::new(verdict.accepted)))
    };
    Ok(create_udf(
        "polder_accepted",
        types,
        DataType::Boolean,
        Volatility::Immutable,
        Arc::new(verdict),
    ))
}
