//! Sequential minimal optimisation (SMO) of the dual problem of one pair of classes.
//!
//! The working set, the stopping condition and the bias are LIBSVM's (Fan, Chen and Lin, *Working Set Selection Using
//! Second Order Information for Training Support Vector Machines*, JMLR 6, 2005). With β = y α the problem is to
//! minimise ½ βᵀ K β − yᵀ β where Σ β = 0 and 0 ≤ y β ≤ C. The gradient `K β − y` is the difference between the
//! decision (without bias) and the target of each image; at the minimum it is the same for all images whose
//! coefficients are strictly between their bounds, namely minus the bias.

use super::{
    kernel::{ImageSet, Kernel},
    rows::Rows,
};
use crate::fit::Cancel;

/// Curvature that replaces the 0 along two identical images.
const LEAST_CURVATURE: f64 = 1e-12;
/// Iterations between two polls of the request to stop; each may compute two rows of the kernel.
const CANCEL_EVERY: u64 = 32;
/// Greatest number of iterations, as in LIBSVM; reached only by inseparable data with an extreme C.
pub(super) const MOST_ITERATIONS: u64 = 10_000_000;

/// Dual problem of one pair of classes.
pub(super) struct Pair<'a> {
    /// Images of the first class, then those of the second.
    pub set: &'a ImageSet,
    /// Number of images of the first class, whose target is +1; that of the second is −1.
    pub first: usize,
    pub kernel: Kernel,
    pub c: f64,
    pub tolerance: f64,
    /// Memory for rows of the kernel matrix, in bytes.
    pub cache_bytes: usize,
}

/// Decision function Σ coefficient · kernel + bias, positive for the first class.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Solution {
    /// y α, `[n]`; 0 for an image that is no support vector.
    pub coefficients: Vec<f64>,
    pub bias: f64,
}

/// Reason why there is no solution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unfinished {
    Cancelled,
    /// Violation of the optimality conditions after [`MOST_ITERATIONS`].
    Endless(f64),
}

impl Pair<'_> {
    /// Bounds of an image's coefficient.
    #[inline(always)]
    fn bounds(&self, index: usize) -> (f64, f64) {
        if index < self.first { (0.0, self.c) } else { (-self.c, 0.0) }
    }

    pub(super) fn solve(&self, cancel: &Cancel) -> Result<Solution, Unfinished> {
        let n = self.set.len();
        if self.first == 0 || self.first == n {
            // One of the classes has no image here: the decision is always for the other.
            return Ok(Solution { coefficients: vec![0.0; n], bias: if self.first > 0 { 1.0 } else { -1.0 } });
        }
        let mut violation = f64::INFINITY;
        let mut rows = Rows::new(self.set, self.kernel, self.cache_bytes);
        let mut coefficients = vec![0.0; n];
        let mut gradient: Vec<f64> = (0..n).map(|index| if index < self.first { -1.0 } else { 1.0 }).collect();
        for iteration in 0..MOST_ITERATIONS {
            if iteration.is_multiple_of(CANCEL_EVERY) && cancel.is_cancelled() {
                return Err(Unfinished::Cancelled);
            }
            let grows = self.least(&coefficients, &gradient);
            let both =
                grows.and_then(|grows| Some((grows, self.partner(grows, &coefficients, &gradient, rows.one(grows))?)));
            let Some((grows, shrinks)) = both else {
                return Ok(Solution { bias: self.bias(&coefficients, &gradient), coefficients });
            };
            let [up, down] = rows.two([grows, shrinks]);
            let curvature = curvature(up[shrinks]);
            let room = (self.bounds(grows).1 - coefficients[grows], coefficients[shrinks] - self.bounds(shrinks).0);
            violation = gradient[shrinks] - gradient[grows];
            let step = (violation / curvature).min(room.0).min(room.1);
            // A coefficient at its bound is exactly there.
            coefficients[grows] = if step >= room.0 { self.bounds(grows).1 } else { coefficients[grows] + step };
            coefficients[shrinks] = if step >= room.1 { self.bounds(shrinks).0 } else { coefficients[shrinks] - step };
            for ((slope, &up), &down) in gradient.iter_mut().zip(up).zip(down) {
                *slope += step * (f64::from(up) - f64::from(down));
            }
        }
        Err(Unfinished::Endless(violation))
    }

    /// First image of the working set: the one with the least gradient among those whose coefficients can grow.
    fn least(&self, coefficients: &[f64], gradient: &[f64]) -> Option<usize> {
        let mut least = (None, f64::INFINITY);
        for (index, (&coefficient, &slope)) in coefficients.iter().zip(gradient).enumerate() {
            if slope < least.1 && coefficient < self.bounds(index).1 {
                least = (Some(index), slope);
            }
        }
        least.0
    }

    /// Second image of the working set, whose coefficient shrinks while the other grows: the one with the greatest
    /// decrease of the objective. `None` at the minimum.
    fn partner(&self, grows: usize, coefficients: &[f64], gradient: &[f64], row: &[f32]) -> Option<usize> {
        let least = gradient[grows];
        let (mut best, mut most, mut greatest) = (None, 0.0, f64::NEG_INFINITY);
        for (index, ((&coefficient, &slope), &kernel)) in coefficients.iter().zip(gradient).zip(row).enumerate() {
            if slope > least && coefficient > self.bounds(index).0 {
                let fall = (slope - least) * (slope - least) / curvature(kernel);
                greatest = f64::max(greatest, slope);
                if fall > most {
                    (best, most) = (Some(index), fall);
                }
            }
        }
        best.filter(|_| greatest - least >= self.tolerance)
    }

    /// Bias: minus the mean gradient of the free support vectors; if there are none, the midpoint of the feasible
    /// interval.
    fn bias(&self, coefficients: &[f64], gradient: &[f64]) -> f64 {
        let (mut sum, mut free) = (0.0, 0_usize);
        let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
        for (index, (&coefficient, &slope)) in coefficients.iter().zip(gradient).enumerate() {
            let (low, high) = self.bounds(index);
            match (coefficient > low, coefficient < high) {
                (true, true) => (sum, free) = (sum + slope, free + 1),
                (false, _) => least = least.min(slope),
                (true, false) => greatest = greatest.max(slope),
            }
        }
        -if free > 0 { sum / free as f64 } else { (least + greatest) / 2.0 }
    }
}

