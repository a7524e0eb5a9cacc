//! HTTP service: a page to draw digits on, and an API for other programs.
//!
//! ```text
//! server (connections) → router → middleware (access log, host, limits)
//!   → handlers (predict, inference, page, …)
//!       └─▶ engine: permit → queue → worker → models
//! ```
//!
//! | module | contents |
//! |---|---|
//! | `server` | connections with their limits, graceful shutdown |
//! | `router` | every route, its OpenAPI document, the layers around the routes |
//! | `middleware` | access log, security headers, `Host` check, limits on time and size |
//! | `handlers` | one file per group of routes |
//! | `state` | what handlers share: engine, run summary, metrics, page |
//! | `engine` | permits, the queue, worker threads that decode pictures and evaluate the models in batches |
//! | `picture`, `stages`, `problem` | request bodies, intermediate images of a response, error responses |
//! | `page` | the drawing page, its assets and the report of the run, all rendered at start |
//! | `load_generator` | clients for load tests |
//!
//! Why this design: requests are untrusted. Each is rejected by the first check that can reject it: its head by time
//! and size, its body by length, a picture by the dimensions in its header, all before memory is allocated for it.
//! Requests beyond the concurrency limit are answered 429 at once instead of being queued. Everything that a path can
//! refer to is in memory when the service starts: no request touches the file system. Models are evaluated on worker
//! threads, apart from the threads that serve connections, and pictures that arrive together are evaluated as a batch.
//!
//! Not covered: TLS and authentication. The service listens on a loopback address unless told otherwise; elsewhere, put
//! a reverse proxy that provides both in front of it.

mod engine;
mod error;
mod handlers;
mod load_generator;
mod metrics;
mod middleware;
mod options;
mod page;
mod picture;
mod problem;
mod router;
mod run_summary;
mod server;
mod stages;
mod state;

pub use error::ServeError;
pub use load_generator::{LoadReport, load};
pub use options::ServeOptions;
pub use server::serve;
