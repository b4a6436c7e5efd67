//! How long `polder` takes to start, and to check this repository.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};

use super::{
    Options, Programs,
    figures::{Table, median},
};
use crate::{checkout, processes};

/// Times `polder --version` with its file not in memory and in memory, and `polder check`.
pub(super) fn run(programs: &Programs, options: Options) -> Result<()> {
    let root = checkout::root()?;
    let size = std::fs::metadata(&programs.polder)?.len();
    println!("polder is a file of {:.0} MB", size as f64 / 1e6);
    let version = || {
        let mut command = Command::new(&programs.polder);
        command.arg("--version");
        command
    };
    let check = || {
        let mut command = Command::new(&programs.polder);
        command.arg("--quiet").arg("--mesh").arg(&root).arg("check");
        super::mesh::without_settings(&mut command);
        command
    };
    let mut table = Table::new(&["start", "median ms", "fastest ms", "slowest ms"]);
    let mut times = |name: &str, cold: bool, command: &dyn Fn() -> Command| -> Result<()> {
        let mut found = Vec::new();
        // The first run counts only where it is as cold as the others.
        for index in 0..=options.runs {
            if cold {
                // GNU dd: `nocache` and nothing to copy drops a whole file from the page cache.
                let file = format!("if={}", programs.polder.display());
                processes::output(Command::new("dd").args([&file, "iflag=nocache", "count=0"]))?;
            }
            let took = time(&mut command())?;
            if cold || index > 0 {
                found.push(took);
            }
        }
        let fastest = found.iter().copied().fold(f64::INFINITY, f64::min);
        let slowest = found.iter().copied().fold(0.0, f64::max);
        let row = [median(found), fastest, slowest].map(|value| format!("{value:.1}"));
        table.row(name, &row);
        Ok(())
    };
    times("`polder --version`, its file read from disk", true, &version)?;
    times("`polder --version`, its file in memory", false, &version)?;
    times("`polder check` on this repository", false, &check)?;
    table.print();
    Ok(())
}

/// Milliseconds from start to end.
fn time(command: &mut Command) -> Result<f64> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().context("cannot start polder")?;
    let took = start.elapsed().as_secs_f64() * 1e3;
    if !status.success() {
        bail!("polder ended with {status}");
    }
    Ok(took)
}
