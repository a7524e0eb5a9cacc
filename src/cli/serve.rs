//! `digitstack serve`.

use std::{path::Path, sync::Arc, time::Duration};

use super::{
    UsageError,
    arguments::{Global, ServeArguments},
    output::Output,
};
use crate::{
    nn::{self, DeviceChoice},
    pipeline::{SavedRun, Work},
    progress::{Cancel, Silent},
    serve::{self, ServeOptions},
    storage,
};

/// Where runs are, unless somebody puts them elsewhere.
const ARTIFACTS: &str = "artifacts";

pub(super) fn serve(arguments: &ServeArguments, global: &Global, output: &Output) -> anyhow::Result<()> {
    if !(arguments.timeout > 0.0 && arguments.timeout <= 3600.0) {
        return Err(UsageError(format!(
            "--timeout: found {} seconds, expected more than 0 and at most 3600",
            arguments.timeout
        ))
        .into());
    }
    let run = match &arguments.run {
        Some(run) => run.clone(),
        None => storage::latest_complete(Path::new(ARTIFACTS), SavedRun::is_one)?.ok_or_else(|| {
            anyhow::anyhow!(
                "there is no complete run in {ARTIFACTS}/; `digitstack run` makes one, or name a run directory: digitstack serve RUN"
            )
        })?,
    };
    // Single pictures are read on the CPU; a GPU is opened for batches only if somebody asks for it.
    let choice = if global.device == DeviceChoice::Auto { DeviceChoice::Cpu } else { global.device };
    let device = nn::resolve(&choice)?;
    let cancel = Cancel::default();
    let threads = rayon::current_num_threads();
    let work = Work { device: &device, threads, progress: &Silent, cancel: &cancel };
    let options = ServeOptions {
        host: arguments.host,
        port: arguments.port,
        drawing: arguments.drawing.options(),
        in_flight: usize::from(arguments.in_flight),
        timeout: Duration::from_secs_f64(arguments.timeout),
        threads,
    };
    let log = output.clone();
    let mut said = Ok(());
    serve::serve(&run, &options, &work, Arc::new(move |line: &str| log.status(line)), |address| {
        let url = format!("http://{address}/");
        said = output.json(&serde_json::json!({ "url": url, "run": run.display().to_string() })).and_then(|()| {
            output.line(format!("{url} draws and reads digits with {}; Ctrl-C stops it", run.display()))
        });
    })?;
    said
}
