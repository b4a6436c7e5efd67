//! Pages in Markdown, as GitHub shows it.

use std::fmt::Write;

use super::{Block, Page, Text, Word};

/// The page's text.
pub(super) fn write(page: &Page) -> String {
    let (status, version) = (escaped(&page.status), page.version.as_deref().map(escaped));
    let state = match (page.kind, version) {
        (None, Some(version)) => format!("Version {version}, {status}."),
        (None, None) => format!("Without version, {status}."),
        (Some(kind), Some(version)) => format!("{kind}, version {version}, {status}."),
        (Some(kind), None) => format!("{kind} without version, {status}."),
    };
    let mut out = format!("# {}\n\n{state}\n", escaped(&page.title));
    if let Some(lead) = &page.lead {
        let _ = write!(out, "\n{}\n", escaped(lead));
    }
    facts(&page.facts, &mut out);
    for section in &page.sections {
        let code = section
            .code
            .as_ref()
            .map_or(String::new(), |name| format!(" {}", code(name)));
        let _ = write!(out, "\n## {}{code}\n", escaped(&section.title));
        for block in &section.blocks {
            match block {
                Block::Paragraph(text) => {
                    let _ = write!(out, "\n{}\n", escaped(text));
                }
                Block::Facts(list) => facts(list, &mut out),
                Block::Table { headers, rows, .. } => {
                    let shown = super::filled(headers, rows);
                    let headers: Vec<&str> = shown.iter().map(|column| headers[*column]).collect();
                    let _ = write!(
                        out,
                        "\n| {} |\n|{}\n",
                        headers.join(" | "),
                        "---|".repeat(headers.len())
                    );
                    for row in rows {
                        let cells: Vec<String> = row
                            .cells
                            .iter()
                            .enumerate()
                            .filter(|(index, _)| shown.contains(index))
                            .map(|(index, cell)| {
                                let indent = if index == 0 {
                                    "&emsp;".repeat(row.depth)
                                } else {
                                    String::new()
                                };
                                format!("{indent}{}", one_line(&text(cell, true)))
                            })
                            .collect();
                        let _ = writeln!(out, "| {} |", cells.join(" | "));
                    }
                }
            }
        }
    }
    out
}

fn facts(list: &[(String, Text)], out: &mut String) {
    if !list.is_empty() {
        out.push('\n');
    }
    for (label, value) in list.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(out, "- **{}**: {}", escaped(label), one_line(&text(value, false)));
    }
}

fn text(value: &Text, in_table: bool) -> String {
    match value {
        Text::Plain(text) => escaped(text),
        Text::Code(text) if text.is_empty() => String::new(),
        // A bar would end a table's cell even in code.
        Text::Code(text) if in_table => code(text).replace('|', "\\|"),
        Text::Code(text) => code(text),
        Text::Query(text) => query(text),
        Text::Link { text, url } if super::html::is_web(url) => {
            format!("[{}](<{}>)", escaped(text), url.replace(['<', '>', '\n'], ""))
        }
        Text::Link { text, url } if text == url => escaped(text),
        Text::Link { text, url } => format!("{} ({})", escaped(text), escaped(url)),
        Text::Page { text, file } => format!("[{}](<{}>)", escaped(text), file.replace(['<', '>', '\n'], "")),
        Text::Several(parts, between) => {
            let parts = parts.iter().filter(|part| !part.is_empty());
            parts.map(|part| text(part, in_table)).collect::<Vec<_>>().join(between)
        }
        Text::Words(words) => {
            let words: Vec<String> = words
                .iter()
                .map(|word| match word {
                    Word::Text(text) | Word::Note(text) => escaped(text),
                    Word::Refers(to) => format!("Refers to {}.", text(to, in_table)),
                    Word::Badge(text) => format!("**{}**", escaped(text)),
                })
                .collect();
            words.join(" ")
        }
    }
}

/// A query in a cell, line by line: a block of code cannot stand there.
fn query(text: &str) -> String {
    let lines = text.trim().lines().filter(|line| !line.trim().is_empty());
    let lines = lines.map(|line| {
        let indent = line.len() - line.trim_start().len();
        let line = code(line.trim()).replace('|', "\\|");
        format!("<br>{}{line}", "&emsp;".repeat(indent.div_ceil(2)))
    });
    lines.collect()
}

/// Code of any content: the fence is longer than any run of backticks in it.
fn code(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{}{pad}{fence}", one_line(text))
}

/// Text as text: what would be a sign of Markdown is none, and no line begins a list, a heading or code.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let line = line.trim();
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        for (at, c) in line.char_indices() {
            let always = matches!(
                c,
                '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '!' | '&' | '$'
            );
            let first = at == 0 && matches!(c, '-' | '+' | '=');
            let numbered = digits > 0 && at == digits && matches!(c, '.' | ')') && line[at + 1..].starts_with(' ');
            if always || first || numbered {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
