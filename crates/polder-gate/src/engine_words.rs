//! What the query engine says of rules and queries, in the words of contracts: the one place that translates it.
//!
//! A message that is not known here is given as it is, without the engine's headings and with its types as contracts name
//! them: nothing of it is hidden.

mod functions;
mod inner;
mod nested;
mod operators;
mod types;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, Fields};
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use polder_core::document::nearest;

pub use types::{constants_in_words, types_in_words};

/// Columns that a message lists at most.
const SHOWN: usize = 12;
/// What SQL calls types, as far as contracts have them.
const SQL_TYPES: [&str; 17] = [
    "boolean",
    "tinyint",
    "smallint",
    "int",
    "integer",
    "bigint",
    "real",
    "float",
    "double",
    "decimal",
    "numeric",
    "varchar",
    "text",
    "string",
    "date",
    "timestamp",
    "bytea",
];

/// An error in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What is wrong.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
}

impl Said {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
        }
    }

    fn with_help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// Both in one line.
    pub fn in_one(self) -> String {
        match self.help {
            Some(help) => format!("{}; {help}", self.message),
            None => self.message,
        }
    }
}

/// What is known of a text that the engine refuses; its names and words make better hints.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// The expression or query.
    pub sql: &'a str,
    /// The columns that it may read, with what is inside of them.
    pub columns: Option<&'a Fields>,
}

/// An error of the engine in words.
pub fn said(error: &DataFusionError, asked: Asked<'_>) -> Said {
    match error.find_root() {
        DataFusionError::SchemaError(cause, _) => of_schema(cause, asked.sql),
        DataFusionError::SQL(cause, _) => unread(&syntax(&cause.to_string()), asked.sql),
        DataFusionError::Collection(errors) if !errors.is_empty() => said(&errors[0], asked),
        root => {
            let text = root.strip_backtrace();
            let known = known(&text, asked);
            known.unwrap_or_else(|| Said::new(unknown(root, &text)))
        }
    }
}

/// What the parser says of a text that it cannot read.
fn unread(why: &str, sql: &str) -> Said {
    let help = unreadable(sql);
    Said { help, ..Said::new(why) }
}

/// What to do about a text that the parser cannot read, by what is in it that no SQL has.
pub fn unreadable(sql: &str) -> Option<String> {
    if sql.contains("{{") || sql.contains("{%") {
        return Some(
            "templates such as {{ ref(…) }} are not filled in: name the dataset itself, as domain.layer.name"
                .to_owned(),
        );
    }
    // What queries of rules have filled in is filled in nowhere else.
    let filled_in = [("column", "{property}"), ("dataset", "{object}")];
    if let Some((what, word)) = filled_in.iter().find(|(_, word)| sql.contains(word)) {
        return Some(format!(
            "name the {what}: {word} stands for it in queries of rules alone (`type: sql`)"
        ));
    }
    if sql.contains(['\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{201e}']) {
        return Some("text goes in straight single quotes, as in 'basic': an editor made others of them".to_owned());
    }
    None
}

/// The sentence of the parser: `expected an expression, but found `)` at line 1, column 9`.
pub fn syntax(text: &str) -> String {
    let text = text.trim_start_matches("sql parser error: ").trim();
    if let Some(said) = inner::no_operator(text) {
        return said;
    }
    let Some((expected, found)) = text
        .strip_prefix("Expected: ")
        .and_then(|text| text.rsplit_once(", found: "))
    else {
        return text
            .replacen("at Line: ", "at line ", 1)
            .replacen(", Column: ", ", column ", 1);
    };
    let (found, place) = match found.rsplit_once(" at Line: ") {
        Some((found, place)) => (found, format!(" at line {}", place.replacen("Column: ", "column ", 1))),
        None => (found, String::new()),
    };
    let expected = match expected.contains(char::is_alphanumeric) {
        true => expected.to_owned(),
        false => format!("`{expected}`"),
    };
    match found {
        "EOF" => format!("expected {expected}, but it ends there"),
        found => format!("expected {expected}, but found `{found}`{place}"),
    }
}

/// Messages that are known by how they begin or end.
fn known(text: &str, asked: Asked<'_>) -> Option<Said> {
    let text = headless(text);
    operators::said(text)
        .or_else(|| nested::said(text, asked))
        .or_else(|| functions::said(text))
        .or_else(|| values::said(text))
        .or_else(|| inner::said(text))
        .or_else(|| of_names(text, asked))
        .or_else(|| of_shape(text))
}

