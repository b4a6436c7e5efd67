//! Maps out of their keys and values: a row with one that does not fit whole or not at all.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray, MapArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field, Fields};
use arrow::error::ArrowError;

use super::Cast;

/// The key and value of a map's entries; none where the type is no map.
pub fn sides(wanted: &DataType) -> Option<(&Arc<Field>, &Fields)> {
    let DataType::Map(entries, _) = wanted else { return None };
    match entries.data_type() {
        DataType::Struct(sides) if sides.len() == 2 => Some((entries, sides)),
        _ => None,
    }
}

/// Keys and values of all rows as one column. `lengths` says how many each row has, `valid` which rows are not null.
///
/// # Errors
/// Where the parts are not those of one column.
pub fn assemble(
    keys: Cast,
    values: Cast,
    mut lengths: Vec<usize>,
    mut valid: Vec<bool>,
    entries: &Arc<Field>,
    sides: &Fields,
) -> Result<Cast, ArrowError> {
    let mut places = Vec::with_capacity(keys.array.len());
    for (row, length) in lengths.iter().enumerate() {
        places.extend((0..*length).map(|entry| (row, entry + 1)));
    }
    let mut failures = Vec::new();
    for (side, found) in [("key", keys.failures), ("value", values.failures)] {
        failures.extend(found.into_iter().map(|(index, reason)| {
            let (row, entry) = places[index];
            (row, format!("{side} {entry}: {reason}"))
        }));
    }
    failures.sort_by_key(|(row, _)| *row);
    failures.dedup_by_key(|(row, _)| *row);
    // A key must not be null, so entries of failed rows go altogether.
    for (row, _) in &failures {
        (lengths[*row], valid[*row]) = (0, false);
    }
    let kept: BooleanArray = places.iter().map(|(row, _)| Some(valid[*row])).collect();
    let pairs = vec![filter(&keys.array, &kept)?, filter(&values.array, &kept)?];
    let map = MapArray::try_new(
        Arc::clone(entries),
        OffsetBuffer::from_lengths(lengths),
        StructArray::try_new(sides.clone(), pairs, None)?,
        Some(NullBuffer::from(valid)),
        false,
    )?;
    Ok(Cast {
        array: Arc::new(map),
        failures,
    })
}
