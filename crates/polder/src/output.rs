//! What commands print: lists and the rows of queries, as table, JSON, CSV or Parquet.

pub(crate) mod door;
mod listing;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder as CsvWriterBuilder;
use arrow::datatypes::SchemaRef;
use arrow::json::writer::{JsonArray, LineDelimited, WriterBuilder as JsonWriterBuilder};
use arrow::util::pretty::pretty_format_batches;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use polder_delivery::json_maps;
use serde_json::{Map, Value};

use crate::options::{Format, SqlFormat};
pub(crate) use listing::{Cell, Listing, cells, object};

impl From<Format> for SqlFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Table => Self::Table,
            Format::Json => Self::Json,
            Format::Csv => Self::Csv,
        }
    }
}

/// Standard output, whose reader may leave early (`… | head`): what is written after that is nobody's loss.
struct Terminal(io::Stdout);

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}

/// Prints one line for people to standard output.
pub(crate) fn line(text: &str) -> Result<()> {
    finish_write(writeln!(io::stdout().lock(), "{}", door::shown(text)))
}

/// Prints a JSON text to standard output.
pub(crate) fn json(text: &str) -> Result<()> {
    finish_write(writeln!(io::stdout().lock(), "{}", door::json(text)))
}

/// Prints a document to standard output, as it is, with the line feed that it ends with.
pub(crate) fn text(text: &str) -> Result<()> {
    finish_write(io::stdout().lock().write_all(text.as_bytes()))
}

/// Prints one remark to standard error, where it does not mix with results.
pub(crate) fn remark(text: &str) {
    // Where standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{}", door::shown(text));
}

/// Makes the folder that a file goes into, where it is not there yet.
///
/// # Errors
/// `Usage`, where it cannot be made.
pub(crate) fn make_folder_of(file: &Path) -> Result<()> {
    match file.parent() {
        Some(folder) => std::fs::create_dir_all(folder).context(ErrorKind::Usage, || {
            format!("cannot make the folder {}", folder.display())
        }),
        None => Ok(()),
    }
}

/// Tells that a file was written, unless only results are wanted.
pub(crate) fn wrote(path: &Path, quiet: bool) {
    if !quiet {
        remark(&format!("wrote {}", path.display()));
    }
}

/// Rows as JSON objects.
///
/// # Errors
/// `Data` where JSON cannot tell a column.
pub(crate) fn rows_as_json(batch: &RecordBatch) -> Result<Vec<Map<String, Value>>> {
    let failed = || "these columns cannot be printed as JSON".to_owned();
    let mut writer = JsonWriterBuilder::new()
        .with_explicit_nulls(true)
        .with_encoder_factory(json_maps())
        .build::<_, JsonArray>(Vec::new());
    writer
        .write(batch)
        .and_then(|()| writer.finish())
        .context(ErrorKind::Data, failed)?;
    serde_json::from_slice(&writer.into_inner()).context(ErrorKind::Internal, failed)
}

/// Writes batches one after the other; only a table keeps rows (up to its limit) until the end.
pub(crate) enum Printer<'w> {
    /// A table for people: `limit` rows at most (0: all), the rest is counted.
    Table {
        out: Box<dyn Write + 'w>,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
        limit: usize,
        rows: usize,
    },
    /// One JSON array of objects.
    Json {
        writer: arrow::json::Writer<Box<dyn Write + 'w>, JsonArray>,
    },
    /// One JSON object a line.
    Jsonl {
        writer: arrow::json::Writer<Box<dyn Write + 'w>, LineDelimited>,
    },
    /// CSV with a header.
    Csv {
        writer: Box<arrow::csv::Writer<Box<dyn Write + 'w>>>,
    },
    /// A Parquet file.
    Parquet { writer: Box<ArrowWriter<File>> },
}

impl<'w> Printer<'w> {
    /// Prints to standard output.
    pub(crate) fn to_terminal(format: SqlFormat, schema: SchemaRef, limit: usize) -> Result<Self> {
        if format == SqlFormat::Parquet {
            return Err(
                Error::new(ErrorKind::Usage, "Parquet is a file format").with_help("name a file with --output FILE")
            );
        }
        let out = BufWriter::new(Terminal(io::stdout()));
        match format {
            SqlFormat::Json | SqlFormat::Jsonl => Self::new(format, schema, limit, Box::new(door::Json(out))),
            _ => Self::new(format, schema, limit, Box::new(out)),
        }
    }

