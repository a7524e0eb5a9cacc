//! Engine: permits, a queue and worker threads, on which the models are evaluated.
//!
//! ```text
//! handler → permit → queue → worker → models → reply (frees the permit, then responds)
//! ```
//!
//! No request keeps the workers from the others for long: large batches are evaluated part by part, with other work in
//! between, and of large pictures only so many are decoded at a time as a limit on their pixels' memory allows; the
//! others wait, and small ones pass them. A page of numbers is read part by part, too, and only half of the workers, or
//! the only one, are at pages at a time: a picture that comes meanwhile waits for a part of each of these pages at
//! most.

mod models;
mod page;
mod permit;
mod queue;
mod run_predictor;
#[cfg(test)]
mod tests;
mod worker;

use std::{sync::Arc, thread, time::Instant};

use prometheus::IntGauge;

use super::{
    error::ServeError,
    options::{Log, ServeOptions},
    problem::Problem,
};
use page::PageJob;
use permit::{Permits, Reply};
use queue::{Job, Order, Queue};
use worker::Worker;

pub(super) use models::{Models, Predictor, Reading};
pub(super) use page::{PageAnswer, PageRequest};
pub(super) use permit::Permit;
pub(super) use queue::{PictureRequest, Prediction};
pub(super) use run_predictor::RunPredictor;

/// Handle to the worker threads. When it is dropped, they finish what is queued and end.
pub(super) struct Engine {
    permits: Permits,
    queue: Arc<Queue>,
}

impl Engine {
    /// Starts one worker thread for each predictor. `taken` shows the number of permits that are taken.
    ///
    /// # Errors
    /// [`ServeError::Threads`] if a thread cannot be created.
    pub(super) fn start(
        predictors: Vec<Box<dyn Predictor>>,
        options: &ServeOptions,
        log: &Log,
        taken: IntGauge,
    ) -> Result<Self, ServeError> {
        let queue = Arc::new(Queue::new((predictors.len() / 2).max(1)));
        let engine = Self { permits: Permits::new(options.in_flight, taken), queue };
        for (index, predictor) in predictors.into_iter().enumerate() {
            let worker = Worker {
                models: Models::new(predictor, Arc::clone(log)),
                queue: Arc::clone(&engine.queue),
                timeout: options.timeout,
                log: Arc::clone(log),
            };
            thread::Builder::new()
                .name(format!("worker-{index}"))
                .spawn(|| worker.run())
                .map_err(ServeError::Threads)?;
        }
        Ok(engine)
    }

    /// A permit for a request; none if as many as allowed are in flight.
    pub(super) fn try_acquire(&self) -> Option<Permit> {
        self.permits.try_acquire()
    }

    /// Reads a picture.
    ///
    /// # Errors
    /// If it cannot be decoded, or an internal error.
    pub(super) async fn read(&self, request: PictureRequest, permit: Permit) -> Result<Prediction, Problem> {
        let PictureRequest { body, drawing, stages } = request;
        let (reply, response) = Reply::new(permit);
        let order = Order { drawing, stages, queued: Instant::now(), reply };
        self.queue.push(Job::Picture { body, order });
        response.wait().await
    }

    /// Reads the numbers of a page.
    ///
    /// # Errors
    /// If it cannot be decoded, or an internal error.
    pub(super) async fn read_page(&self, request: PageRequest, permit: Permit) -> Result<PageAnswer, Problem> {
        let (reply, response) = Reply::new(permit);
        self.queue.push_page(Box::new(PageJob::new(request, reply)));
        response.wait().await
    }

    /// Runs a task on the worker threads: calls it until it returns a result, with other work between the calls, unless
    /// its client has gone away by then.
    ///
    /// # Errors
    /// Returns the error of the task, or an internal error.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        permit: Permit,
        mut task: impl FnMut(&mut Models) -> Result<Option<T>, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (reply, response) = Reply::new(permit);
        let mut reply = Some(reply);
        let task = Box::new(move |models: &mut Models| {
            if reply.as_ref().is_none_or(Reply::is_closed) {
                return true;
            }
            let Some(result) = task(models).transpose() else { return false };
            if let Some(reply) = reply.take() {
                reply.send(result);
            }
            true
        });
        self.queue.push(Job::Task(task));
        response.wait().await
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.queue.close();
    }
}
