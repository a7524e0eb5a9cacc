//! Weights of the scores of paths, as they were fitted.

use super::{decode::Weights, lattice::FEATURES};

/// Fitted weights: see `docs/read.md`.
pub(super) const FITTED: Weights = Weights {
    digit: [2.0, 1.0, -0.3, -0.5, -2.0, -1.0, -2.0, -1.0, -1.0, -0.8, -0.3, -1.0, -0.6, -0.5],
    skip: [0.0, -6.0],
    sharpness: 1.0,
};

const _: () = assert!(FITTED.digit.len() == FEATURES);
