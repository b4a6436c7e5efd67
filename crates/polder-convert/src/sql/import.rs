//! From SQL DDL to contracts.

use std::collections::BTreeMap;

use polder_core::{Error, ErrorKind, Result, ResultExt};
use serde_json::{Map, Value, json};
use sqlparser::ast::{
    AlterTableOperation, ColumnDef, ColumnOption, CommentDef, CommentObject, CreateTable, CreateTableOptions, Expr,
    ForeignKeyConstraint, HiveDistributionStyle, Ident, IndexColumn, ObjectName, Spanned, SqlOption, Statement as Ast,
    TableConstraint, UserDefinedTypeRepresentation, Value as Literal,
};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Span;

use super::statements::{Statement, statements};
use super::types::{OwnTypes, TypeReader, refuse_deep_types};
use super::{check, parser, spark_tail};
use crate::bounds::Bounds;
use crate::dialect::Dialect;
use crate::draft::{Draft, ImportOptions, add_rule, push};
use crate::loss::{Converted, Tracker};

/// Largest statement that is read, in bytes.
const MAX_STATEMENT: usize = 1 << 20;
/// A long chain of operators makes a deep tree, and taking it apart needs stack for each step.
const STACK_BYTES: usize = 512 << 20;
const NO_PLACE: &str = "a contract has no place for it";

/// A contract of the tables that a script creates.
pub(crate) fn import(text: &str, options: &ImportOptions) -> Result<Converted<String>> {
    let failed = || "the thread for reading SQL does not start".to_owned();
    std::thread::scope(|scope| {
        let reading = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || read(text, options))
            .context(ErrorKind::Internal, failed)?;
        reading
            .join()
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "reading the SQL broke off")))
    })
}

fn read(text: &str, options: &ImportOptions) -> Result<Converted<String>> {
    let mut reader = Reader {
        dialect: options.dialect,
        tracker: Tracker::default(),
        bounds: Bounds::default(),
        own: OwnTypes::default(),
        tables: Vec::new(),
        keys: Vec::new(),
        skipped: BTreeMap::new(),
        line: 0,
    };
    let backslash = matches!(options.dialect, Dialect::Spark | Dialect::BigQuery | Dialect::Snowflake);
    let statements = statements(text, backslash);
    for statement in &statements {
        reader.statement(statement)?;
    }
    if reader.tables.is_empty() {
        let message = format!("there is no CREATE TABLE in the {} statements", statements.len());
        return Err(Error::new(ErrorKind::Document, message));
    }
    reader.relate();
    let mut draft = Draft::default();
    for mut table in reader.tables {
        let columns = table.columns.into_iter().map(Value::Object).collect();
        table.object.insert("properties".to_owned(), columns);
        draft.objects.push(table.object);
    }
    for (head, count) in reader.skipped {
        reader
            .tracker
            .lose("script", format!("{count} × {head}"), "only tables make a contract");
    }
    let value = draft.write(options)?;
    let losses = reader.tracker.finish(&Value::Null, |_| String::new());
    Ok(Converted { value, losses })
}

struct Table {
    name: String,
    object: Map<String, Value>,
    columns: Vec<Map<String, Value>>,
}

