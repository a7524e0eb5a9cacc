//! Update rules: Burn's, Adadelta, which it lacks, and the common ones in one pass over memory on the CPU
//! ([`flex_kernels`]).
//!
//! [`OptimizerConfig`] names the rule, [`Updater`] applies it to every parameter of a net and keeps the state by the
//! parameter's name. Burn's own `ModuleOptimizer` is not used: it restores its state on the process's default device,
//! which is a GPU in a build that has one compiled in, whether or not the machine has it.

mod adadelta;
mod adam;
mod config;
mod descent;
mod updater;

pub use adadelta::{Adadelta, AdadeltaState};
pub use config::OptimizerConfig;
pub use updater::{OptimizerState, Updater};
