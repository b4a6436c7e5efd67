//! Checks of what has values inside: how many there are, and whether they differ.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, make_array, make_comparator};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Float64Type};

/// Up to so many items each is compared with each; more are sorted.
const COMPARED: usize = 16;

/// Rows whose list or map has fewer items than `least` or more than `most`; `None` for arrays of another type.
pub(crate) fn counted(array: &ArrayRef, least: usize, most: usize) -> Option<Vec<usize>> {
    let (offsets, nulls) = offsets(array)?;
    let lengths = offsets.windows(2).map(|pair| (pair[1] - pair[0]) as usize).enumerate();
    let wrong = lengths.filter(|(_, length)| *length < least || *length > most);
    Some(valid(wrong.map(|(row, _)| row), nulls))
}

/// Rows whose list has two items that are the same; null is the same as null. Numbers are the same as in keys: both
/// zeros of floating point are one, and so is whatever is no number.
pub(crate) fn repeated(array: &ArrayRef) -> Option<Vec<usize>> {
    let list = array.as_list_opt::<i32>()?;
    let values = one_zero(list.values())?;
    let compare = make_comparator(&values, &values, SortOptions::default()).ok()?;
    let offsets = list.value_offsets();
    let mut order = Vec::new();
    let rows = (0..list.len()).filter(|row| {
        list.is_valid(*row)
            && has_equal(
                offsets[*row] as usize..offsets[*row + 1] as usize,
                &mut order,
                &|left, right| compare(left, right),
            )
    });
    Some(rows.collect())
}

/// The values with one zero and one NaN where they have floating-point numbers in them.
fn one_zero(array: &ArrayRef) -> Option<ArrayRef> {
    let plain = |value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
    Some(match array.data_type() {
        DataType::Float64 => Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(plain)),
        kind if has_floats(kind) => {
            let data = array.to_data();
            let inside: Option<Vec<_>> = data
                .child_data()
                .iter()
                .map(|child| one_zero(&make_array(child.clone())).map(|child| child.to_data()))
                .collect();
            make_array(data.into_builder().child_data(inside?).build().ok()?)
        }
        _ => Arc::clone(array),
    })
}

fn has_floats(kind: &DataType) -> bool {
    match kind {
        DataType::Float64 => true,
        DataType::List(inner) | DataType::Map(inner, _) => has_floats(inner.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_floats(field.data_type())),
        _ => false,
    }
}

fn has_equal(items: Range<usize>, order: &mut Vec<usize>, compare: &dyn Fn(usize, usize) -> Ordering) -> bool {
    if items.len() <= COMPARED {
        let mut rest = items.clone();
        return items.into_iter().any(|left| {
            rest.next();
            rest.clone().any(|right| compare(left, right).is_eq())
        });
    }
    order.clear();
    order.extend(items);
    order.sort_unstable_by(|left, right| compare(*left, *right));
    order.windows(2).any(|pair| compare(pair[0], pair[1]).is_eq())
}

/// Rows whose struct has fewer fields that are not null than `least` or more than `most`; of a map its entries count.
pub(crate) fn fields(array: &ArrayRef, least: usize, most: usize) -> Option<Vec<usize>> {
    let Some(object) = array.as_struct_opt() else {
        return counted(array, least, most);
    };
    let mut there = vec![0_usize; object.len()];
    for field in object.columns() {
        match field.logical_nulls() {
            Some(nulls) => there
                .iter_mut()
                .zip(nulls.iter())
                .for_each(|(count, valid)| *count += usize::from(valid)),
            None => there.iter_mut().for_each(|count| *count += 1),
        }
    }
    let wrong = there
        .iter()
        .enumerate()
        .filter(|(_, count)| **count < least || **count > most);
    Some(valid(wrong.map(|(row, _)| row), object.nulls()))
}

/// Rows whose struct lacks one of the fields.
pub(crate) fn lacking(array: &ArrayRef, names: &[String]) -> Option<Vec<usize>> {
    let object = array.as_struct_opt()?;
    let mut rows = Vec::new();
    for name in names {
        if let Some(nulls) = object.column_by_name(name)?.logical_nulls() {
            rows.extend((0..object.len()).filter(|row| nulls.is_null(*row)));
        }
    }
    rows.sort_unstable();
    rows.dedup();
    Some(valid(rows.into_iter(), object.nulls()))
}

/// The offsets of a list or map, and its nulls.
pub(crate) fn offsets(array: &ArrayRef) -> Option<(&OffsetBuffer<i32>, Option<&NullBuffer>)> {
    match array.as_list_opt::<i32>() {
        Some(list) => Some((list.offsets(), list.nulls())),
        None => array.as_map_opt().map(|map| (map.offsets(), map.nulls())),
    }
}

fn valid(rows: impl Iterator<Item = usize>, nulls: Option<&NullBuffer>) -> Vec<usize> {
    match nulls {
        Some(nulls) => rows.filter(|row| nulls.is_valid(*row)).collect(),
        None => rows.collect(),
    }
}
