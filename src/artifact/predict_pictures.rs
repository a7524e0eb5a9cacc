//! Answers to any number of picture files, in their order.
//!
//! Files are read, predicted and handed on in batches: memory does not grow with their number, and what was answered is
//! kept whatever happens later. A batch holds whole pieces of [`CHUNK`] files, each predicted by itself, so that the
//! answers are those of any other number of threads and of any earlier attempt. A file that gives no digit is an entry
//! with its reason; it never stops the rest.

use std::{
    io::{self, Write},
    path::Path,
    time::{Instant, SystemTime},
};

use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    answer::{Answer, Answerer},
    destination::{Destination, PredictCsvError, StopReason},
    failure::RunFailure,
    model_prediction::ModelPrediction,
    predictions::{CHUNK, CHUNKS_EACH},
    trained_models::TrainedModels,
};
use crate::{
    data::{self, CLASSES, DataError, Images, NamedPicture, PIXELS, PictureProblem, PictureProblemKind},
    fit::FitContext,
    imaging::{self, DrawingOptions},
    preprocessing::picture_problem,
    progress::Silent,
    storage::{self, GrowingFile, Sha256Digest},
    verdict::Refusal,
};

/// A prediction of picture files.
pub struct PicturesRequest<'a> {
    /// The files, in the order of their answers.
    pub pictures: &'a [NamedPicture],
    /// How a picture becomes a 28×28 image.
    pub drawing: DrawingOptions,
    /// Index of the model that answers, among [`TrainedModels::names`].
    pub model: usize,
    /// Confidence below which an answer is refused, 0 to 1; 0 refuses none.
    pub min_confidence: f32,
    /// Whether the predictions of the other models are wanted too.
    pub all_models: bool,
}

/// Outcome of one file: the answer with the predictions of all models, if those are wanted, or the reason why there is
/// none.
pub type PictureOutcome = Result<(Answer, Vec<ModelPrediction<[f32; CLASSES]>>), PictureProblem>;

/// Summary of the answers to picture files.
#[derive(Clone, Debug, Serialize)]
pub struct PicturesSummary {
    /// The model that answered.
    pub model: String,
    /// Files in all.
    pub files: usize,
    /// Files that gave a digit that is not refused.
    pub answered: usize,
    /// Refused or unreadable files, by reason; reasons without a file are left out.
    pub refused: Vec<(String, usize)>,
    /// Files that could be read as pictures, blank ones among them.
    pub readable: usize,
    /// Answers of each class that are not refused.
    pub digits: [u64; CLASSES],
    /// Time for all files, in seconds; loading the model does not count.
    pub seconds: f64,
    /// The most memory that the process has held at once, in bytes, where that can be found out.
    pub peak_memory: Option<u64>,
}

/// Reasons in [`PicturesSummary::refused`], in its order.
const REASONS: [&str; 6] = ["unsure", "several-digits", "scribble", "blank", "unreadable", "not-a-picture"];

/// Name of a reason why a file gives no digit, as in JSON and in the CSV column `refusal`.
pub fn problem_name(kind: PictureProblemKind) -> &'static str {
    match kind {
        PictureProblemKind::Unreadable => "unreadable",
        PictureProblemKind::Blank => Refusal::Blank.name(),
        PictureProblemKind::NotAPicture => "not-a-picture",
    }
}

/// Answers every file, and hands each outcome to `sink` in order.
///
/// # Errors
/// The first error of the models, the error of `sink`, or [`StopReason::Cancelled`].
pub fn predict_pictures<E: From<StopReason>>(
    trained: &TrainedModels,
    request: &PicturesRequest,
    context: &FitContext,
    sink: impl FnMut(&NamedPicture, PictureOutcome) -> Result<(), E>,
) -> Result<(), E> {
    predict_from(0, trained, request, context, sink)
}

