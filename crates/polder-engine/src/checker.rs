//! Queries planned against empty tables, on several threads at once: their lineage, and what is wrong with them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use polder_contract::{ContractSet, DatasetContract};
use polder_core::document::{Diagnostic, Severity, nearest};
use polder_core::{DatasetName, Error, ErrorKind, ObjectName, Result};
use polder_gate::{arrow_schema, sql_limits};
use polder_query::Session;
use tokio::runtime::Handle;

use crate::admission::{refusal, reproducible};
use crate::columns::compare;
use crate::declared_rules;
use crate::definition::{ModelDefinition, Pipeline};
use crate::engine::Engine;
use crate::graph::{At, Node, of_dataset};
use crate::lineage::{self, Asker, Certain, ColumnEdge, DatasetColumn, Reading, Step, certain};
use crate::sql::place::SqlText;
use crate::sql::unevaluated::{is_of_value, unevaluated};
use crate::step::StepKind;
use crate::watched::{self, Outcome};

/// Plans queries.
pub(crate) struct Checker {
    /// A session in which every contract is an empty table.
    session: Session,
    /// What settles types and turns plans into physical ones.
    planner: SessionState,
    contracts: Arc<ContractSet>,
    pipelines: Arc<Vec<Pipeline>>,
    models: Arc<Vec<ModelDefinition>>,
    jobs: Vec<Job>,
}

/// How long the queries of one step, or the rules of one contract, may take to be planned.
const LIMIT: Duration = Duration::from_secs(30);

enum Job {
    /// A step, with the datasets that its queries name; nothing for a query that cannot be planned.
    Step(At, Vec<Option<Vec<DatasetName>>>),
    /// The rules of a contract, with the number of the rule that is looked at.
    Rules(DatasetContract, AtomicUsize),
}

/// What is known of one step or contract.
#[derive(Default)]
pub(crate) struct Checked {
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) edges: Vec<ColumnEdge>,
    /// What the query that makes columns says of them.
    pub(crate) certain: Vec<(DatasetColumn, Certain)>,
    /// The query of a pipeline as it is written, by its name.
    pub(crate) plan: Option<(ObjectName, LogicalPlan)>,
    /// What its queries read.
    pub(crate) readings: Vec<Reading>,
}

impl Checker {
    /// A checker of an engine's steps and contracts; `session` has every contract that they read as an empty table.
    pub(crate) fn new(engine: &Engine, session: Session, steps: &[Node]) -> Self {
        let steps = steps.iter().map(|step| Job::Step(step.at, step.queries.clone()));
        Self {
            planner: planner(&session),
            session,
            contracts: Arc::clone(&engine.contracts),
            pipelines: Arc::clone(&engine.pipelines),
            models: Arc::clone(&engine.models),
            jobs: steps.collect(),
        }
    }

    /// Looks at the rules of all contracts too.
    pub(crate) fn with_rules(mut self) -> Self {
        let contracts = self.contracts.iter();
        let rules: Vec<_> = contracts
            .map(|contract| Job::Rules(contract.clone(), AtomicUsize::new(0)))
            .collect();
        self.jobs.extend(rules);
        self
    }

    /// Everything, in order: on threads of their own, because what plans without end can only be left behind.
    ///
    /// # Errors
    /// `Document` for a contract whose columns no table can have; as [`watched::each`].
    pub(crate) async fn all(self) -> Result<Vec<Checked>> {
        let checker = Arc::new(self);
        let (worker, runtime) = (Arc::clone(&checker), Handle::current());
        let work = move |job: usize| match worker.jobs.get(job) {
            Some(job) => runtime.block_on(worker.job(job)),
            None => Ok(Checked::default()),
        };
        let outcomes = watched::each(checker.jobs.len(), LIMIT, work).await?;
        let checked = outcomes
            .into_iter()
            .zip(&checker.jobs)
            .map(|(outcome, job)| match outcome {
                Outcome::Done(checked) => checked,
                Outcome::TooLong => {
                    let message = format!("it takes longer than {} s to plan", LIMIT.as_secs());
                    Ok(checker.left(job, &message, "write it in a simpler way, or in several parts"))
                }
                Outcome::NotTried => {
                    let message = "it was not planned, since others took too long";
                    Ok(checker.left(job, message, "mend those first"))
                }
            });
        checked.collect()
    }

    async fn job(&self, job: &Job) -> Result<Checked> {
        match job {
            Job::Step(At::Pipeline(at), queries) => match self.pipelines.get(*at) {
                Some(pipeline) => {
                    self.pipeline(pipeline, queries.first().and_then(Option::as_deref))
                        .await
                }
                None => Ok(Checked::default()),
            },
            Job::Step(At::Model(at), queries) => match self.models.get(*at) {
                Some(model) => Ok(self.model(model, queries).await),
                None => Ok(Checked::default()),
            },
            Job::Rules(contract, at) => {
                let mut diagnostics = declared_rules::findings(contract, &self.contracts);
                let begin = |rule| at.store(rule, Ordering::Relaxed);
                let (found, readings) = declared_rules::planned(contract, &self.contracts, &self.session, begin).await;
                diagnostics.extend(found);
                Ok(Checked {
                    diagnostics,
                    readings,
                    ..Checked::default()
                })
            }
        }
    }

