//! Keys and checks.

use serde_json::{Value, json};
use sqlparser::ast::{
    CheckConstraint, CreateIndex, Expr, ForeignKeyConstraint, Ident, IndexColumn, KeyOrIndexDisplay,
    NullsDistinctOption, PrimaryKeyConstraint, TableConstraint, UniqueConstraint,
};

use super::super::check;
use super::{Key, NO_SUCH_COLUMN, NO_SUCH_TABLE, OF_DATABASE, Reader, idents, last, short};
use crate::dialect::Dialect;
use crate::draft::add_rule;
use crate::proof::last_row;

const NO_NAME: &str = "a key has no name in a contract";
const NO_EXPRESSION: &str = "a contract's keys are columns, over all rows";

/// The columns of a key, and what is said of their order in an index; nothing where they are expressions.
fn key_columns(columns: &[IndexColumn]) -> Option<(Vec<String>, Vec<String>)> {
    let mut names = Vec::new();
    let mut orders = Vec::new();
    for column in columns {
        let Expr::Identifier(name) = &column.column.expr else {
            return None;
        };
        let written = column.to_string();
        if written != name.to_string() {
            orders.push(written);
        }
        names.push(name.value.clone());
    }
    Some((names, orders))
}

/// Whether an expression has a word of this name.
fn mentions(expr: &str, name: &str) -> bool {
    let expr = expr.to_lowercase();
    let name = name.to_lowercase();
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    !name.is_empty()
        && expr.match_indices(&name).any(|(at, found)| {
            let before = expr[..at].chars().next_back();
            let behind = expr[at + found.len()..].chars().next();
            !before.is_some_and(is_part) && !behind.is_some_and(is_part)
        })
}

