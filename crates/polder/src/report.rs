//! Errors and diagnostics as people read them: what, where (with the excerpt) and what to do about it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use polder_core::document::{Diagnostic, Severity, Source, Span};
use polder_core::units::counted;
use polder_core::{Error, Result};
use polder_policy::Class;

use crate::output::door;

/// Prints an error and its diagnostics to standard error. `root` is where the diagnostics' files are found.
pub(crate) fn error(error: &Error, root: Option<&Path>) {
    let text = render(error, Texts::Below(root), std::io::stderr().is_terminal());
    // Where standard error is closed there is nobody left to tell.
    let _ = std::io::stderr().lock().write_all(door::styled(&text).as_bytes());
}

/// Prints diagnostics to standard error.
pub(crate) fn diagnostics(list: &[Diagnostic], root: Option<&Path>) {
    let text = render_diagnostics(list, Texts::Below(root), std::io::stderr().is_terminal());
    let _ = std::io::stderr().lock().write_all(door::styled(&text).as_bytes());
}

/// The same of documents at hand, wherever these come from: files outside of the mesh, revisions of git.
pub(crate) fn diagnostics_of(list: &[Diagnostic], documents: &[Source]) {
    let text = render_diagnostics(list, Texts::These(documents), std::io::stderr().is_terminal());
    let _ = std::io::stderr().lock().write_all(door::styled(&text).as_bytes());
}

/// What a command about documents at hand gives; an error about these is printed here, where they are known.
pub(crate) fn or_told(result: Result<ExitCode>, documents: &[Source]) -> Result<ExitCode> {
    match result {
        Err(error) if !error.diagnostics().is_empty() => {
            let text = render(&error, Texts::These(documents), std::io::stderr().is_terminal());
            let _ = std::io::stderr().lock().write_all(door::styled(&text).as_bytes());
            Ok(ExitCode::from(error.exit_code()))
        }
        other => other,
    }
}

/// Where the texts are that diagnostics are about.
#[derive(Clone, Copy)]
enum Texts<'a> {
    /// In the files below a folder; in those of the current one where there is none.
    Below(Option<&'a Path>),
    /// At hand.
    These(&'a [Source]),
}

impl Texts<'_> {
    fn of(self, file: &Path) -> Option<String> {
        match self {
            Self::Below(root) => {
                let path = root.map_or_else(|| file.to_path_buf(), |root| root.join(file));
                // Only what may be a document is opened: what is wrong with a file may be that it never ends.
                let source = Source::read(Path::new(""), &path).ok();
                source.map(|source| source.text.to_string())
            }
            Self::These(documents) => {
                let found = documents.iter().find(|document| document.path == file);
                found.map(|document| document.text.to_string())
            }
        }
    }
}

fn render(error: &Error, texts: Texts<'_>, styled: bool) -> String {
    let mut text = render_diagnostics(error.diagnostics(), texts, styled);
    // An error that only sums up its diagnostics has nothing to add to them.
    if is_summary(error) {
        return text;
    }
    let report = error.report();
    let (report, help) = (door::shown(&report), error.help().map(door::shown));
    let mut group = Group::with_title(Level::ERROR.primary_title(&*report));
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(&**help));
    }
    text.push_str(&renderer(styled).render(&[group]));
    text.push('\n');
    text
}

/// So many findings of one file are shown; nobody mends more before looking again.
const MOST_SHOWN: usize = 200;
/// Longer excerpts (bytes) are cut to what stands around the finding.
const LONGEST_EXCERPT: usize = 400;
/// So many characters are left on each side of the finding where an excerpt is cut.
const AROUND: usize = 80;
/// So many characters of a finding in a cut excerpt are marked.
const LONGEST_MARK: usize = 60;

/// A file that findings are in.
#[derive(Default)]
struct Reported {
    source: Option<String>,
    /// Whether the lines at these bytes may be repeated; a line is judged once, however many findings it has.
    showable: BTreeMap<(usize, usize), bool>,
    /// How many findings are still shown: errors, and other ones (errors come first).
    errors: usize,
    others: usize,
    hidden: usize,
}

