//! Update rules: Burn's, and Adadelta, which it lacks.
//!
//! [`OptimizerConfig`] names the rule, [`Updater`] applies it to every parameter of a net and keeps the state by the parameter's name.
//! Burn's own `ModuleOptimizer` is not used: it restores its state on the process's default device, which is a GPU in a build that has one
//! compiled in, whether or not the machine has it.

mod adadelta;
mod config;
mod updater;

pub use adadelta::{Adadelta, AdadeltaState};
pub use config::OptimizerConfig;
pub use updater::{OptimizerState, Updater};