impl Reader<'_> {
    pub(super) fn constraint(&mut self, table: &str, constraint: TableConstraint, place: &str) {
        let place = self.place_of(&constraint, place);
        if self.find(table).is_none() {
            let what = short(&constraint.to_string());
            self.tracker.lose(format!("{place}: {table}"), what, NO_SUCH_TABLE);
            return;
        }
        match constraint {
            TableConstraint::PrimaryKey(key) => self.primary_key(table, key, &place),
            TableConstraint::Unique(key) => self.unique(table, key, &place),
            TableConstraint::ForeignKey(key) => self.foreign_key(table, key, &place),
            TableConstraint::Check(rule) => self.check(table, rule, &place),
            other @ (TableConstraint::Index(_)
            | TableConstraint::FulltextOrSpatial(_)
            | TableConstraint::PrimaryKeyUsingIndex(_)
            | TableConstraint::UniqueUsingIndex(_)) => {
                let what = short(&other.to_string());
                self.tracker.lose(format!("{place}: {table}"), what, OF_DATABASE);
            }
        }
    }

    /// Names what stands beside a key.
    fn lose_beside(&self, path: &str, name: Option<Ident>, beside: impl IntoIterator<Item = Option<String>>) {
        if let Some(name) = name {
            self.tracker.lose(path, format!("CONSTRAINT {name}"), NO_NAME);
        }
        for what in beside.into_iter().flatten() {
            self.tracker.lose(path, short(&what), OF_DATABASE);
        }
    }

    /// The key's columns as the table spells them. Nothing where it is not of columns of the table, which is named.
    fn key(&mut self, table: &str, columns: &[IndexColumn], what: &str, place: &str) -> Option<(String, Vec<String>)> {
        let shown = columns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let path = format!("{place}: {table}({shown})");
        let Some((names, orders)) = key_columns(columns) else {
            self.tracker.lose(path, what, NO_EXPRESSION);
            return None;
        };
        let found = self.find(table)?;
        let spelled: Option<Vec<String>> = names
            .iter()
            .map(|name| {
                let column = found.columns.get(found.position(name)?)?;
                column.get("name")?.as_str().map(str::to_owned)
            })
            .collect();
        let Some(spelled) = spelled else {
            self.tracker.lose(path, what, NO_SUCH_COLUMN);
            return None;
        };
        let path = format!("{place}: {table}({})", spelled.join(", "));
        for order in orders {
            self.tracker.lose(&path, short(&order), OF_DATABASE);
        }
        Some((path, spelled))
    }

    fn primary_key(&mut self, table: &str, key: PrimaryKeyConstraint, place: &str) {
        let PrimaryKeyConstraint {
            name,
            index_name,
            index_type,
            columns,
            index_options,
            characteristics,
        } = key;
        let Some((path, names)) = self.key(table, &columns, "PRIMARY KEY", place) else {
            return;
        };
        let beside = [
            index_name.map(|name| name.to_string()),
            index_type.map(|kind| format!("USING {kind}")),
            characteristics.map(|words| words.to_string()),
        ];
        let options = index_options.iter().map(|option| Some(option.to_string()));
        self.lose_beside(&path, name, beside.into_iter().chain(options));
        let several = names.len() > 1;
        let Some(found) = self.find(table) else { return };
        for (index, name) in names.iter().enumerate() {
            let Some(at) = found.position(name) else { continue };
            let property = &mut found.columns[at];
            property.insert("required".to_owned(), json!(true));
            property.insert("primaryKey".to_owned(), json!(true));
            if several {
                property.insert("primaryKeyPosition".to_owned(), json!(index + 1));
            }
        }
    }

    fn unique(&mut self, table: &str, key: UniqueConstraint, place: &str) {
        let UniqueConstraint {
            mut name,
            index_name,
            index_type_display: _,
            index_type,
            columns,
            index_options,
            characteristics,
            nulls_distinct,
        } = key;
        let Some((path, names)) = self.key(table, &columns, "UNIQUE", place) else {
            return;
        };
        let Some(found) = self.find(table) else { return };
        if let [one] = names.as_slice() {
            if let Some(at) = found.position(one) {
                found.columns[at].insert("unique".to_owned(), json!(true));
            }
        } else {
            let mut rule = json!({"metric": "duplicateValues", "arguments": {"properties": names}, "mustBe": 0});
            if let Some(name) = name.take() {
                rule["name"] = json!(name.value);
            }
            add_rule(&mut found.object, rule);
        }
        let beside = [
            index_name.map(|name| name.to_string()),
            index_type.map(|kind| format!("USING {kind}")),
            (nulls_distinct == NullsDistinctOption::NotDistinct).then(|| "NULLS NOT DISTINCT".to_owned()),
            characteristics.map(|words| words.to_string()),
        ];
        let options = index_options.iter().map(|option| Some(option.to_string()));
        self.lose_beside(&path, name, beside.into_iter().chain(options));
    }

    /// A unique index says what a unique key says.
    pub(super) fn index(&mut self, index: CreateIndex, place: &str) {
        let whole = short(&index.to_string());
        let CreateIndex {
            name,
            table_name,
            using,
            columns,
            unique,
            concurrently: _,
            if_not_exists: _,
            include,
            nulls_distinct,
            with,
            predicate,
            index_options,
            alter_options,
        } = index;
        let table = last(&table_name);
        let path = format!("{place}: {table}");
        let shown = name
            .as_ref()
            .map_or("an index".to_owned(), |name| format!("INDEX {name}"));
        if !unique {
            self.tracker.lose(path, whole, OF_DATABASE);
            return;
        }
        if predicate.is_some() {
            self.tracker.lose(path, whole, NO_EXPRESSION);
            return;
        }
        let beside = (!include.is_empty()).then(|| format!("INCLUDE ({})", idents(&include).join(", ")));
        let with = with.iter().map(|option| Some(format!("WITH ({option})")));
        let others = alter_options.iter().map(|option| Some(option.to_string()));
        self.lose_beside(&path, None, [Some(shown), beside].into_iter().chain(with).chain(others));
        let key = UniqueConstraint {
            name: None,
            index_name: None,
            index_type_display: KeyOrIndexDisplay::None,
            index_type: using,
            columns,
            index_options,
            characteristics: None,
            nulls_distinct: match nulls_distinct {
                Some(false) => NullsDistinctOption::NotDistinct,
                _ => NullsDistinctOption::None,
            },
        };
        self.constraint(&table, TableConstraint::Unique(key), place);
    }

    fn check(&mut self, table: &str, rule: CheckConstraint, place: &str) {
        let CheckConstraint { name, expr, enforced } = rule;
        let path = format!("{place}: {table}");
        if enforced == Some(false) {
            self.tracker
                .lose(&path, "NOT ENFORCED", "what a contract says is enforced");
        }
        let dialect = self.dialect;
        let Some(found) = self.find(table) else { return };
        let shown = expr.to_string();
        let texts = found.columns.iter().any(|column| {
            let name = column.get("name").and_then(Value::as_str).unwrap_or_default();
            column.get("logicalType").is_some_and(|kind| kind == "string") && mentions(&shown, name)
        });
        let ignores_case =
            matches!(dialect, Dialect::MySql | Dialect::SqlServer) && texts && shown.contains(['\'', '"']);
        let own = name.as_ref().map(|name| name.value.as_str());
        let taken = check::apply(&expr, dialect, own, &mut found.columns, &mut found.object);
        let is_rule = match taken {
            Ok(is_rule) => is_rule,
            Err(why) => {
                let what = format!("CHECK ({})", short(&expr.to_string()));
                self.tracker.lose(path, what, why);
                return;
            }
        };
        if is_rule {
            let text = last_row(&found.object);
            self.tracker.stands(text, path.as_str());
        }
        if ignores_case {
            let what = format!("CHECK ({}): case", short(&shown));
            let why = "texts of a contract differ where their case differs; in this database they mostly do not";
            self.tracker.lose(&path, what, why);
        }
        if let Some(name) = name.filter(|_| !is_rule) {
            let why = "the limits of a column have no name in a contract";
            self.tracker.lose(path, format!("CONSTRAINT {name}"), why);
        }
    }

    fn foreign_key(&mut self, table: &str, key: ForeignKeyConstraint, place: &str) {
        let ForeignKeyConstraint {
            name,
            index_name,
            columns,
            foreign_table,
            referred_columns,
            on_delete,
            on_update,
            match_kind,
            characteristics,
        } = key;
        let columns = idents(&columns);
        let path = format!("{place}: {table}({})", columns.join(", "));
        let beside = [
            index_name.map(|name| name.to_string()),
            on_delete.map(|action| format!("ON DELETE {action}")),
            on_update.map(|action| format!("ON UPDATE {action}")),
            match_kind.map(|kind| kind.to_string()),
            characteristics.map(|words| words.to_string()),
        ];
        self.lose_beside(&path, name, beside);
        self.keys.push(Key {
            path,
            table: table.to_owned(),
            columns,
            to_table: last(&foreign_table),
            to_columns: idents(&referred_columns),
        });
    }
}
