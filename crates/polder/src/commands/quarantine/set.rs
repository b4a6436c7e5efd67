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
use polder_delivery::{Misfit, Patch, Patched, Quarantine, STREAM_COLUMNS, json_values};
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
            match RowPatch::parse(&self.text, &rows.schema(), &fixed, follows, json_values) {
                Ok(patch) => Ok(Arc::new(patch)),
                Err(error) => {
                    let taken = RowPatch::text_taken(&self.text, &rows.schema(), &self.columns, json_values);
                    let advice = taken.and_then(|taken| advice(&taken.written, &taken.received, &taken.promised));
                    Err(match advice {
                        Some(advice) => format!("{error} from this text: say what it is to be{advice}"),
                        None => error.report(),
                    })
                }
            }
        });
        match patch {
            Ok(patch) => self.held(patch, rows),
            Err(why) => Err(Error::new(ErrorKind::Data, why.clone())),
        }
    }
}

impl SqlPatch {
    /// What a patch computes of rows, in the types of their columns.
    fn held(&self, patch: &RowPatch, rows: &RecordBatch) -> Result<Patched> {
        let computed = patch.apply(rows)?;
        let mut columns = computed.columns().to_vec();
        // What stands behind them says how some were received.
        columns.truncate(self.columns.fields().len());
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

/// What is told of a text that an expression takes for something else: how that is made of it, or which part of it is text.
/// `written` is it in the expression, whose parts are named as reports name them where SQL has no name for them.
fn advice(written: &str, received: &DataType, promised: &DataType) -> Option<String> {
    use DataType::*;
    match (received, promised) {
        (Utf8, Struct(fields)) => {
            let fields = fields.iter().map(|field| format!("{}: …", field.name()));
            let object = format!("{{{}}}", fields.collect::<Vec<_>>().join(", "));
            Some(in_its_place(written, &object))
        }
        (Utf8, List(_)) => Some(in_its_place(written, "[…]")),
        (Utf8, Map(..)) => Some(in_its_place(written, "MAP {'…': …}")),
        (Utf8, kind) => cast_of(written, kind),
        (Struct(received), Struct(promised)) => received.iter().find_map(|field| {
            let (_, promised) = promised.find(field.name())?;
            // SQL has no point behind a bracket.
            let inside = match written.ends_with([']', ')']) {
                true => format!("{written}['{}']", field.name()),
                false => format!("{written}.{}", field.name()),
            };
            advice(&inside, field.data_type(), promised.data_type())
        }),
        (List(_), List(_)) | (Map(..), Map(..)) => {
            let text = text_inside(received, promised)?;
            Some(format!(": `{written}{text}` is text in all of it"))
        }
        _ => None,
    }
}

/// An object, list or map in the place of a text: the column's, or that of a part of it.
fn in_its_place(written: &str, value: &str) -> String {
    match written.contains(['.', '[', '(']) {
        true => format!(", as in {value} in the place of {written}"),
        false => format!(", as in {written} = {value}"),
    }
}

/// How a text becomes a value of this type, or that it is text where there is no usual way.
fn cast_of(text: &str, kind: &DataType) -> Option<String> {
    use DataType::*;
    Some(match kind {
        Utf8 => return None,
        number if number.is_numeric() => format!(", as in CAST({text} AS DECIMAL(38, 10))"),
        Timestamp(_, Some(_)) => format!(", as in to_timestamp({text}, '%d.%m.%Y %H:%M') AT TIME ZONE 'UTC'"),
        Timestamp(_, None) => format!(", as in to_timestamp({text}, '%d.%m.%Y %H:%M')"),
        Date32 => format!(", as in to_date({text}, '%d.%m.%Y')"),
        Boolean => format!(", as in CAST({text} AS BOOLEAN)"),
        _ => format!(": `{text}` is text"),
    })
}

/// The way to the first text inside of a list or map, where something else is promised: `[].price`, `.value.price`.
fn text_inside(received: &DataType, promised: &DataType) -> Option<String> {
    use DataType::*;
    match (received, promised) {
        (Utf8, promised) => (*promised != Utf8).then(String::new),
        (Struct(received), Struct(promised)) => received.iter().find_map(|field| {
            let (_, promised) = promised.find(field.name())?;
            let inside = text_inside(field.data_type(), promised.data_type())?;
            Some(format!(".{}{inside}", field.name()))
        }),
        (List(received), List(promised)) => {
            let inside = text_inside(received.data_type(), promised.data_type())?;
            Some(format!("[]{inside}"))
        }
        // Its entries have a key and a value, and are called so.
        (Map(received, _), Map(promised, _)) => text_inside(received.data_type(), promised.data_type()),
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
    let patch = RowPatch::parse(text, &columns, &cannot_be_set, follows, json_values)?;
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

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Fields, TimeUnit};

    use super::*;

    fn object(name: &str, kind: DataType) -> DataType {
        DataType::Struct(Fields::from(vec![Field::new(name, kind, true)]))
    }

    fn map(value: DataType) -> DataType {
        let sides = vec![
            Field::new("key", DataType::Utf8, false),
            Field::new("value", value, true),
        ];
        let entries = Field::new("key_value", DataType::Struct(sides.into()), false);
        DataType::Map(Arc::new(entries), false)
    }

    #[test]
    fn what_is_text_is_told_with_how_it_is_made_what_it_is_to_be() {
        let list = |item: DataType| DataType::new_list(item, true);
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let number = || DataType::Decimal128(8, 2);
        let cases = [
            ("n", DataType::Utf8, number(), ", as in CAST(n AS DECIMAL(38, 10))"),
            ("o", DataType::Utf8, object("a", number()), ", as in o = {a: …}"),
            (
                "o.i",
                DataType::Utf8,
                object("a", number()),
                ", as in {a: …} in the place of o.i",
            ),
            (
                "o",
                object("at", DataType::Utf8),
                object("at", zoned),
                ", as in to_timestamp(o.at, '%d.%m.%Y %H:%M') AT TIME ZONE 'UTC'",
            ),
            (
                "l[2]",
                object("a", DataType::Utf8),
                object("a", DataType::Date32),
                ", as in to_date(l[2]['a'], '%d.%m.%Y')",
            ),
            // No item of it is named.
            (
                "l",
                list(object("a", DataType::Utf8)),
                list(object("a", number())),
                ": `l[].a` is text in all of it",
            ),
            (
                "o",
                object("m", map(object("a", DataType::Utf8))),
                object("m", map(object("a", number()))),
                ": `o.m.value.a` is text in all of it",
            ),
            ("b", DataType::Utf8, DataType::Binary, ": `b` is text"),
        ];
        for (written, received, promised, told) in cases {
            let advice = advice(written, &received, &promised);
            assert_eq!(advice.as_deref(), Some(told), "{written}: {received}");
        }
        assert_eq!(advice("t", &DataType::Utf8, &DataType::Utf8), None);
    }
}
