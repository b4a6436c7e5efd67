//! Lineage by column: from which columns of datasets the columns of a plan come, and which decide what rows there are.

mod choice;
mod expression;
mod kind;
mod nature;
mod origins;
mod rows;
mod trace;
mod uses;

pub use kind::{Kind, is_narrow};
pub use origins::{ColumnId, Columns, DatasetColumn, Dependencies, Dependency, Origins};
pub use trace::{Traced, Tracer, dataset_of};
pub use uses::{DISTINCT, TRY_CAST, Use};
