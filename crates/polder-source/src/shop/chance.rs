//! Draws that the shop is made of, all from one seeded generator.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// An index with a probability in proportion to its weight; the last one where all weights are zero.
pub(super) fn pick(random: &mut ChaCha8Rng, weights: &[f64]) -> usize {
    let mut left = random.random_range(0.0..1.0) * weights.iter().sum::<f64>();
    for (index, weight) in weights.iter().enumerate() {
        if *weight > 0.0 && left < *weight {
            return index;
        }
        left -= weight;
    }
    weights.len().saturating_sub(1)
}

/// A number with the Poisson distribution of this mean: Knuth's method, and the normal approximation for large means.
pub(super) fn poisson(random: &mut ChaCha8Rng, mean: f64) -> u32 {
    if mean > 50.0 {
        // The sum of twelve uniform numbers has variance 1.
        let normal = (0..12).map(|_| random.random_range(0.0..1.0)).sum::<f64>() - 6.0;
        return (mean + mean.sqrt() * normal).round().max(0.0) as u32;
    }
    let limit = (-mean).exp();
    let mut product = random.random_range(0.0..1.0);
    let mut count = 0;
    while product > limit {
        product *= random.random_range(0.0..1.0);
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn picks_follow_the_weights_and_never_take_a_zero() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut counts = [0; 4];
        for _ in 0..10_000 {
            counts[pick(&mut random, &[0.0, 3.0, 0.0, 1.0])] += 1;
        }
        assert_eq!((counts[0], counts[2]), (0, 0));
        assert!((7_200..7_800).contains(&counts[1]), "{counts:?}");
    }

    #[test]
    fn poisson_has_its_mean_and_variance() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        for mean in [0.5, 9.0, 200.0] {
            let draws: Vec<f64> = (0..20_000).map(|_| f64::from(poisson(&mut random, mean))).collect();
            let average = draws.iter().sum::<f64>() / draws.len() as f64;
            let variance = draws.iter().map(|draw| (draw - average).powi(2)).sum::<f64>() / draws.len() as f64;
            assert!((average / mean - 1.0).abs() < 0.03, "mean {mean}: {average}");
            assert!((variance / mean - 1.0).abs() < 0.08, "mean {mean}: {variance}");
        }
    }
}
