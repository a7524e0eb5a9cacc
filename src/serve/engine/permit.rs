//! Permits: the limit on concurrent prediction requests.

use std::sync::Arc;

use prometheus::IntGauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::super::problem::Problem;

/// Pool of permits.
pub(super) struct Permits {
    free: Arc<Semaphore>,
    taken: IntGauge,
}

/// Right to one concurrent prediction request; dropping it frees the slot.
///
/// It is acquired when the body of the request has been received, so that slow clients take none, and stays with the
/// work until that is done, even if the client has gone away by then.
pub(in crate::serve) struct Permit {
    #[expect(dead_code, reason = "freed when it is dropped")]
    slot: OwnedSemaphorePermit,
    taken: IntGauge,
}

/// Sender of a response, together with the permit of its request.
///
/// The permit is freed before the response goes out, so that a client that has read it may send the next request at
/// once. Dropped without a response (a worker panicked or a model failed), it frees the permit, too, and the receiver
/// gets an internal error.
pub(super) struct Reply<T> {
    // The first field is dropped first.
    permit: Permit,
    sender: oneshot::Sender<Result<T, Problem>>,
}

/// Receiving end of a [`Reply`].
pub(super) struct Response<T>(oneshot::Receiver<Result<T, Problem>>);

impl Permits {
    /// A number of free permits. `taken` shows how many are not.
    pub(super) fn new(limit: usize, taken: IntGauge) -> Self {
        Self { free: Arc::new(Semaphore::new(limit)), taken }
    }

    /// A permit; none if all are taken.
    pub(super) fn try_acquire(&self) -> Option<Permit> {
        let slot = Arc::clone(&self.free).try_acquire_owned().ok()?;
        self.taken.inc();
        Some(Permit { slot, taken: self.taken.clone() })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.taken.dec();
    }
}

impl<T> Reply<T> {
    pub(super) fn new(permit: Permit) -> (Self, Response<T>) {
        let (sender, receiver) = oneshot::channel();
        (Self { permit, sender }, Response(receiver))
    }

    /// True if nobody waits for the response any more.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Frees the permit, then sends the response. One that nobody waits for any more is dropped.
    pub(super) fn send(self, response: Result<T, Problem>) {
        let Self { permit, sender } = self;
        drop(permit);
        drop(sender.send(response));
    }
}

impl<T> Response<T> {
    /// Waits for the response; an internal error if the reply was dropped without one.
    pub(super) async fn wait(self) -> Result<T, Problem> {
        self.0.await.unwrap_or_else(|_| Err(Problem::internal()))
    }
}
