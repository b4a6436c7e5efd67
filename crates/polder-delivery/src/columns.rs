//! Columns that Polder adds to tables, and the columns of quarantine.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};

/// An instant as tables keep it: microseconds in UTC.
fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn field(name: &str, data_type: DataType, nullable: bool) -> FieldRef {
    Arc::new(Field::new(name, data_type, nullable))
}

/// The platform columns of a dataset that a stream feeds: where each row came from, and when.
pub static STREAM_COLUMNS: LazyLock<[FieldRef; 8]> = LazyLock::new(|| {
    [
        field("_topic", DataType::Utf8, false),
        field("_partition", DataType::Int32, false),
        field("_offset", DataType::Int64, false),
        field("_key", DataType::Binary, true),
        field("_event_time", instant(), true),
        field("_ingested_at", instant(), false),
        field("_schema_id", DataType::Int32, true),
        field("_run_id", DataType::Utf8, false),
    ]
});

/// How many of the quarantine's columns are written when a row is refused; those behind them are null until somebody
/// decides about the row.
pub(crate) const REFUSED_COLUMNS: usize = 18;

/// The columns of every quarantine table.
///
/// `_quarantine_id` is the row's stable key: `<origin>/<topic>/<partition>/<offset>` for streams, `<origin>/<hash of
/// the row>` for pipelines, with `#2`, `#3`, … for further equal rows. `rule` is the first rule that the
/// row breaks, `reason` lists them all. `record` is the row as JSON where it could be decoded, `raw` the bytes as they
/// were received. `_timestamp` is the source's own timestamp of the record, also where the event time is declared;
/// `_schema_header` holds the bytes of the header that names the schema of `raw`, where there was one.
///
/// `state` says what became of the row: `open` (null, where an earlier Polder refused it), `replaying` (of the replay with the number `replay`,
/// which was begun and not settled), `replayed` or `discarded`. `attempts` counts replays that judged it, `resolution`
/// is the reason of a discard, or what made a replay pass; `resolved_by` is who decided, in the run `resolved_by_run`.
/// `history` is a JSON array with an entry for each time that something was decided or tried, null before the first; it
/// begins with how the row was refused when it came.
///
/// Tables of an earlier Polder have fewer columns: the others are added when the next row is refused or decided about.
pub fn quarantine_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        Arc::new(Schema::new(vec![
            field("_quarantine_id", DataType::Utf8, false),
            field("_origin", DataType::Utf8, false),
            field("_topic", DataType::Utf8, true),
            field("_partition", DataType::Int32, true),
            field("_offset", DataType::Int64, true),
            field("_key", DataType::Binary, true),
            field("_event_time", instant(), true),
            field("_schema_id", DataType::Int32, true),
            field("_ingested_at", instant(), false),
            field("_run_id", DataType::Utf8, false),
            field("rule", DataType::Utf8, false),
            field("reason", DataType::Utf8, false),
            field("contract_version", DataType::Utf8, false),
            field("record", DataType::Utf8, true),
            field("raw", DataType::Binary, true),
            field("_timestamp", instant(), true),
            field("_schema_header", DataType::Binary, true),
            field("state", DataType::Utf8, true),
            field("attempts", DataType::Int32, true),
            field("resolved_at", instant(), true),
            field("resolution", DataType::Utf8, true),
            field("resolved_by", DataType::Utf8, true),
            field("resolved_by_run", DataType::Utf8, true),
            field("replay", DataType::Int64, true),
            field("history", DataType::Utf8, true),
        ]))
    });
    Arc::clone(&SCHEMA)
}

#[cfg(test)]
mod tests {
    use polder_contract::ContractSet;
    use polder_core::document::Source;

    use super::*;

    #[test]
    fn the_built_in_contract_of_refused_rows_has_the_columns_of_their_table() {
        let text = "apiVersion: v3.1.0\nkind: DataContract\nid: events\nversion: 1.0.0\nstatus: active\nschema:\n  - name: events\n    \
                    physicalName: sales.bronze.events\n    properties: [{name: name, logicalType: string}]\n";
        let source = Source::new("contracts/sales/events.odcs.yaml", text);
        let (contracts, _) = ContractSet::load([("sales".to_owned(), source)]);
        let contract = contracts
            .get(&"sales.quarantine.bronze_events".parse().unwrap())
            .unwrap();
        let promised = polder_gate::arrow_schema(contract.object()).unwrap();
        let columns = |schema: &Schema| -> Vec<_> {
            let fields = schema.fields().iter();
            let fields = fields.map(|field| (field.name().clone(), field.data_type().clone(), field.is_nullable()));
            fields.collect()
        };
        assert_eq!(columns(&promised), columns(&quarantine_schema()));
    }
}
