//! Lengths: of texts in characters, of bytes as they are.
//!
//! A character takes up to four bytes, so the bytes of the longest and the shortest value of a batch mostly answer for
//! all of them.

use arrow::array::{ArrayRef, AsArray, BinaryArray};

use crate::values::{texts, valid_rows};

/// Bytes of a character at most.
const WIDEST: usize = 4;

/// Values with fewer characters; `None` for arrays of another type.
pub(crate) fn shorter(array: &ArrayRef, length: usize) -> Option<Vec<usize>> {
    if let Some(bytes) = array.as_binary_opt::<i32>() {
        return Some(of_bytes(bytes, |found| found < length));
    }
    if bytes_of_each(array, usize::MAX, usize::min)?.div_ceil(WIDEST) >= length {
        return Some(Vec::new());
    }
    texts(array, |text| is_shorter(text, length))
}

/// Values with more characters; `None` for arrays of another type.
pub(crate) fn longer(array: &ArrayRef, length: usize) -> Option<Vec<usize>> {
    if let Some(bytes) = array.as_binary_opt::<i32>() {
        return Some(of_bytes(bytes, |found| found > length));
    }
    if bytes_of_each(array, 0, usize::max)? <= length {
        return Some(Vec::new());
    }
    texts(array, |text| text.len() > length && text.chars().count() > length)
}

fn of_bytes(array: &BinaryArray, breaks: impl Fn(usize) -> bool) -> Vec<usize> {
    valid_rows(array, |row| breaks(array.value(row).len()))
}

/// The bytes of all texts, as one figure; what lies under nulls has a part in it.
fn bytes_of_each(array: &ArrayRef, start: usize, both: impl Fn(usize, usize) -> usize) -> Option<usize> {
    if let Some(views) = array.as_string_view_opt() {
        // The lower half of a view's first quarter is how long its text is.
        let lengths = views.views().iter().map(|view| *view as u32 as usize);
        return Some(lengths.fold(start, both));
    }
    let offsets = array.as_string_opt::<i32>()?.value_offsets();
    let lengths = offsets.windows(2).map(|pair| (pair[1] - pair[0]) as usize);
    Some(lengths.fold(start, both))
}

/// Whether the text has fewer characters; counts only where its bytes leave a doubt.
fn is_shorter(text: &str, length: usize) -> bool {
    text.len() < length || (text.len().div_ceil(WIDEST) < length && !text.is_ascii() && text.chars().count() < length)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{StringArray, StringViewArray};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lengths_are_those_of_characters(
            texts in prop::collection::vec(prop::option::weighted(0.8, "[aé水🦀]{0,6}"), 0..30),
            length in 0_usize..8,
        ) {
            let wanted = |breaks: &dyn Fn(usize) -> bool| -> Vec<usize> {
                let broken = |text: &Option<String>| text.as_ref().is_some_and(|text| breaks(text.chars().count()));
                texts.iter().enumerate().filter(|(_, text)| broken(text)).map(|(row, _)| row).collect()
            };
            let plain: ArrayRef = Arc::new(StringArray::from(texts.clone()));
            let views: ArrayRef = Arc::new(StringViewArray::from_iter(texts.iter().map(Option::as_deref)));
            for array in [plain, views] {
                prop_assert_eq!(shorter(&array, length), Some(wanted(&|found| found < length)));
                prop_assert_eq!(longer(&array, length), Some(wanted(&|found| found > length)));
            }
        }
    }
}
