//! The detector over the rows of a table.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};

use super::{Kind, detect};

/// One kind of thing in one column: where it was seen first, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The column; `[]` stands for the items of a list, a point for a field.
    pub column: String,
    /// What it is.
    pub kind: Kind,
    /// How many values have it.
    pub values: u64,
    /// The first row that has it, from 0, counted over all batches.
    pub first_row: u64,
    /// What may be shown of the first.
    pub masked: String,
}

/// The least whole number that is long enough for a card's: the shortest have 14 digits.
const LEAST_CARD: i64 = 10_000_000_000_000;
/// Behind the greatest: the longest have 19 digits.
const BEYOND_CARDS: i128 = 10_000_000_000_000_000_000;
/// The greatest float below which every whole number is one of its own (2^53).
const EXACT_FLOATS: f64 = 9_007_199_254_740_992.0;

/// Looks at every text, and every whole number that is long enough for a card's, of a batch. `rows_before` is the
/// number of rows of the batches before; what they had is in `seen` and is counted on.
pub fn scan(batch: &RecordBatch, rows_before: u64, seen: &mut BTreeMap<(String, Kind), Sighting>) {
    let schema = batch.schema();
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        let rows: Vec<u64> = (rows_before..rows_before + array.len() as u64).collect();
        column(field.name(), array, &rows, seen);
    }
}

/// Looks at one array; `rows` has the table's row for each of its values.
fn column(name: &str, array: &ArrayRef, rows: &[u64], seen: &mut BTreeMap<(String, Kind), Sighting>) {
    let mut look = |index: usize, text: &str| {
        for finding in detect(text) {
            let row = rows.get(index).copied().unwrap_or_default();
            seen.entry((name.to_owned(), finding.kind))
                .and_modify(|sighting| sighting.values += 1)
                .or_insert_with(|| Sighting {
                    column: name.to_owned(),
                    kind: finding.kind,
                    values: 1,
                    first_row: row,
                    masked: finding.masked,
                });
        }
    };
    match array.data_type() {
        DataType::Utf8 => texts(array.as_string::<i32>().iter(), &mut look),
        DataType::LargeUtf8 => texts(array.as_string::<i64>().iter(), &mut look),
        DataType::Utf8View => texts(array.as_string_view().iter(), &mut look),
        DataType::Binary => {
            let values = array.as_binary::<i32>().iter();
            texts(
                values.map(|value| value.and_then(|bytes| std::str::from_utf8(bytes).ok())),
                &mut look,
            );
        }
        DataType::BinaryView => {
            let values = array.as_binary_view().iter();
            texts(
                values.map(|value| value.and_then(|bytes| std::str::from_utf8(bytes).ok())),
                &mut look,
            );
        }
        DataType::Int64 => {
            for (index, value) in array.as_primitive::<Int64Type>().iter().enumerate() {
                if let Some(value) = value.filter(|value| *value >= LEAST_CARD) {
                    look(index, &value.to_string());
                }
            }
        }
        DataType::Decimal128(_, 0) => {
            for (index, value) in array.as_primitive::<Decimal128Type>().iter().enumerate() {
                if let Some(value) = value.filter(|value| (i128::from(LEAST_CARD)..BEYOND_CARDS).contains(value)) {
                    look(index, &value.to_string());
                }
            }
        }
        DataType::Float64 => {
            for (index, value) in array.as_primitive::<Float64Type>().iter().enumerate() {
                let whole = |value: &f64| *value >= LEAST_CARD as f64 && *value < EXACT_FLOATS && value.fract() == 0.0;
                if let Some(value) = value.filter(whole) {
                    look(index, &format!("{value:.0}"));
                }
            }
        }
        DataType::Struct(fields) => {
            for (field, child) in fields.iter().zip(array.as_struct().columns()) {
                column(&format!("{name}.{}", field.name()), child, rows, seen);
            }
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let owners = owners(list.value_offsets(), rows);
            column(
                &format!("{name}[]"),
                &owned(list.value_offsets(), list.values()),
                &owners,
                seen,
            );
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            let offsets = map.value_offsets();
            let owners = owners(offsets, rows);
            column(&format!("{name}.key"), &owned(offsets, map.keys()), &owners, seen);
            column(&format!("{name}.value"), &owned(offsets, map.values()), &owners, seen);
        }
        _ => {}
    }
}

/// The items that lists own, by the lists' offsets: those of a part of an array have more behind them.
fn owned(offsets: &[i32], items: &ArrayRef) -> ArrayRef {
    let end = |offset: Option<&i32>| offset.map_or(0, |offset| usize::try_from(*offset).unwrap_or_default());
    let (from, to) = (end(offsets.first()), end(offsets.last()).min(items.len()));
    items.slice(from, to.saturating_sub(from))
}

/// The table's row for each of the items that lists [own](owned).
fn owners(offsets: &[i32], rows: &[u64]) -> Vec<u64> {
    let lists = offsets.windows(2).zip(rows);
    lists
        .flat_map(|(pair, row)| std::iter::repeat_n(*row, usize::try_from(pair[1] - pair[0]).unwrap_or_default()))
        .collect()
}

/// What a search of a batch costs, in bytes: the texts' length, and a few for each value.
pub(crate) fn weight(batch: &RecordBatch) -> u64 {
    batch.columns().iter().map(weight_of).sum()
}

fn weight_of(array: &ArrayRef) -> u64 {
    /// A value that is only looked at and left.
    const VALUE: u64 = 8;
    let of_texts = |offsets: &[i32]| match (offsets.first(), offsets.last()) {
        (Some(first), Some(last)) => u64::try_from(last - first).unwrap_or_default(),
        _ => 0,
    };
    let values = VALUE * array.len() as u64;
    match array.data_type() {
        DataType::Utf8 => values + of_texts(array.as_string::<i32>().value_offsets()),
        DataType::Binary => values + of_texts(array.as_binary::<i32>().value_offsets()),
        DataType::LargeUtf8 => {
            let offsets = array.as_string::<i64>().value_offsets();
            let bytes = offsets.last().copied().unwrap_or_default() - offsets.first().copied().unwrap_or_default();
            values + u64::try_from(bytes).unwrap_or_default()
        }
        DataType::Utf8View => values + array.as_string_view().lengths().map(u64::from).sum::<u64>(),
        DataType::BinaryView => values + array.as_binary_view().lengths().map(u64::from).sum::<u64>(),
        DataType::Int64 | DataType::Float64 | DataType::Decimal128(_, 0) => values,
        DataType::Struct(_) => array.as_struct().columns().iter().map(weight_of).sum(),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            weight_of(&owned(list.value_offsets(), list.values()))
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            let offsets = map.value_offsets();
            weight_of(&owned(offsets, map.keys())) + weight_of(&owned(offsets, map.values()))
        }
        _ => 0,
    }
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>, look: &mut impl FnMut(usize, &str)) {
    for (index, value) in values.enumerate() {
        if let Some(text) = value {
            look(index, text);
        }
    }
}
