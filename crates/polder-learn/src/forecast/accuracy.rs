//! Accuracy measures of the M4 competition (Makridakis, Spiliotis and Assimakopoulos 2020).

/// Symmetric mean absolute percentage error on the 0–200 scale: mean of `200·|a−f| / (|a|+|f|)`; a pair of zeros counts 0.
/// `None` where the two differ in length or are empty.
pub fn smape(actual: &[f64], forecast: &[f64]) -> Option<f64> {
    if actual.len() != forecast.len() || actual.is_empty() {
        return None;
    }
    let sum: f64 = actual
        .iter()
        .zip(forecast)
        .map(|(a, f)| {
            let scale = a.abs() + f.abs();
            if scale == 0.0 {
                0.0
            } else {
                200.0 * (a - f).abs() / scale
            }
        })
        .sum();
    Some(sum / actual.len() as f64)
}

/// Mean absolute scaled error: the mean absolute error over the in-sample mean absolute error of the seasonal-naive
/// forecast (`season` 1: last value). `None` where the lengths do not fit or the series never changes.
pub fn mase(history: &[f64], actual: &[f64], forecast: &[f64], season: usize) -> Option<f64> {
    let season = season.max(1);
    if actual.len() != forecast.len() || actual.is_empty() || history.len() <= season {
        return None;
    }
    let steps = history.len() - season;
    let scale: f64 = (0..steps)
        .map(|i| (history[i + season] - history[i]).abs())
        .sum::<f64>()
        / steps as f64;
    let error: f64 = actual.iter().zip(forecast).map(|(a, f)| (a - f).abs()).sum::<f64>() / actual.len() as f64;
    (scale > 0.0).then_some(error / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_agree_with_figures_worked_out_by_hand() {
        // |100−110|·200/210 = 9.5238…, |50−40|·200/90 = 22.2222…; their mean is 15.8730…
        assert!((smape(&[100.0, 50.0], &[110.0, 40.0]).unwrap() - 15.873_015_873).abs() < 1e-6);
        // In-sample steps of 1, 2, 4, 7 are 1, 2, 3: scale 2; errors 1 and 3: 2; ratio 1.
        assert!((mase(&[1.0, 2.0, 4.0, 7.0], &[8.0, 9.0], &[7.0, 6.0], 1).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(mase(&[1.0, 1.0, 1.0], &[1.0], &[1.0], 1), None);
        assert_eq!(smape(&[1.0], &[]), None);
    }
}
