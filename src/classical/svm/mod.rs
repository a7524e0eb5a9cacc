//! Support-vector machine with an RBF kernel: one exact decision function for each pair of classes, and calibrated
//! probabilities.
//!
//! # Why its own solver
//! A machine on 60,000 images is 45 problems of 12,000 images, too large to hold a matrix of each in double precision.
//! Of the existing crates, linfa-svm computes that whole matrix first and fits one class against all the others
//! (54,000² doubles are 23 GB); smartcore looks up each entry of the kernel in a hash map behind a virtual call; both
//! in one thread. libsvm wraps C++ whose kernel is a scalar loop and whose reader of model files trusts them.
//! Approximations (Nyström, random features) are less accurate; they pay where the kernel matrix is too expensive. Here
//! it is not: pixels are bytes, so a row of the kernel matrix is sums of products of bytes, exact and at the speed of
//! memory, and the solver reads the rows of the support vectors and a few more. The rest is LIBSVM's algorithm in two
//! hundred lines.
//!
//! On 37,801 images of MNIST with the defaults all pairs, on all images and for three calibration folds, and the
//! reading of 28,000 test images take 61 seconds of processor time (AVX-512; `digitstack train svm
//! configs/families/kaggle.toml`); the machine keeps 8,905 support vectors.
//!
//! # Data flow
//! `config` → `train` (pairs × parts) → `smo` (one pair, on `rows` of the `kernel`) → `machine` (all pairs) →
//! `calibration` → [`TrainedSvm`].

mod calibration;
mod config;
mod kernel;
mod machine;
mod model;
mod rows;
mod smo;
mod train;

pub use config::{Gamma, SvmConfig};
pub use model::TrainedSvm;
pub use train::train_svm;
