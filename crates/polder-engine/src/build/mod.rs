//! Building one pipeline: reads what changed, computes, delivers rows and progress in one commit.

mod append;
mod bag;
pub(crate) mod delta;
mod groups;
pub(crate) mod keys;
mod query;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::DataFrame;
use futures::TryStreamExt as _;
use polder_core::{Error, ErrorKind, Result, RunId};
use polder_delivery::{Delivery, Discretion, Extent, NoRecords, Outcome, Receipt, Shipment};
use polder_gate::arrow_schema;
use polder_lake::{Changes, DataFile, Operation, Table};
use polder_query::{RuleQueries, query_error};

use crate::assess::{Assessment, Change, UNSETTLED};
use crate::definition::{Materialization, Pipeline};
use crate::engine::{Engine, Limits};
use crate::step::{Action, Observer};
use query::Query;

/// What a build did.
pub(crate) struct Built {
    /// What was done in the end: an increment may turn out to need everything.
    pub(crate) action: Action,
    pub(crate) why: String,
    pub(crate) version: Option<u64>,
    pub(crate) rows: u64,
    pub(crate) rejected: u64,
    pub(crate) warned: BTreeMap<String, u64>,
    pub(crate) remarks: BTreeMap<String, String>,
}

/// One build in progress.
pub(crate) struct Build<'a> {
    pipeline: &'a Pipeline,
    assessment: &'a Assessment,
    run: RunId,
    observer: &'a dyn Observer,
    limits: Limits,
    query: Query,
    /// The target's columns by contract.
    schema: SchemaRef,
    delivery: Delivery,
}

/// Builds a pipeline as its assessment says; only for actions other than [`Action::Skip`].
///
/// # Errors
/// `Document`, when the query does not plan or is not of the kind that its materialization needs; `CheckFailed`, when
/// the contract refuses what is built, or takes no rows any more; `Conflict`, when another process builds the same
/// pipeline; otherwise what lake, query and delivery report. Nothing is committed then.
pub(crate) async fn build(
    engine: &Engine,
    pipeline: &Pipeline,
    assessment: &Assessment,
    run: RunId,
    observer: &dyn Observer,
) -> Result<Built> {
    let query = Query::plan(engine, pipeline, assessment).await?;
    let schema = arrow_schema(assessment.contract.object())?;
    let origin = pipeline.name.to_string();
    let queries = RuleQueries::new(&engine.session, &assessment.contract);
    let delivery = Delivery::open(&engine.lake, &assessment.contract, &[], &origin)
        .await?
        .with_queries(Arc::new(queries))
        .with_discretion(engine.discretion.clone())
        .with_policies(&engine.policies);
    let mut build = Build {
        pipeline,
        assessment,
        run,
        observer,
        limits: engine.limits,
        query,
        schema,
        delivery,
    };
    let built = build.build().await;
    built.map_err(|error| build.without_what_is_hidden(error, &engine.discretion))
}

/// The net change of each source, in the order of the assessment; nothing for a source that did not change.
pub(crate) type Deltas = Vec<Option<delta::Delta>>;

