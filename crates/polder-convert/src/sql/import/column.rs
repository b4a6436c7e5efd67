//! Columns: their types and what stands behind them.

use polder_core::Result;
use serde_json::{Map, Value, json};
use sqlparser::ast::{ColumnDef, ColumnOption, ColumnOptionDef, DataType, TableConstraint};

use super::super::types::{TypeReader, described};
use super::{NO_PLACE, OF_DATABASE, Reader, short};

const FILLED_IN: &str = "a contract says what values are, not what a database fills in";

impl Reader<'_> {
    /// Writes a type into a property.
    pub(super) fn column_type(
        &self,
        data_type: &DataType,
        path: &str,
        property: &mut Map<String, Value>,
    ) -> Result<()> {
        let types = TypeReader {
            dialect: self.dialect,
            own: &self.own,
            fields: &self.fields,
            tracker: &self.tracker,
            bounds: &self.bounds,
        };
        types.read(data_type, path, 0, property)
    }

    /// A column; its keys and checks are put out as those of the table.
    pub(super) fn column(
        &self,
        table: &str,
        column: &ColumnDef,
        place: &str,
        constraints: &mut Vec<TableConstraint>,
    ) -> Result<Map<String, Value>> {
        let place = self.place(column.name.span, place);
        let path = format!("{place}: {table}.{}", column.name.value);
        let mut property = Map::from_iter([("name".to_owned(), json!(column.name.value))]);
        self.column_type(&column.data_type, &path, &mut property)?;
        for ColumnOptionDef { name, option } in &column.options {
            let mut named = name.clone();
            match option {
                ColumnOption::Null => {}
                // What is nothing is filled in by no database.
                ColumnOption::Default(value) if value.to_string().eq_ignore_ascii_case("null") => {}
                ColumnOption::NotNull => {
                    property.insert("required".to_owned(), json!(true));
                }
                ColumnOption::Comment(text) => {
                    property.insert("description".to_owned(), json!(text));
                }
                ColumnOption::Options(list) => {
                    for option in list {
                        match described(option) {
                            Some(text) => {
                                property.insert("description".to_owned(), json!(text));
                            }
                            None => self.tracker.lose(&path, short(&option.to_string()), NO_PLACE),
                        }
                    }
                }
                ColumnOption::PrimaryKey(key) => {
                    let mut key = key.clone();
                    key.columns = vec![column.name.clone().into()];
                    key.name = key.name.or_else(|| named.take());
                    constraints.push(TableConstraint::PrimaryKey(key));
                }
                ColumnOption::Unique(key) => {
                    let mut key = key.clone();
                    key.columns = vec![column.name.clone().into()];
                    key.name = key.name.or_else(|| named.take());
                    constraints.push(TableConstraint::Unique(key));
                }
                ColumnOption::ForeignKey(key) => {
                    let mut key = key.clone();
                    key.columns = vec![column.name.clone()];
                    key.name = key.name.or_else(|| named.take());
                    constraints.push(TableConstraint::ForeignKey(key));
                }
                ColumnOption::Check(check) => {
                    let mut check = check.clone();
                    check.name = check.name.or_else(|| named.take());
                    constraints.push(TableConstraint::Check(check));
                }
                ColumnOption::Default(_)
                | ColumnOption::Materialized(_)
                | ColumnOption::Ephemeral(_)
                | ColumnOption::Alias(_)
                | ColumnOption::OnUpdate(_) => {
                    self.tracker.lose(&path, short(&option.to_string()), FILLED_IN);
                }
                ColumnOption::Generated {
                    generation_expr: None, ..
                }
                | ColumnOption::Identity(_) => {
                    // A column that numbers itself is never null.
                    property.insert("required".to_owned(), json!(true));
                    self.tracker.lose(&path, short(&option.to_string()), FILLED_IN);
                }
                ColumnOption::DialectSpecific(words)
                    if words
                        .iter()
                        .any(|word| word.to_string().eq_ignore_ascii_case("AUTO_INCREMENT")) =>
                {
                    property.insert("required".to_owned(), json!(true));
                    self.tracker.lose(&path, short(&option.to_string()), FILLED_IN);
                }
                ColumnOption::Generated { .. } => {
                    self.tracker.lose(&path, short(&option.to_string()), FILLED_IN);
                }
                ColumnOption::DialectSpecific(_)
                | ColumnOption::CharacterSet(_)
                | ColumnOption::Collation(_)
                | ColumnOption::OnConflict(_)
                | ColumnOption::Policy(_)
                | ColumnOption::Tags(_)
                | ColumnOption::Srid(_)
                | ColumnOption::Invisible => {
                    let words = match option {
                        ColumnOption::Collation(name) => format!("COLLATE {name}"),
                        other => other.to_string(),
                    };
                    self.tracker.lose(&path, short(&words), OF_DATABASE);
                }
            }
            if let Some(name) = named {
                self.tracker.lose(
                    &path,
                    format!("CONSTRAINT {name}"),
                    "such a limit has no name in a contract",
                );
            }
        }
        Ok(property)
    }
}
