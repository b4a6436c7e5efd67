//! Values that a contract lists.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray};
use polder_contract::ColumnType;
use polder_contract::number;

use crate::values::{float, floats, integers, no_value, ordered, texts};

/// A list of values of one type.
#[derive(Debug)]
pub(crate) enum Listed {
    Texts(Texts),
    /// Integers: unscaled, days, microseconds.
    Numbers(HashSet<i128>),
    Floats(Vec<f64>),
    Booleans(Vec<bool>),
}

/// Texts, and which lengths they have: most texts that are none of them are told by that.
#[derive(Debug)]
pub(crate) struct Texts {
    /// A bit for each length in bytes; the last one for all from there on.
    lengths: u64,
    values: HashSet<String>,
}

impl Listed {
    /// A contract's values for a column of this type, or which of them is none of its values.
    pub(crate) fn of(column: &ColumnType, values: &[String]) -> Result<Self, String> {
        match column {
            ColumnType::String => Ok(Self::Texts(Texts::of(values))),
            ColumnType::Float64 => values
                .iter()
                .map(|text| float(text))
                .collect::<Result<_, _>>()
                .map(Self::Floats),
            ColumnType::Boolean => values
                .iter()
                .map(|text| text.parse().map_err(|_| no_value(column, text)))
                .collect::<Result<_, _>>()
                .map(Self::Booleans),
            _ => {
                ordered(column)?;
                values
                    .iter()
                    .map(|text| number::value(column, text).ok_or_else(|| no_value(column, text)))
                    .collect::<Result<_, _>>()
                    .map(Self::Numbers)
            }
        }
    }

    /// The values that are in the list, or those that are not; nulls are neither.
    pub(crate) fn among(&self, array: &ArrayRef, inside: bool) -> Option<Vec<usize>> {
        match self {
            Self::Texts(values) => texts(array, |text| values.contain(text) == inside),
            Self::Numbers(values) => integers(array, |value| values.contains(&value) == inside),
            Self::Floats(values) => floats(array, |value| values.contains(&value) == inside),
            Self::Booleans(values) => {
                let array = array.as_boolean_opt()?;
                let found = |row: &usize| array.is_valid(*row) && values.contains(&array.value(*row)) == inside;
                Some((0..array.len()).filter(found).collect())
            }
        }
    }
}

impl Texts {
    fn of(values: &[String]) -> Self {
        Self {
            lengths: values.iter().map(|value| length(value)).fold(0, |all, one| all | one),
            values: values.iter().cloned().collect(),
        }
    }

    fn contain(&self, text: &str) -> bool {
        self.lengths & length(text) != 0 && self.values.contains(text)
    }
}

fn length(text: &str) -> u64 {
    1 << text.len().min(63)
}

#[cfg(test)]
mod tests {
    use super::Texts;

    #[test]
    fn texts_of_any_length_are_found_and_no_others() {
        let long = "x".repeat(70);
        let listed = ["", "N/A", long.as_str()];
        let texts = Texts::of(&listed.map(str::to_owned));
        listed.iter().for_each(|text| assert!(texts.contain(text), "{text}"));
        for other in ["N", "N/B", "12345", &"y".repeat(70), &"x".repeat(63)] {
            assert!(!texts.contain(other), "{other}");
        }
    }
}
