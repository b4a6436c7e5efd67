//! A Delta table's log on a local disk, read without any Delta library.

use std::{fs, path::Path};

/// The versions that are committed in the table in `folder`, in order; empty where there is no table.
///
/// See <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#delta-log-entries>.
#[must_use]
pub fn versions(folder: &Path) -> Vec<u64> {
    let entries = fs::read_dir(folder.join("_delta_log")).into_iter().flatten().flatten();
    let mut versions: Vec<u64> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let digits = name.to_str()?.strip_suffix(".json")?;
            (digits.len() == 20).then(|| digits.parse().ok()).flatten()
        })
        .collect();
    versions.sort_unstable();
    versions
}

/// The actions of one commit, as JSON values.
#[must_use]
pub fn actions(folder: &Path, version: u64) -> Vec<serde_json::Value> {
    let file = folder.join("_delta_log").join(format!("{version:020}.json"));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{actions, versions};

    #[test]
    fn versions_are_those_of_whole_commits() {
        let table = tempfile::tempdir().unwrap();
        assert!(versions(table.path()).is_empty());
        let log = table.path().join("_delta_log");
        fs::create_dir(&log).unwrap();
        let names = [
            "00000000000000000001.json",
            "00000000000000000000.json",
            "00000000000000000001.checkpoint.parquet",
            "_commit_5f2a.json.tmp",
            "_last_checkpoint",
        ];
        for name in names {
            fs::write(log.join(name), "{\"commitInfo\":{}}\n{\"add\":{\"path\":\"x\"}}\n").unwrap();
        }
        assert_eq!(versions(table.path()), [0, 1]);
        assert_eq!(actions(table.path(), 1)[1]["add"]["path"], "x");
    }
}
