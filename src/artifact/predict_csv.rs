//! Predictions for every row of a CSV file, as a CSV file.
//!
//! Rows are read, predicted and written in batches: while the models work on one batch the next is read. So memory
//! does not grow with the file, and what was answered is kept whatever happens later. A batch holds whole pieces of
//! [`CHUNK`](super::predictions::CHUNK) images, so that the answers are those of any other number of threads.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use serde::Serialize;

use super::{failure::RunFailure, predictions::CHUNK, trained_models::TrainedModels};
use crate::{
    data::{
        CLASSES, DataError, Images, Probabilities,
        csv::{AnswerWriter, Answers, RowFile},
    },
    evaluation::{Proportion, top_class},
    fit::FitContext,
    storage,
};

/// Most pieces of a batch for each thread: one is in work while another waits.
const CHUNKS_EACH: usize = 2;

/// A prediction of every row of a CSV file.
pub struct CsvRequest<'a> {
    /// A CSV file of digits, plain or gzip, with labels or without.
    pub csv: &'a Path,
    /// Index of the model that predicts, among [`TrainedModels::names`].
    pub model: usize,
    /// Whether the ten probabilities are written too.
    pub with_probabilities: bool,
    /// The labels of the file's rows, if they are known and not in the file itself.
    pub answers: Option<&'a Answers>,
}

/// Destination of the predictions.
pub enum Destination<'a> {
    /// A file, made when the first rows are answered.
    File {
        /// Its name.
        path: &'a Path,
        /// Whether an earlier file of that name is replaced; otherwise it is an error.
        overwrite: bool,
    },
    /// Something that is open already.
    Stream {
        /// Its name in errors.
        name: &'a str,
        /// Takes the text.
        out: Box<dyn Write + 'a>,
    },
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
    /// Answers of each class.
    pub digits: [u64; CLASSES],
    /// Rows answered as they are labelled; none without labels.
    pub correct: Option<u64>,
    /// `correct / rows` with its 95 % interval; none without labels.
    pub accuracy: Option<Proportion>,
    /// The most memory that the process has held at once, in bytes, where that can be found out.
    pub peak_memory: Option<u64>,
}

/// Error that ended the predictions of a file early, with what was written all the same.
#[derive(Debug, thiserror::Error)]
#[error("{reason}; {kept}", kept = kept(*written, output))]
pub struct PredictCsvError {
    /// Cause.
    #[source]
    pub reason: StopReason,
    /// Rows that were answered and written, from the first one on. They stay.
    pub written: u64,
    /// Where they are.
    pub output: PathBuf,
}

/// Cause of such an error.
#[derive(Debug, thiserror::Error)]
pub enum StopReason {
    /// The file, the answers or the models.
    #[error(transparent)]
    Failure(#[from] Box<RunFailure>),
    /// The work was cancelled.
    #[error("stopped")]
    Cancelled,
}

fn kept(written: u64, output: &Path) -> String {
    match written {
        0 => "no row was written".to_owned(),
        1 => format!("the first row is answered in {}", output.display()),
        _ => format!("the first {written} rows are answered in {}", output.display()),
    }
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
    destination: Option<Destination<'a>>,
    writer: Option<AnswerWriter<BufWriter<Box<dyn Write + 'a>>>>,
    with_probabilities: bool,
    rows: u64,
    digits: [u64; CLASSES],
    correct: u64,
    /// Rows whose label is known.
    labelled: u64,
}

impl<'a> Answering<'a> {
    /// Writes the answers to a batch. `labels`: of its first rows.
    fn write(&mut self, rows: &Probabilities, labels: &[u8]) -> io::Result<()> {
        if let Some(destination) = self.destination.take() {
            let out: Box<dyn Write + 'a> = match destination {
                Destination::Stream { out, .. } => out,
                Destination::File { path, overwrite: true } => Box::new(File::create(path)?),
                Destination::File { path, overwrite: false } => Box::new(File::create_new(path)?),
            };
            self.writer = Some(AnswerWriter::new(BufWriter::new(out), self.with_probabilities)?);
        }
        let Some(writer) = &mut self.writer else { return Ok(()) };
        for (row, id) in rows.iter().zip(self.rows + 1..) {
            let probabilities: &[f32] = if self.with_probabilities { row } else { &[] };
            writer.write(id, top_class(row) as u8, probabilities)?;
        }
        writer.flush()?;
        for row in rows {
            self.digits[top_class(row)] += 1;
        }
        self.correct +=
            rows.iter().zip(labels).filter(|(row, label)| top_class(row) == usize::from(**label)).count() as u64;
        self.labelled += labels.len() as u64;
        self.rows += rows.len() as u64;
        Ok(())
    }
}

