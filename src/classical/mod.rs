//! Two models from before nets, on the pixels as they are: multinomial logistic regression and the support-vector
//! machine.
//!
//! Both are convex problems: the result is *the* minimum, whatever the seed, and the same bits on any number of
//! threads. They are quick, honest yardsticks for nets and trees, and the support-vector machine errs on other images
//! than those do, which a stack is glad of.
//!
//! * [`train_logistic`]: [`LogisticConfig`] → [`TrainedLogistic`]. One pass over the images costs a product of `[n,
//!   784]` and `[784, 10]`, of which only the inked pixels are computed: four in five pixels of a digit are background.
//!   The minimum is found by [`optimize`](crate::convex).
//! * [`train_svm`]: [`SvmConfig`] → [`TrainedSvm`], with a solver of its own; the module says why.
//!
//! A fit leaves no checkpoint: a regression takes seconds and a support-vector machine on 60,000 images minutes; an
//! interrupted fit starts over.
//!
//! On disk each is a safetensors file with its arrays and a JSON file with the rest, which holds the SHA-256 of the
//! first.

mod error;
mod files;
mod fit;
mod logistic;
mod svm;

pub use error::ClassicalError;
pub use fit::{ClassicalFit, ClassicalJob};
pub use logistic::{LogisticConfig, TrainedLogistic, train_logistic};
pub use svm::{Gamma, SvmConfig, TrainedSvm, train_svm};
