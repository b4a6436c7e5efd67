//! Columns of values that were read elsewhere, beside what of them did not fit: such a column is judged like one of another
//! type, of which some values do not fit the contract's.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields};
use arrow::error::ArrowError;
use serde_json::{Map, Value};

/// The field of the values that were read; null where one did not fit.
pub const READ: &str = "polder.read";
/// The field of what did not fit, a record of [`REASON`] and [`RECEIVED`]; null where the value was read.
pub const MISREAD: &str = "polder.misread";
/// Why a value did not fit.
pub const REASON: &str = "reason";
/// The value as it came: a JSON text. Also the metadata of a column of such texts, which name the column that they came for.
pub const RECEIVED: &str = "received";

/// The type of what did not fit.
pub fn misread_type() -> DataType {
    let text = |name| Field::new(name, DataType::Utf8, true);
    DataType::Struct(Fields::from(vec![text(REASON), text(RECEIVED)]))
}

/// Whether this is the type of such a column: a record of [`READ`] and [`MISREAD`].
pub fn tells_misread(data_type: &DataType) -> bool {
    let DataType::Struct(fields) = data_type else {
        return false;
    };
    matches!(fields.as_ref(), [read, misread] if read.name() == READ && misread.name() == MISREAD)
}

/// The values that were read, and the rows of the others with why they did not fit.
pub(crate) type Parts = (ArrayRef, Vec<(usize, String)>);

/// The parts of such a column; nothing of others.
pub(crate) fn parts(column: &ArrayRef) -> Result<Option<Parts>, ArrowError> {
    if !tells_misread(column.data_type()) {
        return Ok(None);
    }
    let both = column.as_struct();
    let misread = cast(both.column(1), &misread_type())?;
    let misread = misread.as_struct();
    let reasons = misread.column(0).as_string::<i32>();
    let of_row = |row: usize| {
        let is_there = misread.is_valid(row) && reasons.is_valid(row);
        is_there.then(|| (row, reasons.value(row).to_owned()))
    };
    let found = (0..column.len()).filter_map(of_row).collect();
    Ok(Some((Arc::clone(both.column(0)), found)))
}

/// Puts what came in the place of such columns, in a row that was written as JSON.
pub fn as_received(row: &mut Map<String, Value>, columns: &Fields) {
    for column in columns.iter().filter(|column| tells_misread(column.data_type())) {
        let Some(Value::Object(mut told)) = row.remove(column.name()) else {
            continue;
        };
        let received = told.get(MISREAD).and_then(|misread| misread.get(RECEIVED)?.as_str());
        let received = received.map(|text| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)));
        if let Some(value) = received.or_else(|| told.remove(READ)).filter(|value| !value.is_null()) {
            row.insert(column.name().clone(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, StringArray, StructArray};
    use arrow::datatypes::FieldRef;
    use serde_json::json;

    use super::*;

    /// Three numbers: one that was read, one that is not there, one that did not fit.
    fn column() -> StructArray {
        let misread = misread_type();
        let DataType::Struct(fields) = &misread else {
            panic!("{misread}");
        };
        let told: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![None, None, Some("`x` is not a 32-bit integer")])),
            Arc::new(StringArray::from(vec![None, None, Some("\"x\"")])),
        ];
        let told = StructArray::new(fields.clone(), told, Some(vec![false, false, true].into()));
        let both: Vec<(FieldRef, ArrayRef)> = vec![
            (
                Arc::new(Field::new(READ, DataType::Int32, true)),
                Arc::new(Int32Array::from(vec![Some(1), None, None])),
            ),
            (Arc::new(Field::new(MISREAD, misread.clone(), true)), Arc::new(told)),
        ];
        StructArray::from(both)
    }

    #[test]
    fn what_did_not_fit_is_told_apart_from_what_is_not_there() {
        let column: ArrayRef = Arc::new(column());
        let (read, misread) = parts(&column).unwrap().unwrap();
        assert_eq!(read.logical_null_count(), 2);
        assert_eq!(misread, [(2, "`x` is not a 32-bit integer".to_owned())]);
        assert!(parts(&read).unwrap().is_none());
    }

    #[test]
    fn rows_are_shown_as_they_came() {
        let columns = Fields::from(vec![
            Field::new("n", column().data_type().clone(), true),
            Field::new("m", DataType::Int32, true),
        ]);
        let shown = |row: Value| {
            let Value::Object(mut row) = row else { panic!("{row}") };
            as_received(&mut row, &columns);
            Value::Object(row)
        };
        assert_eq!(shown(json!({"n": {READ: 1}, "m": 2})), json!({"n": 1, "m": 2}));
        assert_eq!(shown(json!({"n": {}})), json!({}));
        let misread = json!({"n": {MISREAD: {REASON: "…", RECEIVED: "\"x\""}}});
        assert_eq!(shown(misread), json!({"n": "x"}));
    }
}
