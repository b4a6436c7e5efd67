//! Columns that hold keys with values.

use arrow::array::{Array, AsArray, Int32Builder, MapBuilder, MapFieldNames, StringBuilder};

use super::*;

/// The column as contracts declare it: named as Delta names the entries of maps.
fn column() -> Field {
    let entry = vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Int32, true),
    ];
    let entries = Field::new("key_value", DataType::Struct(entry.into()), false);
    Field::new("counts", DataType::Map(Arc::new(entries), false), true)
}

#[tokio::test]
async fn maps_are_written_and_read() {
    let (lake, _) = faulty_lake();
    let schema = Arc::new(Schema::new(vec![
        Field::new("number", DataType::Int64, false),
        column(),
    ]));
    let mut table = lake.ensure(&name(), schema, &TableOptions::default()).await.unwrap();
    // Arrow's own names for the entries, as other makers' batches have them.
    let names = MapFieldNames {
        entry: "entries".to_owned(),
        key: "keys".to_owned(),
        value: "values".to_owned(),
    };
    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), Int32Builder::new());
    maps.keys().append_value("a");
    maps.values().append_value(1);
    maps.keys().append_value("b");
    maps.values().append_null();
    maps.append(true).unwrap();
    maps.append(false).unwrap();
    maps.append(true).unwrap();
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("number", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef, false),
        ("counts", Arc::new(maps.finish()) as ArrayRef, true),
    ])
    .unwrap();
    let mut writer = table.writer().unwrap();
    writer.write(&batch).await.unwrap();
    let add = writer.finish().await.unwrap();
    let commit = Commit {
        add,
        ..Commit::new(RunId::new(), Operation::Append)
    };
    table.commit(commit).await.unwrap();

    let table = lake.load(&name()).await.unwrap().unwrap();
    assert!(matches!(table.schema().field(1).data_type(), DataType::Map(..)));
    let frame = SessionContext::new().read_table(table.provider().unwrap()).unwrap();
    let read = frame.collect().await.unwrap();
    let maps = read[0].column(1).as_map();
    assert_eq!(
        (maps.value_length(0), maps.is_null(1), maps.value_length(2)),
        (2, true, 0)
    );
    let keys: Vec<_> = maps.keys().as_string::<i32>().iter().flatten().collect();
    assert_eq!(keys, ["a", "b"]);
    assert!(maps.values().is_null(1));
}
