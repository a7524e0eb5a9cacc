//! Digits that benchmarks work on.

use std::path::Path;

use super::super::output::Output;
use crate::{
    data::{DataConfig, Digits},
    preprocessing,
};

/// Reads at most `count` training digits of a folder, or generates built-in ones.
pub(super) fn digits(folder: Option<&Path>, count: usize, output: &Output) -> anyhow::Result<Digits> {
    let config = DataConfig { train: Some(count), ..DataConfig::default() };
    let source = preprocessing::open_data(&config, folder)?;
    output.status(&format!("data: {}", source.describe()));
    Ok(source.train(output.progress().as_ref())?)
}
