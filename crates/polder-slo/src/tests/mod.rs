//! The calculation with histories made by hand, and the reading of real tables and runs.

mod cut;
mod measuring;
mod observing;
