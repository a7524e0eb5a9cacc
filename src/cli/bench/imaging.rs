//! `digitstack bench imaging`.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::{
    super::{
        options::{DataDirectory, seconds},
        session::Session,
    },
    digits::digits,
};
use crate::imaging::{self, Recipe};

/// Most images that are preprocessed.
const IMAGES: usize = 10_000;

/// Preprocessing of the reference with three rotations of each image
#[derive(Args, Debug)]
pub(super) struct ImagingBench {
    #[command(flatten)]
    data: DataDirectory,
    /// Seconds to measure for, after a warm-up
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    seconds: f64,
}

#[derive(Serialize)]
struct ImagingResult {
    threads: usize,
    rotations: usize,
    images: u64,
    seconds: f64,
    images_per_s: f64,
}

impl ImagingBench {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let digits = digits(self.data.path(), IMAGES, output)?;
        let recipe = Recipe::preset("reference").unwrap_or_default().compile()?;
        let rotations = [0.0, -24.0, 24.0];
        let duration = Duration::from_secs_f64(self.seconds);
        let measured = imaging::throughput(&recipe, &rotations, &digits.images, duration);
        let result = ImagingResult {
            threads: rayon::current_num_threads(),
            rotations: rotations.len(),
            images: measured.images,
            seconds: measured.seconds,
            images_per_s: measured.per_second(),
        };
        output.json(&result)?;
        output.line(format!(
            "imaging, {} rotations, {} threads: {:.0} images/s",
            result.rotations, result.threads, result.images_per_s
        ))
    }
}
