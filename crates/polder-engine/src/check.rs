//! Everything that can be known of pipelines and models without data.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::DataFrame;
use polder_contract::DatasetContract;
use polder_core::document::{Diagnostic, Severity, nearest};
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_gate::arrow_schema;
use polder_query::Session;

use crate::build::refusal;
use crate::columns::compare;
use crate::definition::{ModelDefinition, Pipeline};
use crate::engine::Engine;
use crate::graph::{Graph, of_dataset};
use crate::source::dataset_columns;
use crate::sql::place::SqlText;
use crate::sql::scans::scans;
use crate::sql::volatile::volatile_function;

impl Engine {
    /// Plans every query against empty tables made from the contracts, and holds the columns that it gives against the
    /// contract of the dataset that it builds. Looks at no data and at no table of the lake.
    ///
    /// Found are: SQL that does not plan, unknown datasets, datasets with two producers or without a contract, circles,
    /// columns that are missing, too many or of another type, queries that their materialization cannot follow, and
    /// models whose implementation no domain registers. Declared rules that the gate does not run are warnings.
    ///
    /// # Errors
    /// `Document` for a contract whose columns no table can have.
    pub async fn check(&self) -> Result<Vec<Diagnostic>> {
        let (_, mut diagnostics) = Graph::new(self);
        let empty = self.session.with_tables(self.empty_tables()?);
        diagnostics.extend(self.contracts.iter().flat_map(not_run));
        for pipeline in &self.pipelines {
            diagnostics.extend(self.check_pipeline(&empty, pipeline).await?);
        }
        for model in &self.models {
            diagnostics.extend(self.check_model(&empty, model).await);
        }
        // One mistake in a query can be seen by the graph and by the plan.
        diagnostics
            .sort_by(|a, b| (&a.file, a.span.map(|span| span.start)).cmp(&(&b.file, b.span.map(|span| span.start))));
        diagnostics.dedup();
        Ok(diagnostics)
    }

    /// Refuses a pipeline whose query and contract disagree, before anything of it is built: a cast that happens to work
    /// would otherwise write something else than the contract means.
    ///
    /// # Errors
    /// `Document`, with what [`Engine::check`] finds wrong with this pipeline.
    pub(crate) async fn refuse_unsound(&self, pipeline: &Pipeline) -> Result<()> {
        let empty = self.session.with_tables(self.empty_tables()?);
        let mut found = self.check_pipeline(&empty, pipeline).await?;
        found.retain(|diagnostic| diagnostic.severity == Severity::Error);
        if found.is_empty() {
            Ok(())
        } else {
            Err(Error::document(found))
        }
    }

    fn empty_tables(&self) -> Result<Vec<(DatasetName, Arc<dyn TableProvider>)>> {
        self.contracts
            .iter()
            .map(|contract| {
                let table: Arc<dyn TableProvider> = Arc::new(EmptyTable::new(dataset_columns(contract)?));
                Ok((contract.dataset().clone(), table))
            })
            .collect()
    }

    async fn check_pipeline(&self, empty: &Session, pipeline: &Pipeline) -> Result<Vec<Diagnostic>> {
        let mut diagnostics = Vec::new();
        let contract = self.contracts.get(&pipeline.dataset);
        let wanted = match &contract {
            Some(contract) => Some(arrow_schema(contract.object())?),
            None => {
                let help = match self.contracts.nearest(&pipeline.dataset.to_string()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("declare its contract in contracts/{}/", pipeline.dataset.domain()),
                };
                let message = format!("{} has no contract", pipeline.dataset);
                diagnostics.push(of_dataset(pipeline, "missing-contract", message, help));
                None
            }
        };
        if let Some(wanted) = &wanted {
            for (column, span) in pipeline.key.iter().zip(&pipeline.key_spans) {
                if wanted.field_with_name(column).is_err() {
                    let near = nearest(column, wanted.fields().iter().map(|field| field.name().as_str()));
                    diagnostics.push(Diagnostic {
                        severity: Severity::Error,
                        code: "unknown-key".into(),
                        message: format!("`{column}` is not in the contract of {}", pipeline.dataset),
                        help: near.map(|near| format!("did you mean `{near}`?")),
                        file: pipeline.document.path.clone(),
                        span: Some(*span),
                    });
                }
            }
        }
        let text = SqlText::file(&pipeline.sql);
        let Some(frame) = self.planned(empty, &text, &mut diagnostics).await else {
            return Ok(diagnostics);
        };
        diagnostics.extend(refusal(pipeline, frame.logical_plan()));
        if let Some(wanted) = &wanted {
            // Coercion settles types that the plan as written leaves open, those of a union for instance.
            let plan = frame.into_optimized_plan().map_err(polder_query::query_error)?;
            diagnostics.extend(compare(&text, &pipeline.dataset, plan.schema(), wanted));
        }
        Ok(diagnostics)
    }

