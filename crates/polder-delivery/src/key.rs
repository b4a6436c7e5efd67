//! One key of a table: its columns in rows, and what is known of those that are there.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{SessionConfig, SessionContext, ident};
use polder_core::{ErrorKind, Result, ResultExt};
use polder_gate::Violation;
use polder_gate::table::KeyRule;

use crate::fingerprints::Fingerprints;
use crate::row_json::json_rows;

/// A key of which no value may occur twice, and those that the table has.
pub(crate) struct Key {
    pub(crate) rule: KeyRule,
    id: Arc<str>,
    /// The table's columns that hold the key.
    columns: Vec<String>,
    /// `None` until the first row comes.
    pub(crate) held: Option<Fingerprints>,
}

pub(crate) fn unread() -> String {
    "cannot read the keys of the rows in the table".to_owned()
}

impl Key {
    pub(crate) fn new(rule: KeyRule) -> Self {
        Self {
            id: Arc::from(rule.id.as_str()),
            columns: rule.top_columns(),
            rule,
            held: None,
        }
    }

    /// The key's columns of these rows; none where the table lacks one of them, so that no row has the key.
    pub(crate) async fn rows(&self, provider: &Arc<dyn TableProvider>) -> Result<Option<SendableRecordBatchStream>> {
        let schema = provider.schema();
        if self.columns.iter().any(|column| schema.index_of(column).is_err()) {
            return Ok(None);
        }
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        let columns: Vec<_> = self.columns.iter().map(ident).collect();
        let rows = context
            .read_table(Arc::clone(provider))
            .and_then(|frame| frame.select(columns))
            .context(ErrorKind::Internal, unread)?;
        let rows = rows.execute_stream().await.context(ErrorKind::Unreachable, unread)?;
        Ok(Some(rows))
    }

    pub(crate) fn violation(&self, batch: &RecordBatch, row: usize) -> Result<Violation> {
        Ok(Violation {
            row,
            rule: Arc::clone(&self.id),
            reason: format!("an earlier row has the key {}", self.shown(batch, row)?),
            on_failure: self.rule.on_failure,
        })
    }

    /// A row's key in words: its own values by their ways, and nothing of what lies beside them.
    pub(crate) fn shown(&self, batch: &RecordBatch, row: usize) -> Result<String> {
        let values = self.rule.by_path(&batch.slice(row, 1))?;
        let values = values.into_iter().map(|(path, value)| (path, value, true));
        let key = RecordBatch::try_from_iter_with_nullable(values)
            .context(ErrorKind::Internal, || "cannot take a row's key".to_owned())?;
        Ok(json_rows(&key, &[0])?.pop().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, StringArray, StructArray};
    use arrow::datatypes::{DataType, Field};
    use polder_contract::{DatasetContract, parse};
    use polder_core::document::Source;
    use polder_gate::table::Keys;

    use super::*;

    #[test]
    fn a_key_is_told_by_its_own_values_and_not_with_what_lies_beside_them() {
        let text = "apiVersion: v3.1.0\nkind: DataContract\nid: p\nname: p\nversion: 1.0.0\nstatus: active\ndomain: cat\n\
                    schema:\n  - name: p\n    physicalName: cat.bronze.p\n    properties:\n      \
                    - {name: sku, logicalType: string}\n      \
                    - {name: spec, logicalType: object, properties: [{name: ean, logicalType: string}, \
                    {name: pin, logicalType: string}]}\n    quality:\n      \
                    - {id: twice, metric: duplicateValues, arguments: {properties: [spec.ean, sku]}, mustBe: 0}\n";
        let parsed = parse(&Source::new("p.odcs.yaml", text));
        let contract = DatasetContract {
            contract: Arc::new(parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics))),
            object: 0,
        };
        let texts = |texts: [&str; 2]| -> ArrayRef { Arc::new(StringArray::from(texts.to_vec())) };
        let spec = StructArray::from(vec![
            (Arc::new(Field::new("ean", DataType::Utf8, true)), texts(["1", "2"])),
            (
                Arc::new(Field::new("pin", DataType::Utf8, true)),
                texts(["0815", "4711"]),
            ),
        ]);
        let rows = [("sku", texts(["a", "b"])), ("spec", Arc::new(spec) as ArrayRef)];
        let rows = RecordBatch::try_from_iter(rows).unwrap();
        let rule = Keys::of(&contract).unwrap().pop().unwrap();
        assert_eq!(Key::new(rule).shown(&rows, 1).unwrap(), r#"{"spec.ean":"2","sku":"b"}"#);
    }
}
