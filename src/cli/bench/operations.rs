//! `digitstack bench operations`.

use std::num::NonZeroUsize;

use clap::Args;
use serde::Serialize;

use super::super::{
    options::{MAX_BATCH, count, seconds},
    session::Session,
};
use crate::{
    nn::{self, OperationSpeed, Pass},
    progress::Cancel,
};

/// Each operation of both reference nets: convolutions, fully connected layers, the loss, the update rules
#[derive(Args, Debug)]
pub(super) struct OperationsBench {
    /// Number of images in a batch, at most 16384
    #[arg(long, default_value = "128", value_name = "N", value_parser = count::<MAX_BATCH>)]
    batch: NonZeroUsize,
    /// Seconds to measure each operation for, after a warm-up
    #[arg(long, default_value = "0.5", value_name = "SECONDS", value_parser = seconds)]
    seconds: f64,
}

#[derive(Serialize)]
struct OperationsResult {
    device: String,
    /// Vector instructions of the fused operations; none if they do not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'static str>,
    threads: usize,
    batch: usize,
    operations: Vec<OperationSpeed>,
}

impl OperationsBench {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let batch = self.batch.get();
        let resources = session.resources(Cancel::default())?;
        let device = &resources.device;
        let instructions = flex_kernels::available(device.device()).then(flex_kernels::instructions);
        let on = instructions.map_or_else(String::new, |instructions| format!(", {instructions}"));
        output.status(&format!("operations of the reference nets on {}{on}", device.description()));
        let result = OperationsResult {
            device: device.description().to_owned(),
            instructions,
            threads: rayon::current_num_threads(),
            batch,
            operations: nn::operation_speeds(device, batch, self.seconds)?,
        };
        output.json(&result)?;
        output.line(format!(
            "batch {batch}, {} threads{on}; microseconds per batch, and GFLOP/s by the operation's definition",
            result.threads
        ))?;
        output.lines(result.operations.iter().map(speed_line))
    }
}

fn speed_line(speed: &OperationSpeed) -> String {
    let pass = match speed.pass {
        Pass::Inference => "inference",
        Pass::Training => "training",
        Pass::Update => "update",
    };
    let rate = if speed.flop > 0.0 { format!("{:10.1}", speed.flop / speed.seconds / 1e9) } else { String::new() };
    format!("{:<6} {:<22} {pass:<10} {:12.1} {rate}", speed.net, speed.operation, 1e6 * speed.seconds)
}