    /// Prints to a file, which is made or overwritten, and its folder where that is not there yet.
    pub(crate) fn to_file(format: SqlFormat, schema: SchemaRef, limit: usize, path: &Path) -> Result<Self> {
        make_folder_of(path)?;
        let file = File::create(path).context(ErrorKind::Usage, || format!("cannot write {}", path.display()))?;
        if format != SqlFormat::Parquet {
            return Self::new(format, schema, limit, Box::new(BufWriter::new(file)));
        }
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let writer = ArrowWriter::try_new(file, schema, Some(properties)).context(ErrorKind::Data, || {
            "these columns cannot be written as Parquet".to_owned()
        })?;
        Ok(Self::Parquet {
            writer: Box::new(writer),
        })
    }

    /// Prints to anything that takes bytes, but Parquet.
    pub(crate) fn to_writer(format: SqlFormat, schema: SchemaRef, limit: usize, out: impl Write + 'w) -> Result<Self> {
        Self::new(format, schema, limit, Box::new(out))
    }

    fn new(format: SqlFormat, schema: SchemaRef, limit: usize, out: Box<dyn Write + 'w>) -> Result<Self> {
        Ok(match format {
            SqlFormat::Json => Self::Json {
                writer: JsonWriterBuilder::new()
                    .with_explicit_nulls(true)
                    .with_encoder_factory(json_maps())
                    .build::<_, JsonArray>(out),
            },
            SqlFormat::Jsonl => Self::Jsonl {
                writer: JsonWriterBuilder::new()
                    .with_explicit_nulls(true)
                    .with_encoder_factory(json_maps())
                    .build::<_, LineDelimited>(out),
            },
            SqlFormat::Csv => {
                let mut writer = CsvWriterBuilder::new().with_header(true).build(out);
                // An empty batch brings the header even where no row follows.
                writer
                    .write(&RecordBatch::new_empty(schema))
                    .context(ErrorKind::Data, || "these columns cannot be printed as CSV".to_owned())?;
                Self::Csv {
                    writer: Box::new(writer),
                }
            }
            SqlFormat::Table | SqlFormat::Parquet => Self::Table {
                out,
                schema,
                batches: Vec::new(),
                limit,
                rows: 0,
            },
        })
    }

    /// Takes the next rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Self::Table {
                batches, limit, rows, ..
            } => {
                let room = if *limit == 0 {
                    batch.num_rows()
                } else {
                    limit.saturating_sub(*rows)
                };
                if room > 0 {
                    batches.push(batch.slice(0, room.min(batch.num_rows())));
                }
                *rows += batch.num_rows();
                Ok(())
            }
            Self::Json { writer } => finish_arrow(writer.write(batch), "these columns cannot be printed as JSON"),
            Self::Jsonl { writer } => finish_arrow(writer.write(batch), "these columns cannot be printed as JSON"),
            Self::Csv { writer } => finish_arrow(writer.write(batch), "these columns cannot be printed as CSV"),
            Self::Parquet { writer } => writer
                .write(batch)
                .context(ErrorKind::Data, || "writing Parquet failed".to_owned()),
        }
    }

    /// Writes what is left. Gives the rows that a table did not show.
    pub(crate) fn finish(self) -> Result<usize> {
        match self {
            Self::Table {
                mut out,
                schema,
                mut batches,
                limit,
                rows,
            } => {
                if batches.is_empty() {
                    batches.push(RecordBatch::new_empty(schema));
                }
                let table = pretty_format_batches(&batches)
                    .context(ErrorKind::Data, || "these rows cannot be printed".to_owned())?;
                let table = table.to_string();
                finish_write(writeln!(out, "{}", door::shown(&table)).and_then(|()| out.flush()))?;
                Ok(if limit == 0 { 0 } else { rows.saturating_sub(limit) })
            }
            Self::Json { mut writer } => {
                finish_arrow(writer.finish(), "these rows cannot be printed as JSON")?;
                let mut out = writer.into_inner();
                finish_write(writeln!(out).and_then(|()| out.flush())).map(|()| 0)
            }
            Self::Jsonl { mut writer } => {
                finish_arrow(writer.finish(), "these rows cannot be printed as JSON")?;
                finish_write(writer.into_inner().flush()).map(|()| 0)
            }
            Self::Csv { writer } => finish_write(writer.into_inner().flush()).map(|()| 0),
            Self::Parquet { writer } => writer
                .close()
                .map(|_| 0)
                .context(ErrorKind::Data, || "writing Parquet failed".to_owned()),
        }
    }
}

/// A reader that has seen enough (`| head`) is no failure.
fn finish_write(written: io::Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Refused, "the output cannot be written").with_source(error))
        }
        _ => Ok(()),
    }
}

