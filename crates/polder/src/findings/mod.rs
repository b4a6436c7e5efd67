//! What checks found, in the forms that other tools read: JUnit for test reports, SARIF for code scanning, JSON, and
//! annotations for GitHub.

mod github;
mod json;
mod junit;
mod paths;
mod sarif;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;
use polder_contract::RuleSeverity;
use polder_core::document::{Diagnostic, Severity, Span};
use polder_core::{Error, ErrorKind, Result, ResultExt};
use serde_json::Value;

use crate::output::door;
use paths::Repositories;
pub(crate) use paths::{Paths, beginning};

/// The code of diagnostics about declared rules that nothing runs.
pub(crate) const NOT_RUN: &str = "not-run";

/// Everything that one command checked, whether it held or not.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    cases: Vec<Case>,
    /// What changed since another revision, for those who read JSON.
    comparison: Option<Value>,
}

/// One thing that was checked.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// What it belongs to: a dataset or a document.
    pub(crate) suite: String,
    /// What was checked: a rule's id or a finding's code.
    pub(crate) name: String,
    /// How it came out.
    pub(crate) outcome: Outcome,
    /// What is wrong, or what was measured; one line.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// Where it is declared.
    pub(crate) place: Option<(PathBuf, Option<Span>)>,
    /// How much a failure of a rule weighs.
    pub(crate) severity: Option<RuleSeverity>,
    /// The dimension of quality that a rule is of, as declared.
    pub(crate) dimension: Option<String>,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It does not hold, and was declared to be no more than a warning.
    Warned,
    /// Worth knowing.
    Noted,
    /// It was not checked; the message says why.
    NotRun,
}

impl Case {
    /// What the contract says of the rule for those who sort findings, by its key.
    fn classes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let severity = self.severity.map(|severity| ("severity", severity.as_str()));
        let dimension = self.dimension.as_deref().map(|dimension| ("dimension", dimension));
        severity.into_iter().chain(dimension)
    }
}

impl Outcome {
    /// The outcome's word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Warned => "warned",
            Self::Noted => "noted",
            Self::NotRun => "not run",
        }
    }
}

/// A form that another tool reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// JUnit XML: one suite a dataset or document.
    Junit,
    /// SARIF 2.1.0: what failed, with places, for code scanning.
    Sarif,
    /// One JSON object with every check.
    Json,
    /// Workflow commands that GitHub shows beside the changed lines.
    Github,
}

/// How a command that finds things prints them to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Printed {
    /// For people.
    #[default]
    #[value(alias = "table")]
    Text,
    /// One JSON object with every check: what --report json writes.
    Json,
}

/// How a command that finds things tells them.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Telling {
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Printed,
    /// Also write a report: junit, sarif, json or github, to a file or (alone) to standard output.
    #[arg(long, value_name = "FORMAT[=FILE]")]
    report: Vec<Report>,
}

impl Telling {
    /// The reports to write. What is printed as JSON is one of them, so both are the same.
    ///
    /// # Errors
    /// `Usage` where several would go to standard output.
    pub(crate) fn reports(&self) -> Result<Vec<Report>> {
        let mut reports = self.report.clone();
        let printed = Report {
            format: ReportFormat::Json,
            file: None,
        };
        if self.format == Printed::Json && !reports.contains(&printed) {
            reports.push(printed);
        }
        Report::refuse_several(&reports)?;
        Ok(reports)
    }
}

/// A report to write: `FORMAT=FILE`, or `FORMAT` alone (`FORMAT=-`) for standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    format: ReportFormat,
    file: Option<PathBuf>,
}

impl FromStr for Report {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (word, file) = match text.split_once('=') {
            Some((word, file)) if file != "-" => (word, Some(PathBuf::from(file))),
            Some((word, _)) => (word, None),
            None => (text, None),
        };
        let format = ReportFormat::from_str(word, true)
            .map_err(|_| format!("`{word}` is no form of report; there are junit, sarif, json and github"))?;
        if file.as_ref().is_some_and(|file| file.as_os_str().is_empty()) {
            return Err(format!("name the file: {word}=FILE"));
        }
        Ok(Self { format, file })
    }
}

impl Report {
    /// Whether a report takes standard output, where then nothing else belongs. GitHub picks its annotations out of a log
    /// in which people read the rest.
    pub(crate) fn takes_output(reports: &[Self]) -> bool {
        let alone = |report: &Self| report.file.is_none() && report.format != ReportFormat::Github;
        reports.iter().any(alone)
    }

    /// Refuses two reports on standard output, which no reader could tell apart.
    ///
    /// # Errors
    /// `Usage`.
    pub(crate) fn refuse_several(reports: &[Self]) -> Result<()> {
        if reports.iter().filter(|report| report.file.is_none()).count() < 2 {
            return Ok(());
        }
        Err(
            Error::new(ErrorKind::Usage, "only one report can go to standard output")
                .with_help("name a file for the others: --report junit=report.xml"),
        )
    }
}

impl Findings {
    /// Adds a check.
    pub(crate) fn add(&mut self, case: Case) {
        self.cases.push(case);
    }

    /// Adds what changed since another revision: an object of its own beside the checks, in JSON alone.
    pub(crate) fn compared(&mut self, comparison: Value) {
        self.comparison = Some(comparison);
    }

