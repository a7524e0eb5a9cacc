//! Where a request's work is done, and how much of it at once.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    ServeError,
    answer::Answer,
    models::{BATCH, Models},
    picture::{self, Picture},
    problem::Problem,
};
use crate::{
    data::{Images, PIXELS},
    imaging::{self, DrawingError, DrawingOptions, PreparedDigit},
    pipeline::{Opinion, Reader, RunFailure, SavedRun},
    progress::Silent,
};

/// A place among the requests in flight. Whoever works on a request holds it until the work is done, even if nobody waits for it any more.
pub(super) type Place = OwnedSemaphorePermit;

/// Takes a line of the log.
pub(super) type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// The models of a run and the limits on asking them.
pub(super) struct Desk {
    run: Arc<SavedRun>,
    models: Models,
    /// Readers for small batches; nobody uses them now.
    readers: Mutex<Vec<Reader>>,
    places: Arc<Semaphore>,
    timeout: Duration,
    log: Log,
}

/// A picture on its way to the models.
enum Prepared {
    Blank,
    Drawing(PreparedDigit),
    Pixels(Box<[u8; PIXELS]>),
}

impl Desk {
    pub(super) fn new(run: SavedRun, in_flight: usize, timeout: Duration, threads: usize, log: Log) -> Result<Self, ServeError> {
        let run = Arc::new(run);
        let models = Models::start(&run, threads, &log)?;
        Ok(Self { run, models, readers: Mutex::default(), places: Arc::new(Semaphore::new(in_flight)), timeout, log })
    }

    pub(super) fn run(&self) -> &SavedRun {
        &self.run
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A place for a request; none if as many as are allowed are in flight.
    pub(super) fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Does work on a thread that may block. A request whose time has run out before its turn came is not worked on.
    pub(super) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        place: &Arc<Place>,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (desk, place, came) = (Arc::clone(self), Arc::clone(place), Instant::now());
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            if came.elapsed() > desk.timeout { Err(Problem::internal()) } else { work(&desk) }
        });
        task.await.unwrap_or_else(|panic| {
            (self.log)(&format!("a request failed: {panic}"));
            Err(Problem::internal())
        })
    }

    /// Reads the picture that `understand` makes of a request.
    pub(super) async fn answer(
        self: &Arc<Self>,
        place: Place,
        understand: impl FnOnce() -> Result<Picture, Problem> + Send + 'static,
        drawing: DrawingOptions,
        stages: bool,
    ) -> Result<Answer, Problem> {
        let (place, begun) = (Arc::new(place), Instant::now());
        let prepared = self.work(&place, move |_| prepare(understand()?, &drawing)).await?;
        let stack = self.run.stack_name();
        let image = match &prepared {
            Prepared::Blank => return Ok(Answer::blank(stack).timed(begun.elapsed())),
            Prepared::Drawing(digit) => digit.image,
            Prepared::Pixels(image) => **image,
        };
        let read = self.models.read(image, Arc::clone(&place)).await?;
        let answer = match prepared {
            Prepared::Drawing(digit) if stages => {
                // Writing pictures takes about as long as reading them.
                self.work(&place, move |desk| {
                    let changed = desk.with_reader(|reader| Ok(reader.prepared(&digit.image)))?;
                    let changed = Some(changed).filter(|changed| *changed != digit.image);
                    Ok(Answer::of(desk.run.stack_name(), &read, Some((&digit, changed))))
                })
                .await?
            }
            _ => Answer::of(stack, &read, None),
        };
        Ok(answer.timed(begun.elapsed()))
    }

    /// What every model thinks of 28×28 images as they came.
    pub(super) fn opinions(&self, images: &[[u8; PIXELS]]) -> Result<Vec<Opinion>, Problem> {
        if images.len() >= BATCH {
            let images = Images::from_images(images.iter().copied());
            let asked = self.run.prepare(&images).and_then(|prepared| self.run.opinions(&prepared, &Silent));
            return asked.map_err(|error| self.failed(&error));
        }
        self.with_reader(|reader| {
            let mut opinions: Vec<Opinion> = Vec::new();
            for image in images {
                for (place, opinion) in reader.read(image)?.opinions.iter().enumerate() {
                    match opinions.get_mut(place) {
                        Some(rows) => rows.probabilities.push(opinion.probabilities),
                        None => opinions.push(Opinion {
                            name: opinion.name.clone(),
                            kind: opinion.kind,
                            probabilities: vec![opinion.probabilities],
                        }),
                    }
                }
            }
            Ok(opinions)
        })
    }

    fn with_reader<T>(&self, work: impl FnOnce(&mut Reader) -> Result<T, RunFailure>) -> Result<T, Problem> {
        let readers = || self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let free = readers().pop();
        let mut reader = match free {
            Some(reader) => reader,
            None => Reader::new(&self.run).map_err(|error| self.failed(&error))?,
        };
        let result = work(&mut reader);
        readers().push(reader);
        result.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &RunFailure) -> Problem {
        (self.log)(&format!("a request failed: {error}"));
        Problem::internal()
    }
}

/// Decodes a picture and finds the digit in it.
fn prepare(picture: Picture, drawing: &DrawingOptions) -> Result<Prepared, Problem> {
    let bytes = match picture {
        Picture::Pixels(image) => return Ok(Prepared::Pixels(image)),
        Picture::File(bytes) => bytes,
    };
    let decoded = imaging::decode_picture(&bytes).map_err(|error| picture::refused(&error))?;
    match imaging::digit_from_picture(&decoded, drawing) {
        Ok(digit) => Ok(Prepared::Drawing(digit)),
        Err(DrawingError::Blank) => Ok(Prepared::Blank),
        Err(error) => Err(picture::refused(&error)),
    }
}
