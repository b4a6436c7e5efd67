//! GitHub's workflow commands: `::error file=…,line=…,col=…,title=…::message`.

use std::fmt::Write;

use polder_core::plain::plain_but;
use polder_core::units::counted;

use super::{Case, Outcome, slashed};

/// One line for each case that failed, warned or is worth knowing, and one for all that were not run: the runner shows no
/// more than ten of a kind.
pub(super) fn render(cases: &[Case]) -> String {
    let mut text = String::new();
    for case in cases {
        let command = match case.outcome {
            Outcome::Failed => "error",
            Outcome::Warned => "warning",
            Outcome::Noted => "notice",
            Outcome::Passed | Outcome::NotRun => continue,
        };
        let mut properties = Vec::new();
        if let Some((path, span)) = &case.place {
            properties.push(format!("file={}", property(&slashed(path))));
            if let Some(span) = span {
                properties.push(format!("line={},col={}", span.line, span.column));
            }
        }
        properties.push(format!("title={}", property(&format!("{} {}", case.suite, case.name))));
        let help = case.help.as_ref().map_or_else(String::new, |help| format!("\n{help}"));
        let message = data(&format!("{}{help}", case.message));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "::{command} {}::{message}", properties.join(","));
    }
    let not_run = cases.iter().filter(|case| case.outcome == Outcome::NotRun);
    let not_run: Vec<_> = not_run
        .map(|case| format!("{} {}: {}", case.suite, case.name, case.message))
        .collect();
    if !not_run.is_empty() {
        let title = property(&format!("{} not run", counted(not_run.len(), "check")));
        let _ = writeln!(text, "::notice title={title}::{}", data(&not_run.join("\n")));
    }
    text
}

/// A message as the runner reads it back.
fn data(text: &str) -> String {
    let text = plain_but(text, |character| matches!(character, '\r' | '\n' | '\t'));
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property's value as the runner reads it back.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
