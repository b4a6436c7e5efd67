//! The real data, which lies outside the repository.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::skip;

/// The folder that `POLDER_DATA` names, by default `../shared/data` beside the repository; else a skip.
#[must_use]
pub fn folder(suite: &str) -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = env::var_os("POLDER_DATA").map_or_else(default, PathBuf::from);
    let found = folder.canonicalize().ok();
    if found.is_none() {
        skip(suite, "no real data (POLDER_DATA names its folder)");
    }
    found
}

/// The folder of the Online Retail data, one CSV file a trading day; else a skip.
#[must_use]
pub fn retail(suite: &str) -> Option<PathBuf> {
    let days = folder(suite)?.join("online_retail/by-day");
    if !days.is_dir() {
        skip(suite, "no Online Retail data in POLDER_DATA");
        return None;
    }
    Some(days)
}
