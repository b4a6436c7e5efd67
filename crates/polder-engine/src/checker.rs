//! Queries planned against empty tables, on several threads at once: their lineage, and what is wrong with them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use polder_contract::ContractSet;
use polder_core::document::{Diagnostic, Severity, nearest};
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_gate::arrow_schema;
use polder_query::Session;

use crate::build::refusal;
use crate::check::reproducible;
use crate::columns::compare;
use crate::definition::{ModelDefinition, Pipeline};
use crate::engine::Engine;
use crate::graph::{At, Node, of_dataset};
use crate::lineage::{self, ColumnEdge, Step};
use crate::sql::place::SqlText;
use crate::step::StepKind;

/// Plans queries, on several threads at once.
pub(crate) struct Checker {
    /// A session in which every contract is an empty table.
    session: Session,
    /// What settles types and turns plans into physical ones.
    planner: SessionState,
    contracts: Arc<ContractSet>,
    pipelines: Arc<Vec<Pipeline>>,
    models: Arc<Vec<ModelDefinition>>,
    /// The steps, each with the datasets that its queries name; nothing for a query that cannot be planned.
    jobs: Vec<(At, Vec<Option<Vec<DatasetName>>>)>,
    /// The first job that nobody has taken yet.
    next: AtomicUsize,
}

/// What is known of one step.
#[derive(Default)]
pub(crate) struct Checked {
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) edges: Vec<ColumnEdge>,
}

impl Checker {
    /// A checker of an engine's steps; `session` has every contract that they read as an empty table.
    pub(crate) fn new(engine: &Engine, session: Session, steps: &[Node]) -> Self {
        Self {
            planner: planner(&session),
            session,
            contracts: Arc::clone(&engine.contracts),
            pipelines: Arc::clone(&engine.pipelines),
            models: Arc::clone(&engine.models),
            jobs: steps.iter().map(|step| (step.at, step.queries.clone())).collect(),
            next: AtomicUsize::new(0),
        }
    }

    /// Takes jobs until none is left; each result has the job's number.
    pub(crate) async fn work(&self) -> Result<Vec<(usize, Checked)>> {
        let mut done = Vec::new();
        loop {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            let Some((at, queries)) = self.jobs.get(i) else {
                return Ok(done);
            };
            let checked = match *at {
                At::Pipeline(at) => match self.pipelines.get(at) {
                    Some(pipeline) => {
                        self.pipeline(pipeline, queries.first().and_then(Option::as_deref))
                            .await?
                    }
                    None => Checked::default(),
                },
                At::Model(at) => match self.models.get(at) {
                    Some(model) => self.model(model, queries).await,
                    None => Checked::default(),
                },
            };
            done.push((i, checked));
        }
    }

    pub(crate) async fn pipeline(&self, pipeline: &Pipeline, reads: Option<&[DatasetName]>) -> Result<Checked> {
        let mut checked = Checked::default();
        let wanted = match self.contracts.get(&pipeline.dataset) {
            Some(contract) => Some(arrow_schema(contract.object())?),
            None => {
                let help = match self.contracts.nearest(&pipeline.dataset.to_string()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("declare its contract in contracts/{}/", pipeline.dataset.domain()),
                };
                let message = format!("{} has no contract", pipeline.dataset);
                checked
                    .diagnostics
                    .push(of_dataset(pipeline, "missing-contract", message, help));
                None
            }
        };
        if let Some(wanted) = &wanted {
            checked.diagnostics.extend(unknown_keys(pipeline, wanted));
        }
        let Some(reads) = reads else {
            return Ok(checked);
        };
        let text = SqlText::file(&pipeline.sql);
        let Some(planned) = self.planned(&text, reads, &mut checked.diagnostics).await else {
            return Ok(checked);
        };
        let step = Step {
            kind: StepKind::Pipeline,
            name: pipeline.name.clone(),
        };
        match lineage::of_pipeline(&step, &pipeline.dataset, &planned.plan) {
            Ok(edges) => checked.edges = edges,
            Err(cause) => checked.diagnostics.push(unplanned(&text, cause)),
        }
        if planned.sound {
            checked.diagnostics.extend(refusal(pipeline, &planned.plan));
            if let Some(wanted) = &wanted {
                let found = compare(&text, &pipeline.dataset, planned.coerced.schema(), wanted);
                checked.diagnostics.extend(found);
            }
        }
        Ok(checked)
    }

