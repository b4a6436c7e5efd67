//! Card numbers and credentials in documents themselves. Findings carry masks; whoever shows an excerpt of a document leaves
//! out lines in which [`detect`] finds something.

use polder_contract::{Contract, Place};
use polder_core::document::{Node, Source, Span, Value};

use crate::detect::{Class, detect};
use crate::found::Found;

/// Looks at every text of a contract: examples, sample rows, servers, descriptions.
pub(super) fn contract(contract: &Contract, found: &mut Vec<Found>) {
    let of = format!("the contract `{}`", contract.name);
    look(&contract.document, &of, &contract.source_path, found);
}

/// Looks at every text of a document of samples.
pub(crate) fn in_document(document: &Node, source: &Source) -> Vec<Found> {
    let mut found = Vec::new();
    look(document, "the samples", &source.path, &mut found);
    found
}

fn look(node: &Node, of: &str, file: &std::path::Path, found: &mut Vec<Found>) {
    match &node.value {
        Value::String(text) | Value::Number(text) => {
            for finding in detect(text)
                .into_iter()
                .filter(|finding| finding.kind.class() == Class::Forbidden)
            {
                found.push(Found {
                    message: format!("{of} holds {} ({})", finding.kind.noun(), finding.masked),
                    place: Place {
                        file: file.into(),
                        span: Span { ..node.span },
                    },
                    column: None,
                });
            }
        }
        Value::List(items) => items.iter().for_each(|item| look(item, of, file, found)),
        Value::Map(entries) => entries.iter().for_each(|entry| look(&entry.value, of, file, found)),
        Value::Null | Value::Bool(_) => {}
    }
}
