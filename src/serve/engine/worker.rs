//! Worker threads: they decode pictures and evaluate the models on batches of them.
//!
//! The weights and trees of the models exceed the nearest caches: evaluating image after image fetches all of them anew
//! each time. So a worker decodes every picture in the queue and evaluates the models on all of them at once where that
//! is faster. There is no wait for a batch to fill: a picture that arrives alone is evaluated alone, and under load the
//! pictures that arrived during one batch form the next. One thread takes a request from its bytes to its response,
//! because handing it over costs more than decoding a small drawing.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    super::{
        options::Log,
        picture::{Picture, PictureBody},
        problem::Problem,
        stages::Stages,
    },
    models::{Models, Reading},
    page::Next,
    queue::{Job, Large, Order, Prediction, Queue},
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
    pub(super) queue: Arc<Queue>,
    /// Jobs that were queued for longer are dropped: their clients have been answered 408.
    pub(super) timeout: Duration,
    pub(super) log: Log,
}

/// Decoded picture in a batch.
struct Pending {
    input: Input,
    order: Order,
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
        while let Some(first) = self.queue.wait() {
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
            next = if is_full { None } else { self.queue.try_next() };
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.finish(batch))) {
            (self.log)(&format!("requests failed: {}", panic_message(panic.as_ref())));
        }
    }

    /// Adds a picture to the batch, responds to one that needs no model, or does a part of a task or a page.
    fn begin(&mut self, job: Job, batch: &mut Vec<Pending>) {
        match job {
            Job::Picture { body, order } => self.begin_picture(body, order, batch),
            Job::Large { picture, order, memory } => {
                // Decoding it takes long; decoded pictures do not wait for it.
                self.finish(std::mem::take(batch));
                self.read(picture, order, batch);
                drop(memory);
            }
            Job::Task(mut task) => {
                // A task may take long; decoded pictures do not wait for it.
                self.finish(std::mem::take(batch));
                if !task(&mut self.models) {
                    self.queue.push(Job::Task(task));
                }
            }
            Job::Page(page) => {
                self.finish(std::mem::take(batch));
                match page.advance(&mut self.models, self.timeout) {
                    Next::Part(page) => self.queue.push(Job::Page(page)),
                    Next::Memory(page, bytes) => self.queue.push_large(Large::Page(page), bytes),
                    Next::End => {}
                }
            }
        }
    }

    fn begin_picture(&mut self, body: PictureBody, order: Order, batch: &mut Vec<Pending>) {
        if self.is_too_late(&order) {
            return;
        }
        match body.decode() {
            Ok(picture) => match picture.large_bytes() {
                Some(bytes) => self.queue.push_large(Large::Picture(picture, order), bytes),
                None => self.read(picture, order, batch),
            },
            Err(problem) => order.reply.send(Err(problem)),
        }
    }

    /// Decodes a picture and adds it to the batch, unless it is blank or damaged.
    fn read(&self, picture: Picture, order: Order, batch: &mut Vec<Pending>) {
        if self.is_too_late(&order) {
            return;
        }
        match input(picture, &order.drawing) {
            Ok(Some(input)) => batch.push(Pending { input, order }),
            Ok(None) => order.reply.send(Ok(prediction(None, None, order.queued))),
            Err(problem) => order.reply.send(Err(problem)),
        }
    }

    /// True if the client has gone away or been answered 408.
    fn is_too_late(&self, order: &Order) -> bool {
        order.reply.is_closed() || order.queued.elapsed() > self.timeout
    }

    /// Evaluates the models on a batch and sends the responses.
    fn finish(&mut self, batch: Vec<Pending>) {
        if batch.is_empty() {
            return;
        }
        let images: Vec<[u8; PIXELS]> = batch.iter().map(|pending| *pending.input.image()).collect();
        // Replies that are dropped are internal errors.
        let Ok(readings) = self.models.read(&images) else { return };
        for (Pending { input, order }, reading) in batch.into_iter().zip(readings) {
            let Order { stages, queued, reply, .. } = order;
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
    let file = match picture {
        Picture::Pixels(image) => return Ok(ink_box(&image).is_some().then_some(Input::Pixels(image))),
        Picture::File(file) => file,
    };
    match imaging::read_picture(&file.bytes, drawing) {
        Ok(digit) => Ok(Some(Input::Drawing(Box::new(digit)))),
        Err(DrawingError::Blank) => Ok(None),
        Err(error) => Err(file.rejection(&error)),
    }
}
