//! Classical models on the raw pixels: multinomial logistic regression and the support-vector machine.
//!
//! Both are convex problems: the result is *the* minimum, whatever the seed, and the same bits on any number of
//! threads. They are quick baselines for nets and trees, and the support-vector machine errs on other images than those
//! do, which helps a stack.
//!
//! * [`train_logistic`]: [`LogisticConfig`] → [`TrainedLogistic`]. One pass over the images costs a product of `[n,
//!   784]` and `[784, 10]`, of which only the inked pixels are computed: four in five pixels of a digit are background.
//!   The minimum is found by [`optimize`](crate::optimize).
//! * [`train_svm`]: [`SvmConfig`] → [`TrainedSvm`], with its own solver; the module `svm` says why.
//!
//! A fit leaves no checkpoint: a regression takes seconds and a support-vector machine on 60,000 images minutes; an
//! interrupted fit starts over.
//!
//! A model is saved as a safetensors file with its arrays and a JSON file with the rest and the SHA-256 of the first.

mod error;
pub(crate) mod files;
mod fit;
mod logistic;
mod svm;

pub use error::ClassicalError;
pub use fit::ClassicalFit;
pub(crate) use fit::score_one_step;
pub use logistic::{LogisticConfig, TrainedLogistic, train_logistic};
pub use svm::{Gamma, SvmConfig, TrainedSvm, train_svm};
