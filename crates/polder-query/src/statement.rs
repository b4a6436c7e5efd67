//! A statement, parsed: whether it only reads, and which tables it names.

mod joins;
mod reads;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement as Parsed};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Query, Select, SetExpr, Statement as Ast, TableAlias, TableFactor, Visit,
    VisitMut, VisitorMut, visit_expressions,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::Tokenizer;
use polder_core::document::without_mark;
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_gate::engine_words::{syntax, unreadable};

use crate::failure::query_error;
use crate::travel::{Moment, resolve, split};

const DIALECT: GenericDialect = GenericDialect {};

/// Most tables that a plan reads, each as often as it is read.
const MOST_READS: u64 = 2_000;

/// A dataset in a statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reference {
    pub(crate) dataset: DatasetName,
    pub(crate) moment: Option<Moment>,
}

/// One statement that only reads.
#[derive(Debug)]
pub(crate) struct Statement {
    /// For the planner; the moments of time travel are in the tables' names.
    pub(crate) parsed: Parsed,
    /// The datasets that it names.
    pub(crate) datasets: BTreeSet<Reference>,
    /// Other tables that it names, by their parts; names that the statement itself defines are not among them.
    pub(crate) others: BTreeSet<Vec<String>>,
    /// It asks for the list of tables.
    pub(crate) lists_tables: bool,
    /// A function that is called to give a table function its arguments: it runs while the statement is planned.
    pub(crate) runs_early: Option<String>,
}

impl Statement {
    /// Parses one statement.
    ///
    /// # Errors
    /// `Usage` for text that is no SQL, several statements, statements that do more than read, and time travel that
    /// cannot be read.
    pub(crate) fn parse(sql: &str) -> Result<Self> {
        let sql = without_mark(sql);
        let helped = |error: Error| match unreadable(sql) {
            Some(help) if error.help().is_none() => error.with_help(help),
            _ => error,
        };
        let tokens = Tokenizer::new(&DIALECT, sql)
            .tokenize_with_location()
            .map_err(|error| {
                let why = syntax(&error.to_string());
                helped(Error::new(
                    ErrorKind::Usage,
                    format!("the statement cannot be read: {why}"),
                ))
            })?;
        let mut statements = DFParserBuilder::new(resolve(tokens)?)
            .with_dialect(&DIALECT)
            .build()
            .and_then(|mut parser| parser.parse_statements())
            .map_err(|error| helped(query_error(error)))?;
        let mut parsed = match (statements.pop_front(), statements.len()) {
            (Some(statement), 0) => statement,
            (None, _) => return Err(Error::new(ErrorKind::Usage, "there is no statement")),
            (Some(_), more) => {
                let message = format!("one statement at a time: there are {}", more + 1);
                return Err(Error::new(ErrorKind::Usage, message));
            }
        };
        let mut names = Names::default();
        names.statement(&mut parsed)?;
        let others = names.others();
        let lists_tables = names.shows || others.iter().any(|parts| is_information_schema(parts));
        Ok(Self {
            parsed,
            datasets: names.datasets,
            others,
            lists_tables,
            runs_early: names.runs_early,
        })
    }
}

impl Statement {
    /// Refuses a statement that could not even be planned: a part of it would run meanwhile, however much that takes, or what
    /// it defines is read so often that its plan has no end.
    ///
    /// # Errors
    /// `Usage`.
    pub(crate) fn plannable(&self) -> Result<()> {
        if let Some(function) = &self.runs_early {
            let message = format!("`{function}` is called among the arguments of a table function");
            return Err(Error::new(ErrorKind::Usage, message).with_help("write the value out"));
        }
        let most = match &self.parsed {
            Parsed::Statement(statement) => reads::most(statement),
            _ => 0,
        };
        if most > MOST_READS {
            let message = format!(
                "it reads more than {MOST_READS} tables, once all is put in that it defines: what it defines is read again \
                 by what is read again"
            );
            return Err(Error::new(ErrorKind::Usage, message));
        }
        Ok(())
    }
}

/// Whether a name is one of the tables that describe tables.
pub(crate) fn is_information_schema(parts: &[String]) -> bool {
    parts.len() > 1 && parts[parts.len() - 2] == "information_schema"
}

/// Collects names, refuses what writes, and gives tables of another time an alias.
#[derive(Default)]
struct Names {
    datasets: BTreeSet<Reference>,
    tables: BTreeSet<Vec<String>>,
    /// Names that `WITH` defines; they never have dots, so they cannot hide a dataset.
    defined: BTreeSet<String>,
    functions: BTreeSet<Vec<String>>,
    shows: bool,
    runs_early: Option<String>,
}

