//! Other programs: run one and take its output, find what runs in a folder, send signals.

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// Runs a command to its end and gives its standard output. The error shows the end of what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    if !done.status.success() {
        let errors = String::from_utf8_lossy(&done.stderr);
        bail!(
            "{name} ended with {}:\n{}",
            done.status,
            tail(&format!("{text}{errors}"), 15)
        );
    }
    Ok(text)
}

/// The last lines of a text.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    all.get(all.len().saturating_sub(lines)..)
        .unwrap_or_default()
        .join("\n")
}

/// A program on the path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// The ids of all processes that work in `folder` or below it.
///
/// A service is started in its own folder and stays there, so this finds it, and all that it started, without any
/// note that could be lost or out of date. `folder` is canonical.
pub(crate) fn in_folder(folder: &Path) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // Thread by thread: a killed process still holds its ports and locks while any of its threads is on its way
        // out, and the first one may be gone already. One that has ended altogether has no folder any more.
        let mut threads = fs::read_dir(entry.path().join("task")).into_iter().flatten().flatten();
        if threads.any(|thread| works_in(&thread.path().join("cwd"), folder)) {
            found.insert(id);
        }
    }
    found
}

/// Whether the link `cwd` of a thread leads to `folder` or below it, and not to a folder of the same name in a container.
fn works_in(cwd: &Path, folder: &Path) -> bool {
    let same = |a: &Path, b: &Path| match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    };
    fs::read_link(cwd).is_ok_and(|path| path.starts_with(folder) && same(cwd, &path))
}

/// Those of `processes` that none of them started.
pub(crate) fn roots(processes: &BTreeSet<u32>) -> BTreeSet<u32> {
    processes
        .iter()
        .copied()
        .filter(|id| parent(*id).is_none_or(|parent| !processes.contains(&parent)))
        .collect()
}

fn parent(id: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))?
        .trim()
        .parse()
        .ok()
}

/// Sends a signal (`TERM`, `INT`, `KILL`). A process that has just ended is no error.
pub(crate) fn signal(name: &str, processes: &BTreeSet<u32>) -> Result<()> {
    if processes.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = processes.iter().map(u32::to_string).collect();
    // The shell has `kill` built in; the program of that name is not on every machine.
    let script = format!("kill -{name} {} 2>/dev/null || true", ids.join(" "));
    Command::new("sh")
        .args(["-c", &script])
        .status()
        .context("cannot start sh")?;
    Ok(())
}

/// Ends all that runs in `folder`: the signal first, SIGKILL for what is still there after `patience`.
pub(crate) fn end(folder: &Path, name: &str, patience: Duration) -> Result<()> {
    signal(name, &roots(&in_folder(folder)))?;
    if wait(patience, || in_folder(folder).is_empty()) {
        return Ok(());
    }
    signal("KILL", &in_folder(folder))?;
    if !wait(Duration::from_secs(10), || in_folder(folder).is_empty()) {
        bail!("processes in {} do not end: {:?}", folder.display(), in_folder(folder));
    }
    Ok(())
}

/// Waits until `done` holds, at most `limit`; tells whether it does.
pub(crate) fn wait(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done() {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        thread::sleep(Duration::from_millis(50));
    }
}
