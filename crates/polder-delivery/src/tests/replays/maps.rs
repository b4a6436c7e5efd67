//! Rows with maps, out of quarantine and back.

use arrow::array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, ListArray, MapArray, StructArray, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Fields};
use polder_gate::arrow_schema;

use super::*;

/// A contract with a map of every kind of key, a list of maps and a record with one; `name` says what it asks of names.
fn contract_of(name: &str, version: &str) -> DatasetContract {
    let keys = [
        ("of_text", "string, physicalType: string"),
        ("of_int", "integer, physicalType: int"),
        ("of_bigint", "integer, physicalType: bigint"),
        ("of_date", "date, physicalType: date"),
        ("of_instant", "timestamp, physicalType: timestamp"),
        ("of_decimal", "number, physicalType: 'decimal(9,3)'"),
        ("of_boolean", "boolean, physicalType: boolean"),
        ("of_bytes", "string, physicalType: binary"),
    ];
    let map = |key: &str| {
        format!(
            "logicalType: map, map: {{key: {{logicalType: {key}}}, value: {{logicalType: integer, physicalType: int}}}}"
        )
    };
    let columns: String = keys
        .iter()
        .map(|(name, key)| format!("      - {{name: {name}, {}}}\n", map(key)))
        .collect();
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: events\nname: events\nversion: {version}\nstatus: active\n\
         domain: sales\nschema:\n  - name: events\n    physicalName: sales.bronze.events\n    properties:\n      \
         - {{name: name, logicalType: string{name}}}\n{columns}      \
         - {{name: list, logicalType: array, items: {{{date}}}}}\n      \
         - {{name: record, logicalType: object, properties: [{{name: m, {boolean}}}]}}\n",
        date = map(keys[3].1),
        boolean = map(keys[6].1),
    );
    let parsed = parse(&Source::new("contracts/sales/events.odcs.yaml", text));
    let contract = parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
    DatasetContract {
        contract: Arc::new(contract),
        object: 0,
    }
}

/// One row of a map: two entries, the second without a value.
fn map(wanted: &DataType) -> ArrayRef {
    let DataType::Map(entries, _) = wanted else {
        panic!("{wanted}")
    };
    let DataType::Struct(sides) = entries.data_type() else {
        panic!("{wanted}")
    };
    let keys: ArrayRef = match sides[0].data_type() {
        DataType::Utf8 => Arc::new(StringArray::from(vec!["a\"b", ""])),
        DataType::Int32 => Arc::new(Int32Array::from(vec![1, -7])),
        DataType::Int64 => Arc::new(Int64Array::from(vec![i64::MAX, 0])),
        DataType::Date32 => Arc::new(Date32Array::from(vec![14_944, -1])),
        DataType::Timestamp(..) => {
            Arc::new(TimestampMicrosecondArray::from(vec![1_291_191_960_000_001, -1]).with_timezone("UTC"))
        }
        DataType::Decimal128(..) => Arc::new(
            Decimal128Array::from(vec![1_250, -1])
                .with_precision_and_scale(9, 3)
                .unwrap(),
        ),
        DataType::Boolean => Arc::new(BooleanArray::from(vec![false, true])),
        DataType::Binary => Arc::new(BinaryArray::from(vec![b"\x00\xff".as_slice(), b"text"])),
        other => panic!("{other}"),
    };
    let values: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
    let (sides, offsets) = (Fields::clone(sides), OffsetBuffer::new(vec![0, 2].into()));
    let pairs = StructArray::new(sides, vec![keys, values], None);
    Arc::new(MapArray::new(Arc::clone(entries), offsets, pairs, None, false))
}

