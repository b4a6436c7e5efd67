//! Places in SQL texts: from the engine's messages to file, line and column.

use std::error::Error as StdError;

use datafusion::error::DataFusionError;
use polder_core::document::{Diagnostic, Severity, Source, Span, without_mark};
use polder_core::{DatasetName, Error};
use polder_gate::engine_words::{self, Asked};

/// A query within a file.
#[derive(Debug, Clone)]
pub(crate) struct SqlText<'a> {
    /// The file that holds it.
    pub(crate) file: &'a Source,
    /// The query.
    pub(crate) sql: &'a str,
    /// Where the query stands, when it is a value inside of a document; nothing when the file is the query.
    value: Option<Span>,
    /// Bytes of the file before the query: those of a byte order mark.
    skipped: usize,
}

impl<'a> SqlText<'a> {
    /// A file that is one query.
    pub(crate) fn file(file: &'a Source) -> Self {
        let sql = without_mark(&file.text);
        Self {
            file,
            sql,
            value: None,
            skipped: file.text.len() - sql.len(),
        }
    }

    /// A query that is a value of a document. Its places are those of the value: what a line of it became in the
    /// document depends on how it was quoted.
    pub(crate) fn value(file: &'a Source, sql: &'a str, span: Span) -> Self {
        Self {
            file,
            sql,
            value: Some(span),
            skipped: 0,
        }
    }

    /// An error at a place of the query; `None` is the query as a whole.
    pub(crate) fn error(
        &self,
        place: Option<Span>,
        code: &'static str,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code: code.into(),
            message: message.into(),
            help,
            file: self.file.path.clone(),
            span: Some(self.value.or(place).unwrap_or_else(|| self.start())),
        }
    }

    /// What a failed parse or plan says, at the place that it names.
    pub(crate) fn failure(&self, error: &Error, code: &'static str) -> Diagnostic {
        let engine = engine_error(error);
        let detail = engine.and_then(DataFusionError::diagnostic);
        let report = match engine {
            Some(engine) => engine.strip_backtrace(),
            None => error.report(),
        };
        let columns = None;
        let (message, help) = match engine.map(|engine| engine_words::said(engine, Asked { sql: self.sql, columns })) {
            Some(said) => (said.message, said.help),
            None => (report.clone(), None),
        };
        let place = detail
            .and_then(|detail| detail.span)
            .and_then(|span| {
                self.at(
                    usize::try_from(span.start.line).ok()?,
                    usize::try_from(span.start.column).ok()?,
                )
            })
            .or_else(|| {
                let (line, column) = line_and_column(&report).or_else(|| line_and_column(&message))?;
                self.at(line, column)
            })
            .or_else(|| quoted_words(&report).find_map(|word| self.word(word)))
            // The engine does not quote every name that it tells.
            .or_else(|| quoted_words(&message).find_map(|word| self.word(word)));
        self.error(place, code, message, error.help().map(str::to_owned).or(help))
    }

    /// Where a dataset is named for the first time.
    pub(crate) fn dataset(&self, dataset: &DatasetName) -> Option<Span> {
        let name = dataset.to_string();
        self.find(&name).or_else(|| self.word(dataset.name()))
    }

    /// Where a word stands for the last time: an output column is mostly named where it is given its alias. What names a
    /// field of a struct (`{d: 1}`, `named_struct('d', 1)`) names no column, unless nothing else does.
    pub(crate) fn last_word(&self, word: &str) -> Option<Span> {
        let is_field = |start: &usize| {
            let rest = self.sql[start + word.len()..].trim_start();
            self.sql[..*start].ends_with('\'') || (rest.starts_with(':') && !rest.starts_with("::"))
        };
        self.words(word)
            .filter(|start| !is_field(start))
            .last()
            .or_else(|| self.words(word).last())
            .map(|start| self.span(start, start + word.len()))
    }

    /// Where a name that a message quotes stands for the last time: as it is quoted, or with fewer parts before it.
    pub(crate) fn last_named(&self, message: &str) -> Option<Span> {
        let quoted = message.split('`').skip(1).step_by(2);
        let mut names = quoted.flat_map(|quoted| {
            let ends = quoted.match_indices('.').map(|(dot, _)| &quoted[dot + 1..]);
            std::iter::once(quoted).chain(ends)
        });
        names.find_map(|name| self.last_word(name))
    }

    /// Where a word stands for the first time.
    fn word(&self, word: &str) -> Option<Span> {
        self.words(word)
            .next()
            .map(|start| self.span(start, start + word.len()))
    }

    fn find(&self, text: &str) -> Option<Span> {
        let start = self.sql.to_ascii_lowercase().find(&text.to_ascii_lowercase())?;
        Some(self.span(start, start + text.len()))
    }

    fn words<'s>(&'s self, word: &'s str) -> impl Iterator<Item = usize> + 's {
        let text = self.sql.to_ascii_lowercase();
        let wanted = word.to_ascii_lowercase();
        let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
        let starts: Vec<_> = text
            .match_indices(&wanted)
            .filter(|(start, _)| {
                !wanted.is_empty()
                    && !text[..*start].ends_with(part_of_word)
                    && !text[start + wanted.len()..].starts_with(part_of_word)
            })
            .map(|(start, _)| start)
            .collect();
        starts.into_iter()
    }

    /// The first word of the query.
    fn start(&self) -> Span {
        let start = self.sql.len() - self.sql.trim_start().len();
        self.span(start, start)
    }

    /// The place at a line and column, both from 1.
    fn at(&self, line: usize, column: usize) -> Option<Span> {
        if line == 0 || column == 0 {
            return None;
        }
        let text = self.sql.split_inclusive('\n').nth(line - 1)?;
        let start = text.as_ptr() as usize - self.sql.as_ptr() as usize;
        let offset = text
            .char_indices()
            .nth(column - 1)
            .map_or(text.trim_end().len(), |(offset, _)| offset);
        Some(Span {
            line,
            column,
            start: self.skipped + start + offset,
            end: self.skipped + start + offset,
        })
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let before = &self.sql[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Span {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            start: self.skipped + start,
            end: self.skipped + end,
        }
    }
}

