//! CREATE TABLE.

use polder_core::Result;
use serde_json::{Map, Value, json};
use sqlparser::ast::{CommentDef, CreateTable, CreateTableOptions, HiveDistributionStyle, TableConstraint};

use super::super::spark_tail;
use super::super::types::described;
use super::{NO_SUCH_COLUMN, OF_DATABASE, Reader, Table, clauses, full, last, short};

impl Reader<'_> {
    pub(super) fn table(&mut self, create: &CreateTable, place: &str) -> Result<()> {
        let name = last(&create.name);
        let path = format!("{place}: {name}");
        if create.columns.is_empty() {
            let what = clauses::lost(create).join(" ");
            let what = if what.is_empty() {
                "a table without columns".to_owned()
            } else {
                format!("a table without columns of its own: {}", short(&what))
            };
            let why = "its columns are those of another table or query";
            self.tracker.lose(path, what, why);
            return Ok(());
        }
        for clause in clauses::lost(create) {
            self.tracker.lose(&path, short(&clause), OF_DATABASE);
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
                None => self.tracker.lose(&path, short(&option.to_string()), OF_DATABASE),
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
        self.hive_partitions(create, &mut table, place, &mut constraints)?;
        self.add(table);
        for constraint in constraints.into_iter().chain(create.constraints.iter().cloned()) {
            self.constraint(&name, constraint, place);
        }
        Ok(())
    }

    /// Hive declares the columns of partitions apart, or names columns that are there.
    fn hive_partitions(
        &mut self,
        create: &CreateTable,
        table: &mut Table,
        place: &str,
        constraints: &mut Vec<TableConstraint>,
    ) -> Result<()> {
        let HiveDistributionStyle::PARTITIONED { columns } = &create.hive_distribution else {
            return Ok(());
        };
        for (index, partition) in columns.iter().enumerate() {
            let at = match table.position(&partition.name.value) {
                Some(known) => known,
                None => {
                    let property = self.column(&table.name, partition, place, constraints)?;
                    table.columns.push(property);
                    table.columns.len() - 1
                }
            };
            partition_by(&mut table.columns[at], index);
        }
        Ok(())
    }

    /// The clauses behind the columns of the table that was read last.
    pub(super) fn apply_tail(&mut self, tail: spark_tail::Tail, place: &str) {
        let Some(table) = self.tables.last_mut() else { return };
        let path = format!("{place}: {}", table.name);
        for other in tail.others {
            self.tracker.lose(&path, short(&other), OF_DATABASE);
        }
        if let Some(text) = tail.comment {
            table.object.insert("description".to_owned(), json!(text));
        }
        for (index, name) in tail.partitions.iter().enumerate() {
            match table.position(name) {
                Some(at) => partition_by(&mut table.columns[at], index),
                None => self
                    .tracker
                    .lose(&path, format!("PARTITIONED BY ({name})"), NO_SUCH_COLUMN),
            }
        }
    }
}

fn partition_by(column: &mut Map<String, Value>, index: usize) {
    column.insert("partitioned".to_owned(), json!(true));
    column.insert("partitionKeyPosition".to_owned(), json!(index + 1));
}