/// What is not known, with nothing but headings and the engine's appeal to report it left out.
fn unknown(root: &DataFusionError, text: &str) -> String {
    let text = tidy(headless(text));
    match root {
        DataFusionError::NotImplemented(_) => format!("this is not supported: {text}"),
        _ => text,
    }
}

/// The engine's words in one line, with types as contracts name them, without the appeal to report it.
fn tidy(text: &str) -> String {
    let end = text.find("This issue was likely caused by a bug").unwrap_or(text.len());
    let text: Vec<&str> = text[..end].split_whitespace().collect();
    types_in_words(text.join(" ").trim_end_matches('.'))
}

/// A message without the headings before it: `Error during planning: `, `type_coercion caused by `, `Cast error: `.
fn headless(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let rest = [
            "type_coercion",
            "caused by",
            "Error during planning: ",
            "This feature is not implemented: ",
        ]
        .iter()
        .find_map(|heading| text.strip_prefix(heading))
        .or_else(|| {
            let (head, rest) = text.split_once(": ")?;
            let plain = head.len() < 40 && head.chars().all(|c| c.is_alphanumeric() || c == ' ');
            let heading = head.ends_with(" error") || head.ends_with("Error") || head == "Arithmetic overflow";
            // The heading of a pattern is part of what is known by it.
            (plain && heading && head != "regex parse error").then_some(rest)
        });
        match rest {
            Some(rest) => text = rest.trim_start(),
            None => return text,
        }
    }
}

/// Columns that are not there, there twice, or there in several tables.
fn of_schema(error: &SchemaError, sql: &str) -> Said {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => missing_column(field, valid_fields, sql),
        SchemaError::AmbiguousReference { field } => {
            Said::new(format!("several of the tables have a column `{}`", field.name)).with_help(format!(
                "write before it which table is meant, such as a.{}",
                field.name
            ))
        }
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            Said::new(format!("two columns are called `{name}`")).with_help("give one of them another name with AS")
        }
    }
}

/// A column that is not there, and which was meant. The engine's own message proposes the nearest of all names however far
/// it is, and lists all of them in one line.
fn missing_column(field: &Column, valid: &[Column], sql: &str) -> Said {
    let named = match &field.relation {
        Some(relation) => format!("{relation}.{}", field.name),
        None => field.name.clone(),
    };
    let said = Said::new(format!("there is no column `{named}`"));
    let known: BTreeSet<&str> = valid.iter().map(|column| column.name.as_str()).collect();
    if let Some(help) = meant(&field.name, known.iter().copied()) {
        return said.with_help(help);
    }
    // It is there, in a table of another name.
    let same = valid.iter().filter(|column| column.name == field.name);
    let same: Vec<String> = same.map(Column::flat_name).collect();
    if !same.is_empty() {
        return said.with_help(format!("there is {}", same.join(", ")));
    }
    if field.relation.is_none()
        && let Some(word) = compared_word(sql, &field.name)
    {
        return said.with_help(format!("text goes in single quotes: '{word}'"));
    }
    let own = known
        .into_iter()
        .filter(|name| !name.starts_with('_') && !name.contains('('));
    let own: Vec<&str> = own.collect();
    let more = if own.len() > SHOWN { ", …" } else { "" };
    let shown = own[..own.len().min(SHOWN)].join(", ");
    match shown.is_empty() {
        true => said,
        false => said.with_help(format!("the columns here are {shown}{more}")),
    }
}

/// What to write for a name that is none of the known ones: the one that was probably meant, in double quotes where SQL
/// would read it in lower case without them. Nothing for a known name.
pub fn meant<'n>(written: &str, known: impl Iterator<Item = &'n str> + Clone) -> Option<String> {
    let in_other_letters = |name: &&str| name.eq_ignore_ascii_case(written) && *name != written;
    let has_capitals = |name: &str| name.to_lowercase() != name;
    let other = known.clone().find(in_other_letters);
    if let Some(name) = other.filter(|name| has_capitals(name)) {
        return Some(format!("write \"{name}\" in double quotes, for its capital letters"));
    }
    let near = other.or_else(|| nearest(written, known).filter(|near| *near != written))?;
    Some(match has_capitals(near) {
        true => format!("did you mean \"{near}\", in double quotes for its capital letters?"),
        false => format!("did you mean `{near}`?"),
    })
}

