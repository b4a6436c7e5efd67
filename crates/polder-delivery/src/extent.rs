//! Which rows a pipeline's build computed: what it says of refused rows that it does not meet again.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use polder_core::Result;

/// The rows of an origin that a shipment held without exception. Rows of earlier builds that are in quarantine and are among
/// these, but were not refused now, are not open any more: they were accepted, or are not computed any more.
#[derive(Debug, Clone, Default)]
pub enum Extent {
    /// Some rows: nothing is said of others.
    #[default]
    Some,
    /// Every row of these groups; only where what quarantine holds is [settled](crate::Delivery::is_settled).
    Groups(Arc<dyn Groups>),
    /// Every row that there is.
    Everything,
}

/// Groups of rows, told by the values of some columns.
pub trait Groups: Debug + Send + Sync {
    /// The names of those columns; all of them are in the contract.
    fn key(&self) -> Vec<&str>;

    /// For each of these rows whether its group is one of them. Rows come with the columns of the key, in the types of the
    /// contract.
    ///
    /// # Errors
    /// Where rows cannot be compared.
    fn contains(&self, rows: &RecordBatch) -> Result<BooleanArray>;
}
