//! A forecast of the weekly net revenue.

use std::collections::BTreeMap;

use polars::prelude::{DataFrame, DataType, IntoLazy, col, df, lit};
use polder_domain::learn::forecast::{Backtest, Interval, Method, backtest, intervals};
use polder_domain::{Error, ErrorKind, Inputs, Model, Parameters, Result, ResultExt, Trained};
use serde::{Deserialize, Serialize};

/// Weeks a year.
const YEAR: usize = 52;
/// From how many weeks of the past the methods are compared.
const ORIGINS: usize = 12;
/// The version of the artefact's format.
const FORMAT: u32 = 1;

/// Net revenue of the next weeks, by the method that did best in a backtest.
///
/// Input `sales`: `sales_day` (date) and `net_revenue` (a number), one row a day. Weeks begin on Monday; a week that the
/// days do not cover whole, at either end, is left out. Parameters: `horizon_weeks` (default 8) and `interval`, the share of
/// outcomes that the interval holds (default 0.9).
pub(crate) struct NetRevenueForecast;

#[derive(Serialize, Deserialize)]
struct Artifact {
    format: u32,
    /// The Monday after the last week that was learned from, as days since 1970-01-01.
    first_week: i32,
    method: Method,
    level: f64,
    forecast: Vec<Interval>,
    compared: Vec<Compared>,
}

#[derive(Serialize, Deserialize)]
struct Compared {
    #[serde(flatten)]
    method: Method,
    mae: f64,
    smape: f64,
}

impl Model for NetRevenueForecast {
    fn name(&self) -> &'static str {
        "net_revenue_forecast"
    }

    fn description(&self) -> &'static str {
        "weekly net revenue ahead, with intervals; the method is chosen by a rolling backtest against naive baselines"
    }

    fn train(&self, inputs: &Inputs, parameters: &Parameters) -> Result<Trained> {
        parameters.only(&["horizon_weeks", "interval"])?;
        let horizon = parameters.whole("horizon_weeks")?.unwrap_or(8);
        let level = parameters.number("interval")?.unwrap_or(0.9);
        if horizon == 0 || !(0.0..1.0).contains(&level) {
            return Err(Error::new(
                ErrorKind::Document,
                "`horizon_weeks` must be 1 or more, `interval` between 0 and 1",
            ));
        }
        let weeks = Weeks::from_days(inputs.frame("sales")?)?;
        let tested = backtest(&weeks.revenue, &candidates(), horizon, ORIGINS);
        let Some(best) = tested.first() else {
            return Err(Error::new(
                ErrorKind::Data,
                format!(
                    "{} whole weeks are too few to forecast {horizon} weeks",
                    weeks.revenue.len()
                ),
            ));
        };
        let ahead = best.method.forecast(&weeks.revenue, horizon).unwrap_or_default();
        let artifact = Artifact {
            format: FORMAT,
            first_week: weeks.next_monday,
            method: best.method,
            level,
            forecast: intervals(&ahead, best, level),
            compared: tested
                .iter()
                .map(|tried| Compared {
                    method: tried.method,
                    mae: tried.mae,
                    smape: tried.smape,
                })
                .collect(),
        };
        Ok(Trained {
            artifact: serde_json::to_vec(&artifact)
                .context(ErrorKind::Internal, || "the forecast cannot be written".to_owned())?,
            metrics: metrics(&tested, weeks.revenue.len()),
            notes: vec![
                format!(
                    "method {}, the best of {} over {} origins",
                    best.method,
                    tested.len(),
                    best.origins
                ),
                format!("learned from {} whole weeks", weeks.revenue.len()),
            ],
        })
    }

    fn predict(&self, artifact: &[u8], request: &Parameters) -> Result<DataFrame> {
        request.only(&["weeks"])?;
        let artifact: Artifact = serde_json::from_slice(artifact)
            .context(ErrorKind::Data, || "the artefact is none of this model's".to_owned())?;
        let known = artifact.forecast.len();
        let weeks = request.whole("weeks")?.unwrap_or(known);
        if weeks > known {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("this version forecasts {known} weeks, not {weeks}"),
            )
            .with_help("raise `horizon_weeks` in the model's document and run it again"));
        }
        let ahead = &artifact.forecast[..weeks];
        let mondays: Vec<i32> = (0..weeks).map(|week| artifact.first_week + 7 * week as i32).collect();
        let frame = df!(
            "week" => mondays,
            "net_revenue" => ahead.iter().map(|i| cents(i.mean)).collect::<Vec<_>>(),
            "lower" => ahead.iter().map(|i| cents(i.lower)).collect::<Vec<_>>(),
            "upper" => ahead.iter().map(|i| cents(i.upper)).collect::<Vec<_>>(),
        );
        frame
            .and_then(|frame| frame.lazy().with_column(col("week").cast(DataType::Date)).collect())
            .context(ErrorKind::Internal, || "the forecast cannot be shown".to_owned())
    }
}

