//! A patch applied to rows as they were received.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema};
use polder_core::{ErrorKind, Result, ResultExt};
use polder_gate::reading::RECEIVED;

use super::patch::{Patch, Patched};
use super::reread::Misfit;
use super::told::Told;

/// Of one row: columns that the patch reads and whose types do not hold what was received, with that.
pub(super) type Texts = Vec<Told>;

/// Rows that a patch was applied to.
pub(super) struct Applied {
    /// All of them, in their order; those that it failed for are as they were.
    pub(super) rows: RecordBatch,
    /// What was set but does not fit.
    pub(super) misfits: Vec<(usize, Misfit)>,
    /// Where the patch failed, and why.
    pub(super) failed: Vec<(usize, String)>,
}

/// Applies a patch to rows, of which each has its [`Texts`].
///
/// # Errors
/// What the patch reports but `Data`.
pub(super) fn apply(patch: &dyn Patch, rows: &RecordBatch, texts: &[Texts]) -> Result<Applied> {
    let mut groups: BTreeMap<Vec<(String, DataType)>, Vec<usize>> = BTreeMap::new();
    for (row, texts) in texts.iter().enumerate() {
        let columns = texts.iter().map(|told| (told.name.clone(), told.data_type.clone()));
        groups.entry(columns.collect()).or_default().push(row);
    }
    let mut applied = Applied {
        rows: rows.clone(),
        misfits: Vec::new(),
        failed: Vec::new(),
    };
    let mut parts = Vec::with_capacity(groups.len());
    let mut order = vec![0_u64; rows.num_rows()];
    let mut before = 0;
    for (columns, places) in &groups {
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let typed = match groups.len() {
            1 => rows.clone(),
            _ => taken(rows, places.iter().map(|place| *place as u64))?,
        };
        let received = as_received(&typed, &names, &|row| &texts[places[row]])?;
        let part = to_group(patch, &received, &typed, &names)?;
        let told = |(row, said): (usize, Misfit)| (places[row], said);
        applied.misfits.extend(part.misfits.into_iter().map(told));
        let told = |(row, said): (usize, String)| (places[row], said);
        applied.failed.extend(part.failed.into_iter().map(told));
        for (row, place) in places.iter().enumerate() {
            order[*place] = (before + row) as u64;
        }
        before += places.len();
        parts.push(part.rows);
    }
    match parts.as_slice() {
        [] => {}
        [part] => applied.rows = part.clone(),
        parts => {
            let together = concat_batches(&parts[0].schema(), parts).context(ErrorKind::Internal, apart)?;
            applied.rows = taken(&together, order.into_iter())?;
        }
    }
    Ok(applied)
}

/// The patch applied to rows in which these columns are as received; `typed` are the same rows in the columns' types.
fn to_group(patch: &dyn Patch, received: &RecordBatch, typed: &RecordBatch, names: &[String]) -> Result<Applied> {
    let apply = |rows: &RecordBatch| match names {
        [] => patch.apply(rows),
        names => patch.apply_to_texts(rows, names),
    };
    match apply(received) {
        Ok(Patched { rows, misfits }) => {
            return Ok(Applied {
                rows,
                misfits,
                failed: Vec::new(),
            });
        }
        Err(error) if error.kind() != ErrorKind::Data => return Err(error),
        // For one of them: each for itself.
        Err(_) => {}
    }
    let (mut failed, mut misfits) = (Vec::new(), Vec::new());
    let mut patched = Vec::with_capacity(typed.num_rows());
    for row in 0..typed.num_rows() {
        patched.push(match apply(&received.slice(row, 1)) {
            Ok(one) => {
                misfits.extend(one.misfits.into_iter().map(|(_, misfit)| (row, misfit)));
                one.rows
            }
            Err(error) => {
                failed.push((row, format!("the patch fails: {}", error.report())));
                typed.slice(row, 1)
            }
        });
    }
    let rows = concat_batches(&typed.schema(), &patched).context(ErrorKind::Internal, apart)?;
    Ok(Applied { rows, misfits, failed })
}

