//! The first rows that break each rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::TryStreamExt;
use polder_contract::DatasetContract;
use polder_core::{ErrorKind, Result, ResultExt};
use polder_delivery::Discretion;
use polder_gate::reading::as_received;
use polder_gate::table::{BrokenRows, Queries, RuleResult, RuleVerdict, TableCheck, TableReport};
use polder_gate::{Gate, Violation};
use polder_query::query_error;
use serde_json::{Map, Value};

/// A row that breaks a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct FailingRow {
    /// The rule.
    pub rule: String,
    /// What is wrong with the value, in words; without what not everybody may see.
    pub reason: String,
    /// The row as a JSON object, with all columns of the table but those that are null; [`HIDDEN`](polder_delivery::HIDDEN)
    /// stands for what not everybody may see.
    pub row: Value,
}

/// How many rows break a rule; nothing where it holds, whatever rows its threshold lets be, or where nobody counted.
pub(super) fn of(result: &RuleResult) -> Option<usize> {
    let holds = !matches!(result.verdict, RuleVerdict::Failed | RuleVerdict::Warned);
    let failing = result.failing_rows.filter(|failing| *failing > 0 && !holds)?;
    Some(usize::try_from(failing).unwrap_or(usize::MAX))
}

/// The first rows, in the table's order, that break each rule that does not hold. Columns whose
/// type cannot become the contract's are not judged, and neither are rules that read them.
pub(super) async fn rows(
    contract: &DatasetContract,
    check: &TableCheck,
    provider: Arc<dyn TableProvider>,
    report: &TableReport,
    (queries, discretion): (&dyn Queries, &Discretion),
    limit: usize,
) -> Result<Vec<FailingRow>> {
    // How many rows are looked for, by rule.
    let mut wanted: BTreeMap<&str, usize> = report
        .results
        .iter()
        .filter_map(|result| Some((result.rule.as_str(), of(result)?.min(limit))))
        .collect();
    let refused: BTreeSet<&str> = report.refused_columns().collect();
    let gate = Gate::compile(contract)?;
    let mut of_sets = BrokenRows::of(check, &provider, report, queries).await?;
    // One partition: the rows come in their order.
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    let frame = context.read_table(provider).map_err(query_error)?;
    let mut batches = frame.execute_stream().await.map_err(query_error)?;
    let mut found: Vec<FailingRow> = Vec::new();
    let mut instead: BTreeMap<Arc<str>, Option<String>> = BTreeMap::new();
    while wanted.values().any(|more| *more > 0) {
        let Some(batch) = batches.try_next().await.map_err(query_error)? else {
            break;
        };
        let judged = without(&batch, &refused)?;
        let verdict = gate.check(&judged)?;
        let of_sets = of_sets.find(&judged)?;
        let broken = verdict.violations.iter().chain(&verdict.warnings).chain(&of_sets);
        let shown: Vec<&Violation> = broken
            .filter(|violation| {
                let more = wanted.get_mut(violation.rule.as_ref()).filter(|more| **more > 0);
                more.map(|more| *more -= 1).is_some()
            })
            .collect();
        if shown.is_empty() {
            continue;
        }
        let rows: Vec<usize> = shown.iter().map(|violation| violation.row).collect();
        let texts = polder_delivery::json_rows(&batch, &rows)?;
        for (violation, row) in shown.into_iter().zip(texts) {
            let instead = instead
                .entry(Arc::clone(&violation.rule))
                .or_insert_with(|| discretion.in_place_of_reasons(contract, &gate, &violation.rule));
            let mut row: Map<String, Value> = serde_json::from_str(&row).context(ErrorKind::Internal, || {
                "a row that breaks a rule cannot be shown".to_owned()
            })?;
            as_received(&mut row, batch.schema_ref().fields());
            let mut row = Value::Object(row);
            discretion.hide_in_row(&mut row, contract);
            found.push(FailingRow {
                rule: violation.rule.to_string(),
                reason: instead.clone().unwrap_or_else(|| violation.reason.clone()),
                row,
            });
        }
    }
    let place = |row: &FailingRow| report.results.iter().position(|result| result.rule == row.rule);
    found.sort_by_key(place);
    Ok(found)
}

/// The batch without these columns.
fn without(batch: &RecordBatch, columns: &BTreeSet<&str>) -> Result<RecordBatch> {
    let schema = batch.schema();
    let kept: Vec<usize> = (0..batch.num_columns())
        .filter(|place| !columns.contains(schema.field(*place).name().as_str()))
        .collect();
    batch
        .project(&kept)
        .context(ErrorKind::Internal, || "columns cannot be left out".to_owned())
}
