//! The order of steps: who reads what somebody else builds.

use std::collections::{BTreeMap, BTreeSet};

use polder_core::document::{Diagnostic, Severity, nearest};
use polder_core::{DatasetName, Error, ErrorKind, ObjectName, Result};

use crate::definition::{ModelDefinition, Pipeline};
use crate::engine::Engine;
use crate::lineage::LineageEdge;
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
    /// For each query of the step the datasets that it names; nothing where it cannot be read or names an unknown one.
    pub(crate) queries: Vec<Option<Vec<DatasetName>>>,
}

impl Node {
    /// What the step reads, each with what it builds.
    pub(crate) fn edges(&self) -> impl Iterator<Item = LineageEdge> {
        self.reads.iter().map(|from| LineageEdge {
            from: from.clone(),
            via: self.name.clone(),
            kind: self.kind(),
            to: self.produces.clone(),
        })
    }

    /// The datasets that the step writes: what it builds, and the rows that are refused of that.
    pub(crate) fn writes(&self) -> impl Iterator<Item = DatasetName> {
        let produced = self.produces.iter();
        produced.flat_map(|dataset| [dataset.clone(), dataset.quarantine()])
    }

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
        let (nodes, diagnostics) = nodes(engine);
        Self::ordered(engine, nodes, diagnostics)
    }

    /// As [`Graph::new`], from steps whose queries are read already.
    pub(crate) fn ordered(
        engine: &Engine,
        nodes: Vec<Node>,
        mut diagnostics: Vec<Diagnostic>,
    ) -> (Self, Vec<Diagnostic>) {
        diagnostics.extend(one_name_each(engine));
        diagnostics.extend(one_producer_each(engine));
        let (nodes, circles) = ordered(nodes);
        let inside: BTreeSet<_> = circles.iter().flat_map(Node::writes).collect();
        for node in &circles {
            diagnostics.extend(engine.pipeline(node).map(|pipeline| circle(pipeline, node, &inside)));
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

impl Engine {
    /// What is read from what, for every declared pipeline and model.
    ///
    /// # Errors
    /// `Document`, with the diagnostics, when queries cannot be read or depend on each other in a circle.
    pub fn lineage(&self) -> Result<Vec<LineageEdge>> {
        Ok(self.graph()?.nodes.iter().flat_map(Node::edges).collect())
    }

    /// The steps in the order in which they are built.
    ///
    /// # Errors
    /// `Document` with everything that is wrong.
    pub(crate) fn graph(&self) -> Result<Graph> {
        let (graph, diagnostics) = Graph::new(self);
        match diagnostics.is_empty() {
            true => Ok(graph),
            false => Err(Error::document(diagnostics)),
        }
    }

    pub(crate) fn pipeline(&self, node: &Node) -> Option<&Pipeline> {
        match node.at {
            At::Pipeline(i) => self.pipelines.get(i),
            At::Model(_) => None,
        }
    }

    pub(crate) fn model(&self, node: &Node) -> Option<&ModelDefinition> {
        match node.at {
            At::Model(i) => self.models.get(i),
            At::Pipeline(_) => None,
        }
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

/// All steps, as declared: pipelines, then models.
pub(crate) fn nodes(engine: &Engine) -> (Vec<Node>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let mut nodes = Vec::with_capacity(engine.pipelines.len() + engine.models.len());
    for (i, pipeline) in engine.pipelines.iter().enumerate() {
        let mut reads = BTreeSet::new();
        let named = references(engine, &SqlText::file(&pipeline.sql), &mut reads, &mut diagnostics);
        nodes.push(Node {
            at: At::Pipeline(i),
            name: pipeline.name.clone(),
            produces: Some(pipeline.dataset.clone()),
            reads,
            queries: vec![named],
        });
    }
    for (i, model) in engine.models.iter().enumerate() {
        let mut reads = BTreeSet::new();
        let mut queries = Vec::with_capacity(model.inputs.len());
        for input in model.inputs.values() {
            let text = SqlText::value(&model.document, &input.sql, input.span);
            queries.push(references(engine, &text, &mut reads, &mut diagnostics));
        }
        nodes.push(Node {
            at: At::Model(i),
            name: model.name.clone(),
            produces: None,
            reads,
            queries,
        });
    }
    (nodes, diagnostics)
}

/// The datasets that a query names; nothing, where it cannot be read or one of them is not known. `reads` takes those
/// that are known; what is wrong is reported.
fn references(
    engine: &Engine,
    text: &SqlText<'_>,
    reads: &mut BTreeSet<DatasetName>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Vec<DatasetName>> {
    let names = match engine.session.references(text.sql) {
        Ok(names) => names,
        Err(error) => {
            diagnostics.push(text.failure(&error, "sql"));
            return None;
        }
    };
    let mut known = true;
    for name in &names {
        if engine.contracts.get(name).is_some() {
            reads.insert(name.clone());
            continue;
        }
        known = false;
        if engine.contracts.is_unreadable(&name.to_string()) {
            continue;
        }
        let help = match engine.contracts.nearest(&name.to_string()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("declare its contract in contracts/{}/", name.domain()),
        };
        let message = format!("there is no dataset {name}: no contract declares it");
        diagnostics.push(text.error(text.dataset(name), "unknown-dataset", message, Some(help)));
    }
    known.then_some(names)
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
    for pipeline in engine.pipelines.iter() {
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

/// Steps after those that they read from, otherwise in the order given; and those that wait for each other. Linear in
/// steps and in what they read.
fn ordered(waiting: Vec<Node>) -> (Vec<Node>, Vec<Node>) {
    let mut producers: BTreeMap<DatasetName, Vec<usize>> = BTreeMap::new();
    for (i, node) in waiting.iter().enumerate() {
        for dataset in node.writes() {
            producers.entry(dataset).or_default().push(i);
        }
    }
    // `behind` are the steps that read what a step builds, `before` those that build what it reads.
    let mut behind = vec![Vec::new(); waiting.len()];
    let mut before = vec![Vec::new(); waiting.len()];
    for (i, node) in waiting.iter().enumerate() {
        for producer in node.reads.iter().filter_map(|dataset| producers.get(dataset)).flatten() {
            behind[*producer].push(i);
            before[i].push(*producer);
        }
    }
    let order = peeled(&before, &behind);
    // What only waits for a circle is not part of it.
    let outside = peeled(&behind, &before);
    let mut done = Vec::with_capacity(waiting.len());
    let mut circles = Vec::new();
    for (i, node) in waiting.into_iter().enumerate() {
        match (order[i], outside[i]) {
            (Some(round), _) => done.push((round, i, node)),
            (None, None) => circles.push(node),
            (None, Some(_)) => {}
        }
    }
    done.sort_by_key(|(round, i, _)| (*round, *i));
    (done.into_iter().map(|(_, _, node)| node).collect(), circles)
}

/// For each step the round in which nothing that it waits for is left; nothing for those that wait for ever.
fn peeled(waits_for: &[Vec<usize>], waited_for_by: &[Vec<usize>]) -> Vec<Option<usize>> {
    let mut open: Vec<_> = waits_for.iter().map(Vec::len).collect();
    let mut rounds = vec![None; open.len()];
    let mut ready: Vec<_> = (0..open.len()).filter(|i| open[*i] == 0).collect();
    let mut round = 0;
    while !ready.is_empty() {
        let mut next = Vec::new();
        for i in ready {
            rounds[i] = Some(round);
            for other in &waited_for_by[i] {
                open[*other] -= 1;
                if open[*other] == 0 {
                    next.push(*other);
                }
            }
        }
        ready = next;
        round += 1;
    }
    rounds
}

fn circle(pipeline: &Pipeline, node: &Node, inside: &BTreeSet<DatasetName>) -> Diagnostic {
    let text = SqlText::file(&pipeline.sql);
    let read = node.reads.iter().find(|dataset| inside.contains(*dataset));
    let message = match read {
        Some(read) if *read == pipeline.dataset => format!("{} is built from itself", pipeline.dataset),
        Some(read) if *read == pipeline.dataset.quarantine() => {
            format!("{} is built from the rows that are refused of it", pipeline.dataset)
        }
        Some(read) => format!("{} and {read} are built from each other", pipeline.dataset),
        None => format!("{} is part of a circle", pipeline.dataset),
    };
    let help = "a dataset cannot be built from itself, not even by way of others".to_owned();
    text.error(read.and_then(|read| text.dataset(read)), "circle", message, Some(help))
}
