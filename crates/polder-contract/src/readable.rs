//! Documents with errors: what can be judged in them all the same.

use std::sync::Arc;

use polder_core::document::{Diagnostic, Node, nearest};

use crate::contract::Contract;
use crate::dataset_contract::DatasetContract;
use crate::doubt::Doubt;
use crate::rule::Rule;
use crate::schema::SchemaObject;

/// A contract in which something is wrong, as far as it could be read. It is none to build or judge by.
#[derive(Debug, Clone)]
pub struct Readable {
    contract: Arc<Contract>,
    doubt: Doubt,
}

/// The rules of one dataset that could be read.
#[derive(Debug, Clone)]
pub struct ReadableRules {
    /// The contract, which is wrong elsewhere.
    pub dataset: DatasetContract,
    /// The rules in which nothing is wrong so far.
    pub rules: Vec<Rule>,
    /// Whether all columns of the dataset could be read.
    pub columns_are_known: bool,
    /// Whether all could be read that says which datasets a query may name: objects and references.
    pub names_are_known: bool,
}

impl Readable {
    pub(crate) fn new(contract: Contract, found: &[Diagnostic]) -> Self {
        let doubt = Doubt::of_readable(&contract.document, found);
        Self {
            contract: Arc::new(contract),
            doubt,
        }
    }

    pub(crate) fn contract(&self) -> &Contract {
        &self.contract
    }

    pub(crate) fn contract_mut(&mut self) -> &mut Contract {
        Arc::make_mut(&mut self.contract)
    }

    /// Whether nothing is in doubt where this was found.
    pub(crate) fn is_sure_of(&self, found: &Diagnostic) -> bool {
        !self.doubt.covers(found)
    }

    /// The rules of its datasets; what follows from a mistake is left out.
    pub fn rules(&self) -> Vec<ReadableRules> {
        let mut objects = self.contract.objects.iter();
        let names_are_known = objects.all(|object| self.names_are_known(object))
            && !self.contract.refers_to_unknown_files()
            && !hides_references(&self.contract.document);
        let of_dataset = |dataset: DatasetContract| {
            let mut rules = dataset.rules_that_make_sense();
            rules.retain(|rule| !self.doubt.covers_start(rule.place.span));
            ReadableRules {
                rules,
                columns_are_known: self.columns_are_known(dataset.object()),
                names_are_known,
                dataset,
            }
        };
        DatasetContract::all(&self.contract)
            .into_iter()
            .map(of_dataset)
            .collect()
    }

    fn columns_are_known(&self, object: &SchemaObject) -> bool {
        let columns = object.properties.iter();
        let mut places = columns.map(|column| &column.place).chain([&object.place]);
        places.all(|place| !self.doubt.covers_start(place.span))
    }

    fn names_are_known(&self, object: &SchemaObject) -> bool {
        let references = object.all_relationships().into_iter();
        let mut places = references.map(|reference| &reference.place).chain([&object.place]);
        places.all(|place| !self.doubt.covers_start(place.span))
    }
}

/// Whether references may stand under a key that only looks like theirs: those are not read.
fn hides_references(node: &Node) -> bool {
    let key = "relationships";
    if let Some(items) = node.as_list() {
        return items.iter().any(hides_references);
    }
    let mut entries = node.as_map().unwrap_or_default().iter();
    entries.any(|entry| (entry.key != key && nearest(&entry.key, [key]).is_some()) || hides_references(&entry.value))
}
