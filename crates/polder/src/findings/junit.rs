//! JUnit XML, as Jenkins, GitLab and others read it.

use polder_core::Result;
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Case, Outcome, slashed, unwritable};

/// One suite for each dataset or document, in the order of their first case. Warnings pass, with what they say on the
/// suite's output; what was not run is skipped.
pub(super) fn render(command: &str, cases: &[Case]) -> Result<String> {
    let mut suites: Vec<TestSuite> = Vec::new();
    for case in cases {
        let at = suites
            .iter()
            .position(|suite| suite.name.as_str() == attribute(&case.suite));
        let at = at.unwrap_or_else(|| {
            suites.push(TestSuite::new(attribute(&case.suite)));
            suites.len() - 1
        });
        suites[at].add_test_case(test_case(case));
    }
    let mut report = Report::new(command);
    report.add_test_suites(suites);
    report.to_string().map_err(unwritable)
}

fn test_case(case: &Case) -> TestCase {
    let status = match case.outcome {
        Outcome::Passed | Outcome::Noted | Outcome::Warned => TestCaseStatus::success(),
        Outcome::Failed => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(attribute(&case.message));
            status.set_type(attribute(&case.name));
            status.set_description(described(case));
            status
        }
        Outcome::NotRun => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(attribute(&case.message));
            status
        }
    };
    let mut written = TestCase::new(attribute(&case.name), status);
    written.set_classname(attribute(&case.suite));
    if let Some((path, span)) = &case.place {
        written.add_property(Property::new("file", attribute(&slashed(path))));
        if let Some(span) = span {
            written.add_property(Property::new("line", span.line.to_string()));
        }
    }
    for (key, class) in case.classes() {
        written.add_property(Property::new(key, attribute(class)));
    }
    if matches!(case.outcome, Outcome::Warned | Outcome::Noted) {
        written.set_system_out(format!("{}: {}", case.outcome.as_str(), described(case)));
    }
    written
}

/// Text for an attribute, in one line: readers make blanks of line ends there.
fn attribute(text: &str) -> String {
    let blank = |character: char| if character.is_control() { ' ' } else { character };
    content(&text.replace("\r\n", "\n")).chars().map(blank).collect()
}

/// Text that XML can hold: of what no document may have, even escaped, a mark is left.
fn content(text: &str) -> String {
    let held = |character: char| match character {
        '\t' | '\n' | '\r' => character,
        '\u{FFFE}' | '\u{FFFF}' => char::REPLACEMENT_CHARACTER,
        _ if character.is_ascii_control() => char::REPLACEMENT_CHARACTER,
        _ => character,
    };
    text.chars().map(held).collect()
}

fn described(case: &Case) -> String {
    let place = match &case.place {
        Some((path, Some(span))) => format!("{}:{}:{}: ", slashed(path), span.line, span.column),
        Some((path, None)) => format!("{}: ", slashed(path)),
        None => String::new(),
    };
    let help = case.help.as_ref().map_or_else(String::new, |help| format!("\n{help}"));
    content(&format!("{place}{}{help}", case.message))
}
