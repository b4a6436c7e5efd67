//! The forecasting methods.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A way to continue a regular series.
///
/// The baselines (`LastValue`, `SeasonalNaive`) come first: whatever does not beat them in a backtest is not worth its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// The last observation, repeated.
    LastValue,
    /// The mean of the last `window` observations, repeated.
    MovingAverage {
        /// How many observations.
        window: usize,
    },
    /// The last season, repeated.
    SeasonalNaive {
        /// Observations a season.
        season: usize,
    },
    /// The last season, each value times the growth since then: the mean of the last `window` observations over the mean of
    /// the same ones a season before (1 where that mean is not positive).
    SeasonalGrowth {
        /// Observations a season.
        season: usize,
        /// Observations that the growth is measured on.
        window: usize,
    },
    /// The Theta method (Assimakopoulos and Nikolopoulos 2000) in the form of Hyndman and Billah (2003): simple
    /// exponential smoothing, its smoothing weight fitted by one-step squared error, with half the slope of the linear
    /// trend as drift.
    Theta,
    /// Theta on the series divided by multiplicative seasonal indices (classical decomposition: centred moving average,
    /// mean ratio of each position in the season), multiplied back. The series must be positive.
    SeasonalTheta {
        /// Observations a season.
        season: usize,
    },
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LastValue => f.write_str("last_value"),
            Self::MovingAverage { window } => write!(f, "moving_average({window})"),
            Self::SeasonalNaive { season } => write!(f, "seasonal_naive({season})"),
            Self::SeasonalGrowth { season, window } => write!(f, "seasonal_growth({season},{window})"),
            Self::Theta => f.write_str("theta"),
            Self::SeasonalTheta { season } => write!(f, "seasonal_theta({season})"),
        }
    }
}

impl Method {
    /// The fewest observations that it can be fitted on.
    pub fn least(&self) -> usize {
        match self {
            Self::LastValue => 1,
            Self::MovingAverage { window } => (*window).max(1),
            Self::SeasonalNaive { season } => (*season).max(1),
            Self::SeasonalGrowth { season, window } => (season + window).max(1),
            Self::Theta => 4,
            Self::SeasonalTheta { season } => (2 * season).max(4),
        }
    }