    /// Adds the checks of another part.
    pub(crate) fn extend(&mut self, other: Self) {
        self.cases.extend(other.cases);
    }

    /// The findings about documents, and for each document without any a check that holds.
    pub(crate) fn of_documents<'d>(diagnostics: &[Diagnostic], checked: impl IntoIterator<Item = &'d Path>) -> Self {
        let mut findings = Self::default();
        for diagnostic in diagnostics {
            findings.add(Case {
                suite: diagnostic.file.display().to_string(),
                name: diagnostic.code.to_string(),
                outcome: match diagnostic.severity {
                    _ if diagnostic.code == NOT_RUN => Outcome::NotRun,
                    Severity::Error => Outcome::Failed,
                    Severity::Warning => Outcome::Warned,
                    Severity::Note => Outcome::Noted,
                },
                message: diagnostic.message.clone(),
                help: diagnostic.help.clone(),
                place: Some((diagnostic.file.clone(), diagnostic.span)),
                severity: None,
                dimension: None,
            });
        }
        for document in checked {
            let mut wrong = diagnostics.iter().filter(|diagnostic| diagnostic.code != NOT_RUN);
            if wrong.all(|diagnostic| diagnostic.file != document) {
                findings.add(Case {
                    suite: document.display().to_string(),
                    name: "check".to_owned(),
                    outcome: Outcome::Passed,
                    message: "nothing was found".to_owned(),
                    help: None,
                    place: Some((document.to_path_buf(), None)),
                    severity: None,
                    dimension: None,
                });
            }
        }
        findings
    }

    /// What an error says, for a report of a command that could not go on.
    fn of_error(error: &Error) -> Self {
        let mut findings = Self::of_documents(error.diagnostics(), []);
        if !crate::report::is_summary(error) {
            let mesh = polder_core::config::FILE_NAME;
            findings.add(Case {
                suite: mesh.to_owned(),
                name: "broken-off".to_owned(),
                outcome: Outcome::Failed,
                message: error.report(),
                help: error.help().map(str::to_owned),
                place: Some((mesh.into(), None)),
                severity: None,
                dimension: None,
            });
        }
        findings
    }

    /// The cases with paths that begin at the root of the file's repository. `root` is the folder that they begin at.
    fn placed(&self, root: &Path) -> Vec<Case> {
        let mut repositories = Repositories::seen_from(root);
        let placed = |case: &Case| {
            let mut case = case.clone();
            if let Some((path, _)) = &mut case.place {
                *path = repositories.place(path);
            }
            case
        };
        self.cases.iter().map(placed).collect()
    }

    /// How many checks came out so.
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.cases.iter().filter(|case| case.outcome == outcome).count()
    }

    /// The share of checks that were run, in percent; nothing where nothing is declared.
    pub(crate) fn coverage(&self) -> Option<f64> {
        let run = self.cases.len() - self.count(Outcome::NotRun);
        (!self.cases.is_empty()).then(|| 100.0 * run as f64 / self.cases.len() as f64)
    }

    /// Writes the reports that were asked for. `command` is what was run, such as `polder check`; `root` is the folder that
    /// paths begin at. Those who read the forms of other tools look for paths from the root of the file's repository on.
    ///
    /// # Errors
    /// `Usage` where a file cannot be written.
    pub(crate) fn write(&self, command: &str, reports: &[Report], root: &Path) -> Result<()> {
        let placed = match reports.iter().any(|report| report.format != ReportFormat::Json) {
            true => self.placed(root),
            false => Vec::new(),
        };
        for report in reports {
            let text = match report.format {
                ReportFormat::Junit => junit::render(command, &placed)?,
                ReportFormat::Sarif => sarif::render(&placed)?,
                ReportFormat::Json => json::render(command, self)?,
                ReportFormat::Github => github::render(&placed),
            };
            match &report.file {
                Some(file) => {
                    crate::output::make_folder_of(file)?;
                    fs::write(file, text).context(ErrorKind::Usage, || format!("cannot write {}", file.display()))?;
                }
                None => {
                    // What is left for the runner in a log are the commands of the report that is made of them.
                    let text = match report.format {
                        ReportFormat::Github => text,
                        ReportFormat::Junit => door::xml(&text),
                        ReportFormat::Sarif | ReportFormat::Json => door::json(&text).into_owned(),
                    };
                    crate::output::text(&format!("{}\n", text.trim_end_matches('\n')))?;
                }
            }
        }
        Ok(())
    }
}

/// Writes the reports of a command that ends with an error before it has any, so that whoever reads them sees why.
///
/// # Errors
/// The error itself.
pub(crate) fn or_report<T>(command: &str, reports: &[Report], root: &Path, result: Result<T>) -> Result<T> {
    if let Err(error) = &result
        && !reports.is_empty()
        && let Err(failure) = Findings::of_error(error).write(command, reports, root)
    {
        crate::report::error(&failure, None);
    }
    result
}

/// The path as forms of other tools write it: with slashes.
fn slashed(path: &Path) -> String {
    if path.is_absolute() {
        return path.to_string_lossy().replace('\\', "/");
    }
    path.components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

fn unwritable(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Internal, "the report cannot be written").with_source(cause)
}
