//! Rules that are queries, planned without data: whether one of them can give a figure at all.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::logical_expr::LogicalPlan;
use polder_contract::ColumnType;
use polder_contract::rule::{Metric, RuleKind};
use polder_core::{DatasetName, Error, ErrorKind, Result};
use polder_gate::sql_limits;

use super::{RuleQueries, lists_are_bounded, value};
use crate::failure::query_error;

impl RuleQueries {
    /// Plans the query of a rule as it would be run, over the tables that the session has, of which only the columns
    /// matter. Nothing is read. `column` is the path of the value that the rule is about, for its placeholders.
    ///
    /// # Errors
    /// What would keep the query from ever giving one figure: no SQL, a statement that writes, several statements, a
    /// dataset that the contract does not name, columns that are not there, more than one column, a list, map or struct
    /// in place of a figure, more than a rule may ask for.
    ///
    /// Gives the figure's type where it is text, a date or a time, which not every operator asks for
    /// ([`Operator::misfit`](polder_contract::Operator::misfit)).
    pub async fn plan(&self, sql: &str, column: Option<&str>) -> Result<Option<ColumnType>> {
        Ok(self.planned(sql, column).await?.0)
    }

    /// As [`plan`](Self::plan), with the plan as it is written.
    ///
    /// # Errors
    /// As there.
    pub async fn planned(&self, sql: &str, column: Option<&str>) -> Result<(Option<ColumnType>, LogicalPlan)> {
        let statement = self.prepared(sql, column)?;
        let planned = self.session.plan_bounded(statement).await?;
        let fields = planned.schema().fields();
        let kind = match fields.as_ref() {
            [only] => only.data_type().clone(),
            several => {
                let message = format!("the query gives {} columns, and a rule needs one figure", several.len());
                return Err(Error::new(ErrorKind::Usage, message)
                    .with_help("one row of one column, such as SELECT count(*) FROM {object}"));
            }
        };
        if let Some(refused) = value::refused(&kind) {
            return Err(refused);
        }
        // Constants are computed below, and what is large in the end becomes so: it is refused before, as where it runs.
        sql_limits::query_plan(planned.logical_plan()).map_err(|why| Error::new(ErrorKind::Usage, why))?;
        lists_are_bounded(&planned)?;
        // Some of what cannot run is only found here, such as subqueries that nothing resolves.
        let plan = planned.logical_plan().clone();
        planned.create_physical_plan().await.map_err(query_error)?;
        Ok((value::beside_numbers(&kind), plan))
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

    /// As [`read`](Self::read), where not all is known that says which datasets a query may name: any may be.
    ///
    /// # Errors
    /// As there, but for datasets.
    pub fn read_alone(&self, sql: &str, column: Option<&str>) -> Result<()> {
        self.written(sql, column).map(drop)
    }

    /// The other datasets that the rules of the contract's dataset ask, by references and by queries, each with the ids of
    /// the rules that do. What is wrong with rules is told where they are compiled and run.
    pub fn others(&self) -> BTreeMap<DatasetName, BTreeSet<String>> {
        let mut others: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for rule in self.contract.rules().unwrap_or_default() {
            let RuleKind::Set(test) = rule.kind else { continue };
            let asked = match test.metric {
                Metric::Orphans { dataset, .. } => vec![dataset],
                Metric::Sql { query } => match self.prepared(&query, rule.column.as_deref()) {
                    Ok(statement) => statement.datasets.into_iter().map(|one| one.dataset).collect(),
                    Err(_) => Vec::new(),
                },
                _ => Vec::new(),
            };
            for dataset in asked.into_iter().filter(|asked| asked != self.contract.dataset()) {
                others.entry(dataset).or_default().insert(rule.id.clone());
            }
        }
        others
    }
}
