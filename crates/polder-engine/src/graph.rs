//! The order of steps: who reads what somebody else builds.

use std::collections::{BTreeMap, BTreeSet};

use polder_core::document::{Diagnostic, Severity, nearest};
use polder_core::{DatasetName, Error, ErrorKind, ObjectName, Result};

use crate::definition::Pipeline;
use crate::engine::Engine;
use crate::sql::place::SqlText;
use crate::step::StepKind;

/// Where a step is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Pipeline(usize),
    Model(usize),
}

/// One step.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) name: ObjectName,
    pub(crate) produces: Option<DatasetName>,
    pub(crate) reads: BTreeSet<DatasetName>,
}

impl Node {
    pub(crate) fn kind(&self) -> StepKind {
        match self.at {
            At::Pipeline(_) => StepKind::Pipeline,
            At::Model(_) => StepKind::Model,
        }
    }
}

/// All steps, each after those that it reads from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
}

impl Graph {
    /// Orders the engine's steps, and says what is wrong with them: unreadable SQL, unknown datasets, two producers of
    /// one dataset, one name twice, circles. Steps in a circle are left out.
    pub(crate) fn new(engine: &Engine) -> (Self, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let mut nodes = Vec::new();
        for (i, pipeline) in engine.pipelines.iter().enumerate() {
            let text = SqlText::file(&pipeline.sql);
            nodes.push(Node {
                at: At::Pipeline(i),
                name: pipeline.name.clone(),
                produces: Some(pipeline.dataset.clone()),
                reads: references(engine, &text, &mut diagnostics),
            });
        }
        for (i, model) in engine.models.iter().enumerate() {
            let mut reads = BTreeSet::new();
            for input in model.inputs.values() {
                let text = SqlText::value(&model.document, &input.sql, input.span);
                reads.extend(references(engine, &text, &mut diagnostics));
            }
            nodes.push(Node {
                at: At::Model(i),
                name: model.name.clone(),
                produces: None,
                reads,
            });
        }
        diagnostics.extend(one_name_each(engine));
        diagnostics.extend(one_producer_each(engine));
        let (nodes, circles) = ordered(nodes);
        for node in &circles {
            diagnostics.extend(engine.pipeline(node).map(|pipeline| circle(pipeline, node, &circles)));
        }
        (Self { nodes }, diagnostics)
    }

    /// The steps of these names, in order; all, when none is named.
    ///
    /// # Errors
    /// `NotFound` for a name that no step has, with the nearest that one has.
    pub(crate) fn select(&self, names: &[String]) -> Result<Vec<&Node>> {
        for name in names {
            if !self.nodes.iter().any(|node| node.is_called(name)) {
                let known: Vec<_> = self.nodes.iter().map(|node| node.name.to_string()).collect();
                let error = Error::new(ErrorKind::NotFound, format!("there is no pipeline or model `{name}`"));
                return Err(match nearest(name, known.iter().map(String::as_str)) {
                    Some(near) => error.with_help(format!("did you mean `{near}`?")),
                    None => error.with_help(format!("there are: {}", known.join(", "))),
                });
            }
        }
        let chosen = |node: &&Node| names.is_empty() || names.iter().any(|name| node.is_called(name));
        Ok(self.nodes.iter().filter(chosen).collect())
    }
}

impl Node {
    fn is_called(&self, name: &str) -> bool {
        self.name.to_string() == name
            || self
                .produces
                .as_ref()
                .is_some_and(|dataset| dataset.to_string() == name)
    }
}

