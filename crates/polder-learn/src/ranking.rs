//! How good a ranked list is: recall and normalised discounted cumulative gain with binary gain.

use std::collections::HashSet;
use std::hash::Hash;

/// The share of the relevant items that the first `k` of the ranking hold; `None` where nothing is relevant.
pub fn recall_at<T: Eq + Hash>(ranking: &[T], relevant: &HashSet<T>, k: usize) -> Option<f64> {
    if relevant.is_empty() {
        return None;
    }
    let hits = ranking.iter().take(k).filter(|item| relevant.contains(item)).count();
    Some(hits as f64 / relevant.len() as f64)
}

/// NDCG of the first `k`: Σ 1/log2(rank+1) over the hits, over the same for a ranking that has all relevant items first
/// (Järvelin and Kekäläinen 2002). `None` where nothing is relevant.
pub fn ndcg_at<T: Eq + Hash>(ranking: &[T], relevant: &HashSet<T>, k: usize) -> Option<f64> {
    if relevant.is_empty() {
        return None;
    }
    let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let got: f64 = ranking
        .iter()
        .take(k)
        .enumerate()
        .filter(|(_, item)| relevant.contains(item))
        .map(|(rank, _)| gain(rank))
        .sum();
    let best: f64 = (0..relevant.len().min(k)).map(gain).sum();
    Some(got / best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_agree_with_figures_worked_out_by_hand() {
        let relevant = HashSet::from(["b", "d"]);
        let ranking = ["a", "b", "c", "d"];
        assert_eq!(recall_at(&ranking, &relevant, 2), Some(0.5));
        // Hit at rank 2 only: 1/log2(3) over 1/log2(2) + 1/log2(3).
        let expected = 0.630_929_753_6 / 1.630_929_753_6;
        assert!((ndcg_at(&ranking, &relevant, 2).unwrap() - expected).abs() < 1e-9);
        assert_eq!(ndcg_at(&ranking, &HashSet::new(), 2), None);
    }
}
