//! The different texts of a batch, and how often each occurs: a check looks at each once.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

/// Places of the memory of texts that were seen last; a power of two.
const PLACES: usize = 512;
/// Places in which one text is looked for.
const TRIED: usize = 4;
/// Batches for which a column of mostly different texts is not searched for equal ones again.
const PAUSE: u8 = 15;
/// Texts of at most so many bytes are compared as a whole by their key.
const SHORT: usize = 15;

/// Texts, each with the number of rows that have it. A text may be there more than once.
pub(crate) struct Texts {
    /// The texts, plain or as views; null where rows have none.
    pub(crate) values: ArrayRef,
    /// Rows for each; `None` where each stands for one.
    pub(crate) rows: Option<Vec<u32>>,
}

impl Texts {
    /// The rows of these places.
    pub(crate) fn count(&self, places: &[usize]) -> u64 {
        match &self.rows {
            None => places.len() as u64,
            Some(rows) => places.iter().map(|place| u64::from(rows[*place])).sum(),
        }
    }
}

/// Finds equal texts of a column, batch after batch.
#[derive(Debug, Clone, Default)]
pub(crate) struct TextMemory {
    pause: u8,
}

impl TextMemory {
    /// The texts of a column in any encoding.
    pub(crate) fn read(&mut self, array: &ArrayRef) -> Result<Texts, ArrowError> {
        if let Some(dictionary) = array.as_any_dictionary_opt()
            // Where all rows are null there may be no value at all.
            && (1..=array.len()).contains(&dictionary.values().len())
        {
            return of_dictionary(array);
        }
        if self.pause > 0 {
            self.pause -= 1;
            return plain(array);
        }
        let texts = match array.data_type() {
            DataType::Utf8View => of_views(array.as_string_view()),
            DataType::Utf8 => of_plain(array.as_string::<i32>()),
            _ => None,
        };
        match texts {
            Some(texts) => Ok(texts),
            None => {
                self.pause = PAUSE;
                plain(array)
            }
        }
    }
}

fn plain(array: &ArrayRef) -> Result<Texts, ArrowError> {
    let values = match array.data_type() {
        DataType::Utf8 | DataType::Utf8View => Arc::clone(array),
        _ => cast(array, &DataType::Utf8)?,
    };
    Ok(Texts { values, rows: None })
}

fn of_dictionary(array: &ArrayRef) -> Result<Texts, ArrowError> {
    let dictionary = array.as_any_dictionary();
    let values = cast(dictionary.values(), &DataType::Utf8)?;
    let mut rows = vec![0u32; values.len()];
    let nulls = dictionary.keys().nulls();
    for (row, place) in dictionary.normalized_keys().into_iter().enumerate() {
        if nulls.is_none_or(|nulls| nulls.is_valid(row)) {
            rows[place] += 1;
        }
    }
    let missing = dictionary.keys().null_count();
    if missing == 0 {
        return Ok(Texts {
            values,
            rows: Some(rows),
        });
    }
    let null: ArrayRef = Arc::new(StringArray::new_null(1));
    rows.push(u32::try_from(missing).unwrap_or(u32::MAX));
    Ok(Texts {
        values: arrow::compute::concat(&[&values, &null])?,
        rows: Some(rows),
    })
}

/// Equal views of one array are equal texts: short ones hold the text, long ones its place.
fn of_views(array: &StringViewArray) -> Option<Texts> {
    let views = array.views();
    gather(array, |row| Some(views[row]), |row| array.value(row))
}

fn of_plain(array: &StringArray) -> Option<Texts> {
    let key = |row: usize| {
        let text = array.value(row).as_bytes();
        (text.len() <= SHORT).then(|| {
            let mut key = [0; SHORT + 1];
            key[..text.len()].copy_from_slice(text);
            key[SHORT] = text.len() as u8;
            u128::from_le_bytes(key)
        })
    };
    gather(array, key, |row| array.value(row))
}