fn predict_from<E: From<StopReason>>(
    first: usize,
    trained: &TrainedModels,
    request: &PicturesRequest,
    context: &FitContext,
    mut sink: impl FnMut(&NamedPicture, PictureOutcome) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |error: RunFailure| E::from(StopReason::Failure(Box::new(error)));
    let answerer = Answerer::new(trained, request.model, request.min_confidence).map_err(failed)?;
    let task = context.progress.task("predict", request.pictures.len() as u64, "pictures");
    task.advance(first as u64);
    for batch in request.pictures[first..].chunks(CHUNK * CHUNKS_EACH * context.threads) {
        if context.cancel.is_cancelled() {
            return Err(StopReason::Cancelled.into());
        }
        let images: Vec<_> = batch.par_iter().map(|picture| read(picture, &request.drawing)).collect();
        let pieces: Vec<_> = images.chunks(CHUNK).map(|piece| (piece, answerer.clone())).collect();
        let answer = |(piece, answerer)| answer(piece, trained, request, answerer);
        // A GPU is asked by one thread.
        let outcomes: Result<Vec<Vec<PictureOutcome>>, RunFailure> = match trained.is_on_cpu() {
            true => pieces.into_par_iter().map(answer).collect(),
            false => pieces.into_iter().map(answer).collect(),
        };
        let outcomes = outcomes.map_err(failed)?;
        for (picture, outcome) in batch.iter().zip(outcomes.into_iter().flatten()) {
            sink(picture, outcome)?;
        }
        task.advance(batch.len() as u64);
    }
    Ok(())
}

/// Reads a file; whatever is wrong with it is a problem of this file alone.
fn read(picture: &NamedPicture, drawing: &DrawingOptions) -> Result<[u8; PIXELS], PictureProblem> {
    imaging::read_picture(&picture.bytes()?, drawing).map(|digit| digit.image).map_err(|error| picture_problem(&error))
}

/// Answers the images of one piece.
fn answer(
    chunk: &[Result<[u8; PIXELS], PictureProblem>],
    trained: &TrainedModels,
    request: &PicturesRequest,
    mut answerer: Answerer,
) -> Result<Vec<PictureOutcome>, RunFailure> {
    let images = Images::from_images(chunk.iter().filter_map(|image| image.as_ref().ok().copied()));
    let models = match (images.is_empty(), request.all_models) {
        (true, _) => Vec::new(),
        (false, true) => trained.predict_all(&images, &Silent)?,
        (false, false) => {
            let (name, kind) = &trained.names_and_kinds()[request.model];
            let probabilities = trained.predict(request.model, &images)?;
            vec![ModelPrediction { name: name.clone(), kind: *kind, probabilities }]
        }
    };
    let own = if request.all_models { request.model } else { 0 };
    let mut place = 0;
    let outcome = |image: &Result<[u8; PIXELS], PictureProblem>| {
        let image = image.as_ref().map_err(Clone::clone)?;
        let answer = answerer.answer(image, &models[own].probabilities[place]);
        let others =
            if request.all_models { models.iter().map(|model| model.of_image(place)).collect() } else { Vec::new() };
        place += 1;
        Ok((answer, others))
    };
    Ok(chunk.iter().map(outcome).collect())
}

/// Counts of outcomes.
#[derive(Clone, Copy, Default)]
struct Tally {
    written: usize,
    answered: usize,
    readable: usize,
    refused: [usize; REASONS.len()],
    digits: [u64; CLASSES],
}

impl Tally {
    /// Counts an entry: its digit, if there is one, and its reason, empty for none. False for an unknown reason.
    fn count(&mut self, digit: Option<u8>, reason: &str) -> bool {
        if reason.is_empty() {
            let Some(digit) = digit else { return false };
            self.answered += 1;
            self.digits[usize::from(digit)] += 1;
        } else {
            let Some(place) = REASONS.iter().position(|known| *known == reason) else { return false };
            self.refused[place] += 1;
        }
        self.readable += usize::from(!["unreadable", "not-a-picture"].contains(&reason));
        self.written += 1;
        true
    }
}

/// First line of the CSV file.
fn header(with_probabilities: bool) -> String {
    let probabilities = (0..CLASSES).filter(|_| with_probabilities).map(|class| format!(",p{class}"));
    format!("file,digit,confidence,second,refusal{}", probabilities.collect::<String>())
}

/// The cell of a file's name.
fn file_cell(picture: &NamedPicture) -> String {
    data::quoted(&picture.path.display().to_string())
}

/// One line of the CSV file, with its end.
fn line(picture: &NamedPicture, outcome: &PictureOutcome, with_probabilities: bool) -> String {
    let file = file_cell(picture);
    match outcome {
        Ok((answer, _)) => {
            let Answer { digit, confidence, runner_up, refusal, probabilities, .. } = answer;
            let reason = refusal.map_or("", Refusal::name);
            let probabilities = probabilities.iter().filter(|_| with_probabilities).map(|p| format!(",{p:?}"));
            format!("{file},{digit},{confidence:.4},{runner_up},{reason}{}\n", probabilities.collect::<String>())
        }
        Err(PictureProblem { kind, message }) => {
            let name = problem_name(*kind);
            let reason =
                if *kind == PictureProblemKind::Blank { name.to_owned() } else { format!("{name}: {message}") };
            let none = if with_probabilities { ",".repeat(CLASSES) } else { String::new() };
            format!("{file},,,,{}{none}\n", data::quoted(&reason))
        }
    }
}

