//! Gradient-boosted trees on raw pixels, grown by LightGBM.
//!
//! LightGBM grows trees faster than anything written in Rust, so it is compiled in (`crates/lightgbm-sys`) and does
//! that one thing. All that touches files or runs in a service is Rust: a model text is read by a strict parser (the
//! library's own crashes the process on damaged files), and trees are evaluated here, with the library's results to the
//! last bit. What the library leaves unchecked (labels, widths, unknown settings, different thread counts at the same
//! time) is checked or made impossible on this side.
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
pub use checkpoint::Checkpoint;
pub use config::BoosterConfig;
pub use dataset::Dataset;
pub use error::BoostingError;
pub use model_text::ModelTextError;
pub use throughput::{Throughput, throughput};
pub use train::{BoosterFit, BoosterJob, train};
