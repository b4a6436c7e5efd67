//! Foreign keys as relationships, once all tables are known.

use serde_json::{Value, json};

use super::{Key, NO_SUCH_COLUMN, NO_SUCH_TABLE, Reader, Table};
use crate::draft::push;

/// Whether a contract's references can name it.
fn referable(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// The columns as the table spells them; those of its primary key where none are named.
fn spelled(table: &Table, columns: &[String]) -> Option<Vec<String>> {
    if !columns.is_empty() {
        return columns
            .iter()
            .map(|name| {
                let own = table.columns.get(table.position(name)?)?;
                own.get("name")?.as_str().map(str::to_owned)
            })
            .collect();
    }
    let mut key: Vec<_> = table
        .columns
        .iter()
        .filter(|column| column.contains_key("primaryKey"))
        .collect();
    key.sort_by_key(|column| column.get("primaryKeyPosition").and_then(Value::as_u64));
    key.iter()
        .map(|column| column.get("name")?.as_str().map(str::to_owned))
        .collect()
}

impl Reader<'_> {
    pub(super) fn relate(&mut self) {
        for key in std::mem::take(&mut self.keys) {
            if let Err((what, why)) = self.relationship(&key) {
                self.tracker.lose(key.path, what, why);
            }
        }
    }

    fn relationship(&mut self, key: &Key) -> Result<(), (String, &'static str)> {
        let whole = format!("REFERENCES {}", key.to_table);
        let Some(target) = self.find(&key.to_table) else {
            return Err((whole, NO_SUCH_TABLE));
        };
        let to_table = target.name.clone();
        let Some(to) = spelled(target, &key.to_columns) else {
            return Err((format!("{whole} ({})", key.to_columns.join(", ")), NO_SUCH_COLUMN));
        };
        let Some(own) = self.find(&key.table) else {
            return Err((whole, NO_SUCH_TABLE));
        };
        let Some(from) = spelled(own, &key.columns) else {
            return Err((whole, NO_SUCH_COLUMN));
        };
        if to.len() != from.len() {
            return Err((whole, "it has not as many columns as the key that it leads to"));
        }
        let names_fit = [&own.name, &to_table]
            .into_iter()
            .chain(&from)
            .chain(&to)
            .all(|name| referable(name));
        if !names_fit {
            return Err((whole, "a contract cannot name these columns"));
        }
        let reference = |table: &str, columns: &[String]| -> Vec<String> {
            columns.iter().map(|column| format!("{table}.{column}")).collect()
        };
        if let ([single], [target]) = (from.as_slice(), to.as_slice()) {
            if let Some(at) = own.position(single) {
                let relationship = json!({"to": format!("{to_table}.{target}")});
                push(&mut own.columns[at], "relationships", relationship);
            }
        } else {
            let relationship = json!({"from": reference(&own.name, &from), "to": reference(&to_table, &to)});
            push(&mut own.object, "relationships", relationship);
        }
        Ok(())
    }
}
