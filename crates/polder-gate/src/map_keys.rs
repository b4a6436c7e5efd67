//! The keys of maps: each is there once, which neither Arrow nor Parquet ask of a writer.
//!
//! Readers disagree about a map with a key twice (the first value, the last, an error), so such a value fits no type.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, make_comparator};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::SortOptions;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// Characters of a key that a reason shows.
const SHOWN: usize = 64;

/// Whether values of this type are maps, or have maps inside.
pub fn has_maps(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) => true,
        DataType::List(item) => has_maps(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_maps(field.data_type())),
        _ => false,
    }
}

/// The rows in which a map, however deep inside, has a key twice, in order, each with what is wrong. Keys are compared as
/// values of their type.
///
/// # Errors
/// Where keys are of a type that has no order.
pub fn repeated(array: &ArrayRef) -> Result<Vec<(usize, String)>, ArrowError> {
    if !has_maps(array.data_type()) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    match array.data_type() {
        DataType::Struct(fields) => {
            for (field, column) in fields.iter().zip(array.as_struct().columns()) {
                let inside = repeated(column)?.into_iter();
                found.extend(inside.map(|(row, reason)| (row, format!("{}: {reason}", field.name()))));
            }
            found.retain(|(row, _)| array.is_valid(*row));
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            found = outside(repeated(list.values())?, list.offsets(), list.nulls(), "item");
        }
        _ => {
            let map = array.as_map();
            found = of_rows(map)?;
            found.extend(outside(repeated(map.values())?, map.offsets(), map.nulls(), "value"));
        }
    }
    found.sort_by_key(|(row, _)| *row);
    found.dedup_by_key(|(row, _)| *row);
    Ok(found)
}

/// What was found of items, as of the rows that hold them.
pub(crate) fn outside(
    found: Vec<(usize, String)>,
    offsets: &OffsetBuffer<i32>,
    nulls: Option<&NullBuffer>,
    what: &str,
) -> Vec<(usize, String)> {
    let of_row = found.into_iter().filter_map(|(place, reason)| {
        // The last that begins at or before it: those before it that begin there too are empty.
        let row = offsets
            .partition_point(|start| *start as usize <= place)
            .checked_sub(1)?;
        let held = row + 1 < offsets.len() && nulls.is_none_or(|nulls| nulls.is_valid(row));
        let item = place - offsets[row] as usize + 1;
        held.then(|| (row, format!("{what} {item}: {reason}")))
    });
    of_row.collect()
}

/// The rows of a column of maps that have a key twice.
fn of_rows(map: &MapArray) -> Result<Vec<(usize, String)>, ArrowError> {
    let keys = map.keys();
    let compare = make_comparator(keys.as_ref(), keys.as_ref(), SortOptions::default())?;
    let options = FormatOptions::new().with_display_error(true);
    let formatter = ArrayFormatter::try_new(keys.as_ref(), &options)?;
    let (mut found, mut places) = (Vec::new(), Vec::new());
    for (row, bounds) in map.offsets().windows(2).enumerate() {
        if map.is_null(row) || bounds[1] - bounds[0] < 2 {
            continue;
        }
        places.clear();
        places.extend(bounds[0] as usize..bounds[1] as usize);
        places.sort_unstable_by(|left, right| compare(*left, *right));
        let twice = places
            .windows(2)
            .find(|pair| compare(pair[0], pair[1]) == Ordering::Equal);
        if let Some(pair) = twice {
            let key = formatter.value(pair[0]).to_string();
            let shown: String = key.chars().take(SHOWN).collect();
            let more = if shown.len() < key.len() { "…" } else { "" };
            found.push((row, format!("the key `{shown}{more}` is there twice")));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Builder, ListArray, MapBuilder, StringBuilder, StructArray};
    use arrow::datatypes::{Field, Fields};

    use super::*;

    /// Rows of maps; a row without entries that are given is null.
    fn maps(rows: &[Option<&[(&str, i32)]>]) -> ArrayRef {
        let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
        for row in rows {
            for (key, value) in row.unwrap_or_default() {
                maps.keys().append_value(key);
                maps.values().append_value(*value);
            }
            maps.append(row.is_some()).unwrap();
        }
        Arc::new(maps.finish())
    }

    #[test]
    fn a_key_that_is_there_twice_is_found_in_its_row() {
        let found = repeated(&maps(&[
            Some(&[("a", 1), ("b", 2)]),
            Some(&[("a", 1), ("b", 2), ("a", 1)]),
            None,
            Some(&[]),
            Some(&[("a", 1)]),
            Some(&[("b", 1), ("b", 2), ("a", 3), ("a", 4)]),
        ]));
        let twice = |row, key: &str| (row, format!("the key `{key}` is there twice"));
        assert_eq!(found.unwrap(), [twice(1, "a"), twice(5, "a")]);
    }

    #[test]
    fn it_is_found_however_deep_and_wherever_an_array_begins() {
        let values = maps(&[
            Some(&[("a", 1)]),
            Some(&[("b", 1), ("b", 2)]),
            Some(&[("c", 1)]),
            Some(&[("d", 1), ("d", 2)]),
        ]);
        let item = Arc::new(Field::new("element", values.data_type().clone(), true));
        let offsets = OffsetBuffer::new(vec![0, 0, 2, 2, 3, 4].into());
        let lists: ArrayRef = Arc::new(ListArray::new(item, offsets, Arc::clone(&values), None));
        let reason = |item: usize, key: &str| format!("item {item}: the key `{key}` is there twice");
        assert_eq!(repeated(&lists).unwrap(), [(1, reason(2, "b")), (4, reason(1, "d"))]);
        assert_eq!(repeated(&lists.slice(2, 3)).unwrap(), [(2, reason(1, "d"))]);
        assert_eq!(repeated(&values.slice(2, 2)).unwrap()[0].0, 1);

        let fields = Fields::from(vec![Field::new("m", values.data_type().clone(), true)]);
        let nulls = NullBuffer::from(vec![true, true, true, false]);
        let records: ArrayRef = Arc::new(StructArray::new(fields, vec![values], Some(nulls)));
        assert_eq!(
            repeated(&records).unwrap(),
            [(1, "m: the key `b` is there twice".to_owned())]
        );
    }
}
