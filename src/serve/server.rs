//! Connections: taken one by one, limited in number and in patience, and ended in good order.

use std::{io, net::SocketAddr, path::Path, pin::Pin, sync::Arc, time::Duration};

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

use super::{ServeError, ServeOptions, Service, desk::Log, guarded, routes};
use crate::pipeline::{SavedRun, Work};

/// Connections open at the same time; those beyond wait to be taken.
const CONNECTIONS: usize = 1024;
/// Time for the head of a request, also for the next one on a connection that stays open.
const HEAD: Duration = Duration::from_secs(10);
/// Time that an answer may lie unread before its connection is closed.
const UNREAD: Duration = Duration::from_secs(10);
/// Longest head of a request, in bytes.
const HEAD_BYTES: usize = 16 * 1024;
/// Time beyond a request's own that requests under way have to end once the service is asked to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// Serves a complete run until SIGTERM or Ctrl-C, then lets requests under way end. `ready` is told the address once it
/// listens; `log` takes the lines of the access log, each a JSON object, and words on what else happens.
///
/// # Errors
/// A run that is not complete or damaged, an address that is taken.
pub fn serve(
    folder: &Path,
    options: &ServeOptions,
    work: &Work,
    log: Log,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let run = SavedRun::load(folder, work)?;
    let (routes, document) = routes();
    let service = Service::new(run, folder, options, &document, Arc::clone(&log))?;
    let app = guarded(routes, service.clone());
    let threads = options.threads.max(1);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.min(4))
        .enable_all()
        .build()
        .map_err(ServeError::Threads)?;
    let address = SocketAddr::new(options.host, options.port);
    let served = runtime.block_on(async {
        let listener = TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })?;
        // Whoever is told that the service is ready may stop it at once.
        let signals = Signals::new().map_err(ServeError::Threads)?;
        ready(listener.local_addr().map_err(|source| ServeError::Listen { address, source })?);
        accept(listener, app, service, signals, &log).await;
        Ok(())
    });
    // Work that nobody waits for any more is not waited for here either.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

/// Takes connections until a signal comes.
async fn accept(listener: TcpListener, app: Router, service: Service, mut signals: Signals, log: &Log) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let next = async {
            // The semaphore is never closed.
            let room = Arc::clone(&connections).acquire_owned().await;
            (listener.accept().await, room)
        };
        tokio::select! {
            (accepted, room) = next => match accepted {
                Ok((stream, peer)) => {
                    let connection = graceful.watch(connection(stream, peer, app.clone()));
                    tokio::spawn(async move {
                        // A client that goes away or sends what is no HTTP is its own affair.
                        let _ = connection.await;
                        drop(room);
                    });
                }
                Err(error) => {
                    log(&format!("a connection could not be taken: {error}"));
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            () = signals.next() => break,
        }
    }
    service.stop();
    drop(listener);
    log("stopping: requests under way end, no new ones are taken");
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(service.desk.timeout() + FAREWELL) => log("requests were still under way and are cut off"),
        () = signals.next() => log("a second signal: stopped at once"),
    }
}

/// A client's bytes, which it has to read in time.
type Stream = TokioIo<Pin<Box<TimeoutStream<TcpStream>>>>;
/// Every route, told who asks.
type App = TowerToHyperService<AddExtension<Router, ConnectInfo<SocketAddr>>>;

/// One connection with its limits.
fn connection(stream: TcpStream, peer: SocketAddr, app: Router) -> http1::Connection<Stream, App> {
    // Answers are small and wait for nothing.
    let _ = stream.set_nodelay(true);
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(UNREAD));
    server.serve_connection(
        TokioIo::new(Box::pin(stream)),
        TowerToHyperService::new(Extension(ConnectInfo(peer)).layer(app)),
    )
}

/// The system's signals that ask the process to stop.
struct Signals {
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(unix)]
    interrupt: Signal,
}

impl Signals {
    /// From now on they no longer end the process by themselves.
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Ends when the next one comes.
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
