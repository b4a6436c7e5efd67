//! Values that hold values: records, lists, unions.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, UInt32Array, new_null_array};
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, Field, Fields};
use arrow::error::ArrowError;
use polder_gate::reading::Cast;

use super::{exact, without};

/// By field names: fields that the contract does not have fall away, those that are missing are null.
pub(super) fn from_struct(array: &StructArray, fields: &Fields, wanted: &DataType) -> Result<Cast, ArrowError> {
    let mut failures = Vec::new();
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let found = array.fields().iter().position(|from| from.name() == field.name());
        let column = match found {
            Some(index) => {
                let cast = exact(array.column(index), &array.fields()[index], field.data_type())?;
                let inside = cast.failures.into_iter().filter(|(row, _)| array.is_valid(*row));
                failures.extend(inside.map(|(row, reason)| (row, format!("{}: {reason}", field.name()))));
                cast.array
            }
            None => new_null_array(field.data_type(), array.len()),
        };
        columns.push(column);
    }
    let cast: ArrayRef = Arc::new(StructArray::try_new_with_length(
        fields.clone(),
        columns,
        array.nulls().cloned(),
        array.len(),
    )?);
    settle(cast, failures, wanted)
}

pub(super) fn from_list(
    array: &ListArray,
    item: &Field,
    element: &Arc<Field>,
    wanted: &DataType,
) -> Result<Cast, ArrowError> {
    // Only the values that rows refer to: others may lie before, between and behind them.
    let compact = compact(array)?;
    let values = exact(compact.values(), item, element.data_type())?;
    let mut failures = Vec::new();
    let mut rows = compact.offsets().windows(2).enumerate();
    let mut current = rows.next();
    for (index, reason) in values.failures {
        while let Some((row, bounds)) = current {
            let (start, end) = (bounds[0] as usize, bounds[1] as usize);
            if index < end {
                failures.push((row, format!("item {}: {reason}", index - start + 1)));
                break;
            }
            current = rows.next();
        }
    }
    let nulls = compact.nulls().cloned();
    let cast = ListArray::try_new(Arc::clone(element), compact.offsets().clone(), values.array, nulls)?;
    settle(Arc::new(cast), failures, wanted)
}

fn compact(array: &ListArray) -> Result<ListArray, ArrowError> {
    let all: UInt32Array = (0..array.len())
        .map(|row| array.is_valid(row).then_some(row as u32))
        .collect();
    Ok(take(array, &all, None)?.as_list().clone())
}

/// One reason a row, the first; failed rows are null.
fn settle(array: ArrayRef, mut failures: Vec<(usize, String)>, wanted: &DataType) -> Result<Cast, ArrowError> {
    failures.sort_by_key(|(row, _)| *row);
    failures.dedup_by_key(|(row, _)| *row);
    let rows: Vec<usize> = failures.iter().map(|(row, _)| *row).collect();
    debug_assert_eq!(array.data_type(), wanted);
    Ok(Cast {
        array: without(array, &rows)?,
        failures,
    })
}

/// Each row by its branch: what one branch cannot give, another may.
pub(super) fn from_union(array: &ArrayRef, wanted: &DataType) -> Result<Cast, ArrowError> {
    let union = array.as_union();
    let DataType::Union(fields, _) = array.data_type() else {
        return Err(ArrowError::CastError("not a union".to_owned()));
    };
    let mut branches = Vec::with_capacity(fields.len());
    let mut failed = HashMap::new();
    let mut places = [0_usize; 256];
    for (place, (id, field)) in fields.iter().enumerate() {
        let cast = exact(union.child(id), field, wanted)?;
        failed.extend(cast.failures.into_iter().map(|(row, reason)| ((place, row), reason)));
        places[usize::from(id as u8)] = place;
        branches.push(cast.array);
    }
    let picked: Vec<(usize, usize)> = (0..union.len())
        .map(|row| (places[usize::from(union.type_id(row) as u8)], union.value_offset(row)))
        .collect();
    let values: Vec<&dyn Array> = branches.iter().map(AsRef::as_ref).collect();
    let failures = picked
        .iter()
        .enumerate()
        .filter_map(|(row, pick)| failed.get(pick).map(|reason| (row, reason.clone())))
        .collect();
    Ok(Cast {
        array: interleave(&values, &picked)?,
        failures,
    })
}
