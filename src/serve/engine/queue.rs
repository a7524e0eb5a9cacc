//! Queue between the handlers and the worker threads.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{
    super::{
        picture::{Picture, PictureBody},
        stages::Stages,
    },
    models::{Models, Reading},
    page::PageJob,
    permit::Reply,
};
use crate::imaging::DrawingOptions;

/// Memory for decoding large pictures at the same time, in bytes. A picture that alone takes more is decoded alone.
const MAX_PIXEL_BYTES: u64 = 256 << 20;

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

/// What is to be done with a picture.
pub(super) struct Order {
    pub(super) drawing: DrawingOptions,
    pub(super) stages: bool,
    pub(super) queued: Instant,
    pub(super) reply: Reply<Prediction>,
}

/// Work on the models other than reading a picture. Does a part of it, and returns true once it is done and has sent
/// its response.
pub(super) type Task = Box<dyn FnMut(&mut Models) -> bool + Send>;

/// Work for a worker thread.
pub(super) enum Job {
    Picture {
        body: PictureBody,
        order: Order,
    },
    /// A picture whose pixels take much memory, and the right to take it.
    Large {
        picture: Picture,
        order: Order,
        memory: PixelMemory,
    },
    Task(Task),
    /// A page of numbers, of which a part is to be done.
    Page(Box<PageJob>),
}

/// Work that takes much memory for pixels.
pub(super) enum Large {
    Picture(Picture, Order),
    Page(Box<PageJob>),
}

/// Jobs in the order of their arrival, from which each worker takes the next.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// Number of pages that are worked on at a time.
    most_pages: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Large pictures that wait for memory, with what they need.
    large: VecDeque<(Large, u64)>,
    /// Memory that large pictures take now.
    pixel_bytes: u64,
    /// Pages that wait for their turn.
    pages: VecDeque<Box<PageJob>>,
    /// Number of pages that have had it and are not answered yet.
    open_pages: usize,
    /// Number of workers that wait for a job.
    idle: usize,
    closed: bool,
}

/// Memory for the pixels of a picture; dropping it frees the memory.
pub(super) struct PixelMemory {
    bytes: u64,
    queue: Arc<Queue>,
}

/// Right of a page to be worked on; dropping it gives the next page its turn.
struct PageSlot(Arc<Queue>);

impl Queue {
    /// An empty queue; at most `most_pages` pages are worked on at a time.
    pub(super) fn new(most_pages: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), most_pages }
    }

    /// Appends a job.
    pub(super) fn push(&self, job: Job) {
        let mut state = self.lock();
        state.jobs.push_back(job);
        if state.idle > 0 {
            self.changed.notify_one();
        }
    }

    /// Hands a large picture to the next worker that is free once there is memory for `bytes` bytes of pixels.
    pub(super) fn push_large(&self, work: Large, bytes: u64) {
        self.lock().large.push_back((work, bytes));
        self.changed.notify_one();
    }

    /// Appends a page: to the jobs if it may be worked on now, otherwise to those that wait for their turn.
    pub(super) fn push_page(self: &Arc<Self>, page: Box<PageJob>) {
        let mut state = self.lock();
        state.pages.push_back(page);
        self.admit_pages(&mut state);
    }

    /// Gives pages their turn while there is room.
    fn admit_pages(self: &Arc<Self>, state: &mut State) {
        while state.open_pages < self.most_pages
            && let Some(mut page) = state.pages.pop_front()
        {
            state.open_pages += 1;
            page.admit(Box::new(PageSlot(Arc::clone(self))));
            state.jobs.push_back(Job::Page(page));
            self.changed.notify_one();
        }
    }

    /// Waits for the next job; none once the queue is closed and empty.
    pub(super) fn wait(self: &Arc<Self>) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = self.take(&mut state) {
                return Some(job);
            }
            if state.closed && state.large.is_empty() && state.pages.is_empty() {
                return None;
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// The next job if there is one now. None, too, if another worker is waiting for it.
    pub(super) fn try_next(self: &Arc<Self>) -> Option<Job> {
        let mut state = self.lock();
        if state.idle > 0 { None } else { self.take(&mut state) }
    }

    /// Lets the workers end once the queue is empty.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The large picture that has waited longest, if there is memory for it, otherwise the next job.
    fn take(self: &Arc<Self>, state: &mut State) -> Option<Job> {
        let taken = state.pixel_bytes;
        let fits = |&mut (_, bytes): &mut (Large, u64)| taken == 0 || taken + bytes <= MAX_PIXEL_BYTES;
        let Some((work, bytes)) = state.large.pop_front_if(fits) else { return state.jobs.pop_front() };
        state.pixel_bytes += bytes;
        let memory = PixelMemory { bytes, queue: Arc::clone(self) };
        Some(match work {
            Large::Picture(picture, order) => Job::Large { picture, order, memory },
            Large::Page(mut page) => {
                page.give(Box::new(memory));
                Job::Page(page)
            }
        })
    }
}

impl Drop for PixelMemory {
    fn drop(&mut self) {
        self.queue.lock().pixel_bytes -= self.bytes;
        self.queue.changed.notify_one();
    }
}

impl Drop for PageSlot {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.open_pages -= 1;
        self.0.admit_pages(&mut state);
        drop(state);
        // Workers that wait for the last page to be answered end now, if the queue is closed.
        self.0.changed.notify_all();
    }
}
