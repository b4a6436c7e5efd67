//! What `polder test` prints: for people what there is to do, for programs everything.

use polder_core::Result;
use polder_engine::Verification;
use polder_gate::table::{RuleResult, RuleVerdict};

use super::{Args, shown};
use crate::findings::{Case, Outcome};
use crate::options::Format;
use crate::output::{self, Cell, Listing, cells};

/// What is told of a rule, or of a service level.
const KEYS: [&str; 10] = [
    "dataset",
    "version",
    "rule",
    "verdict",
    "figure",
    "asked",
    "from",
    "failing_rows",
    "severity",
    "dimension",
];
/// What people are not shown.
const FOR_PROGRAMS: [&str; 3] = ["failing_rows", "severity", "dimension"];

fn of_rule(verification: &Verification, result: &RuleResult) -> [Cell; KEYS.len()] {
    let (verdict, asked) = match &result.verdict {
        RuleVerdict::Passed => ("passed", result.says.clone()),
        RuleVerdict::Failed => ("failed", noted(result)),
        RuleVerdict::Warned => ("warned", noted(result)),
        RuleVerdict::NotRun(why) => ("not run", why.clone()),
    };
    // Machines compare the number of seconds, people read an age.
    let figure = Cell::from(result.figure.as_ref());
    let figure = match &result.figure_in_words {
        Some(words) => figure.in_words(words),
        None => figure,
    };
    let ran = !matches!(result.verdict, RuleVerdict::NotRun(_));
    cells![
        verification.contract.title(),
        verification.version,
        result.rule.as_str(),
        verdict,
        figure,
        asked,
        ran.then(|| result.how.as_str()),
        result.failing_rows,
        result.severity.as_str(),
        result.dimension.as_deref(),
    ]
}

fn of_level(level: &Case) -> [Cell; KEYS.len()] {
    let nothing = || None::<u64>;
    cells![
        level.suite.as_str(),
        nothing(),
        level.name.as_str(),
        level.outcome.as_str(),
        nothing(),
        level.message.as_str(),
        "history",
        nothing(),
        None::<&str>,
        None::<&str>,
    ]
}

/// Prints the rules and service levels, and with `--show` the rows that break them: as JSON under their rules, for people
/// in a table of their own.
pub(super) fn print(tested: &[Verification], levels: &[Case], args: &Args) -> Result<()> {
    let format = args.format.format;
    let for_people = format == Format::Table;
    let with_rows = !for_people && args.show > 0;
    let rows: &[_] = if with_rows { &["rows"] } else { &[] };
    let mut listing = Listing::new([&KEYS[..], rows].concat()).for_programs(&FOR_PROGRAMS);
    // People are shown what there is to do; programs are given everything.
    for verification in tested {
        for result in &verification.report.results {
            if for_people && result.verdict == RuleVerdict::Passed {
                continue;
            }
            let mut cells = of_rule(verification, result).to_vec();
            if with_rows {
                // Of what counts no rows there are none to show.
                let counted = result.failing_rows;
                let rows = counted.map(|_| shown::as_json(shown::rows(verification, result)));
                cells.push(rows.into());
            }
            listing.row(cells);
        }
    }
    for level in levels {
        if for_people && level.outcome == Outcome::Passed {
            continue;
        }
        let mut cells = of_level(level).to_vec();
        if with_rows {
            cells.push(None::<u64>.into());
        }
        listing.row(cells);
    }
    if !listing.is_empty() || !for_people {
        listing.print(format, "")?;
    }
    match for_people && args.show > 0 {
        true => print_rows(tested),
        false => Ok(()),
    }
}

/// The rows that break rules, for people.
fn print_rows(tested: &[Verification]) -> Result<()> {
    let mut rows = Listing::new(["dataset", "version", "rule", "reason", "row"]);
    let mut cut = Vec::new();
    for verification in tested {
        for result in &verification.report.results {
            let shown = shown::rows(verification, result);
            cut.extend(shown::cut(result, shown.len()));
            for one in shown {
                rows.row(cells![
                    verification.contract.title(),
                    verification.version,
                    result.rule.as_str(),
                    one.reason.as_str(),
                    one.row.clone(),
                ]);
            }
        }
    }
    if !rows.is_empty() {
        rows.print(Format::Table, "")?;
    }
    cut.iter().try_for_each(|line| output::line(line))
}

fn noted(result: &RuleResult) -> String {
    match &result.note {
        Some(note) => format!("{} ({note})", result.says),
        None => result.says.clone(),
    }
}
