//! Queue between the handlers and the worker threads.

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Instant,
};

use super::{
    super::{picture::PictureBody, problem::Problem, stages::Stages},
    models::{Models, Reading},
    permit::Reply,
};
use crate::imaging::DrawingOptions;

/// Picture to be read.
pub(in crate::serve) struct PictureRequest {
    /// Body of the request, which the worker decodes.
    pub(in crate::serve) body: PictureBody,
    /// Conversion to a 28×28 image.
    pub(in crate::serve) drawing: DrawingOptions,
    /// True if the response shows the intermediate images.
    pub(in crate::serve) stages: bool,
}

/// Result for one picture.
pub(in crate::serve) struct Prediction {
    /// Verdict and probabilities; none for a blank picture.
    pub(in crate::serve) reading: Option<Reading>,
    /// Intermediate images, if requested; none for a blank picture and for pixels.
    pub(in crate::serve) stages: Option<Stages>,
    /// Time from the arrival of the request, time in the queue included, in seconds.
    pub(in crate::serve) seconds: f64,
}

/// Work on the models other than reading a picture; sends its own response.
pub(super) type Task = Box<dyn FnOnce(&mut Models) + Send>;

/// Work for a worker thread.
pub(super) enum Job {
    Picture { request: PictureRequest, queued: Instant, reply: Reply<Prediction> },
    Task(Task),
}

/// Sending end. When it is dropped, the workers finish what is queued and end.
pub(super) struct Queue(mpsc::Sender<Job>);

/// Receiving end; clones take jobs from the same queue.
#[derive(Clone)]
pub(super) struct Jobs(Arc<Mutex<mpsc::Receiver<Job>>>);

/// Both ends of a new queue.
pub(super) fn queue() -> (Queue, Jobs) {
    let (sender, receiver) = mpsc::channel();
    (Queue(sender), Jobs(Arc::new(Mutex::new(receiver))))
}

impl Queue {
    /// Appends a job.
    ///
    /// # Errors
    /// An internal error if no worker is left.
    pub(super) fn push(&self, job: Job) -> Result<(), Problem> {
        self.0.send(job).map_err(|_| Problem::internal())
    }
}

impl Jobs {
    /// Waits for the next job; none once the queue is empty and its sending end is gone.
    pub(super) fn wait(&self) -> Option<Job> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    /// The next job if there is one now. None, too, if another worker is waiting for it.
    pub(super) fn try_next(&self) -> Option<Job> {
        self.0.try_lock().ok()?.try_recv().ok()
    }
}
