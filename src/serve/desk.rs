//! The models of a run, and how much they may be asked at once.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{ServeError, models::Models};
use crate::pipeline::SavedRun;

/// A place among the requests in flight. Whoever works on a request holds it until the work is done, even if nobody
/// waits for it any more.
pub(super) type Place = OwnedSemaphorePermit;

/// Takes a line of the log.
pub(super) type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// The models of a run and the limits on asking them.
pub(super) struct Desk {
    run: Arc<SavedRun>,
    models: Models,
    places: Arc<Semaphore>,
    timeout: Duration,
}

impl Desk {
    pub(super) fn new(
        run: SavedRun,
        in_flight: usize,
        timeout: Duration,
        threads: usize,
        log: &Log,
    ) -> Result<Self, ServeError> {
        let run = Arc::new(run);
        let models = Models::start(&run, threads, timeout, log)?;
        Ok(Self { run, models, places: Arc::new(Semaphore::new(in_flight)), timeout })
    }

    pub(super) fn run(&self) -> &SavedRun {
        &self.run
    }

    pub(super) fn models(&self) -> &Models {
        &self.models
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A place for a request; none if as many as are allowed are in flight.
    pub(super) fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }
}
