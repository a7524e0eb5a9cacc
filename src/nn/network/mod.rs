//! Networks: settings, layers, weights.

pub(super) mod activation;
pub(super) mod block;
pub(super) mod config;
mod dropout;
pub(super) mod filter_history;
pub(super) mod initializer;
pub(super) mod input;
pub(super) mod net;
pub(super) mod normalization;
pub(super) mod output;
pub(super) mod weights;

pub use activation::Activation;
pub use block::{Block, Convolution};
pub use config::{CnnConfig, DenseConfig, Head, NetworkConfig, Padding, Pool};
pub use filter_history::{FilterHistory, Filters};
pub use initializer::Initializer;
pub use input::{InputMap, InputScale};
pub use net::Network;
pub use normalization::{Norm, Normalization};
pub use output::Output;