    /// What is told of a job that was not done.
    fn left(&self, job: &Job, message: &str, help: &str) -> Checked {
        let told = |text: &SqlText<'_>, message: String| Some(text.error(None, "sql", message, Some(help.to_owned())));
        let diagnostic = match job {
            Job::Step(At::Pipeline(at), _) => self.pipelines.get(*at).and_then(|pipeline| {
                let text = SqlText::file(&pipeline.sql);
                told(&text, format!("the query of {}: {message}", pipeline.name))
            }),
            Job::Step(At::Model(at), _) => self.models.get(*at).and_then(|model| {
                let text = SqlText::value(&model.document, "", model.implementation_span);
                told(&text, format!("the inputs of {}: {message}", model.name))
            }),
            Job::Rules(contract, at) => {
                let rules = contract.rules().unwrap_or_default();
                let rule = rules.get(at.load(Ordering::Relaxed));
                rule.map(|rule| rule.place.error("rule", format!("{}: {message}", rule.id), Some(help)))
            }
        };
        Checked {
            diagnostics: diagnostic.into_iter().collect(),
            ..Checked::default()
        }
    }

    pub(crate) async fn pipeline(&self, pipeline: &Pipeline, reads: Option<&[DatasetName]>) -> Result<Checked> {
        let mut checked = Checked::default();
        let wanted = match self.contracts.get(&pipeline.dataset) {
            Some(contract) => Some(arrow_schema(contract.object())?),
            // What is wrong with the contract was reported.
            None if self.contracts.is_unreadable(&pipeline.dataset.to_string()) => None,
            None => {
                let (dataset, domain) = (&pipeline.dataset, pipeline.dataset.domain());
                let mut help = format!(
                    "declare its contract in contracts/{domain}/; the result of the query can write the first draft:\n\
                     polder sql --format parquet -o rows.parquet \"$(cat {})\"\n\
                     polder contract infer rows.parquet --dataset {dataset} -o contracts/{domain}/{}.odcs.yaml",
                    pipeline.sql.path.display(),
                    dataset.name()
                );
                // Two pipelines cannot write one dataset: what another builds is no slip of this one.
                let near = self.contracts.nearest(&dataset.to_string());
                let near = near.filter(|near| !self.pipelines.iter().any(|other| other.dataset == **near));
                if let Some(near) = near {
                    help.push_str(&format!("\nOr did you mean {near}?"));
                }
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
        match lineage::of_pipeline(&step, &pipeline.dataset, text.sql, &planned.plan) {
            Ok(edges) => checked.edges = edges,
            Err(cause) => checked.diagnostics.push(unplanned(&text, cause)),
        }
        let read = Reading::of(Asker::Step(step), "", text.sql, &planned.plan);
        checked
            .readings
            .extend(read.ok().map(|read| read.making(&pipeline.dataset)));
        let given = planned.plan.schema().fields().iter();
        let certain = given.zip(certain(&planned.plan)).map(|(field, certain)| {
            let column = DatasetColumn {
                dataset: pipeline.dataset.clone(),
                column: field.name().clone(),
            };
            (column, certain)
        });
        checked.certain.extend(certain);
        checked.plan = Some((pipeline.name.clone(), planned.plan.clone()));
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
        let step = Step {
            kind: StepKind::Model,
            name: model.name.clone(),
        };
        for ((name, input), reads) in model.inputs.iter().zip(queries) {
            if let Some(reads) = reads {
                let text = SqlText::value(&model.document, &input.sql, input.span);
                let planned = self.planned(&text, reads, &mut checked.diagnostics).await;
                let read = planned.as_ref().map(|planned| {
                    let asker = Asker::Step(step.clone());
                    Reading::of(asker, name, text.sql, &planned.plan)
                });
                checked.readings.extend(read.and_then(Result::ok));
                plans.extend(planned.map(|planned| (text.sql, planned.plan)));
            }
        }
        match lineage::of_model(&step, plans.iter().map(|(sql, plan)| (*sql, plan))) {
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
        let plan = match self.session.written(text.sql).await {
            Ok(plan) => plan,
            Err(error) => {
                // A table that is not there is named in our words: the engine puts names of its own before it.
                let located = match self.session.references(text.sql) {
                    Ok(_) if error.kind() != ErrorKind::NotFound => located(&self.session, text.sql).await,
                    _ => None,
                };
                diagnostics.push(text.failure(&located.unwrap_or(error), "sql"));
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
        let quick = async |state: &SessionState, plan: &LogicalPlan| {
            let coerced = state.optimize(plan)?;
            state.query_planner().create_physical_plan(&coerced, state).await?;
            Ok::<_, DataFusionError>(coerced)
        };
        let held = unevaluated(plan.clone())?;
        if let Ok(coerced) = quick(&self.planner, &held).await {
            return Ok(coerced);
        }
        // What the short way does not plan may still run.
        let state = self.session.context().state();
        if sql_limits::query_plan(plan).is_ok() {
            return quick(&state, plan).await;
        }
        match quick(&state, &held).await {
            // Where even its types are known, only the value of a constant is missing.
            Err(cause) if is_of_value(&cause) => {
                let options = state.config_options();
                state.analyzer().execute_and_check(held, options, |_, _| {})
            }
            other => other,
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
