//! Engine: permits, a queue and worker threads, on which the models are evaluated.
//!
//! ```text
//! handler → permit → queue → worker → models → reply (frees the permit, then responds)
//! ```

mod models;
mod permit;
mod queue;
mod run_predictor;
#[cfg(test)]
mod tests;
mod worker;

use std::{sync::Arc, thread, time::Instant};

use super::{
    error::ServeError,
    options::{Log, ServeOptions},
    problem::Problem,
};
use permit::{Permits, Reply};
use queue::{Job, Queue, queue};
use worker::Worker;

pub(super) use models::{Models, Predictor, Reading};
pub(super) use permit::Permit;
pub(super) use queue::{PictureRequest, Prediction};
pub(super) use run_predictor::RunPredictor;

/// Handle to the worker threads. When it is dropped, they finish what is queued and end.
pub(super) struct Engine {
    permits: Permits,
    queue: Queue,
}

impl Engine {
    /// Starts one worker thread for each predictor.
    ///
    /// # Errors
    /// [`ServeError::Threads`] if a thread cannot be created.
    pub(super) fn start(
        predictors: Vec<Box<dyn Predictor>>,
        options: &ServeOptions,
        log: &Log,
    ) -> Result<Self, ServeError> {
        let (queue, jobs) = queue();
        for (index, predictor) in predictors.into_iter().enumerate() {
            let worker = Worker {
                models: Models::new(predictor, Arc::clone(log)),
                jobs: jobs.clone(),
                timeout: options.timeout,
                log: Arc::clone(log),
            };
            thread::Builder::new()
                .name(format!("worker-{index}"))
                .spawn(|| worker.run())
                .map_err(ServeError::Threads)?;
        }
        Ok(Self { permits: Permits::new(options.in_flight), queue })
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
        let (reply, response) = Reply::new(permit);
        self.queue.push(Job::Picture { request, queued: Instant::now(), reply })?;
        response.wait().await
    }

    /// Runs a task on a worker thread, unless its client has gone away by then.
    ///
    /// # Errors
    /// Returns the error of the task, or an internal error.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        permit: Permit,
        task: impl FnOnce(&mut Models) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (reply, response) = Reply::new(permit);
        let task = Box::new(move |models: &mut Models| {
            if !reply.is_closed() {
                reply.send(task(models));
            }
        });
        self.queue.push(Job::Task(task))?;
        response.wait().await
    }
}
