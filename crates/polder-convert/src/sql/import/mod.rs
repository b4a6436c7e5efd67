//! From SQL DDL to contracts.

mod change;
mod clauses;
mod column;
mod constraint;
mod described;
pub(super) mod items;
mod relate;
mod syntax;
mod table;
mod unread_checks;

use std::collections::{BTreeMap, HashMap};

use polder_core::document::Diagnostic;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use serde_json::{Map, Value};
use sqlparser::ast::{Ident, ObjectName, Spanned, Statement as Ast};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Span;

use super::habits::with_plain_quotes;
use super::inside::{self, Fields};
use super::statements::{Statement, statements};
use super::types::{OwnTypes, refuse_deep_types};
use super::{parser, spark_tail, vendor};
use crate::bounds::Bounds;
use crate::dialect::Dialect;
use crate::document::Document;
use crate::draft::{Draft, ImportOptions};
use crate::loss::{Converted, Tracker, describe};

/// Largest statement that is read, in bytes.
const MAX_STATEMENT: usize = 1 << 20;
/// A long chain of operators makes a deep tree, and taking it apart needs stack for each step.
const STACK_BYTES: usize = 512 << 20;
/// Nobody mends more mistakes before looking again.
const MOST_ERRORS: usize = 20;
/// So many places of statements that are passed over are named.
const MOST_PLACES: usize = 8;

const NO_PLACE: &str = "a contract has no place for it";
const OF_DATABASE: &str = "a contract says what holds, not how a database keeps it";
const NOT_FOLLOWED: &str = "changes of this kind are not followed: the contract says what was there before";
const NO_SUCH_TABLE: &str = "there is no such table in the script";
const NO_SUCH_COLUMN: &str = "there is no such column in the table";

/// A contract of the tables that a script creates.
pub(crate) fn import(document: &Document<'_>, options: &ImportOptions) -> Result<Converted<String>> {
    let failed = || "the thread for reading SQL does not start".to_owned();
    std::thread::scope(|scope| {
        let reading = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || read(document, options))
            .context(ErrorKind::Internal, failed)?;
        reading
            .join()
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "reading the SQL broke off")))
    })
}

fn read(document: &Document<'_>, options: &ImportOptions) -> Result<Converted<String>> {
    let mut reader = Reader {
        document,
        dialect: options.dialect,
        tracker: Tracker::default(),
        bounds: Bounds::default(),
        own: OwnTypes::default(),
        fields: Fields::new(),
        tables: Vec::new(),
        places: HashMap::new(),
        folded: HashMap::new(),
        keys: Vec::new(),
        skipped: BTreeMap::new(),
        unknown: Vec::new(),
        errors: Vec::new(),
        line: 0,
    };
    let statements = statements(document.text, options.dialect);
    for statement in &statements {
        reader.statement(statement)?;
    }
    if reader.tables.is_empty() && !reader.unknown.is_empty() {
        // A script without tables may be no SQL at all.
        reader.errors.append(&mut reader.unknown);
        reader.errors.sort_by_key(|found| found.span.map(|span| span.start));
        reader.errors.truncate(MOST_ERRORS);
    }
    if !reader.errors.is_empty() {
        return Err(Error::document(reader.errors));
    }
    if reader.tables.is_empty() {
        let is_table = |statement: &Statement<'_>| syntax::creates(&statement.head, "TABLE");
        let count = match statements.len() {
            _ if statements.iter().any(is_table) => "no table of the script has columns of its own".to_owned(),
            0 => "the script is empty".to_owned(),
            1 => "there is no CREATE TABLE in the one statement".to_owned(),
            many => format!("there is no CREATE TABLE in the {many} statements"),
        };
        return Err(
            Error::new(ErrorKind::Document, count).with_help("a contract is made of the tables that it creates")
        );
    }
    reader.relate();
    let mut draft = Draft::default();
    for mut table in reader.tables {
        let columns = table.columns.into_iter().map(Value::Object).collect();
        table.object.insert("properties".to_owned(), columns);
        draft.objects.push(table.object);
    }
    for (head, lines) in reader.skipped {
        let what = format!("{} × {head}", lines.len());
        reader.tracker.lose(places(&lines), what, "only tables make a contract");
    }
    let value = draft.write(options, &reader.tracker)?;
    let losses = reader.tracker.finish(&Value::Null, |_| String::new());
    Ok(Converted { value, losses })
}

/// `line 4`, `lines 4, 9`; the first ones where there are many.
fn places(lines: &[usize]) -> String {
    let shown: Vec<String> = lines.iter().take(MOST_PLACES).map(ToString::to_string).collect();
    let word = if lines.len() == 1 { "line" } else { "lines" };
    let more = if lines.len() > MOST_PLACES { " …" } else { "" };
    format!("{word} {}{more}", shown.join(", "))
}

struct Table {
    name: String,
    object: Map<String, Value>,
    columns: Vec<Map<String, Value>>,
}

