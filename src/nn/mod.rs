//! Neural networks on [Burn](https://burn.dev): layers, losses, update rules, training, inference, files.
//!
//! [`train`] fits the net of a [`NetworkConfig`] by the settings of a [`TrainingConfig`] in a
//! [`FitContext`](crate::fit::FitContext) and returns a [`TrainedNet`], which predicts and is saved as a safetensors
//! file; a [`NetPredictor`] is its copy for single images. Nets are exported as safetensors, ONNX or JSON, and weights
//! are imported from safetensors ([`WeightsFile`]). Folds and other kinds of model are not part of this module.
//!
//! On the CPU a net is made of the operations of [`flex_kernels`], and worker threads load its batches. On other
//! devices it is made of Burn's operations, which Burn fuses; the data set is in the device's memory, and the device
//! augments it where it can (`train::device_data`). Only the reading of the running loss, every 100 steps, waits for
//! the device.
//!
//! Burn selects its device at run time, so there is one model source and no backend type. This module adds what Burn
//! 0.22 lacks or what a reproducible run cannot use: Adadelta, SELU and ELU with a finite gradient, dropout and initial
//! weights drawn from the run's own seed, an optimizer state that is restored on its device, and one atomic checkpoint
//! file.
//!
//! | module | contents; each imports only from those above |
//! |---|---|
//! | `network` | architectures, layers, weights |
//! | `infer` | trained nets and their predictions |
//! | `train` | losses, update rules, data loader, training loop |
//! | `io` | export and import |
//! | `check`, `throughput` | check of gradients, measurement of speed |

mod check;
mod error;
mod infer;
mod io;
mod network;
mod throughput;
mod train;

pub use check::{GRADIENT_TOLERANCE, GradientCheck, check_gradients, check_member_gradients};
pub use error::NnError;
pub use infer::{NetPredictor, TrainedNet};
pub use io::{Notes, WeightsFile};
pub use network::{
    Activation, Block, CnnConfig, Convolution, DenseConfig, FilterHistory, Filters, Head, Initializer, InputMap,
    InputScale, Network, NetworkConfig, Norm, Normalization, Output, Padding, Pool,
};
pub use throughput::{OperationSpeed, Pass, Throughput, operation_speeds, throughput};
pub use train::{
    Adadelta, AdadeltaState, Augment, EarlyStopping, Loss, Monitor, OptimizerConfig, OptimizerState, Schedule,
    TrainingConfig, Updater, train,
};
