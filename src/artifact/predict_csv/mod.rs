//! Predictions for every row of a CSV file, as a CSV file.
//!
//! Rows are read, predicted and written in batches: while the models work on one batch the next is read. So memory
//! does not grow with the file (but by a byte a row after an interruption), and what was answered is kept whatever
//! happens later. A batch holds whole pieces of [`CHUNK`] images, so that the answers are those of any other number of
//! threads, and of an attempt that goes on after an earlier one.

mod lines;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    answer::Answerer,
    destination::{Destination, PredictCsvError, StopReason},
    failure::RunFailure,
    predictions::{CHUNK, CHUNKS_EACH},
    trained_models::TrainedModels,
};
use crate::{
    data::{
        CLASSES, DataError, Images, Probabilities,
        csv::{Answers, RowFile},
    },
    evaluation::Proportion,
    fit::FitContext,
    storage::{self, GrowingFile, Sha256Digest},
};
use lines::{header, line, recorded};

/// A prediction of every row of a CSV file.
pub struct CsvRequest<'a> {
    /// A CSV file of digits, plain or gzip, with labels or without.
    pub csv: &'a Path,
    /// Index of the model that predicts, among [`TrainedModels::names`].
    pub model: usize,
    /// Whether the ten probabilities are written too.
    pub with_probabilities: bool,
    /// Confidence below which an answer is refused, 0 to 1; with it, the confidence and the refusal are written too.
    pub min_confidence: Option<f32>,
    /// The labels of the file's rows, if they are known and not in the file itself.
    pub answers: Option<&'a Answers>,
}

/// Summary of the predictions of a file.
#[derive(Clone, Debug, Serialize)]
pub struct CsvSummary {
    /// The model that answered.
    pub model: String,
    /// Rows read, answered and written.
    pub rows: u64,
    /// From the first byte read to the last one written; loading the model does not count.
    pub seconds: f64,
    /// Rows in a second.
    pub rows_per_s: f64,
    /// Rows whose answers an earlier attempt had written.
    pub rows_before: u64,
    /// Answers of each class, refused ones among them.
    pub digits: [u64; CLASSES],
    /// Rows answered as they are labelled, whether refused or not; none without labels.
    pub correct: Option<u64>,
    /// `correct / rows` with its 95 % interval; none without labels.
    pub accuracy: Option<Proportion>,
    /// Rows whose answer is refused; none without a minimum confidence.
    pub refused: Option<u64>,
    /// Right share of the rows whose answer is not refused, with its 95 % interval; none without labels or a minimum
    /// confidence, or if every row is refused.
    pub accuracy_of_answered: Option<Proportion>,
    /// The most memory that the process has held at once, in bytes, where that can be found out.
    pub peak_memory: Option<u64>,
}

/// Rows that are predicted together.
#[derive(Default)]
struct Batch {
    images: Images,
    /// One for each image, or none at all.
    labels: Vec<u8>,
    /// State after them: the end of the file, more rows, or an invalid row.
    end: End,
}

#[derive(Default)]
enum End {
    #[default]
    More,
    File,
    Error(DataError),
}

impl Batch {
    fn read(rows: &mut RowFile, most: usize) -> Self {
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        let end = loop {
            if images.len() == most {
                break End::More;
            }
            match rows.next() {
                Some(Ok(row)) => {
                    images.push(row.pixels);
                    labels.extend(row.label);
                }
                Some(Err(error)) => break End::Error(error),
                None => break End::File,
            }
        };
        Self { images: Images::from_images(images), labels, end }
    }
}

/// The predictions written so far.
struct Answering<'a> {
    request: &'a CsvRequest<'a>,
    answerer: Answerer,
    destination: Option<Destination<'a>>,
    writer: Option<Writer<'a>>,
    /// Where the predictions are.
    output: PathBuf,
    identity: Sha256Digest,
    /// Digit and refusal of the rows that an earlier attempt answered.
    earlier: Vec<(u8, bool)>,
    counts: Counts,
}

/// Counts of answered rows.
#[derive(Clone, Copy, Default)]
struct Counts {
    rows: u64,
    digits: [u64; CLASSES],
    refused: u64,
    /// Rows whose label is known.
    labelled: u64,
    correct: u64,
    /// Labelled rows whose answer is not refused, and the right ones of these.
    accepted: u64,
    accepted_correct: u64,
}

impl Counts {
    fn add(&mut self, digit: u8, is_refused: bool, label: Option<u8>) {
        self.rows += 1;
        self.digits[usize::from(digit)] += 1;
        self.refused += u64::from(is_refused);
        if let Some(label) = label {
            let is_right = u64::from(label == digit);
            self.labelled += 1;
            self.correct += is_right;
            self.accepted += u64::from(!is_refused);
            self.accepted_correct += if is_refused { 0 } else { is_right };
        }
    }
}