/// Whether an error says nothing beside its diagnostics.
pub(crate) fn is_summary(error: &Error) -> bool {
    let first = error.diagnostics().first();
    first.is_some_and(|first| error.report().starts_with(&first.to_string()))
}

fn render_diagnostics(list: &[Diagnostic], texts: Texts<'_>, styled: bool) -> String {
    let mut files: BTreeMap<&Path, Reported> = BTreeMap::new();
    for diagnostic in list {
        let reported = files.entry(&diagnostic.file).or_insert_with(|| Reported {
            source: texts.of(&diagnostic.file),
            ..Reported::default()
        });
        match diagnostic.severity {
            Severity::Error => reported.errors += 1,
            _ => reported.others += 1,
        }
    }
    for reported in files.values_mut() {
        let all = reported.errors + reported.others;
        reported.errors = reported.errors.min(MOST_SHOWN);
        reported.others = reported.others.min(MOST_SHOWN - reported.errors);
        reported.hidden = all - reported.errors - reported.others;
    }
    let mut text = String::new();
    for diagnostic in list {
        let Some(reported) = files.get_mut(diagnostic.file.as_path()) else {
            continue;
        };
        let left = match diagnostic.severity {
            Severity::Error => &mut reported.errors,
            _ => &mut reported.others,
        };
        if *left == 0 {
            continue;
        }
        *left -= 1;
        text.push_str(&render_one(diagnostic, reported, styled));
        text.push_str("\n\n");
    }
    for (file, reported) in files.iter().filter(|(_, reported)| reported.hidden > 0) {
        let (file, hidden) = (file.display(), reported.hidden);
        // Writing to a string cannot fail.
        let _ = write!(text, "{file}: {} not shown\n\n", counted(hidden, "more finding"));
    }
    text
}

fn render_one(diagnostic: &Diagnostic, reported: &mut Reported, styled: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        _ => Level::NOTE,
    };
    let path = diagnostic.file.display().to_string();
    let excerpt = diagnostic
        .span
        .as_ref()
        .and_then(|span| excerpt(&diagnostic.file, span, reported));
    let title = match (&excerpt, &diagnostic.span) {
        (Some(_), _) => diagnostic.message.clone(),
        (None, Some(span)) => format!("{path}:{}:{}: {}", span.line, span.column, diagnostic.message),
        (None, None) => format!("{path}: {}", diagnostic.message),
    };
    let (title, help) = (door::shown(&title), diagnostic.help.as_deref().map(door::shown));
    let mut group = Group::with_title(level.primary_title(&*title).id(diagnostic.code.as_ref()));
    if let Some((excerpt, span)) = excerpt.zip(diagnostic.span) {
        let snippet = Snippet::source(excerpt.text)
            .line_start(span.line)
            .annotation(AnnotationKind::Primary.span(excerpt.mark));
        group = if excerpt.cut {
            // The place is that in the file, not that in what is left of the line.
            let origin = Origin::path(path.as_str()).line(span.line).char_column(span.column);
            group.element(origin).element(snippet)
        } else {
            group.element(snippet.path(path.as_str()))
        };
    }
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(&**help));
    }
    renderer(styled).render(&[group])
}

/// What is shown of a file for one finding.
struct Excerpt {
    text: String,
    mark: Range<usize>,
    /// Whether the text is less than the lines that the finding is in.
    cut: bool,
}