impl Names {
    fn statement(&mut self, parsed: &mut Parsed) -> Result<()> {
        match parsed {
            Parsed::Statement(statement) => match statement.visit(self) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(error) => Err(error),
            },
            Parsed::Explain(explain) => self.statement(&mut explain.statement),
            Parsed::CopyTo(_) => Err(refused("COPY")),
            Parsed::CreateExternalTable(_) => Err(refused("CREATE EXTERNAL TABLE")),
            Parsed::Reset(_) => Err(refused("RESET")),
        }
    }

    /// Tables that are neither datasets nor defined by the statement.
    fn others(&self) -> BTreeSet<Vec<String>> {
        let own = |parts: &Vec<String>| match parts.as_slice() {
            [name] => self.defined.contains(name) || self.functions.contains(parts),
            _ => self.functions.contains(parts),
        };
        self.tables.iter().filter(|parts| !own(parts)).cloned().collect()
    }
}

impl VisitorMut for Names {
    type Break = Error;

    fn pre_visit_statement(&mut self, statement: &mut Ast) -> ControlFlow<Error> {
        match statement {
            Ast::Query(_) | Ast::Explain { .. } | Ast::ExplainTable { .. } => {}
            Ast::ShowTables { .. }
            | Ast::ShowColumns { .. }
            | Ast::ShowFunctions { .. }
            | Ast::ShowVariable { .. }
            | Ast::ShowCreate { .. } => self.shows = true,
            other => return ControlFlow::Break(refused(&first_words(other))),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.defined.insert(normal(&table.alias.name));
        }
        match query.body.as_ref() {
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement)
            | SetExpr::Merge(statement) => ControlFlow::Break(refused(&first_words(statement))),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        if select.into.is_some() {
            return ControlFlow::Break(refused("SELECT INTO"));
        }
        match select.from.iter().try_for_each(joins::merge_what_is_there) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Error> {
        let parts = parts(relation);
        match reference(&parts) {
            Some(reference) => self.datasets.insert(reference),
            None => self.tables.insert(parts),
        };
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        if let TableFactor::Table { name, alias, args, .. } = factor {
            if let Some(args) = args {
                self.functions.insert(parts(name));
                self.arguments(args);
            } else if let (
                None,
                Some(Reference {
                    dataset,
                    moment: Some(_),
                }),
            ) = (&alias, reference(&parts(name)))
            {
                // Columns are named after the table, not after the table at some time.
                *alias = Some(TableAlias {
                    explicit: true,
                    name: Ident::new(dataset.name()),
                    columns: Vec::new(),
                    at: None,
                });
            }
        }
        match factor {
            TableFactor::NestedJoin { table_with_joins, .. } => {
                if let Err(error) = joins::merge_what_is_there(table_with_joins) {
                    return ControlFlow::Break(error);
                }
            }
            TableFactor::Function { args, .. } => self.arguments(args),
            TableFactor::TableFunction {
                expr: Expr::Function(function),
                ..
            } => self.arguments(&function.args),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Names {
    /// Notes the first function that is called among the arguments of a table function.
    fn arguments(&mut self, arguments: &impl Visit) {
        let called = visit_expressions(arguments, |expression| match expression {
            Expr::Function(function) => ControlFlow::Break(function.name.to_string()),
            Expr::Subquery(_) => ControlFlow::Break("SELECT".to_owned()),
            _ => ControlFlow::Continue(()),
        });
        if let ControlFlow::Break(name) = called {
            self.runs_early.get_or_insert(name);
        }
    }
}

fn refused(what: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{what} is not allowed: statements only read"))
        .with_help("tables are written by streams and pipelines")
}

fn first_words(statement: &Ast) -> String {
    let text = statement.to_string();
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// A name as the planner compares it.
pub(crate) fn normal(ident: &Ident) -> String {
    if ident.quote_style.is_none() {
        ident.value.to_lowercase()
    } else {
        ident.value.clone()
    }
}

/// The parts of a name as the planner compares them.
pub(crate) fn parts(name: &ObjectName) -> Vec<String> {
    let part = |part: &ObjectNamePart| part.as_ident().map_or_else(|| part.to_string(), normal);
    name.0.iter().map(part).collect()
}

/// The dataset, where a name is one.
pub(crate) fn reference(parts: &[String]) -> Option<Reference> {
    let [domain, layer, name] = parts else { return None };
    let (name, moment) = split(name);
    let dataset = DatasetName::new(domain.as_str(), layer.parse().ok()?, name).ok()?;
    Some(Reference { dataset, moment })
}
