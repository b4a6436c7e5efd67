//! What Polder writes into a table's log and reads there, commit by commit.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use deltalake::kernel::{Action, CommitInfo};
use polder_core::{Error, ErrorKind};
use serde_json::Value;

/// Our keys in a commit's information begin with this.
pub(crate) const KEY_PREFIX: &str = "polder.";
/// The table property that makes a table forget progress.
pub(crate) const FORGETS_PROGRESS: &str = "delta.setTransactionRetentionDuration";
/// A checkpoint is written at every version that this divides: opening a table reads fewer commits than that.
pub(crate) const CHECKPOINT_INTERVAL: u64 = 100;

/// The refusal of a table that may forget how far a stream got.
pub(crate) fn forgets_progress(name: &str) -> Error {
    Error::new(
        ErrorKind::Data,
        format!("{name} sets {FORGETS_PROGRESS}: it would forget progress and double rows"),
    )
    .with_help(format!(
        "remove the property: ALTER TABLE … UNSET TBLPROPERTIES ('{FORGETS_PROGRESS}')"
    ))
}

/// The run that a commit carries.
pub(crate) fn run_of(info: &CommitInfo) -> Option<String> {
    info.info
        .get(&format!("{KEY_PREFIX}run_id"))
        .and_then(Value::as_str)
        .map(ToOwned::to_owned)
}

/// Tells commits apart within this process.
pub(crate) fn seal_of(entry: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(entry);
    hasher.finish()
}

/// The actions of a commit, of its bytes in the log.
///
/// # Errors
/// Where an action cannot be read without which the table's rows, columns and progress are not known.
pub(crate) fn actions_of(entry: &[u8]) -> Result<Vec<Action>, serde_json::Error> {
    let mut actions = Vec::new();
    for line in entry
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
    {
        match serde_json::from_slice(line) {
            Ok(action) => actions.push(action),
            Err(cause) if concerns_rows(line) => return Err(cause),
            // Notes of other engines, and actions that this protocol version lets a reader ignore.
            Err(_) => {}
        }
    }
    Ok(actions)
}

/// Whether an action of the log must be understood to know the table's rows, columns and progress.
fn concerns_rows(line: &[u8]) -> bool {
    const ACTIONS: [&str; 5] = ["add", "remove", "metaData", "protocol", "txn"];
    match serde_json::from_slice::<HashMap<String, serde::de::IgnoredAny>>(line) {
        Ok(action) => ACTIONS.iter().any(|known| action.contains_key(*known)),
        Err(_) => true,
    }
}
