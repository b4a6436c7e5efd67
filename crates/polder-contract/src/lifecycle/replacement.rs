//! What takes the place of a contract, held against the contracts of the mesh.

use chrono::{DateTime, Utc};
use polder_core::DatasetName;
use polder_core::document::Diagnostic;

use crate::contract::Contract;
use crate::custom_property::custom_property;
use crate::dates::day;
use crate::schema::SchemaObject;
use crate::set::ContractSet;
use crate::status::Status;

/// What is wrong with a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongReplacement {
    /// What it is.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
}

/// What is wrong with the replacements that contracts name: what is neither there nor an address, and ways from one
/// replacement to the next that come back or end at one that is over.
pub fn replacement_problems(contracts: &ContractSet, now: DateTime<Utc>) -> Vec<Diagnostic> {
    let named = contracts.contracts().iter().filter_map(|contract| {
        let value = custom_property(&contract.document, "polder.replacement")?;
        let wrong = replacement_problem(contract, value.scalar_text()?, contracts, now)?;
        let place = contract.at(value.span);
        Some(place.error("lifecycle", wrong.message, wrong.help.as_deref()))
    });
    named.collect()
}

/// What is wrong with a replacement (a dataset, the id of a contract, an address, or `none`) for this contract.
pub fn replacement_problem(
    contract: &Contract,
    replacement: &str,
    contracts: &ContractSet,
    now: DateTime<Utc>,
) -> Option<WrongReplacement> {
    let wrong = |message: String, help: String| {
        Some(WrongReplacement {
            message,
            help: Some(help),
        })
    };
    let mut way = vec![contract.id.clone()];
    let mut next = Some(replacement.to_owned());
    while let Some(name) = next.take().filter(|name| name != "none") {
        let Some(found) = contracts.find(&name) else {
            // What the contracts on the way name is told of them.
            if way.len() > 1 || contracts.is_unreadable(&name) || is_address(&name) {
                return None;
            }
            let help = match contracts.nearest_name(&name) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a dataset or a contract of this mesh, an address (https://…), or `none`".to_owned(),
            };
            return wrong(format!("the replacement `{name}` has no contract"), help);
        };
        if way.contains(&found.id) {
            let message = format!("the replacements go in a circle: {} → {}", way.join(" → "), found.id);
            return wrong(message, "name what people really move to, or `none`".to_owned());
        }
        way.push(found.id.clone());
        let life = found.lifecycle();
        if life.replacement.as_deref().is_none_or(|name| name == "none") {
            let help = "name one that is in force, or `none`".to_owned();
            if life.status == Status::Retired {
                return wrong(format!("the replacement `{}` is retired", found.id), help);
            }
            if let Some(end) = end_of(&found, &name).filter(|end| *end <= now) {
                let message = format!("the life of the replacement `{name}` ended at {}", day(end));
                return wrong(message, help);
            }
        }
        next = life.replacement;
    }
    None
}

/// When what is named of a contract is over: one of its datasets, or with its id all of them.
fn end_of(contract: &Contract, name: &str) -> Option<DateTime<Utc>> {
    let dataset: Option<DatasetName> = name.parse().ok().filter(|_| contract.id != name);
    let is_meant = |object: &SchemaObject| dataset.is_some() && object.dataset == dataset;
    match contract.objects.iter().position(is_meant) {
        Some(object) => contract.lifecycle_of(object).end_of_life,
        None => contract.over_at(),
    }
}

/// Whether a text is an address: a scheme, and something behind it (`https://…`, `urn:…`).
fn is_address(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(word)
            && !rest.is_empty()
            && !rest.contains(char::is_whitespace)
    })
}
