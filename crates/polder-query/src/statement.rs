//! A statement, parsed: whether it only reads, and which tables it names.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement as Parsed};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Query, Select, SetExpr, Statement as Ast, TableAlias, TableFactor, Visit,
    VisitMut, Visitor, VisitorMut, visit_expressions,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::Tokenizer;
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt};

use crate::failure::query_error;
use crate::travel::{Moment, resolve, split};

const DIALECT: GenericDialect = GenericDialect {};

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
        let tokens = Tokenizer::new(&DIALECT, sql)
            .tokenize_with_location()
            .context(ErrorKind::Usage, || "the statement cannot be read".to_owned())?;
        let mut statements = DFParserBuilder::new(resolve(tokens)?)
            .with_dialect(&DIALECT)
            .build()
            .and_then(|mut parser| parser.parse_statements())
            .map_err(query_error)?;
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
        let mut reads = Reads::default();
        if let Parsed::Statement(statement) = &self.parsed {
            let _walked = statement.visit(&mut reads);
        }
        if reads.most > MOST_READS {
            let message = format!(
                "it reads more than {MOST_READS} tables, once all is put in that it defines: what it defines is read again \
                 by what is read again"
            );
            return Err(Error::new(ErrorKind::Usage, message));
        }
        Ok(())
    }
}

