//! Confidence interval of a proportion.

use super::scores::Proportion;

/// The 97.5 % quantile of the standard normal distribution.
pub(super) const Z: f64 = 1.959_963_984_540_054;

impl Proportion {
    /// Computes a proportion with its 95 % Wilson score interval (E. B. Wilson, JASA 22, 1927), which stays within 0 to
    /// 1 and keeps its coverage near the ends, where accuracies of digit classifiers are. Without trials: 0 in [0, 1].
    pub fn wilson(successes: usize, trials: usize) -> Self {
        if trials == 0 {
            return Self { value: 0.0, low: 0.0, high: 1.0 };
        }
        let n = trials as f64;
        let value = successes as f64 / n;
        let centre = (value + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (value * (1.0 - value) / n + Z * Z / (4.0 * n * n)).sqrt();
        let low = if successes == 0 { 0.0 } else { centre - half };
        let high = if successes == trials { 1.0 } else { centre + half };
        Self { value, low, high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn without_trials_the_interval_is_everything() {
        assert_eq!(Proportion::wilson(0, 0), Proportion { value: 0.0, low: 0.0, high: 1.0 });
    }

    proptest! {
        #[test]
        fn the_interval_contains_the_proportion_and_stays_within_0_and_1(
            trials in 1_usize..100_000,
            share in 0.0..=1.0_f64,
        ) {
            let successes = (share * trials as f64) as usize;
            let wilson = Proportion::wilson(successes, trials);
            let ends = [0.0, wilson.low, wilson.value, wilson.high, 1.0];
            prop_assert!(ends.is_sorted(), "{ends:?}");
            let mirrored = Proportion::wilson(trials - successes, trials);
            prop_assert!((wilson.low - (1.0 - mirrored.high)).abs() < 1e-12);
        }
    }
}
