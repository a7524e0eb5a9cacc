//! Trained networks: predictions for batches on any device, and for single images on the CPU.

mod predictor;
pub(super) mod trained;

pub use predictor::NetPredictor;
pub use trained::TrainedNet;
