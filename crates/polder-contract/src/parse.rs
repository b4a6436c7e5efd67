//! From a document's text to a contract: what is read, and everything that is wrong with it.

use std::collections::HashSet;

use polder_core::document::{self, Diagnostic, Reader, Severity, Source};

use crate::contract::Contract;
use crate::doubt::Doubt;
use crate::place::Place;
use crate::readable::Readable;
use crate::rule;
use crate::schema::SchemaObject;
use crate::structure;
use crate::unheeded::unheeded;

/// What reading a contract gives.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The contract, where there is no error.
    pub contract: Option<Contract>,
    /// Where there are errors, what can be judged all the same; nothing where the text is no document, or too much is wrong.
    pub readable: Option<Readable>,
    /// Everything that was found, errors and lesser things, by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a contract: its structure by the standard, its rules, and for objects that are bound to a dataset the types of
/// their columns too. Everything that is wrong is reported at once.
pub fn parse(source: &Source) -> Parsed {
    parse_as(source, |_| {})
}

/// The same of a contract of the past, for comparisons: what former versions of Polder took is only a warning there, or
/// nobody would hear what else changed with its mend.
pub fn parse_past(source: &Source) -> Parsed {
    parse_as(source, |found| {
        if found.code == rule::NESTED_KEY {
            found.severity = Severity::Warning;
        }
    })
}

fn parse_as(source: &Source, judged: fn(&mut Diagnostic)) -> Parsed {
    let document = match document::parse(source) {
        Ok(document) => document,
        Err(diagnostics) => {
            return Parsed {
                contract: None,
                readable: None,
                diagnostics,
            };
        }
    };
    let reader = Reader::new(source);
    structure::check(&reader, &document);
    let goes_on = !reader.is_full();
    let mut diagnostics = reader.finish();
    let contract = Contract::read(source, document);
    let bound = || contract.objects.iter().filter(|object| object.dataset.is_some());
    if goes_on {
        // What follows from a mistake is no other mistake.
        let doubt = Doubt::of(&contract.document, &diagnostics);
        let shapes = bound().flat_map(SchemaObject::problems);
        diagnostics.extend(shapes.filter(|found| !doubt.covers(found)));
        let doubt = Doubt::of(&contract.document, &diagnostics);
        let mut large = HashSet::new();
        let rules = contract.objects.iter();
        let rules = rules.flat_map(|object| rule::findings(object, &contract, &mut large));
        diagnostics.extend(rules.filter(|found| !doubt.covers(found)));
        diagnostics.iter_mut().for_each(judged);
    }
    let place = Place::of(source, contract.document.span);
    let errors = |found: &[Diagnostic]| found.iter().any(|found| found.severity == Severity::Error);
    let sound = !errors(&diagnostics);
    diagnostics.extend(unheeded(&contract, &place, sound));
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.map(|span| span.start));
    diagnostics.dedup();
    let sound = !errors(&diagnostics);
    let (contract, readable) = match sound {
        true => (Some(contract), None),
        false => (None, goes_on.then(|| Readable::new(contract, &diagnostics))),
    };
    Parsed {
        contract,
        readable,
        diagnostics,
    }
}
