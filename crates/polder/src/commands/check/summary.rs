//! What a comparison found, as programs read it: every change with its class, and whom it concerns.

use std::collections::BTreeSet;

use polder_contract::diff::{Comparison, Mode};
use polder_core::DatasetName;
use polder_engine::Reached;
use serde_json::{Value, json};

use super::compatibility::STRUCK;
use super::revision::Revision;
use crate::commands::contract::diff::{self, Side};

/// Whom a change concerns, each in words.
#[derive(Debug, Default)]
pub(super) struct Concerned {
    broken: BTreeSet<String>,
    /// The ways from the change to those.
    chains: Vec<String>,
    /// Those whose rows may be refused, or not be committed.
    pub(super) may_lose: BTreeSet<String>,
    /// Ports of products that offer what changed.
    offering: BTreeSet<String>,
    waiting: BTreeSet<String>,
    unaffected: BTreeSet<String>,
}

impl Concerned {
    pub(super) fn of(reached: &Reached) -> Self {
        Self {
            broken: reached.broken.clone(),
            chains: reached.chains.clone(),
            waiting: reached.waiting.clone(),
            unaffected: reached.unaffected.clone(),
            ..Self::default()
        }
    }

    pub(super) fn with_offering(self, offering: &BTreeSet<String>) -> Self {
        let offering = offering.clone();
        Self { offering, ..self }
    }

    /// Adds it to what is told of a change.
    fn tell(self, change: &mut Value) {
        change["breaks"] = json!(self.broken);
        change["chains"] = json!(self.chains);
        change["may_lose_rows"] = json!(self.may_lose);
        change["changes_with_it"] = json!(self.offering);
        change["not_built_until_mended"] = json!(self.waiting);
        change["not_affected"] = json!(self.unaffected);
    }
}

/// What was compared, and what came out.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// The base, as the command line names it.
    pub(super) revision: String,
    /// Its commit that was compared with.
    pub(super) commit: String,
    /// How many changes break somebody.
    pub(super) breaking: usize,
    contracts: Vec<Value>,
    added: Vec<String>,
    datasets: Vec<Value>,
    products: Vec<Value>,
    waiting: BTreeSet<String>,
    /// What of the comparison is not by the documents of now, in sentences.
    pub(super) incomplete: Vec<String>,
}

impl Summary {
    /// With contracts that are new (`added`), and with what is not built until it is mended (`waiting`).
    pub(super) fn of(added: &[String], waiting: &BTreeSet<String>) -> Self {
        Self {
            added: added.to_vec(),
            waiting: waiting.clone(),
            ..Self::default()
        }
    }

    /// A contract that changed; `concerned` has for each of its changes whom it concerns.
    pub(super) fn contract(
        &mut self,
        base: &Revision,
        sides: &[Side; 2],
        comparison: &Comparison,
        concerned: Vec<Concerned>,
    ) {
        let mut told = changes(base, sides, comparison, comparison.mode);
        let list = told["changes"].as_array_mut().into_iter().flatten();
        for (change, concerned) in list.zip(concerned) {
            concerned.tell(change);
        }
        self.contracts.push(told);
    }

    /// A product that changed.
    pub(super) fn product(&mut self, base: &Revision, sides: &[Side; 2], comparison: &Comparison, mode: Mode) {
        self.products.push(changes(base, sides, comparison, mode));
    }

    /// What became of a dataset as a whole.
    pub(super) fn dataset(&mut self, dataset: &DatasetName, code: &str, what: &str, concerned: Concerned) {
        let mut told = json!({ "dataset": dataset.to_string(), "code": code, "what": what });
        concerned.tell(&mut told);
        self.datasets.push(told);
    }

    /// All of it.
    pub(super) fn to_json(&self) -> Value {
        // Who is no longer registered and not broken either is of no interest.
        let waiting = self.waiting.iter().filter(|name| !name.ends_with(STRUCK));
        let waiting: Vec<_> = waiting.collect();
        json!({
            "base": { "revision": self.revision, "commit": self.commit },
            "breaking_changes": self.breaking,
            "contracts": self.contracts,
            "added": self.added,
            "datasets": self.datasets,
            "products": self.products,
            "not_built_until_mended": waiting,
            "incomplete": self.incomplete,
        })
    }
}

/// What changed, where it stood named with the revision.
fn changes(base: &Revision, sides: &[Side; 2], comparison: &Comparison, mode: Mode) -> Value {
    let mut told = diff::changes(comparison, mode, sides);
    let list = told["changes"].as_array_mut().into_iter().flatten();
    for (told, change) in list.zip(&comparison.changes) {
        let old = change.old.as_ref();
        told["old"] = json!(old.map(|place| base.path(diff::shown(place).as_ref())));
    }
    told
}