/// The texts without most of their repetitions; nothing where most differ. Equal keys are equal texts.
fn gather<'a>(
    array: &dyn Array,
    key: impl Fn(usize) -> Option<u128>,
    text: impl Fn(usize) -> &'a str,
) -> Option<Texts> {
    // The place of each key that was seen last; `u32::MAX` is none.
    let mut known = [(0u128, u32::MAX); PLACES];
    let mut values = StringBuilder::new();
    let mut rows: Vec<u32> = Vec::new();
    let (mut looked_at, mut missing) = (0usize, 0u32);
    for row in 0..array.len() {
        if array.is_null(row) {
            missing += 1;
            continue;
        }
        looked_at += 1;
        if let Some(key) = key(row) {
            let first = place_of(key);
            let (seen, place) = known[first];
            if seen == key && place != u32::MAX {
                rows[place as usize] += 1;
                continue;
            }
            let tried = (1..TRIED).map(|step| (first + step) % PLACES);
            let found = [first]
                .into_iter()
                .chain(tried)
                .find(|place| known[*place].1 == u32::MAX || known[*place].0 == key);
            // Where all are taken, a text that was not seen for longer may be read again.
            let seen = &mut known[found.unwrap_or(first)];
            if seen.0 == key && seen.1 != u32::MAX {
                rows[seen.1 as usize] += 1;
                continue;
            }
            *seen = (key, rows.len() as u32);
        }
        if looked_at >= PLACES && rows.len() * 2 > looked_at {
            return None;
        }
        values.append_value(text(row));
        rows.push(1);
    }
    if missing > 0 {
        values.append_null();
        rows.push(missing);
    }
    Some(Texts {
        values: Arc::new(values.finish()),
        rows: Some(rows),
    })
}

/// Where a key is looked for: its bits, mixed (a multiplicative hash).
fn place_of(key: u128) -> usize {
    let folded = (key as u64) ^ ((key >> 64) as u64).rotate_left(29);
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 55) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::array::DictionaryArray;
    use arrow::datatypes::Int32Type;
    use proptest::prelude::*;

    use super::*;

    fn counted(texts: &Texts) -> BTreeMap<Option<String>, u64> {
        let mut found = BTreeMap::new();
        let values = cast(&texts.values, &DataType::Utf8).unwrap();
        for (place, text) in values.as_string::<i32>().iter().enumerate() {
            *found.entry(text.map(str::to_owned)).or_default() += texts.count(&[place]);
        }
        found.retain(|_, rows| *rows > 0);
        found
    }

    proptest! {
        #[test]
        fn every_row_is_counted_once_under_its_text(
            texts in prop::collection::vec(prop::option::weighted(0.9, "[ab]{0,3}|[ab]{14,18}"), 0..1500),
        ) {
            let mut expected: BTreeMap<Option<String>, u64> = BTreeMap::new();
            texts.iter().for_each(|text| *expected.entry(text.clone()).or_default() += 1);
            let plain: ArrayRef = Arc::new(StringArray::from(texts.clone()));
            let view: ArrayRef = Arc::new(StringViewArray::from_iter(texts.iter().map(Option::as_deref)));
            let dictionary: ArrayRef =
                Arc::new(texts.iter().map(Option::as_deref).collect::<DictionaryArray<Int32Type>>());
            for array in [plain, view, dictionary] {
                let mut memory = TextMemory::default();
                prop_assert_eq!(&counted(&memory.read(&array).unwrap()), &expected);
                prop_assert_eq!(&counted(&memory.read(&array).unwrap()), &expected);
            }
        }
    }

    #[test]
    fn repeated_texts_are_looked_at_once_and_different_ones_not_compared() {
        let few: ArrayRef = Arc::new(StringViewArray::from_iter_values(
            (0..5_000).map(|row| format!("text {}", row % 7)),
        ));
        let mut memory = TextMemory::default();
        assert_eq!(memory.read(&few).unwrap().values.len(), 7);
        let many: ArrayRef = Arc::new(StringArray::from_iter_values(
            (0..5_000).map(|row| format!("text {row}")),
        ));
        assert!(memory.read(&many).unwrap().rows.is_none());
        assert_eq!(memory.pause, PAUSE);
    }
}