/// A row without a name whose every other column has such maps.
fn row(contract: &DatasetContract) -> RecordBatch {
    let of_field = |field: &Field| -> ArrayRef {
        match field.data_type() {
            DataType::List(item) => {
                let offsets = OffsetBuffer::new(vec![0, 1].into());
                Arc::new(ListArray::new(Arc::clone(item), offsets, map(item.data_type()), None))
            }
            DataType::Struct(fields) => {
                Arc::new(StructArray::new(fields.clone(), vec![map(fields[0].data_type())], None))
            }
            DataType::Map(..) => map(field.data_type()),
            other => new_null_array(other, 1),
        }
    };
    let schema = arrow_schema(contract.object()).unwrap();
    let columns = schema
        .fields()
        .iter()
        .map(|field| (field.name().clone(), of_field(field), true));
    let of_stream = decoded(&topic([Some(0)]));
    let meta = of_stream.schema();
    let meta = meta.fields().iter().zip(of_stream.columns()).skip(2);
    let meta = meta.map(|(field, column)| (field.name().clone(), Arc::clone(column), true));
    RecordBatch::try_from_iter_with_nullable(columns.chain(meta)).unwrap()
}

/// Delivers rows, each at the next offset of the topic, under a contract.
async fn delivered_rows(contract: &DatasetContract, rows: &RecordBatch) -> (Lake, Receipt) {
    let lake = lake();
    let mut delivery = Delivery::open(&lake, contract, STREAM_COLUMNS.as_slice(), STREAM)
        .await
        .unwrap();
    let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
    let messages = topic(vec![Some(0); rows.num_rows()]);
    let raw: Vec<_> = messages.iter().map(Message::raw).collect();
    shipment.push(rows, &raw).await.unwrap();
    let receipt = shipment.commit(Outcome::default()).await.unwrap();
    (lake, receipt)
}

#[tokio::test]
async fn maps_of_every_kind_of_key_come_back_as_they_were() {
    let strict = contract_of(", required: true", "1.0.0");
    let row = row(&strict);
    let (lake, _) = delivered_rows(&strict, &row).await;
    assert_eq!(placed(&lake).await, (vec![], vec![0]));
    let mended = contract_of("", "1.1.0");
    let replayed = quarantine(&lake).await.replay(&all(&mended)).await.unwrap();
    assert_eq!((replayed.passed, replayed.unfit.len()), (1, 0), "{replayed:?}");
    let landed = rows(&lake, DATASET).await.unwrap();
    for field in arrow_schema(mended.object()).unwrap().fields() {
        let column = |rows: &RecordBatch| Arc::clone(rows.column_by_name(field.name()).unwrap());
        let landed = cast(&column(&landed), field.data_type()).unwrap();
        assert_eq!(&landed, &column(&row), "{}", field.name());
    }
}

#[tokio::test]
async fn a_map_with_a_key_twice_is_refused_at_the_write_and_by_a_replay() {
    let contract = contract_of("", "1.0.0");
    let row = row(&contract);
    let place = row.schema().index_of("of_int").unwrap();
    let DataType::Map(entries, _) = row.column(place).data_type().clone() else {
        panic!()
    };
    let DataType::Struct(sides) = entries.data_type().clone() else {
        panic!()
    };
    let keys: ArrayRef = Arc::new(Int32Array::from(vec![7, 8, 7]));
    let values: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
    let pairs = StructArray::new(sides, vec![keys, values], None);
    let offsets = OffsetBuffer::new(vec![0, 3].into());
    let mut columns = row.columns().to_vec();
    columns[place] = Arc::new(MapArray::new(entries, offsets, pairs, None, false));
    let twice = RecordBatch::try_new(row.schema(), columns).unwrap();

    let (lake, receipt) = delivered_rows(&contract, &twice).await;
    assert_eq!((receipt.accepted, receipt.rejected), (0, 1));
    assert_eq!(placed(&lake).await, (vec![], vec![0]));
    assert_eq!(of_quarantine(&lake, 0, "rule").await.unwrap(), "of_int.type");
    assert_eq!(
        of_quarantine(&lake, 0, "reason").await.unwrap(),
        "of_int: the key `7` is there twice"
    );
    // Both are in the record.
    let record = of_quarantine(&lake, 0, "record").await.unwrap();
    assert!(record.contains(r#""of_int":{"7":1,"8":2,"7":3}"#), "{record}");
    let replayed = quarantine(&lake).await.replay(&all(&contract)).await.unwrap();
    assert_eq!(
        (replayed.passed, replayed.refused.contains_key("of_int.type")),
        (0, true),
        "{replayed:?}"
    );
}