/// A foreign key that waits for all tables to be known.
struct Key {
    /// Where it stands, with its table and columns.
    path: String,
    table: String,
    columns: Vec<String>,
    to_table: String,
    to_columns: Vec<String>,
}

struct Reader<'r> {
    document: &'r Document<'r>,
    dialect: Dialect,
    tracker: Tracker,
    bounds: Bounds,
    own: OwnTypes,
    /// What fields of structs say of themselves in the statement that is being read.
    fields: Fields,
    tables: Vec<Table>,
    /// The first table of each name: a dump names each many times.
    places: HashMap<String, usize>,
    /// The same by the name in lower case.
    folded: HashMap<String, usize>,
    keys: Vec<Key>,
    /// The lines of statements that say nothing of tables, by their first words.
    skipped: BTreeMap<String, Vec<usize>>,
    /// Those that begin with a word that is not known, and near to none that is.
    unknown: Vec<Diagnostic>,
    errors: Vec<Diagnostic>,
    /// The line on which the statement begins that is being read.
    line: usize,
}

fn last(name: &ObjectName) -> String {
    name.0
        .last()
        .and_then(|part| part.as_ident())
        .map_or_else(|| name.to_string(), |ident| ident.value.clone())
}

fn full(name: &ObjectName) -> String {
    let parts: Vec<_> = name
        .0
        .iter()
        .map(|part| {
            part.as_ident()
                .map_or_else(|| part.to_string(), |ident| ident.value.clone())
        })
        .collect();
    parts.join(".")
}

fn idents(columns: &[Ident]) -> Vec<String> {
    columns.iter().map(|column| column.value.clone()).collect()
}

/// A text in few words.
fn short(text: &str) -> String {
    describe(&Value::String(text.to_owned()))
}

fn is_named(element: &Map<String, Value>, name: &str) -> bool {
    let own = element.get("name").and_then(Value::as_str);
    own.is_some_and(|own| own.eq_ignore_ascii_case(name))
}

impl Table {
    fn position(&self, column: &str) -> Option<usize> {
        let exact = |own: &Map<String, Value>| own.get("name").and_then(Value::as_str) == Some(column);
        let exactly = self.columns.iter().position(exact);
        exactly.or_else(|| self.columns.iter().position(|own| is_named(own, column)))
    }
}

