//! A page on its way through the workers: decoded, its lines found, its numbers read part by part.
//!
//! A page may take seconds. So every part ends soon, and the page then goes to the end of the queue: whoever came
//! meanwhile has to wait for one part of it at most. Only half of the workers may be at pages at a time (the queue sees
//! to that), so that with two workers and more there is one that no page delays.

use std::time::{Duration, Instant};

use super::{
    super::{
        picture::{Picture, PictureBody},
        problem::Problem,
    },
    models::Models,
    permit::Reply,
};
use crate::{
    imaging::{self, InkSource, PagePicture},
    reading::{Number, PageReading, ReadingOptions},
};

/// Images that are evaluated in one part.
const PART: usize = 32;

/// Page to be read.
pub(in crate::serve) struct PageRequest {
    /// Body of the request, which the worker decodes.
    pub(in crate::serve) body: PictureBody,
    /// How it is read.
    pub(in crate::serve) options: ReadingOptions,
    /// Index of the model that reads.
    pub(in crate::serve) model: usize,
}

/// Result for one page.
pub(in crate::serve) struct PageAnswer {
    /// Lines of digits in reading order.
    pub(in crate::serve) numbers: Vec<Number>,
    /// Width and height of the upright picture, in pixels.
    pub(in crate::serve) size: (u32, u32),
    /// Time from the arrival of the request, time in the queue included, in seconds.
    pub(in crate::serve) seconds: f64,
}

/// A page that is being read.
pub(super) struct PageJob {
    stage: Stage,
    options: ReadingOptions,
    model: usize,
    queued: Instant,
    reply: Reply<PageAnswer>,
    /// Memory for its pixels, if they take much, until they are no longer needed.
    memory: Option<Loan>,
    /// Right to be worked on; none while it waits for that.
    slot: Option<Loan>,
}

/// Something of the queue's that dropping gives back.
pub(super) type Loan = Box<dyn Send>;

/// State of a page between two parts.
enum Stage {
    Body(PictureBody),
    Picture(Picture),
    Decoded(Box<PagePicture>),
    Lines {
        reading: Box<PageReading>,
        size: (u32, u32),
    },
    /// Its last part has failed.
    Ended,
}

/// Result of a part.
enum Part {
    Done,
    /// The next one needs so many bytes of memory.
    Memory(u64),
    /// It was the last.
    Answer(Vec<Number>, (u32, u32)),
}

/// Continuation of a page after a part.
pub(super) enum Next {
    /// It has further parts.
    Part(Box<PageJob>),
    /// It has further parts, and needs so many bytes of memory for the next.
    Memory(Box<PageJob>, u64),
    /// It is answered, or nobody waits for the answer.
    End,
}

impl PageJob {
    pub(super) fn new(request: PageRequest, reply: Reply<PageAnswer>) -> Self {
        let PageRequest { body, options, model } = request;
        let stage = Stage::Body(body);
        Self { stage, options, model, queued: Instant::now(), reply, memory: None, slot: None }
    }

    /// Gives the page the right to be worked on.
    pub(super) fn admit(&mut self, slot: Loan) {
        self.slot = Some(slot);
    }

    /// Gives the page memory for its pixels.
    pub(super) fn give(&mut self, memory: Loan) {
        self.memory = Some(memory);
    }

    /// Does the next part. `timeout`: time after which the client has been answered 408.
    pub(super) fn advance(mut self: Box<Self>, models: &mut Models, timeout: Duration) -> Next {
        if self.reply.is_closed() || self.queued.elapsed() > timeout {
            return Next::End;
        }
        match self.part(models) {
            Ok(Part::Done) => Next::Part(self),
            Ok(Part::Memory(bytes)) => Next::Memory(self, bytes),
            Ok(Part::Answer(numbers, size)) => {
                let seconds = self.queued.elapsed().as_secs_f64();
                self.reply.send(Ok(PageAnswer { numbers, size, seconds }));
                Next::End
            }
            Err(problem) => {
                self.reply.send(Err(problem));
                Next::End
            }
        }
    }

    fn part(&mut self, models: &mut Models) -> Result<Part, Problem> {
        match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Body(body) => {
                let picture = body.decode()?;
                let memory = picture.large_page_bytes();
                self.stage = Stage::Picture(picture);
                Ok(memory.map_or(Part::Done, Part::Memory))
            }
            Stage::Picture(picture) => {
                let page = match picture {
                    Picture::File(file) => imaging::decode_page(&file.bytes).map_err(|error| file.rejection(&error))?,
                    Picture::Pixels(image) => {
                        self.options.ink = InkSource::Light;
                        PagePicture::of_digit(&image)
                    }
                };
                self.stage = Stage::Decoded(Box::new(page));
                Ok(Part::Done)
            }
            Stage::Decoded(page) => {
                let size = (page.width, page.height);
                let reading = PageReading::new(&page, self.options.clone(), PART)
                    .map_err(|error| Problem::bad_request(error.to_string()))?;
                self.memory = None;
                self.stage = Stage::Lines { reading: Box::new(reading), size };
                Ok(Part::Done)
            }
            Stage::Lines { mut reading, size } => {
                if reading.advance(|images| models.evidence(self.model, images))? {
                    return Ok(Part::Answer(reading.finish(), size));
                }
                self.stage = Stage::Lines { reading, size };
                Ok(Part::Done)
            }
            Stage::Ended => Err(Problem::internal()),
        }
    }
}