enum Writer<'a> {
    Growing(GrowingFile),
    Stream(Box<dyn Write + 'a>),
}

impl Writer<'_> {
    fn out(&mut self) -> &mut dyn Write {
        match self {
            Self::Growing(file) => file,
            Self::Stream(out) => out,
        }
    }
}

impl<'a> Answering<'a> {
    /// Opens a growing file and finds which rows an earlier attempt answered.
    fn resume(&mut self) -> Result<(), StopReason> {
        let Some(Destination::File { output }) = self.destination else { return Ok(()) };
        let (request, mut earlier) = (self.request, Vec::new());
        let mut keep = |lines: &[String]| {
            let first = earlier.len() as u64 + 1;
            let found: Option<Vec<_>> =
                lines.iter().zip(first..).map(|(line, id)| recorded(line, id, request)).collect();
            let is_good = found.is_some();
            earlier.extend(found.into_iter().flatten());
            is_good
        };
        if !GrowingFile::exists(output, &self.identity) {
            return Ok(());
        }
        let file = GrowingFile::open(output, &self.identity, &header(request), CHUNK, &mut keep)
            .map_err(|error| StopReason::Failure(Box::new(error.into())))?;
        self.output = file.partial().to_owned();
        self.writer = Some(Writer::Growing(file));
        self.destination = None;
        self.earlier = earlier;
        Ok(())
    }

    /// The writer, which is opened when there is something to write.
    fn writer(&mut self) -> Result<&mut Writer<'a>, StopReason> {
        let header = header(self.request);
        let writer = match self.destination.take() {
            None => None,
            Some(Destination::Stream { mut out, .. }) => {
                writeln!(out, "{header}").map_err(|source| self.failed_write(source))?;
                Some(Writer::Stream(out))
            }
            Some(Destination::File { output }) => {
                let file = GrowingFile::open(output, &self.identity, &header, CHUNK, &mut |_| false)
                    .map_err(|error| StopReason::Failure(Box::new(error.into())))?;
                self.output = file.partial().to_owned();
                Some(Writer::Growing(file))
            }
        };
        if writer.is_some() {
            self.writer = writer;
        }
        self.writer.as_mut().ok_or(StopReason::Cancelled)
    }

    fn failed_write(&self, source: io::Error) -> StopReason {
        StopReason::Failure(Box::new(DataError::Write { path: self.output.clone(), source }.into()))
    }

    /// Writes the answers to a batch. `labels`: of its first rows.
    fn write(&mut self, rows: &Probabilities, labels: &[u8]) -> Result<(), StopReason> {
        let request = self.request;
        let mut counts = self.counts;
        let mut text = String::new();
        for (index, row) in rows.iter().enumerate() {
            let answer = self.answerer.answer_row(row);
            counts.add(answer.digit, answer.refusal.is_some(), labels.get(index).copied());
            text += &line(counts.rows, &answer, request);
        }
        let out = self.writer()?.out();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        written.map_err(|source| self.failed_write(source))?;
        self.counts = counts;
        Ok(())
    }

    /// Counts a batch whose rows an earlier attempt answered.
    fn pass_over(&mut self, rows: usize, labels: &[u8]) {
        let first = self.counts.rows as usize;
        for (index, (digit, is_refused)) in self.earlier[first..first + rows].iter().enumerate() {
            self.counts.add(*digit, *is_refused, labels.get(index).copied());
        }
    }
}

