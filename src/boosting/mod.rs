//! Gradient-boosted trees on raw pixels, grown by LightGBM.
//!
//! LightGBM grows trees faster than anything written in Rust, so it is compiled in (`crates/lightgbm-sys`) and does
//! nothing else. Everything that reads files or runs in a service is Rust: a model text is read by a strict parser (the
//! library's own crashes the process on damaged files), and trees are evaluated here, with the library's results to the
//! last bit. What the library does not check (labels, widths, unknown settings, different numbers of threads at the
//! same time) is checked or made impossible here.
//!
//! [`Dataset`] → [`train`] → [`BoosterFit`] → [`TrainedBooster`].

mod booster;
mod checkpoint;
mod config;
mod dataset;
mod error;
mod ffi;
mod forest;
mod json;
mod model_text;
mod throughput;
mod train;

pub use booster::TrainedBooster;
pub use config::BoosterConfig;
pub use dataset::Dataset;
pub use error::BoostingError;
pub use model_text::ModelTextError;
pub use throughput::{Throughput, throughput};
pub use train::{BoosterFit, train, train_with_checkpoints};
