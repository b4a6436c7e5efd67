//! The short names of a contract's objects in a query, put as the names of their datasets.
//!
//! What `WITH` defines hides an object of the same name, as far as its definition reaches: the definitions after it, its
//! own where the list is recursive, and the query that it stands before, with everything inside.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{
    Ident, ObjectName, ObjectNamePart, Query, TableAlias, TableFactor, VisitMut, VisitorMut,
};
use polder_core::{DatasetName, Error, Result};

use crate::statement::{Reference, Statement, normal, parts, reference};

/// Names every table of a query by its dataset. `short` tells which dataset goes by a short name; `unknown` is the
/// error for a table that is neither.
///
/// # Errors
/// What `unknown` makes of the first such table.
pub(super) fn resolve(
    statement: &mut Statement,
    short: impl Fn(&str) -> Option<DatasetName>,
    unknown: impl Fn(&[String]) -> Error,
) -> Result<()> {
    let Parsed::Statement(parsed) = &mut statement.parsed else {
        return Ok(());
    };
    let mut scopes = Scopes {
        open: Vec::new(),
        renamed: 0,
        found: Vec::new(),
        short,
        unknown,
    };
    if let ControlFlow::Break(error) = parsed.visit(&mut scopes) {
        return Err(error);
    }
    let moment = None;
    let found = scopes.found.into_iter().map(|dataset| Reference { dataset, moment });
    statement.datasets.extend(found);
    statement.others.clear();
    Ok(())
}

/// Walks through a query with the names that are defined where it stands.
struct Scopes<S, U> {
    /// The queries around, the outermost first.
    open: Vec<Scope>,
    /// Definitions that were given another name.
    renamed: usize,
    /// Datasets that were named in short.
    found: Vec<DatasetName>,
    short: S,
    unknown: U,
}

/// The definitions before one query.
#[derive(Default)]
struct Scope {
    /// Definitions that have not been walked through yet, in their order: they are walked through before the query is.
    to_come: VecDeque<Defined>,
    known: Vec<Defined>,
    /// A definition may read itself.
    recursive: bool,
}

#[derive(Clone)]
struct Defined {
    name: String,
    /// What it is called in the statement that is planned.
    called: Ident,
}

impl<S, U> Scopes<S, U> {
    fn defined(&self, name: &str) -> Option<&Defined> {
        let known = self.open.iter().rev().flat_map(|scope| scope.known.iter().rev());
        known.into_iter().find(|defined| defined.name == name)
    }
}

impl<S, U> VisitorMut for Scopes<S, U>
where
    S: Fn(&str) -> Option<DatasetName>,
    U: Fn(&[String]) -> Error,
{
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        // Where definitions are to come, this query is the body of the next one.
        if let Some(around) = self.open.last_mut()
            && around.recursive
            && let Some(own) = around.to_come.front()
        {
            around.known.push(own.clone());
        }
        let mut scope = Scope::default();
        if let Some(with) = &mut query.with {
            scope.recursive = with.recursive;
            for table in &mut with.cte_tables {
                let name = normal(&table.alias.name);
                // The planner knows neither a definition inside of another of its name, nor tells a name with dots
                // from a dataset's.
                if self.defined(&name).is_some() || name.contains('.') {
                    self.renamed += 1;
                    table.alias.name = Ident::with_quote('"', format!("{name} {}", self.renamed).replace('.', " "));
                }
                let called = table.alias.name.clone();
                scope.to_come.push_back(Defined { name, called });
            }
        }
        self.open.push(scope);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        self.open.pop();
        if let Some(around) = self.open.last_mut()
            && let Some(own) = around.to_come.pop_front()
            && !around.recursive
        {
            around.known.push(own);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        let TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } = factor
        else {
            return ControlFlow::Continue(());
        };
        let written = parts(name);
        if reference(&written).is_some() {
            return ControlFlow::Continue(());
        }
        let [ObjectNamePart::Identifier(short)] = name.0.as_slice() else {
            return ControlFlow::Break((self.unknown)(&written));
        };
        let short = short.clone();
        let full = if let Some(defined) = self.defined(&normal(&short)) {
            if defined.called == short {
                return ControlFlow::Continue(());
            }
            vec![defined.called.clone()]
        } else if let Some(dataset) = (self.short)(&normal(&short)) {
            let layer = dataset.layer().to_string();
            let full = [dataset.domain(), &layer, dataset.name()].map(|part| Ident::with_quote('"', part));
            self.found.push(dataset);
            full.to_vec()
        } else {
            return ControlFlow::Break((self.unknown)(&written));
        };
        *name = ObjectName::from(full);
        // Columns go by the name that was written.
        alias.get_or_insert_with(|| TableAlias {
            explicit: true,
            name: short,
            columns: Vec::new(),
            at: None,
        });
        ControlFlow::Continue(())
    }
}
