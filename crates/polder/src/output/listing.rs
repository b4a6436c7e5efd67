//! Lists that commands print: one value a cell, which programs read as it is and people in words.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use chrono::{DateTime, SecondsFormat, Utc};
use polder_contract::rule::Figure;
use polder_core::{ErrorKind, Result, ResultExt};
use serde_json::{Map, Value};

use super::{Printer, door, json, line};
use crate::options::Format;

/// Up to here readers that take every number for a floating point one still hold each whole number exactly.
const EXACT: u128 = 1 << 53;

/// A value in a list.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    /// What programs read: null where there is nothing; times as text, in ISO 8601 and UTC.
    value: Value,
    /// What people read, where that is something else.
    words: Option<String>,
}

impl Cell {
    /// The same value, which people read in these words.
    pub(crate) fn in_words(self, words: impl Into<String>) -> Self {
        Self {
            words: Some(words.into()),
            ..self
        }
    }

    /// The value as programs read it.
    pub(crate) fn into_value(self) -> Value {
        self.value
    }

    /// A whole number; text where it has more digits than every reader keeps.
    fn whole(number: i128) -> Self {
        match i64::try_from(number) {
            Ok(small) if number.unsigned_abs() <= EXACT => Value::from(small).into(),
            _ => number.to_string().into(),
        }
    }

    fn in_table(&self) -> String {
        // Before columns are as wide as what is in them.
        door::shown(&self.in_full()).into_owned()
    }

    fn in_full(&self) -> String {
        self.words.clone().unwrap_or_else(|| text(&self.value))
    }

    /// CSV has no place for lists and objects: there they are in words.
    fn in_csv(&self) -> String {
        match self.value {
            Value::Array(_) | Value::Object(_) => self.in_full(),
            _ => text(&self.value),
        }
    }
}

/// A value as text; lists of texts without their marks.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            texts.join(", ")
        }
        other => other.to_string(),
    }
}

impl From<Value> for Cell {
    fn from(value: Value) -> Self {
        Self { value, words: None }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Value::from(text).into()
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Value::from(text).into()
    }
}

impl From<Vec<String>> for Cell {
    fn from(texts: Vec<String>) -> Self {
        Value::from(texts).into()
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::whole(number.into())
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::whole(number.into())
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self::from(number as u64)
    }
}

impl From<f64> for Cell {
    /// JSON has no word for what is no number or infinite: that is text.
    fn from(number: f64) -> Self {
        if !number.is_finite() {
            number.to_string().into()
        } else if number.fract() == 0.0 && number.abs() <= EXACT as f64 {
            Self::whole(number as i128)
        } else {
            Value::from(number).into()
        }
    }
}

impl From<bool> for Cell {
    fn from(truth: bool) -> Self {
        Value::from(truth).into()
    }
}

