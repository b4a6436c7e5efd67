//! JSON lines as a table: read as a stream reads them, and kept in a Parquet file while they are judged.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, StringArray, StructArray, new_null_array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use polder_contract::SchemaObject;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use polder_gate::reading::{self, Cast, FieldsBeyond, from_json, kind, misread_type, without_mark};
use polder_gate::{arrival_schema, arrow_schema};
use serde_json::{Map, Value};
use tempfile::TempDir;

use super::folders::named_by_folders;

/// A longer line is no record any more; streams read no longer ones either.
const MAX_LINE: u64 = 16 << 20;
/// Records and bytes that are read at a time.
const RECORDS: usize = 8_192;
const BYTES: usize = 4 << 20;
/// Rows and bytes of a row group: what the writer keeps in memory.
const GROUP_ROWS: usize = 1 << 17;
const GROUP_BYTES: usize = 32 << 20;
/// Names of fields that the contract does not have, which are remembered at most.
const UNKNOWN: usize = 100;

/// The records of files, in the contract's columns.
pub(super) struct Lines {
    /// Goes with the file that is in it.
    _folder: TempDir,
    /// A Parquet file: the contract's columns, each followed by what of its values did not fit.
    pub(super) file: PathBuf,
    /// The contract's columns, by their place: the record names it at least once, and whether a value of it did not fit.
    pub(super) columns: Vec<Found>,
    /// Fields with a value of which the contract says nothing; those inside of columns with their way.
    pub(super) unknown: BTreeSet<String>,
}

/// What was found of a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// A record names it.
    pub(super) named: bool,
    /// A value did not fit its type.
    pub(super) misread: bool,
}

/// The column of what did not fit, of the contract's column at this place.
pub(super) fn misread_column(place: usize) -> String {
    format!("polder.misread.{place}")
}

impl Lines {
    /// Reads all files; memory is bounded, however long they are.
    ///
    /// # Errors
    /// `Usage` where a line is no JSON object, and where there is no record at all; `Document`, where a column has no type
    /// that a table can hold; `Refused`, where the rows cannot be put on disk.
    pub(super) fn read(files: &[PathBuf], object: &SchemaObject) -> Result<Self> {
        let mut reader = Reader::new(object)?;
        for file in files {
            let opened = File::open(file).context(ErrorKind::Usage, || format!("cannot read {}", file.display()))?;
            let mut lines = BufReader::with_capacity(1 << 16, opened);
            let mut number = 0;
            let of_folders = named_by_folders(file);
            while let Some(line) = next_line(&mut lines, file, &mut number)? {
                let record = match number {
                    1 => without_mark(&line),
                    _ => line.trim_ascii(),
                };
                if !record.is_empty() {
                    let mut object = object_in(record).map_err(|what| no_record(file, number, &what))?;
                    reader.add(&of_folders, &mut object);
                    reader.take(object, record.len())?;
                }
            }
        }
        let Some(lines) = reader.finish()? else {
            let what = match files {
                [file] => format!("{} holds no record", file.display()),
                _ => "the files hold no record".to_owned(),
            };
            return Err(Error::new(ErrorKind::Usage, what).with_help("each line is a JSON object: a record"));
        };
        Ok(lines)
    }
}

/// The next line, which may lack its end; counts it.
fn next_line(lines: &mut impl BufRead, file: &Path, number: &mut u64) -> Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = lines
        .take(MAX_LINE)
        .read_until(b'\n', &mut line)
        .context(ErrorKind::Usage, || format!("cannot read {}", file.display()))?;
    *number += 1;
    if read as u64 == MAX_LINE && !line.ends_with(b"\n") {
        return Err(no_record(
            file,
            *number,
            &format!("is longer than {} MiB", MAX_LINE >> 20),
        ));
    }
    Ok((read > 0).then_some(line))
}

fn no_record(file: &Path, number: u64, what: &str) -> Error {
    let message = format!("line {number} of {} {what}", file.display());
    Error::new(ErrorKind::Usage, message).with_help(
        "each line is a JSON object: a stream would put this one into quarantine, whatever the contract says",
    )
}

fn object_in(record: &[u8]) -> Result<Map<String, Value>, String> {
    match from_json(record) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(format!("is {}, not an object", kind(&other))),
        // A record is one line.
        Err(cause) => Err(format!(
            "is no JSON: {}",
            cause.to_string().replace("line 1 column", "column")
        )),
    }
}

/// Takes records and writes them down.
struct Reader {
    /// The types in which texts are read: an instant has the zone of those without an offset.
    arrival: SchemaRef,
    /// The contract's.
    types: SchemaRef,
    /// What is written.
    schema: SchemaRef,
    folder: TempDir,
    file: PathBuf,
    writer: ArrowWriter<File>,
    records: Vec<Map<String, Value>>,
    bytes: usize,
    any: bool,
    columns: Vec<Found>,
    unknown: BTreeSet<String>,
    inside: FieldsBeyond,
}

