//! The models, ready to answer, and how much they may be asked at once.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    answer::Answer,
    picture::{self, Picture},
    problem::Problem,
};
use crate::{
    data::{Images, PIXELS},
    imaging::{self, DrawingError, DrawingOptions, PreparedDigit},
    pipeline::{Opinion, Reader, RunFailure, SavedRun},
    progress::Silent,
};

/// Images that are read one by one; more go through the batch path, which has all cores.
pub(super) const FEW: usize = 8;

/// A place among the requests in flight. Whoever works on a request holds it until the work is done, even if nobody waits for it any more.
pub(super) type Place = OwnedSemaphorePermit;

/// The models of a run and the limits on asking them.
pub(super) struct Desk {
    run: SavedRun,
    /// Readers that nobody uses; as many are made as work at the same time.
    readers: Mutex<Vec<Reader>>,
    places: Arc<Semaphore>,
    timeout: Duration,
    log: Log,
}

/// Takes a line of the log.
pub(super) type Log = Arc<dyn Fn(&str) + Send + Sync>;

impl Desk {
    pub(super) fn new(run: SavedRun, in_flight: usize, timeout: Duration, log: Log) -> Result<Self, RunFailure> {
        let readers = Mutex::new(vec![Reader::new(&run)?]);
        Ok(Self { run, readers, places: Arc::new(Semaphore::new(in_flight)), timeout, log })
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
        place: Place,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (desk, came) = (Arc::clone(self), Instant::now());
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            if came.elapsed() > desk.timeout { Err(Problem::internal()) } else { work(&desk) }
        });
        task.await.unwrap_or_else(|panic| {
            (self.log)(&format!("a request failed: {panic}"));
            Err(Problem::internal())
        })
    }

    /// Reads a picture.
    pub(super) fn answer(&self, picture: &Picture, drawing: &DrawingOptions, stages: bool) -> Result<Answer, Problem> {
        let begun = Instant::now();
        let answer = match picture {
            Picture::Pixels(image) => self.read(None, image, false),
            Picture::File(bytes) => {
                let decoded = imaging::decode_picture(bytes).map_err(|error| picture::refused(&error))?;
                match imaging::digit_from_picture(&decoded, drawing) {
                    Ok(digit) => self.read(Some(&digit), &digit.image, stages),
                    Err(DrawingError::Blank) => Ok(Answer::blank(self.run.stack_name())),
                    Err(error) => return Err(picture::refused(&error)),
                }
            }
        };
        Ok(answer?.timed(begun.elapsed().as_secs_f64() * 1e3))
    }

    fn read(&self, digit: Option<&PreparedDigit>, image: &[u8; PIXELS], stages: bool) -> Result<Answer, Problem> {
        self.with_reader(|reader| {
            let changed = Some(reader.prepared(image)).filter(|prepared| prepared != image);
            let reading = reader.read(image)?;
            Ok(Answer::of(self.run.stack_name(), &reading, digit.filter(|_| stages).map(|digit| (digit, changed))))
        })
    }

    /// What every model thinks of 28×28 images as they came.
    pub(super) fn opinions(&self, images: &[[u8; PIXELS]]) -> Result<Vec<Opinion>, Problem> {
        if images.len() > FEW {
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
