//! How far a pipeline got, as it is written in the commits of its table.
//!
//! `pipeline/<name>/<definition>/<source>` holds the version of a source that is built in (-1: the source had no table
//! yet). `pipeline/<name>` says which definition built the table: without it, going back to an earlier definition would
//! find that one's old progress and take the table for up to date.

use polder_contract::DatasetContract;
use polder_core::{DatasetName, ObjectName};

use crate::definition::{Pipeline, hex16};

/// The source has no table yet.
pub(crate) const NO_TABLE: i64 = -1;

/// The definition of a pipeline: what its rows depend on besides its sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    name: ObjectName,
    /// 16 hexadecimal digits.
    hash: String,
}

impl Definition {
    /// Query, materialization, key and contract: a change of any of them rebuilds the table.
    pub(crate) fn of(pipeline: &Pipeline, contract: &DatasetContract) -> Self {
        let types: Vec<_> = contract
            .object()
            .properties
            .iter()
            .map(|property| match property.column_type() {
                Ok(kind) => format!("{} {kind:?}", property.name),
                Err(_) => property.name.clone(),
            })
            .collect();
        let text = serde_json::json!([
            pipeline.sql.text.trim(),
            pipeline.materialization.as_str(),
            pipeline.key,
            pipeline.dataset.to_string(),
            contract.version(),
            types,
        ]);
        Self {
            name: pipeline.name.clone(),
            hash: hex16(text.to_string().as_bytes()),
        }
    }

    /// The id under which the table says who built it.
    pub(crate) fn builder_id(&self) -> String {
        format!("pipeline/{}", self.name)
    }

    /// What stands under [`Definition::builder_id`] when this definition built the table.
    pub(crate) fn builder(&self) -> i64 {
        // 63 bits, because progress is signed and not negative.
        u64::from_str_radix(&self.hash, 16).map_or(0, |bits| (bits >> 1) as i64)
    }

    /// The id of the progress on one source.
    pub(crate) fn source_id(&self, source: &DatasetName) -> String {
        format!("pipeline/{}/{}/{source}", self.name, self.hash)
    }
}
