//! `cargo xtask bench`: speed and memory in release mode, each beside a peer in the same run.

mod build;
mod contracts;
mod duckdb;
mod figures;
mod gate;
mod ingest;
mod kafka;
mod mesh;
mod process;
mod start;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, bail};

use crate::{checkout, processes};

/// How one benchmark is to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Options {
    /// Events that the topic holds; the invoice lines are published as often as it takes.
    events: u64,
    /// Rows of the file that contracts are held against.
    rows: u64,
    /// How often each side runs.
    runs: usize,
}

/// `cargo xtask bench NAME [--events N] [--rows N] [--runs N]`.
pub(crate) fn run(arguments: &[&str]) -> Result<ExitCode> {
    let (name, rest) = match arguments {
        [name, rest @ ..] => (*name, rest),
        [] => bail!("say which: ingest, gate, build, contracts or start"),
    };
    let benchmark: fn(&Programs, Options) -> Result<()> = match name {
        "ingest" => ingest::run,
        "gate" => gate::run,
        "build" => build::run,
        "contracts" => contracts::run,
        "start" => start::run,
        _ => bail!("there is no benchmark {name}; there are ingest, gate, build, contracts and start"),
    };
    let default = Options {
        // As many invoice lines as the data holds: silver's figures are known for them.
        events: if name == "build" { 370_931 } else { 1_500_000 },
        rows: 5_000_000,
        runs: match name {
            "start" => 11,
            "gate" => gate::RUNS,
            _ => 3,
        },
    };
    let options = parse(rest, default)?;
    let programs = Programs::build()?;
    println!("{}", machine());
    benchmark(&programs, options)?;
    Ok(ExitCode::SUCCESS)
}

fn parse(mut arguments: &[&str], mut options: Options) -> Result<Options> {
    while let [name, value, rest @ ..] = arguments {
        let number = value
            .parse::<u64>()
            .ok()
            .filter(|number| *number > 0)
            .with_context(|| format!("{name} takes a number above 0, not {value}"))?;
        match *name {
            "--events" => options.events = number,
            "--rows" => options.rows = number,
            "--runs" => options.runs = usize::try_from(number)?,
            _ => bail!("{name} is no option; there are --events, --rows and --runs"),
        }
        arguments = rest;
    }
    match arguments {
        [] => Ok(options),
        [name, ..] => bail!("{name} takes a number"),
    }
}

/// What the benchmarks run, built in release mode.
struct Programs {
    polder: PathBuf,
    consume: PathBuf,
}

impl Programs {
    fn build() -> Result<Self> {
        let mut command = checkout::cargo();
        // The whole workspace chooses the features of other makers' crates, as `crate::polder::build` says.
        command.current_dir(checkout::root()?).args([
            "build",
            "--release",
            "--workspace",
            "--bin",
            "polder",
            "--example",
            "consume",
        ]);
        if !command.status().context("cannot start cargo")?.success() {
            bail!("the programs to measure do not build");
        }
        let folder = checkout::target()?.join("release");
        Ok(Self {
            polder: folder.join("polder"),
            consume: folder.join("examples/consume"),
        })
    }
}

/// The folder that benchmarks work in, below cargo's target folder; it is made anew.
fn scratch(name: &str) -> Result<PathBuf> {
    let folder = checkout::target()?.join("bench").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

/// The folder of invoice lines, which the benchmarks cannot do without.
fn retail() -> Result<PathBuf> {
    let data = checkout::data()?.context("the real data is not there: set POLDER_DATA to its folder")?;
    Ok(data.join("online_retail/by-day"))
}

/// Deletes a folder if it is there.
fn delete(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot delete {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The machine, and how busy it was before the benchmark began.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let compiler = processes::output(Command::new("rustc").arg("--version")).unwrap_or_default();
    format!(
        "machine: {} × {}, {} memory, Linux {}, {}; load before: {}",
        cores,
        field(&read("/proc/cpuinfo"), "model name"),
        field(&read("/proc/meminfo"), "MemTotal"),
        read("/proc/sys/kernel/osrelease").trim(),
        compiler.trim(),
        read("/proc/loadavg").split(' ').next().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::{Options, parse};

    const DEFAULT: Options = Options {
        events: 5,
        rows: 9,
        runs: 3,
    };

    #[test]
    fn options_that_are_not_given_keep_their_default() {
        assert_eq!(parse(&[], DEFAULT).unwrap(), DEFAULT);
        assert_eq!(
            parse(&["--runs", "7"], DEFAULT).unwrap(),
            Options { runs: 7, ..DEFAULT }
        );
    }

    #[test]
    fn an_option_without_a_number_is_refused() {
        for wrong in [
            &["--runs"][..],
            &["--runs", "0"],
            &["--events", "many"],
            &["--lines", "3"],
        ] {
            assert!(parse(wrong, DEFAULT).is_err(), "{wrong:?}");
        }
    }
}
