//! Expressions asked about the parts of one contract.

use std::collections::HashMap;

use polder_contract::{Contract, Place};

use crate::expression::{Document, Expression, Names, child};
use crate::found::Found;
use crate::policy::Policy;
use crate::subject::{self, Column, Object};

/// An expression that is asked about the parts of one contract.
pub(super) struct Asker<'a> {
    pub(super) policy: &'a Policy,
    pub(super) expression: &'a Expression,
    pub(super) contract: &'a Contract,
    pub(super) documents: &'a Documents<'a>,
}

/// A contract and its columns as expressions see them, converted once for all policies.
pub(super) struct Documents<'a> {
    contract: Document<'a>,
    /// By the position of the object in the contract's schema, and that of the column in the object.
    columns: HashMap<(usize, usize), Document<'a>>,
}

impl<'a> Documents<'a> {
    pub(super) fn new(contract: &'a Contract, objects: &[(Object<'a>, Vec<Column<'a>>)]) -> Self {
        let columns = objects.iter().flat_map(|(object, columns)| {
            let numbered = columns.iter().enumerate();
            numbered.map(|(number, column)| ((object.index, number), Document::new(column.node)))
        });
        Self {
            contract: Document::new(&contract.document),
            columns: columns.collect(),
        }
    }
}

/// What an expression says of one part.
pub(super) enum Answer {
    /// All is well.
    Holds,
    /// Something is wrong.
    Fails(Found),
    /// It has no answer: why, and for what.
    Unanswered { why: String, of: String },
}

impl Asker<'_> {
    pub(super) fn contract(&self, domain: Option<&str>) -> Answer {
        let names = Names { domain, ..self.names() };
        let place = subject::at(self.contract, subject::head(self.contract));
        self.ask(&names, &self.contract.name, place, None)
    }

    pub(super) fn object(&self, object: &Object<'_>) -> Answer {
        let dataset = object.dataset.to_string();
        let names = Names {
            object: child(self.documents.contract.root(), "schema", Some(object.index)),
            ..self.names_of(object, &dataset)
        };
        self.ask(&names, &dataset, object.object.place.clone(), None)
    }

    pub(super) fn property(&self, object: &Object<'_>, number: usize, column: &Column<'_>) -> Answer {
        let dataset = object.dataset.to_string();
        let element = child(self.documents.contract.root(), "schema", Some(object.index));
        let names = Names {
            object: element,
            property: self.documents.columns.get(&(object.index, number)).map(Document::root),
            column: Some(&column.path),
            ..self.names_of(object, &dataset)
        };
        let of = format!("`{}` of {dataset}", column.path);
        self.ask(&names, &of, column.property.place.clone(), Some(column.path.clone()))
    }

    fn ask(&self, names: &Names<'_>, of: &str, place: Place, column: Option<String>) -> Answer {
        match self.expression.holds(names) {
            Ok(true) => Answer::Holds,
            Ok(false) => Answer::Fails(Found {
                message: format!("{of}: {}", self.policy.description.trim().trim_end_matches('.')),
                place,
                column,
            }),
            Err(why) => Answer::Unanswered { why, of: of.to_owned() },
        }
    }

    fn names(&self) -> Names<'_> {
        Names {
            contract: self.documents.contract.root(),
            object: None,
            property: None,
            layer: None,
            domain: None,
            dataset: None,
            column: None,
        }
    }

    fn names_of<'n>(&'n self, object: &'n Object<'_>, dataset: &'n str) -> Names<'n> {
        Names {
            layer: Some(object.dataset.layer().as_str()),
            domain: Some(object.dataset.domain()),
            dataset: Some(dataset),
            ..self.names()
        }
    }
}
