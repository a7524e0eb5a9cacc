//! `digitstack bench service`.

use std::{net::SocketAddr, num::NonZeroUsize, time::Duration};

use clap::Args;

use super::super::{
    options::{MAX_CONNECTIONS, count, seconds},
    session::Session,
};
use crate::{artifact, seed::Seed, serve};

/// Drawings that the clients send in turn.
const DRAWINGS: usize = 200;

/// A running service, with many clients at once
#[derive(Args, Debug)]
pub(super) struct ServiceBench {
    /// Address of `digitstack serve`, or of another service with its POST /api/predict
    #[arg(default_value = "127.0.0.1:8028", value_name = "ADDRESS:PORT")]
    address: SocketAddr,
    /// Number of clients, each with one request under way; at most 10000
    #[arg(long, default_value = "64", value_name = "N", value_parser = count::<MAX_CONNECTIONS>)]
    connections: NonZeroUsize,
    /// Seconds to measure for
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    seconds: f64,
}

impl ServiceBench {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let drawings = artifact::sample_drawings(DRAWINGS, Seed(1));
        let duration = Duration::from_secs_f64(self.seconds);
        let load = serve::load(self.address, drawings, self.connections.get(), duration)?;
        output.json(&load)?;
        output.line(format!(
            "{:.0} answers/s over {} connections: half within {:.2} ms, 99 % within {:.2} ms, the slowest {:.2} ms; \
             {} answers, {} errors in {:.1} s",
            load.answers_per_s,
            load.connections,
            load.p50_ms,
            load.p99_ms,
            load.max_ms,
            load.answers,
            load.errors,
            load.seconds
        ))?;
        match load.first_error {
            Some(error) if load.answers == 0 => {
                Err(anyhow::anyhow!("{} answered no request; the first error: {error}", self.address))
            }
            Some(error) => output.line(format!("the first error: {error}")),
            None => Ok(()),
        }
    }
}
