//! What `--set` sets in rows before they are judged anew.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use polder_contract::DatasetContract;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use polder_delivery::{Misfit, Patch, Patched, Quarantine, STREAM_COLUMNS};
use polder_gate::{arrival_schema, arrow_schema};
use polder_ingest::{StreamSpec, read_exactly};
use polder_query::{RowPatch, query_error};
use serde_json::Value;

use crate::platform::Platform;

/// The platform's column that a patch may set.
const EVENT_TIME: &str = "_event_time";

/// Patches by the columns that are text to them, or text in parts, and their types; or why there is none.
type OfTexts = HashMap<Vec<(String, DataType)>, Result<Arc<RowPatch>, String>>;

/// What a patch is to delivery.
pub(super) struct SqlPatch {
    /// As it was written, and what it was read with.
    text: String,
    fixed: Vec<String>,
    follows: Option<String>,
    patch: RowPatch,
    /// The same over rows in which some columns are text.
    of_texts: Mutex<OfTexts>,
    /// Fields of records that are no columns of the contract, and which it may name.
    fields: Vec<String>,
    /// The rows' columns.
    columns: SchemaRef,
    /// In which types values of the columns arrive, where those are others.
    arrivals: HashMap<String, DataType>,
}

impl Patch for SqlPatch {
    fn columns(&self) -> &[String] {
        self.patch.columns()
    }

    fn named(&self) -> &[String] {
        &self.fields
    }

    fn reads(&self) -> &[String] {
        self.patch.reads()
    }

    fn apply(&self, rows: &RecordBatch) -> Result<Patched> {
        self.held(&self.patch, rows)
    }

    fn apply_to_texts(&self, rows: &RecordBatch, texts: &[String]) -> Result<Patched> {
        let known = || "patches of other rows failed".to_owned();
        let mut of_texts = self
            .of_texts
            .lock()
            .map_err(|_| Error::new(ErrorKind::Internal, known()))?;
        let received = |name: &String| {
            let of_rows = rows.schema();
            let column = of_rows.field_with_name(name).ok()?;
            Some((name.clone(), column.data_type().clone()))
        };
        let received: Vec<_> = texts.iter().filter_map(received).collect();
        let patch = of_texts.entry(received.clone()).or_insert_with(|| {
            let follows = self.follows.as_deref().map(|column| (column, EVENT_TIME));
            let fixed: Vec<&str> = self.fixed.iter().map(String::as_str).collect();
            match RowPatch::parse(&self.text, &rows.schema(), &fixed, follows) {
                Ok(patch) => Ok(Arc::new(patch)),
                Err(error) => Err(error.to_string()),
            }
        });
        match patch {
            Ok(patch) => self.held(patch, rows),
            Err(why) => {
                let example = received.first().and_then(|(name, received)| {
                    let wanted = self.columns.field_with_name(name).ok()?;
                    from_text(name, received, wanted.data_type())
                });
                let example = example.map_or_else(String::new, |example| format!(", as in {example}"));
                let message = format!("{why} from this text: say what it is to be{example}");
                Err(Error::new(ErrorKind::Data, message))
            }
        }
    }
}

impl SqlPatch {
    /// What a patch computes of rows, in the types of their columns.
    fn held(&self, patch: &RowPatch, rows: &RecordBatch) -> Result<Patched> {
        let computed = patch.apply(rows)?;
        let mut columns = computed.columns().to_vec();
        let mut misfits = Vec::new();
        for name in patch.columns() {
            let unknown = || "the patch sets a column that the rows do not have".to_owned();
            let place = self.columns.index_of(name).context(ErrorKind::Internal, unknown)?;
            let held = self.columns.field(place).data_type();
            let arrives = self.arrivals.get(name).unwrap_or(held);
            let remedy = remedy(columns[place].data_type(), arrives);
            let (column, failures) = read_exactly(&columns[place], arrives, held)?;
            columns[place] = column;
            misfits.extend(failures.into_iter().map(|(row, reason)| {
                let (column, reason) = (name.clone(), format!("{reason}{remedy}"));
                (row, Misfit { column, reason })
            }));
        }
        let together = || "cannot put patched rows together".to_owned();
        let rows = RecordBatch::try_new(Arc::clone(&self.columns), columns).context(ErrorKind::Internal, together)?;
        Ok(Patched { rows, misfits })
    }
}

