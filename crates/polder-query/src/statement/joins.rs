//! Joins whose merged column is not what SQL says.

use datafusion::sql::sqlparser::ast::{JoinConstraint, JoinOperator, TableWithJoins};
use polder_core::{Error, ErrorKind, Result};

/// Refuses `RIGHT` and `FULL` joins that merge columns (`USING`, `NATURAL`): the engine takes the merged column from the
/// left side alone, so that it is null for every row that only the right side has. SQL says that it is the one that is
/// there.
///
/// # Errors
/// `Usage`.
pub(super) fn merge_what_is_there(joined: &TableWithJoins) -> Result<()> {
    for join in &joined.joins {
        let (kind, constraint) = match &join.join_operator {
            JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => ("RIGHT JOIN", constraint),
            JoinOperator::FullOuter(constraint) => ("FULL JOIN", constraint),
            _ => continue,
        };
        let (what, columns) = match constraint {
            JoinConstraint::Using(columns) => {
                let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
                (format!("{kind} … USING ({})", columns.join(", ")), columns)
            }
            JoinConstraint::Natural => (format!("NATURAL {kind}"), Vec::new()),
            JoinConstraint::On(_) | JoinConstraint::None => continue,
        };
        let message = format!("{what} would lose the keys of rows that only the right side has");
        let column = columns.first().map_or("k", String::as_str);
        return Err(Error::new(ErrorKind::Usage, message).with_help(format!(
            "write `{kind} … ON l.{column} = r.{column}`, and `coalesce(l.{column}, r.{column}) AS {column}` where the \
             column is used"
        )));
    }
    Ok(())
}
