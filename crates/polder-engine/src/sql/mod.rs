//! What the engine knows of a query from its logical plan: which rows it reads, which results a change can touch.

pub(crate) mod group_safe;
pub(crate) mod place;
pub(crate) mod row_local;
pub(crate) mod scans;
pub(crate) mod unevaluated;
pub(crate) mod volatile;

#[cfg(test)]
pub(crate) mod testing;
