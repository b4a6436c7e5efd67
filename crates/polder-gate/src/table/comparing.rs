//! Keys of one dataset held against those of another: which types compare, and how.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, new_empty_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Field, Float64Type, Int64Type};
use polder_contract::{Property, SchemaObject};
use polder_core::{Error, ErrorKind, Result, ResultExt};

use crate::conform::{becomes, convert};
use crate::schema::{in_words, property_type};
use crate::table::fingerprint;
use crate::table::state::same;

/// Two columns of a reference whose values nothing can compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlike {
    /// The path of the value where the reference begins.
    pub own: String,
    /// Its type, in the words of contracts.
    pub own_type: String,
    /// The path of the value that it refers to.
    pub other: String,
    /// Its type, in the words of contracts.
    pub other_type: String,
}

/// The first pair of columns of a reference that no check can hold against each other; none where all compare. What
/// one of the objects does not have, or has no type, is passed over.
pub fn unlike(own: &SchemaObject, columns: &[String], other: &SchemaObject, to: &[String]) -> Option<Unlike> {
    let pairs = columns.iter().zip(to);
    let mut unlike = pairs.filter_map(|(column, to)| {
        let (own_type, other_type) = (type_at(own, column)?, type_at(other, to)?);
        let single = |object: &SchemaObject, path: &str| object.no_key(&object.path(path)?).is_none().then_some(());
        let compared = single(own, column).and(single(other, to)).is_some() && compares(&own_type, &other_type);
        (!compared).then(|| Unlike {
            own: column.clone(),
            own_type: in_words(&own_type),
            other: to.clone(),
            other_type: in_words(&other_type),
        })
    });
    unlike.next()
}

fn type_at(object: &SchemaObject, path: &str) -> Option<DataType> {
    let property: &Property = object.value(&object.path(path)?)?;
    property_type(property).ok()
}

/// Whether keys of a type can be held against values of another.
fn compares(own: &DataType, other: &DataType) -> bool {
    let wanted = Field::new("key", own.clone(), true);
    let held = held_as(&new_empty_array(other), &wanted);
    held.is_ok_and(|held| fingerprint::of_column(&held, &mut Vec::new()).is_ok())
}

/// The values of another dataset as those of a key's type, so that equal ones have equal fingerprints. What is none of
/// that type (`1.5` for whole numbers) is null: no key is equal to it.
///
/// # Errors
/// `Document`, where values of the two types do not compare.
pub(crate) fn held_as(array: &ArrayRef, wanted: &Field) -> Result<ArrayRef> {
    let (kind, own) = (array.data_type(), wanted.data_type());
    if same(kind, own) {
        return Ok(Arc::clone(array));
    }
    if becomes(kind, wanted) {
        return Ok(convert(array, wanted)?.map_or_else(|| Arc::clone(array), |(array, _)| array));
    }
    let whole = if own.is_integer() { whole_numbers(array)? } else { None };
    whole.ok_or_else(|| {
        let message = format!(
            "`{}` is {}, and its values cannot be compared with {}",
            wanted.name(),
            in_words(kind),
            in_words(own)
        );
        Error::new(ErrorKind::Document, message)
    })
}

/// The whole numbers among decimals or doubles, with 64 bits: fingerprints are the same in every width. All others
/// are null. None of another type.
fn whole_numbers(array: &ArrayRef) -> Result<Option<ArrayRef>> {
    /// 2⁶³, the first number beyond those of 64 bits.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    Ok(match array.data_type() {
        DataType::Decimal128(_, scale) => {
            let Some(unit) = u32::try_from(*scale).ok().and_then(|scale| 10_i128.checked_pow(scale)) else {
                return Ok(None);
            };
            let whole = |value: i128| {
                (value % unit == 0)
                    .then_some(value / unit)
                    .and_then(|whole| i64::try_from(whole).ok())
            };
            let decimals = array.as_primitive::<Decimal128Type>();
            Some(Arc::new(decimals.unary_opt::<_, Int64Type>(whole)))
        }
        DataType::Float64 => {
            let whole =
                |value: f64| (value.fract() == 0.0 && (-BEYOND..BEYOND).contains(&value)).then_some(value as i64);
            let doubles = array.as_primitive::<Float64Type>();
            Some(Arc::new(doubles.unary_opt::<_, Int64Type>(whole)))
        }
        DataType::Float32 => {
            let doubles =
                cast(array, &DataType::Float64).context(ErrorKind::Internal, || "cannot widen floats".to_owned())?;
            return whole_numbers(&doubles);
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests;
