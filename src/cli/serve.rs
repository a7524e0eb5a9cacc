//! `digitstack serve`.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;

use super::{
    failure::UsageError,
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
    serve::{self, ApiKeys, Origin, ServeOptions},
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

A web page of another origin may use the service if --allow-origin names that origin. With --api-key-file a request \
must show a key of the file: `Authorization: Bearer KEY`, `X-API-Key: KEY`, or the key as the password of any user, \
which is what browsers ask for, so that the page works. /v2/health/live, /v2/health/ready and /api/openapi.json need \
none. Keys cross the network as they are: beyond this machine put a proxy with TLS before the service.

Examples:
  digitstack serve                                    the newest complete run in artifacts/
  digitstack serve artifacts/mnist-cpu --port 0       on a free port, which is printed
  digitstack serve --host 0.0.0.0 --allow-host digits.example.org
  digitstack serve --api-key-file keys.txt --allow-origin https://example.org
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
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    allow_host: Vec<String>,
    /// Origin of another web page that may ask and read answers, such as https://example.org; may be given several
    /// times, `*` is any page
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    allow_origin: Vec<Origin>,
    /// File of keys, one a line: a request must show one of them, but for the health checks
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// Most requests that are received and not yet answered; further ones get status 429 at once
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: u16,
    /// Timeout of a request in seconds, from its first byte to its answer
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    timeout: f64,
    #[command(flatten)]
    drawing: Drawing,
    /// Ask the service that listens at --host and --port whether it is ready, and do nothing else: exit code 0 or 1
    #[arg(long)]
    health: bool,
}

impl ServeArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        if self.health {
            return self.ask_health(&session.output);
        }
        let run = match &self.run {
            Some(run) => run.clone(),
            None => storage::latest_complete(Path::new(ARTIFACTS), Artifact::is_stack)?.ok_or_else(|| {
                anyhow::anyhow!(
                    "there is no complete run in {ARTIFACTS}/; make one with `digitstack run`, or name a run \
                     directory: digitstack serve RUN"
                )
            })?,
        };
        let api_keys = self.api_key_file.as_deref().map(|file| read_keys(file, &session.output)).transpose()?;
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
            allowed_origins: self.allow_origin.clone(),
            api_keys,
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

impl ServeArguments {
    /// Asks a service that is running for its readiness, by its address of this machine.
    fn ask_health(&self, output: &Output) -> anyhow::Result<()> {
        let host = match self.host {
            IpAddr::V4(host) if host.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(host) if host.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            host => host,
        };
        let url = format!("http://{}/v2/health/ready", SocketAddr::new(host, self.port));
        // A proxy that the environment names is for other machines.
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs_f64(self.timeout)))
            .proxy(None)
            .build();
        let answered = ureq::Agent::new_with_config(config).get(&url).call();
        answered.map_err(|error| anyhow::anyhow!("{url}: {error}"))?;
        output.json(&serde_json::json!({ "url": url, "ready": true }))?;
        output.line(format!("{url}: ready"))
    }
}

/// Reads a file of keys; a file that every user of the machine can read is worth a warning.
fn read_keys(file: &Path, output: &Output) -> Result<ApiKeys, UsageError> {
    let keys = ApiKeys::read(file).map_err(|error| UsageError(format!("--api-key-file: {error}")))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file).map_or(0, |metadata| metadata.permissions().mode());
        if mode & 0o004 != 0 {
            output.status(&format!(
                "warning: every user of this machine can read the keys in {file}; chmod 600 {file}",
                file = file.display()
            ));
        }
    }
    Ok(keys)
}

fn announce(address: SocketAddr, run: &Path, output: &Output) -> anyhow::Result<()> {
    let (url, run) = (format!("http://{address}/"), run.display().to_string());
    output.json(&serde_json::json!({ "url": url, "run": run }))?;
    output.line(format!("{url} classifies drawn digits with {run}; Ctrl-C stops it"))
}
