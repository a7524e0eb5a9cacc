//! Neural networks on [Burn](https://burn.dev): devices, layers, update rules, losses and the one trainer.
//!
//! A [`NetworkConfig`] says which net, a [`TrainingConfig`] how it is trained, a [`FitContext`](crate::fit::FitContext) where and from which
//! seed; [`train`] makes a [`TrainedNet`] of them, which predicts and is saved as a safetensors file; a
//! [`NetPredictor`] is its copy for single images. It leaves the program as safetensors, ONNX or JSON, and weights from
//! elsewhere come in as safetensors ([`WeightsFile`]). Folds and other kinds of model are other rooms' business.
//!
//! On the CPU a net is made of the operations in [`fused`] and fed with pixels that other threads prepare. On other
//! devices it is made of Burn's operations, which Burn fuses by itself; the data set lies in the device's memory, and
//! the device augments it where it can (`resident`). Nothing waits for the device but the trainer's reading of the
//! running loss every 100 steps.
//!
//! Burn picks its device at run time, so there is one model source and no backend type anywhere. What is written here
//! is what Burn 0.22 lacks or does in a way that a reproducible run cannot use: Adadelta, SELU and ELU with a finite
//! gradient, dropout and initial weights drawn from the run's own seed, an optimizer state that is restored on the
//! device it came from, and one atomic checkpoint file.

mod activation;
mod block;
mod check;
mod config;
mod device;
mod dropout;
mod error;
mod export;
mod film;
pub mod fused;
mod import;
mod initializer;
mod input;
mod loss;
mod network;
mod normalization;
mod optimizer;
mod output;
mod predictor;
mod resident;
mod schedule;
mod throughput;
mod trained;
mod trainer;
mod weights;

pub use activation::Activation;
pub use block::{Block, Convolution};
pub use check::{GRADIENT_TOLERANCE, GradientCheck, check_gradients, check_member_gradients};
pub use config::{CnnConfig, DenseConfig, Head, NetworkConfig, Padding, Pool};
pub use device::{ChosenDevice, DeviceChoice, DeviceInfo, DeviceKind, list, resolve};
pub use error::NnError;
pub use export::Notes;
pub use film::{Film, Filters};
pub use import::WeightsFile;
pub use initializer::Initializer;
pub use input::{InputMap, InputScale};
pub use loss::Loss;
pub use network::Network;
pub use normalization::{Norm, Normalization};
pub use optimizer::{Adadelta, AdadeltaState, OptimizerConfig, OptimizerState, Updater};
pub use output::Output;
pub use predictor::NetPredictor;
pub use schedule::Schedule;
pub use throughput::{OperationSpeed, Pass, Throughput, operation_speeds, throughput};
pub use trained::TrainedNet;
pub use trainer::{Augment, EarlyStopping, Monitor, TrainingConfig, train};
