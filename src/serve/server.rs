//! Start of the service, acceptance of connections, and graceful shutdown.

use std::{
    io,
    net::SocketAddr,
    ops::ControlFlow,
    panic,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use axum::Router;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::{net::TcpListener, sync::watch};

use super::{
    connection::{self, registry::Connections},
    engine::{Engine, Predictor, RunPredictor},
    error::ServeError,
    hosts::Hosts,
    log_queue::LogQueue,
    metrics::Metrics,
    options::{Log, MAX_BODY_BYTES, ServeOptions},
    page::Pages,
    router,
    run_summary::RunSummary,
    state::{Service, State},
};
use crate::{
    artifact::{RunFailure, TrainedModels},
    device::ChosenDevice,
};

/// Maximum number of open connections.
const MAX_CONNECTIONS: usize = 1024;
/// Memory for the bodies of requests, in bytes: for eight of the longest.
const MAX_BODIES_BYTES: usize = 8 * MAX_BODY_BYTES;
/// Time beyond the request timeout that requests in flight have at shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// Time for which the end of the service waits for its last log lines to be read.
const LOG_GRACE: Duration = Duration::from_secs(1);
/// Error numbers of a process or a system without free file descriptors, on Unix and on Windows.
const TOO_MANY_FILES: [i32; 3] = [23, 24, 10_024];

/// Serves a complete run until SIGTERM or Ctrl-C, then completes the requests in flight. `ready` is called with the
/// address once the service listens, and stops it with [`ControlFlow::Break`]; `log` receives the lines of the access
/// log, each a JSON object, and messages on other events. It is called by one thread and may block: lines that it does
/// not take in time are dropped and counted. Until the service ends, panics are logged the same way.
///
/// # Errors
/// If the run is incomplete or damaged, or the address is in use.
pub fn serve(
    folder: &Path,
    options: &ServeOptions,
    device: &ChosenDevice,
    log: Log,
    ready: impl FnOnce(SocketAddr) -> ControlFlow<()>,
) -> Result<(), ServeError> {
    let metrics = Metrics::new()?;
    let queue = LogQueue::start(log, metrics.dropped_log_lines()).map_err(ServeError::Threads)?;
    // By itself a panicking thread writes to standard error, which may block.
    let (log, standard_hook) = (queue.log(), panic::take_hook());
    panic::set_hook(Box::new(move |panic| log(&panic.to_string())));
    let served = serve_logged(folder, options, device, metrics, queue.log(), ready);
    panic::set_hook(standard_hook);
    queue.close(LOG_GRACE);
    served
}

/// As [`serve`], with a log that never blocks.
fn serve_logged(
    folder: &Path,
    options: &ServeOptions,
    device: &ChosenDevice,
    metrics: Metrics,
    log: Log,
    ready: impl FnOnce(SocketAddr) -> ControlFlow<()>,
) -> Result<(), ServeError> {
    let models = TrainedModels::load(folder, device)?;
    models.artifact().expect_stack()?;
    let (routes, mut document) = router::routes();
    if options.api_keys.is_some() {
        router::demand_keys(&mut document);
    }
    let service = Service::new(State {
        run: RunSummary::of(&models),
        pages: Pages::new(&models, &options.drawing, &document)?,
        engine: Engine::start(predictors(models, options.threads)?, options, &log, metrics.working())?,
        drawing: options.drawing.clone(),
        metrics,
        log: Arc::clone(&log),
        timeout: options.timeout,
        hosts: Hosts::new(options.host, &options.allowed_hosts),
        api_keys: options.api_keys.clone(),
        stopping: AtomicBool::new(false),
    });
    let app = router::layered(routes, &options.allowed_origins, service.clone());
    let threads = options.threads.max(1);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.min(4))
        .enable_all()
        .build()
        .map_err(ServeError::Threads)?;
    let address = SocketAddr::new(options.host, options.port);
    let served = runtime.block_on(async {
        let listener = TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })?;
        // Signals may arrive as soon as `ready` has been called.
        let signals = Signals::new().map_err(ServeError::Threads)?;
        let bound = listener.local_addr().map_err(|source| ServeError::Listen { address, source })?;
        if ready(bound).is_continue() {
            accept(listener, app, service, signals, &log).await;
        }
        Ok(())
    });
    // Work whose client has gone away is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

/// Predictors of a run, one for each worker thread.
fn predictors(models: TrainedModels, threads: usize) -> Result<Vec<Box<dyn Predictor>>, RunFailure> {
    let models = Arc::new(models);
    (0..threads.max(1)).map(|_| Ok(Box::new(RunPredictor::new(&models)?) as Box<dyn Predictor>)).collect()
}

/// Accepts connections until a signal arrives, then shuts down gracefully.
async fn accept(listener: TcpListener, app: Router, service: Service, mut signals: Signals, log: &Log) {
    let connections = Connections::new(MAX_CONNECTIONS, MAX_BODIES_BYTES);
    let stopping = watch::Sender::new(false);
    loop {
        let next = async {
            let (stream, peer) = listener.accept().await?;
            Ok::<_, io::Error>((stream, connections.admit(peer).await))
        };
        tokio::select! {
            accepted = next => match accepted {
                Ok((stream, place)) => {
                    let (app, stopping) = (app.clone(), stopping.subscribe());
                    tokio::spawn(connection::serve(stream, place, app, stopping, service.clone()));
                }
                Err(error) => {
                    log(&format!("cannot accept a connection: {error}"));
                    if error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code)) {
                        connections.evict_slowest();
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            () = signals.next() => break,
        }
    }
    service.stop();
    drop(listener);
    log("stopping: completing the requests in flight, accepting no new connections");
    stopping.send_replace(true);
    tokio::select! {
        () = connections.all_closed() => {}
        () = tokio::time::sleep(service.timeout + SHUTDOWN_GRACE) => {
            log("shutdown timeout: requests in flight were aborted");
        }
        () = signals.next() => log("second signal: stopped immediately"),
    }
}

/// Signals that ask the process to stop.
struct Signals {
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(unix)]
    interrupt: Signal,
}

impl Signals {
    /// Installs the handlers; from now on the signals do not end the process by themselves.
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next signal.
    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