/// How a value of the wanted type is made of what was received, which is text at least in part; `name` is how SQL names it.
fn from_text(name: &str, received: &DataType, wanted: &DataType) -> Option<String> {
    use DataType::*;
    match (received, wanted) {
        (Utf8, Struct(fields)) => {
            let fields = fields.iter().map(|field| format!("{}: …", field.name()));
            Some(format!("{name} = {{{}}}", fields.collect::<Vec<_>>().join(", ")))
        }
        (Utf8, List(_)) => Some(format!("{name} = […]")),
        (Utf8, Map(..)) => Some(format!("{name} = MAP {{'…': …}}")),
        (Utf8, number) if number.is_numeric() => Some(format!("CAST({name} AS DECIMAL(38, 10))")),
        (Utf8, Timestamp(_, Some(_))) => Some(format!("to_timestamp({name}, '%d.%m.%Y %H:%M') AT TIME ZONE 'UTC'")),
        (Utf8, Timestamp(_, None)) => Some(format!("to_timestamp({name}, '%d.%m.%Y %H:%M')")),
        (Utf8, Date32) => Some(format!("to_date({name}, '%d.%m.%Y')")),
        (Struct(received), Struct(wanted)) => received.iter().find_map(|field| {
            let (_, wanted) = wanted.find(field.name())?;
            // SQL has no point behind a bracket.
            let inside = match name.ends_with(']') {
                true => format!("{name}['{}']", field.name()),
                false => format!("{name}.{}", field.name()),
            };
            from_text(&inside, field.data_type(), wanted.data_type())
        }),
        (List(received), List(wanted)) => from_text(&format!("{name}[1]"), received.data_type(), wanted.data_type()),
        _ => None,
    }
}

/// What to write where an expression gives times of another kind than the column's, or numbers that may be times.
fn remedy(computed: &DataType, column: &DataType) -> &'static str {
    match (computed, column) {
        (DataType::Timestamp(_, None), DataType::Timestamp(_, Some(_))) => ": write … AT TIME ZONE 'UTC'",
        (DataType::Timestamp(_, Some(_)), DataType::Timestamp(_, None)) => ": write CAST(… AS TIMESTAMP)",
        (number, DataType::Timestamp(_, Some(_))) if number.is_integer() => {
            ": write to_timestamp_millis(…) AT TIME ZONE 'UTC', or to_timestamp_seconds"
        }
        _ => "",
    }
}

/// What `--set` says: it sets the contract's columns and the event time, and may name where a row came from. Where a
/// column is the event time for all streams of the dataset, both are set together.
pub(super) fn patch(
    text: &str,
    contract: &DatasetContract,
    streams: &[StreamSpec],
    fields: Vec<String>,
) -> Result<SqlPatch> {
    let object = contract.object();
    let (own, arriving) = (arrow_schema(object)?, arrival_schema(object)?);
    // Beside a payload the field may be another one than the column of its name.
    let event_time = |stream: &StreamSpec| {
        stream
            .format
            .event_time
            .clone()
            .filter(|_| stream.format.payload.is_none())
    };
    let declared = streams.first().and_then(event_time);
    let of_all = declared.filter(|column| streams.iter().all(|stream| event_time(stream).as_ref() == Some(column)));
    let follows = of_all.as_deref().map(|column| (column, EVENT_TIME));
    let platform = STREAM_COLUMNS.iter().map(Arc::clone);
    let beside = fields
        .iter()
        .map(|name| Arc::new(Field::new(name, DataType::Utf8, true)));
    let columns = own.fields().iter().cloned().chain(platform).chain(beside);
    let columns = columns.map(|field| field.as_ref().clone().with_nullable(true));
    let columns: SchemaRef = Arc::new(Schema::new(columns.collect::<Vec<_>>()));
    let arriving = arriving.fields().iter();
    let mut arrivals: HashMap<_, _> = arriving
        .map(|field| (field.name().clone(), field.data_type().clone()))
        .collect();
    if let Some((column, _)) = follows
        && let Some(zoned @ DataType::Timestamp(_, Some(_))) = arrivals.get(column).cloned()
    {
        arrivals.insert(EVENT_TIME.to_owned(), zoned);
    }
    let names = STREAM_COLUMNS.iter().map(|column| column.name());
    let fixed: Vec<String> = names
        .filter(|name| *name != EVENT_TIME)
        .chain(&fields)
        .cloned()
        .collect();
    let cannot_be_set: Vec<&str> = fixed.iter().map(String::as_str).collect();
    let patch = RowPatch::parse(text, &columns, &cannot_be_set, follows)?;
    Ok(SqlPatch {
        text: text.to_owned(),
        fixed,
        follows: of_all,
        patch,
        of_texts: Mutex::default(),
        fields,
        columns,
        arrivals,
    })
}

/// The fields of refused records that are no columns of the contract.
pub(super) async fn fields_of_records(
    platform: &Platform,
    quarantine: &Quarantine,
    contract: &SchemaRef,
) -> Result<Vec<String>> {
    let query = format!(
        "SELECT record FROM {} WHERE record IS NOT NULL",
        quarantine.table().name()
    );
    let frame = platform.session()?.sql(&query).await?;
    let mut rows = frame.execute_stream().await.map_err(query_error)?;
    let mut fields = BTreeSet::new();
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(query_error)?;
        let unread = || "the records in quarantine cannot be read".to_owned();
        let records = cast(batch.column(0), &DataType::Utf8).context(ErrorKind::Internal, unread)?;
        for record in records.as_string::<i32>().iter().flatten() {
            if let Ok(Value::Object(record)) = serde_json::from_str(record) {
                fields.extend(record.into_iter().map(|(name, _)| name));
            }
        }
    }
    fields.retain(|name| contract.index_of(name).is_err() && STREAM_COLUMNS.iter().all(|column| column.name() != name));
    Ok(fields.into_iter().collect())
}
