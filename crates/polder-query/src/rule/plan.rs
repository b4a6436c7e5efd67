//! Rules that are queries, planned without data: whether one of them can give a figure at all.

use datafusion::arrow::datatypes::DataType;
use polder_core::{Error, ErrorKind, Result};
use polder_gate::sql_limits;

use super::{RuleQueries, lists_are_bounded};
use crate::failure::query_error;

impl RuleQueries {
    /// Plans the query of a rule as it would be run, over the tables that the session has, of which only the columns
    /// matter. Nothing is read. `column` is the path of the value that the rule is about, for its placeholders.
    ///
    /// # Errors
    /// What would keep the query from ever giving one figure: no SQL, a statement that writes, several statements, a
    /// dataset that the contract does not name, columns that are not there, more than one column, a list, map or struct
    /// in place of a figure, more than a rule may ask for.
    pub async fn plan(&self, sql: &str, column: Option<&str>) -> Result<()> {
        let statement = self.prepared(sql, column)?;
        let planned = self.session.plan_bounded(statement).await?;
        let fields = planned.schema().fields();
        let wrong = match fields.as_ref() {
            [only] => nested(only.data_type()).then(|| only.data_type().to_string()),
            several => Some(format!("{} columns", several.len())),
        };
        if let Some(what) = wrong {
            let message = format!("the query gives {what}, and a rule needs one figure");
            return Err(Error::new(ErrorKind::Usage, message)
                .with_help("one row of one column, such as SELECT count(*) FROM {object}"));
        }
        // Constants are computed below, and what is large in the end becomes so: it is refused before, as where it runs.
        sql_limits::query_plan(planned.logical_plan()).map_err(|why| Error::new(ErrorKind::Usage, why))?;
        lists_are_bounded(&planned)?;
        // Some of what cannot run is only found here, such as subqueries that nothing resolves.
        planned.create_physical_plan().await.map_err(query_error)?;
        Ok(())
    }
}

impl RuleQueries {
    /// Reads the query of a rule as far as that goes without knowing any table's columns.
    ///
    /// # Errors
    /// No SQL, more of it than a rule may have, a statement that writes, several statements, a dataset that the contract does
    /// not name.
    pub fn read(&self, sql: &str, column: Option<&str>) -> Result<()> {
        self.prepared(sql, column).map(drop)
    }
}

fn nested(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, value) => nested(value),
        kind => kind.is_nested(),
    }
}