/// The query engine's own error among the causes.
fn engine_error(error: &Error) -> Option<&DataFusionError> {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(one) = cause {
        if let Some(engine) = one.downcast_ref::<DataFusionError>() {
            return Some(engine);
        }
        cause = one.source();
    }
    None
}

/// `at Line: 3, Column: 7`, as the parser writes it, and as it is written for people.
fn line_and_column(message: &str) -> Option<(usize, usize)> {
    let read = |before: &str, between: &str| {
        let (line, rest) = message[message.rfind(before)? + before.len()..].split_once(between)?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        Some((line.parse().ok()?, rest[..digits].parse().ok()?))
    };
    read("at Line: ", ", Column: ").or_else(|| read("at line ", ", column "))
}

/// Names that a message quotes: what it is about is mostly the first.
fn quoted_words(message: &str) -> impl Iterator<Item = &str> {
    message
        .split(['\'', '"', '`'])
        .skip(1)
        .step_by(2)
        .flat_map(|quoted| [quoted, quoted.rsplit('.').next().unwrap_or(quoted)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(sql: &str) -> Source {
        Source::new("pipelines/a/b.sql", sql)
    }

    #[test]
    fn places_count_lines_and_characters() {
        let file = source("SELECT 'é' AS é,\n  price AS amount\nFROM sales.bronze.lines");
        let text = SqlText::file(&file);
        let place = text.last_word("amount").unwrap();
        assert_eq!((place.line, place.column), (2, 12));
        assert_eq!(&file.text[place.start..place.end], "amount");
        let place = text.dataset(&"sales.bronze.lines".parse().unwrap()).unwrap();
        assert_eq!((place.line, place.column), (3, 6));
        let place = text.at(1, 11).unwrap();
        assert_eq!((place.line, place.column), (1, 11));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_query_and_shifts_no_place() {
        let file = source("\u{feff}SELECT price AS amount\nFROM sales.bronze.lines");
        let text = SqlText::file(&file);
        assert_eq!(text.sql, "SELECT price AS amount\nFROM sales.bronze.lines");
        let word = text.last_word("amount").unwrap();
        assert_eq!((word.line, word.column), (1, 17));
        assert_eq!(&file.text[word.start..word.end], "amount");
        assert_eq!(&file.text[text.at(1, 8).unwrap().start..][..5], "price");
        let dataset = text.dataset(&"sales.bronze.lines".parse().unwrap()).unwrap();
        assert_eq!(&file.text[dataset.start..dataset.end], "sales.bronze.lines");
        assert_eq!((dataset.line, dataset.column), (2, 6));
    }

    #[test]
    fn a_word_is_not_found_inside_another() {
        let file = source("SELECT lines_total AS total");
        let text = SqlText::file(&file);
        assert_eq!(text.last_word("lines"), None);
        assert_eq!(text.last_word("total").unwrap().column, 23);
    }

    #[test]
    fn a_field_of_a_struct_is_no_output_column() {
        let file = source("SELECT 1.5 AS d, {d: 1.0} AS o, named_struct('d', d::int) AS n");
        let text = SqlText::file(&file);
        // The last is a column that is read.
        assert_eq!(text.last_word("d").unwrap().column, 51);
        let file = source("SELECT 1.5 AS d, {d: 1.0} AS o, named_struct('d', 2) AS n");
        assert_eq!(SqlText::file(&file).last_word("d").unwrap().column, 15);
    }

    #[test]
    fn a_name_that_the_engine_does_not_quote_is_found() {
        use polder_core::ResultExt;
        let file = source("SELECT\n  i['skuu'] AS sku FROM l");
        let engine = DataFusionError::Plan("Field skuu not found in struct".to_owned());
        let error = Err::<(), _>(engine).context(polder_core::ErrorKind::Usage, || "no plan".to_owned());
        let diagnostic = SqlText::file(&file).failure(&error.unwrap_err(), "sql");
        let place = diagnostic.span.unwrap();
        assert_eq!((place.line, place.column), (2, 6), "{}", diagnostic.message);
    }

    #[test]
    fn the_parsers_position_is_taken() {
        let file = source("SELECT a\nFROM x y z");
        let text = SqlText::file(&file);
        let error = Error::new(
            polder_core::ErrorKind::Usage,
            "sql parser error: Expected: end of statement, found: z at Line: 2, Column: 10",
        );
        let diagnostic = text.failure(&error, "sql");
        let place = diagnostic.span.unwrap();
        assert_eq!((place.line, place.column), (2, 10));
    }

    #[test]
    fn a_query_inside_of_a_document_is_placed_at_its_value() {
        let file = Source::new("pipelines/a/b.model.yaml", "inputs: {x: SELECT nope}");
        let span = Span {
            line: 1,
            column: 13,
            start: 12,
            end: 23,
        };
        let text = SqlText::value(&file, "SELECT nope", span);
        assert_eq!(
            text.error(text.last_word("nope"), "sql", "wrong", None).to_string(),
            "pipelines/a/b.model.yaml:1:13: wrong"
        );
    }
}