/// Answers every row of a CSV file with the digit that a model sees in it: `ImageId,Label`, ids counted from 1.
///
/// The output is written under its final name, batch by batch, each handed to the system before the next. It is made
/// only when there is something to write.
///
/// # Errors
/// The first thing that goes wrong, be it in a row, in the answers, in the models or with the disk, or that somebody
/// asked to stop. All rows before a bad row are answered first. [`PredictCsvError`] says how many answers there are;
/// they stay.
pub fn predict_csv(
    model: &TrainedModels,
    request: &CsvRequest,
    destination: Destination,
    context: &FitContext,
) -> Result<CsvSummary, PredictCsvError> {
    let output = match &destination {
        Destination::File { path, .. } => path.to_path_buf(),
        Destination::Stream { name, .. } => PathBuf::from(name),
    };
    let mut answering = Answering {
        destination: Some(destination),
        writer: None,
        with_probabilities: request.with_probabilities,
        rows: 0,
        digits: [0; CLASSES],
        correct: 0,
        labelled: 0,
    };
    let begun = Instant::now();
    let answered = answer(model, request, &mut answering, &output, context);
    let Answering { rows, digits, correct, labelled, .. } = answering;
    if let Err(reason) = answered {
        return Err(PredictCsvError { reason, written: rows, output });
    }
    let seconds = begun.elapsed().as_secs_f64();
    let is_scored = labelled > 0;
    Ok(CsvSummary {
        model: model.names()[request.model].to_owned(),
        rows,
        seconds,
        rows_per_s: rows as f64 / seconds,
        digits,
        correct: is_scored.then_some(correct),
        accuracy: is_scored.then(|| Proportion::wilson(correct as usize, labelled as usize)),
        peak_memory: storage::peak_memory(),
    })
}

fn answer(
    model: &TrainedModels,
    request: &CsvRequest,
    answering: &mut Answering,
    output: &Path,
    context: &FitContext,
) -> Result<(), StopReason> {
    let failed = |error: DataError| StopReason::Failure(Box::new(error.into()));
    let mut rows = RowFile::open(request.csv).map_err(failed)?;
    let kilobytes = |bytes: u64| bytes.div_ceil(1000);
    let task = context.progress.task("predict", kilobytes(rows.position().1), "kB");
    let mut told = 0;
    let most = CHUNK * CHUNKS_EACH * context.threads;
    let mut batch = Batch::read(&mut rows, most);
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
        let ask = || if batch.images.is_empty() { Ok(Vec::new()) } else { model.predict(request.model, &batch.images) };
        let (asked, next) = rayon::join(ask, || if is_last { Batch::default() } else { Batch::read(&mut rows, most) });
        let asked = asked.map_err(Box::new)?;
        let done = answering.rows as usize;
        let labels = match request.answers {
            Some(answers) => answers.labels().get(done..).unwrap_or_default(),
            None => &batch.labels,
        };
        let labels = &labels[..labels.len().min(asked.len())];
        if !asked.is_empty() {
            let writing = |source| failed(DataError::Write { path: output.to_owned(), source });
            answering.write(&asked, labels).map_err(writing)?;
        }
        task.note(&format!("{} rows", answering.rows));
        task.advance(read - told);
        told = read;
        match batch.end {
            End::More => batch = next,
            End::File => break,
            End::Error(error) => return Err(failed(error)),
        }
    }
    match request.answers {
        Some(answers) => answers.check_rows(answering.rows as usize, request.csv).map_err(failed),
        None => Ok(()),
    }
}