/// The lines that a finding is in, or the stretch around it where they are long; none where they may hold a secret.
fn excerpt(file: &Path, span: &Span, reported: &mut Reported) -> Option<Excerpt> {
    let source = reported.source.as_deref()?;
    if span.start > span.end || !source.is_char_boundary(span.start) || !source.is_char_boundary(span.end) {
        return None;
    }
    let start = source[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = source[span.end..].find('\n').map_or(source.len(), |at| span.end + at);
    let lines = &source[start..end];
    let showable = reported.showable.entry((start, end));
    if !*showable.or_insert_with(|| !may_hold_secret(file, lines)) {
        return None;
    }
    let mark = span.start - start..span.end - start;
    if lines.len() <= LONGEST_EXCERPT {
        return Some(Excerpt {
            text: lines.to_owned(),
            mark,
            cut: false,
        });
    }
    let before = &lines[..mark.start];
    // Of a finding over many lines the first is shown.
    let marked = lines[mark.clone()].lines().next().unwrap_or_default();
    let shown = first(marked, LONGEST_MARK);
    let after = lines[mark.start + shown.len()..].lines().next().unwrap_or_default();
    let after_shown = first(after, AROUND);
    let line = before.rfind('\n').map_or(before, |at| &before[at + 1..]);
    let skipped = line.char_indices().rev().nth(AROUND - 1).map_or(0, |(at, _)| at);
    let mut text = String::new();
    if skipped > 0 {
        text.push('…');
    }
    text.push_str(&line[skipped..]);
    let mark = text.len()..text.len() + shown.len();
    text.push_str(shown);
    text.push_str(after_shown);
    if after_shown.len() < after.len() {
        text.push('…');
    }
    Some(Excerpt { text, mark, cut: true })
}

/// The first characters of a text.
fn first(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(at, _)| &text[..at])
}

/// Lines that hold a card number or credential, and those of the configuration that name what opens a service, are not
/// repeated on a terminal or in the log of a CI.
fn may_hold_secret(file: &Path, lines: &str) -> bool {
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
    use std::path::PathBuf;

    use super::*;

    fn of(source: &str) -> Reported {
        Reported {
            source: Some(source.to_owned()),
            ..Reported::default()
        }
    }

    #[test]
    fn of_a_long_line_the_stretch_around_the_finding_is_shown_with_its_place_in_the_file() {
        let before = "ä, ".repeat(50_000);
        let source = format!("name: shop\nlist: [{before}wrongname, {}]\n", "b, ".repeat(50_000));
        let start = source.find("wrongname").unwrap();
        let column = "list: [".len() + before.chars().count() + 1;
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            code: "unknown-name".into(),
            message: "`wrongname` is not known here".to_owned(),
            help: None,
            file: PathBuf::from("x.yaml"),
            span: Some(Span {
                line: 2,
                column,
                start,
                end: start + "wrongname".len(),
            }),
        };
        let text = render_one(&diagnostic, &mut of(&source), false);
        assert!(text.len() < 1_000, "{}", text.len());
        assert!(text.contains(&format!("x.yaml:2:{column}\n")), "{text}");
        assert!(text.contains("ä, wrongname, b, b"), "{text}");
        assert!(text.contains("^^^^^^^^^"), "{text}");
    }

    #[test]
    fn of_many_findings_of_a_file_the_errors_come_first_and_the_rest_is_counted() {
        let diagnostic = |severity, index: usize| Diagnostic {
            severity,
            code: "x".into(),
            message: format!("finding {index}."),
            help: None,
            file: PathBuf::from("there-is-no-such-file.yaml"),
            span: None,
        };
        let warnings = (0..300).map(|index| diagnostic(Severity::Warning, index));
        let list: Vec<_> = warnings.chain([diagnostic(Severity::Error, 300)]).collect();
        let text = render_diagnostics(&list, Texts::Below(None), false);
        assert!(
            text.contains("finding 300.") && text.contains("finding 198.") && !text.contains("finding 199."),
            "{text}"
        );
        assert!(
            text.contains("there-is-no-such-file.yaml: 101 more findings not shown"),
            "{text}"
        );
    }

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
        let text = render_one(&diagnostic, &mut of(source), false);
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
        let text = render_one(&diagnostic, &mut of(source), false);
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
        let text = render_one(&diagnostic, &mut of(source), false);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("polder.yaml:3:8"), "{text}");
    }
}
