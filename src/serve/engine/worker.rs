//! Worker threads: they decode pictures and evaluate the models on batches of them.
//!
//! The weights and trees of the models exceed the nearest caches: evaluating image after image fetches all of them anew
//! each time. So a worker decodes every picture in the queue and evaluates the models on all of them at once where that
//! is faster. There is no wait for a batch to fill: a picture that arrives alone is evaluated alone, and under load the
//! pictures that arrived during one batch form the next. One thread takes a request from its bytes to its response,
//! because handing it over costs more than decoding a small drawing.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use super::{
    super::{
        options::Log,
        picture::{self, Picture},
        problem::Problem,
        stages::Stages,
    },
    models::{Models, Reading},
    permit::Reply,
    queue::{Job, Jobs, PictureRequest, Prediction},
};
use crate::{
    data::PIXELS,
    fit::panic_message,
    imaging::{self, DrawingError, DrawingOptions, ExtractedDigit, ink_box},
};

/// Maximum batch size; bounds how long the first picture waits for the last.
const MAX_BATCH: usize = 32;
/// Time after which no further picture is added to a batch.
const MAX_BATCH_WAIT: Duration = Duration::from_millis(20);

/// State of one worker thread.
pub(super) struct Worker {
    pub(super) models: Models,
    pub(super) jobs: Jobs,
    /// Jobs that were queued for longer are dropped: their clients have been answered 408.
    pub(super) timeout: Duration,
    pub(super) log: Log,
}

/// Decoded picture in a batch.
struct Pending {
    input: Input,
    stages: bool,
    queued: Instant,
    reply: Reply<Prediction>,
}

/// Image for the models, and how it was made.
enum Input {
    Drawing(Box<ExtractedDigit>),
    Pixels(Box<[u8; PIXELS]>),
}

impl Input {
    fn image(&self) -> &[u8; PIXELS] {
        match self {
            Self::Drawing(digit) => &digit.image,
            Self::Pixels(image) => image,
        }
    }
}

impl Worker {
    /// Works until the sending end of the queue is dropped and the queue is empty.
    pub(super) fn run(mut self) {
        while let Some(first) = self.jobs.wait() {
            self.work_on_batch(first);
        }
    }

    /// Does a job and those that are queued behind it, up to one batch.
    fn work_on_batch(&mut self, first: Job) {
        let (mut batch, begun) = (Vec::new(), Instant::now());
        let mut next = Some(first);
        while let Some(job) = next {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.begin(job, &mut batch))) {
                (self.log)(&format!("a request failed: {}", panic_message(panic.as_ref())));
            }
            let is_full = batch.len() >= MAX_BATCH || begun.elapsed() >= MAX_BATCH_WAIT;
            next = if is_full { None } else { self.jobs.try_next() };
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.finish(batch))) {
            (self.log)(&format!("requests failed: {}", panic_message(panic.as_ref())));
        }
    }

    /// Adds a picture to the batch, responds to one that needs no model, or runs a task.
    fn begin(&mut self, job: Job, batch: &mut Vec<Pending>) {
        let (PictureRequest { body, drawing, stages }, queued, reply) = match job {
            Job::Picture { request, queued, reply } => (request, queued, reply),
            Job::Task(task) => {
                // A task may take long; decoded pictures do not wait for it.
                self.finish(std::mem::take(batch));
                return task(&mut self.models);
            }
        };
        if reply.is_closed() || queued.elapsed() > self.timeout {
            return;
        }
        let picture = body.decode().inspect(|picture| {
            // Decoding it takes long; decoded pictures do not wait for it.
            if picture.is_large() {
                self.finish(std::mem::take(batch));
            }
        });
        match picture.and_then(|picture| input(picture, &drawing)) {
            Ok(Some(input)) => batch.push(Pending { input, stages, queued, reply }),
            Ok(None) => reply.send(Ok(prediction(None, None, queued))),
            Err(problem) => reply.send(Err(problem)),
        }
    }

    /// Evaluates the models on a batch and sends the responses.
    fn finish(&mut self, batch: Vec<Pending>) {
        if batch.is_empty() {
            return;
        }
        let images: Vec<[u8; PIXELS]> = batch.iter().map(|pending| *pending.input.image()).collect();
        // Replies that are dropped are internal errors.
        let Ok(readings) = self.models.read(&images) else { return };
        for (Pending { input, stages, queued, reply }, reading) in batch.into_iter().zip(readings) {
            let stages = match &input {
                Input::Drawing(digit) if stages => Some(Stages::new(digit, &self.models.preprocessed(&digit.image))),
                _ => None,
            };
            reply.send(Ok(prediction(Some(reading), stages, queued)));
        }
    }
}

fn prediction(reading: Option<Reading>, stages: Option<Stages>, queued: Instant) -> Prediction {
    Prediction { reading, stages, seconds: queued.elapsed().as_secs_f64() }
}

/// Decodes a picture and locates the digit in it; none if it is blank.
fn input(picture: Picture, drawing: &DrawingOptions) -> Result<Option<Input>, Problem> {
    let bytes = match picture {
        Picture::Pixels(image) => return Ok(ink_box(&image).is_some().then_some(Input::Pixels(image))),
        Picture::File(bytes) => bytes,
    };
    let decoded = imaging::decode_picture(&bytes).map_err(|error| picture::rejection(&error))?;
    match imaging::digit_from_picture(&decoded, drawing) {
        Ok(digit) => Ok(Some(Input::Drawing(Box::new(digit)))),
        Err(DrawingError::Blank) => Ok(None),
        Err(error) => Err(picture::rejection(&error)),
    }
}
