//! Datasets that leave the contracts: what is promised ends with notice, not with a deletion.

use chrono::{DateTime, Utc};
use polder_core::DatasetName;

use crate::contract::Contract;
use crate::dates::day;

/// Why a dataset may not be taken out of the contract that describes it, while the contract goes on: it was in force, and
/// its own end is not over. Without an end it has to be given one first.
pub fn departure_problem(old: &Contract, dataset: &DatasetName, now: DateTime<Utc>) -> Option<String> {
    let object = old
        .objects
        .iter()
        .position(|object| object.dataset.as_ref() == Some(dataset))?;
    if !old.in_force() {
        return None;
    }
    match old.lifecycle_of(object).end_of_life {
        Some(end) if end <= now => None,
        Some(end) => Some(format!("its life ends at {} only", day(end))),
        None => Some(format!("it was {} and has no end", old.status)),
    }
}
