//! `cargo xtask test`: everything that must hold before a change lands, with each suite's minutes.

mod build;
mod executable;
mod report;

use std::{
    fs,
    path::Path,
    process::{Command, ExitCode, Stdio},
    thread,
    time::Instant,
};

use anyhow::{Context, Result};

use self::{
    executable::Executable,
    report::{Outcome, Report},
};
use crate::{
    checkout::{self, Cache},
    layers, readers, services,
};

/// The package of end-to-end tests; every other package's tests are unit suites.
const END_TO_END: &str = "polder-tests";

/// What the cases of property tests are drawn by, unless the environment says otherwise: a change is judged by what it does, and
/// not by what was drawn. `cargo test` draws others each time.
const SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "20260101");

type Environment = Vec<(String, String)>;

/// Runs everything. With `require_all` a skip is a failure.
pub(crate) fn run(require_all: bool) -> Result<ExitCode> {
    let cache = Cache::open()?;
    // Asked for now: the build puts another file in its place, and this process would then only know of a deleted one.
    let xtask = std::env::current_exe()?;
    let mut report = Report::new();
    let ran_before = !services::environment(&cache).is_empty();
    let outcome = thread::scope(|scope| {
        // Installing and starting mostly waits for others; cargo has the cores meanwhile.
        let services = scope.spawn(|| start_services(&cache));
        let readers = scope.spawn(|| prepare_readers(&cache));
        report.step("format", format)?;
        report.step("layers", check_layers)?;
        let mut built = None;
        report.step("build and lint", || {
            let (mut outcome, products) = build::run()?;
            if !products.is_complete {
                outcome.skip("tests and demo", "the build failed");
            }
            built = Some(products);
            Ok(outcome)
        })?;
        let (mut environment, outcome) = join(services)?;
        report.add("services", outcome);
        let Some(built) = built.filter(|built| built.is_complete) else {
            return Ok(());
        };
        if let Some(polder) = &built.polder {
            environment.push(("POLDER_BIN".to_owned(), polder.display().to_string()));
        }
        environment.push(("POLDER_XTASK".to_owned(), xtask.display().to_string()));
        if std::env::var_os(SEED.0).is_none() {
            environment.push((SEED.0.to_owned(), SEED.1.to_owned()));
        }
        if let Some(data) = checkout::data()? {
            environment.push(("POLDER_DATA".to_owned(), data.display().to_string()));
        }
        let (end_to_end, unit): (Vec<_>, Vec<_>) = built.tests.into_iter().partition(|e| e.package == END_TO_END);
        run_all(&mut report, "unit", &unit, &environment)?;
        let (more, outcome) = join(readers)?;
        report.add("readers of other makers", outcome);
        environment.extend(more);
        run_all(&mut report, "end to end", &end_to_end, &environment)?;
        if let Some(polder) = &built.polder {
            report.step("demo, twice", || demo(polder))?;
        }
        Ok(())
    });
    if !ran_before {
        services::down(&cache)?;
    }
    outcome.and_then(|()| report.close(require_all))
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread
        .join()
        .unwrap_or_else(|_| anyhow::bail!("a background thread failed"))
}

fn run_all(report: &mut Report, kind: &str, executables: &[Executable], environment: &Environment) -> Result<()> {
    for executable in executables {
        report.step(&format!("{kind} {}", executable.name()), || {
            executable.run(environment, kind != "unit")
        })?;
    }
    Ok(())
}

fn format() -> Result<Outcome> {
    let mut command = checkout::cargo();
    let status = command
        .current_dir(checkout::root()?)
        .args(["fmt", "--all", "--check"])
        .status()?;
    Ok(Outcome::of(status.success()))
}

fn check_layers() -> Result<Outcome> {
    let bad = layers::bad_arrows(checkout::metadata()?);
    bad.iter().for_each(|arrow| eprintln!("{arrow}"));
    Ok(Outcome::of(bad.is_empty()))
}

fn start_services(cache: &Cache) -> Result<(Environment, Outcome)> {
    let start = Instant::now();
    let mut outcome = Outcome::default();
    for (service, result) in services::all_up(cache)? {
        match result {
            Ok(_) => outcome.passed += 1,
            Err(error) => outcome.skip("services", &format!("no {}: {error:#}", service.name())),
        }
    }
    outcome.took = start.elapsed();
    Ok((services::environment(cache), outcome))
}

fn prepare_readers(cache: &Cache) -> Result<(Environment, Outcome)> {
    let start = Instant::now();
    let mut outcome = Outcome::default();
    let mut environment = Environment::new();
    let python = readers::python(cache).map(|path| path.display().to_string());
    for (name, value) in [
        ("POLDER_TEST_PYTHON", python),
        ("POLDER_TEST_SPARK_JARS", readers::spark_jars(cache)),
    ] {
        match value {
            Ok(value) => {
                outcome.passed += 1;
                environment.push((name.to_owned(), value));
            }
            Err(error) => outcome.skip("readers", &format!("no {name}: {error:#}")),
        }
    }
    outcome.took = start.elapsed();
    Ok((environment, outcome))
}

/// The demo needs nothing but its binary, and each run rebuilds its own folder.
fn demo(polder: &Path) -> Result<Outcome> {
    let folder = checkout::target()?.join("demo-test");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut outcome = Outcome::default();
    for _ in 0..2 {
        let mut command = Command::new(polder);
        command.arg("demo").arg("--dir").arg(&folder).stdin(Stdio::null());
        let done = command
            .output()
            .with_context(|| format!("cannot start {}", polder.display()))?;
        let report = String::from_utf8_lossy(&done.stdout);
        if done.status.success() && !report.trim().is_empty() {
            outcome.passed += 1;
        } else {
            outcome.failed += 1;
            eprintln!(
                "{report}{}\nthe demo ended with {}",
                String::from_utf8_lossy(&done.stderr),
                done.status
            );
        }
    }
    fs::remove_dir_all(&folder).ok();
    Ok(outcome)
}