/// Answers every row of a CSV file with the digit that a model sees in it: `ImageId,Label`, ids counted from 1; with a
/// minimum confidence `confidence` and `refusal` behind them, and then `p0` to `p9` if so wished.
///
/// A file is made only when there is something to write, under a temporary name beside its own, batch by batch, each
/// handed to the system before the next. It gets its name when every row is answered; the same request on the same
/// file goes on with what is there.
///
/// # Errors
/// The first thing that goes wrong, be it in a row, in the answers, in the models or with the disk, or that somebody
/// asked to stop. All rows before a bad row are answered first. [`PredictCsvError`] says how many answers there are, and
/// where; they stay.
pub fn predict_csv(
    model: &TrainedModels,
    request: &CsvRequest,
    destination: Destination,
    context: &FitContext,
) -> Result<CsvSummary, PredictCsvError> {
    let output = destination.path().to_owned();
    let begun = Instant::now();
    let stopped = |reason| PredictCsvError { reason, written: 0, output: output.clone(), of: "row" };
    let failed = |error: RunFailure| stopped(StopReason::Failure(Box::new(error)));
    let rows = RowFile::open(request.csv).map_err(|error| failed(error.into()))?;
    let mut answering = Answering {
        request,
        answerer: Answerer::new(model, request.model, request.min_confidence.unwrap_or(0.0)).map_err(failed)?,
        identity: match &destination {
            Destination::File { .. } => identity(model, request).map_err(|error| failed(error.into()))?,
            Destination::Stream { .. } => Sha256Digest([0; 32]),
        },
        destination: Some(destination),
        writer: None,
        output: output.clone(),
        earlier: Vec::new(),
        counts: Counts::default(),
    };
    let answered = answer(model, rows, &mut answering, context);
    let Answering { counts, output: partial, earlier, writer, .. } = answering;
    let finished = answered.and_then(|()| match writer {
        Some(Writer::Growing(file)) => file.finish().map_err(|error| StopReason::Failure(Box::new(error.into()))),
        _ => Ok(()),
    });
    if let Err(reason) = finished {
        return Err(PredictCsvError { reason, written: counts.rows, output: partial, of: "row" });
    }
    if let Some(Err(error)) = request.answers.map(|answers| answers.check_rows(counts.rows as usize, request.csv)) {
        let reason = StopReason::Failure(Box::new(error.into()));
        return Err(PredictCsvError { reason, written: counts.rows, output, of: "row" });
    }
    let seconds = begun.elapsed().as_secs_f64();
    let is_scored = counts.labelled > 0;
    let share = |right: u64, all: u64| Proportion::wilson(right as usize, all as usize);
    let is_limited = request.min_confidence.is_some();
    Ok(CsvSummary {
        model: model.names()[request.model].to_owned(),
        rows: counts.rows,
        seconds,
        rows_per_s: (counts.rows - earlier.len() as u64) as f64 / seconds,
        rows_before: earlier.len() as u64,
        digits: counts.digits,
        correct: is_scored.then_some(counts.correct),
        accuracy: is_scored.then(|| share(counts.correct, counts.labelled)),
        refused: is_limited.then_some(counts.refused),
        accuracy_of_answered: (is_limited && counts.accepted > 0)
            .then(|| share(counts.accepted_correct, counts.accepted)),
        peak_memory: storage::peak_memory(),
    })
}

/// Everything that the lines depend on: the models, the settings, the table.
fn identity(model: &TrainedModels, request: &CsvRequest) -> Result<Sha256Digest, DataError> {
    let (table, _) =
        storage::digest(request.csv).map_err(|source| DataError::Read { path: request.csv.to_owned(), source })?;
    let name = request.csv.file_name().unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(model.identity(request.model));
    hash.update(format!("{:?} {} {table} ", request.min_confidence, request.with_probabilities));
    // The name tells whether a table of EMNIST's is stored turned.
    hash.update(name.as_encoded_bytes());
    Ok(hash.into())
}

fn answer(
    model: &TrainedModels,
    mut rows: RowFile,
    answering: &mut Answering,
    context: &FitContext,
) -> Result<(), StopReason> {
    let failed = |error: DataError| StopReason::Failure(Box::new(error.into()));
    let request = answering.request;
    let kilobytes = |bytes: u64| bytes.div_ceil(1000);
    let task = context.progress.task("predict", kilobytes(rows.position().1), "kB");
    let mut told = 0;
    let most = CHUNK * CHUNKS_EACH * context.threads;
    answering.resume()?;
    let earlier = answering.earlier.len();
    if earlier > 0 {
        let output = answering.output.display();
        context.progress.message(&format!("going on after {earlier} rows that are answered in {output}"));
    }
    // Rows that are answered make whole batches of their own.
    let next_batch = |rows: &mut RowFile, done: usize| {
        Batch::read(rows, if done < earlier { most.min(earlier - done) } else { most })
    };
    let mut batch = next_batch(&mut rows, 0);
    rows.notes().iter().for_each(|note| context.progress.message(note));
    loop {
        if context.cancel.is_cancelled() {
            return Err(StopReason::Cancelled);
        }
        if let Some(answers) = request.answers.filter(|_| !batch.labels.is_empty()) {
            return Err(failed(answers.not_needed(request.csv)));
        }
        let is_last = !matches!(batch.end, End::More);
        let read = kilobytes(rows.position().0);
        let done = answering.counts.rows as usize;
        let is_answered = done < earlier;
        let ask = || match batch.images.is_empty() || is_answered {
            true => Ok(Vec::new()),
            false => model.predict(request.model, &batch.images),
        };
        let after = done + batch.images.len();
        let (asked, next) = rayon::join(ask, || if is_last { Batch::default() } else { next_batch(&mut rows, after) });
        let asked = asked.map_err(Box::new)?;
        let labels = match request.answers {
            Some(answers) => answers.labels().get(done..).unwrap_or_default(),
            None => &batch.labels,
        };
        let labels = &labels[..labels.len().min(batch.images.len())];
        if is_answered {
            answering.pass_over(batch.images.len(), labels);
        } else if !asked.is_empty() {
            answering.write(&asked, labels)?;
        }
        task.note(&format!("{} rows", answering.counts.rows));
        task.advance(read - told);
        told = read;
        match batch.end {
            End::More => batch = next,
            End::File => break,
            End::Error(error) => return Err(failed(error)),
        }
    }
    Ok(())
}
