//! Forecasts of one regular series: methods, accuracy measures, rolling-origin backtest and intervals.

mod accuracy;
mod backtest;
mod method;

pub use accuracy::{mase, smape};
pub use backtest::{Backtest, Interval, backtest, intervals};
pub use method::Method;