struct Reader {
    dialect: Dialect,
    tracker: Tracker,
    bounds: Bounds,
    own: OwnTypes,
    tables: Vec<Table>,
    /// Foreign keys: table, columns, table, columns.
    keys: Vec<(String, Vec<String>, String, Vec<String>)>,
    skipped: BTreeMap<String, usize>,
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

fn index_columns(columns: &[IndexColumn]) -> Vec<String> {
    columns
        .iter()
        .map(|column| match &column.column.expr {
            Expr::Identifier(name) => name.value.clone(),
            other => other.to_string(),
        })
        .collect()
}

impl Reader {
    fn statement(&mut self, statement: &Statement<'_>) -> Result<()> {
        let words: Vec<&str> = statement.head.split(' ').collect();
        let is_table = words.first() == Some(&"CREATE") && words.iter().skip(1).take(4).any(|word| *word == "TABLE");
        let wanted = is_table
            || statement.head.starts_with("ALTER TABLE")
            || statement.head.starts_with("COMMENT ON TABLE")
            || statement.head.starts_with("COMMENT ON COLUMN")
            || statement.head.starts_with("CREATE TYPE")
            || statement.head.starts_with("CREATE DOMAIN");
        if !wanted {
            let head = words.iter().take(2).copied().collect::<Vec<_>>().join(" ");
            *self.skipped.entry(head).or_default() += 1;
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
        let rules = parser(if statement.head.starts_with("COMMENT") {
            Dialect::Postgres
        } else {
            self.dialect
        });
        let cut = match self.dialect {
            Dialect::Spark if is_table => spark_tail::cut(statement.text),
            _ => None,
        };
        let text = cut.as_ref().map_or(statement.text, |(head, _)| head);
        let parsed = Parser::parse_sql(rules.as_ref(), text);
        match parsed {
            Ok(list) => {
                let before = self.tables.len();
                list.into_iter().try_for_each(|ast| self.take(ast, &place))?;
                if let Some((_, tail)) = cut
                    && before < self.tables.len()
                {
                    self.apply_tail(tail, &place);
                }
                Ok(())
            }
            Err(cause) if is_table => {
                let message = format!("cannot read the statement in {place} as {}: {cause}", self.dialect);
                Err(Error::new(ErrorKind::Document, message)
                    .with_help("name the dialect that it is written in with --dialect"))
            }
            Err(_) => {
                let what: String = statement.text.chars().take(60).collect();
                self.tracker.lose(place, what, "the statement cannot be read");
                Ok(())
            }
        }
    }

    /// The clauses behind the columns of the table that was read last.
    fn apply_tail(&mut self, tail: spark_tail::Tail, place: &str) {
        let Some(table) = self.tables.last_mut() else { return };
        for other in tail.others {
            self.tracker.lose(format!("{place}: {}", table.name), other, NO_PLACE);
        }
        if let Some(text) = tail.comment {
            table.object.insert("description".to_owned(), json!(text));
        }
        for (index, name) in tail.partitions.iter().enumerate() {
            let column = table
                .columns
                .iter_mut()
                .find(|column| column.get("name") == Some(&json!(name)));
            if let Some(column) = column {
                column.insert("partitioned".to_owned(), json!(true));
                column.insert("partitionKeyPosition".to_owned(), json!(index + 1));
            }
        }
    }

    fn take(&mut self, ast: Ast, place: &str) -> Result<()> {
        match ast {
            Ast::CreateTable(table) => self.table(&table, place)?,
            Ast::AlterTable(alter) => {
                let name = last(&alter.name);
                for operation in alter.operations {
                    match operation {
                        AlterTableOperation::AddConstraint { constraint, .. } => {
                            self.constraint(&name, &constraint, place)
                        }
                        other => {
                            let what = other.to_string();
                            // Owners and sequences are of the database, not of the data.
                            self.tracker.lose(format!("{place}: {name}"), what, NO_PLACE);
                        }
                    }
                }
            }
            Ast::Comment {
                object_type,
                object_name,
                comment,
                ..
            } => {
                if let Some(comment) = comment {
                    self.comment(&object_type, &object_name, &comment, place);
                }
            }
            Ast::CreateType {
                name,
                representation: Some(UserDefinedTypeRepresentation::Enum { labels }),
            } => {
                self.own.enums.insert(last(&name).to_lowercase(), idents(&labels));
            }
            Ast::CreateDomain(domain) => {
                let name = last(&domain.name);
                for constraint in &domain.constraints {
                    self.tracker.lose(
                        format!("{place}: {name}"),
                        constraint.to_string(),
                        "limits of a domain are not followed",
                    );
                }
                self.own.domains.insert(name.to_lowercase(), domain.data_type);
            }
            other => {
                let what: String = other.to_string().chars().take(60).collect();
                self.tracker.lose(place, what, NO_PLACE);
            }
        }
        Ok(())
    }

    fn table(&mut self, create: &CreateTable, place: &str) -> Result<()> {
        let name = last(&create.name);
        let lose = |what: String, why: &str| self.tracker.lose(format!("{place}: {name}"), what, why);
        if create.columns.is_empty() {
            lose(
                "a table without columns of its own".to_owned(),
                "its columns are those of another table or query",
            );
            return Ok(());
        }
        for (what, given) in [
            ("a partition bound", create.partition_of.is_some()),
            ("INHERITS", create.inherits.is_some()),
            ("a query", create.query.is_some()),
            ("LIKE", create.like.is_some()),
            ("PARTITION BY", create.partition_by.is_some()),
            (
                "CLUSTER BY",
                create.cluster_by.is_some() || create.clustered_by.is_some(),
            ),
            ("LOCATION", create.location.is_some()),
        ] {
            if given {
                lose(what.to_owned(), NO_PLACE);
            }
        }
        let mut object = Map::from_iter([("name".to_owned(), json!(name))]);
        let full = full(&create.name);
        if full != name {
            object.insert("physicalName".to_owned(), json!(full));
        }
        if let Some(CommentDef::WithEq(text) | CommentDef::WithoutEq(text)) = &create.comment {
            object.insert("description".to_owned(), json!(text));
        }
        let options = match &create.table_options {
            CreateTableOptions::With(list)
            | CreateTableOptions::Options(list)
            | CreateTableOptions::Plain(list)
            | CreateTableOptions::TableProperties(list) => list.as_slice(),
            CreateTableOptions::None => &[],
        };
        for option in options {
            match described(option) {
                Some(text) => {
                    object.insert("description".to_owned(), json!(text));
                }
                None => lose(option.to_string(), NO_PLACE),
            }
        }
        let mut table = Table {
            name: name.clone(),
            object,
            columns: Vec::new(),
        };
        let mut constraints = Vec::new();
        for column in &create.columns {
            let property = self.column(&name, column, place, &mut constraints)?;
            table.columns.push(property);
        }
        if let HiveDistributionStyle::PARTITIONED { columns } = &create.hive_distribution {
            for (index, partition) in columns.iter().enumerate() {
                let known = table
                    .columns
                    .iter()
                    .position(|column| column.get("name") == Some(&json!(partition.name.value)));
                let property = match known {
                    Some(known) => &mut table.columns[known],
                    // Hive declares the columns of partitions here alone.
                    None => {
                        let property = self.column(&name, partition, place, &mut constraints)?;
                        table.columns.push(property);
                        let at = table.columns.len() - 1;
                        &mut table.columns[at]
                    }
                };
                property.insert("partitioned".to_owned(), json!(true));
                property.insert("partitionKeyPosition".to_owned(), json!(index + 1));
            }
        }
        self.tables.push(table);
        constraints
            .iter()
            .chain(&create.constraints)
            .for_each(|constraint| self.constraint(&name, constraint, place));
        Ok(())
    }

    /// The line of a part of the statement that is being read; the statement's where the parser does not know it.
    fn place(&self, span: Span, statement: &str) -> String {
        match usize::try_from(span.start.line) {
            Ok(line) if line > 0 => format!("line {}", self.line + line - 1),
            _ => statement.to_owned(),
        }
    }

    fn column(
        &self,
        table: &str,
        column: &ColumnDef,
        place: &str,
        constraints: &mut Vec<TableConstraint>,
    ) -> Result<Map<String, Value>> {
        let place = self.place(column.name.span, place);
        let path = format!("{place}: {table}.{}", column.name.value);
        let mut property = Map::from_iter([("name".to_owned(), json!(column.name.value))]);
        let types = TypeReader {
            dialect: self.dialect,
            own: &self.own,
            tracker: &self.tracker,
            bounds: &self.bounds,
        };
        types.read(&column.data_type, &path, 0, &mut property)?;
        for option in &column.options {
            match &option.option {
                ColumnOption::Null => {}
                ColumnOption::NotNull => {
                    property.insert("required".to_owned(), json!(true));
                }
                ColumnOption::Comment(text) => {
                    property.insert("description".to_owned(), json!(text));
                }
                ColumnOption::Options(list) if list.iter().all(|option| described(option).is_some()) => {
                    property.extend(
                        list.iter()
                            .filter_map(described)
                            .map(|text| ("description".to_owned(), json!(text))),
                    );
                }
                ColumnOption::PrimaryKey(key) => {
                    let mut key = key.clone();
                    key.columns = vec![column.name.clone().into()];
                    constraints.push(TableConstraint::PrimaryKey(key));
                }
                ColumnOption::Unique(key) => {
                    let mut key = key.clone();
                    key.columns = vec![column.name.clone().into()];
                    constraints.push(TableConstraint::Unique(key));
                }
                ColumnOption::ForeignKey(key) => {
                    let mut key = key.clone();
                    key.columns = vec![column.name.clone()];
                    constraints.push(TableConstraint::ForeignKey(key));
                }
                ColumnOption::Check(check) => {
                    let mut check = check.clone();
                    check.name = check.name.or_else(|| option.name.clone());
                    constraints.push(TableConstraint::Check(check));
                }
                other => self.tracker.lose(&path, other.to_string(), NO_PLACE),
            }
        }
        Ok(property)
    }

    fn constraint(&mut self, table: &str, constraint: &TableConstraint, place: &str) {
        let place = self.place(constraint.span(), place);
        let path = format!("{place}: {table}");
        let Some(found) = self.tables.iter_mut().find(|known| known.name == table) else {
            self.tracker
                .lose(path, constraint.to_string(), "there is no such table in the script");
            return;
        };
        let columns = &mut found.columns;
        let position = |columns: &[Map<String, Value>], name: &str| {
            columns.iter().position(|column| {
                column
                    .get("name")
                    .and_then(Value::as_str)
                    .is_some_and(|own| own.eq_ignore_ascii_case(name))
            })
        };
        match constraint {
            TableConstraint::PrimaryKey(key) => {
                let names = index_columns(&key.columns);
                let several = names.len() > 1;
                for (index, name) in names.iter().enumerate() {
                    let Some(at) = position(columns, name) else { continue };
                    let property = &mut columns[at];
                    property.insert("required".to_owned(), json!(true));
                    property.insert("primaryKey".to_owned(), json!(true));
                    if several {
                        property.insert("primaryKeyPosition".to_owned(), json!(index + 1));
                    }
                }
            }
            TableConstraint::Unique(key) => match index_columns(&key.columns).as_slice() {
                [one] => {
                    if let Some(at) = position(columns, one) {
                        columns[at].insert("unique".to_owned(), json!(true));
                    }
                }
                several => add_rule(
                    &mut found.object,
                    json!({"metric": "duplicateValues", "arguments": {"properties": several}, "mustBe": 0}),
                ),
            },
            TableConstraint::ForeignKey(key) => self.foreign_key(table, key),
            TableConstraint::Check(rule) => {
                let name = rule.name.as_ref().map(|name| name.value.as_str());
                check::apply(&rule.expr, name, columns, &mut found.object);
            }
            other => self.tracker.lose(path, other.to_string(), NO_PLACE),
        }
    }

    fn foreign_key(&mut self, table: &str, key: &ForeignKeyConstraint) {
        let path = format!("{table}({})", idents(&key.columns).join(", "));
        for (word, action) in [("ON DELETE", &key.on_delete), ("ON UPDATE", &key.on_update)] {
            if let Some(action) = action {
                self.tracker.lose(
                    &path,
                    format!("{word} {action}"),
                    "a contract says what holds, not what a database does",
                );
            }
        }
        let to = (last(&key.foreign_table), idents(&key.referred_columns));
        self.keys.push((table.to_owned(), idents(&key.columns), to.0, to.1));
    }

    /// Foreign keys as relationships, once all tables are known.
    fn relate(&mut self) {
        for (table, from, to_table, mut to) in std::mem::take(&mut self.keys) {
            let path = format!("{table}({})", from.join(", "));
            let target = self
                .tables
                .iter()
                .find(|known| known.name.eq_ignore_ascii_case(&to_table));
            let Some(target) = target else {
                self.tracker.lose(
                    path,
                    format!("REFERENCES {to_table}"),
                    "there is no such table in the script",
                );
                continue;
            };
            if to.is_empty() {
                let mut key: Vec<_> = target
                    .columns
                    .iter()
                    .filter(|column| column.contains_key("primaryKey"))
                    .collect();
                key.sort_by_key(|column| column.get("primaryKeyPosition").and_then(Value::as_u64));
                to = key
                    .iter()
                    .filter_map(|column| column.get("name")?.as_str())
                    .map(str::to_owned)
                    .collect();
            }
            let to_table = target.name.clone();
            let referable = |name: &str| {
                name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                    && !name.starts_with(|c: char| c.is_ascii_digit())
            };
            let names_fit = [&table, &to_table]
                .into_iter()
                .chain(&from)
                .chain(&to)
                .all(|name| referable(name));
            if to.len() != from.len() || !names_fit {
                self.tracker.lose(
                    path,
                    format!("REFERENCES {to_table}"),
                    "a contract cannot name these columns",
                );
                continue;
            }
            let Some(own) = self.tables.iter_mut().find(|known| known.name == table) else {
                continue;
            };
            let reference = |table: &str, columns: &[String]| -> Vec<String> {
                columns.iter().map(|column| format!("{table}.{column}")).collect()
            };
            if let [single] = from.as_slice() {
                let column = own.columns.iter_mut().find(|column| {
                    column
                        .get("name")
                        .and_then(Value::as_str)
                        .is_some_and(|own| own.eq_ignore_ascii_case(single))
                });
                if let Some(column) = column {
                    push(column, "relationships", json!({"to": format!("{to_table}.{}", to[0])}));
                }
            } else {
                let relationship = json!({"from": reference(&table, &from), "to": reference(&to_table, &to)});
                push(&mut own.object, "relationships", relationship);
            }
        }
    }

    fn comment(&mut self, kind: &CommentObject, name: &ObjectName, text: &str, place: &str) {
        let parts: Vec<String> = full(name).split('.').map(str::to_owned).collect();
        let element = match (kind, parts.as_slice()) {
            (CommentObject::Table, [.., table]) => self
                .tables
                .iter_mut()
                .find(|known| known.name == *table)
                .map(|known| &mut known.object),
            (CommentObject::Column, [.., table, column]) => {
                let known = self.tables.iter_mut().find(|known| known.name == *table);
                known.and_then(|known| {
                    known
                        .columns
                        .iter_mut()
                        .find(|own| own.get("name") == Some(&json!(column)))
                })
            }
            _ => None,
        };
        match element {
            Some(element) => {
                element.insert("description".to_owned(), json!(text));
            }
            None => self.tracker.lose(
                place,
                format!("COMMENT ON {name}"),
                "there is no such table or column in the script",
            ),
        }
    }
}

/// The text of BigQuery's `description = "…"`, or of a comment.
fn described(option: &SqlOption) -> Option<String> {
    match option {
        SqlOption::KeyValue {
            key,
            value: Expr::Value(value),
        } if key.value.eq_ignore_ascii_case("description") => match &value.value {
            Literal::SingleQuotedString(text) | Literal::DoubleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        SqlOption::Comment(CommentDef::WithEq(text) | CommentDef::WithoutEq(text)) => Some(text.clone()),
        _ => None,
    }
}
