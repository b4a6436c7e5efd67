//! What is to be replayed, and what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use polder_contract::DatasetContract;
use polder_core::RunId;
use polder_gate::table::Queries;

use super::Selection;
use super::patch::Patch;
use super::reread::Reread;

/// What is to be replayed, and how.
pub struct Replay<'a> {
    /// The contract that judges now.
    pub contract: &'a DatasetContract,
    /// Answers the contract's rules that ask other tables.
    pub queries: Arc<dyn Queries>,
    /// Which rows.
    pub selection: Selection,
    /// What is mended in them.
    pub patch: Option<&'a dyn Patch>,
    /// Who reads the bytes of records again; without, a record that did not decode cannot be replayed.
    pub reread: Option<&'a dyn Reread>,
    /// What made them pass, in words: stays on record.
    pub resolution: String,
    /// Who decided.
    pub by: String,
    /// The run: the rows that get into the table name it.
    pub run: RunId,
    /// Is told how many more rows were judged. When a replay begins anew, rows come a second time.
    pub judged: Option<&'a (dyn Fn(u64) + Sync)>,
}

/// What a replay did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Open rows that were selected.
    pub selected: u64,
    /// Rows that pass: they are in the table now.
    pub passed: u64,
    /// Rows that were refused again, by the first rule that they break: how many, and what one of them says. They stay
    /// open.
    pub refused: BTreeMap<String, (u64, String)>,
    /// Rows that cannot be replayed at all, by why. They stay open as they were.
    pub unfit: BTreeMap<String, u64>,
    /// Rows that pass although they break rules which only warn, by rule.
    pub warned: BTreeMap<String, u64>,
    /// What set rules say of the table with these rows where that refuses nothing, by rule: a rule that only warns and
    /// is further from what it asks than without these rows, a rule that was not run; and what policies let no row hold
    /// and rows that pass do.
    pub remarks: BTreeMap<String, String>,
    /// The table's version that holds the rows; `None` where there was nothing to commit.
    pub version: Option<u64>,
}
