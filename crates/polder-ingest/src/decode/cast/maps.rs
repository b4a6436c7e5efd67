//! Maps of other makers into the contract's types: keys and values each exactly.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{Field, Fields};
use arrow::error::ArrowError;
use polder_gate::reading::{Cast, assemble};

use super::exact;

/// A map of another maker as the wanted one.
pub(super) fn from_map(array: &ArrayRef, entries: &Arc<Field>, sides: &Fields) -> Result<Cast, ArrowError> {
    // Only the entries that rows refer to: others may lie before, between and behind them.
    let all: UInt32Array = (0..array.len())
        .map(|row| array.is_valid(row).then_some(row as u32))
        .collect();
    let compact = take(array, &all, None)?;
    let map = compact.as_map();
    let (key, value) = map.entries_fields();
    let keys = exact(map.keys(), key, sides[0].data_type())?;
    let values = exact(map.values(), value, sides[1].data_type())?;
    let lengths = map.offsets().windows(2).map(|pair| (pair[1] - pair[0]) as usize);
    let valid = (0..map.len()).map(|row| map.is_valid(row)).collect();
    assemble(keys, values, lengths.collect(), valid, entries, sides)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Builder, MapBuilder, StringBuilder};
    use arrow::datatypes::{DataType, Int32Type};

    use super::*;

    #[test]
    fn a_map_of_another_maker_keeps_its_entries_or_says_which_does_not_fit() {
        let sides = Fields::from(vec![
            Field::new("key", DataType::Utf8, false),
            Field::new("value", DataType::Int32, true),
        ]);
        let entries = Arc::new(Field::new("key_value", DataType::Struct(sides), false));
        let wanted = DataType::Map(entries, false);
        let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
        for row in [vec![("a", 1), ("b", 2)], vec![("c", 1 << 40)], vec![("d", 3)]] {
            for (key, value) in row {
                map.keys().append_value(key);
                map.values().append_value(value);
            }
            map.append(true).unwrap();
        }
        map.append(false).unwrap();
        let map: ArrayRef = Arc::new(map.finish());
        let cast = exact(
            &map.slice(1, 3),
            &Field::new("m", map.data_type().clone(), true),
            &wanted,
        )
        .unwrap();
        assert_eq!(cast.array.data_type(), &wanted);
        assert_eq!(cast.failures.len(), 1, "{:?}", cast.failures);
        assert!(cast.failures[0].1.starts_with("value 1: "), "{:?}", cast.failures);
        let nulls: Vec<_> = (0..3).map(|row| cast.array.is_null(row)).collect();
        assert_eq!(nulls, [true, false, true]);
        let last = cast.array.as_map().value(1);
        assert_eq!(last.column(0).as_string::<i32>().value(0), "d");
        assert_eq!(last.column(1).as_primitive::<Int32Type>().value(0), 3);
    }
}