impl Build<'_> {
    async fn build(&mut self) -> Result<Built> {
        let incremental = match self.assessment.action {
            Action::Incremental => self.deltas().await?,
            _ => Err(self.assessment.why.clone()),
        };
        match incremental {
            Ok(deltas) => match self.pipeline.materialization {
                Materialization::Append => self.append(&deltas).await,
                Materialization::AppendDistinct => self.append_distinct(Some(&deltas)).await,
                Materialization::ReplaceGroups => self.replace_groups(&deltas).await,
            },
            Err(why) => self.whole(why).await,
        }
    }

    /// An error as everybody may read it: the engine quotes values that it stumbles on. What a store says, and what the
    /// gate refuses, quotes none.
    fn without_what_is_hidden(&self, error: Error, discretion: &Discretion) -> Error {
        let of_engine = matches!(error.kind(), ErrorKind::Data | ErrorKind::Usage | ErrorKind::Internal)
            && error.to_string() == self.message();
        if !of_engine {
            return error;
        }
        match discretion.in_place_of_failure(&self.assessment.contract, self.query.named().as_ref()) {
            Some(why) => Error::new(error.kind(), format!("{}: {why}", self.message()))
                .with_help("`polder sql` runs its query and says it, for those who may read what it reads"),
            None => error,
        }
    }

    /// What changed, or why everything must be built.
    async fn deltas(&self) -> Result<Result<Deltas, String>> {
        // Another run may have begun since it was assessed.
        if !self.delivery.is_settled().await? {
            return Ok(Err(UNSETTLED.to_owned()));
        }
        let mut deltas = Vec::with_capacity(self.assessment.sources.len());
        for tracked in &self.assessment.sources {
            let (Some(table), name) = (&tracked.source.table, &tracked.source.dataset) else {
                deltas.push(None);
                continue;
            };
            deltas.push(match &tracked.change {
                Change::None => None,
                Change::Unknown(why) => return Ok(Err(why.clone())),
                Change::Appeared => Some(delta::Delta::whole(table)?),
                Change::Files(changes) => match self.net(table, changes).await {
                    Ok(Some(delta)) => Some(delta),
                    Ok(None) => return Ok(Err(format!("many changed rows in {name}"))),
                    // Removed files may have been vacuumed, and other engines may delete rows inside of files. A store
                    // that is away says nothing of its files: the step fails, and goes on where it was.
                    Err(error) if matches!(error.kind(), ErrorKind::Data | ErrorKind::NotFound) => {
                        tracing::warn!(dataset = %name, error = %error.report(), "changed files cannot be read");
                        return Ok(Err(format!("changed files of {name} cannot be read")));
                    }
                    Err(error) => return Err(error),
                },
            });
        }
        let gone = deltas.iter().zip(&self.assessment.sources).find(|(delta, _)| {
            self.pipeline.materialization != Materialization::ReplaceGroups
                && delta.as_ref().is_some_and(|delta| delta.vanished.is_some())
        });
        if let Some((_, tracked)) = gone {
            return Ok(Err(format!("rows of {} changed or went", tracked.source.dataset)));
        }
        Ok(Ok(deltas))
    }

    async fn net(&self, table: &Table, changes: &Changes) -> Result<Option<delta::Delta>> {
        delta::Delta::net(self.query.state(), table, changes, self.limits.changed_rows).await
    }

    /// Builds everything.
    async fn whole(&mut self, why: String) -> Result<Built> {
        let mut built = match self.pipeline.materialization {
            Materialization::Append => self.rebuild(self.query.full()?).await,
            Materialization::AppendDistinct => self.append_distinct(None).await,
            Materialization::ReplaceGroups => self.replace_table().await,
        }?;
        (built.action, built.why) = (Action::Full, why);
        Ok(built)
    }

    /// Replaces all rows by those of a plan.
    async fn rebuild(&mut self, plan: LogicalPlan) -> Result<Built> {
        let files = self.delivery.table().files()?;
        let rows = self.stream(plan).await?;
        self.deliver(rows, files, Operation::Replace).await
    }

    /// Streams rows through the gate into the table, with progress and in place of some files.
    async fn deliver(
        &mut self,
        mut rows: SendableRecordBatchStream,
        remove: Vec<DataFile>,
        operation: Operation,
    ) -> Result<Built> {
        let progress = self.assessment.progress();
        let (message, name, observer) = (self.message(), &self.pipeline.name, self.observer);
        let (action, why) = (self.assessment.action, self.assessment.why.clone());
        let mut shipment = match operation {
            Operation::Append => self.delivery.shipment_of_new_rows(self.run).await?,
            _ => self.delivery.shipment(self.run).await?,
        };
        while let Some(batch) = next(&mut rows, || message.clone()).await? {
            push(&mut shipment, &batch).await?;
            observer.rows(name, shipment.rows() + shipment.rejected());
        }
        let receipt = shipment
            .commit(Outcome {
                progress,
                remove,
                operation,
                kept: 0,
                extent: match operation {
                    Operation::Replace => Extent::Everything,
                    _ => Extent::Some,
                },
            })
            .await?;
        Ok(built(action, why, receipt))
    }

    /// Records that the sources are built in, without any row: those that the table has are what these are.
    async fn advance(&mut self, extent: Extent) -> Result<Built> {
        let progress = self.assessment.progress();
        let shipment = self.delivery.shipment(self.run).await?;
        let receipt = shipment
            .commit(Outcome {
                progress,
                remove: Vec::new(),
                operation: Operation::Append,
                kept: 0,
                extent,
            })
            .await?;
        Ok(built(self.assessment.action, self.assessment.why.clone(), receipt))
    }

    async fn stream(&self, plan: LogicalPlan) -> Result<SendableRecordBatchStream> {
        stream(self.query.state(), plan, || self.message()).await
    }

    fn message(&self) -> String {
        format!("cannot build {}", self.pipeline.dataset)
    }
}

fn built(action: Action, why: String, receipt: Receipt) -> Built {
    Built {
        action,
        why,
        version: receipt.version,
        rows: receipt.accepted,
        rejected: receipt.rejected + receipt.recognised,
        warned: receipt.warned,
        remarks: receipt.remarks,
    }
}

async fn push(shipment: &mut Shipment<'_>, batch: &RecordBatch) -> Result<()> {
    if batch.num_rows() == 0 {
        return Ok(());
    }
    shipment.push(batch, &NoRecords).await
}

/// Runs a plan.
pub(crate) async fn stream(
    state: &SessionState,
    plan: LogicalPlan,
    message: impl Fn() -> String,
) -> Result<SendableRecordBatchStream> {
    DataFrame::new(state.clone(), plan)
        .execute_stream()
        .await
        .map_err(|cause| failed(cause, message()))
}

/// The next rows of a stream.
pub(crate) async fn next(
    rows: &mut SendableRecordBatchStream,
    message: impl Fn() -> String,
) -> Result<Option<RecordBatch>> {
    rows.try_next().await.map_err(|cause| failed(cause, message()))
}

/// What the query engine says, under what was tried.
fn failed(cause: DataFusionError, message: String) -> Error {
    let cause = query_error(cause);
    let error = Error::new(cause.kind(), message);
    let error = match cause.help() {
        Some(help) => error.with_help(help),
        None => error,
    };
    error.with_source(cause)
}
