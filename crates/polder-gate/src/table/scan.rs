//! Reading a table for its figures: only the columns that are needed, all of its partitions at once.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use polder_core::{Error, ErrorKind, Result};
use tokio::task::JoinSet;

use crate::table::facts::Facts;
use crate::table::plan::Plan;
use crate::table::state::{TableState, fits};

/// Rows of a batch that is read.
const BATCH: usize = 8_192;

/// A session that only scans.
pub(crate) fn session() -> SessionState {
    let partitions = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut config = SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(BATCH);
    let options = config.options_mut();
    // A page index and filters help queries that leave rows out; this one reads all.
    options.execution.parquet.enable_page_index = false;
    options.optimizer.repartition_file_min_size = 1 << 20;
    SessionContext::new_with_config(config).state()
}

/// The columns of a table that hold these columns of the contract.
pub(crate) fn projection(plan: &Plan, columns: &[usize], table: &SchemaRef) -> Vec<usize> {
    let names = columns.iter().map(|column| plan.schema.field(*column).name());
    let mut places: Vec<_> = names.filter_map(|name| table.index_of(name).ok()).collect();
    places.sort_unstable();
    places
}

/// Columns of which values may not fit the contract's type: where the table's is another, and maps.
pub(crate) fn is_odd(plan: &Plan, column: usize, table: &SchemaRef) -> bool {
    let field = plan.schema.field(column);
    table
        .field_with_name(field.name())
        .is_ok_and(|found| !fits(found.data_type(), field.data_type()))
}

/// Reads a table into a state, one partition a task.
pub(crate) async fn read(
    session: &SessionState,
    table: &Arc<dyn TableProvider>,
    projection: &[usize],
    into: &mut TableState,
) -> Result<()> {
    let plan = plan(session, table, Some(projection)).await?;
    let mut parts = Parts::read(session, &plan, || into.fresh(), TableState::push)?;
    while let Some(state) = parts.next().await? {
        into.merge(state)?;
    }
    Ok(())
}

/// What is read of a plan's partitions, one a task.
pub(crate) struct Parts<P>(JoinSet<Result<P>>);

impl<P: Send + 'static> Parts<P> {
    /// Begins to read: each partition's batches go into a new part of its own.
    pub(crate) fn read(
        session: &SessionState,
        plan: &Arc<dyn ExecutionPlan>,
        new: impl Fn() -> P,
        take: impl Fn(&mut P, &RecordBatch) -> Result<()> + Clone + Send + 'static,
    ) -> Result<Self> {
        let context = session.task_ctx();
        let mut tasks = JoinSet::new();
        for partition in 0..plan.properties().partitioning.partition_count() {
            let mut rows = plan.execute(partition, Arc::clone(&context)).map_err(failure)?;
            let (mut part, take) = (new(), take.clone());
            tasks.spawn(async move {
                while let Some(batch) = rows.next().await {
                    take(&mut part, &batch.map_err(failure)?)?;
                }
                Ok(part)
            });
        }
        Ok(Self(tasks))
    }

    /// The next part that is whole, in whatever order they end.
    pub(crate) async fn next(&mut self) -> Result<Option<P>> {
        let Some(ended) = self.0.join_next().await else {
            return Ok(None);
        };
        let part = ended.map_err(|cause| {
            Error::new(ErrorKind::Internal, "a task that reads a table ended badly").with_source(cause)
        })?;
        part.map(Some)
    }
}

/// The plan of a scan, split over all cores.
pub(crate) async fn plan(
    session: &SessionState,
    table: &Arc<dyn TableProvider>,
    projection: Option<&[usize]>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let projection = projection.map(<[usize]>::to_vec);
    let plan = table
        .scan(session, projection.as_ref(), &[], None)
        .await
        .map_err(failure)?;
    let options = session.config().options();
    let split = plan
        .repartitioned(session.config().target_partitions(), options)
        .map_err(failure)?;
    Ok(split.unwrap_or(plan))
}

/// What the query engine says, as Polder's error; one of Polder's own inside comes out as it went in.
pub(crate) fn failure(error: DataFusionError) -> Error {
    match error {
        DataFusionError::External(cause) => match cause.downcast::<Error>() {
            Ok(own) => *own,
            Err(cause) => {
                Error::new(ErrorKind::Data, "the table cannot be read").with_source(DataFusionError::External(cause))
            }
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => failure(*inner),
        error => {
            let kind = match error.find_root() {
                DataFusionError::ObjectStore(_) => ErrorKind::Unreachable,
                DataFusionError::ResourcesExhausted(_) => ErrorKind::Refused,
                _ => ErrorKind::Data,
            };
            Error::new(kind, "the table cannot be read").with_source(error)
        }
    }
}

/// What the log tells, and where it does not, what the files of a scan tell of themselves.
pub(crate) struct AllFacts<'a> {
    given: &'a dyn Facts,
    schema: SchemaRef,
    files: Option<Arc<Statistics>>,
}

impl<'a> AllFacts<'a> {
    pub(crate) fn new(given: &'a dyn Facts, schema: SchemaRef, scan: &dyn ExecutionPlan) -> Self {
        Self {
            given,
            schema,
            files: StatisticsContext::new().compute(scan, &StatisticsArgs::new()).ok(),
        }
    }

    fn of_column<T>(&self, column: &str, figure: impl Fn(&ColumnStatistics) -> Option<T>) -> Option<T> {
        let files = self.files.as_ref()?;
        let place = self.schema.index_of(column).ok()?;
        figure(files.column_statistics.get(place)?)
    }
}

fn exact(value: &Precision<ScalarValue>) -> Option<ScalarValue> {
    match value {
        Precision::Exact(value) => Some(value.clone()),
        _ => None,
    }
}

impl Facts for AllFacts<'_> {
    fn rows(&self) -> Option<u64> {
        self.given.rows().or_else(|| match self.files.as_ref()?.num_rows {
            Precision::Exact(rows) => Some(rows as u64),
            _ => None,
        })
    }

    fn nulls(&self, column: &str) -> Option<u64> {
        let of_files = || {
            self.of_column(column, |column| match column.null_count {
                Precision::Exact(nulls) => Some(nulls as u64),
                _ => None,
            })
        };
        self.given.nulls(column).or_else(of_files)
    }

    fn minimum(&self, column: &str) -> Option<ScalarValue> {
        let of_files = || self.of_column(column, |column| exact(&column.min_value));
        self.given.minimum(column).or_else(of_files)
    }

    fn maximum(&self, column: &str) -> Option<ScalarValue> {
        let of_files = || self.of_column(column, |column| exact(&column.max_value));
        self.given.maximum(column).or_else(of_files)
    }

    fn recent_commits(&self) -> &[u64] {
        self.given.recent_commits()
    }

    fn is_of_log(&self) -> bool {
        self.given.is_of_log()
    }

    fn commits_cut(&self) -> bool {
        self.given.commits_cut()
    }
}
