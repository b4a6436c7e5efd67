//! From contracts to SQL DDL.

mod foreign_keys;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use polder_core::{Error, ErrorKind, Result};
use serde_json::Value;

use foreign_keys::{ForeignKey, in_order};

use super::limits::{limits, value};
use super::types::declared_type;
use super::words::{literal, quoted};
use crate::dialect::Dialect;
use crate::element::{Column, Table, asks_only, keep_asked, tables, why_lost};
use crate::kind::Kind;
use crate::loss::{Converted, Tracker, View};

/// A script that creates the contract's tables, those first that others refer to.
pub(crate) fn export(contract: &Value, dialect: Dialect) -> Result<Converted<String>> {
    let tracker = Tracker::default();
    let mut tables = tables(&tracker.root(contract));
    if tables.is_empty() {
        return Err(Error::new(ErrorKind::Document, "the contract has no schema to export"));
    }
    tables.retain(|table| {
        if table.columns.is_empty() {
            table
                .view
                .lose_part("", "an object without properties", "a table has columns");
        }
        !table.columns.is_empty()
    });
    if tables.is_empty() {
        let error = Error::new(
            ErrorKind::Document,
            "no object of the contract has properties: there is no table to write",
        );
        return Err(error.with_help("declare the columns under `properties`"));
    }
    let writer = Writer {
        dialect,
        tables: &tables,
    };
    let keys: Vec<Vec<ForeignKey<'_>>> = tables.iter().map(|table| writer.foreign_keys(table)).collect();
    let mut script = String::new();
    let mut later = String::new();
    let mut made: HashSet<&str> = HashSet::new();
    for index in in_order(&tables, &keys) {
        let table = &tables[index];
        made.insert(table.name);
        writer.table(table, &keys[index], &made, &mut script, &mut later);
    }
    script.push_str(&later);
    Ok(Converted {
        value: script,
        losses: tracker.finish(contract, |path| match path.rsplit('.').next() {
            // Most engines have patterns, in a language of their own.
            Some("pattern") => format!("the regular expressions of {dialect} are others than a contract's"),
            _ => why_lost(path, &format!("DDL of {dialect}")),
        }),
    })
}

struct Writer<'w, 'a> {
    dialect: Dialect,
    tables: &'w [Table<'a>],
}

