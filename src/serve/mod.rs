//! The HTTP service: a page where one draws a digit, and an API that other programs rely on.
//!
//! ```text
//! connection → server → guard (log, host, time, size) → api · inference · page · metrics
//!                                                        └─▶ desk (a place) → models (a thread): picture → answer
//! ```
//!
//! Why this design: what arrives here comes from anybody. So a request is refused at the first door that can refuse it:
//! its head by time and size, its body by length, a picture by the size that its header says, all before memory is
//! asked for; a request beyond the number in flight gets its 429 at once instead of a place in a queue. Everything that
//! a path can lead to is in memory when the service starts: no request touches the file system. Work is done on threads
//! of its own, beside those that hold the connections, and pictures that arrive together are read together.
//!
//! What it does not do: TLS, and deciding who may ask. It listens on a loopback address unless told otherwise; in front
//! of anything else belongs a proxy that does both.

mod answer;
mod api;
mod article;
mod desk;
mod guard;
mod inference;
mod load;
mod metrics;
mod models;
mod page;
mod picture;
mod problem;
mod server;

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::DefaultBodyLimit, middleware};
use utoipa::{OpenApi, openapi::OpenApi as OpenApiDocument};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    evaluation::ModelKind,
    imaging::DrawingOptions,
    pipeline::{RunFailure, SavedRun},
};
use desk::{Desk, Log};
use metrics::Metrics;
use page::Pages;
use problem::Problem;

pub use load::{Load, load};
pub use server::serve;

/// Longest body of a request, in bytes.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// How a run is served.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where to listen.
    pub host: IpAddr,
    /// 0 takes a free one.
    pub port: u16,
    /// How pictures become digits, unless a request says otherwise.
    pub drawing: DrawingOptions,
    /// Requests under way at the same time; more are turned away.
    pub in_flight: usize,
    /// Time that a request may take, from its head to its answer.
    pub timeout: Duration,
    /// Threads that work on pictures.
    pub threads: usize,
}

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The models.
    #[error(transparent)]
    Run(#[from] RunFailure),
    /// The address.
    #[error("cannot listen on {address}: {source}; choose another with --port (0 takes a free one) or --host")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The threads.
    #[error("cannot start the service's threads: {0}")]
    Threads(std::io::Error),
    /// The counters.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// What every handler sees. Clones share it.
#[derive(Clone)]
struct Service(Arc<Shared>);

struct Shared {
    desk: Arc<Desk>,
    drawing: DrawingOptions,
    metrics: Metrics,
    pages: Pages,
    log: Log,
    /// True if only this machine can ask.
    loopback: bool,
    stopping: AtomicBool,
}

impl std::ops::Deref for Service {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Service {
    fn new(
        run: SavedRun,
        folder: &Path,
        options: &ServeOptions,
        document: &OpenApiDocument,
        log: Log,
    ) -> Result<Self, ServeError> {
        let pages = Pages::new(&run, folder, &options.drawing, document)?;
        Ok(Self(Arc::new(Shared {
            desk: Arc::new(Desk::new(run, options.in_flight, options.timeout, options.threads.max(1), &log)?),
            drawing: options.drawing.clone(),
            metrics: Metrics::new()?,
            pages,
            log,
            loopback: options.host.to_canonical().is_loopback(),
            stopping: AtomicBool::new(false),
        })))
    }

    /// Every model by name: members, the stack, the ensembles.
    fn models(&self) -> impl Iterator<Item = (&str, ModelKind)> {
        let config = &self.desk.run().config;
        let members = config.members.iter().map(|member| (member.name(), ModelKind::Member));
        members.chain(config.stacking.meta.iter().map(|meta| (meta.name(), meta.kind())))
    }

    /// What a model is, in one word.
    fn model(&self, name: &str) -> Result<&'static str, Problem> {
        let found = self.models().find(|(known, _)| *known == name);
        let (_, kind) = found.ok_or_else(|| {
            let known: Vec<&str> = self.models().map(|(name, _)| name).collect();
            let name: String = name.chars().take(40).collect();
            Problem::new(
                axum::http::StatusCode::NOT_FOUND,
                format!("there is no model `{name}`; there are {}", known.join(", ")),
            )
        })?;
        Ok(kind.name())
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// No new connections are taken from now on.
    fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

/// The document that describes the API.
#[derive(OpenApi)]
#[openapi(info(
    title = "digitstack",
    description = "Reads handwritten digits with the models of one training run. Every error has a JSON body with the field `error`.",
    license(name = "MIT OR Apache-2.0")
))]
struct Document;

/// Every route with the document that describes it, made of one list: it can neither lack a route nor name one too
/// many.
fn routes() -> (Router<Service>, OpenApiDocument) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(api::predict))
        .routes(routes!(api::run))
        .routes(routes!(page::openapi))
        .routes(routes!(inference::server))
        .routes(routes!(inference::live))
        .routes(routes!(inference::ready))
        .routes(routes!(inference::models))
        .routes(routes!(inference::metadata))
        .routes(routes!(inference::model_ready))
        .routes(routes!(inference::infer))
        .routes(routes!(metrics::metrics))
        .routes(routes!(page::index))
        .routes(routes!(page::asset))
        .routes(routes!(page::report_index))
        .routes(routes!(page::report))
        .split_for_parts()
}

/// The routes behind everything that each request passes.
fn guarded(routes: Router<Service>, service: Service) -> Router {
    routes
        .fallback(guard::not_found)
        .method_not_allowed_fallback(guard::not_allowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(service.clone(), guard::limit))
        .layer(middleware::from_fn_with_state(service.clone(), guard::local_name))
        .layer(middleware::from_fn_with_state(service.clone(), guard::watch))
        .with_state(service)
}
