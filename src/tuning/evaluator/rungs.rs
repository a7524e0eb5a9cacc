//! Promotion in successive halving.

/// Scores at each rung, of all batches so far.
#[derive(Default)]
pub(super) struct Rungs(Vec<Vec<f64>>);

impl Rungs {
    /// Adds a batch's scores at a rung; returns for each whether it is promoted: whether it is among the best
    /// `1 / factor` of all seen there.
    pub(super) fn promote(&mut self, rung: usize, scores: &[Option<f64>], factor: usize) -> Vec<bool> {
        if self.0.len() <= rung {
            self.0.resize(rung + 1, Vec::new());
        }
        let seen = &mut self.0[rung];
        seen.extend(scores.iter().flatten());
        seen.sort_by(|a, b| b.total_cmp(a));
        let Some(&least) = seen.get(seen.len().div_ceil(factor).saturating_sub(1)) else {
            return vec![false; scores.len()];
        };
        scores.iter().map(|score| score.is_some_and(|score| score >= least)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_three_goes_on_and_later_batches_are_compared_with_all() {
        let mut rungs = Rungs::default();
        let scores: Vec<_> = [0.1, 0.6, 0.3, 0.5, 0.2, 0.4].map(Some).to_vec();
        assert_eq!(rungs.promote(0, &scores, 3), [false, true, false, true, false, false]);
        assert_eq!(rungs.promote(0, &[Some(0.45), None], 3), [true, false], "seven seen, three go on: 0.6, 0.5, 0.45");
        assert_eq!(rungs.promote(0, &[Some(0.4)], 3), [false]);
    }
}