impl<'a> Writer<'_, 'a> {
    fn table(
        &self,
        table: &Table<'a>,
        keys: &[ForeignKey<'a>],
        made: &HashSet<&str>,
        script: &mut String,
        later: &mut String,
    ) {
        use Dialect as D;
        let name = self.table_name(table);
        let mut lines: Vec<String> = Vec::new();
        let mut comments = String::new();
        let checks = matches!(self.dialect, D::Postgres | D::Ansi | D::DuckDb);
        let separate_comments = checks || self.dialect == D::Redshift;
        for column in &table.columns {
            let quoted_name = quoted(column.name, self.dialect);
            let mut line = format!("{quoted_name} {}", declared_type(column, self.dialect));
            if column.required {
                line.push_str(" NOT NULL");
            }
            if self.dialect != D::Spark
                && self.dialect != D::BigQuery
                && !self.is_long(column)
                && column.view.flag("unique")
            {
                line.push_str(" UNIQUE");
            }
            if let Some(text) = column.view.text("description") {
                match self.dialect {
                    D::BigQuery => line.push_str(&format!(" OPTIONS(description={})", literal(text, self.dialect))),
                    _ if separate_comments => comments.push_str(&format!(
                        "COMMENT ON COLUMN {name}.{quoted_name} IS {};\n",
                        literal(text, self.dialect)
                    )),
                    _ => line.push_str(&format!(" COMMENT {}", literal(text, self.dialect))),
                }
            }
            lines.push(line);
            // Where MySQL's texts and times are compared otherwise, nothing is written.
            let bounded = self.dialect == D::MySql
                && matches!(
                    column.kind,
                    Kind::Integer { .. } | Kind::Decimal { .. } | Kind::Float64 | Kind::Float32 | Kind::Date
                );
            if bounded {
                let conditions = limits(column, &quoted_name, self.dialect);
                lines.extend(conditions.into_iter().map(|condition| format!("CHECK ({condition})")));
            }
            if checks {
                let conditions = self.conditions(column, &quoted_name);
                lines.extend(conditions.into_iter().map(|condition| format!("CHECK ({condition})")));
            }
        }
        lines.extend(self.primary_key(table));
        for rule in table.view.items("quality") {
            lines.extend(self.rule(&rule, &table.columns, checks));
        }
        for key in keys {
            let of_key = |column: &&Column<'_>| key.from.contains(&column.name);
            if table.columns.iter().filter(of_key).any(|column| self.is_long(column)) {
                continue;
            }
            let Some(line) = self.foreign_key(key) else { continue };
            if made.contains(key.table) {
                lines.push(line);
                key.declared.keep();
            } else if self.dialect != D::DuckDb {
                later.push_str(&format!("ALTER TABLE {name} ADD {line};\n"));
                key.declared.keep();
            }
        }
        let partitions = self.partitions(table);
        script.push_str(&format!("CREATE TABLE {name} (\n    {}\n)", lines.join(",\n    ")));
        if let Some(text) = table.view.text("description") {
            match self.dialect {
                D::BigQuery => script.push_str(&format!("\nOPTIONS(description={})", literal(text, self.dialect))),
                D::Spark => script.push_str(&format!("\nCOMMENT {}", literal(text, self.dialect))),
                D::Snowflake | D::MySql => script.push_str(&format!("\nCOMMENT = {}", literal(text, self.dialect))),
                _ => comments.insert_str(
                    0,
                    &format!("COMMENT ON TABLE {name} IS {};\n", literal(text, self.dialect)),
                ),
            }
        }
        script.push_str(&partitions);
        script.push_str(";\n");
        script.push_str(&comments);
        script.push('\n');
    }

    fn table_name(&self, table: &Table<'_>) -> String {
        let parts: Vec<&str> = table.physical.unwrap_or(table.name).split('.').collect();
        let most = match self.dialect {
            Dialect::Ansi | Dialect::Postgres | Dialect::DuckDb | Dialect::MySql => 2,
            _ => 3,
        };
        if parts.len() > most || parts.iter().any(|part| part.is_empty()) {
            if let Some(physical) = table.view.get("physicalName") {
                physical.lose(format!(
                    "{} names tables by schema and name; written as `{}`",
                    self.dialect, table.name
                ));
            }
            return quoted(table.name, self.dialect);
        }
        table.view.take("physicalName");
        if parts.last() != Some(&table.name) {
            let physical = parts.join(".");
            table.view.lose_part(
                "name",
                table.name,
                format!("written under its physical name `{physical}`"),
            );
        }
        parts
            .iter()
            .map(|part| quoted(part, self.dialect))
            .collect::<Vec<_>>()
            .join(".")
    }

    /// Limits of a value as conditions.
    fn conditions(&self, column: &Column<'_>, name: &str) -> Vec<String> {
        let mut conditions = limits(column, name, self.dialect);
        if let Some(allowed) = column.allowed()
            && allowed
                .values
                .iter()
                .all(|value| value.is_string() == (column.kind == Kind::String))
        {
            allowed.keep();
            let values: Vec<String> = allowed.values.iter().map(|one| value(one, self.dialect)).collect();
            conditions.push(format!("{name} IN ({})", values.join(", ")));
        }
        conditions
    }

    fn primary_key(&self, table: &Table<'_>) -> Option<String> {
        let key = table.key();
        // One that is too long is left, and so named.
        if key.is_empty() || key.iter().any(|column| self.is_long(column)) {
            return None;
        }
        for column in &key {
            column.view.take("primaryKey");
            column.view.take("primaryKeyPosition");
        }
        let names: Vec<String> = key.iter().map(|column| quoted(column.name, self.dialect)).collect();
        let informational = if self.dialect == Dialect::BigQuery {
            " NOT ENFORCED"
        } else {
            ""
        };
        Some(format!("PRIMARY KEY ({}){informational}", names.join(", ")))
    }

    /// Whether a column is too long to be a key: MySQL's texts and bytes without a length.
    fn is_long(&self, column: &Column<'_>) -> bool {
        self.dialect == Dialect::MySql && declared_type(column, self.dialect).starts_with("LONG")
    }

    /// A rule of the object that DDL can say: no duplicates, or a condition in SQL.
    fn rule(&self, rule: &View<'_>, columns_of: &[Column<'_>], checks: bool) -> Option<String> {
        let map = rule.value.as_object()?;
        let asked = ["metric", "type", "arguments", "mustBe"];
        let unique = map.get("metric").and_then(Value::as_str) == Some("duplicateValues")
            && map.get("mustBe").and_then(Value::as_i64) == Some(0)
            && asks_only(map, &asked);
        if unique && !matches!(self.dialect, Dialect::Spark | Dialect::BigQuery) {
            let columns = map
                .get("arguments")?
                .as_object()
                .filter(|arguments| arguments.len() == 1)?;
            let names: Option<Vec<&str>> = columns
                .get("properties")?
                .as_array()?
                .iter()
                .map(Value::as_str)
                .collect();
            let long = |name: &&str| {
                columns_of
                    .iter()
                    .any(|column| column.name == *name && self.is_long(column))
            };
            if names.iter().flatten().any(long) {
                return None;
            }
            keep_asked(rule, &asked);
            let names: Vec<String> = names?.iter().map(|name| quoted(name, self.dialect)).collect();
            return Some(format!("UNIQUE ({})", names.join(", ")));
        }
        let condition = (map.get("engine").and_then(Value::as_str) == Some("polder"))
            .then(|| map.get("implementation")?.get("row")?.as_str())
            .flatten();
        let asked = ["name", "type", "engine", "implementation"];
        let condition = condition.filter(|_| checks && asks_only(map, &asked))?;
        keep_asked(rule, &asked);
        let name = map.get("name").and_then(Value::as_str);
        let name = name.map_or(String::new(), |name| {
            format!("CONSTRAINT {} ", quoted(name, self.dialect))
        });
        Some(format!("{name}CHECK ({condition})"))
    }

    fn partitions(&self, table: &Table<'_>) -> String {
        if self.dialect != Dialect::Spark {
            return String::new();
        }
        let mut partitions: Vec<&Column<'_>> = table
            .columns
            .iter()
            .filter(|column| column.view.flag("partitioned"))
            .collect();
        partitions.sort_by_key(|column| column.view.take("partitionKeyPosition").and_then(Value::as_i64));
        let names: Vec<String> = partitions
            .iter()
            .map(|column| quoted(column.name, self.dialect))
            .collect();
        if names.is_empty() {
            String::new()
        } else {
            format!("\nPARTITIONED BY ({})", names.join(", "))
        }
    }
}
