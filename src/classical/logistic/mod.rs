//! Multinomial logistic regression on the 784 pixels: the softmax of `W x + b`, with pixels from 0 to 1.
//!
//! The function is scikit-learn's: ½‖W‖² / c + Σ log-loss, the intercepts free. It is strictly convex but for a shift
//! of the intercepts, so the minimum is the model, however it is found. Data flow: [`LogisticConfig`] → `loss` (value
//! and gradient, over `pixels`) → [`optimize`](crate::optimize) → [`TrainedLogistic`].

mod loss;
mod model;
mod pixels;
mod train;

use serde::{Deserialize, Serialize};

pub use model::TrainedLogistic;
pub use train::train_logistic;

use crate::data::FieldError;

/// Settings of a logistic regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogisticConfig {
    /// Inverse of the strength of the L2 penalty on the weights, 1e-6 to 1e6. Default 1.
    pub c: f64,
    /// Greatest number of iterations, 1 to 100,000; a message says if the fit ended there without reaching `tolerance`.
    /// Default 200.
    pub max_iterations: u32,
    /// Euclidean norm of the gradient below which the fit ends, 1e-9 to 1: of the function divided by the number of
    /// images, with respect to scaled weights (see the module `loss`). Default 1e-3.
    pub tolerance: f64,
}

impl Default for LogisticConfig {
    fn default() -> Self {
        Self { c: 1.0, max_iterations: 200, tolerance: 1e-3 }
    }
}

impl LogisticConfig {
    /// Checks the ranges of all fields.
    ///
    /// # Errors
    /// Names the first field that is out of range, what it holds and what is allowed.
    pub fn check(&self) -> Result<(), FieldError> {
        if !(1e-6..=1e6).contains(&self.c) {
            return Err(FieldError::new("c", format!("found {}, expected 1e-6 to 1e6", self.c)));
        }
        if !(1..=100_000).contains(&self.max_iterations) {
            return Err(FieldError::new(
                "max_iterations",
                format!("found {}, expected 1 to 100000", self.max_iterations),
            ));
        }
        if !(1e-9..=1.0).contains(&self.tolerance) {
            return Err(FieldError::new("tolerance", format!("found {}, expected 1e-9 to 1", self.tolerance)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