    /// The next `horizon` values of a series (oldest first); `None` where the series is too short or, for
    /// [`Method::SeasonalTheta`], not positive.
    pub fn forecast(&self, series: &[f64], horizon: usize) -> Option<Vec<f64>> {
        if series.len() < self.least() {
            return None;
        }
        let last = *series.last()?;
        match self {
            Self::LastValue => Some(vec![last; horizon]),
            Self::MovingAverage { window } => {
                let tail = &series[series.len() - window.max(&1)..];
                Some(vec![mean(tail); horizon])
            }
            Self::SeasonalNaive { season } => {
                let tail = &series[series.len() - season.max(&1)..];
                Some((0..horizon).map(|h| tail[h % tail.len()]).collect())
            }
            Self::SeasonalGrowth { season, window } => {
                let growth = growth(series, *season, *window);
                let ahead = Self::SeasonalNaive { season: *season }.forecast(series, horizon)?;
                Some(ahead.into_iter().map(|value| value * growth).collect())
            }
            Self::Theta => Some(theta(series, horizon)),
            Self::SeasonalTheta { season } => seasonal_theta(series, *season, horizon),
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn growth(series: &[f64], season: usize, window: usize) -> f64 {
    let now = &series[series.len() - window..];
    let then = &series[series.len() - season - window..series.len() - season];
    let level = mean(then);
    if window == 0 || level <= 0.0 {
        1.0
    } else {
        mean(now) / level
    }
}

fn theta(series: &[f64], horizon: usize) -> Vec<f64> {
    let n = series.len() as f64;
    let drift = slope(series) / 2.0;
    // The weight is searched on a grid: the error is not convex in it, and hundredths are finer than the data can tell.
    let weight = (1..100)
        .map(|i| f64::from(i) / 100.0)
        .min_by(|a, b| one_step_error(series, *a).total_cmp(&one_step_error(series, *b)))
        .unwrap_or(0.5);
    let level = smoothed(series, weight).1;
    (1..=horizon)
        .map(|h| level + drift * (h as f64 - 1.0 + 1.0 / weight - (1.0 - weight).powf(n) / weight))
        .collect()
}

/// The least-squares slope against time.
fn slope(series: &[f64]) -> f64 {
    let n = series.len() as f64;
    let centre = (n - 1.0) / 2.0;
    let level = mean(series);
    let (mut above, mut below) = (0.0, 0.0);
    for (i, value) in series.iter().enumerate() {
        let x = i as f64 - centre;
        above += x * (value - level);
        below += x * x;
    }
    if below == 0.0 { 0.0 } else { above / below }
}

fn one_step_error(series: &[f64], weight: f64) -> f64 {
    smoothed(series, weight).0
}

/// Simple exponential smoothing from the first value: the sum of squared one-step errors, and the last level.
fn smoothed(series: &[f64], weight: f64) -> (f64, f64) {
    let mut level = series[0];
    let mut error = 0.0;
    for value in &series[1..] {
        error += (value - level).powi(2);
        level += weight * (value - level);
    }
    (error, level)
}

fn seasonal_theta(series: &[f64], season: usize, horizon: usize) -> Option<Vec<f64>> {
    if season < 2 {
        return Some(theta(series, horizon));
    }
    if series.iter().any(|value| *value <= 0.0) {
        return None;
    }
    let indices = seasonal_indices(series, season);
    let adjusted: Vec<f64> = series
        .iter()
        .enumerate()
        .map(|(i, value)| value / indices[i % season])
        .collect();
    let ahead = theta(&adjusted, horizon);
    Some(
        ahead
            .into_iter()
            .enumerate()
            .map(|(h, value)| value * indices[(series.len() + h) % season])
            .collect(),
    )
}

/// Multiplicative indices with mean 1, by position in the season.
fn seasonal_indices(series: &[f64], season: usize) -> Vec<f64> {
    let half = season / 2;
    let mut sums = vec![0.0; season];
    let mut counts = vec![0_usize; season];
    for i in half..series.len().saturating_sub(half) {
        let trend = if season % 2 == 1 {
            mean(&series[i - half..=i + half])
        } else {
            let inner: f64 = series[i - half + 1..i + half].iter().sum();
            (inner + (series[i - half] + series[i + half]) / 2.0) / season as f64
        };
        sums[i % season] += series[i] / trend;
        counts[i % season] += 1;
    }
    let raw: Vec<f64> = sums
        .iter()
        .zip(&counts)
        .map(|(sum, n)| if *n == 0 { 1.0 } else { sum / *n as f64 })
        .collect();
    let level = mean(&raw);
    raw.into_iter().map(|index| index / level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_baselines_repeat_what_was_seen() {
        let series = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(Method::LastValue.forecast(&series, 2).unwrap(), [4.0, 4.0]);
        assert_eq!(
            Method::SeasonalNaive { season: 3 }.forecast(&series, 4).unwrap(),
            [2.0, 3.0, 4.0, 2.0]
        );
        assert_eq!(Method::MovingAverage { window: 2 }.forecast(&series, 1).unwrap(), [3.5]);
        assert_eq!(Method::SeasonalNaive { season: 5 }.forecast(&series, 1), None);
        let doubled = [1.0, 3.0, 2.0, 6.0];
        assert_eq!(
            Method::SeasonalGrowth { season: 2, window: 2 }
                .forecast(&doubled, 2)
                .unwrap(),
            [4.0, 12.0]
        );
    }

    #[test]
    fn theta_follows_half_the_slope_of_a_straight_line() {
        // Hyndman and Billah (2003): SES with drift of half the slope. On a line the fitted weight goes to its upper end,
        // the level to the last value, and the steps to half the slope.
        let series: Vec<f64> = (0..40).map(|i| 100.0 + 2.0 * f64::from(i)).collect();
        let ahead = Method::Theta.forecast(&series, 3).unwrap();
        assert!((ahead[1] - ahead[0] - 1.0).abs() < 1e-9);
        assert!((ahead[0] - 179.0).abs() < 0.1, "{ahead:?}");
    }

    #[test]
    fn a_pure_season_is_continued() {
        let pattern = [50.0, 100.0, 150.0, 100.0];
        let series: Vec<f64> = (0..24).map(|i| pattern[i % 4]).collect();
        let ahead = Method::SeasonalTheta { season: 4 }.forecast(&series, 4).unwrap();
        for (value, expected) in ahead.iter().zip(pattern) {
            assert!((value - expected).abs() < 1e-6, "{ahead:?}");
        }
        let mut not_positive = series;
        not_positive[3] = 0.0;
        assert_eq!(Method::SeasonalTheta { season: 4 }.forecast(&not_positive, 1), None);
    }
}
