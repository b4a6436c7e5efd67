//! The last door to terminals and logs: what data says is shown there, and does nothing.
//!
//! Tables and sentences hold values of rows and texts of documents, which anybody may have written. A terminal obeys
//! escape sequences, and GitHub's runner takes lines of a log for commands: `::command::` at the beginning of a line, the
//! older `##[command]` anywhere in it. What programs read says the same with other signs (JSON, XML) or as it is (CSV).

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::LazyLock;

use polder_core::plain::{acts, plain_but};

/// Whether the log is one of a GitHub workflow.
static ON_GITHUB: LazyLock<bool> =
    LazyLock::new(|| std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| !value.is_empty()));

/// Text for people: nothing in it acts but its line ends, and the runner finds no command in it.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    let shown = plain_but(text, |character| matches!(character, '\n' | '\t'));
    match *ON_GITHUB {
        true => Cow::Owned(without_commands(&shown, "# #[", ": :")),
        false => shown,
    }
}

/// Text that was styled for a terminal: what came from elsewhere went through [`shown`] before, or is an excerpt in which
/// a mark stands for what terminals of old obey. Of others one is left here.
pub(crate) fn styled(text: &str) -> Cow<'_, str> {
    let obeyed = |character: char| acts(character) && !character.is_ascii_control();
    let text = match text.contains(obeyed) {
        true => Cow::Owned(text.replace(obeyed, "\u{FFFD}")),
        false => Cow::Borrowed(text),
    };
    match *ON_GITHUB {
        true => Cow::Owned(without_commands(&text, "# #[", ": :")),
        false => text,
    }
}

/// A JSON text that says the same without any character that acts, and without commands.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    let escaped = |character: char| acts(character) && !matches!(character, '\n' | '\t' | '\r');
    if !text.contains(escaped) && !text.contains("##[") {
        return Cow::Borrowed(text);
    }
    let mut said = String::with_capacity(text.len() + 16);
    // Both only occur within strings, where an escape is the character itself.
    for character in text.replace("##[", "#\\u0023[").chars() {
        match escaped(character) {
            // Writing to a string cannot fail.
            true => drop(write!(said, "\\u{:04x}", u32::from(character))),
            false => said.push(character),
        }
    }
    Cow::Owned(said)
}

/// An XML text that says the same without commands.
pub(crate) fn xml(text: &str) -> String {
    // Markup has neither: both are text, where a reference is the character itself.
    without_commands(text, "#&#35;[", "&#58;:")
}

/// The text without `##[`, and without `::` at the beginning of lines.
fn without_commands(text: &str, mark: &str, colons: &str) -> String {
    let mut said = String::with_capacity(text.len() + 16);
    for line in text.replace("##[", mark).split_inclusive('\n') {
        let rest = line.trim_start_matches(|character: char| character.is_whitespace() || !is_seen(character));
        match rest.strip_prefix("::") {
            Some(rest) => {
                said.push_str(&line[..line.len() - rest.len() - 2]);
                said.push_str(colons);
                said.push_str(rest);
            }
            None => said.push_str(line),
        }
    }
    said
}

/// Whether a character takes room: the runner may take others for blanks.
fn is_seen(character: char) -> bool {
    !acts(character)
        && !matches!(
            character,
            '\u{180E}' | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}'
        )
}

/// Where the log is written: what fields and messages hold is shown there and does nothing.
pub(crate) struct Log;

impl std::io::Write for Log {
    /// Events come in one piece each.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        use std::io::IsTerminal;

        let mut out = std::io::stderr().lock();
        let text = String::from_utf8_lossy(bytes);
        let told = match out.is_terminal() {
            // The log is styled there, and escapes itself.
            true => styled(&text),
            false => shown(&text),
        };
        out.write_all(told.as_bytes()).map(|()| bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// Where rows are written that are shown as JSON: they pass through [`json()`]. Takes whole rows at a time, so that no
/// word and no character comes in two pieces.
pub(crate) struct Json<W>(pub(crate) W);

impl<W: std::io::Write> std::io::Write for Json<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(json(&text).as_bytes()).map(|()| bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether GitHub's runner would find a command: `ActionCommand.TryParseV2` trims a line and looks for `::` at its
    /// beginning, `ActionCommand.TryParse` for `##[` anywhere.
    fn commands(log: &str) -> bool {
        log.lines()
            .any(|line| line.trim_start().starts_with("::") || line.contains("##["))
    }

    #[test]
    fn no_line_of_a_log_is_a_command_and_the_words_stay() {
        let text = "a\n::error::x\n \u{a0}::add-mask::y\n::\n\u{feff}::z\nb ##[error]c ###[d\n x::y";
        assert!(commands(text));
        let said = without_commands(text, "# #[", ": :");
        assert!(!commands(&said) && !said.contains("\u{feff}::"), "{said}");
        assert_eq!(said.replace(": :", "::").replace("# #[", "##["), text);
    }

    #[test]
    fn json_and_xml_say_the_same_without_commands_and_escape_sequences() {
        let value = serde_json::json!({"a": "##[error]x \u{9b}31m \u{202e} \u{1b}[0m\n::stop", "###[": 1});
        for text in [value.to_string(), format!("{value:#}")] {
            let said = json(&text);
            assert!(
                !commands(&said) && !said.contains(['\u{9b}', '\u{202e}', '\u{1b}']),
                "{said}"
            );
            assert_eq!(serde_json::from_str::<serde_json::Value>(&said).unwrap(), value);
        }
        let mut report = quick_junit::Report::new("r");
        let mut suite = quick_junit::TestSuite::new("s");
        let mut status = quick_junit::TestCaseStatus::non_success(quick_junit::NonSuccessKind::Failure);
        status.set_message("##[error]");
        status.set_description("a\n::error::b");
        suite.add_test_case(quick_junit::TestCase::new("c", status));
        report.add_test_suite(suite);
        let text = report.to_string().unwrap();
        assert!(commands(&text));
        let said = xml(&text);
        assert!(!commands(&said), "{said}");
        // What the references stand for, by XML 1.0, section 4.1.
        assert_eq!(said.replace("&#35;", "#").replace("&#58;", ":"), text);
    }

    #[test]
    fn nothing_that_is_shown_acts_but_line_ends() {
        assert_eq!(styled("\u{1b}[1ma\u{9b}1m\u{202e}"), "\u{1b}[1ma\u{FFFD}1m\u{FFFD}");
        assert_eq!(
            shown("a\u{1b}]0;t\u{7}\r\n\tb\u{202e}"),
            "a\\u{1b}]0;t\\u{7}\\r\n\tb\\u{202e}"
        );
    }
}
