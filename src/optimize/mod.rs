//! Smooth convex functions and where they are least.
//!
//! `LogLoss` is the function behind multinomial logistic regression; `minimise` finds the minimum of it or of any other
//! `Objective`, and `descend` does so under the eyes of its caller, who may end it.

mod lbfgs;
mod log_loss;

pub use lbfgs::Unsolved;
pub(crate) use lbfgs::{End, GOOD_ENOUGH, Limits, Objective, descend, minimise};
pub(crate) use log_loss::{LogLoss, NEVER, residuals, softmax};
