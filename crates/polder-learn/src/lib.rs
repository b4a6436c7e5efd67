//! The model toolkit of the domains: forecasting and recommendation, with the evaluation that chooses between methods.
//!
//! Plain numbers in, plain numbers out: no tables, no frames, no randomness. The same input gives the same output.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod forecast;
pub mod ranking;
pub mod recommend;
