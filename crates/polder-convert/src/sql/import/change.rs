//! What other statements say of tables and of the types of columns: ALTER TABLE, COMMENT ON, CREATE TYPE, CREATE DOMAIN.

use polder_core::Result;
use serde_json::{Map, Value, json};
use sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, AlterType, AlterTypeOperation, CommentObject, CreateDomain,
    Ident, ObjectName, UserDefinedTypeRepresentation,
};

use super::{NO_PLACE, NO_SUCH_COLUMN, NO_SUCH_TABLE, NOT_FOLLOWED, OF_DATABASE, Reader, full, idents, last, short};
use crate::kind::OF_TYPE;

impl Reader<'_> {
    pub(super) fn alter(&mut self, alter: AlterTable, place: &str) -> Result<()> {
        let name = last(&alter.name);
        let path = format!("{place}: {name}");
        if let Some(location) = alter.location {
            self.tracker
                .lose(&path, format!("LOCATION {}", location.location), OF_DATABASE);
        }
        for operation in alter.operations {
            if self.find(&name).is_none() {
                self.tracker.lose(&path, short(&operation.to_string()), NO_SUCH_TABLE);
                continue;
            }
            match operation {
                AlterTableOperation::AddConstraint { constraint, not_valid } => {
                    if not_valid {
                        self.tracker
                            .lose(&path, "NOT VALID", "a contract speaks of the rows that are there, too");
                    }
                    self.constraint(&name, constraint, place);
                }
                AlterTableOperation::AddColumn {
                    column_keyword: _,
                    if_not_exists: _,
                    column_def,
                    column_position,
                } => {
                    if let Some(position) = column_position {
                        self.tracker.lose(&path, position.to_string(), "it is the last column");
                    }
                    let mut constraints = Vec::new();
                    let property = self.column(&name, &column_def, place, &mut constraints)?;
                    if let Some(table) = self.find(&name) {
                        table.columns.push(property);
                    }
                    for constraint in constraints {
                        self.constraint(&name, constraint, place);
                    }
                }
                AlterTableOperation::AlterColumn { column_name, op } => {
                    self.alter_column(&name, &column_name, op, place)?;
                }
                other => {
                    let why = match &other {
                        AlterTableOperation::DropConstraint { .. }
                        | AlterTableOperation::DropColumn { .. }
                        | AlterTableOperation::DropPrimaryKey { .. }
                        | AlterTableOperation::DropForeignKey { .. }
                        | AlterTableOperation::RenameColumn { .. }
                        | AlterTableOperation::RenameTable { .. }
                        | AlterTableOperation::ChangeColumn { .. }
                        | AlterTableOperation::ModifyColumn { .. } => NOT_FOLLOWED,
                        _ => OF_DATABASE,
                    };
                    self.tracker.lose(&path, short(&other.to_string()), why);
                }
            }
        }
        Ok(())
    }

    fn alter_column(&mut self, table: &str, column: &Ident, op: AlterColumnOperation, place: &str) -> Result<()> {
        let place = self.place(column.span, place);
        let path = format!("{place}: {table}.{}", column.value);
        let Some((found, at)) = self
            .find(table)
            .and_then(|found| found.position(&column.value).map(|at| (found, at)))
        else {
            self.tracker.lose(path, op.to_string(), NO_SUCH_COLUMN);
            return Ok(());
        };
        let property = &mut found.columns[at];
        let shown = op.to_string();
        match op {
            AlterColumnOperation::SetNotNull => {
                property.insert("required".to_owned(), json!(true));
            }
            AlterColumnOperation::DropNotNull => {
                property.remove("required");
            }
            // A default was named as lost where it was set.
            AlterColumnOperation::DropDefault => {}
            AlterColumnOperation::SetDefault { value: _ } => {
                let why = "a contract says what values are, not what a database fills in";
                self.tracker.lose(path, short(&shown), why);
            }
            AlterColumnOperation::AddGenerated { .. } => {
                property.insert("required".to_owned(), json!(true));
                let why = "a contract says what values are, not what a database fills in";
                self.tracker.lose(path, short(&shown), why);
            }
            AlterColumnOperation::SetDataType {
                data_type,
                using,
                had_set: _,
            } => {
                // Limits of checks and of enumerations go with the type that they were written for.
                let limited = property.contains_key("quality")
                    || property
                        .get("logicalTypeOptions")
                        .and_then(Value::as_object)
                        .is_some_and(|options| options.keys().any(|key| key != "format" && key != "maxLength"));
                if limited {
                    self.tracker.lose(path, short(&shown), NOT_FOLLOWED);
                    return Ok(());
                }
                let mut changed: Map<String, Value> = property.clone();
                OF_TYPE.iter().for_each(|key| {
                    changed.remove(*key);
                });
                self.column_type(&data_type, &path, &mut changed)?;
                if let Some(using) = using {
                    self.tracker.lose(path, short(&format!("USING {using}")), OF_DATABASE);
                }
                if let Some(property) = self.find(table).and_then(|found| found.columns.get_mut(at)) {
                    *property = changed;
                }
            }
        }
        Ok(())
    }

    pub(super) fn comment(&mut self, kind: &CommentObject, name: &ObjectName, text: Option<&str>, place: &str) {
        let parts: Vec<String> = full(name).split('.').map(str::to_owned).collect();
        let element = match (kind, parts.as_slice()) {
            (CommentObject::Table, [.., table]) => self.find(table).map(|known| &mut known.object),
            (CommentObject::Column, [.., table, column]) => self.find(table).and_then(|known| {
                let at = known.position(column)?;
                known.columns.get_mut(at)
            }),
            _ => None,
        };
        match (element, text) {
            (Some(element), Some(text)) => {
                element.insert("description".to_owned(), json!(text));
            }
            (Some(element), None) => {
                element.remove("description");
            }
            (None, _) => self.tracker.lose(
                place,
                format!("COMMENT ON {name}"),
                "there is no such table or column in the script",
            ),
        }
    }

    pub(super) fn own_type(
        &mut self,
        name: &ObjectName,
        representation: Option<UserDefinedTypeRepresentation>,
        place: &str,
    ) {
        let own = last(name);
        match representation {
            Some(UserDefinedTypeRepresentation::Enum { labels }) => {
                self.own.enums.insert(own.to_lowercase(), idents(&labels));
            }
            Some(UserDefinedTypeRepresentation::Composite { attributes }) => {
                let mut fields = Vec::new();
                for attribute in attributes {
                    if let Some(collation) = attribute.collation {
                        let path = format!("{place}: {own}.{}", attribute.name.value);
                        self.tracker.lose(path, format!("COLLATE {collation}"), OF_DATABASE);
                    }
                    fields.push((attribute.name.value, attribute.data_type));
                }
                self.own.composites.insert(own.to_lowercase(), fields);
            }
            Some(other) => {
                let what = short(&format!("CREATE TYPE {name} {other}"));
                self.tracker.lose(place, what, NO_PLACE);
            }
            None => self.tracker.lose(place, format!("CREATE TYPE {name}"), NO_PLACE),
        }
    }

    pub(super) fn alter_type(&mut self, alter: AlterType, place: &str) {
        let name = last(&alter.name);
        let known = self.own.enums.get_mut(&name.to_lowercase());
        match (alter.operation, known) {
            // Columns that were read already have the values of then.
            (AlterTypeOperation::AddValue(added), Some(labels)) if self.tables.is_empty() => {
                labels.push(added.value.value);
            }
            (operation, _) => {
                let what = short(&operation.to_string());
                self.tracker.lose(format!("{place}: {name}"), what, NOT_FOLLOWED);
            }
        }
    }

    pub(super) fn domain(&mut self, domain: CreateDomain, place: &str) {
        let CreateDomain {
            name,
            data_type,
            collation,
            default,
            constraints,
        } = domain;
        let own = last(&name);
        let beside = collation
            .map(|collation| format!("COLLATE {collation}"))
            .into_iter()
            .chain(default.map(|value| format!("DEFAULT {value}")))
            .chain(constraints.iter().map(ToString::to_string));
        for what in beside {
            let path = format!("{place}: {own}");
            self.tracker
                .lose(path, short(&what), "limits of a domain are not followed");
        }
        self.own.domains.insert(own.to_lowercase(), data_type);
    }
}
