//! Training: settings, losses, update rules, the data loader, the training loop.

mod augment;
mod average;
mod batches;
mod checkpoint;
pub(super) mod config;
pub(super) mod device_data;
mod early_stopping;
mod loader;
pub(super) mod loss;
mod meter;
pub(super) mod optimizer;
mod schedule;
mod trainer;

pub use augment::Augment;
pub use config::{EarlyStopping, Monitor, TrainingConfig};
pub use loss::Loss;
pub use optimizer::{Adadelta, AdadeltaState, OptimizerConfig, OptimizerState, Updater};
pub use schedule::Schedule;
pub use trainer::train;
