//! Everything that can be known of pipelines and models without data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use polder_contract::DatasetContract;
use polder_core::document::{Diagnostic, Severity, nearest};
use polder_core::{DatasetName, Error, ErrorKind, Layer, ObjectName, Result, ResultExt as _};
use polder_query::RuleQueries;

use crate::checker::Checker;
use crate::declared_rules;
use crate::definition::{ModelDefinition, Pipeline};
use crate::engine::Engine;
use crate::graph::{Graph, Node, nodes};
use crate::lineage::{ColumnLineage, add_refused};
use crate::source::dataset_columns;

/// What is known of everything declared, without data.
#[derive(Debug, Default)]
pub struct Analysis {
    /// What is wrong, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// What each column comes from, of all queries that plan.
    pub lineage: ColumnLineage,
    /// The pipelines and models in which there is an error.
    pub unsound: BTreeSet<ObjectName>,
}

impl Engine {
    /// What is wrong with pipelines and models, as [`Engine::analyse`] finds it.
    ///
    /// # Errors
    /// As [`Engine::analyse`].
    pub async fn check(&self) -> Result<Vec<Diagnostic>> {
        Ok(self.analyse().await?.diagnostics)
    }

    /// What each column of a dataset or model comes from, by the plans of all queries.
    ///
    /// # Errors
    /// As [`Engine::analyse`].
    pub async fn column_lineage(&self) -> Result<ColumnLineage> {
        Ok(self.analyse().await?.lineage)
    }

    /// Plans every query against empty tables made from the contracts, and holds the columns that it gives against the
    /// contract of the dataset that it builds. Looks at no data and at no table of the lake. Uses as many threads as
    /// there are processors. What takes too long to plan is an error at its place.
    ///
    /// Found are: SQL that does not plan, unknown datasets, datasets with two producers or without a contract, circles,
    /// columns that are missing, too many or of another type, queries that their materialization cannot follow, and
    /// models whose implementation no domain registers. Of declared rules: queries that can give no figure, references to
    /// nothing and in a circle; those that nothing runs are warnings.
    ///
    /// # Errors
    /// `Document` for a contract whose columns no table can have; `Internal` when a thread breaks off.
    pub async fn analyse(&self) -> Result<Analysis> {
        let (nodes, found) = nodes(self);
        let refused = self.refused_read(&nodes);
        let tables = self.empty_tables(self.contracts.iter().chain(&refused))?;
        let checker = Checker::new(self, self.session.with_tables(tables), &nodes).with_rules();
        let planning = tokio::spawn(checker.all());
        // The graph is ordered while the others plan.
        let mut steps: Vec<_> = nodes.iter().flat_map(Node::edges).collect();
        let (_, mut diagnostics) = Graph::ordered(self, nodes, found);
        diagnostics.extend(declared_rules::circles(&self.contracts));
        diagnostics.extend(self.models.iter().filter_map(|model| self.unimplemented(model)));
        let checked = planning.await;
        let checked = checked.context(ErrorKind::Internal, || "planning a query broke off".to_owned())??;
        let (mut edges, mut certain, mut readings) = (Vec::new(), BTreeMap::new(), Vec::new());
        let mut plans = BTreeMap::new();
        for one in checked {
            diagnostics.extend(one.diagnostics);
            edges.extend(one.edges);
            certain.extend(one.certain);
            plans.extend(one.plan);
            readings.extend(one.readings);
        }
        add_refused(&mut edges, &mut steps);
        let unsound = self.unsound(&diagnostics);
        // One mistake in a query can be seen by the graph and by the plan.
        diagnostics
            .sort_by(|a, b| (&a.file, a.span.map(|span| span.start)).cmp(&(&b.file, b.span.map(|span| span.start))));
        diagnostics.dedup();
        Ok(Analysis {
            diagnostics,
            lineage: ColumnLineage::new(edges, steps)
                .with_certain(certain)
                .with_plans(plans)
                .with_readings(readings),
            unsound,
        })
    }

    /// Refuses a pipeline whose query and contract disagree, before anything of it is built: a cast that happens to work
    /// would otherwise write something else than the contract means.
    ///
    /// # Errors
    /// `Document`, with what [`Engine::check`] finds wrong with this pipeline.
    pub(crate) async fn refuse_unsound(&self, pipeline: &Pipeline) -> Result<()> {
        let reads = self.session.references(pipeline.query()).unwrap_or_default();
        let contracts: Vec<_> = reads.iter().filter_map(|dataset| self.contracts.get(dataset)).collect();
        let session = self.session.with_tables(self.empty_tables(&contracts)?);
        let checker = Checker::new(self, session, &[]);
        let known = (contracts.len() == reads.len()).then_some(reads.as_slice());
        let mut found = checker.pipeline(pipeline, known).await?.diagnostics;
        found.retain(|diagnostic| diagnostic.severity == Severity::Error);
        if found.is_empty() {
            Ok(())
        } else {
            Err(Error::document(found))
        }
    }

    /// The contracts of the quarantine tables that steps and rules read. They are built in, and not made for each dataset.
    fn refused_read(&self, nodes: &[Node]) -> Vec<DatasetContract> {
        let by_rules = self.contracts.iter().flat_map(|contract| {
            // A word in the text is sooner looked for than rules are read.
            let text = contract.contract.text.to_ascii_lowercase();
            let asked = text.contains(Layer::Quarantine.as_str());
            let asked = asked.then(|| RuleQueries::new(&self.session, contract).others());
            asked.unwrap_or_default().into_keys()
        });
        let read = nodes.iter().flat_map(|node| node.reads.iter().cloned()).chain(by_rules);
        let refused: BTreeSet<_> = read.filter(|dataset| dataset.layer() == Layer::Quarantine).collect();
        refused
            .iter()
            .filter_map(|dataset| self.contracts.get(dataset))
            .collect()
    }

    fn empty_tables<'c>(
        &self,
        contracts: impl IntoIterator<Item = &'c DatasetContract>,
    ) -> Result<Vec<(DatasetName, Arc<dyn TableProvider>)>> {
        contracts
            .into_iter()
            .map(|contract| {
                let table: Arc<dyn TableProvider> = Arc::new(EmptyTable::new(dataset_columns(contract)?));
                Ok((contract.dataset().clone(), table))
            })
            .collect()
    }

    /// The steps in whose files there is an error.
    fn unsound(&self, diagnostics: &[Diagnostic]) -> BTreeSet<ObjectName> {
        let errors = diagnostics.iter().filter(|found| found.severity == Severity::Error);
        let files: BTreeSet<_> = errors.map(|found| found.file.as_path()).collect();
        let pipelines = self.pipelines.iter().filter(|pipeline| {
            files.contains(pipeline.document.path.as_path()) || files.contains(pipeline.sql.path.as_path())
        });
        let models = self
            .models
            .iter()
            .filter(|model| files.contains(model.document.path.as_path()));
        let names = pipelines
            .map(|pipeline| &pipeline.name)
            .chain(models.map(|model| &model.name));
        names.cloned().collect()
    }

    fn unimplemented(&self, model: &ModelDefinition) -> Option<Diagnostic> {
        if self.implementation(&model.implementation).is_some() {
            return None;
        }
        let known = self.implementations();
        let help = match nearest(&model.implementation.to_string(), known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("domains register: {}", known.join(", ")),
        };
        Some(Diagnostic {
            severity: Severity::Error,
            code: "unknown-implementation".into(),
            message: format!("no domain implements {}", model.implementation),
            help: Some(help),
            file: model.document.path.clone(),
            span: Some(model.implementation_span),
        })
    }
}
