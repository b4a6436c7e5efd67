//! Bringing a batch's columns into the contract's types without changing a value.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, make_comparator, new_empty_array};
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{CastOptions, SortOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use polder_core::{Error, ErrorKind, Result, ResultExt};

use crate::fields::by_name;
use crate::reading::{Parts, misread_parts};
use crate::row_tests::quoted_values;
use crate::schema::in_words;
use crate::table::same;
use crate::{digits, map_keys};

/// A batch whose contract columns have the contract's types, and the values that those types cannot hold.
pub(crate) struct Conformed {
    /// The batch, its columns in their own order; a value that did not fit is null.
    pub(crate) batch: RecordBatch,
    /// What did not fit: the column's place in the contract, and its rows.
    pub(crate) misfits: Vec<(usize, Vec<usize>)>,
    /// What is wrong with those of them of which more is known than their type, by column and row: a map has a key twice, a
    /// decimal has too many digits, a written value could not be read.
    pub(crate) repeated: HashMap<(usize, usize), String>,
}

/// A column in the contract's type.
struct Converted {
    array: ArrayRef,
    /// The rows that did not fit, in order; they are null.
    unfit: Vec<usize>,
    /// Those of them of which more is known than their type, and what is wrong.
    repeated: Vec<(usize, String)>,
}

/// How a column of another type may become the contract's.
enum Way {
    /// Every value means the same in both types.
    Representation,
    /// Some values may not fit: each is compared with its way back.
    Compared,
}

/// Casts the columns that `contract` names where their types differ. Nothing is rounded or cut: what the contract's
/// type cannot hold exactly is reported as a misfit.
///
/// # Errors
/// `Document`, where a type cannot become the contract's without a decision that only the author can take.
pub(crate) fn conform(batch: &RecordBatch, contract: &Schema) -> Result<Conformed> {
    let schema = batch.schema();
    let (mut fields, mut columns) = (schema.fields().to_vec(), batch.columns().to_vec());
    let (mut misfits, mut repeated) = (Vec::new(), HashMap::new());
    for (place, wanted) in contract.fields().iter().enumerate() {
        let Ok(index) = schema.index_of(wanted.name()) else {
            continue;
        };
        let Some(converted) = converted(&columns[index], wanted)? else {
            continue;
        };
        fields[index] = Arc::new(Field::new(wanted.name(), wanted.data_type().clone(), true));
        columns[index] = converted.array;
        if !converted.unfit.is_empty() {
            misfits.push((place, converted.unfit));
        }
        let reasons = converted.repeated.into_iter();
        repeated.extend(reasons.map(|(row, reason)| ((place, row), reason)));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .context(ErrorKind::Internal, || {
            "cannot put the converted columns together".to_owned()
        })?;
    Ok(Conformed {
        batch,
        misfits,
        repeated,
    })
}

/// Whether values of a type may become a column's; some of them may not fit.
pub fn becomes(kind: &DataType, wanted: &Field) -> bool {
    convert(&new_empty_array(kind), wanted).is_ok()
}

/// The column in the wanted type with the rows that did not fit, which are null; `None` where it has that type already, and all
/// fit. Fields of objects are found by name, as columns are: those that are not wanted are passed over, optional ones that
/// are not there are null.
///
/// # Errors
/// `Document`, where the type cannot become the wanted one without a decision that only the author can take; see [`becomes`].
pub fn convert(column: &ArrayRef, wanted: &Field) -> Result<Option<(ArrayRef, Vec<usize>)>> {
    let converted = converted(column, wanted)?;
    Ok(converted.map(|converted| (converted.array, converted.unfit)))
}

/// As [`convert`], and with each row that did not fit why, in words that quote its value.
///
/// # Errors
/// As [`convert`].
pub fn convert_telling(column: &ArrayRef, wanted: &Field) -> Result<Option<Parts>> {
    let Some(converted) = converted(column, wanted)? else {
        return Ok(None);
    };
    let says = format!("does not fit the contract's type {}", in_words(wanted.data_type()));
    let mut reasons: HashMap<usize, String> = converted.repeated.into_iter().collect();
    // Of what has values inside nobody can tell from the whole which of them it is.
    let values = match column.data_type().is_nested() {
        true => Vec::new(),
        false => quoted_values(column, &converted.unfit)?,
    };
    let mut values = values.into_iter();
    let told = converted.unfit.into_iter().map(|row| {
        let value = values.next().unwrap_or_else(|| "it".to_owned());
        let reason = reasons.remove(&row).unwrap_or_else(|| format!("{value} {says}"));
        (row, reason)
    });
    Ok(Some((converted.array, told.collect())))
}

/// Whether every value of a type is one of a column's, only kept in another way.
pub fn holds_all(kind: &DataType, wanted: &Field) -> bool {
    let to = wanted.data_type();
    let is_kept_otherwise = || same(kind, to) || matches!(way(kind, to), Some(Way::Representation));
    !map_keys::has_maps(to) && !digits::has_longest(to) && is_kept_otherwise()
}

fn converted(column: &ArrayRef, wanted: &Field) -> Result<Option<Converted>> {
    let unread = || format!("cannot read column `{}`", wanted.name());
    if let Some((read, misread)) = misread_parts(column).context(ErrorKind::Internal, unread)? {
        let nothing = || Converted {
            array: Arc::clone(&read),
            unfit: Vec::new(),
            repeated: Vec::new(),
        };
        let mut converted = converted(&read, wanted)?.unwrap_or_else(nothing);
        converted.unfit.extend(misread.iter().map(|(row, _)| *row));
        converted.unfit.sort_unstable();
        converted.repeated.extend(misread);
        return Ok(Some(converted));
    }
    let cast = cast_to(column, wanted)?;
    let array = cast.as_ref().map_or(column, |(array, _)| array);
    // After the cast: keys that differ as texts may be one number.
    let failure = || format!("cannot compare the keys of column `{}`", wanted.name());
    let mut repeated = map_keys::repeated(array).context(ErrorKind::Internal, failure)?;
    repeated.extend(digits::too_many(array));
    if repeated.is_empty() {
        return Ok(cast.map(|(array, unfit)| Converted { array, unfit, repeated }));
    }
    repeated.sort_by_key(|(row, _)| *row);
    repeated.dedup_by_key(|(row, _)| *row);
    let odd: Vec<usize> = repeated.iter().map(|(row, _)| *row).collect();
    let array = without(array, &odd).context(ErrorKind::Internal, failure)?;
    let mut unfit = cast.map_or_else(Vec::new, |(_, unfit)| unfit);
    unfit.extend(odd);
    unfit.sort_unstable();
    Ok(Some(Converted { array, unfit, repeated }))
}

/// The column cast to the wanted type with the rows that did not fit; `None` where it has that type already.
fn cast_to(column: &ArrayRef, wanted: &Field) -> Result<Option<(ArrayRef, Vec<usize>)>> {
    let to = wanted.data_type();
    if column.data_type() == to {
        return Ok(None);
    }
    let unshaped = || format!("cannot put the fields of column `{}` in order", wanted.name());
    let shaped = by_name(column, to).context(ErrorKind::Internal, unshaped)?;
    let column = shaped.as_ref().unwrap_or(column);
    let from = column.data_type();
    if from == to {
        return Ok(Some((Arc::clone(column), Vec::new())));
    }
    let Some(way) = way(from, to) else {
        return Err(Error::new(
            ErrorKind::Document,
            format!(
                "column `{}` is {}, the contract says {}",
                wanted.name(),
                in_words(from),
                in_words(to)
            ),
        )
        .with_help("cast it explicitly where it is made, or change the contract"));
    };
    let failure = || {
        format!(
            "cannot turn column `{}` from {} into {}",
            wanted.name(),
            in_words(from),
            in_words(to)
        )
    };
    // Safe casts give null where a value does not fit; the comparison below finds those.
    let options = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    let converted = cast_with_options(column, to, &options).context(ErrorKind::Document, failure)?;
    let rows = match way {
        Way::Representation => Vec::new(),
        Way::Compared => {
            let back = cast_with_options(&converted, from, &options).context(ErrorKind::Document, failure)?;
            differing(column, &back).context(ErrorKind::Internal, failure)?
        }
    };
    if rows.is_empty() {
        return Ok(Some((converted, rows)));
    }
    let converted = without(&converted, &rows).context(ErrorKind::Internal, failure)?;
    Ok(Some((converted, rows)))
}

/// The column with nulls in these rows.
fn without(column: &ArrayRef, rows: &[usize]) -> Result<ArrayRef, ArrowError> {
    let mut unfit = vec![false; column.len()];
    rows.iter().for_each(|row| unfit[*row] = true);
    arrow::compute::nullif(column, &BooleanArray::from(unfit))
}

/// Rows in which two columns of one type differ; null equals null.
fn differing(left: &ArrayRef, right: &ArrayRef) -> Result<Vec<usize>, ArrowError> {
    if left.data_type().is_nested() {
        let compare = make_comparator(left, right, SortOptions::default())?;
        return Ok((0..left.len()).filter(|row| compare(*row, *row).is_ne()).collect());
    }
    let differs = distinct(&left, &right)?;
    Ok(if differs.has_true() {
        differs.values().set_indices().collect()
    } else {
        Vec::new()
    })
}

/// Whether one type may become the other, and how. Absent on purpose: floats into decimals (a rounding that someone
/// must choose), local times into instants (a time zone that someone must name), numbers into text and back.
fn way(from: &DataType, to: &DataType) -> Option<Way> {
    use DataType::*;
    match (from, to) {
        (Null, _) => Some(Way::Representation),
        (Dictionary(_, values), to) if values.as_ref() == to => Some(Way::Representation),
        (Dictionary(_, values), to) => way(values, to),
        (LargeUtf8 | Utf8View, Utf8) => Some(Way::Representation),
        (LargeBinary | BinaryView | FixedSizeBinary(_), Binary) => Some(Way::Representation),
        (Int8 | Int16 | UInt8 | UInt16, Int32 | Int64 | Float64) | (Int32 | UInt32, Int64 | Float64) => {
            Some(Way::Representation)
        }
        (Float32, Float64) => Some(Way::Representation),
        (Int64 | UInt64 | UInt32, Int32) | (UInt64, Int64) | (Int64 | UInt64, Float64) => Some(Way::Compared),
        (from, Decimal128(..)) if from.is_integer() => Some(Way::Compared),
        (Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..), Decimal128(..)) => Some(Way::Compared),
        (Date64, Date32) => Some(Way::Compared),
        // The zone of an instant is how it is shown; what it holds is UTC in any case.
        (Timestamp(_, Some(_)), Timestamp(_, Some(_))) | (Timestamp(_, None), Timestamp(_, None)) => {
            Some(Way::Compared)
        }
        (Struct(from), Struct(to)) => {
            let same = from.len() == to.len() && from.iter().zip(to).all(|(from, to)| from.name() == to.name());
            let each = from
                .iter()
                .zip(to)
                .all(|(from, to)| inner(from.data_type(), to.data_type()));
            (same && each).then_some(Way::Compared)
        }
        (Map(from, _), Map(to, _)) => match (from.data_type(), to.data_type()) {
            (Struct(from), Struct(to)) => {
                let mut pairs = from.iter().zip(to);
                let each = pairs.all(|(from, to)| inner(from.data_type(), to.data_type()));
                (from.len() == to.len() && each).then_some(Way::Compared)
            }
            _ => None,
        },
        (List(from) | LargeList(from), List(to)) => inner(from.data_type(), to.data_type()).then_some(Way::Compared),
        _ => None,
    }
}

/// Whether the element or field types of nested columns are the same or may become so.
fn inner(from: &DataType, to: &DataType) -> bool {
    from == to || way(from, to).is_some()
}
