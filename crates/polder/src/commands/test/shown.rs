//! Rows that break rules, as `--show` prints them.

use polder_core::units::counted;
use polder_engine::{FailingRow, Verification};
use polder_gate::table::{RuleResult, RuleVerdict};
use serde_json::{Value, json};

/// The rows that were found for a rule.
pub(super) fn rows<'v>(verification: &'v Verification, result: &'v RuleResult) -> Vec<&'v FailingRow> {
    let failing = verification.failing.iter();
    failing.filter(|row| row.rule == result.rule).collect()
}

/// How many of the failing rows are not shown, in words; nothing where all are.
pub(super) fn cut(result: &RuleResult, shown: usize) -> Option<String> {
    let failing = result.failing_rows.filter(|_| result.verdict != RuleVerdict::Passed)?;
    let more = failing.saturating_sub(shown as u64);
    (more > 0).then(|| format!("{}: {shown} of {} shown", result.rule, counted(failing, "failing row")))
}

/// The rows as JSON values, each with what is wrong with it.
pub(super) fn as_json(rows: Vec<&FailingRow>) -> Value {
    rows.into_iter()
        .map(|shown| json!({"reason": shown.reason, "row": shown.row}))
        .collect()
}
