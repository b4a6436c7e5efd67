//! Keys of other tables, and the order of tables that they ask for.

use std::collections::HashMap;

use serde_json::Value;

use super::super::words::quoted;
use super::Writer;
use crate::dialect::Dialect;
use crate::element::Table;
use crate::loss::View;

/// A key of another table of the contract.
pub(super) struct ForeignKey<'a> {
    /// Where the contract says so.
    pub(super) declared: View<'a>,
    /// The columns.
    pub(super) from: Vec<&'a str>,
    /// The other table.
    pub(super) table: &'a str,
    /// The columns there, in the same order.
    pub(super) to: Vec<&'a str>,
}

/// Tables behind those that they refer to, as far as there is no circle.
pub(super) fn in_order(tables: &[Table<'_>], keys: &[Vec<ForeignKey<'_>>]) -> Vec<usize> {
    fn visit(index: usize, edges: &[Vec<usize>], seen: &mut [bool], out: &mut Vec<usize>) {
        // A stack of one's own: thousands of tables can refer to each other in one chain.
        let mut stack = vec![(index, 0)];
        seen[index] = true;
        while let Some((at, next)) = stack.pop() {
            match edges[at].get(next) {
                Some(target) => {
                    stack.push((at, next + 1));
                    if !seen[*target] {
                        seen[*target] = true;
                        stack.push((*target, 0));
                    }
                }
                None => out.push(at),
            }
        }
    }
    let by_name: HashMap<&str, usize> = tables
        .iter()
        .enumerate()
        .map(|(index, table)| (table.name, index))
        .collect();
    let edges: Vec<Vec<usize>> = keys
        .iter()
        .map(|keys| keys.iter().filter_map(|key| by_name.get(key.table).copied()).collect())
        .collect();
    let mut seen = vec![false; tables.len()];
    let mut out = Vec::new();
    for index in 0..tables.len() {
        if !seen[index] {
            visit(index, &edges, &mut seen, &mut out);
        }
    }
    out
}

impl<'a> Writer<'_, 'a> {
    /// The keys of other tables that a table declares.
    pub(super) fn foreign_keys(&self, table: &Table<'a>) -> Vec<ForeignKey<'a>> {
        let mut keys = Vec::new();
        for relationship in table.view.items("relationships") {
            let side = |key: &str| -> Option<Vec<&'a str>> {
                let value = relationship.value.get(key)?;
                match value.as_array() {
                    Some(list) => list.iter().map(Value::as_str).collect(),
                    None => value.as_str().map(|one| vec![one]),
                }
            };
            let (Some(from), Some(to)) = (side("from"), side("to")) else {
                continue;
            };
            let from: Vec<&str> = from
                .into_iter()
                .filter_map(|one| Some(one.rsplit_once('.')?.1))
                .collect();
            keys.extend(self.key(&relationship, from, &to));
        }
        for column in &table.columns {
            for relationship in column.view.items("relationships") {
                if let Some(to) = relationship.value.get("to").and_then(Value::as_str) {
                    keys.extend(self.key(&relationship, vec![column.name], &[to]));
                }
            }
        }
        keys
    }

    /// A key to a table of this contract; what leads elsewhere is left, and so named as lost.
    fn key(&self, declared: &View<'a>, from: Vec<&'a str>, to: &[&'a str]) -> Option<ForeignKey<'a>> {
        if declared.value.get("customProperties").is_some() {
            return None;
        }
        let ends: Option<Vec<_>> = to.iter().map(|end| end.split_once('.')).collect();
        let ends = ends?;
        let table = ends.first()?.0;
        let target = self.tables.iter().find(|known| known.name == table)?;
        let to: Vec<&str> = ends
            .iter()
            .filter(|(other, _)| *other == table)
            .map(|(_, column)| *column)
            .collect();
        let known = to
            .iter()
            .all(|name| target.columns.iter().any(|column| column.name == *name));
        (known && to.len() == from.len()).then(|| ForeignKey {
            declared: declared.clone(),
            from,
            table,
            to,
        })
    }

    /// The key as a constraint.
    pub(super) fn foreign_key(&self, key: &ForeignKey<'_>) -> Option<String> {
        let target = self.tables.iter().find(|table| table.name == key.table)?;
        let list = |names: &[&str]| {
            names
                .iter()
                .map(|name| quoted(name, self.dialect))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let informational = if self.dialect == Dialect::BigQuery {
            " NOT ENFORCED"
        } else {
            ""
        };
        Some(format!(
            "FOREIGN KEY ({}) REFERENCES {} ({}){informational}",
            list(&key.from),
            self.table_name(target),
            list(&key.to)
        ))
    }
}
