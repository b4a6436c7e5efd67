//! What `polder test` prints: for people what there is to do, for programs everything.

use polder_contract::rule::Figure;
use polder_core::{ErrorKind, Result, ResultExt};
use polder_engine::Verification;
use polder_gate::table::{RuleResult, RuleVerdict};
use polder_policy::Policies;
use serde_json::{Map, Value};

use super::{Args, shown};
use crate::cli::Format;
use crate::findings::{Case, Outcome};
use crate::output::{self, Listing};

/// One line of the list: a rule, or a service level.
struct Line {
    cells: [(&'static str, String); 7],
    passed: bool,
}

impl Line {
    fn new(cells: [String; 7], passed: bool) -> Self {
        let mut names = ["dataset", "version", "rule", "verdict", "figure", "asked", "from"].into_iter();
        let cells = cells.map(|cell| (names.next().unwrap_or_default(), cell));
        Self { cells, passed }
    }

    fn of_rule(verification: &Verification, result: &RuleResult) -> Self {
        let version = verification.version;
        let (verdict, asked) = match &result.verdict {
            RuleVerdict::Passed => ("passed", result.says.clone()),
            RuleVerdict::Failed => ("failed", noted(result)),
            RuleVerdict::Warned => ("warned", noted(result)),
            RuleVerdict::NotRun(why) => ("not run", why.clone()),
        };
        let cells = [
            verification.contract.title(),
            version.map_or_else(String::new, |version| version.to_string()),
            result.rule.clone(),
            verdict.to_owned(),
            result.figure.as_ref().map_or_else(String::new, Figure::to_string),
            asked,
            match result.verdict {
                RuleVerdict::NotRun(_) => String::new(),
                _ => result.how.as_str().to_owned(),
            },
        ];
        Self::new(cells, result.verdict == RuleVerdict::Passed)
    }

    fn of_level(level: &Case) -> Self {
        let cells = [
            &level.suite,
            "",
            &level.name,
            level.outcome.as_str(),
            "",
            &level.message,
            "history",
        ];
        Self::new(cells.map(str::to_owned), level.outcome == Outcome::Passed)
    }

    fn into_json(self) -> Map<String, Value> {
        let fields = self.cells.into_iter();
        fields
            .map(|(name, cell)| (name.to_owned(), Value::from(cell)))
            .collect()
    }
}

/// Prints the rules and service levels, and with `--show` the rows that break them.
pub(super) fn print(tested: &[Verification], levels: &[Case], args: &Args, policies: &Policies) -> Result<()> {
    match args.format.format {
        Format::Json if args.show > 0 => print_json(tested, levels, policies),
        format => print_tables(tested, levels, args, format, policies),
    }
}

/// One document: the rows that break a rule stand under it.
fn print_json(tested: &[Verification], levels: &[Case], policies: &Policies) -> Result<()> {
    let mut rules = Vec::new();
    for verification in tested {
        for result in &verification.report.results {
            let mut rule = Line::of_rule(verification, result).into_json();
            if let Some(failing) = result.failing_rows {
                rule.insert("failing_rows".to_owned(), Value::from(failing));
                let rows = shown::rows(verification, result, policies)?;
                rule.insert("rows".to_owned(), shown::as_json(rows));
            }
            rules.push(rule);
        }
    }
    rules.extend(levels.iter().map(|level| Line::of_level(level).into_json()));
    let text = serde_json::to_string(&rules)
        .context(ErrorKind::Internal, || "the rules cannot be printed as JSON".to_owned())?;
    output::line(&text)
}

fn print_tables(
    tested: &[Verification],
    levels: &[Case],
    args: &Args,
    format: Format,
    policies: &Policies,
) -> Result<()> {
    let rules = tested.iter().flat_map(|verification| {
        let results = verification.report.results.iter();
        results.map(|result| Line::of_rule(verification, result))
    });
    let mut listing = Listing::new(["dataset", "version", "rule", "verdict", "figure", "asked", "from"]);
    for line in rules.chain(levels.iter().map(Line::of_level)) {
        // People are shown what there is to do; programs are given everything.
        if format != Format::Table || !line.passed {
            listing.row(line.cells.map(|(_, cell)| cell));
        }
    }
    if !listing.is_empty() || format != Format::Table {
        listing.print(format, "")?;
    }
    if args.show == 0 {
        return Ok(());
    }
    let mut rows = Listing::new(["dataset", "version", "rule", "reason", "row"]);
    let mut cut = Vec::new();
    for verification in tested {
        let version = verification.version;
        for result in &verification.report.results {
            let shown = shown::rows(verification, result, policies)?;
            cut.extend(shown::cut(result, shown.len()));
            for one in shown {
                rows.row([
                    verification.contract.title(),
                    version.map_or_else(String::new, |version| version.to_string()),
                    result.rule.clone(),
                    one.reason,
                    one.row.to_string(),
                ]);
            }
        }
    }
    if !rows.is_empty() {
        rows.print(format, "")?;
    }
    cut.iter().try_for_each(|line| output::line(line))
}

fn noted(result: &RuleResult) -> String {
    match &result.note {
        Some(note) => format!("{} ({note})", result.says),
        None => result.says.clone(),
    }
}
