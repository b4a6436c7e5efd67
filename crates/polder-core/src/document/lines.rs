//! The lines of a document that is no YAML, up to the one where its parser gave up, as people read them.

/// So many lines above a mistake may still explain it.
const NEAR: usize = 400;

/// One line, without its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'t> {
    /// The index of its first character in the document.
    pub(super) start: usize,
    pub(super) text: &'t str,
}

impl<'t> Line<'t> {
    /// Blanks before its first word.
    pub(super) fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    /// Whether it is an item of a list.
    pub(super) fn is_item(&self) -> bool {
        let content = self.text.trim_start();
        content == "-" || content.starts_with("- ")
    }

    /// The index of its first character that is no blank.
    pub(super) fn first(&self) -> usize {
        self.start + self.indent()
    }

    /// What follows the blanks, and the dashes of items of lists.
    pub(super) fn content(&self) -> &'t str {
        self.text.trim_start_matches([' ', '-'])
    }

    /// The column, from 0, of its key: behind the dashes of items.
    pub(super) fn key_column(&self) -> usize {
        let mut rest = self.text;
        loop {
            rest = rest.trim_start_matches(' ');
            match rest.strip_prefix("- ") {
                Some(behind) => rest = behind,
                None => return self.text.len() - rest.len(),
            }
        }
    }

    /// Whether it is a key with a value behind it.
    pub(super) fn has_value(&self) -> bool {
        let value = self.content().split_once(": ").map(|(_, value)| value.trim());
        value.is_some_and(|value| !value.is_empty() && !value.starts_with('#'))
    }

    /// Nothing, or a comment alone.
    fn says_nothing(&self) -> bool {
        let text = self.text.trim();
        text.is_empty() || text.starts_with('#')
    }

    /// A quote as texts are printed with, where a value begins.
    pub(super) fn typographic_quote(&self) -> Option<(usize, char)> {
        let mut before = '-';
        for (offset, c) in self.text.chars().enumerate() {
            let is_quote = matches!(c, '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}');
            if is_quote && matches!(before, ':' | '-' | '[' | '{') {
                return Some((self.start + offset, c));
            }
            if c != ' ' {
                before = c;
            }
        }
        None
    }
}

/// The lines up to the one with the marked character, that one whole.
pub(super) struct Lines<'t> {
    lines: Vec<Line<'t>>,
    /// The whole document.
    text: &'t str,
    marked: usize,
}

impl<'t> Lines<'t> {
    pub(super) fn before(text: &'t str, marked: usize) -> Self {
        let mut lines = Vec::new();
        let mut start = 0;
        for part in text.split_inclusive('\n') {
            if start > marked {
                break;
            }
            let text = part.trim_end_matches(['\n', '\r']);
            lines.push(Line { start, text });
            start += part.chars().count();
        }
        // Behind the last line break, or of an empty document.
        if lines.is_empty() || (start <= marked && text.ends_with('\n')) {
            lines.push(Line { start, text: "" });
        }
        Self { lines, text, marked }
    }

    pub(super) fn marked(&self) -> usize {
        self.marked
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Line<'t>> + '_ {
        self.lines.iter().copied()
    }

    /// The line with the marked character.
    pub(super) fn at(&self) -> Line<'t> {
        let none = Line { start: 0, text: "" };
        self.lines.last().copied().unwrap_or(none)
    }

    /// The nearest line before it that says something.
    pub(super) fn above(&self) -> Option<Line<'t>> {
        self.earlier().find(|line| !line.says_nothing())
    }

    /// The lines before the marked one, the nearest first.
    fn earlier(&self) -> impl Iterator<Item = Line<'t>> + '_ {
        self.lines.iter().rev().skip(1).take(NEAR).copied()
    }

    /// A character of the document.
    pub(super) fn character(&self, index: usize) -> Option<char> {
        self.text.chars().nth(index)
    }

    /// The first backslash, from the beginning of a text in double quotes on, that YAML gives no meaning, with what follows
    /// it.
    pub(super) fn first_escape_from(&self, start: usize) -> Option<(usize, char)> {
        let mut characters = self.text.chars().enumerate().skip(start + 1);
        while let Some((index, c)) = characters.next() {
            if c != '\\' {
                continue;
            }
            let (_, escaped) = characters.next()?;
            let digits = match escaped {
                'x' => 2,
                'u' => 4,
                'U' => 8,
                '0' | 'a' | 'b' | 't' | 'n' | 'v' | 'f' | 'r' | 'e' | ' ' | '"' | '/' | '\\' | 'N' | '_' | 'L'
                | 'P' | '\t' | '\n' | '\r' => continue,
                _ => return Some((index, escaped)),
            };
            let number: String = characters.clone().map(|(_, digit)| digit).take(digits).collect();
            let code = u32::from_str_radix(&number, 16).ok().and_then(char::from_u32);
            if number.chars().count() < digits || code.is_none() {
                return Some((index, escaped));
            }
        }
        None
    }

    /// The kind of quotes that were closed last before a character of the marked line.
    pub(super) fn quote_before(&self, index: usize) -> Option<char> {
        let line = self.at();
        let before = line.text.chars().take(index - line.start);
        before.filter(|c| matches!(c, '"' | '\'')).last()
    }

    /// Where a quote begins on one of the lines above that is closed by one of the marked line, which opens a text of its own.
    pub(super) fn unclosed_above(&self, quote: char) -> Option<usize> {
        let line = self.at();
        let before: String = line.text.chars().take(self.marked - line.start).collect();
        let opens = before.trim_end().strip_suffix(quote)?.trim_end();
        if !(opens.is_empty() || opens.ends_with([':', '-', ',', '[', '{'])) {
            return None;
        }
        let line = self.earlier().find(|line| line.text.matches(quote).count() % 2 == 1)?;
        let offset = line.text.chars().position(|c| c == quote)?;
        Some(line.start + offset)
    }

    /// The innermost bracket that is open at the marked character, with the indentation of its line.
    pub(super) fn open_bracket(&self) -> Option<(usize, char, usize)> {
        let first = self.lines.len().saturating_sub(NEAR);
        let mut open = Vec::new();
        for line in self.lines.get(first..)?.iter().filter(|line| !line.says_nothing()) {
            let mut quote = None;
            let mut before = '-';
            for (offset, c) in line.text.chars().enumerate() {
                let index = line.start + offset;
                if index >= self.marked {
                    break;
                }
                let begins = matches!(before, ':' | '-' | ',' | '[' | '{');
                match (quote, c) {
                    (Some(closing), c) if c == closing => quote = None,
                    (Some(_), _) => {}
                    (None, '"' | '\'') if begins => quote = Some(c),
                    (None, '[' | '{') if begins => open.push((index, c, line.indent())),
                    (None, ']' | '}') => drop(open.pop()),
                    _ => {}
                }
                if c != ' ' {
                    before = c;
                }
            }
        }
        open.pop()
    }

    /// The columns, from 0, of what is open above the marked line: of items of lists, or of keys; the nearest first.
    pub(super) fn columns(&self, of_items: bool) -> Vec<usize> {
        let mut columns = Vec::new();
        let mut limit = usize::MAX;
        for line in self.earlier().filter(|line| !line.says_nothing()) {
            if line.indent() > limit {
                continue;
            }
            limit = line.indent();
            let column = match of_items {
                true => line.is_item().then(|| line.indent()),
                false => line.content().contains(':').then(|| line.key_column()),
            };
            columns.extend(column.filter(|column| !columns.contains(column)));
        }
        columns
    }
}
