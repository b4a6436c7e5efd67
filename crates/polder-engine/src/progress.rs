//! How far a pipeline got, as it is written in the commits of its table.
//!
//! `pipeline/<name>/<definition>/<source>@<table>` holds the version of a source that is built in, where `<table>` are 8
//! hexadecimal digits of the hash of its table's id: a table that is made anew is another one, whatever its version.
//! `pipeline/<name>/<definition>/<source>` says which table that was (0: there was none yet), and `pipeline/<name>` which
//! definition built the target. Without these two, going back to an earlier table or definition would find the old
//! progress and take the target for up to date.

use polder_contract::DatasetContract;
use polder_core::{DatasetName, ObjectName};

use crate::definition::{Pipeline, hex16};

/// The source has no table yet.
pub(crate) const NO_TABLE: i64 = 0;

/// A source's table, by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableMark(String);

impl TableMark {
    /// The mark of the table with this id.
    pub(crate) fn of(id: &str) -> Self {
        Self(hex16(id.as_bytes()))
    }

    /// What stands under [`Definition::source_id`]; never [`NO_TABLE`].
    pub(crate) fn number(&self) -> i64 {
        bits(&self.0).max(1)
    }
}

/// 63 bits of 16 hexadecimal digits, because progress is signed and not negative.
fn bits(hash: &str) -> i64 {
    u64::from_str_radix(hash, 16).map_or(0, |bits| (bits >> 1) as i64)
}

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
        bits(&self.hash)
    }

    /// The id under which the target says which table of a source is built in.
    pub(crate) fn source_id(&self, source: &DatasetName) -> String {
        format!("pipeline/{}/{}/{source}", self.name, self.hash)
    }
    /// The id of the progress on one table of a source.
    pub(crate) fn version_id(&self, source: &DatasetName, table: &TableMark) -> String {
        format!("{}@{}", self.source_id(source), &table.0[..8])
    }
}