impl From<DateTime<Utc>> for Cell {
    /// People do not need less than seconds.
    fn from(time: DateTime<Utc>) -> Self {
        let exact = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        Self::from(exact).in_words(time.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

impl From<&Figure> for Cell {
    fn from(figure: &Figure) -> Self {
        let cell = match figure {
            Figure::Whole(number) => Self::whole(*number),
            Figure::Real(number) => Self::from(*number),
            // No double holds it.
            Figure::Decimal(text) | Figure::Moment(text) | Figure::Text(text) => Self::from(text.as_str()),
            Figure::Null => Value::Null.into(),
        };
        cell.in_words(figure.to_string())
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or_else(|| Value::Null.into(), Into::into)
    }
}

/// The cells of a row, of values of different types.
macro_rules! cells {
    ($($value:expr),* $(,)?) => {
        [$($crate::output::Cell::from($value)),*]
    };
}
pub(crate) use cells;

/// A list that a command prints. What is built as table, JSON and CSV is the same; a column's key is the word of programs
/// for it, in snake_case, and its heading that of people.
pub(crate) struct Listing {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

struct Column {
    key: String,
    /// None where people are not shown the column.
    heading: Option<String>,
}

impl Listing {
    /// An empty list with columns of these keys; their headings are the keys' words.
    pub(crate) fn new(keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let column = |key: String| {
            debug_assert!(is_snake_case(&key), "`{key}` is no key for programs");
            let heading = Some(key.replace('_', " "));
            Column { key, heading }
        };
        Self {
            columns: keys.into_iter().map(|key| column(key.into())).collect(),
            rows: Vec::new(),
        }
    }

    /// The same with another heading for a column.
    pub(crate) fn headed(mut self, key: &str, heading: &str) -> Self {
        for column in self.columns.iter_mut().filter(|column| column.key == key) {
            column.heading = Some(heading.to_owned());
        }
        self
    }

    /// The same with columns that tables leave out.
    pub(crate) fn for_programs(mut self, keys: &[&str]) -> Self {
        for column in &mut self.columns {
            if keys.contains(&column.key.as_str()) {
                column.heading = None;
            }
        }
        self
    }

    /// Adds a row: one cell a column.
    pub(crate) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        let cells = cells.into();
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows as JSON objects.
    pub(crate) fn into_json(self) -> Value {
        let keys: Vec<String> = self.columns.into_iter().map(|column| column.key).collect();
        let object = |cells: Vec<Cell>| -> Value {
            let values = cells.into_iter().map(Cell::into_value);
            Value::Object(keys.iter().cloned().zip(values).collect())
        };
        self.rows.into_iter().map(object).collect()
    }

    /// Prints it to standard output; an empty table says `nothing` instead of a bare header.
    pub(crate) fn print(self, format: Format, nothing: &str) -> Result<()> {
        match format {
            Format::Table if self.is_empty() => line(nothing),
            Format::Json => json(&self.into_json().to_string()),
            Format::Table | Format::Csv => {
                let batch = self.batch(format)?;
                let mut printer = Printer::to_terminal(format.into(), batch.schema(), 0)?;
                printer.write(&batch)?;
                printer.finish().map(|_| ())
            }
        }
    }

    fn batch(&self, format: Format) -> Result<RecordBatch> {
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for (place, column) in self.columns.iter().enumerate() {
            let cells = self.rows.iter().map(|row| &row[place]);
            let (name, texts): (_, StringArray) = match (format, &column.heading) {
                (Format::Table, Some(heading)) => (heading, cells.map(|cell| Some(cell.in_table())).collect()),
                (Format::Table, None) => continue,
                _ => (&column.key, cells.map(|cell| Some(cell.in_csv())).collect()),
            };
            fields.push(Field::new(name, DataType::Utf8, true));
            columns.push(Arc::new(texts) as ArrayRef);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).context(ErrorKind::Internal, || {
            "a list's rows do not fit its columns".to_owned()
        })
    }
}

/// Prints one thing that has no list around it, for programs: a JSON object, or as CSV its fields in one row.
pub(crate) fn object(object: Map<String, Value>, format: Format) -> Result<()> {
    if format == Format::Json {
        return json(&format!("{:#}", Value::Object(object)));
    }
    let mut listing = Listing::new(object.keys());
    listing.row(object.into_iter().map(|(_, value)| value.into()).collect::<Vec<_>>());
    listing.print(format, "")
}

fn is_snake_case(key: &str) -> bool {
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(rest)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use serde_json::json;

    use super::*;

    fn value(cell: impl Into<Cell>) -> Value {
        cell.into().into_value()
    }

    #[test]
    fn figures_are_numbers_as_far_as_every_reader_holds_them() {
        let cases = [
            (Figure::Whole(4), "4"),
            (Figure::Whole(-9_007_199_254_740_992), "-9007199254740992"),
            (Figure::Whole(9_007_199_254_740_993), r#""9007199254740993""#),
            (Figure::Whole(i128::MAX), r#""170141183460469231731687303715884105727""#),
            (Figure::Real(30.0), "30"),
            (Figure::Real(0.1), "0.1"),
            // More digits than people are shown.
            (Figure::Real(1.0 / 3.0), "0.3333333333333333"),
            (Figure::Real(f64::NAN), r#""NaN""#),
            (Figure::Real(f64::INFINITY), r#""inf""#),
            (Figure::of_decimal("12345678901234567.89"), r#""12345678901234567.89""#),
            (Figure::of_decimal("2.50"), "2.5"),
            // A query asked for a text.
            (Figure::Text("4".to_owned()), r#""4""#),
            (Figure::Null, "null"),
        ];
        for (figure, json) in cases {
            assert_eq!(value(&figure).to_string(), json, "{figure:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_null_and_times_are_utc() {
        assert_eq!(value(None::<u64>), Value::Null);
        assert_eq!(value(Some("a")), json!("a"));
        let time = Utc.timestamp_opt(1_767_323_045, 6_000_000).unwrap();
        assert_eq!(value(time), json!("2026-01-02T03:04:05.006Z"));
        assert_eq!(Cell::from(time).in_table(), "2026-01-02T03:04:05Z");
    }

    #[test]
    fn people_read_words_and_programs_keys_and_values() {
        let mut listing = Listing::new(["dataset", "notice_days", "made_from", "end_of_life", "code"])
            .headed("notice_days", "notice")
            .for_programs(&["code"]);
        let made_from = vec!["a".to_owned(), "b, c".to_owned()];
        listing.row(cells![
            "x",
            Cell::from(90_u32).in_words("90d"),
            made_from,
            None::<&str>,
            true
        ]);
        let printed = |format: Format| {
            let batch = listing.batch(format).unwrap();
            let mut printed = Vec::new();
            let mut printer = Printer::to_writer(format.into(), batch.schema(), 0, &mut printed).unwrap();
            printer.write(&batch).unwrap();
            printer.finish().unwrap();
            String::from_utf8(printed).unwrap()
        };
        assert_eq!(
            printed(Format::Csv),
            "dataset,notice_days,made_from,end_of_life,code\nx,90,\"a, b, c\",,true\n"
        );
        let table = printed(Format::Table);
        assert!(
            table.contains("| dataset | notice | made from | end of life |"),
            "{table}"
        );
        assert!(
            table.contains("| x       | 90d    | a, b, c   |             |"),
            "{table}"
        );
        assert_eq!(
            listing.into_json(),
            json!([{"dataset": "x", "notice_days": 90, "made_from": ["a", "b, c"], "end_of_life": null, "code": true}])
        );
    }

    #[test]
    #[should_panic(expected = "no key for programs")]
    fn a_key_with_a_blank_is_refused() {
        Listing::new(["made from"]);
    }
}
