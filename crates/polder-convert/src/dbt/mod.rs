//! dbt's model properties (`schema.yml`, version 2): models, seeds, snapshots and the tables of sources.

mod data_tests;
mod export;
mod freshness;
mod import;
mod known;
mod nested;
#[cfg(test)]
mod tests;

pub(crate) use export::export;
pub(crate) use import::import;
