//! Running one test executable and counting what it says.

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::report::Outcome;
use crate::{checkout, processes};

/// A suite that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(45 * 60);

/// A test executable that cargo built.
pub(super) struct Executable {
    /// The package.
    pub(super) package: String,
    /// The target within it.
    pub(super) target: String,
    /// The file to run.
    pub(super) file: PathBuf,
    /// The package's Cargo.toml.
    pub(super) manifest: PathBuf,
}

impl Executable {
    /// The package, and the target where it is another name.
    pub(super) fn name(&self) -> String {
        if self.target.replace('_', "-") == self.package {
            self.package.clone()
        } else {
            format!("{} {}", self.package, self.target)
        }
    }

    /// Runs it as `cargo test` would. What it prints is shown as it comes if `live`, else only when it fails.
    pub(super) fn run(&self, environment: &[(String, String)], live: bool) -> Result<Outcome> {
        let folder = self.manifest.parent().context("a manifest lies in a folder")?;
        let mut command = Command::new(&self.file);
        command
            .current_dir(folder)
            .env("CARGO_MANIFEST_DIR", folder)
            .env("CARGO", checkout::cargo().get_program());
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let start = Instant::now();
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", self.file.display()))?;
        let (sender, lines) = mpsc::channel();
        forward(child.stdout.take(), sender.clone());
        forward(child.stderr.take(), sender);
        let mut printed = Vec::new();
        let mut hangs = false;
        // The channel closes when the executable, and all that it started, have closed their output.
        loop {
            match lines.recv_timeout(LIMIT.saturating_sub(start.elapsed())) {
                Ok(line) => {
                    if live {
                        println!("{line}");
                    }
                    printed.push(line);
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    hangs = true;
                    child.kill()?;
                    break;
                }
            }
        }
        let succeeded = child.wait()?.success();
        let mut outcome = count(&self.name(), &printed);
        if !succeeded && outcome.failed == 0 {
            outcome.failed = 1;
        }
        if outcome.failed > 0 && !live {
            printed.iter().for_each(|line| println!("{line}"));
        }
        if hangs {
            let last = processes::tail(&printed.join("\n"), 3);
            println!(
                "{} was ended after {} minutes; its last lines:\n{last}",
                self.name(),
                LIMIT.as_secs() / 60
            );
        }
        Ok(outcome)
    }
}

fn forward(pipe: Option<impl Read + Send + 'static>, to: mpsc::Sender<String>) {
    let Some(pipe) = pipe else { return };
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
            if to.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
}

/// Counts the lines of libtest (`test result: …`, `test NAME ... ignored`) and the tests' own `skipped: SUITE: reason`.
///
/// A test that skips itself passes in libtest's eyes; here it counts as skipped.
fn count(name: &str, printed: &[String]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut own_skips = 0;
    for line in printed {
        if let Some(reason) = line.strip_prefix("skipped: ") {
            own_skips += 1;
            outcome.skipped.push(reason.to_owned());
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            outcome.passed += number_before(counts, "passed");
            outcome.failed += number_before(counts, "failed");
        } else if let Some((test, reason)) = line.strip_prefix("test ").and_then(|l| l.split_once(" ... ignored")) {
            outcome.skip(name, &format!("{test} is ignored{reason}"));
        }
    }
    outcome.passed = outcome.passed.saturating_sub(own_skips);
    outcome
}

/// The number before `word` in `ok. 3 passed; 0 failed; …`.
fn number_before(text: &str, word: &str) -> usize {
    let words: Vec<&str> = text.split([' ', ';']).filter(|w| !w.is_empty()).collect();
    let pair = words.windows(2).find(|pair| pair[1] == word);
    pair.and_then(|pair| pair[0].parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::count;

    fn outcome(text: &str) -> super::Outcome {
        count("suite", &text.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn libtests_counts_are_summed() {
        let found = outcome(
            "running 3 tests\ntest a ... ok\ntest b ... FAILED\ntest result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; \
             0 filtered out; finished in 0.00s\ntest result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        );
        assert_eq!((found.passed, found.failed, found.skipped.len()), (7, 1, 0));
    }

    #[test]
    fn a_test_that_skips_itself_is_skipped_and_not_passed() {
        let found = outcome("skipped: retail: no data\ntest result: ok. 2 passed; 0 failed; 0 ignored");
        assert_eq!((found.passed, found.failed), (1, 0));
        assert_eq!(found.skipped, ["retail: no data"]);
    }

    #[test]
    fn an_ignored_test_is_skipped_with_its_reason() {
        let found = outcome("test slow ... ignored, takes long\ntest result: ok. 0 passed; 0 failed; 1 ignored");
        assert_eq!(found.skipped, ["suite: slow is ignored, takes long"]);
    }
}