/// Second derivative of the objective along the difference of two images with this kernel.
#[inline(always)]
fn curvature(kernel: f32) -> f64 {
    (2.0 - 2.0 * f64::from(kernel)).max(LEAST_CURVATURE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::PIXELS;

    fn solve(levels: &[u8], first: usize, c: f64) -> Solution {
        let set = ImageSet::new(levels.iter().map(|&level| [level; PIXELS]).collect());
        let pair = Pair { set: &set, first, kernel: Kernel::new(0.002), c, tolerance: 1e-6, cache_bytes: 1 << 16 };
        pair.solve(&Cancel::default()).unwrap()
    }

    #[test]
    fn two_images_have_the_solution_that_paper_and_pencil_give() {
        let Solution { coefficients, bias } = solve(&[0, 255], 1, 1e3);
        let expected = 1.0 / (1.0 - f64::from((-0.002 * 784.0_f64).exp() as f32));
        assert!((coefficients[0] - expected).abs() < 1e-9 && coefficients[0] == -coefficients[1] && bias.abs() < 1e-12);
        // A small C: both at their bounds.
        assert_eq!(solve(&[0, 255], 1, 0.25), Solution { coefficients: vec![0.25, -0.25], bias: 0.0 });
    }

    #[test]
    fn the_conditions_of_optimality_hold_and_twins_of_both_classes_do_no_harm() {
        let levels: Vec<u8> = [10, 20, 90, 30, 200, 90, 210, 250, 60, 220].to_vec();
        let (first, c) = (5, 2.0);
        let Solution { coefficients, bias } = solve(&levels, first, c);
        assert!(coefficients.iter().sum::<f64>().abs() < 1e-12);
        let kernel = Kernel::new(0.002);
        for (index, &level) in levels.iter().enumerate() {
            let target = if index < first { 1.0 } else { -1.0 };
            let distance = |other: u8| 784 * (i32::from(level) - i32::from(other)).pow(2);
            let decision: f64 =
                levels.iter().zip(&coefficients).map(|(&other, value)| value * kernel.at(distance(other))).sum::<f64>()
                    + bias;
            let alpha = target * coefficients[index];
            assert!((0.0..=c).contains(&alpha));
            assert!(alpha >= c || target * decision > 1.0 - 1e-4, "image {index}: {decision}");
            assert!(alpha <= 0.0 || target * decision < 1.0 + 1e-4, "image {index}: {decision}");
        }
    }

    #[test]
    fn a_class_without_images_is_never_meant() {
        assert_eq!(solve(&[3, 4], 0, 1.0), Solution { coefficients: vec![0.0; 2], bias: -1.0 });
        assert_eq!(solve(&[3, 4], 2, 1.0), Solution { coefficients: vec![0.0; 2], bias: 1.0 });
    }

    #[test]
    fn a_request_to_stop_is_heard() {
        let cancel = Cancel::default();
        cancel.cancel();
        let set = ImageSet::new(vec![[0; PIXELS], [9; PIXELS]]);
        let pair = Pair { set: &set, first: 1, kernel: Kernel::new(0.01), c: 1.0, tolerance: 1e-3, cache_bytes: 0 };
        assert_eq!(pair.solve(&cancel), Err(Unfinished::Cancelled));
    }
}