impl Reader<'_> {
    fn statement(&mut self, statement: &Statement<'_>) -> Result<()> {
        if self.errors.len() >= MOST_ERRORS {
            return Ok(());
        }
        if let Some(open) = statement.open {
            let message = "what begins here does not end";
            let mut found = self.document.wrong(open, open + 1, message);
            let close = "close the quote, the dollar sign or the comment";
            let escaped =
                self.document.text.contains("\\'") && matches!(self.dialect, Dialect::Ansi | Dialect::Postgres);
            found.help = Some(match escaped {
                true => {
                    format!("{close}; where a backslash keeps a quote, name the dialect: --dialect mysql, spark, …")
                }
                false => close.to_owned(),
            });
            self.errors.push(found);
            return Ok(());
        }
        if let Some(found) = syntax::unknown(self.document, statement) {
            if found.slip {
                self.errors.push(found.found);
                return Ok(());
            }
            if self.unknown.len() < MOST_ERRORS {
                self.unknown.push(found.found);
            }
        }
        let is_table = syntax::creates(&statement.head, "TABLE");
        if self.extended_property(statement.text, &statement.head) {
            return Ok(());
        }
        if !is_table && !syntax::is_about_tables(&statement.head) {
            let head = syntax::kind(&statement.head);
            self.skipped.entry(head).or_default().push(statement.line);
            return Ok(());
        }
        self.line = statement.line;
        let place = format!("line {}", statement.line);
        if statement.text.len() > MAX_STATEMENT {
            let message = format!("the statement in {place} is larger than {} MiB", MAX_STATEMENT >> 20);
            return Err(Error::new(ErrorKind::Document, message));
        }
        refuse_deep_types(statement.text)
            .context(ErrorKind::Document, || format!("cannot read the statement in {place}"))?;
        // Not every dialect's parser knows comments of their own, though every engine writes them the same.
        let dialect = match self.dialect {
            // In both a backslash escapes.
            Dialect::Redshift if statement.head.starts_with("COMMENT") => Dialect::Snowflake,
            _ if statement.head.starts_with("COMMENT") => Dialect::Postgres,
            own => own,
        };
        let rules = parser(dialect);
        let cut = match self.dialect {
            Dialect::Spark if is_table => spark_tail::cut(statement.text),
            _ => None,
        };
        let text = cut.as_ref().map_or(statement.text, |(head, _)| head);
        let of_vendor = if is_table {
            vendor::create_table(text, dialect)
        } else if statement.head.starts_with("ALTER TABLE") {
            vendor::alter_table(text, dialect)
        } else if syntax::creates(&statement.head, "INDEX") {
            vendor::create_index(text, dialect)
        } else if statement.head.starts_with("CREATE TYPE") {
            vendor::create_type(text, dialect)
        } else {
            None
        };
        if let Some(read) = &of_vendor {
            self.name_lost(read);
        }
        let text = of_vendor.as_ref().map_or(text, |read| read.text.as_str());
        let plain =
            (self.dialect == Dialect::Oracle && statement.head.starts_with("COMMENT")).then(|| with_plain_quotes(text));
        let text = plain.as_deref().unwrap_or(text);
        // All of it was covered.
        if text.trim().is_empty() {
            return Ok(());
        }
        let unknown = if is_table && matches!(self.dialect, Dialect::Postgres | Dialect::Ansi) {
            items::cut(text, rules.as_ref())
        } else {
            items::Cut::default()
        };
        for (line, what, why) in unknown.lost {
            let place = format!("line {}", self.line + line - 1);
            self.tracker.lose(place, short(&what), why);
        }
        let text = unknown.text.as_deref().unwrap_or(text);
        let parse = |text: &str| Parser::parse_sql(rules.as_ref(), text);
        let read = |text: &str| match inside::readable(text, dialect) {
            Some((readable, fields)) => match (parse(&readable), parse(text)) {
                // What looks like a type and is none.
                (Err(_), Ok(as_it_is)) => (Ok(as_it_is), Fields::new()),
                (parsed, _) => (parsed, fields),
            },
            None => (parse(text), Fields::new()),
        };
        let (mut parsed, mut fields) = read(text);
        if parsed.is_err()
            && is_table
            && let Some(cut) = unread_checks::cut(text, rules.as_ref())
        {
            (parsed, fields) = read(&cut.text);
            for lost in cut.lost {
                let place = format!("line {}: {}", self.line + lost.line - 1, lost.of);
                let what: Vec<&str> = lost.what.split_whitespace().collect();
                self.tracker
                    .lose(place, short(&what.join(" ")), "it is no expression that is known");
            }
        }
        self.fields = fields;
        match parsed {
            Ok(list) => {
                let before = self.tables.len();
                list.into_iter().try_for_each(|ast| self.take(ast, &place))?;
                if let Some((_, tail)) = cut
                    && before < self.tables.len()
                {
                    self.apply_tail(tail, &place);
                }
            }
            Err(cause) if is_table => {
                let found = syntax::diagnostic(self.document, statement, self.dialect, &cause);
                self.errors.push(found);
            }
            Err(cause) => {
                let why = syntax::unread(statement.text, dialect, &cause);
                self.tracker.lose(place, short(statement.text), why);
            }
        }
        Ok(())
    }

    /// Names what was covered in a statement for the parser.
    fn name_lost(&self, read: &vendor::Readable) {
        for lost in &read.lost {
            let of: Vec<&str> = [read.table.as_str(), lost.of.as_str()]
                .into_iter()
                .filter(|name| !name.is_empty())
                .collect();
            let mut place = format!("line {}", self.line + lost.line - 1);
            if !of.is_empty() {
                place = format!("{place}: {}", of.join("."));
            }
            self.tracker.lose(place, short(&lost.what), lost.why);
        }
    }

    fn take(&mut self, ast: Ast, place: &str) -> Result<()> {
        match ast {
            Ast::CreateTable(table) => self.table(&table, place),
            Ast::AlterTable(alter) => self.alter(alter, place),
            Ast::CreateIndex(index) => {
                self.index(index, place);
                Ok(())
            }
            Ast::Comment {
                object_type,
                object_name,
                comment,
                if_exists: _,
            } => {
                self.comment(&object_type, &object_name, comment.as_deref(), place);
                Ok(())
            }
            Ast::CreateType { name, representation } => {
                self.own_type(&name, representation, place);
                Ok(())
            }
            Ast::AlterType(alter) => {
                self.alter_type(alter, place);
                Ok(())
            }
            Ast::CreateDomain(domain) => {
                self.domain(domain, place);
                Ok(())
            }
            other => {
                self.tracker.lose(place, short(&other.to_string()), NO_PLACE);
                Ok(())
            }
        }
    }

    /// The line of a part of the statement that is being read; the statement's where the parser does not know it.
    fn place(&self, span: Span, statement: &str) -> String {
        match usize::try_from(span.start.line) {
            Ok(line) if line > 0 => format!("line {}", self.line + line - 1),
            _ => statement.to_owned(),
        }
    }

    fn place_of(&self, node: &impl Spanned, statement: &str) -> String {
        self.place(node.span(), statement)
    }

    /// The table of a name; of two that differ in case alone, the one of exactly this name.
    fn find(&mut self, name: &str) -> Option<&mut Table> {
        let exactly = self.places.get(name);
        let at = exactly.or_else(|| self.folded.get(&name.to_lowercase()))?;
        self.tables.get_mut(*at)
    }

    fn add(&mut self, table: Table) {
        let at = self.tables.len();
        self.places.entry(table.name.clone()).or_insert(at);
        self.folded.entry(table.name.to_lowercase()).or_insert(at);
        self.tables.push(table);
    }
}
