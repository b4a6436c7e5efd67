//! Which refused rows of a pipeline a build did not refuse any more, of those that it computed again.
//!
//! To which group a row belongs its record says. The values of its key are read back in the contract's types and compared
//! as the build compares them. A record may not say a value exactly: what did not fit its column, and numbers that are not
//! finite. Such a row is of no group that anybody can tell; a build of everything decides about it.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::prelude::{Expr, ident, lit};
use polder_core::{ErrorKind, Result, ResultExt};
use polder_lake::Table;
use serde_json::{Map, Value};

use super::records::decode;
use crate::extent::{Extent, Groups};
use crate::known::{fingerprint, scan};
use crate::row_json::json_rows;
use crate::states::{DISCARDED, OPEN};

/// Fingerprints of the keys of those rows that an origin has in this quarantine table, open or discarded, which lie in the
/// extent of a build and are not among those that it refused. The columns are the contract's.
///
/// # Errors
/// `Internal`, where the groups' key is not in the contract; what the lake reports.
pub(crate) async fn gone(
    quarantine: &Table,
    origin: &str,
    extent: &Extent,
    refused: &HashSet<u128>,
    columns: &SchemaRef,
) -> Result<HashSet<u128>> {
    let groups = match extent {
        Extent::Some => return Ok(HashSet::new()),
        Extent::Groups(groups) => Some((groups.as_ref(), key_columns(groups.as_ref(), columns)?)),
        Extent::Everything => None,
    };
    let names: &[&str] = match &groups {
        Some(_) => &["_quarantine_id", "record"],
        None => &["_quarantine_id"],
    };
    let types = [DataType::Utf8, DataType::Utf8];
    let provider = quarantine.provider()?;
    // A table of an earlier Polder may have no states: all its rows are open.
    let undecided = provider.schema().index_of("state").is_ok().then(undecided);
    let mut gone = HashSet::new();
    scan(provider, origin, undecided, names, &types[..names.len()], |columns| {
        let ids = columns[0].as_string::<i32>();
        let of_row = |row| fingerprint(ids.value(row).as_bytes());
        let not_refused = (0..ids.len()).filter(|row| !refused.contains(&of_row(*row)));
        match &groups {
            None => gone.extend(not_refused.map(of_row)),
            Some((groups, key)) => {
                let records = columns[1].as_string::<i32>();
                let rows: Vec<usize> = not_refused.filter(|row| records.is_valid(*row)).collect();
                gone.extend(inside(*groups, key, records, &rows)?.into_iter().map(of_row));
            }
        }
        Ok(())
    })
    .await?;
    Ok(gone)
}

/// Nobody took the row into the table, or is about to.
fn undecided() -> Expr {
    let state = || ident("state");
    state()
        .is_null()
        .or(state().in_list(vec![lit(OPEN), lit(DISCARDED)], false))
}

/// The columns of the groups' key, all of which may be null.
fn key_columns(groups: &dyn Groups, columns: &SchemaRef) -> Result<SchemaRef> {
    let fields = groups.key().into_iter().map(|name| {
        let field = columns.field_with_name(name);
        field.map(|field| field.clone().with_nullable(true))
    });
    let fields = fields.collect::<Result<Vec<_>, _>>();
    let missing = || "the key of groups is not in the contract".to_owned();
    Ok(Arc::new(Schema::new(fields.context(ErrorKind::Internal, missing)?)))
}

/// Those of these rows of which the record certainly says a key of these groups.
fn inside(groups: &dyn Groups, key: &SchemaRef, records: &StringArray, rows: &[usize]) -> Result<Vec<usize>> {
    let texts: Vec<&str> = rows.iter().map(|row| records.value(*row)).collect();
    match decode(&texts, key) {
        _ if rows.is_empty() => Ok(Vec::new()),
        Ok(keys) => of_groups(groups, key, &keys, &texts, rows),
        Err(_) if rows.len() == 1 => Ok(Vec::new()),
        // Of some of them the key cannot be read: the others are found by halves.
        Err(_) => {
            let (left, right) = rows.split_at(rows.len() / 2);
            let mut found = inside(groups, key, records, left)?;
            found.extend(inside(groups, key, records, right)?);
            Ok(found)
        }
    }
}