/// Digit and reason of a line that an earlier attempt wrote for a file; none if it is not such a line.
fn recorded(line: &str, picture: &NamedPicture, with_probabilities: bool) -> Option<(Option<u8>, String)> {
    let cells = line.strip_prefix(&file_cell(picture))?.strip_prefix(',')?;
    let mut cells = cells.splitn(4, ',');
    let (digit, confidence, second, rest) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let digit = match digit {
        "" if confidence.is_empty() && second.is_empty() => None,
        digit => {
            confidence.parse::<f32>().ok().filter(|value| (0.0..=1.0).contains(value))?;
            second.parse::<u8>().ok()?;
            Some(digit.parse::<u8>().ok().filter(|digit| usize::from(*digit) < CLASSES)?)
        }
    };
    let reason = rest.trim_start_matches('"').split([',', ':', '"']).next()?.to_owned();
    let is_whole = !with_probabilities
        || digit.is_none()
        || rest.split(',').skip(1).filter(|cell| cell.parse::<f32>().is_ok()).count() == CLASSES;
    is_whole.then_some((digit, reason))
}

/// Writes the answers to picture files as a CSV file: `file,digit,confidence,second,refusal`, and `p0` to `p9` if so
/// wished.
///
/// Where a refusal is of the model's (`unsure`, `scribble`, `several-digits`) the digit that it would have been stands
/// there all the same; a file without a digit has `blank`, `unreadable: …` or `not-a-picture: …`. A file is written
/// under a temporary name beside it until it is complete, and the same request goes on with what is there.
///
/// # Errors
/// The first thing that goes wrong with the models or the disk, or that somebody asked to stop; what was answered stays.
/// A picture that cannot be read is no error.
pub fn predict_pictures_csv(
    trained: &TrainedModels,
    request: &PicturesRequest,
    with_probabilities: bool,
    destination: Destination,
    context: &FitContext,
) -> Result<PicturesSummary, PredictCsvError> {
    let begun = Instant::now();
    let mut tally = Tally::default();
    let mut output = destination.path().to_owned();
    let answered = (|| -> Result<(), StopReason> {
        match destination {
            Destination::Stream { mut out, .. } => {
                writeln!(out, "{}", header(with_probabilities)).map_err(writing(&output))?;
                write_answers(trained, request, with_probabilities, &mut out, &output, &mut tally, context)
            }
            Destination::File { output: file } => {
                let identity = identity(trained, request, with_probabilities);
                let mut keep = |lines: &[String]| {
                    let mut more = tally;
                    let pictures = request.pictures.get(tally.written..).unwrap_or_default();
                    let is_good = lines.len() <= pictures.len()
                        && lines.iter().zip(pictures).all(|(line, picture)| {
                            recorded(line, picture, with_probabilities)
                                .is_some_and(|(digit, reason)| more.count(digit, &reason))
                        });
                    if is_good {
                        tally = more;
                    }
                    is_good
                };
                let mut growing = GrowingFile::open(file, &identity, &header(with_probabilities), CHUNK, &mut keep)
                    .map_err(|error| StopReason::Failure(Box::new(error.into())))?;
                output = growing.partial().to_owned();
                if tally.written > 0 {
                    let (done, all) = (tally.written, request.pictures.len());
                    context
                        .progress
                        .message(&format!("going on after {done} of {all} pictures in {}", output.display()));
                }
                write_answers(trained, request, with_probabilities, &mut growing, &output, &mut tally, context)?;
                growing.finish().map_err(|error| StopReason::Failure(Box::new(error.into())))
            }
        }
    })();
    if let Err(reason) = answered {
        return Err(PredictCsvError { reason, written: tally.written as u64, output, of: "picture" });
    }
    let refused = REASONS.iter().zip(tally.refused).filter(|(_, count)| *count > 0);
    Ok(PicturesSummary {
        model: trained.names()[request.model].to_owned(),
        files: request.pictures.len(),
        answered: tally.answered,
        refused: refused.map(|(name, count)| ((*name).to_owned(), count)).collect(),
        readable: tally.readable,
        digits: tally.digits,
        seconds: begun.elapsed().as_secs_f64(),
        peak_memory: storage::peak_memory(),
    })
}

