//! The order of steps by what their rules ask: what a rule of a dataset asks of another one is built before, so that rows
//! are judged by what the same run makes.

use std::collections::{BTreeMap, BTreeSet};

use polder_core::{DatasetName, ObjectName};
use polder_query::RuleQueries;

use crate::engine::Engine;
use crate::graph::{Graph, Node};

/// Steps in the order in which they run.
#[derive(Debug)]
pub(crate) struct RunOrder {
    /// The steps, each after those that it reads from.
    pub(crate) graph: Graph,
    /// Steps with what their rules ask and is not waited for, because it waits for the step in its turn.
    circles: BTreeMap<ObjectName, BTreeSet<DatasetName>>,
}

impl RunOrder {
    /// Puts steps behind those that build what their rules ask, as far as the order of what they read allows.
    pub(crate) fn new(engine: &Engine, graph: Graph) -> Self {
        let asked: Vec<_> = graph.nodes.iter().map(|node| asked(engine, node)).collect();
        Self::of(graph, &asked)
    }

    /// `asks_of` are the datasets that the rules of each step ask.
    fn of(graph: Graph, asks_of: &[BTreeSet<DatasetName>]) -> Self {
        let mut circles: BTreeMap<ObjectName, BTreeSet<DatasetName>> = BTreeMap::new();
        let nodes = graph.nodes;
        let builder: BTreeMap<_, _> = nodes
            .iter()
            .enumerate()
            .flat_map(|(place, node)| node.writes().map(move |dataset| (dataset, place)))
            .collect();
        let builders = |datasets: &BTreeSet<DatasetName>| -> BTreeSet<usize> {
            datasets
                .iter()
                .filter_map(|dataset| builder.get(dataset).copied())
                .collect()
        };
        let reads: Vec<BTreeSet<usize>> = nodes.iter().map(|node| builders(&node.reads)).collect();
        let asks: Vec<BTreeSet<usize>> = asks_of.iter().map(builders).collect();
        let mut before: Vec<BTreeSet<usize>> = reads.iter().zip(&asks).map(|(reads, asks)| reads | asks).collect();
        // What is read is in no circle, or it would not be in the graph: every circle has a rule in it.
        let round = |before: &[BTreeSet<usize>], place: usize, asked: usize| {
            !reads[place].contains(&asked) && reaches(before, asked, place)
        };
        let in_circles: Vec<(usize, usize)> = asks
            .iter()
            .enumerate()
            .flat_map(|(place, asks)| asks.iter().map(move |asked| (place, *asked)))
            .filter(|(place, asked)| round(&before, *place, *asked))
            .collect();
        for (place, asked) in in_circles {
            before[place].remove(&asked);
            let by_it = asks_of[place]
                .iter()
                .filter(|dataset| builder.get(*dataset) == Some(&asked));
            let circle = circles.entry(nodes[place].name.clone()).or_default();
            circle.extend(by_it.cloned());
        }
        let order = in_order(&before);
        let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
        let nodes = order.into_iter().filter_map(|place| nodes[place].take()).collect();
        Self {
            graph: Graph { nodes },
            circles,
        }
    }

    /// What is to be said of a step whose rules ask what waits for it.
    pub(crate) fn remark(&self, step: &ObjectName) -> Option<String> {
        let asked: Vec<_> = self.circles.get(step)?.iter().map(ToString::to_string).collect();
        Some(format!(
            "its rules ask {}, which waits for this step in its turn: the order is that of the queries alone",
            asked.join(", ")
        ))
    }
}

/// The other datasets that the rules of what a step builds ask.
fn asked(engine: &Engine, node: &Node) -> BTreeSet<DatasetName> {
    let contract = node.produces.as_ref().and_then(|dataset| engine.contracts.get(dataset));
    let others = contract.map(|contract| RuleQueries::new(&engine.session, &contract).others());
    others.unwrap_or_default().into_keys().collect()
}

/// Whether a step waits, by way of others too, for another one.
fn reaches(before: &[BTreeSet<usize>], from: usize, to: usize) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(here) = open.pop() {
        if here == to {
            return true;
        }
        open.extend(before[here].iter().filter(|next| seen.insert(**next)));
    }
    false
}

/// Each step as early as it may be, otherwise in the order given. There are no circles.
fn in_order(before: &[BTreeSet<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(before.len());
    let mut placed = vec![false; before.len()];
    for first in 0..before.len() {
        // What a step waits for comes right before it.
        let mut open = vec![first];
        while let Some(&here) = open.last() {
            let missing = before[here].iter().find(|place| !placed[**place]);
            match missing {
                Some(missing) if !placed[here] => open.push(*missing),
                _ => {
                    open.pop();
                    if !placed[here] {
                        placed[here] = true;
                        order.push(here);
                    }
                }
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::At;

    fn dataset(name: &str) -> DatasetName {
        format!("a.silver.{name}").parse().unwrap()
    }

    /// Steps with what they read and what their rules ask; each builds the dataset of its name.
    fn order(steps: &[(&str, &[&str], &[&str])]) -> RunOrder {
        let datasets = |names: &[&str]| -> BTreeSet<_> { names.iter().map(|name| dataset(name)).collect() };
        let nodes = steps.iter().enumerate().map(|(place, (name, reads, _))| Node {
            at: At::Pipeline(place),
            name: format!("a.{name}").parse().unwrap(),
            produces: Some(dataset(name)),
            reads: datasets(reads),
            queries: Vec::new(),
        });
        let nodes = nodes.collect();
        let asked: Vec<_> = steps.iter().map(|(_, _, asks)| datasets(asks)).collect();
        RunOrder::of(Graph { nodes }, &asked)
    }

    fn names(order: &RunOrder) -> Vec<String> {
        order
            .graph
            .nodes
            .iter()
            .map(|node| node.name.name().to_owned())
            .collect()
    }

    #[test]
    fn what_rules_ask_is_built_before() {
        let order = order(&[
            ("a", &[], &["c"]),
            ("b", &["a"], &[]),
            ("c", &[], &["elsewhere"]),
            ("d", &[], &[]),
        ]);
        assert_eq!(names(&order), ["c", "a", "b", "d"]);
        assert_eq!(order.remark(&"a.a".parse().unwrap()), None);
    }

    #[test]
    fn what_is_built_from_a_step_is_not_waited_for_and_that_is_said() {
        let order = order(&[("a", &[], &["b", "c"]), ("b", &["a"], &[]), ("c", &[], &[])]);
        assert_eq!(names(&order), ["c", "a", "b"]);
        let remark = order.remark(&"a.a".parse().unwrap()).unwrap();
        assert!(
            remark.starts_with("its rules ask a.silver.b, which waits for this step"),
            "{remark}"
        );
    }

    #[test]
    fn rules_that_ask_each_other_leave_the_order_as_it_was() {
        let order = order(&[("a", &[], &["b"]), ("b", &[], &["a"]), ("c", &[], &["b"])]);
        assert_eq!(names(&order), ["a", "b", "c"]);
        assert!(order.remark(&"a.b".parse().unwrap()).is_some());
        assert!(order.remark(&"a.c".parse().unwrap()).is_none());
    }

    #[test]
    fn steps_without_such_rules_stay_in_their_order() {
        let order = order(&[("b", &[], &[]), ("a", &["b"], &[]), ("c", &["a"], &["b"])]);
        assert_eq!(names(&order), ["b", "a", "c"]);
    }
}
