//! Configurations of runs and searches: TOML text, parsed once into settings that are known to be valid.
//!
//! The rooms above define and check their own settings; this one joins them ([`Experiment`] is what runs and searches
//! share), lets the command line override any field ([`Override`]), and reports every error with its file, line and
//! field.

mod error;
mod experiment;
pub mod explain;
mod integers;
mod locate;
mod members;
mod overrides;
mod parse;
mod reported;
mod run;
mod search;
mod shipped;
mod stacking;

pub use error::ConfigError;
pub use experiment::Experiment;
pub use overrides::Override;
pub use reported::ReportedResult;
pub use run::{HoldOutConfig, QUICKSTART, RunConfig};
pub use search::{BestConfig, QUICK, SearchConfig};
pub use shipped::{ConfigKind, SHIPPED, ShippedConfig};
pub use stacking::{AnswerSetting, FinalModels, StackingConfig};

#[cfg(test)]
mod tests;
