//! How often a statement reads tables once all is put in that it defines.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{ObjectName, Query, Statement as Ast, Visit, Visitor};

use super::{normal, parts};

/// The tables that the statement's greediest query reads, each as often as it is read.
pub(super) fn most(statement: &Ast) -> u64 {
    let mut reads = Reads::default();
    let _walked = statement.visit(&mut reads);
    reads.most
}

/// How many tables each query reads in the end.
#[derive(Default)]
struct Reads {
    open: Vec<OpenQuery>,
    /// Queries that `WITH` gives a name.
    named: BTreeMap<*const Query, String>,
    most: u64,
}

#[derive(Default)]
struct OpenQuery {
    reads: u64,
    defined: BTreeMap<String, u64>,
}

impl Visitor for Reads {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.named.insert(table.query.as_ref(), normal(&table.alias.name));
        }
        self.open.push(OpenQuery::default());
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let of_name = match parts(relation).as_slice() {
            [name] => self
                .open
                .iter()
                .rev()
                .find_map(|query| query.defined.get(name))
                .copied(),
            _ => None,
        };
        if let Some(query) = self.open.last_mut() {
            query.reads = query.reads.saturating_add(of_name.unwrap_or(1));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let reads = self.open.pop().map_or(0, |query| query.reads.max(1));
        self.most = self.most.max(reads);
        let name = self.named.remove(&std::ptr::from_ref(query));
        if let Some(around) = self.open.last_mut() {
            match name {
                Some(name) => drop(around.defined.insert(name, reads)),
                None => around.reads = around.reads.saturating_add(reads),
            }
        }
        ControlFlow::Continue(())
    }
}
