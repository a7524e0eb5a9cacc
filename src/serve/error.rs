//! Errors that keep the service from running.

use std::net::SocketAddr;

use crate::artifact::RunFailure;

/// Error that keeps the service from starting.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The run cannot be loaded.
    #[error(transparent)]
    Run(#[from] RunFailure),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another with --port (0 takes a free one) or --host")]
    Listen {
        /// Requested address.
        address: SocketAddr,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// A thread, the asynchronous runtime or a signal handler cannot be created.
    #[error("cannot start the threads of the service: {0}")]
    Threads(std::io::Error),
    /// A metric cannot be registered.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}
