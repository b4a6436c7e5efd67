//! Names that mean other columns than before.

use std::collections::BTreeMap;

use polder_core::DatasetName;

use super::DatasetColumn;

/// Columns by their names, each with the name that it had; nothing for one that was not there.
pub(super) type Named = BTreeMap<DatasetColumn, Option<DatasetColumn>>;

/// Names that mean another column than before.
#[derive(Debug, Clone, Default)]
pub struct Renamed(Named);

impl Renamed {
    /// The columns of a dataset that have the name of another one now, each with its name before, if it was there.
    pub fn add(&mut self, dataset: &DatasetName, names: impl IntoIterator<Item = (String, Option<String>)>) {
        let column = |column: String| DatasetColumn {
            dataset: dataset.clone(),
            column,
        };
        let names = names.into_iter();
        self.0
            .extend(names.map(|(now, before)| (column(now), before.map(column))));
    }

    /// What a column was called before; nothing for a column that was not there, and took the name of another.
    pub(super) fn before(&self, now: &DatasetColumn) -> Option<DatasetColumn> {
        if self.0.is_empty() {
            return Some(now.clone());
        }
        // The longest path around counts.
        let ends = now.column.match_indices(['.', '[']).map(|(at, _)| at);
        let ends = std::iter::once(now.column.len()).chain(ends.collect::<Vec<_>>().into_iter().rev());
        for end in ends {
            let (path, rest) = now.column.split_at(end);
            let around = DatasetColumn {
                dataset: now.dataset.clone(),
                column: path.to_owned(),
            };
            if let Some(before) = self.0.get(&around) {
                return before.as_ref().map(|before| DatasetColumn {
                    dataset: before.dataset.clone(),
                    column: format!("{}{rest}", before.column),
                });
            }
        }
        Some(now.clone())
    }
}