/// The rows with these columns as they were received, and behind the others what is text in parts as JSON.
fn as_received<'t>(rows: &RecordBatch, names: &[String], texts: &dyn Fn(usize) -> &'t Texts) -> Result<RecordBatch> {
    if names.is_empty() {
        return Ok(rows.clone());
    }
    let (mut fields, mut columns) = (rows.schema().fields().to_vec(), rows.columns().to_vec());
    for (nth, name) in names.iter().enumerate() {
        let place = rows.schema().index_of(name).context(ErrorKind::Internal, apart)?;
        let told: Vec<&Told> = (0..rows.num_rows()).filter_map(|row| texts(row).get(nth)).collect();
        columns[place] = Told::column(&told)?;
        fields[place] = Arc::new(Field::new(name, columns[place].data_type().clone(), true));
        if let Some(texts) = Told::as_json(&told) {
            let of = HashMap::from([(RECEIVED.to_owned(), name.clone())]);
            let field = Field::new(format!("{name} as received"), DataType::Utf8, true);
            fields.push(Arc::new(field.with_metadata(of)));
            columns.push(Arc::new(texts));
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).context(ErrorKind::Internal, apart)
}

fn taken(rows: &RecordBatch, places: impl Iterator<Item = u64>) -> Result<RecordBatch> {
    take_record_batch(rows, &UInt64Array::from_iter_values(places)).context(ErrorKind::Internal, apart)
}

fn apart() -> String {
    "cannot put patched rows together".to_owned()
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int32Array, StringArray, StructArray, new_null_array};
    use arrow::datatypes::Fields;
    use serde_json::json;

    use super::*;

    /// Sets `t` to what stands behind the columns that it is given.
    struct WhatCame;

    impl Patch for WhatCame {
        fn columns(&self) -> &[String] {
            &[]
        }

        fn apply(&self, rows: &RecordBatch) -> Result<Patched> {
            let (rows, misfits) = (rows.clone(), Vec::new());
            Ok(Patched { rows, misfits })
        }

        fn apply_to_texts(&self, rows: &RecordBatch, texts: &[String]) -> Result<Patched> {
            let fields = rows.schema().fields().clone();
            let of = |field: &&Arc<Field>| field.metadata().get(RECEIVED) == texts.first();
            let place = fields.iter().position(|field| of(&field));
            let came = place.map_or_else(
                || new_null_array(&DataType::Utf8, rows.num_rows()),
                |place| Arc::clone(rows.column(place)),
            );
            let typed = typed();
            let objects = new_null_array(typed.column(0).data_type(), rows.num_rows());
            let rows = RecordBatch::try_new(typed.schema(), vec![objects, came]).unwrap();
            let misfits = Vec::new();
            Ok(Patched { rows, misfits })
        }
    }

    /// Three rows of an object `o` and a text `t`.
    fn typed() -> RecordBatch {
        let fields = Fields::from(vec![Field::new("n", DataType::Int32, true)]);
        let numbers = Arc::new(Int32Array::from(vec![None, None, Some(3)]));
        let objects = StructArray::new(fields, vec![numbers], None);
        let texts = StringArray::from(vec!["a", "b", "c"]);
        RecordBatch::try_from_iter_with_nullable([
            ("o", Arc::new(objects) as _, true),
            ("t", Arc::new(texts) as _, true),
        ])
        .unwrap()
    }

    #[test]
    fn what_is_text_in_parts_stands_behind_the_columns_as_it_came() {
        let rows = typed();
        let wanted = rows.column(0).data_type().clone();
        let told = |value| vec![Told::of("o", &wanted, &value).unwrap()];
        let texts = [told(json!({"n": "x", "m": 1})), told(json!("all of it")), Vec::new()];
        let of_one = |row: usize| {
            let applied = apply(&WhatCame, &rows.slice(row, 1), &texts[row..=row]).unwrap();
            assert!(applied.failed.is_empty(), "{:?}", applied.failed);
            let text = applied.rows.column(1).as_string::<i32>().iter().next().unwrap();
            text.map(str::to_owned)
        };
        let came = [0, 1, 2].map(of_one);
        assert_eq!(
            came,
            [Some(r#"{"n":"x","m":1}"#.to_owned()), None, Some("c".to_owned())]
        );
    }
}
