//! The open rows that a replay means, and those among them that can be judged.

use arrow::array::{Array, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{Expr, SessionConfig, SessionContext, ident, lit};
use polder_core::{ErrorKind, Result, ResultExt};

use super::cells::{text, unread};
use super::marks::Row;
use super::replay::{Replay, Replayed};
use super::{Quarantine, Selection};
use crate::columns::quarantine_schema;
use crate::states::OPEN;

/// The columns of quarantine that a replay reads.
const READ: [&str; 14] = [
    "_quarantine_id",
    "_origin",
    "rule",
    "contract_version",
    "record",
    "raw",
    "_topic",
    "_partition",
    "_offset",
    "_key",
    "_timestamp",
    "_event_time",
    "_schema_header",
    "_schema_id",
];
pub(super) const NO_POSITION: &str =
    "a pipeline computed them: mend the contract or the SQL and build anew, which judges every row again";
const NO_VALUE: &str = "they have no value (tombstones): discard them";

impl Quarantine {
    /// The open rows that the selection's rule refused, in the order of their positions.
    pub(super) async fn open_rows(&self, selection: &Selection) -> Result<SendableRecordBatchStream> {
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        let schema = self.table.schema();
        let open = match schema.index_of("state") {
            Ok(_) => ident("state").is_null().or(ident("state").eq(lit(OPEN))),
            // Of an earlier Polder, where nobody could decide about rows.
            Err(_) => lit(true),
        };
        let open = match &selection.rule {
            Some(rule) => open.and(ident("rule").eq(lit(rule.as_str()))),
            None => open,
        };
        let read = READ.iter().map(|name| match schema.index_of(name) {
            Ok(_) => Ok(ident(*name)),
            // Of an earlier Polder, too.
            Err(_) => {
                let column = quarantine_schema();
                let null = ScalarValue::try_from(column.field_with_name(name)?.data_type())?;
                Ok(lit(null).alias(*name))
            }
        });
        let read: Vec<Expr> = read
            .collect::<Result<_, DataFusionError>>()
            .context(ErrorKind::Internal, unread)?;
        let order = ["_topic", "_partition", "_offset", "_quarantine_id"];
        // Of rows with one key the first by position passes.
        let frame = context
            .read_table(self.table.provider()?)
            .and_then(|frame| frame.filter(open))
            .and_then(|frame| frame.select(read))
            .and_then(|frame| frame.sort(order.iter().map(|name| ident(*name).sort(true, false)).collect()))
            .context(ErrorKind::Internal, unread)?;
        frame.execute_stream().await.context(ErrorKind::Unreachable, unread)
    }
}

/// The rows that are meant and can be judged; the others are counted.
pub(super) fn select(batch: &RecordBatch, replay: &Replay<'_>, report: &mut Replayed) -> Result<RecordBatch> {
    let selection: &Selection = &replay.selection;
    let (id, origin, rule) = (
        text(batch, "_quarantine_id")?,
        text(batch, "_origin")?,
        text(batch, "rule")?,
    );
    let of = |name: &str| {
        batch
            .column_by_name(name)
            .map(|column| {
                (0..batch.num_rows())
                    .map(|row| column.is_valid(row))
                    .collect::<Vec<_>>()
            })
            .unwrap_or_else(|| vec![false; batch.num_rows()])
    };
    let (topic, record, raw) = (of("_topic"), of("record"), of("raw"));
    let mut taken = Vec::new();
    for row in 0..batch.num_rows() {
        let view = Row {
            id: id.value(row),
            origin: origin.value(row),
            rule: rule.value(row),
            state: None,
            replay: None,
        };
        if !selection.holds(&view) {
            continue;
        }
        report.selected += 1;
        let unfit = match (topic[row], record[row], raw[row]) {
            (false, ..) => NO_POSITION.to_owned(),
            (true, false, false) => NO_VALUE.to_owned(),
            (true, false, true) if !replay.reread.is_some_and(|reread| reread.knows(view.origin)) => format!(
                "the stream {} that brought them is not declared any more, so nobody knows how to read their bytes: \
                 declare it again, or discard them",
                view.origin
            ),
            _ => {
                taken.push(row as u64);
                continue;
            }
        };
        *report.unfit.entry(unfit).or_default() += 1;
    }
    take_record_batch(batch, &UInt64Array::from(taken)).context(ErrorKind::Internal, unread)
}
