//! What stands behind an error of the YAML parser: the place of the mistake, which is often a line above the one that the
//! parser stumbles over, and what to do about it.
//!
//! No value is repeated in messages, because it may be a secret.

use std::iter;

use super::lines::{Line, Lines};
use crate::units::counted;

/// A mistake in the syntax.
pub(super) struct Mistake {
    /// Where it is: the index of a character.
    pub(super) index: usize,
    pub(super) message: String,
    pub(super) help: String,
}

impl Mistake {
    fn new(index: usize, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            index,
            message: message.into(),
            help: help.into(),
        }
    }
}

/// What to do about messages that need nothing else, by a part of them.
const HELPS: [(&str, &str); 22] = [
    (
        "block sequence entries are not allowed",
        "put each item on a line of its own below the key, or all of them in […]; text that begins with `- ` goes in quotes",
    ),
    (
        "\"-\" is only valid inside a block",
        "in […] the items are parted by `,`, without `-`",
    ),
    ("plain scalar cannot start with '-'", "put the text in quotes"),
    (
        "expected '-' indicator",
        "each item of a list begins with `- `; the other keys of an item are indented as its first",
    ),
    (
        "did not find expected node content",
        "a value is missing before this sign; text that begins with it goes in quotes",
    ),
    (
        "misplaced bracket",
        "no bracket is open here: remove it, or put the text in quotes",
    ),
    (
        "mapping keys are not allowed",
        "text that begins with `? ` goes in quotes",
    ),
    (
        "':'",
        "a blank goes behind the `:` of a key, and text with a `:` of its own goes in quotes",
    ),
    (
        "comment intercepting the multiline text",
        "text over several lines has no comment within: put the comment above its key, or the text in quotes",
    ),
    (
        "wrongly indented line in block scalar",
        "indent every line of the text at least as its first",
    ),
    (
        "while scanning a block scalar",
        "behind `|` and `>` the text begins on the next line; text that begins with one of them goes in quotes",
    ),
    (
        "a block scalar content cannot start with a tab",
        "YAML is indented with blanks, never with tabs",
    ),
    ("unknown anchor", "text that begins with `*` goes in quotes"),
    ("anchor or alias", "text that begins with `*` or `&` goes in quotes"),
    ("indentation for anchor", "text that begins with `&` goes in quotes"),
    ("directive", "text that begins with `%` goes in quotes"),
    (" TAG", "text that begins with `%` goes in quotes"),
    (" tag", "text that begins with `!` goes in quotes"),
    ("handle wasn't declared", "text that begins with `!` goes in quotes"),
    ("unexpected character", "text that begins with this sign goes in quotes"),
    (
        "expected <document start>",
        "indent this line as the first one of the document: one document is one mapping",
    ),
    (
        "after document end marker",
        "a document ends at `...`: remove that line, or what follows it",
    ),
];

/// What an error of the parser means, which it tells of the character at `marked`.
pub(super) fn explained(text: &str, info: &str, marked: usize) -> Mistake {
    let lines = Lines::before(text, marked);
    merge_marker(&lines)
        .or_else(|| tab(text, info, marked))
        .or_else(|| blank_that_is_none(&lines))
        .or_else(|| quotes(&lines, info))
        .or_else(|| brackets(&lines, info))
        .or_else(|| keys(&lines, info))
        .unwrap_or_else(|| {
            let help = HELPS
                .iter()
                .find(|(part, _)| info.contains(part))
                .map(|(_, help)| *help);
            let help =
                help.unwrap_or("put text with signs of YAML in it in quotes, and look at the indentation of this line");
            Mistake::new(marked, info, help)
        })
}

/// What a merge leaves where both sides changed.
fn merge_marker(lines: &Lines<'_>) -> Option<Mistake> {
    let is_marker = |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") || line == "=======";
    let line = lines.all().find(|line| is_marker(line.text.trim_end()))?;
    Some(Mistake::new(
        line.start,
        "this line is a marker of a merge that is not resolved",
        "keep one of the two sides, and remove the lines `<<<<<<<`, `=======` and `>>>>>>>`",
    ))
}

/// The tab that the parser stumbled over: it tells one that it has just read, or that comes next.
fn tab(text: &str, info: &str, marked: usize) -> Option<Mistake> {
    if !info.contains("tab") {
        return None;
    }
    let mut near = text.chars().enumerate().skip(marked.saturating_sub(1));
    let (index, _) = near.find(|(_, c)| *c == '\t')?;
    Some(Mistake::new(
        index,
        info,
        "YAML is indented with blanks, never with tabs",
    ))
}

/// Signs before the first word of a line, or the line above it, that look like blanks and are none.
fn blank_that_is_none(lines: &Lines<'_>) -> Option<Mistake> {
    let strange = |c: char| !matches!(c, ' ' | '\t') && (c.is_whitespace() || c == '\u{200b}' || c == '\u{feff}');
    let mut near = lines.above().into_iter().chain(iter::once(lines.at()));
    near.find_map(|line| {
        let (offset, c) = line
            .text
            .chars()
            .enumerate()
            .take_while(|(_, c)| *c == ' ' || strange(*c))
            .find(|(_, c)| strange(*c))?;
        Some(Mistake::new(
            line.start + offset,
            format!("the sign U+{:04X} looks like a blank here, and is none", c as u32),
            "indent the line with ordinary blanks",
        ))
    })
}