    async fn check_model(&self, empty: &Session, model: &ModelDefinition) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        if self.implementation(&model.implementation).is_none() {
            let known = self.implementations();
            let help = match nearest(&model.implementation.to_string(), known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("domains register: {}", known.join(", ")),
            };
            diagnostics.push(Diagnostic {
                severity: Severity::Error,
                code: "unknown-implementation".into(),
                message: format!("no domain implements {}", model.implementation),
                help: Some(help),
                file: model.document.path.clone(),
                span: Some(model.implementation_span),
            });
        }
        for input in model.inputs.values() {
            let text = SqlText::value(&model.document, &input.sql, input.span);
            self.planned(empty, &text, &mut diagnostics).await;
        }
        diagnostics
    }

    /// Plans a query, logically and physically; what is wrong with it is reported. Unknown datasets are the graph's to
    /// report.
    async fn planned(
        &self,
        empty: &Session,
        text: &SqlText<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<DataFrame> {
        let references = empty.references(text.sql).ok()?;
        if references.iter().any(|dataset| self.contracts.get(dataset).is_none()) {
            return None;
        }
        let frame = match empty.sql(text.sql).await {
            Ok(frame) => frame,
            Err(error) => {
                diagnostics.push(text.failure(&located(empty, text.sql).await.unwrap_or(error), "sql"));
                return None;
            }
        };
        let found = reproducible(text, frame.logical_plan(), &references);
        let sound = found.is_empty();
        diagnostics.extend(found);
        if let Err(cause) = frame.clone().create_physical_plan().await {
            let error = Error::new(ErrorKind::Document, "the query does not plan").with_source(cause);
            diagnostics.push(text.failure(&error, "sql"));
            return None;
        }
        sound.then_some(frame)
    }
}

/// A warning for each declared rule that nothing runs.
fn not_run(contract: &DatasetContract) -> Vec<Diagnostic> {
    let object = contract.object();
    let warning = |rule: String| Diagnostic {
        severity: Severity::Warning,
        code: "not-run".into(),
        message: format!("a rule of {} is not run: {rule}", contract.dataset()),
        help: None,
        file: contract.contract.source_path.clone(),
        span: Some(object.place.span),
    };
    object.not_row_rules().into_iter().map(warning).collect()
}

/// The error of a query that does not plan, from a session that notes places: the everyday one does not, because that
/// costs time in every query.
async fn located(session: &Session, sql: &str) -> Option<Error> {
    let mut state = session.context().state();
    state.config_mut().options_mut().sql_parser.collect_spans = true;
    let cause = state.create_logical_plan(sql).await.err()?;
    Some(Error::new(ErrorKind::Document, "the query does not plan").with_source(cause))
}

/// What keeps a query from giving the same answer from the same dataset versions.
pub(crate) fn reproducible(text: &SqlText<'_>, plan: &LogicalPlan, references: &[DatasetName]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    if let Some(function) = volatile_function(plan) {
        let message = format!("`{function}` gives another answer each time: what is built could not be built again");
        let help = "take the time from the data, such as the newest event's".to_owned();
        diagnostics.push(text.error(text.last_word(&function), "not-reproducible", message, Some(help)));
    }
    let read: BTreeSet<_> = scans(plan).unwrap_or_default().into_iter().collect();
    for dataset in references {
        if !read.contains(dataset) {
            let message = format!("{dataset} is named, but not read as it is now");
            let help = "read it without VERSION or TIMESTAMP AS OF, or drop it".to_owned();
            diagnostics.push(text.error(text.dataset(dataset), "not-as-it-is", message, Some(help)));
        }
    }
    diagnostics
}