fn cents(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The baselines first: of equals the simpler one is taken.
fn candidates() -> [Method; 7] {
    [
        Method::LastValue,
        Method::SeasonalNaive { season: YEAR },
        Method::MovingAverage { window: 4 },
        Method::MovingAverage { window: 8 },
        Method::SeasonalGrowth {
            season: YEAR,
            window: 12,
        },
        Method::Theta,
        Method::SeasonalTheta { season: YEAR },
    ]
}

fn metrics(tested: &[Backtest], weeks: usize) -> BTreeMap<String, f64> {
    let mut metrics = BTreeMap::from([("weeks".to_owned(), weeks as f64)]);
    if let Some(best) = tested.first() {
        metrics.insert("mae".to_owned(), best.mae);
        metrics.insert("smape".to_owned(), best.smape);
        if best.mase.is_finite() {
            metrics.insert("mase".to_owned(), best.mase);
        }
    }
    for tried in tested {
        match tried.method {
            Method::LastValue => metrics.insert("mae_last_value".to_owned(), tried.mae),
            Method::SeasonalNaive { .. } => metrics.insert("mae_seasonal_naive".to_owned(), tried.mae),
            _ => None,
        };
    }
    metrics
}

/// Whole weeks, oldest first; a week without a sale counts 0.
struct Weeks {
    revenue: Vec<f64>,
    next_monday: i32,
}

impl Weeks {
    fn from_days(sales: &DataFrame) -> Result<Self> {
        let unfit = || "`sales` needs `sales_day` (a date) and `net_revenue` (a number)".to_owned();
        let weekly = sales
            .clone()
            .lazy()
            .select([
                col("sales_day").cast(DataType::Date),
                col("net_revenue").cast(DataType::Float64),
                col("sales_day")
                    .cast(DataType::Date)
                    .dt()
                    .truncate(lit("1w"))
                    .cast(DataType::Int32)
                    .alias("week"),
            ])
            .group_by([col("week")])
            .agg([
                col("net_revenue").sum(),
                col("sales_day").min().cast(DataType::Int32).alias("first_day"),
                col("sales_day").max().cast(DataType::Int32).alias("last_day"),
            ])
            .sort(["week"], Default::default())
            .collect()
            .context(ErrorKind::Data, unfit)?;
        let integers = |name: &str| -> Result<Vec<i32>> {
            let column = weekly
                .column(name)
                .and_then(|column| column.i32().cloned())
                .context(ErrorKind::Data, unfit)?;
            Ok(column.iter().flatten().collect())
        };
        let (week, first, last) = (integers("week")?, integers("first_day")?, integers("last_day")?);
        let revenue = weekly
            .column("net_revenue")
            .and_then(|c| c.f64().cloned())
            .context(ErrorKind::Data, unfit)?;
        let by_week: BTreeMap<i32, f64> = week
            .iter()
            .copied()
            .zip(revenue.iter().map(|v| v.unwrap_or(0.0)))
            .collect();
        let (Some(first_day), Some(last_day)) = (first.first(), last.last()) else {
            return Err(Error::new(ErrorKind::Data, "there are no sales yet"));
        };
        let monday = |day: i32| day - (day + 3).rem_euclid(7); // 1970-01-01 was a Thursday
        let start = monday(first_day + 6);
        let end = monday(last_day + 1);
        let revenue = (start..end)
            .step_by(7)
            .map(|week| by_week.get(&week).copied().unwrap_or(0.0))
            .collect();
        Ok(Self {
            revenue,
            next_monday: end,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-01-01, a Monday, as days since 1970-01-01.
    const MONDAY: i32 = 19_723;

    fn sales(days: std::ops::Range<i32>, revenue: impl Fn(i32) -> f64) -> Inputs {
        let values: Vec<f64> = days.clone().map(revenue).collect();
        let frame = df!("sales_day" => days.collect::<Vec<_>>(), "net_revenue" => values).unwrap();
        let frame = frame
            .lazy()
            .with_column(col("sales_day").cast(DataType::Date))
            .collect()
            .unwrap();
        Inputs::from_iter([("sales".to_owned(), frame)])
    }

    #[test]
    fn a_week_that_is_not_whole_is_left_out() {
        let inputs = sales(MONDAY - 2..MONDAY + 16, |_| 1.0);
        let weeks = Weeks::from_days(inputs.frame("sales").unwrap()).unwrap();
        assert_eq!(weeks.revenue, [7.0, 7.0]);
        assert_eq!(weeks.next_monday, MONDAY + 14);
    }

    #[test]
    fn two_years_of_a_season_are_continued_with_last_years_season() {
        let season = |day: i32| {
            1_000.0 + 500.0 * (f64::from((day - MONDAY).div_euclid(7) % 52) / 52.0 * std::f64::consts::TAU).sin()
        };
        let trained = NetRevenueForecast
            .train(&sales(MONDAY..MONDAY + 104 * 7, season), &Parameters::default())
            .unwrap();
        assert!(trained.metrics["mae_seasonal_naive"] < trained.metrics["mae_last_value"]);
        assert!(trained.metrics["mae"] <= trained.metrics["mae_seasonal_naive"]);
        let frame = NetRevenueForecast
            .predict(&trained.artifact, &Parameters::from_pairs(["weeks=2"]).unwrap())
            .unwrap();
        let ahead: Vec<f64> = frame
            .column("net_revenue")
            .unwrap()
            .f64()
            .unwrap()
            .iter()
            .flatten()
            .collect();
        let expected = 7.0 * season(MONDAY);
        assert!(
            (ahead[0] - expected).abs() < 0.02 * expected,
            "{ahead:?} is not near {expected}"
        );
    }

    #[test]
    fn too_few_weeks_and_too_long_a_request_are_said() {
        let few = NetRevenueForecast.train(&sales(MONDAY..MONDAY + 21, |_| 1.0), &Parameters::default());
        assert_eq!(few.unwrap_err().kind(), ErrorKind::Data);
        let trained = NetRevenueForecast
            .train(&sales(MONDAY..MONDAY + 210, f64::from), &Parameters::default())
            .unwrap();
        let long = NetRevenueForecast.predict(&trained.artifact, &Parameters::from_pairs(["weeks=99"]).unwrap());
        assert_eq!(long.unwrap_err().kind(), ErrorKind::Usage);
    }
}
