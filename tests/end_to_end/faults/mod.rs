//! Bad input and services that fail: a clear error, exit code 2 or 3, and nothing lost.

mod disk;
mod documents;
mod registry;
mod rivals;
mod spoilt;
mod store;
mod topic;