fn finish_arrow(written: std::result::Result<(), arrow::error::ArrowError>, message: &str) -> Result<()> {
    match written {
        Err(arrow::error::ArrowError::IoError(_, error)) => finish_write(Err(error)),
        other => other.context(ErrorKind::Data, || message.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use arrow::array::builder::{Int64Builder, MapBuilder};
    use arrow::array::{ArrayRef, Decimal128Array, Int64Array, StringArray, TimestampMicrosecondArray};

    fn batch() -> RecordBatch {
        let amount = Decimal128Array::from(vec![Some(1_050), None])
            .with_precision_and_scale(12, 3)
            .unwrap();
        RecordBatch::try_from_iter([
            ("n", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
            ("amount", Arc::new(amount) as ArrayRef),
        ])
        .unwrap()
    }

    fn printed(format: SqlFormat, limit: usize) -> (String, usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder/out");
        let mut printer = Printer::to_file(format, batch().schema(), limit, &path).unwrap();
        printer.write(&batch()).unwrap();
        let hidden = printer.finish().unwrap();
        (std::fs::read_to_string(path).unwrap(), hidden)
    }

    #[test]
    fn csv_and_json_keep_decimals_and_nulls() {
        assert_eq!(printed(SqlFormat::Csv, 0).0, "n,amount\n1,1.050\n2,\n");
        let json: Value = serde_json::from_str(&printed(SqlFormat::Json, 0).0).unwrap();
        assert_eq!(json[0]["amount"].to_string(), "1.050");
        assert!(json[1]["amount"].is_null());
        let lines = "{\"n\":1,\"amount\":1.050}\n{\"n\":2,\"amount\":null}\n";
        assert_eq!(printed(SqlFormat::Jsonl, 0).0, lines);
    }

    #[test]
    fn json_has_maps_of_any_keys() {
        let mut maps = MapBuilder::new(None, Int64Builder::new(), Int64Builder::new());
        for (key, value) in [(-7, Some(1)), (8, None)] {
            maps.keys().append_value(key);
            maps.values().append_option(value);
        }
        maps.append(true).unwrap();
        let batch = RecordBatch::try_from_iter([("m", Arc::new(maps.finish()) as ArrayRef)]).unwrap();
        let mut out = Vec::new();
        let mut printer = Printer::to_writer(SqlFormat::Json, batch.schema(), 0, &mut out).unwrap();
        printer.write(&batch).unwrap();
        printer.finish().unwrap();
        let wanted = serde_json::json!([{"m": {"-7": 1, "8": null}}]);
        assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), wanted);
        assert_eq!(Value::from(rows_as_json(&batch).unwrap()), wanted);
    }

    #[test]
    fn json_that_is_shown_says_the_same_without_commands() {
        let values = vec!["##[error]x \u{9b}31m é"; 3_000];
        let batch = RecordBatch::try_from_iter([("###[", Arc::new(StringArray::from(values)) as ArrayRef)]).unwrap();
        let mut out = Vec::new();
        let shown = door::Json(&mut out);
        let mut printer = Printer::to_writer(SqlFormat::Json, batch.schema(), 0, shown).unwrap();
        printer.write(&batch).unwrap();
        printer.finish().unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains("##[") && !text.contains('\u{9b}'));
        let rows: Vec<Map<String, Value>> = serde_json::from_str(&text).unwrap();
        assert_eq!(rows, rows_as_json(&batch).unwrap());
        assert_eq!(
            (rows.len(), &rows[2_999]["###["]),
            (3_000, &Value::from("##[error]x \u{9b}31m é"))
        );
    }

    #[test]
    fn instants_of_a_table_are_told_with_the_offset_of_their_zone() {
        // 2026-01-02T07:30:00Z, by `date -u -d @1767339000`.
        let instant = |zone: &str| {
            let times = TimestampMicrosecondArray::from(vec![1_767_339_000_000_000]);
            Arc::new(times.with_timezone(zone)) as ArrayRef
        };
        let batch = RecordBatch::try_from_iter([("u", instant("UTC")), ("b", instant("Europe/Berlin"))]).unwrap();
        let mut out = Vec::new();
        let mut printer = Printer::to_writer(SqlFormat::Table, batch.schema(), 0, &mut out).unwrap();
        printer.write(&batch).unwrap();
        printer.finish().unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("| 2026-01-02T07:30:00Z | 2026-01-02T08:30:00+01:00 |"),
            "{text}"
        );
    }

    #[test]
    fn a_table_shows_its_limit_and_counts_the_rest() {
        let (text, hidden) = printed(SqlFormat::Table, 1);
        assert_eq!(hidden, 1);
        assert!(text.contains("1.050") && !text.contains("| 2"));
    }
}
