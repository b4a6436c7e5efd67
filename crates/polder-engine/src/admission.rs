//! Which queries are admitted: those that give the same answer again, and that their materialization can follow.

use std::collections::BTreeSet;

use datafusion::logical_expr::LogicalPlan;
use polder_core::document::Diagnostic;
use polder_core::{DatasetName, Error, Result};

use crate::definition::{Materialization, Pipeline};
use crate::sql::place::SqlText;
use crate::sql::scans::scans;
use crate::sql::volatile::volatile_function;
use crate::sql::{group_safe, row_local};

/// What keeps a query from giving the same answer from the same dataset versions.
pub(crate) fn reproducible(text: &SqlText<'_>, plan: &LogicalPlan, references: &[DatasetName]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    if let Some(function) = volatile_function(plan) {
        let message = format!("`{function}` gives another answer each time: what is built could not be built again");
        let help = "take the time from the data, such as the newest event's".to_owned();
        diagnostics.push(text.error(text.last_word(&function), "not-reproducible", message, Some(help)));
    }
    let read: BTreeSet<_> = scans(plan).unwrap_or_default().into_iter().collect();
    for dataset in references {
        if !read.contains(dataset) {
            let message = format!("{dataset} is named, but not read as it is now");
            let help = "read it without VERSION or TIMESTAMP AS OF, or drop it".to_owned();
            diagnostics.push(text.error(text.dataset(dataset), "not-as-it-is", message, Some(help)));
        }
    }
    diagnostics
}

/// Whether a query is of the kind that its materialization needs.
///
/// # Errors
/// `Document` with the diagnostic.
pub(crate) fn admit(pipeline: &Pipeline, plan: &LogicalPlan) -> Result<()> {
    match refusal(pipeline, plan) {
        None => Ok(()),
        Some(diagnostic) => Err(Error::document(vec![diagnostic])),
    }
}

/// What is wrong with a query for its materialization.
pub(crate) fn refusal(pipeline: &Pipeline, plan: &LogicalPlan) -> Option<Diagnostic> {
    let text = SqlText::file(&pipeline.sql);
    match pipeline.materialization {
        Materialization::ReplaceGroups if pipeline.key.is_empty() => None,
        Materialization::ReplaceGroups => group_safe::check(plan, &pipeline.key).err().map(|reason| {
            let drop = "drop `key`: the whole table is then one group that is built anew when a source changed";
            let help = match reason.contains(group_safe::OPTIONAL) {
                true => format!("take the column of the side whose rows are all kept, or {drop}"),
                false => drop.to_owned(),
            };
            let message = format!("the groups that a change touches cannot be found: the query {reason}");
            text.error(text.last_named(&reason), "not-incremental", message, Some(help))
        }),
        materialization => row_local::check(plan).err().map(|reason| {
            let message = format!(
                "`{}` needs a row-local query over one dataset: the query {reason}",
                materialization.as_str()
            );
            let help = "use `materialization: replace_groups`";
            text.error(None, "not-row-local", message, Some(help.to_owned()))
        }),
    }
}
