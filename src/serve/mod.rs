//! HTTP service: a page to draw digits on, and an API for other programs.
//!
//! ```text
//! server → connection → router → middleware (access log, host, origins, keys, limits)
//!   → handlers (predict, read, inference, page, …) → body
//!       └─▶ engine: permit → queue → worker → models
//! ```
//!
//! | module | contents |
//! |---|---|
//! | `server` | start, acceptance of connections, graceful shutdown |
//! | `connection` | one connection with its limits; all of them, and which one makes room for another |
//! | `router` | every route, its OpenAPI document, the layers around the routes |
//! | `middleware` | access log, security headers, `Host` check, other origins, API keys, limits on time and size |
//! | `hosts`, `origin`, `api_keys` | who may ask: names of the service, pages of other origins, keys |
//! | `handlers` | one file per group of routes |
//! | `body` | bodies of requests: received with limits, decompressed |
//! | `log_queue` | log lines on their way to a receiver that may be slow |
//! | `state` | what handlers share: engine, run summary, metrics, page |
//! | `engine` | permits, the queue, worker threads that decode pictures and evaluate the models in batches |
//! | `grey` | scale of grey levels that are sent as numbers |
//! | `picture`, `stages`, `problem` | the picture in a body, intermediate images of a response, error responses |
//! | `page` | the drawing page, its assets and the report of the run, all rendered at start |
//! | `load_generator` | clients for load tests |
//!
//! Why this design: requests are untrusted. Each is rejected by the first check that can reject it: its head by time
//! and size, its body by length, a picture by the dimensions in its header, all before memory is allocated for it.
//! Requests beyond the concurrency limit are answered 429 at once instead of being queued. Places for connections and
//! memory for bodies are limited apart from that, and where they run out, the client that has kept the service waiting
//! longest makes room: slow clients cannot keep quick ones out. Everything that a path can
//! refer to is in memory when the service starts: no request touches the file system. Models are evaluated on worker
//! threads, apart from the threads that serve connections, and pictures that arrive together are evaluated as a batch;
//! what takes long, a large batch or a page of numbers, is done in parts between which others have their turn.
//!
//! Not covered: TLS. The service listens on a loopback address unless told otherwise; elsewhere, put a reverse proxy
//! that provides it in front: keys cross the network as they are.

mod api_keys;
mod body;
mod connection;
mod engine;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod grey;
mod handlers;
mod hosts;
mod load_generator;
mod log_queue;
mod metrics;
mod middleware;
mod options;
mod origin;
mod page;
mod picture;
mod problem;
mod router;
mod run_summary;
mod server;
mod stages;
mod state;

pub use api_keys::{ApiKeyError, ApiKeys};
pub use error::ServeError;
pub use load_generator::{LoadReport, load};
pub use options::ServeOptions;
pub use origin::Origin;
pub use page::standalone_page;
pub use server::serve;