/// Most tables that a plan reads, each as often as it is read.
const MOST_READS: u64 = 2_000;

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
        match &select.into {
            Some(_) => ControlFlow::Break(refused("SELECT INTO")),
            None => ControlFlow::Continue(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn datasets(sql: &str) -> Vec<String> {
        let statement = Statement::parse(sql).unwrap();
        let text = |reference: &Reference| {
            let moment = reference.moment.map(|moment| moment.to_string()).unwrap_or_default();
            format!("{}{moment}", reference.dataset)
        };
        statement.datasets.iter().map(text).collect()
    }

    fn others(sql: &str) -> Vec<String> {
        Statement::parse(sql)
            .unwrap()
            .others
            .iter()
            .map(|parts| parts.join("."))
            .collect()
    }

    #[test]
    fn functions_that_would_run_while_a_statement_is_planned_are_noted() {
        let cases = [
            ("SELECT * FROM generate_series(1, -5 + 2)", None),
            ("SELECT * FROM unnest(generate_series(1, length('x')))", None),
            ("SELECT length('x') FROM generate_series(1, 2)", None),
            ("SELECT * FROM generate_series(1, length('x'))", Some("length")),
            (
                "SELECT * FROM a.silver.x, LATERAL range(1, 2 + length('x'))",
                Some("length"),
            ),
            (
                "WITH w AS (SELECT * FROM range((SELECT 1))) SELECT * FROM w",
                Some("SELECT"),
            ),
        ];
        for (sql, called) in cases {
            let statement = Statement::parse(sql).unwrap();
            assert_eq!(statement.runs_early.as_deref(), called, "{sql}");
            assert_eq!(statement.plannable().is_ok(), called.is_none(), "{sql}");
        }
    }

    #[test]
    fn what_is_read_again_by_what_is_read_again_is_refused() {
        let steps = |many: usize| -> String {
            (1..=many)
                .map(|i| format!(", x{i} AS (SELECT 1 FROM x{0}, (SELECT 1 FROM x{0}) AS y)", i - 1))
                .collect()
        };
        let sql = |many: usize| {
            format!(
                "WITH x0 AS (SELECT 1 FROM a.silver.x){} SELECT 1 FROM x{many}",
                steps(many)
            )
        };
        assert!(Statement::parse(&sql(10)).unwrap().plannable().is_ok());
        assert!(Statement::parse(&sql(11)).unwrap().plannable().is_err());
        assert!(Statement::parse(&sql(60)).unwrap().plannable().is_err());
        let many = format!(
            "SELECT 1 FROM a.silver.x{}",
            " UNION ALL SELECT 1 FROM a.silver.x".repeat(100)
        );
        assert!(Statement::parse(&many).unwrap().plannable().is_ok());
    }

    #[test]
    fn datasets_are_found_in_joins_subqueries_and_definitions() {
        let sql = "WITH recent AS (SELECT * FROM a.silver.x VERSION AS OF 4 WHERE id IN (SELECT id FROM a.gold.w)) \
                   SELECT (SELECT max(v) FROM c.gold.scalar) FROM recent JOIN b.gold.y USING (id) \
                   UNION ALL SELECT * FROM (SELECT * FROM \"b\".\"gold\".\"z\" TIMESTAMP AS OF '1970-01-01') AS q \
                   WHERE EXISTS (SELECT 1 FROM A.Silver.X)";
        assert_eq!(
            datasets(sql),
            [
                "a.silver.x",
                "a.silver.x@v4",
                "a.gold.w",
                "b.gold.y",
                "b.gold.z@t0",
                "c.gold.scalar"
            ]
        );
        assert!(others(sql).is_empty());
    }

    #[test]
    fn names_that_the_statement_defines_hide_tables() {
        assert!(others("WITH t AS (SELECT 1), U AS (SELECT * FROM t) SELECT * FROM u, T").is_empty());
        assert_eq!(others("WITH t AS (SELECT 1) SELECT * FROM t JOIN v ON true"), ["v"]);
        assert_eq!(
            others("WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT * FROM n"),
            [""; 0]
        );
        assert!(others("SELECT * FROM generate_series(1, 3)").is_empty());
    }

    #[test]
    fn what_is_no_dataset_is_told_apart() {
        assert_eq!(others("SELECT * FROM orders"), ["orders"]);
        assert_eq!(others("SELECT * FROM sales.brnze.orders"), ["sales.brnze.orders"]);
        let statement = Statement::parse("SELECT * FROM information_schema.tables").unwrap();
        assert!(statement.lists_tables);
    }

    #[test]
    fn a_table_of_another_time_keeps_its_name_for_columns() {
        let sql = "SELECT t.id FROM a.gold.t VERSION AS OF 2 WHERE t.id > 1";
        assert_eq!(
            Statement::parse(sql).unwrap().parsed.to_string(),
            r#"SELECT t.id FROM a.gold."t@v2" AS t WHERE t.id > 1"#
        );
        let sql = "SELECT old.id FROM a.gold.t VERSION AS OF 2 AS old";
        assert_eq!(
            Statement::parse(sql).unwrap().parsed.to_string(),
            r#"SELECT old.id FROM a.gold."t@v2" AS old"#
        );
    }

    #[test]
    fn whatever_reads_is_allowed() {
        for sql in [
            "SELECT 1",
            "VALUES (1), (2)",
            "WITH x AS (SELECT 1) SELECT * FROM x;",
            "EXPLAIN SELECT 1",
            "EXPLAIN ANALYZE SELECT 1",
            "DESCRIBE a.gold.t",
            "SHOW TABLES",
            "SHOW COLUMNS FROM a.gold.t",
            "SHOW FUNCTIONS",
            "SHOW ALL",
        ] {
            assert!(
                Statement::parse(sql).is_ok(),
                "{sql}: {:?}",
                Statement::parse(sql).err()
            );
        }
    }

    #[test]
    fn whatever_does_more_than_read_is_refused() {
        for sql in [
            "INSERT INTO a.gold.t VALUES (1)",
            "UPDATE a.gold.t SET x = 1",
            "DELETE FROM a.gold.t",
            "MERGE INTO a.gold.t USING b.gold.u ON true WHEN MATCHED THEN DELETE",
            "TRUNCATE TABLE a.gold.t",
            "CREATE TABLE t (x INT)",
            "CREATE TABLE t AS SELECT 1",
            "CREATE VIEW v AS SELECT 1",
            "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/etc'",
            "CREATE FUNCTION f() RETURNS INT RETURN 1",
            "CREATE SCHEMA s",
            "DROP TABLE a.gold.t",
            "ALTER TABLE a.gold.t ADD COLUMN x INT",
            "COPY (SELECT 1) TO '/tmp/x.csv'",
            "COPY a.gold.t TO '/tmp/x.csv'",
            "SET datafusion.execution.batch_size = 1",
            "RESET datafusion.execution.batch_size",
            "BEGIN",
            "COMMIT",
            "PREPARE p AS SELECT 1",
            "EXECUTE p",
            "SELECT 1 INTO t",
            "WITH x AS (INSERT INTO a.gold.t VALUES (1) RETURNING 1) SELECT * FROM x",
            "EXPLAIN INSERT INTO a.gold.t VALUES (1)",
            "EXPLAIN ANALYZE DELETE FROM a.gold.t",
            "EXPLAIN COPY (SELECT 1) TO '/tmp/x.csv'",
            "SELECT 1; SELECT 2",
            "SELECT 1; DROP TABLE a.gold.t",
            "",
            "-- nothing",
            "SELEC 1",
            "SELECT 'open",
        ] {
            let error = Statement::parse(sql)
                .map(|statement| statement.parsed.to_string())
                .expect_err(sql);
            assert_eq!(error.kind(), ErrorKind::Usage, "{sql}: {error}");
        }
    }
}
