//! Stacking: out-of-fold predictions of the members, and the meta-models fitted on them.
//!
//! A meta-model must learn how far to trust each member on images that the member has *not* seen; on its own training
//! images a member looks better than it is, the more so the more it overfits, and the stack would trust the wrong one
//! (Wolpert, Neural Networks 5, 1992). Hence the data flow:
//!
//! ```text
//! fit_and_predict (member × fold) → assemble_out_of_fold → Metafeatures → cross_fit (out-of-fold scores)
//!                                                                       → Stack::fit (the model)
//! ```
//!
//! Nothing here knows which learners there are: a member is a name and ten probabilities for each image. So the
//! arithmetic can be tested with members of a few lines, among them ones that memorise their training images on
//! purpose.

mod cross_fit;
mod cross_validate;
mod error;
mod logistic;
mod mean;
mod meta;
mod metafeatures;
mod out_of_fold;
mod pool;
mod scale;
mod stack;
mod tree;

pub use cross_fit::cross_fit;
pub use cross_validate::{Validation, evenly_spread, fit_and_predict, run_fits};
pub use error::StackingError;
pub use logistic::{Logistic, LogisticConfig, Shrinkage};
pub use mean::{Mean, MeanConfig, WeightedMean, WeightedMeanConfig};
pub use meta::{MetaConfig, MetaModel};
pub use metafeatures::{Metafeatures, replace_invalid_rows};
pub use out_of_fold::assemble_out_of_fold;
pub use pool::pooled;
pub use scale::FeatureScale;
pub use stack::Stack;
pub use tree::{Tree, TreeConfig};
