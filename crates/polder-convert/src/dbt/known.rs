//! What a file describes as tables: references lead to these only.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::loss::View;

/// Why a reference is lost.
pub(super) const NOT_HERE: &str = "the file describes no such model and column: a contract refers to its own objects";

/// The tables of a file with their columns.
pub(super) struct Known(HashMap<String, HashSet<String>>);

impl Known {
    /// Everything that the file at this root describes.
    pub(super) fn of(root: &View<'_>) -> Self {
        let models = ["models", "seeds", "snapshots"]
            .into_iter()
            .flat_map(|key| root.items(key));
        let sources = root
            .items("sources")
            .into_iter()
            .flat_map(|source| source.items("tables"));
        let mut known: HashMap<String, HashSet<String>> = HashMap::new();
        for table in models.chain(sources) {
            let Some(own) = name(&table) else { continue };
            let columns = known.entry(own).or_default();
            columns.extend(table.items("columns").iter().filter_map(name));
        }
        Self(known)
    }

    /// Whether there is such a column.
    pub(super) fn has(&self, table: &str, column: &str) -> bool {
        self.0.get(table).is_some_and(|columns| columns.contains(column))
    }
}

fn name(view: &View<'_>) -> Option<String> {
    view.value.get("name").and_then(Value::as_str).map(str::to_owned)
}

/// The model that `ref('model')` or `source('schema', 'table')` names.
pub(super) fn referenced(text: &str) -> Option<&str> {
    let inside = text.trim().trim_start_matches(['{', ' ']).trim_end_matches(['}', ' ']);
    let (arguments, rest) = inside.split_once('(')?.1.rsplit_once(')')?;
    if !rest.trim().is_empty() {
        return None;
    }
    let name = arguments.split(',').next_back()?.trim().trim_matches(['\'', '"']);
    let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (fits && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
}
