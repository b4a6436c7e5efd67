//! The files that hold the rows: those that are named, and all that lie below folders.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use polder_core::{Error, ErrorKind, Result, ResultExt};

/// What is held against contracts, in words.
pub(super) const SUPPORTED: &str = "Parquet files (.parquet) and JSON lines (.jsonl, .ndjson)";
/// Endings of files whose lines are JSON objects.
const LINES: [&str; 2] = ["jsonl", "ndjson"];
/// Where a Delta table keeps its log.
const DELTA_LOG: &str = "_delta_log";

/// Files of one kind, in the order of their names where a folder holds them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given {
    Parquet(Vec<PathBuf>),
    /// A JSON object in each line.
    Lines(Vec<PathBuf>),
}

impl Given {
    /// # Errors
    /// `NotFound` for what is not there; `Usage` for a folder without such files, a Delta table, files of both kinds, and
    /// a file that is there twice.
    pub(super) fn of(named: &[PathBuf]) -> Result<Self> {
        let (mut parquet, mut lines) = (Vec::new(), Vec::new());
        for path in named {
            let files = match path.is_dir() {
                true => below(path)?,
                false => vec![path.clone()],
            };
            for file in files {
                match has_ending(&file, &LINES) {
                    true => lines.push(file),
                    false => parquet.push(file),
                }
            }
        }
        let mut seen = HashSet::new();
        for file in parquet.iter().chain(&lines) {
            if file.exists() && !file.is_file() {
                let message = format!("{} cannot be read: it is no ordinary file", file.display());
                return Err(Error::new(ErrorKind::Usage, message)
                    .with_help("write its rows to a file first: they may be read more than once"));
            }
            if !file.is_file() {
                let message = format!("there is no file {}", file.display());
                return Err(Error::new(ErrorKind::NotFound, message));
            }
            if !seen.insert(whole(file)?) {
                let message = format!("{} is named twice: its rows would count twice", file.display());
                return Err(Error::new(ErrorKind::Usage, message));
            }
        }
        match (parquet.first(), lines.first()) {
            (Some(one), Some(other)) => {
                let message = format!(
                    "{} is to be read as Parquet and {} as JSON lines: rows of one kind are judged together",
                    one.display(),
                    other.display()
                );
                Err(Error::new(ErrorKind::Usage, message)
                    .with_help("hold them against the contract one after the other"))
            }
            (_, Some(_)) => Ok(Self::Lines(lines)),
            _ => Ok(Self::Parquet(parquet)),
        }
    }

    pub(super) fn files(&self) -> &[PathBuf] {
        match self {
            Self::Parquet(files) | Self::Lines(files) => files,
        }
    }
}

fn has_ending(file: &Path, endings: &[&str]) -> bool {
    let ending = file.extension().and_then(OsStr::to_str).unwrap_or_default();
    endings.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

fn whole(path: &Path) -> Result<PathBuf> {
    path.canonicalize()
        .context(ErrorKind::Usage, || format!("cannot read {}", path.display()))
}

/// The files below a folder. What is hidden, or there for other programs (`_SUCCESS`, `_temporary`), holds no rows.
fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = BTreeSet::new();
    let (mut open, mut looked_at) = (vec![folder.to_owned()], HashSet::new());
    while let Some(inner) = open.pop() {
        // A link may lead back to where it lies.
        if !looked_at.insert(whole(&inner)?) {
            continue;
        }
        if inner.join(DELTA_LOG).is_dir() {
            let message = format!(
                "{} is a Delta table: not all of its files hold rows that it has",
                inner.display()
            );
            return Err(Error::new(ErrorKind::Usage, message)
                .with_help("name the dataset without --data, or write its rows to a file with `polder sql -o`"));
        }
        let unreadable = || format!("cannot read the folder {}", inner.display());
        for entry in std::fs::read_dir(&inner).context(ErrorKind::Usage, unreadable)? {
            let entry = entry.context(ErrorKind::Usage, unreadable)?;
            if entry.file_name().to_string_lossy().starts_with(['.', '_']) {
                continue;
            }
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if has_ending(&path, &["parquet"]) || has_ending(&path, &LINES) {
                files.insert(path);
            }
        }
    }
    if files.is_empty() {
        let message = format!("the folder {} holds nothing to judge", folder.display());
        return Err(
            Error::new(ErrorKind::Usage, message).with_help(format!("{SUPPORTED} are looked for, in it and below"))
        );
    }
    Ok(files.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these empty files.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    fn given(folder: &tempfile::TempDir, named: &[&str]) -> Result<Vec<String>> {
        let named: Vec<PathBuf> = named.iter().map(|name| folder.path().join(name)).collect();
        let given = Given::of(&named)?;
        let names = given
            .files()
            .iter()
            .map(|file| file.strip_prefix(folder.path()).unwrap());
        Ok(names.map(|name| name.display().to_string()).collect())
    }

    #[test]
    fn a_folder_stands_for_the_files_below_it() {
        let files = [
            "b/2.parquet",
            "a.parquet",
            "b/c/3.PARQUET",
            "note.txt",
            "_temporary/4.parquet",
            ".x.parquet",
        ];
        let folder = folder(&files);
        assert_eq!(
            given(&folder, &[""]).unwrap(),
            ["a.parquet", "b/2.parquet", "b/c/3.PARQUET"]
        );
        assert_eq!(
            given(&folder, &["b", "a.parquet"]).unwrap(),
            ["b/2.parquet", "b/c/3.PARQUET", "a.parquet"]
        );
        // What is named is taken as it is.
        assert_eq!(given(&folder, &["note.txt"]).unwrap(), ["note.txt"]);
    }

    #[test]
    fn what_is_there_and_is_no_ordinary_file_is_not_said_to_be_missing() {
        let folder = folder(&[]);
        let pipe = folder.path().join("p.jsonl");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        let error = given(&folder, &["p.jsonl"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(
            error
                .to_string()
                .ends_with("p.jsonl cannot be read: it is no ordinary file"),
            "{error}"
        );
    }

    #[test]
    fn nothing_two_kinds_and_a_file_twice_are_told() {
        let folder = folder(&[
            "a.parquet",
            "rows/b.ndjson",
            "text/c.csv",
            "table/_delta_log/0.json",
            "table/d.parquet",
        ]);
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        for (named, kind, says) in [
            (&["empty"][..], ErrorKind::Usage, "holds nothing to judge"),
            (&["text"], ErrorKind::Usage, "holds nothing to judge"),
            (&["nowhere"], ErrorKind::NotFound, "there is no file"),
            (&["a.parquet", "rows"], ErrorKind::Usage, "rows of one kind"),
            (&["rows", "rows/../rows/b.ndjson"], ErrorKind::Usage, "named twice"),
            (&["table"], ErrorKind::Usage, "is a Delta table"),
        ] {
            let error = given(&folder, named).unwrap_err();
            assert_eq!(error.kind(), kind, "{named:?}");
            assert!(error.to_string().contains(says), "{named:?}: {error}");
        }
    }
}
