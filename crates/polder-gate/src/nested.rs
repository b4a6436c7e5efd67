//! From a column to the values inside it, and from those back to their rows.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use polder_contract::rule::PathStep;

use crate::items::offsets;

/// The values at the end of a path, all in one array, and the way back to the rows.
pub(crate) struct Inside {
    /// The values; some lie in a struct, list or map that is null, and do not count.
    pub(crate) values: ArrayRef,
    levels: Vec<Level>,
}

/// One step on the way back.
enum Level {
    /// To the struct that the value is a field of.
    Field(Option<NullBuffer>),
    /// To the list or map that the value is an item of: where each begins, and where the values that were looked at do.
    Item {
        offsets: OffsetBuffer<i32>,
        nulls: Option<NullBuffer>,
        first: usize,
    },
}

impl Inside {
    /// Follows the steps from a column; `None` where it has not the types that they need.
    pub(crate) fn follow(column: &ArrayRef, steps: &[PathStep]) -> Option<Self> {
        let mut values = column.clone();
        let mut levels = Vec::with_capacity(steps.len());
        for step in steps {
            values = match step {
                PathStep::Field(name) => {
                    let object = values.as_struct_opt()?;
                    levels.push(Level::Field(object.nulls().cloned()));
                    object.column_by_name(name)?.clone()
                }
                PathStep::Items => {
                    let items = values.as_list_opt::<i32>()?.values();
                    let (level, within) = repeated(&values)?;
                    levels.push(level);
                    items.slice(within.0, within.1)
                }
                PathStep::MapKey | PathStep::MapValue => {
                    let map = values.as_map_opt()?;
                    let side = if *step == PathStep::MapKey {
                        map.keys()
                    } else {
                        map.values()
                    };
                    let (level, within) = repeated(&values)?;
                    levels.push(level);
                    side.slice(within.0, within.1)
                }
            };
        }
        Some(Self { values, levels })
    }

    /// The row of a value by its place in [`Inside::values`]; `None` where it does not count.
    pub(crate) fn row(&self, value: usize) -> Option<usize> {
        self.levels.iter().rev().try_fold(value, |place, level| match level {
            Level::Field(nulls) => nulls
                .as_ref()
                .is_none_or(|nulls| nulls.is_valid(place))
                .then_some(place),
            Level::Item { offsets, nulls, first } => {
                let at = place + first;
                // The last that begins at or before it: those before it that begin there too are empty.
                let outer = offsets
                    .partition_point(|offset| *offset as usize <= at)
                    .checked_sub(1)?;
                nulls
                    .as_ref()
                    .is_none_or(|nulls| nulls.is_valid(outer))
                    .then_some(outer)
            }
        })
    }
}

/// The level of a list or map, and the start and length of the stretch of its values that belongs to its rows.
fn repeated(array: &ArrayRef) -> Option<(Level, (usize, usize))> {
    let (offsets, nulls) = offsets(array)?;
    let (first, last) = (*offsets.first()? as usize, *offsets.last()? as usize);
    let level = Level::Item {
        offsets: offsets.clone(),
        nulls: nulls.cloned(),
        first,
    };
    Some((level, (first, last - first)))
}
