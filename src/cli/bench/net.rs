//! `digitstack bench cnn` and `digitstack bench dense`.

use std::num::NonZeroUsize;

use clap::Args;
use serde::Serialize;

use super::super::{
    options::{MAX_BATCH, count, seconds},
    output::Output,
    session::Session,
};
use crate::{
    device::ChosenDevice,
    fit::Cancel,
    nn::{self, CnnConfig, DenseConfig, Loss, NetworkConfig, OptimizerConfig},
    storage,
};

/// A reference net: its name, architecture and update rule.
pub(super) struct ReferenceNet {
    name: &'static str,
    network: fn() -> NetworkConfig,
    optimizer: OptimizerConfig,
}

pub(super) const CNN: ReferenceNet = ReferenceNet {
    name: "cnn",
    network: || NetworkConfig::Cnn(CnnConfig::default()),
    optimizer: OptimizerConfig::Adadelta { learning_rate: 1.4, rho: 0.53, epsilon: 1e-6, weight_decay: 0.0 },
};

pub(super) const DENSE: ReferenceNet = ReferenceNet {
    name: "dense",
    network: || NetworkConfig::Dense(DenseConfig::default()),
    optimizer: OptimizerConfig::Sgd { learning_rate: 0.1349, weight_decay: 0.0 },
};

/// Training and prediction speed of a net
#[derive(Args, Debug)]
pub(super) struct NetBench {
    /// Number of images in a training batch, at most 16384
    #[arg(long, default_value = "128", value_name = "N", value_parser = count::<MAX_BATCH>)]
    batch: NonZeroUsize,
    /// Seconds to measure for, after a warm-up
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    seconds: f64,
}

/// Speed of a net, and where it was measured.
#[derive(Serialize)]
pub(super) struct NetResult {
    net: String,
    device: String,
    threads: usize,
    /// Most memory that the process has held at once.
    peak_memory_bytes: Option<u64>,
    #[serde(flatten)]
    throughput: nn::Throughput,
}

impl NetBench {
    pub(super) fn execute(&self, net: &ReferenceNet, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let resources = session.resources(Cancel::default())?;
        let (name, network, device) = (net.name, (net.network)(), &resources.device);
        output.status(&format!("{name}, {} parameters, on {}", network.parameters(), device.description()));
        let (batch, loss) = (self.batch.get(), Loss::CrossEntropy);
        let throughput = nn::throughput(&network, &net.optimizer, loss, device, batch, self.seconds)?;
        NetResult::new(name.to_owned(), device, throughput).print(output)
    }
}

impl NetResult {
    pub(super) fn new(net: String, device: &ChosenDevice, throughput: nn::Throughput) -> Self {
        Self {
            net,
            device: device.description().to_owned(),
            threads: rayon::current_num_threads(),
            peak_memory_bytes: storage::peak_memory(),
            throughput,
        }
    }

    pub(super) fn print(&self, output: &Output) -> anyhow::Result<()> {
        output.json(self)?;
        let throughput = &self.throughput;
        output.line(format!(
            "{}, batch {}, {} threads: training {:.0} images/s, inference {:.0} images/s (first step {:.2} s)",
            self.net,
            throughput.batch,
            self.threads,
            throughput.train_images_per_s,
            throughput.infer_images_per_s,
            throughput.first_step_seconds
        ))
    }
}
