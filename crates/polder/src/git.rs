//! The `git` program, which reads other revisions of documents.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use polder_core::{Error, ErrorKind, Result, ResultExt};

/// What a hook's environment says of the repository that it runs in. It is not heeded: the folder says which repository is
/// meant.
const OF_HOOKS: [&str; 6] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
];

/// Runs git in a folder, with `input` as its standard input. Paths mean files, never patterns.
///
/// # Errors
/// `Usage` where there is no git, or it cannot be run.
pub(crate) fn git(folder: &Path, arguments: &[&str], input: Option<String>) -> Result<Output> {
    run(folder, "--literal-pathspecs", arguments, input)
}

/// As [`git`], where paths are patterns: `**/` stands for any folders.
///
/// # Errors
/// As [`git`].
pub(crate) fn git_matching(folder: &Path, arguments: &[&str]) -> Result<Output> {
    run(folder, "--glob-pathspecs", arguments, None)
}

/// That the repository has no revision of this name.
pub(crate) fn no_revision(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no revision `{name}`"))
        .with_help("name a branch, tag or commit that is here; CI has to fetch it (a full fetch, not depth 1)")
}

fn run(folder: &Path, paths: &str, arguments: &[&str], input: Option<String>) -> Result<Output> {
    let mut command = Command::new("git");
    for variable in OF_HOOKS {
        command.env_remove(variable);
    }
    command.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    command.arg(paths).args(["-c", "core.quotePath=false"]);
    command.arg("-C").arg(folder).args(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let failed = || "git cannot be run".to_owned();
    let mut child = match command.spawn() {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::new(ErrorKind::Usage, "there is no git here")
                .with_help("other revisions are read through git: install it"));
        }
        other => other.context(ErrorKind::Usage, failed)?,
    };
    // What is asked and what is answered go through pipes of limited size: both ends at once.
    let input = input.unwrap_or_default();
    let asking = child.stdin.take().map(|mut pipe| {
        std::thread::spawn(move || {
            // A git that ends early says why itself.
            let _ = pipe.write_all(input.as_bytes());
        })
    });
    let output = child.wait_with_output().context(ErrorKind::Usage, failed)?;
    if let Some(asking) = asking {
        let _ = asking.join();
    }
    Ok(output)
}

/// What git printed, as one line; nothing where it refused.
pub(crate) fn line(output: &Output) -> Option<String> {
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        tracing::debug!(said = %said.trim(), "git refused");
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Some(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// What git printed.
///
/// # Errors
/// `Refused` where it refused.
pub(crate) fn succeeded(output: Output, what: &str) -> Result<Vec<u8>> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::new(ErrorKind::Refused, format!("{what}: {}", said.trim())))
}

/// The folder that a folder's repository is in; none outside of a repository.
pub(crate) fn top(folder: &Path) -> Option<PathBuf> {
    let asked = git(folder, &["rev-parse", "--show-toplevel"], None).ok()?;
    line(&asked).map(PathBuf::from)
}
