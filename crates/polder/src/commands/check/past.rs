//! What contracts were in earlier commits, whatever their documents were called then.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use polder_contract::diff::{Mode, problems_with_history};
use polder_contract::{Contract, parse};
use polder_core::Result;
use polder_core::document::{Diagnostic, MAX_BYTES, Severity, Source};

use super::revision::Revision;
use super::tree::blobs;
use crate::git::{git, git_matching, line, succeeded};

/// How many commits of a document's history are read.
const MOST_COMMITS: usize = 2000;

/// Where contracts may ever have been.
const CONTRACTS: &str = ":(top)**/*.odcs.yaml";

/// What a document was before.
#[derive(Debug)]
pub(super) struct History {
    /// Its texts, the newest first.
    pub(super) texts: Vec<Source>,
    /// Why there may be earlier ones, where there may.
    pub(super) gap: Option<String>,
}

/// Earlier texts of all contracts in which one of these names stands, as [`super::revision::Revision::history`] gives them:
/// of each repository, as git is run for it, from a commit on.
///
/// # Errors
/// What git reports.
pub(super) fn history(repositories: &[(PathBuf, String)], path: &Path, names: &[String]) -> Result<History> {
    let mut texts: Vec<(i64, Source)> = Vec::new();
    let mut gap = None;
    for (folder, commit) in repositories {
        let paths = paths_ever(folder, commit, names)?;
        let found = texts_of(folder, commit, &paths)?;
        if found.commits > MOST_COMMITS {
            gap = Some(format!("it has more than {MOST_COMMITS} commits"));
        }
        let shallow = line(&git(folder, &["rev-parse", "--is-shallow-repository"], None)?);
        if shallow.as_deref() == Some("true") {
            gap = Some("this is a shallow clone".to_owned());
        }
        let found = found.texts.into_iter();
        texts.extend(found.map(|(time, text)| (time, Source::new(path, text))));
    }
    // Those of one repository are in order already.
    texts.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
    Ok(History {
        texts: texts.into_iter().map(|(_, text)| text).collect(),
        gap,
    })
}

/// What of a contract breaks one of its earlier versions, where a transitive mode forbids that; of a part that `moved` to
/// another contract, those of that part.
///
/// # Errors
/// What git reports.
pub(super) fn transitive_problems(
    base: &Revision,
    old: &Contract,
    new: &Contract,
    moved: bool,
) -> Result<Vec<Diagnostic>> {
    if !Mode::of(old).is_transitive() {
        return Ok(Vec::new());
    }
    let mut problems = Vec::new();
    let names = std::iter::once(old.id.clone()).chain(old.datasets().map(ToString::to_string));
    let history = base.history(&old.source_path, &names.collect::<Vec<_>>())?;
    let others = history.texts.iter().filter(|source| source.text != old.text);
    let others = others.filter_map(|source| parse(source).contract);
    let earlier: Vec<_> = std::iter::once(old.clone())
        .chain(others.flat_map(|earlier| as_earlier(earlier, old, moved)))
        .collect();
    if let Some(gap) = history.gap {
        problems.push(Diagnostic {
            severity: Severity::Error,
            code: "incomplete-history".into(),
            message: format!(
                "{} must not break any earlier version, and its history is not all here: {gap}",
                new.id
            ),
            help: Some("fetch all of it: git fetch --unshallow (actions/checkout: fetch-depth: 0)".to_owned()),
            file: new.source_path.clone(),
            span: None,
        });
    }
    problems.extend(problems_with_history(&earlier, new));
    Ok(problems)
}

/// What an earlier contract promised of what another one promises now: all of it where that is the same by its id, else of
/// the datasets that both describe.
fn as_earlier(earlier: Contract, of: &Contract, moved: bool) -> Vec<Contract> {
    if earlier.id == of.id && !moved {
        return vec![earlier];
    }
    let shared = earlier
        .datasets()
        .filter(|dataset| of.datasets().any(|own| own == *dataset));
    shared.map(|dataset| earlier.part(dataset)).collect()
}

/// The paths, from the top of the repository, of all contracts in which one of these names ever stood.
fn paths_ever(folder: &Path, commit: &str, names: &[String]) -> Result<BTreeSet<String>> {
    let any: Vec<_> = names.iter().map(|name| escaped(name)).collect();
    let any = format!("-S{}", any.join("|"));
    // Each path has a commit that brought the name in.
    let list = [
        "log",
        "--format=",
        "--name-only",
        "--no-renames",
        "--pickaxe-regex",
        &any,
        commit,
        "--",
        CONTRACTS,
    ];
    let listed = succeeded(
        git_matching(folder, &list)?,
        "git cannot look for the contract's history",
    )?;
    let listed = String::from_utf8_lossy(&listed);
    Ok(listed
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect())
}

/// A text as an extended regular expression that finds it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_punctuation() && !matches!(letter, '_' | '-' | ':' | '/' | '@' | '#' | '~' | '%') {
            // A bracket holds any letter but these as it is.
            match letter {
                '^' | '\\' | '[' | ']' => escaped.push('\\'),
                _ => {
                    escaped.extend(['[', letter, ']']);
                    continue;
                }
            }
        }
        escaped.push(letter);
    }
    escaped
}

/// Texts that commits left under some paths.
struct Texts {
    /// The newest first, each with its commit's time in seconds.
    texts: Vec<(i64, String)>,
    commits: usize,
}

fn texts_of(folder: &Path, commit: &str, paths: &BTreeSet<String>) -> Result<Texts> {
    let mut texts = Texts {
        texts: Vec::new(),
        commits: 0,
    };
    if paths.is_empty() {
        return Ok(texts);
    }
    let most = format!("--max-count={}", MOST_COMMITS + 1);
    let mut list = vec![
        "log",
        "--format=commit %H %ct",
        "--name-only",
        "--no-renames",
        &most,
        commit,
        "--",
    ];
    list.extend(paths.iter().map(String::as_str));
    let listed = succeeded(git(folder, &list, None)?, "git cannot list the contract's history")?;
    let listed = String::from_utf8_lossy(&listed);
    let (mut objects, mut of) = (Vec::new(), ("", 0));
    for line in listed.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("commit ").and_then(|line| line.split_once(' ')) {
            Some((commit, time)) => {
                of = (commit, time.parse().unwrap_or_default());
                texts.commits += 1;
            }
            None => objects.push((of.1, format!("{}:{line}", of.0))),
        }
    }
    let given = blobs(folder, objects.iter().map(|(_, name)| name.as_str()))?;
    for ((time, _), text) in objects.into_iter().zip(given) {
        // Where a commit deleted it there is none.
        let text = text
            .filter(|text| text.len() <= MAX_BYTES)
            .and_then(|text| String::from_utf8(text).ok());
        texts.texts.extend(text.map(|text| (time, text)));
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_for_as_they_are() {
        assert_eq!(escaped("sales.bronze.in_lines-2"), "sales[.]bronze[.]in_lines-2");
        assert_eq!(escaped("urn:x/a+(b)|c^d"), "urn:x/a[+][(]b[)][|]c\\^d");
    }
}