fn writing(path: &Path) -> impl Fn(io::Error) -> StopReason {
    |source| StopReason::Failure(Box::new(DataError::Write { path: path.to_owned(), source }.into()))
}

/// Writes the lines of all files behind those that are counted already.
fn write_answers(
    trained: &TrainedModels,
    request: &PicturesRequest,
    with_probabilities: bool,
    out: &mut dyn Write,
    path: &Path,
    tally: &mut Tally,
    context: &FitContext,
) -> Result<(), StopReason> {
    let mut pending = 0;
    predict_from(tally.written, trained, request, context, |picture, outcome| {
        out.write_all(line(picture, &outcome, with_probabilities).as_bytes()).map_err(writing(path))?;
        pending += 1;
        if pending == CHUNK {
            pending = 0;
            out.flush().map_err(writing(path))?;
        }
        match &outcome {
            Ok((answer, _)) => tally.count(Some(answer.digit), answer.refusal.map_or("", Refusal::name)),
            Err(problem) => tally.count(None, problem_name(problem.kind)),
        };
        Ok::<(), StopReason>(())
    })?;
    out.flush().map_err(writing(path))
}

/// Everything that the lines depend on: models, settings, and the files by name, size and time of their last change.
fn identity(trained: &TrainedModels, request: &PicturesRequest, with_probabilities: bool) -> Sha256Digest {
    let mut hash = Sha256::new();
    hash.update(trained.identity(request.model));
    hash.update(format!("{:?} {} {with_probabilities}", request.drawing, request.min_confidence));
    for picture in request.pictures {
        hash.update(picture.path.as_os_str().as_encoded_bytes());
        let metadata = std::fs::metadata(&picture.path).ok();
        let changed = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
        let since = changed.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        hash.update(format!("\0{:?} {since:?} {:?}\n", metadata.map(|metadata| metadata.len()), picture.problem));
    }
    hash.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Advice;

    fn answer(refusal: Option<Refusal>) -> Answer {
        let probabilities = std::array::from_fn(|class| class as f32 / 45.0);
        Answer {
            digit: 9,
            confidence: 0.875,
            runner_up: 8,
            runner_up_confidence: 0.1,
            refusal,
            advice: Advice::default(),
            probabilities,
        }
    }

    fn picture(name: &str) -> NamedPicture {
        NamedPicture { path: name.into(), problem: None }
    }

    #[test]
    fn a_line_that_was_written_is_known_again_and_no_other() {
        let problem = |kind, message: &str| PictureProblem { kind, message: message.to_owned() };
        let outcomes: [(PictureOutcome, Option<u8>, &str); 6] = [
            (Ok((answer(None), Vec::new())), Some(9), ""),
            (Ok((answer(Some(Refusal::Scribble)), Vec::new())), Some(9), "scribble"),
            (Ok((answer(Some(Refusal::Unsure)), Vec::new())), Some(9), "unsure"),
            (Err(problem(PictureProblemKind::Blank, "x")), None, "blank"),
            (Err(problem(PictureProblemKind::Unreadable, "ends early, \"so\"\nthere")), None, "unreadable"),
            (Err(problem(PictureProblemKind::NotAPicture, "text")), None, "not-a-picture"),
        ];
        for name in ["a.png", "with, comma \"and\" quotes.png", "line\nend.png"] {
            for (outcome, digit, reason) in &outcomes {
                for with_probabilities in [false, true] {
                    let picture = picture(name);
                    let text = line(&picture, outcome, with_probabilities);
                    let text = text.strip_suffix('\n').unwrap();
                    assert!(!text.contains('\n'));
                    let found = recorded(text, &picture, with_probabilities).unwrap();
                    assert_eq!((found.0, found.1.as_str()), (*digit, *reason), "{text}");
                    assert!(Tally::default().count(found.0, &found.1));
                    assert!(recorded(text, &self::picture("b.png"), with_probabilities).is_none());
                }
            }
        }
        let other = picture("a.png");
        for text in
            ["a.png", "a.png,", "a.png,x,0.5,1,", "a.png,3,2.5,1,", "a.png,12,0.5,1,", "a.png,3,0.5", "a.pngx,3,0.5,1,"]
        {
            assert!(recorded(text, &other, false).is_none(), "{text}");
        }
        assert!(recorded("a.png,3,0.5000,1,,0.1,0.2", &other, true).is_none(), "cut off");
        assert!(!Tally::default().count(Some(3), "bored"));
    }
}