impl Reader {
    fn new(object: &SchemaObject) -> Result<Self> {
        let (arrival, types) = (arrival_schema(object)?, arrow_schema(object)?);
        let columns = types.fields().iter().enumerate().flat_map(|(place, field)| {
            [
                field.as_ref().clone().with_nullable(true),
                Field::new(misread_column(place), misread_type(), true),
            ]
        });
        let schema = Arc::new(Schema::new(columns.collect::<Vec<_>>()));
        let folder = tempfile::tempdir().context(ErrorKind::Refused, cannot_keep)?;
        let file = folder.path().join("rows.parquet");
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let out = File::create(&file).context(ErrorKind::Refused, cannot_keep)?;
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))
            .context(ErrorKind::Document, || {
                "rows of these columns cannot be kept".to_owned()
            })?;
        Ok(Self {
            columns: vec![Found::default(); types.fields().len()],
            inside: FieldsBeyond::of(types.fields(), None),
            arrival,
            types,
            schema,
            folder,
            file,
            writer,
            records: Vec::new(),
            bytes: 0,
            any: false,
            unknown: BTreeSet::new(),
        })
    }

    /// Adds the contract's columns that folders are named after, where the record does not name them.
    fn add(&self, of_folders: &BTreeMap<String, Option<String>>, record: &mut Map<String, Value>) {
        for (name, value) in of_folders {
            if !record.contains_key(name) && self.types.column_with_name(name).is_some() {
                record.insert(name.clone(), value.as_deref().into());
            }
        }
    }

    fn take(&mut self, record: Map<String, Value>, bytes: usize) -> Result<()> {
        for (name, value) in &record {
            match self.types.column_with_name(name) {
                Some((place, _)) => self.columns[place].named = true,
                // A stream passes it over.
                None if value.is_null() || self.unknown.len() >= UNKNOWN || self.unknown.contains(name) => {}
                None => drop(self.unknown.insert(name.clone())),
            }
        }
        self.inside.look(|name| record.get(name));
        self.any = true;
        self.bytes += bytes;
        self.records.push(record);
        match self.records.len() >= RECORDS || self.bytes >= BYTES {
            true => self.write(),
            false => Ok(()),
        }
    }

    fn write(&mut self) -> Result<()> {
        let records = std::mem::take(&mut self.records);
        self.bytes = 0;
        let batch = self.batch(&records).context(ErrorKind::Internal, || {
            "cannot bring JSON into the contract's columns".to_owned()
        })?;
        self.writer.write(&batch).context(ErrorKind::Refused, cannot_keep)?;
        if self.writer.in_progress_size() > GROUP_BYTES {
            self.writer.flush().context(ErrorKind::Refused, cannot_keep)?;
        }
        Ok(())
    }

    fn batch(&mut self, records: &[Map<String, Value>]) -> Result<RecordBatch, ArrowError> {
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for (place, (read, wanted)) in self.arrival.fields().iter().zip(self.types.fields()).enumerate() {
            let slots: Vec<Option<&Value>> = records.iter().map(|record| record.get(read.name())).collect();
            let Cast { array, failures } = reading::column(&slots, read.data_type())?;
            self.columns[place].misread |= !failures.is_empty();
            columns.push(cast(&array, wanted.data_type())?);
            columns.push(misread(&slots, failures)?);
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }

    /// Nothing where there was no record.
    fn finish(mut self) -> Result<Option<Lines>> {
        if !self.any {
            return Ok(None);
        }
        if !self.records.is_empty() {
            self.write()?;
        }
        self.writer.close().context(ErrorKind::Refused, cannot_keep)?;
        self.unknown.extend(self.inside.take());
        Ok(Some(Lines {
            _folder: self.folder,
            file: self.file,
            columns: self.columns,
            unknown: self.unknown,
        }))
    }
}

/// What of the values did not fit: why, and what they are.
fn misread(slots: &[Option<&Value>], failures: Vec<(usize, String)>) -> Result<ArrayRef, ArrowError> {
    let wanted = misread_type();
    let DataType::Struct(fields) = &wanted else {
        return Err(ArrowError::SchemaError("what did not fit is a record".to_owned()));
    };
    if failures.is_empty() {
        return Ok(new_null_array(&wanted, slots.len()));
    }
    let mut reasons = vec![None; slots.len()];
    failures
        .into_iter()
        .for_each(|(row, reason)| reasons[row] = Some(reason));
    let received = slots.iter().zip(&reasons).map(|(value, reason)| {
        let value = value.filter(|_| reason.is_some())?;
        Some(value.to_string())
    });
    let received: StringArray = received.collect();
    let reasons = StringArray::from(reasons);
    let nulls = reasons.nulls().cloned();
    let array = StructArray::try_new(fields.clone(), vec![Arc::new(reasons), Arc::new(received)], nulls)?;
    Ok(Arc::new(array))
}

fn cannot_keep() -> String {
    format!(
        "the rows cannot be kept in {} while they are judged",
        std::env::temp_dir().display()
    )
}
