//! Minimisation of smooth convex functions by L-BFGS.
//!
//! `LogLoss` is the function behind multinomial logistic regression; `minimise` finds the minimum of it or of any other
//! `Objective`, and `descend` shows each iteration to its caller, who may end it.

mod lbfgs;
mod log_loss;
mod softmax;

pub use lbfgs::Unsolved;
pub(crate) use lbfgs::{GOOD_ENOUGH, Limits, Objective, Termination, descend, minimise};
pub(crate) use log_loss::{LogLoss, NEVER, Penalty, residuals};
pub(crate) use softmax::{softmax, softmax_in_place};
