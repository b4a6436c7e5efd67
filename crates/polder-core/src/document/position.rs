//! From the parser's character positions to byte offsets, lines and columns.

use super::Span;

/// The places of one text.
pub(super) struct Positions {
    /// Byte offset of each character and of the end; nothing where each character is one byte.
    offsets: Option<Vec<u32>>,
    /// Character index at which each line begins.
    lines: Vec<usize>,
    /// Bytes of the byte order mark before the first character that the parser sees.
    skipped: usize,
    characters: usize,
}

impl Positions {
    /// `text` is what the parser sees; `skipped` bytes stand before it in the document.
    pub(super) fn new(text: &str, skipped: usize) -> Self {
        let ascii = text.is_ascii();
        let mut offsets = Vec::new();
        let mut lines = vec![0];
        let mut characters = 0;
        let mut rest = text.char_indices().peekable();
        while let Some((offset, character)) = rest.next() {
            if !ascii {
                // Documents are at most 16 MiB.
                offsets.push(offset as u32);
            }
            characters += 1;
            let breaks = character == '\n' || (character == '\r' && rest.peek().is_none_or(|(_, next)| *next != '\n'));
            if breaks {
                lines.push(characters);
            }
        }
        if !ascii {
            offsets.push(text.len() as u32);
        }
        Self {
            offsets: (!ascii).then_some(offsets),
            lines,
            skipped,
            characters,
        }
    }

    /// The span between two character indices; what lies outside the text is moved to its end.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        let start = start.min(self.characters);
        let end = end.clamp(start, self.characters);
        let line = self.lines.partition_point(|begin| *begin <= start);
        let begin = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        Span {
            line,
            column: start - begin + 1,
            start: self.byte(start),
            end: self.byte(end),
        }
    }

    fn byte(&self, character: usize) -> usize {
        let offset = match &self.offsets {
            Some(offsets) => offsets.get(character).map_or(character, |offset| *offset as usize),
            None => character,
        };
        offset + self.skipped
    }
}