    async fn model(&self, model: &ModelDefinition, queries: &[Option<Vec<DatasetName>>]) -> Checked {
        let mut checked = Checked::default();
        let mut plans = Vec::with_capacity(model.inputs.len());
        for (input, reads) in model.inputs.values().zip(queries) {
            if let Some(reads) = reads {
                let text = SqlText::value(&model.document, &input.sql, input.span);
                plans.extend(self.planned(&text, reads, &mut checked.diagnostics).await);
            }
        }
        let step = Step {
            kind: StepKind::Model,
            name: model.name.clone(),
        };
        match lineage::of_model(&step, plans.iter().map(|planned| &planned.plan)) {
            Ok(edges) => checked.edges = edges,
            Err(cause) => {
                let text = SqlText::value(&model.document, "", model.implementation_span);
                checked.diagnostics.push(unplanned(&text, cause));
            }
        }
        checked
    }

    /// Plans a query, logically and physically; what is wrong with it is reported.
    async fn planned(
        &self,
        text: &SqlText<'_>,
        reads: &[DatasetName],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Planned> {
        let plan = match self.session.sql(text.sql).await {
            Ok(frame) => frame.into_unoptimized_plan(),
            Err(error) => {
                diagnostics.push(text.failure(&located(&self.session, text.sql).await.unwrap_or(error), "sql"));
                return None;
            }
        };
        let found = reproducible(text, &plan, reads);
        let sound = found.is_empty();
        diagnostics.extend(found);
        match self.physical(&plan).await {
            Ok(coerced) => Some(Planned { plan, coerced, sound }),
            Err(cause) => {
                diagnostics.push(unplanned(text, cause));
                None
            }
        }
    }

    /// The plan with all types settled (the plan as written leaves some open, those of a union for instance), once it is
    /// known to become a physical one: some of what cannot run is only found there, such as arguments that must be
    /// literals and subqueries that nothing resolves.
    async fn physical(&self, plan: &LogicalPlan) -> PlanResult<LogicalPlan> {
        let quick = async |state: &SessionState| {
            let coerced = state.optimize(plan)?;
            state.query_planner().create_physical_plan(&coerced, state).await?;
            Ok(coerced)
        };
        match quick(&self.planner).await {
            Ok(coerced) => Ok(coerced),
            // What the short way does not plan may still run.
            Err(_) => quick(&self.session.context().state()).await,
        }
    }
}

/// The session's planner without what only makes queries faster: nothing that is planned here runs. One round of the
/// optimiser is kept, because it is what resolves subqueries.
fn planner(session: &Session) -> SessionState {
    let mut state = SessionStateBuilder::new_from_existing(session.context().state())
        .with_physical_optimizer_rules(Vec::new())
        .build();
    state.config_mut().options_mut().optimizer.max_passes = 1;
    state
}

/// A query that plans.
struct Planned {
    /// As written.
    plan: LogicalPlan,
    /// With all types settled.
    coerced: LogicalPlan,
    /// It gives the same answer from the same dataset versions.
    sound: bool,
}

fn unplanned(text: &SqlText<'_>, cause: DataFusionError) -> Diagnostic {
    let error = Error::new(ErrorKind::Document, "the query does not plan").with_source(cause);
    text.failure(&error, "sql")
}

fn unknown_keys(pipeline: &Pipeline, wanted: &SchemaRef) -> Vec<Diagnostic> {
    let keys = pipeline.key.iter().zip(&pipeline.key_spans);
    keys.filter(|(column, _)| wanted.field_with_name(column).is_err())
        .map(|(column, span)| {
            let near = nearest(column, wanted.fields().iter().map(|field| field.name().as_str()));
            Diagnostic {
                severity: Severity::Error,
                code: "unknown-key".into(),
                message: format!("`{column}` is not in the contract of {}", pipeline.dataset),
                help: near.map(|near| format!("did you mean `{near}`?")),
                file: pipeline.document.path.clone(),
                span: Some(*span),
            }
        })
        .collect()
}

/// The error of a query that does not plan, from a session that notes places: the everyday one does not, because that
/// costs time in every query.
async fn located(session: &Session, sql: &str) -> Option<Error> {
    let mut state = session.context().state();
    state.config_mut().options_mut().sql_parser.collect_spans = true;
    let cause = state.create_logical_plan(sql).await.err()?;
    Some(Error::new(ErrorKind::Document, "the query does not plan").with_source(cause))
}
