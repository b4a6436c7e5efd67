//! What ran, how long, and with what result; the closing table and line.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Result;

/// A suite's counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Tests or checks that passed.
    pub(crate) passed: usize,
    /// Tests or checks that failed.
    pub(crate) failed: usize,
    /// What did not run and why, as `SUITE: reason`.
    pub(crate) skipped: Vec<String>,
    /// How long it took; filled in by [`Report::step`].
    pub(crate) took: Duration,
}

impl Outcome {
    /// One check.
    pub(crate) fn of(passed: bool) -> Self {
        Self {
            passed: passed.into(),
            failed: (!passed).into(),
            ..Self::default()
        }
    }

    /// Whether there was nothing to run.
    fn is_empty(&self) -> bool {
        self.passed == 0 && self.failed == 0 && self.skipped.is_empty()
    }

    /// Notes something that did not run.
    pub(crate) fn skip(&mut self, suite: &str, reason: &str) {
        self.skipped
            .push(format!("{suite}: {}", reason.trim().replace('\n', " ")));
    }
}

/// All suites so far.
pub(crate) struct Report {
    start: Instant,
    suites: Vec<(String, Outcome)>,
}

impl Report {
    /// An empty report; the clock starts.
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            suites: Vec::new(),
        }
    }

    /// Runs a suite, says so, and notes its outcome.
    pub(crate) fn step(&mut self, name: &str, run: impl FnOnce() -> Result<Outcome>) -> Result<()> {
        println!("== {name}");
        let start = Instant::now();
        let mut outcome = run()?;
        outcome.took = start.elapsed();
        if outcome.is_empty() {
            println!("   nothing to run");
        } else {
            self.add(name, outcome);
        }
        Ok(())
    }

    /// Notes an outcome that was found elsewhere.
    pub(crate) fn add(&mut self, name: &str, outcome: Outcome) {
        println!("   {}, {:.2} minutes", line(name, &outcome), minutes(outcome.took));
        self.suites.push((name.to_owned(), outcome));
    }

    /// Prints everything once more, closing with the counts.
    pub(crate) fn close(self, require_all: bool) -> Result<ExitCode> {
        println!("\nminutes  suite");
        for (name, outcome) in &self.suites {
            println!("{:>7.2}  {}", minutes(outcome.took), line(name, outcome));
        }
        println!("{:>7.2}  in all", minutes(self.start.elapsed()));
        let skipped: Vec<&String> = self.suites.iter().flat_map(|(_, outcome)| &outcome.skipped).collect();
        for reason in &skipped {
            println!("skipped: {reason}");
        }
        let sum = |count: fn(&Outcome) -> usize| self.suites.iter().map(|(_, outcome)| count(outcome)).sum::<usize>();
        let (passed, failed) = (sum(|o| o.passed), sum(|o| o.failed));
        let refused = require_all && !skipped.is_empty();
        if refused {
            println!("--require-all: a skip is a failure");
        }
        println!("{passed} passed, {failed} failed, {} skipped", skipped.len());
        Ok(if failed > 0 || refused {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

fn minutes(time: Duration) -> f64 {
    time.as_secs_f64() / 60.0
}

fn line(name: &str, outcome: &Outcome) -> String {
    let Outcome {
        passed,
        failed,
        skipped,
        ..
    } = outcome;
    format!("{name}: {passed} passed, {failed} failed, {} skipped", skipped.len())
}