/// The word as it is written right of a comparison, bare or in double quotes, which SQL takes for a column. Of a list
/// (`IN ("a", "b")`) any of its words.
fn compared_word<'s>(sql: &'s str, name: &str) -> Option<&'s str> {
    let lower = sql.to_ascii_lowercase();
    let word = |at: usize| {
        let right = sql[at..].trim_start();
        let word = match right.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next()?,
            None => right.split(|c: char| !c.is_alphanumeric() && c != '_').next()?,
        };
        word.eq_ignore_ascii_case(name).then_some(word)
    };
    let behind = |mark: &'static str| lower.match_indices(mark).map(move |(at, _)| at + mark.len());
    let mut compared = ["=", "<>", "<", ">", " like ", " ilike ", " then ", " else "]
        .into_iter()
        .flat_map(behind);
    if let Some(found) = compared.find_map(word) {
        return Some(found);
    }
    let mut lists = behind(" in (").chain(behind(" in("));
    lists.find_map(|start| {
        let list = &sql[start..start + sql[start..].find(')').unwrap_or(sql.len() - start)];
        let mut starts = std::iter::once(start).chain(list.match_indices(',').map(|(comma, _)| start + comma + 1));
        starts.find_map(word)
    })
}

/// Names of what is no column: fields of structs, types, tables, parameters.
fn of_names(text: &str, asked: Asked<'_>) -> Option<Said> {
    if let Some(field) = between(text, "Field ", " not found in struct") {
        let said = Said::new(format!("there is no field `{field}` in the struct"));
        let mut inside = Vec::new();
        asked
            .columns
            .into_iter()
            .for_each(|columns| names_inside(columns, &mut inside));
        return Some(match meant(field, inside.into_iter()) {
            Some(help) => said.with_help(help),
            None => said,
        });
    }
    if let Some(rest) = text.strip_prefix("Unsupported SQL type ") {
        let said = Said::new(format!("there is no type `{rest}`"));
        return Some(match nearest(rest, SQL_TYPES) {
            Some(near) => said.with_help(format!("did you mean `{near}`?")),
            None => said,
        });
    }
    if let Some(table) = text.strip_prefix("Invalid qualifier ") {
        return Some(Said::new(format!("there is no table `{table}` in the query")));
    }
    if let Some(parameter) = between(text, "Placeholder '", "' was not provided a value for execution") {
        return Some(Said::new(format!("parameters have no value here: `{parameter}`")));
    }
    None
}

/// The names of fields inside of columns.
fn names_inside<'f>(fields: &'f Fields, names: &mut Vec<&'f str>) {
    for field in fields {
        inside(field.data_type(), names);
    }
}

fn inside<'f>(kind: &'f DataType, names: &mut Vec<&'f str>) {
    match kind {
        DataType::Struct(fields) => {
            names.extend(fields.iter().map(|field| field.name().as_str()));
            names_inside(fields, names);
        }
        DataType::List(items) => inside(items.data_type(), names),
        DataType::Map(entries, _) => inside(entries.data_type(), names),
        _ => {}
    }
}

/// Queries that do not have the shape that they need.
fn of_shape(text: &str) -> Option<Said> {
    if let Some(condition) = text.strip_prefix("Cannot create filter with non-boolean predicate '") {
        let (condition, kind) = condition.rsplit_once("' returning ")?;
        let (condition, kind) = (types_in_words(condition), types_in_words(kind));
        return Some(Said::new(format!(
            "a condition must be true or false, but `{condition}` is {kind}"
        )));
    }
    if text.starts_with("Column in SELECT must be in GROUP BY or an aggregate function") {
        let column = between(text, "column \"", "\" must appear in the GROUP BY clause")?;
        let name = column.rsplit('.').next().unwrap_or(column);
        let said = Said::new(format!("`{name}` must be in GROUP BY or in an aggregate"));
        return Some(said.with_help(format!(
            "an aggregate makes one value of many rows, such as max({name})"
        )));
    }
    if text.starts_with("Projections require unique expression names") {
        return Some(
            Said::new("two columns of the query have the same name").with_help("give one of them another name with AS"),
        );
    }
    if let Some(columns) = text.strip_prefix("Too many columns! The subquery should only return one column: ") {
        return Some(Said::new(format!(
            "a subquery that is compared gives one column, and this one gives {columns}"
        )));
    }
    if let Some(part) = text.strip_prefix("Physical plan does not support logical expression ")
        && ["Exists(", "InSubquery(", "ScalarSubquery("]
            .iter()
            .any(|query| part.starts_with(query))
    {
        return Some(
            Said::new("a subquery cannot stand there").with_help("join what it reads, or ask for it in WHERE"),
        );
    }
    None
}

/// What stands between two texts; the first of them begins it or stands within.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let start = text.find(before)? + before.len();
    let length = text[start..].find(after)?;
    Some(&text[start..start + length])
}
