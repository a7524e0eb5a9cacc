//! State that all handlers share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    api_keys::ApiKeys, engine::Engine, hosts::Hosts, metrics::Metrics, options::Log, page::Pages,
    run_summary::RunSummary,
};
use crate::imaging::DrawingOptions;

/// Handle to the shared state; clones refer to the same one.
#[derive(Clone)]
pub(super) struct Service(Arc<State>);

/// State of a running service.
pub(super) struct State {
    pub(super) engine: Engine,
    pub(super) run: RunSummary,
    /// Conversion of pictures to images where a request does not override it.
    pub(super) drawing: DrawingOptions,
    pub(super) metrics: Metrics,
    pub(super) pages: Pages,
    pub(super) log: Log,
    /// Request timeout.
    pub(super) timeout: Duration,
    /// Names by which requests may address the service.
    pub(super) hosts: Hosts,
    /// Keys of which a request must show one.
    pub(super) api_keys: Option<ApiKeys>,
    pub(super) stopping: AtomicBool,
}

impl Service {
    pub(super) fn new(state: State) -> Self {
        Self(Arc::new(state))
    }
}

impl std::ops::Deref for Service {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl State {
    /// True once the service no longer accepts connections.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Marks the service as no longer accepting connections.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}
