//! `digitstack serve`.

use std::{
    net::{IpAddr, SocketAddr},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;

use super::{
    options::{Drawing, seconds},
    output::Output,
    resources::Resources,
    session::Session,
};
use crate::{
    artifact::Artifact,
    device::DeviceChoice,
    fit::Cancel,
    progress::Silent,
    serve::{self, ServeOptions},
    storage,
};

/// Folder of runs, unless they are put elsewhere.
const ARTIFACTS: &str = "artifacts";

const HELP: &str = "\
The page is at http://127.0.0.1:8028/ unless --host or --port name another address. Programs send POST /api/predict (a \
picture file, a form with one, or JSON; what the body contains decides, not its content type) or use \
/v2/models/NAME/infer (the open inference protocol with its binary tensors, for batches). Bodies may have up to 32 MiB \
and be compressed by gzip or deflate. /api/openapi.json describes every route, /metrics has counters for Prometheus.

Requests must address the service by localhost or an IP address (on a loopback address, such a one), or by a name that \
--allow-host gives: behind a proxy that passes the name on, and in a cluster, name it. Each request is logged as a line \
of JSON on standard error; lines that nobody reads in time are dropped and counted. Where connections or memory for \
bodies run out, the slowest client makes room. On SIGTERM or Ctrl-C no new requests are taken and those under way are \
finished.

Examples:
  digitstack serve                                    the newest complete run in artifacts/
  digitstack serve artifacts/mnist-cpu --port 0       on a free port, which is printed
  digitstack serve --host 0.0.0.0 --allow-host digits.example.org
  curl --data-binary @digit.png http://127.0.0.1:8028/api/predict
  curl -F image=@digit.png http://127.0.0.1:8028/api/predict";

/// Serve a run over HTTP: a page to draw digits on, and an API for programs
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct ServeArguments {
    /// Directory of a complete run, not of a single model [default: the one in artifacts/ completed last]
    run: Option<PathBuf>,
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8028, value_name = "N")]
    port: u16,
    /// Address to listen on; any but a loopback address lets other machines send requests
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    host: IpAddr,
    /// Name by which requests may address the service, in their Host header, besides localhost and addresses; may be
    /// given several times, `*` is any name
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Most requests that are received and not yet answered; further ones get status 429 at once
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: u16,
    /// Timeout of a request in seconds, from its first byte to its answer
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    timeout: f64,
    #[command(flatten)]
    drawing: Drawing,
}

impl ServeArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let run = match &self.run {
            Some(run) => run.clone(),
            None => storage::latest_complete(Path::new(ARTIFACTS), Artifact::is_stack)?.ok_or_else(|| {
                anyhow::anyhow!(
                    "there is no complete run in {ARTIFACTS}/; make one with `digitstack run`, or name a run \
                     directory: digitstack serve RUN"
                )
            })?,
        };
        // Single pictures are classified on the CPU; a GPU is opened for batches only if it is asked for.
        let choice = match session.global.device {
            DeviceChoice::Auto => DeviceChoice::Cpu,
            choice => choice,
        };
        let resources = Resources::open(&choice, Arc::new(Silent), Cancel::default())?;
        let device = &resources.device;
        let options = ServeOptions {
            host: self.host,
            port: self.port,
            allowed_hosts: self.allow_host.clone(),
            drawing: self.drawing.options(),
            in_flight: usize::from(self.in_flight),
            timeout: Duration::from_secs_f64(self.timeout),
            threads: rayon::current_num_threads(),
        };
        let output = &session.output;
        let log = output.clone();
        let mut printed = Ok(());
        serve::serve(&run, &options, device, Arc::new(move |line: &str| log.status(line)), |address| {
            printed = announce(address, &run, output);
            // Nobody would learn of the address.
            if printed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        printed
    }
}

fn announce(address: SocketAddr, run: &Path, output: &Output) -> anyhow::Result<()> {
    let (url, run) = (format!("http://{address}/"), run.display().to_string());
    output.json(&serde_json::json!({ "url": url, "run": run }))?;
    output.line(format!("{url} classifies drawn digits with {run}; Ctrl-C stops it"))
}