/// Quotes that are of another kind, not closed, or closed too early, and what they do not take.
fn quotes(lines: &Lines<'_>, info: &str) -> Option<Mistake> {
    let marked = lines.marked();
    let of_escape = ["escape character", "hexadecimal number", "Unicode character escape"];
    if of_escape.iter().any(|part| info.contains(part)) {
        // The parser tells where the text begins.
        let (index, escape) = lines.first_escape_from(marked)?;
        return Some(Mistake::new(
            index,
            format!("`\\{escape}` means nothing within double quotes"),
            "put the text in single quotes, where a backslash stands for itself: '…'",
        ));
    }
    let not_closed = |index: usize, quote: char| {
        let inside = match quote {
            '"' => "one within the text is written \\\"",
            _ => "one within the text is written twice: ''",
        };
        let help = format!("close the text with {quote}; {inside}");
        Mistake::new(index, "the quote that begins here is not closed", help)
    };
    if info.contains("in quoted scalar") || info.contains("scanning a quoted scalar") {
        return Some(not_closed(marked, lines.character(marked)?));
    }
    if info.contains("trailing content after double-quoted scalar") {
        let quote = lines.quote_before(marked)?;
        return Some(match lines.unclosed_above(quote) {
            Some(index) => not_closed(index, quote),
            None => Mistake::new(
                marked,
                "the quotes are closed before the text ends",
                match quote {
                    '"' => "put all of the text between the quotes; one within it is written \\\"",
                    _ => "put all of the text between the quotes; one within it is written twice, as in 'it''s'",
                },
            ),
        });
    }
    let (index, quote) = lines.at().typographic_quote().filter(|(index, _)| *index < marked)?;
    Some(Mistake::new(
        index,
        format!("`{quote}` is no quote of YAML"),
        "write straight quotes, ' or \", around the text",
    ))
}

/// Brackets that are not closed, and text that has some.
fn brackets(lines: &Lines<'_>, info: &str) -> Option<Mistake> {
    let parts = ["flow", "end of stream", "eof", "placement of ':'"];
    if !parts.iter().any(|part| info.contains(part)) {
        return None;
    }
    let marked = lines.marked();
    let (index, bracket, indent) = lines.open_bracket()?;
    let end = if bracket == '[' { ']' } else { '}' };
    let here = lines.at();
    let ended = here.text.trim().is_empty() || lines.character(marked).is_none();
    if ended || (index < here.start && here.indent() <= indent) {
        return Some(Mistake::new(
            index,
            format!("the `{bracket}` is not closed"),
            format!("close it with `{end}`; text that begins with a bracket goes in quotes"),
        ));
    }
    let message = format!("a `,` or the closing `{end}` is missing before this");
    Some(match lines.character(marked)? {
        '[' | ']' | '{' | '}' => Mistake::new(
            marked,
            message,
            "put text with brackets in quotes; single ones leave a backslash as it is: '…'",
        ),
        _ => Mistake::new(marked, message, "write the `,`, or put the text in quotes"),
    })
}

/// Lines that are no `key: value`, and those that are indented like nothing around them.
fn keys(lines: &Lines<'_>, info: &str) -> Option<Mistake> {
    let here = lines.at();
    let is_key = |line: &Line<'_>| line.content().contains(": ") || line.content().ends_with(':');
    // A text alone at the beginning is a whole document.
    let alone = info.contains("expected <document start>") && lines.above().is_some_and(|line| !is_key(&line));
    if alone || info.contains("simple key expect") {
        let line = lines.above().unwrap_or(here);
        let glued = line.content().contains(':');
        let message = match glued {
            true => "no blank is behind the `:` of this line",
            false => "this line has no `:`",
        };
        let help = match glued {
            true => "write it as `key: value`; text over several lines goes in quotes",
            false => {
                "write it as `key: value`, or as an item of a list with `- ` before it; text over several lines goes in quotes"
            }
        };
        return Some(Mistake::new(line.first(), message, help));
    }
    if info.contains("mapping values are not allowed") {
        let before: String = here.text.chars().take(lines.marked() - here.start).collect();
        // A key before it, on the same line.
        if let Some((key, _)) = before.split_once(": ") {
            let key = key.trim_start_matches([' ', '-']);
            return Some(Mistake::new(
                lines.marked(),
                "a second `: ` on one line",
                format!("put the text in quotes, for its `: `, as in {key}: \"…\""),
            ));
        }
        let above = lines.above()?;
        let (own, other) = (here.key_column(), above.key_column());
        let help = match above.has_value() && own > other {
            true => format!("indent it as the key above it, by {}", counted(other as u64, "blank")),
            false => "indent it as the keys that it stands beside; text over several lines goes in quotes".to_owned(),
        };
        return Some(Mistake::new(
            here.first(),
            format!(
                "this line is indented by {}, and goes on with the text above it",
                counted(own as u64, "blank")
            ),
            help,
        ));
    }
    if info.contains("did not find expected key") {
        let (kind, fitting) = match here.is_item() {
            true => ("items", lines.columns(true)),
            false => ("keys", lines.columns(false)),
        };
        let own = here.indent();
        let nearest = fitting.iter().min_by_key(|column| column.abs_diff(own)).copied();
        return Some(match nearest {
            Some(column) if column != own => Mistake::new(
                here.first(),
                format!(
                    "this line is indented by {}, like nothing above it",
                    counted(own as u64, "blank")
                ),
                format!(
                    "the {kind} above it are indented by {}",
                    counted(column as u64, "blank")
                ),
            ),
            _ if here.is_item() => Mistake::new(
                here.first(),
                "an item of a list where a key is expected",
                "put the items below a key of their own, and the key before the first of them",
            ),
            _ => Mistake::new(
                here.first(),
                info,
                "look at the indentation of this line, and at the quotes and brackets of the one above it",
            ),
        });
    }
    None
}
