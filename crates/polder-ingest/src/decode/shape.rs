//! Decoded records into the contract's columns: by name, first from the payload, then from the envelope.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, new_null_array};
use arrow::compute::{cast, filter, is_null, not, nullif};
use arrow::datatypes::{DataType, FieldRef, Fields, Schema, TimeUnit};
use arrow::error::ArrowError;
use polder_gate::reading::{Cast, fields_beyond, words};

use super::Target;
use super::cast::exact;

/// The rule of event times that are no times.
pub(crate) const EVENT_TIME_RULE: &str = "_event_time.type";

/// The type of `_event_time`.
pub(crate) fn event_time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The type in which event times are read: of the zone that the contract's column of the same field has, in which its
/// texts without an offset are.
pub(crate) fn event_time_in(target: &Target) -> DataType {
    let field = target.event_time.as_deref().and_then(|path| path.rsplit('.').next());
    let column = field.and_then(|name| target.columns.find(name));
    match column.map(|(_, column)| column.data_type()) {
        Some(zoned @ DataType::Timestamp(TimeUnit::Microsecond, Some(_))) => zoned.clone(),
        _ => event_time_type(),
    }
}

/// How the records of one decoded schema become columns.
#[derive(Debug)]
pub(crate) struct Shape {
    columns: Vec<(FieldRef, Place)>,
    /// Where the event time is, and the type in which it is read.
    event_time: Option<(Place, DataType)>,
    /// The fields that nobody reads: of the payload, where there is one, and inside of columns, with their way.
    pub(crate) unnamed: Vec<String>,
}

/// Where a column's values are.
#[derive(Debug, Clone)]
enum Place {
    /// Nowhere: the column is null.
    Absent,
    /// Field after field, from the record down.
    Path(Vec<usize>, FieldRef),
}

/// Columns, and the rows that could not become any.
#[derive(Debug)]
pub(crate) struct Shaped {
    pub(crate) columns: Vec<ArrayRef>,
    pub(crate) event_time: Option<ArrayRef>,
    /// A row at most once, in ascending order.
    pub(crate) failures: Vec<Failure>,
}

/// What of a row does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) row: usize,
    /// Rules and reasons, one at least.
    pub(crate) found: Vec<(String, String)>,
}

impl Failure {
    /// The first rule that the row breaks.
    pub(crate) fn rule(&self) -> &str {
        self.found.first().map_or("", |(rule, _)| rule)
    }

    /// All that is wrong with it.
    pub(crate) fn reason(&self) -> String {
        let each = self.found.iter().map(|(rule, reason)| format!("{rule}: {reason}"));
        each.collect::<Vec<_>>().join("; ")
    }
}

impl Shape {
    /// Finds the contract's columns in a decoded schema. Gives rule and reason, when the payload is missing.
    pub(crate) fn new(schema: &Schema, target: &Target) -> Result<Self, (String, String)> {
        let payload = match &target.payload {
            None => None,
            Some(name) => match schema.column_with_name(name) {
                Some((index, field)) => match field.data_type() {
                    DataType::Struct(fields) => Some((index, fields)),
                    other => {
                        return Err((
                            format!("{name}.type"),
                            format!("`{name}` is {}, not a record", words(other)),
                        ));
                    }
                },
                None => return Err((format!("{name}.type"), format!("there is no field `{name}`"))),
            },
        };
        let place = |name: &str| {
            let inner =
                payload.and_then(|(index, fields)| step(fields, name).map(|(i, field)| (vec![index, i], field)));
            // The payload itself is no column: its fields are.
            let outer = || {
                let found = step(schema.fields(), name).filter(|(index, _)| payload.is_none_or(|(i, _)| i != *index));
                found.map(|(index, field)| (vec![index], field))
            };
            inner
                .or_else(outer)
                .map_or(Place::Absent, |(path, field)| Place::Path(path, field))
        };
        let columns: Vec<_> = target
            .columns
            .iter()
            .map(|column| (column.clone(), place(column.name())))
            .collect();
        let event_time = match &target.event_time {
            None => None,
            Some(path) => Some(
                follow(schema.fields(), path)
                    .or_else(|| payload.and_then(|(index, fields)| follow_from(vec![index], fields, path)))
                    .ok_or_else(|| {
                        (
                            EVENT_TIME_RULE.to_owned(),
                            format!("there is no field `{path}` for the event time"),
                        )
                    })?,
            ),
        };
        let fields = payload.map_or(schema.fields(), |(_, fields)| fields).iter();
        let names = fields.map(|field| field.name().as_str());
        let unnamed = names.filter(|name| !target.named().any(|named| named == *name));
        let inside = columns.iter().flat_map(|(column, place)| match place {
            Place::Path(_, field) => fields_beyond(field.data_type(), column.data_type(), column.name()),
            Place::Absent => Vec::new(),
        });
        let inside = inside.map(|field| field.way).filter(|way| !target.reads_in(way));
        let unnamed = unnamed.map(str::to_owned).chain(inside).collect();
        Ok(Self {
            columns,
            unnamed,
            event_time: event_time.map(|place| (place, event_time_in(target))),
        })
    }

    /// Where the contract's columns are in a decoded batch, in the types of their writer; those that are not there are
    /// left out.
    pub(crate) fn sources(&self, batch: &RecordBatch) -> Result<Vec<(FieldRef, FieldRef, ArrayRef)>, ArrowError> {
        let mut sources = Vec::with_capacity(self.columns.len());
        for (column, place) in &self.columns {
            if let Place::Path(path, field) = place {
                sources.push((column.clone(), field.clone(), descend(batch, path)?));
            }
        }
        Ok(sources)
    }

