//! The threads that do the work: they decode pictures, and ask the models together for pictures that arrive together.
//!
//! A model's weights and trees are larger than the nearest caches: one image after another fetches all of them anew
//! each time. So a thread prepares every picture that waits, and asks the models about all of them at once where that
//! is faster. Nobody waits for a batch to fill: a picture that comes alone is read alone, and under load the pictures
//! that came while the last ones were read are the next batch. One thread takes a request from its bytes to its answer,
//! because handing it on costs more than decoding a small drawing.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    ServeError,
    answer::Answer,
    desk::{Log, Place},
    picture::{self, Picture},
    problem::Problem,
};
use crate::{
    data::{CLASSES, Images, PIXELS},
    imaging::{self, DrawingError, DrawingOptions, PreparedDigit, ink_box},
    pipeline::{Opinion, Reader, RunFailure, SavedRun, WORTH_A_BATCH},
    progress::Silent,
    stacking::panic_message,
    verdict::Verdict,
};

/// Most pictures that are read together, so that the first of them does not wait long for the last.
const MOST: usize = 32;
/// No further picture is taken after this time, and none that takes long to decode: those that are ready do not wait
/// for it.
const GATHER: Duration = Duration::from_millis(20);

/// What the models think of one image.
pub(super) struct Read {
    pub(super) verdict: Verdict,
    /// Members in order, then the stack, then the ensembles.
    pub(super) opinions: Vec<Opinion<[f32; CLASSES]>>,
}

/// A picture that is to be read.
pub(super) struct Order {
    /// Makes the picture of a request's body.
    pub(super) understand: Box<dyn FnOnce() -> Result<Picture, Problem> + Send>,
    pub(super) drawing: DrawingOptions,
    /// Whether the answer shows the pictures on the way.
    pub(super) stages: bool,
}

/// Work for a thread. The place is kept until it is done, even if nobody waits for it any more, and is free again
/// before the answer goes out: who has it may ask at once for more.
enum Job {
    Picture { order: Order, reply: oneshot::Sender<Result<Answer, Problem>>, begun: Instant, place: Place },
    Other { work: Work, place: Place },
}

/// What is done on one of the threads; it gives the place back before it answers.
type Work = Box<dyn FnOnce(&mut Worker, Place) + Send>;

/// Hands work to the threads. When it is dropped, they end.
pub(super) struct Models(mpsc::Sender<Job>);

impl Models {
    /// Starts the threads.
    ///
    /// # Errors
    /// If the models of the run do not belong together, or the system gives no thread.
    pub(super) fn start(run: &Arc<SavedRun>, threads: usize, timeout: Duration, log: &Log) -> Result<Self, ServeError> {
        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for index in 0..threads {
            let reader = Reader::new(run)?;
            let mut worker =
                Worker { run: Arc::clone(run), reader, timeout, log: Arc::clone(log), jobs: Arc::clone(&receiver) };
            let work = move || while worker.round() {};
            thread::Builder::new().name(format!("models-{index}")).spawn(work).map_err(ServeError::Threads)?;
        }
        Ok(Self(sender))
    }

    /// Reads a picture.
    pub(super) async fn answer(&self, order: Order, place: Place) -> Result<Answer, Problem> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Job::Picture { order, reply, begun: Instant::now(), place }).map_err(|_| Problem::internal())?;
        // Work that failed is dropped, and so is its reply; the log says why.
        answer.await.unwrap_or_else(|_| Err(Problem::internal()))
    }

    /// Does other work on one of the threads.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce(&mut Worker) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        // Whoever asked may be gone when it is done.
        let work = Box::new(move |worker: &mut Worker, place: Place| {
            if !reply.is_closed() {
                let done = work(worker);
                drop(place);
                drop(reply.send(done));
            }
        });
        self.0.send(Job::Other { work, place }).map_err(|_| Problem::internal())?;
        answer.await.unwrap_or_else(|_| Err(Problem::internal()))
    }
}

/// One of the threads.
pub(super) struct Worker {
    run: Arc<SavedRun>,
    reader: Reader,
    timeout: Duration,
    log: Log,
    jobs: Arc<Mutex<mpsc::Receiver<Job>>>,
}

/// A picture that waits for the models.
struct Waiting {
    prepared: Prepared,
    stages: bool,
    reply: oneshot::Sender<Result<Answer, Problem>>,
    begun: Instant,
    place: Place,
}

/// What the models are asked about.
enum Prepared {
    Drawing(Box<PreparedDigit>),
    Pixels(Box<[u8; PIXELS]>),
}

impl Prepared {
    fn image(&self) -> &[u8; PIXELS] {
        match self {
            Self::Drawing(digit) => &digit.image,
            Self::Pixels(image) => image,
        }
    }
}

