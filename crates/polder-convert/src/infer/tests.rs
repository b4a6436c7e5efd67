//! Contracts of tables, and what their rows suggest.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use super::{Observed, TableFacts, infer};
use crate::draft::{Binding, ImportOptions};

fn batch() -> RecordBatch {
    let amount = Decimal128Array::from(vec![Some(1_050), None, Some(-20)])
        .with_precision_and_scale(12, 3)
        .unwrap();
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("amount", DataType::Decimal128(12, 3), true),
        Field::new("country", DataType::Utf8, true),
        Field::new("_offset", DataType::Int64, false),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![3, 1, 2])),
        Arc::new(amount),
        Arc::new(StringArray::from(vec!["NL", "NL", "DE"])),
        Arc::new(Int64Array::from(vec![0, 1, 2])),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

#[test]
fn a_table_becomes_a_contract_and_its_rows_suggestions() {
    let batch = batch();
    let mut observed = Observed::new(&batch.schema());
    observed.push(&batch).unwrap();
    let options = ImportOptions {
        dataset: Some("sales.silver.payments".parse::<Binding>().unwrap()),
        ..ImportOptions::default()
    };
    let converted = infer(&batch.schema(), &TableFacts::default(), Some(&observed), &options).unwrap();
    let expected = "\
# Observed in 3 rows, and promised nowhere below: take up what is meant, and delete this.
# - id: never null; from `1` to `3`; every value differs: a candidate for primaryKey
# - amount: 1 null; from `-0.020` to `1.050`
# - country: never null; from `DE` to `NL`
apiVersion: v3.1.0
kind: DataContract
id: sales.silver.payments
name: sales.silver.payments
version: \"0.1.0\"
";
    assert!(converted.value.starts_with(expected), "{}", converted.value);
    assert!(
        converted.value.contains("physicalType: decimal(12,3)"),
        "{}",
        converted.value
    );
    assert!(!converted.value.contains("primaryKey: true"));
    // The platform's column is none.
    assert_eq!(converted.losses, []);
}

#[test]
fn signs_that_no_line_shows_are_written_out_in_comments() {
    let values: ArrayRef = Arc::new(StringArray::from(vec!["A\nB\u{1b}[31mRED", "Z\u{202e}abc"]));
    let batch = RecordBatch::try_from_iter([("odd", values)]).unwrap();
    let mut observed = Observed::new(&batch.schema());
    observed.push(&batch).unwrap();
    let comments = observed.comments();
    let line = "# - odd: never null; from `A\\nB\\u{1b}[31mRED` to `Z\\u{202e}abc`; every value differs";
    assert!(comments.contains(line), "{comments}");
}

#[test]
fn values_that_must_not_be_told_stand_in_no_comment() {
    let batch = batch();
    let mut observed = Observed::new(&batch.schema()).hiding(|column| column == "amount", |text| text == "DE");
    observed.push(&batch).unwrap();
    let comments = observed.comments();
    for line in [
        "# - id: never null; from `1` to `3`; every value differs",
        "# - amount: 1 null; from `***` to `***`\n",
        "# - country: never null; from `***` to `NL`\n",
    ] {
        assert!(comments.contains(line), "{line}\n{comments}");
    }
}

#[test]
fn what_a_table_says_of_itself_is_taken_over_or_named() {
    let metadata = |entries: &[(&str, &str)]| {
        entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    let fields = vec![
        Field::new("id", DataType::Int64, false).with_metadata(metadata(&[("comment", "The key."), ("own", "5")])),
        Field::new("day", DataType::Date32, true),
        Field::new(
            "at",
            DataType::Timestamp(TimeUnit::Microsecond, Some("Europe/Amsterdam".into())),
            true,
        ),
        Field::new("three", DataType::new_fixed_size_list(DataType::Int32, 3, true), true),
    ];
    let facts = TableFacts {
        description: Some("Orders.".to_owned()),
        partitions: vec!["day".to_owned()],
        configuration: BTreeMap::from_iter([
            ("delta.appendOnly".to_owned(), "true".to_owned()),
            ("delta.checkpointInterval".to_owned(), "100".to_owned()),
            ("delta.constraints.positive".to_owned(), "id > 0".to_owned()),
            ("delta.constraints.sane".to_owned(), "id > 0 OR day IS NULL".to_owned()),
        ]),
    };
    let converted = infer(&Schema::new(fields), &facts, None, &ImportOptions::default()).unwrap();
    for line in [
        "description: Orders.",
        "description: The key.",
        "exclusiveMinimum: 0",
        "partitionKeyPosition: 1",
        "row: id > 0 OR day IS NULL",
    ] {
        assert!(converted.value.contains(line), "{line}\n{}", converted.value);
    }
    let losses: Vec<_> = converted
        .losses
        .iter()
        .map(|loss| format!("{}: {}", loss.path, loss.what))
        .collect();
    assert_eq!(losses.len(), 5, "{losses:?}");
    assert!(losses.contains(&"id: own: 5".to_owned()));
    assert!(losses.contains(&"configuration: delta.appendOnly: true".to_owned()));
    assert!(losses.contains(&"configuration: delta.constraints.positive".to_owned()));
}

#[test]
fn a_part_of_a_table_proves_nothing() {
    let batch = batch();
    let mut observed = Observed::new(&batch.schema());
    observed.push(&batch).unwrap();
    observed.cut_off();
    let comments = observed.comments();
    assert!(
        comments.starts_with("# Observed in the first 3 rows") && !comments.contains("candidate"),
        "{comments}"
    );
}

#[test]
fn a_longer_table_than_is_kept_proves_nothing() {
    let schema = Schema::new(vec![Field::new("id", DataType::Int64, false)]);
    let mut observed = Observed::new(&schema);
    for start in 0..11 {
        let ids = Int64Array::from_iter_values(start * 100_000..(start + 1) * 100_000);
        let batch = RecordBatch::try_new(Arc::new(schema.clone()), vec![Arc::new(ids) as ArrayRef]).unwrap();
        observed.push(&batch).unwrap();
    }
    assert!(!observed.comments().contains("candidate"));
}