    /// The columns of a decoded batch.
    pub(crate) fn apply(&self, batch: &RecordBatch) -> Result<Shaped, ArrowError> {
        let mut failures = Vec::new();
        let mut take = |place: &Place, rule: &dyn Fn() -> String, wanted: &DataType| -> Result<ArrayRef, ArrowError> {
            let Place::Path(path, field) = place else {
                return Ok(new_null_array(wanted, batch.num_rows()));
            };
            let Cast { array, failures: found } = exact(&descend(batch, path)?, field, wanted)?;
            failures.extend(found.into_iter().map(|(row, reason)| (row, rule(), reason)));
            Ok(array)
        };
        let mut columns = Vec::with_capacity(self.columns.len());
        for (column, place) in &self.columns {
            columns.push(take(place, &|| format!("{}.type", column.name()), column.data_type())?);
        }
        let event_time = match &self.event_time {
            Some((place, zoned)) => {
                let read = take(place, &|| EVENT_TIME_RULE.to_owned(), zoned)?;
                Some(cast(&read, &event_time_type())?)
            }
            None => None,
        };
        Ok(Shaped {
            columns,
            event_time,
            failures: merge(failures),
        })
    }
}

impl Shaped {
    /// The rows that fit, without failures, and those that do not, with theirs. `rows` is how many there are.
    pub(crate) fn split(self, rows: usize) -> Result<(Self, Self), ArrowError> {
        let mut failed = vec![false; rows];
        self.failures.iter().for_each(|failure| failed[failure.row] = true);
        let failed = BooleanArray::from(failed);
        let fit = not(&failed)?;
        let half = |kept: &BooleanArray, failures| {
            let columns = self.columns.iter().map(|column| filter(column, kept));
            let event_time = self.event_time.as_ref().map(|times| filter(times, kept));
            Ok::<_, ArrowError>(Self {
                columns: columns.collect::<Result<_, _>>()?,
                event_time: event_time.transpose()?,
                failures,
            })
        };
        Ok((half(&fit, Vec::new())?, half(&failed, self.failures.clone())?))
    }
}

/// One entry a row.
pub(crate) fn merge(mut failures: Vec<(usize, String, String)>) -> Vec<Failure> {
    failures.sort_by_key(|(row, ..)| *row);
    let mut merged: Vec<Failure> = Vec::new();
    for (row, rule, reason) in failures {
        let found = (rule, reason);
        match merged.last_mut().filter(|last| last.row == row) {
            Some(last) => last.found.push(found),
            None => merged.push(Failure {
                row,
                found: vec![found],
            }),
        }
    }
    merged
}

fn step(fields: &Fields, name: &str) -> Option<(usize, FieldRef)> {
    fields.find(name).map(|(index, field)| (index, field.clone()))
}

fn follow(fields: &Fields, path: &str) -> Option<Place> {
    follow_from(Vec::new(), fields, path)
}

fn follow_from(mut way: Vec<usize>, fields: &Fields, path: &str) -> Option<Place> {
    match path.split_once('.') {
        None => {
            let (index, field) = step(fields, path)?;
            way.push(index);
            Some(Place::Path(way, field))
        }
        Some((name, rest)) => {
            let (index, field) = step(fields, name)?;
            let DataType::Struct(fields) = field.data_type() else {
                return None;
            };
            way.push(index);
            follow_from(way, fields, rest)
        }
    }
}

/// The values at the end of a path; null where a record on the way is null.
fn descend(batch: &RecordBatch, path: &[usize]) -> Result<ArrayRef, ArrowError> {
    let Some((first, rest)) = path.split_first() else {
        return Err(ArrowError::InvalidArgumentError("an empty path".to_owned()));
    };
    let mut array = batch.column(*first).clone();
    for index in rest {
        let parent = array.as_struct();
        let child = parent.column(*index).clone();
        // Unions have no nulls of their own; under a null record arrow-avro leaves their null branch.
        array = if parent.null_count() > 0 && !matches!(child.data_type(), DataType::Union(..)) {
            nullif(&child, &is_null(parent)?)?
        } else {
            child
        };
    }
    Ok(array)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Field;

    use super::*;

    fn object(fields: &[&str]) -> DataType {
        let fields = fields.iter().map(|name| Field::new(*name, DataType::Int32, true));
        DataType::Struct(fields.collect())
    }

    fn list(item: DataType) -> DataType {
        DataType::List(Arc::new(Field::new("item", item, true)))
    }

    #[test]
    fn fields_of_a_writer_s_schema_that_nobody_reads_are_told_with_their_way() {
        let payload = DataType::Struct(Fields::from(vec![
            Field::new("o", object(&["a", "at", "wieght"]), true),
            Field::new("l", list(object(&["a", "stock"])), true),
            Field::new("zzz", DataType::Int32, true),
        ]));
        let schema = Schema::new(vec![
            Field::new("id", DataType::Utf8, true),
            Field::new("payload", payload, true),
        ]);
        let target = Target {
            columns: Fields::from(vec![
                Field::new("o", object(&["a", "weight"]), true),
                Field::new("l", list(object(&["a"])), true),
            ]),
            payload: Some("payload".to_owned()),
            event_time: Some("o.at".to_owned()),
        };
        let shape = Shape::new(&schema, &target).unwrap();
        assert_eq!(shape.unnamed, ["zzz", "o.wieght", "l[].stock"]);
    }
}