/// [`inside`], where the keys could be read.
fn of_groups(
    groups: &dyn Groups,
    key: &SchemaRef,
    keys: &RecordBatch,
    texts: &[&str],
    rows: &[usize],
) -> Result<Vec<usize>> {
    let inside = groups.contains(keys)?;
    let inside: Vec<usize> = (0..rows.len()).filter(|place| inside.value(*place)).collect();
    if inside.is_empty() {
        return Ok(Vec::new());
    }
    let again = json_rows(keys, &inside)?;
    let exact = inside.iter().zip(again).filter(|(place, again)| {
        let said: Option<Map<String, Value>> = serde_json::from_str(texts[**place]).ok();
        let again: Option<Map<String, Value>> = serde_json::from_str(again).ok();
        said.zip(again).is_some_and(|(said, again)| says(key, &said, &again))
    });
    Ok(exact.map(|(place, _)| rows[*place]).collect())
}

/// Whether a record says the very key that was read from it.
fn says(key: &SchemaRef, said: &Map<String, Value>, read: &Map<String, Value>) -> bool {
    key.fields().iter().all(|field| {
        let (said, read) = (said.get(field.name()), read.get(field.name()));
        said == read && said.is_none_or(|value| is_certain(value, field.data_type()))
    })
}

/// Whether only one value is written like this: in a list, a number that is not finite is written as null.
fn is_certain(value: &Value, data_type: &DataType) -> bool {
    match (value, data_type) {
        (Value::Null, data_type) => !data_type.is_floating(),
        (Value::Array(items), DataType::List(item)) => items.iter().all(|value| is_certain(value, item.data_type())),
        (Value::Object(values), DataType::Struct(fields)) => fields.iter().all(|field| {
            let value = values.get(field.name());
            value.is_none_or(|value| is_certain(value, field.data_type()))
        }),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int64Array,
        ListArray, StructArray, TimestampMicrosecondArray, TimestampNanosecondArray, new_null_array,
    };
    use arrow::datatypes::{Field, Fields, Float64Type, Int64Type};
    use arrow::row::{RowConverter, SortField};

    use super::*;

    /// Groups whose keys are these rows.
    #[derive(Debug)]
    struct Keys {
        names: Vec<String>,
        converter: RowConverter,
        keys: HashSet<Vec<u8>>,
    }

    impl Keys {
        fn new(rows: &RecordBatch) -> Self {
            let schema = rows.schema();
            let sort = schema
                .fields()
                .iter()
                .map(|field| SortField::new(field.data_type().clone()));
            let converter = RowConverter::new(sort.collect()).unwrap();
            let keys = converter.convert_columns(rows.columns()).unwrap();
            Self {
                names: schema.fields().iter().map(|field| field.name().clone()).collect(),
                keys: keys.iter().map(|key| key.data().to_vec()).collect(),
                converter,
            }
        }
    }

    impl Groups for Keys {
        fn key(&self) -> Vec<&str> {
            self.names.iter().map(String::as_str).collect()
        }

        fn contains(&self, rows: &RecordBatch) -> Result<BooleanArray> {
            let keys = self.converter.convert_columns(rows.columns()).unwrap();
            Ok(keys.iter().map(|key| Some(self.keys.contains(key.data()))).collect())
        }
    }

    fn column(column: ArrayRef) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable([("k", column, true)]).unwrap()
    }

    /// For each of these records whether it says a key of these.
    fn found(keys: &RecordBatch, records: &[String]) -> Vec<bool> {
        let groups = Keys::new(keys);
        let columns = key_columns(&groups, &keys.schema()).unwrap();
        let rows: Vec<usize> = (0..records.len()).collect();
        let inside = inside(&groups, &columns, &StringArray::from(records.to_vec()), &rows).unwrap();
        rows.iter().map(|row| inside.contains(row)).collect()
    }

    /// The records of rows, between other fields.
    fn records(rows: &RecordBatch) -> Vec<String> {
        let json = json_rows(rows, &(0..rows.num_rows()).collect::<Vec<_>>()).unwrap();
        let between = |said: String| match &said[1..said.len() - 1] {
            "" => r#"{"a":1,"z":[null]}"#.to_owned(),
            said => format!(r#"{{"a":1,{said},"z":[null]}}"#),
        };
        json.into_iter().map(between).collect()
    }

    fn keys() -> Vec<ArrayRef> {
        let with_null = |column: ArrayRef| -> ArrayRef {
            arrow::compute::concat(&[&column, &new_null_array(column.data_type(), 1)]).unwrap()
        };
        let decimals = |scale| Decimal128Array::from(vec![12_300, -5]).with_precision_and_scale(20, scale);
        let days = Date32Array::from(vec![14_944, -1]);
        let fields = Fields::from(vec![
            Field::new("day", DataType::Date32, true),
            Field::new("x", DataType::Float64, true),
        ]);
        let parts: Vec<ArrayRef> = vec![
            Arc::new(days.clone()),
            Arc::new(Float64Array::from(vec![Some(0.1), None])),
        ];
        let plain: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec!["a\"\n", ""])),
            Arc::new(Int64Array::from(vec![i64::MIN, 9_007_199_254_740_993])),
            Arc::new(BooleanArray::from(vec![true, false])),
            Arc::new(Float64Array::from(vec![1e300, -0.1])),
            Arc::new(Float32Array::from(vec![0.1, 16_777_216.0])),
            Arc::new(decimals(2).unwrap()),
            Arc::new(decimals(0).unwrap()),
            Arc::new(days),
            Arc::new(TimestampMicrosecondArray::from(vec![1_291_191_960_000_001, -1])),
            Arc::new(TimestampMicrosecondArray::from(vec![1_291_191_960_000_000, -1]).with_timezone("UTC")),
            Arc::new(BinaryArray::from(vec![b"\x00\xff".as_slice(), b""])),
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([
                Some(vec![Some(1), None]),
                Some(vec![]),
            ])),
            Arc::new(StructArray::new(fields, parts, None)),
        ];
        plain.into_iter().map(with_null).collect()
    }

    #[test]
    fn a_row_is_of_the_group_that_its_record_says_whatever_the_keys_type() {
        for keys in keys() {
            let rows = column(keys);
            let records = records(&rows);
            for group in 0..rows.num_rows() {
                let wanted: Vec<_> = (0..rows.num_rows()).map(|row| row == group).collect();
                assert_eq!(found(&rows.slice(group, 1), &records), wanted, "{records:?}");
            }
        }
    }

    #[test]
    fn keys_of_several_columns_are_compared_together() {
        let rows = RecordBatch::try_from_iter_with_nullable([
            (
                "k",
                Arc::new(StringArray::from(vec![Some("a"), Some("a"), None, None])) as ArrayRef,
                true,
            ),
            (
                "n",
                Arc::new(Int64Array::from(vec![Some(1), None, Some(1), None])),
                true,
            ),
        ])
        .unwrap();
        let records = records(&rows);
        for group in 0..4 {
            let wanted: Vec<_> = (0..4).map(|row| row == group).collect();
            assert_eq!(found(&rows.slice(group, 1), &records), wanted);
        }
    }

    #[test]
    fn numbers_that_are_not_finite_are_of_no_group_that_can_be_told() {
        let floats = |values: [Option<f64>; 4]| column(Arc::new(Float64Array::from(values.to_vec())));
        let rows = floats([Some(1.5), Some(f64::NAN), Some(f64::INFINITY), None]);
        assert_eq!(found(&rows, &records(&rows)), [true, false, false, true]);
        // In a list they are written as null is.
        let lists = [
            Some(vec![Some(1.5)]),
            Some(vec![Some(f64::NAN)]),
            Some(vec![None]),
            None,
        ];
        let rows = column(Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(lists)));
        assert_eq!(found(&rows, &records(&rows)), [true, false, false, true]);
    }

    #[test]
    fn what_does_not_fit_its_column_is_of_no_group_that_can_be_told() {
        let decimals = Decimal128Array::from(vec![250]).with_precision_and_scale(4, 2).unwrap();
        let rows = column(Arc::new(decimals));
        let said = |values: &[&str]| {
            values
                .iter()
                .map(|value| format!(r#"{{"k":{value}}}"#))
                .collect::<Vec<_>>()
        };
        let values = said(&["2.50", "2.504", "2.496", "123456.00", "[1]", "2.50"]);
        assert_eq!(found(&rows, &values), [true, false, false, false, false, true]);
        assert_eq!(found(&rows, &["no JSON".to_owned()]), [false]);
        // Finer than the column keeps it.
        let finer = TimestampNanosecondArray::from(vec![1_291_191_960_000_001_000, 1_291_191_960_000_001_001]);
        let kept = TimestampMicrosecondArray::from(vec![1_291_191_960_000_001; 2]);
        for zone in [None, Some("UTC")] {
            let zone = zone.map(Arc::<str>::from);
            let finer = records(&column(Arc::new(finer.clone().with_timezone_opt(zone.clone()))));
            let kept = column(Arc::new(kept.clone().with_timezone_opt(zone)));
            assert_eq!(found(&kept, &finer), [true, false], "{finer:?}");
        }
    }

    #[test]
    fn a_key_that_is_not_in_the_contract_is_an_error() {
        let rows = column(Arc::new(Int64Array::from(vec![1])));
        let other = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        assert_eq!(
            key_columns(&Keys::new(&rows), &other).unwrap_err().kind(),
            ErrorKind::Internal
        );
    }
}
