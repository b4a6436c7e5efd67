//! Rolling-origin backtest: each method forecasts from several points of the past, and the errors are compared.

use serde::{Deserialize, Serialize};

use super::{Method, mase, smape};

/// How a method did from all origins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backtest {
    /// The method.
    #[serde(flatten)]
    pub method: Method,
    /// From how many origins it could forecast.
    pub origins: usize,
    /// Mean absolute error over all origins and steps, in the series' unit.
    pub mae: f64,
    /// Mean over the origins of [`smape`].
    pub smape: f64,
    /// Mean over the origins of [`mase`] with season 1.
    pub mase: f64,
    /// Errors (actual − forecast) by step ahead: `errors[h]` holds one an origin.
    pub errors: Vec<Vec<f64>>,
}

/// A forecast with the interval around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The point forecast.
    pub mean: f64,
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

/// Tries each method from the last `origins` origins that leave `horizon` observations to compare with. A method that cannot
/// forecast from every origin is left out, so that those that are given were compared on the same weeks. Best (least mean
/// absolute error) first; of equals the one that was named first.
pub fn backtest(series: &[f64], methods: &[Method], horizon: usize, origins: usize) -> Vec<Backtest> {
    let last_origin = series.len().saturating_sub(horizon);
    let first_origin = (last_origin + 1).saturating_sub(origins).max(1);
    if horizon == 0 || last_origin == 0 || origins == 0 {
        return Vec::new();
    }
    let mut results: Vec<Backtest> = methods
        .iter()
        .filter_map(|method| try_method(series, *method, horizon, first_origin..=last_origin))
        .collect();
    results.sort_by(|a, b| a.mae.total_cmp(&b.mae));
    results
}

fn try_method(
    series: &[f64],
    method: Method,
    horizon: usize,
    origins: std::ops::RangeInclusive<usize>,
) -> Option<Backtest> {
    let mut errors = vec![Vec::new(); horizon];
    let (mut smapes, mut mases, mut count) = (0.0, 0.0, 0_usize);
    for origin in origins {
        let (history, future) = series.split_at(origin);
        let actual = &future[..horizon];
        let forecast = method.forecast(history, horizon)?;
        for (h, (a, f)) in actual.iter().zip(&forecast).enumerate() {
            errors[h].push(a - f);
        }
        smapes += smape(actual, &forecast)?;
        mases += mase(history, actual, &forecast, 1).unwrap_or(f64::NAN);
        count += 1;
    }
    let all = errors.iter().flatten();
    let mae = all.clone().map(|e| e.abs()).sum::<f64>() / (count * horizon) as f64;
    let n = count as f64;
    Some(Backtest {
        method,
        origins: count,
        mae,
        smape: smapes / n,
        mase: mases / n,
        errors,
    })
}

/// Intervals around a forecast that hold `level` (e.g. 0.9) of the backtest's errors: the quantile of the absolute errors
/// seen up to each step, so that the width never shrinks with the distance.
pub fn intervals(forecast: &[f64], tested: &Backtest, level: f64) -> Vec<Interval> {
    let mut seen: Vec<f64> = Vec::new();
    let mut width = 0.0_f64;
    forecast
        .iter()
        .enumerate()
        .map(|(h, mean)| {
            let at_step = tested.errors.get(h).map_or(&[][..], Vec::as_slice);
            seen.clear();
            seen.extend(at_step.iter().map(|e| e.abs()));
            width = width.max(quantile(&mut seen, level));
            Interval {
                mean: *mean,
                lower: mean - width,
                upper: mean + width,
            }
        })
        .collect()
}

/// The smallest value that at least `level` of the values do not exceed; 0 of none.
fn quantile(values: &mut [f64], level: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (level.clamp(0.0, 1.0) * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_that_fits_the_series_wins() {
        let season: Vec<f64> = (0..60)
            .map(|i| [10.0, 20.0, 30.0, 20.0][i % 4] + (i / 4) as f64 * 0.01)
            .collect();
        let methods = [
            Method::LastValue,
            Method::SeasonalNaive { season: 4 },
            Method::SeasonalNaive { season: 100 },
        ];
        let results = backtest(&season, &methods, 4, 8);
        assert_eq!(results[0].method, Method::SeasonalNaive { season: 4 });
        assert_eq!(results.len(), 2, "what cannot forecast from every origin is left out");
        assert_eq!(results[0].origins, 8);
        assert_eq!(results[0].errors.len(), 4);
    }

    #[test]
    fn too_short_a_series_gives_no_result() {
        assert!(backtest(&[1.0, 2.0], &[Method::LastValue], 4, 8).is_empty());
    }

    #[test]
    fn intervals_hold_the_share_of_errors_asked_for_and_widen() {
        let tested = Backtest {
            method: Method::LastValue,
            origins: 10,
            mae: 0.0,
            smape: 0.0,
            mase: 0.0,
            errors: vec![(1..=10).map(f64::from).collect(), vec![0.5; 10]],
        };
        let result = intervals(&[100.0, 100.0], &tested, 0.9);
        assert_eq!((result[0].lower, result[0].upper), (91.0, 109.0));
        assert_eq!(result[1].upper, 109.0);
    }
}
