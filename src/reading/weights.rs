//! Weights of the scores of paths, as they were fitted.

use super::{decode::Weights, lattice::FEATURES};

/// Fitted weights: see `docs/read.md`.
pub(super) const FITTED: Weights = Weights {
    digit: [
        0.907, 0.619, -0.316, -0.068, -2.659, -2.575, -4.118, -1.081, -1.936, -0.485, -0.421, -0.362, -0.430, 0.010,
    ],
    skip: [-1.193, -7.027],
};

const _: () = assert!(FITTED.digit.len() == FEATURES);