impl Worker {
    /// Takes what waits, at least one piece of work, and does it; false once there can be no more.
    fn round(&mut self) -> bool {
        let Some(first) = self.next(true) else { return false };
        let (mut waiting, begun) = (Vec::new(), Instant::now());
        let mut job = Some(first);
        while let Some(next) = job {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.begin(next, &mut waiting))) {
                (self.log)(&format!("a request failed: {}", panic_message(panic.as_ref())));
            }
            job = if waiting.len() < MOST && begun.elapsed() < GATHER { self.next(false) } else { None };
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.finish(waiting))) {
            (self.log)(&format!("requests failed: {}", panic_message(panic.as_ref())));
        }
        true
    }

    fn next(&self, wait: bool) -> Option<Job> {
        let jobs = self
            .jobs
            .try_lock()
            .ok()
            .or_else(|| wait.then(|| self.jobs.lock().unwrap_or_else(PoisonError::into_inner)))?;
        if wait { jobs.recv().ok() } else { jobs.try_recv().ok() }
    }

    /// Prepares a picture for the models, answers what needs none, or does other work.
    fn begin(&mut self, job: Job, waiting: &mut Vec<Waiting>) {
        let (order, reply, begun, place) = match job {
            Job::Picture { order, reply, begun, place } => (order, reply, begun, place),
            Job::Other { work, place } => {
                // Pictures that are ready do not wait for a batch.
                self.finish(std::mem::take(waiting));
                return work(self, place);
            }
        };
        if reply.is_closed() || begun.elapsed() > self.timeout {
            return;
        }
        let Order { understand, drawing, stages } = order;
        let picture = understand().inspect(|picture| {
            if picture.is_large() {
                self.finish(std::mem::take(waiting));
            }
        });
        let answer = match picture.and_then(|picture| prepare(picture, &drawing)) {
            Ok(Some(prepared)) => return waiting.push(Waiting { prepared, stages, reply, begun, place }),
            Ok(None) => Ok(Answer::blank(self.run.stack_name()).timed(begun.elapsed())),
            Err(problem) => Err(problem),
        };
        drop(place);
        drop(reply.send(answer));
    }

    /// Asks the models, and answers.
    fn finish(&mut self, waiting: Vec<Waiting>) {
        let images: Vec<[u8; PIXELS]> = waiting.iter().map(|waiting| *waiting.prepared.image()).collect();
        let reads = match self.read_all(&images) {
            Ok(reads) => reads,
            Err(error) => return (self.log)(&format!("{} requests failed: {error}", waiting.len())),
        };
        for (Waiting { prepared, stages, reply, begun, place }, read) in waiting.into_iter().zip(reads) {
            let stages = match &prepared {
                Prepared::Drawing(digit) if stages => {
                    let changed = Some(self.reader.prepared(&digit.image)).filter(|changed| *changed != digit.image);
                    Some((digit.as_ref(), changed))
                }
                _ => None,
            };
            let answer = Answer::of(self.run.stack_name(), &read, stages);
            drop(place);
            drop(reply.send(Ok(answer.timed(begun.elapsed()))));
        }
    }

    fn read_all(&mut self, images: &[[u8; PIXELS]]) -> Result<Vec<Read>, RunFailure> {
        if images.len() < WORTH_A_BATCH {
            let one = |image| {
                self.reader
                    .read(image)
                    .map(|reading| Read { verdict: reading.verdict, opinions: reading.opinions.to_vec() })
            };
            return images.iter().map(one).collect();
        }
        let opinions = self.opinions_at_once(images)?;
        let read = |(index, image)| {
            let opinions: Vec<_> = opinions.iter().map(|opinion| opinion.of_image(index)).collect();
            Read { verdict: self.reader.judge(image, &opinions), opinions }
        };
        Ok(images.iter().enumerate().map(read).collect())
    }

    fn opinions_at_once(&self, images: &[[u8; PIXELS]]) -> Result<Vec<Opinion>, RunFailure> {
        self.run.opinions(&self.run.prepare(&Images::from_images(images.iter().copied()))?, &Silent)
    }

    /// What every model thinks of 28×28 images as they came.
    pub(super) fn opinions(&mut self, images: &[[u8; PIXELS]]) -> Result<Vec<Opinion>, Problem> {
        let asked = if images.len() >= WORTH_A_BATCH {
            self.opinions_at_once(images)
        } else {
            self.opinions_one_by_one(images)
        };
        asked.map_err(|error| {
            (self.log)(&format!("a request failed: {error}"));
            Problem::internal()
        })
    }

    fn opinions_one_by_one(&mut self, images: &[[u8; PIXELS]]) -> Result<Vec<Opinion>, RunFailure> {
        let mut opinions: Vec<Opinion> = Vec::new();
        for image in images {
            for (place, opinion) in self.reader.read(image)?.opinions.iter().enumerate() {
                match opinions.get_mut(place) {
                    Some(rows) => rows.probabilities.push(opinion.probabilities),
                    None => {
                        let probabilities = vec![opinion.probabilities];
                        opinions.push(Opinion { name: opinion.name.clone(), kind: opinion.kind, probabilities });
                    }
                }
            }
        }
        Ok(opinions)
    }
}

/// Decodes a picture and finds the digit in it; none if it is blank.
fn prepare(picture: Picture, drawing: &DrawingOptions) -> Result<Option<Prepared>, Problem> {
    let bytes = match picture {
        Picture::Pixels(image) => return Ok(ink_box(&image).is_some().then_some(Prepared::Pixels(image))),
        Picture::File(bytes) => bytes,
    };
    let decoded = imaging::decode_picture(&bytes).map_err(|error| picture::refused(&error))?;
    match imaging::digit_from_picture(&decoded, drawing) {
        Ok(digit) => Ok(Some(Prepared::Drawing(Box::new(digit)))),
        Err(DrawingError::Blank) => Ok(None),
        Err(error) => Err(picture::refused(&error)),
    }
}
