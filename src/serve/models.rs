//! The threads that ask the models, together for requests that arrive together.
//!
//! A model's weights and trees are larger than the nearest caches: one image after another fetches all of them anew each time. So a thread takes every
//! image that waits, and asks about all of them at once where that is faster. Nobody waits for a batch to fill: an image that comes alone is read
//! alone, and under load the images that came while the last ones were read are the next batch.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use tokio::sync::oneshot;

use super::{
    desk::{Log, Place},
    problem::Problem,
};
use crate::{
    data::{CLASSES, Images, PIXELS},
    pipeline::{Opinion, Reader, RunFailure, SavedRun},
    progress::Silent,
    verdict::Verdict,
};

/// From so many images on the batch path is faster: 4 images of the mnist-cpu stack take 6.7 ms one by one, and 9 at once 7.3 (benches/README.md).
pub(super) const BATCH: usize = 5;
/// Most images that are asked about at once, so that the first of them does not wait long for the last.
const MOST: usize = 32;

/// What the models think of one image.
pub(super) struct Read {
    pub(super) verdict: Verdict,
    /// Members in order, then the stack, then the ensembles.
    pub(super) opinions: Vec<Opinion<[f32; CLASSES]>>,
}

/// An image that waits.
struct Job {
    image: [u8; PIXELS],
    reply: oneshot::Sender<Read>,
    /// Kept until the image is read, even if nobody waits for it any more.
    _place: Arc<Place>,
}

/// Hands images to the threads. When the last clone is dropped, they end.
#[derive(Clone)]
pub(super) struct Models(mpsc::Sender<Job>);

impl Models {
    /// Starts the threads.
    ///
    /// # Errors
    /// If the models of the run do not belong together, or the system gives no thread.
    pub(super) fn start(run: &Arc<SavedRun>, threads: usize, log: &Log) -> Result<Self, super::ServeError> {
        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for index in 0..threads {
            let mut worker = Worker { run: Arc::clone(run), reader: Reader::new(run)?, log: Arc::clone(log) };
            let receiver = Arc::clone(&receiver);
            let work = move || {
                while let Some(jobs) = next(&receiver) {
                    worker.read(jobs);
                }
            };
            thread::Builder::new().name(format!("models-{index}")).spawn(work).map_err(super::ServeError::Threads)?;
        }
        Ok(Self(sender))
    }

    /// What the models think of a 28×28 image as it came.
    pub(super) async fn read(&self, image: [u8; PIXELS], place: Arc<Place>) -> Result<Read, Problem> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Job { image, reply, _place: place }).map_err(|_| Problem::internal())?;
        // A job that failed is dropped, and so is its reply; the log says why.
        answer.await.map_err(|_| Problem::internal())
    }
}

/// Every image that waits, at least one; none once nobody can send any more.
fn next(receiver: &Mutex<mpsc::Receiver<Job>>) -> Option<Vec<Job>> {
    let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
    let mut jobs = vec![receiver.recv().ok()?];
    jobs.extend(receiver.try_iter().take(MOST - 1));
    Some(jobs)
}

/// One of the threads.
struct Worker {
    run: Arc<SavedRun>,
    reader: Reader,
    log: Log,
}

impl Worker {
    fn read(&mut self, mut jobs: Vec<Job>) {
        jobs.retain(|job| !job.reply.is_closed());
        let images: Vec<[u8; PIXELS]> = jobs.iter().map(|job| job.image).collect();
        let reads = match catch_unwind(AssertUnwindSafe(|| self.read_all(&images))) {
            Ok(Ok(reads)) => reads,
            Ok(Err(error)) => return (self.log)(&format!("{} requests failed: {error}", jobs.len())),
            Err(panic) => {
                return (self.log)(&format!("{} requests failed: {}", jobs.len(), crate::stacking::panic_message(panic.as_ref())));
            }
        };
        for (job, read) in jobs.into_iter().zip(reads) {
            // Whoever asked may be gone by now.
            let _ = job.reply.send(read);
        }
    }

    fn read_all(&mut self, images: &[[u8; PIXELS]]) -> Result<Vec<Read>, RunFailure> {
        if images.len() < BATCH {
            let one = |image| self.reader.read(image).map(|reading| Read { verdict: reading.verdict, opinions: reading.opinions.to_vec() });
            return images.iter().map(one).collect();
        }
        let prepared = self.run.prepare(&Images::from_images(images.iter().copied()))?;
        let opinions = self.run.opinions(&prepared, &Silent)?;
        let read = |(index, image)| {
            let opinions: Vec<_> = opinions.iter().map(|opinion| opinion.of_image(index)).collect();
            Read { verdict: self.reader.judge(image, &opinions), opinions }
        };
        Ok(images.iter().enumerate().map(read).collect())
    }
}