/// The datasets that a query reads; what cannot be read or is not known is reported.
fn references(engine: &Engine, text: &SqlText<'_>, diagnostics: &mut Vec<Diagnostic>) -> BTreeSet<DatasetName> {
    let names = match engine.session.references(text.sql) {
        Ok(names) => names,
        Err(error) => {
            diagnostics.push(text.failure(&error, "sql"));
            return BTreeSet::new();
        }
    };
    let mut reads = BTreeSet::new();
    for name in names {
        if engine.contracts.get(&name).is_some() {
            reads.insert(name);
            continue;
        }
        let help = match engine.contracts.nearest(&name.to_string()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("declare its contract in contracts/{}/", name.domain()),
        };
        let message = format!("there is no dataset {name}: no contract declares it");
        diagnostics.push(text.error(text.dataset(&name), "unknown-dataset", message, Some(help)));
    }
    reads
}

fn one_name_each(engine: &Engine) -> Vec<Diagnostic> {
    let mut declared = BTreeMap::new();
    let names = engine
        .pipelines
        .iter()
        .map(|pipeline| (&pipeline.name, &pipeline.document));
    let names = names.chain(engine.models.iter().map(|model| (&model.name, &model.document)));
    let mut diagnostics = Vec::new();
    for (name, document) in names {
        match declared.get(name) {
            None => drop(declared.insert(name, document)),
            Some(first) => diagnostics.push(Diagnostic {
                severity: Severity::Error,
                code: "duplicate-name".into(),
                message: format!("{name} is declared in {} already", first.path.display()),
                help: Some("give one of both files another name".to_owned()),
                file: document.path.clone(),
                span: None,
            }),
        }
    }
    diagnostics
}

fn one_producer_each(engine: &Engine) -> Vec<Diagnostic> {
    let mut producers: BTreeMap<&DatasetName, &Pipeline> = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for pipeline in &engine.pipelines {
        match producers.get(&pipeline.dataset) {
            None => drop(producers.insert(&pipeline.dataset, pipeline)),
            Some(first) => diagnostics.push(of_dataset(
                pipeline,
                "two-producers",
                format!("{} is built by {} already", pipeline.dataset, first.name),
                "a dataset has one producer: join both queries, or build another dataset".to_owned(),
            )),
        }
    }
    diagnostics
}

/// An error at a pipeline's `dataset`.
pub(crate) fn of_dataset(pipeline: &Pipeline, code: &'static str, message: String, help: String) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: code.into(),
        message,
        help: Some(help),
        file: pipeline.document.path.clone(),
        span: Some(pipeline.dataset_span),
    }
}

/// Steps after those that they read from, otherwise in the order given; and those that wait for each other.
fn ordered(mut waiting: Vec<Node>) -> (Vec<Node>, Vec<Node>) {
    let mut done = Vec::with_capacity(waiting.len());
    loop {
        let open: BTreeSet<_> = waiting.iter().filter_map(|node| node.produces.clone()).collect();
        let (ready, blocked): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|node| node.reads.is_disjoint(&open));
        waiting = blocked;
        if ready.is_empty() {
            break;
        }
        done.extend(ready);
    }
    // What only waits for a circle is not part of it.
    loop {
        let read: BTreeSet<_> = waiting.iter().flat_map(|node| node.reads.clone()).collect();
        let (inside, behind): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|node| node.produces.as_ref().is_some_and(|dataset| read.contains(dataset)));
        waiting = inside;
        if behind.is_empty() {
            return (done, waiting);
        }
    }
}

fn circle(pipeline: &Pipeline, node: &Node, circles: &[Node]) -> Diagnostic {
    let text = SqlText::file(&pipeline.sql);
    let inside: Vec<_> = circles.iter().filter_map(|node| node.produces.as_ref()).collect();
    let read = node.reads.iter().find(|dataset| inside.contains(dataset));
    let message = match read {
        Some(read) if *read == pipeline.dataset => format!("{} is built from itself", pipeline.dataset),
        Some(read) => format!("{} and {read} are built from each other", pipeline.dataset),
        None => format!("{} is part of a circle", pipeline.dataset),
    };
    let help = "a dataset cannot be built from itself, not even by way of others".to_owned();
    text.error(read.and_then(|read| text.dataset(read)), "circle", message, Some(help))
}
