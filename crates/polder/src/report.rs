//! Errors and diagnostics as people read them: what, where (with the excerpt) and what to do about it.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use polder_core::Error;
use polder_core::document::{Diagnostic, Severity, Span};
use polder_policy::Class;

/// Prints an error and its diagnostics to standard error. `root` is where the diagnostics' files are found.
pub(crate) fn error(error: &Error, root: Option<&Path>) {
    let text = render(error, root, std::io::stderr().is_terminal());
    // Where standard error is closed there is nobody left to tell.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Prints diagnostics to standard error.
pub(crate) fn diagnostics(list: &[Diagnostic], root: Option<&Path>) {
    let text = render_diagnostics(list, root, std::io::stderr().is_terminal());
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

fn render(error: &Error, root: Option<&Path>, styled: bool) -> String {
    let mut text = render_diagnostics(error.diagnostics(), root, styled);
    let report = error.report();
    // An error that only sums up its diagnostics has nothing to add to them.
    if error
        .diagnostics()
        .first()
        .is_some_and(|first| report.starts_with(&first.to_string()))
    {
        return text;
    }
    let mut group = Group::with_title(Level::ERROR.primary_title(report.as_str()));
    if let Some(help) = error.help() {
        group = group.element(Level::HELP.message(help));
    }
    text.push_str(&renderer(styled).render(&[group]));
    text.push('\n');
    text
}

fn render_diagnostics(list: &[Diagnostic], root: Option<&Path>, styled: bool) -> String {
    let mut files: BTreeMap<PathBuf, Option<String>> = BTreeMap::new();
    let mut text = String::new();
    for diagnostic in list {
        let source = files.entry(diagnostic.file.clone()).or_insert_with(|| {
            let path = root.map_or_else(|| diagnostic.file.clone(), |root| root.join(&diagnostic.file));
            std::fs::read_to_string(path).ok()
        });
        text.push_str(&render_one(diagnostic, source.as_deref(), styled));
        text.push_str("\n\n");
    }
    text
}

fn render_one(diagnostic: &Diagnostic, source: Option<&str>, styled: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        _ => Level::NOTE,
    };
    let path = diagnostic.file.display().to_string();
    let excerpt = diagnostic.span.as_ref().zip(source).filter(|(span, source)| {
        let shown = || !may_hold_secret(&diagnostic.file, source, span);
        span.start <= span.end && source.is_char_boundary(span.start) && source.is_char_boundary(span.end) && shown()
    });
    let title = match (&excerpt, &diagnostic.span) {
        (Some(_), _) => diagnostic.message.clone(),
        (None, Some(span)) => format!("{path}:{}:{}: {}", span.line, span.column, diagnostic.message),
        (None, None) => format!("{path}: {}", diagnostic.message),
    };
    let mut group = Group::with_title(level.primary_title(title.as_str()).id(diagnostic.code.as_ref()));
    if let Some((span, source)) = excerpt {
        group = group.element(
            Snippet::source(source)
                .path(path.as_str())
                .annotation(AnnotationKind::Primary.span(span.start..span.end)),
        );
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer(styled).render(&[group])
}

/// Lines that hold a card number or credential, and those of the configuration that name what opens a service, are not
/// repeated on a terminal or in the log of a CI.
fn may_hold_secret(file: &Path, source: &str, span: &Span) -> bool {
    const WORDS: [&str; 9] = [
        "database",
        "url",
        "user",
        "password",
        "secret",
        "key",
        "token",
        "credential",
        "@",
    ];
    let start = source[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = source[span.end..].find('\n').map_or(source.len(), |at| span.end + at);
    let lines = &source[start..end];
    if polder_policy::detect(lines)
        .iter()
        .any(|found| found.kind.class() == Class::Forbidden)
    {
        return true;
    }
    if file.file_name() != Some(std::ffi::OsStr::new(polder_core::config::FILE_NAME)) {
        return false;
    }
    let lines = lines.to_lowercase();
    WORDS.iter().any(|word| lines.contains(word))
}

fn renderer(styled: bool) -> Renderer {
    if styled { Renderer::styled() } else { Renderer::plain() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_file_line_column_excerpt_and_help() {
        let source = "name: shop\nlakee: x\n";
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            code: "unknown-key".into(),
            message: "`lakee` is not known here".to_owned(),
            help: Some("did you mean `lake`?".to_owned()),
            file: PathBuf::from("polder.yaml"),
            span: Some(Span {
                line: 2,
                column: 1,
                start: 11,
                end: 16,
            }),
        };
        let text = render_one(&diagnostic, Some(source), false);
        for part in [
            "error[unknown-key]",
            "polder.yaml:2:1",
            "lakee: x",
            "did you mean `lake`?",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn a_line_with_a_credential_is_not_repeated_whatever_the_document() {
        let source = "schema:\n  examples: [AKIAIOSFODNN7EXAMPLE]\n";
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            code: "no-secrets".into(),
            message: "an example is a key".to_owned(),
            help: None,
            file: PathBuf::from("contracts/shop/x.odcs.yaml"),
            span: Some(Span {
                line: 2,
                column: 14,
                start: 22,
                end: 42,
            }),
        };
        let text = render_one(&diagnostic, Some(source), false);
        assert!(!text.contains("IOSFODNN7"), "{text}");
        assert!(text.contains("contracts/shop/x.odcs.yaml:2:14"), "{text}");
    }

    #[test]
    fn a_line_of_the_configuration_that_may_hold_a_secret_is_not_repeated() {
        let source = "name: shop\nregistry:\n  url: htp://bob:hunter2@host\n";
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            code: "wrong-value".into(),
            message: "`registry.url` is no address".to_owned(),
            help: None,
            file: PathBuf::from("polder.yaml"),
            span: Some(Span {
                line: 3,
                column: 8,
                start: 28,
                end: 50,
            }),
        };
        let text = render_one(&diagnostic, Some(source), false);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("polder.yaml:3:8"), "{text}");
    }
}
