//! Connections: accepted with limits on their number and on time, and shut down gracefully.

use std::{
    io,
    net::SocketAddr,
    ops::ControlFlow,
    path::Path,
    pin::Pin,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use axum::{Extension, Router, extract::ConnectInfo, middleware::AddExtension};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_io_timeout::TimeoutStream;
use tower::Layer;

use super::{
    engine::{Engine, Predictor, RunPredictor},
    error::ServeError,
    metrics::Metrics,
    options::{Log, ServeOptions},
    page::Pages,
    router,
    run_summary::RunSummary,
    state::{Service, State},
};
use crate::{
    artifact::{RunFailure, TrainedModels},
    device::ChosenDevice,
};

/// Maximum number of open connections; further ones wait in the backlog of the operating system.
const MAX_CONNECTIONS: usize = 1024;
/// Read timeout for the head of a request, the next one on a persistent connection included.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Write timeout: a connection is closed if its client reads nothing of a response for this long.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest head of a request, in bytes.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Time beyond the request timeout that requests in flight have at shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Serves a complete run until SIGTERM or Ctrl-C, then completes the requests in flight. `ready` is called with the
/// address once the service listens, and stops it with [`ControlFlow::Break`]; `log` receives the lines of the access
/// log, each a JSON object, and messages on other events.
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
    let models = TrainedModels::load(folder, device)?;
    models.artifact().expect_stack()?;
    let (routes, document) = router::routes();
    let service = Service::new(State {
        run: RunSummary::of(&models),
        pages: Pages::new(&models, &options.drawing, &document)?,
        engine: Engine::start(predictors(models, options.threads)?, options, &log)?,
        drawing: options.drawing.clone(),
        metrics: Metrics::new()?,
        log: Arc::clone(&log),
        timeout: options.timeout,
        loopback: options.host.to_canonical().is_loopback(),
        stopping: AtomicBool::new(false),
    });
    let app = router::layered(routes, service.clone());
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
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let next = async {
            // The semaphore is never closed.
            let slot = Arc::clone(&connections).acquire_owned().await;
            (listener.accept().await, slot)
        };
        tokio::select! {
            (accepted, slot) = next => match accepted {
                Ok((stream, peer)) => {
                    let connection = graceful.watch(connection(stream, peer, app.clone()));
                    tokio::spawn(async move {
                        // A client that disconnects or does not speak HTTP is no error of the service.
                        let _ = connection.await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    log(&format!("cannot accept a connection: {error}"));
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            () = signals.next() => break,
        }
    }
    service.stop();
    drop(listener);
    log("stopping: completing the requests in flight, accepting no new connections");
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(service.timeout + SHUTDOWN_GRACE) => {
            log("shutdown timeout: requests in flight were aborted");
        }
        () = signals.next() => log("second signal: stopped immediately"),
    }
}

/// Connection with a write timeout.
type Stream = TokioIo<Pin<Box<TimeoutStream<TcpStream>>>>;
/// Application that knows the address of the client.
type App = TowerToHyperService<AddExtension<Router, ConnectInfo<SocketAddr>>>;

/// Serves one connection with its limits.
fn connection(stream: TcpStream, peer: SocketAddr, app: Router) -> http1::Connection<Stream, App> {
    // Responses are small and are sent at once.
    let _ = stream.set_nodelay(true);
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADER_READ_TIMEOUT).max_buf_size(MAX_HEADER_BYTES);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    server.serve_connection(
        TokioIo::new(Box::pin(stream)),
        TowerToHyperService::new(Extension(ConnectInfo(peer)).layer(app)),
    )
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
