//! `digitstack read`.

use std::{
    io::Cursor,
    path::{Path, PathBuf},
};

use clap::Args;
use image::ImageFormat;

use super::{
    failure::UsageError,
    options::{InkArgument, output_file},
    session::Session,
};
use crate::{
    artifact::{NumberReader, TrainedModels},
    data::{self, NamedPicture},
    imaging::{InkSource, Layout, PagePicture, decode_page},
    reading::{Number, Pattern, ReadingOptions, overlay},
    storage::{self, OutputFile},
};

mod answers;

const HELP: &str = "\
Finds the lines of digits in a photograph, a scan or a wide drawing, divides digits that touch, and prints the \
numbers from top to bottom. In a number, `?` stands for ink that is no digit or that could not be read. The box of \
each digit, its probabilities, the confidence of the digit and of the whole number, and what was refused and why are \
in --json: one line for each picture. Boxes are in pixels of the upright picture.

--expect and --pattern restrict what a number may be: among all ways to divide a line, the best one that fits is \
taken, and a line without one is refused. A pattern is a list of \\d, digits or sets such as [0-4], each with {n}, \
{n,m} or ?.

A folder stands for every file in it, a pattern in quotes for the files that match it. A picture that cannot be read \
is an error (exit code 1) after the others; a picture without digits is none.

Examples:
  digitstack read artifacts/mnist-cpu meter.jpg
  digitstack read artifacts/mnist-cpu meter.jpg --draw read.png    boxes and digits over the picture
  digitstack read artifacts/mnist-cpu letters --pattern '\\d{5}' --out codes.csv
  digitstack read artifacts/mnist-cpu form.png --boxes --expect 8    one digit in each box
  digitstack read artifacts/mnist-cpu 'scans/*.png' --json > numbers.jsonl";

/// Read the numbers in photographs, scans and drawings (experimental)
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct ReadArguments {
    /// Directory of a complete run or single model
    run: PathBuf,
    /// Pictures (PNG, JPEG, GIF, BMP, WebP, TIFF, PNM), folders of pictures, or patterns in quotes such as
    /// 'scans/*.png'
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Number of digits of each number, 1 to 64
    #[arg(long, value_name = "N", value_parser = length, conflicts_with = "pattern")]
    expect: Option<Pattern>,
    /// Pattern of each number, such as '\d{5}', '\d{3,5}' or '19\d\d'
    #[arg(long, value_name = "PATTERN")]
    pattern: Option<Pattern>,
    /// Confidence, 0 to 1, below which a number or a digit is refused as `unsure` [default: none is]
    #[arg(long, value_name = "X", value_parser = super::options::share)]
    min_confidence: Option<f32>,
    /// One digit in each printed box or field of a comb; ink outside is left out
    #[arg(long)]
    boxes: bool,
    /// Source of the ink: found from the picture (auto), opaque pixels on a transparent background (alpha), dark pixels
    /// on a light background or light ones on a dark background [default: auto]
    #[arg(long, value_name = "INK")]
    ink: Option<InkArgument>,
    /// Answer with this member or meta-model of a run (cnn, booster, mean, …) in place of its stack
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// CSV file to write: file,line,text,confidence,left,top,width,height,refusal; one row for each number
    #[arg(long, value_name = "CSV")]
    out: Option<PathBuf>,
    /// PNG file to write: the picture with a box around each number and digit (one picture only)
    #[arg(long, value_name = "PNG")]
    draw: Option<PathBuf>,
    /// Replace the files of --out and --draw if they exist
    #[arg(long)]
    force: bool,
}

/// Parses the number of digits of a number.
fn length(text: &str) -> Result<Pattern, String> {
    let pattern = text.parse().ok().and_then(Pattern::of_length);
    pattern.ok_or_else(|| "expected a whole number from 1 to 64".to_owned())
}

impl ReadArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        let cancel = session.cancel_on_interrupt()?;
        let inputs: Vec<&Path> = self.images.iter().map(PathBuf::as_path).filter(|path| !path.is_dir()).collect();
        let drawing = self.target("--draw", self.draw.as_deref(), &["png"], &inputs)?;
        let table = self.target("--out", self.out.as_deref(), &["csv", "txt"], &inputs)?;
        let mut pictures = data::find_pictures(&self.images);
        // Outputs of an earlier time, where they lie among the pictures.
        let is_output = |picture: &NamedPicture| {
            let mut outputs = [&drawing, &table].into_iter().flatten();
            outputs.any(|output| storage::is_output_or_partial(&picture.path, output.target()))
        };
        pictures.retain(|picture| !is_output(picture));
        if pictures.is_empty() {
            let named = self.images.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
            return Err(anyhow::anyhow!("{named}: there is no file in it"));
        }
        if drawing.is_some() && pictures.len() > 1 {
            let problem = format!("--draw is for one picture; {} are named", pictures.len());
            return Err(UsageError(problem).into());
        }
        let resources = session.resources(cancel.clone())?;
        let trained = TrainedModels::load(&self.run, &resources.device)?;
        let model = super::predict::model_index(&trained, self.model.as_deref())?;
        let mut reader = NumberReader::new(&trained, model)?.cancelled_by(cancel);
        let task = resources.progress.task("read", pictures.len() as u64, "pictures");
        let options = self.options();
        let mut rows = String::from(answers::HEADER);
        let mut failures = Vec::new();
        for picture in &pictures {
            match read(picture, &mut reader, &options)? {
                Ok((page, numbers)) => {
                    answers::show(&picture.path, &page, &numbers, self.out.is_some(), output)?;
                    answers::add_rows(&mut rows, &picture.path, &numbers);
                    if let Some(drawing) = &drawing {
                        let mut bytes = Cursor::new(Vec::new());
                        overlay(&page, &numbers).write_to(&mut bytes, ImageFormat::Png)?;
                        drawing.write(bytes.get_ref())?;
                    }
                }
                Err(problem) => {
                    answers::show_problem(&picture.path, &problem, output)?;
                    answers::add_problem(&mut rows, &picture.path, &problem);
                    failures.push(format!("{}: {problem}", picture.path.display()));
                }
            }
            task.advance(1);
        }
        drop(task);
        if let (Some(table), Some(path)) = (&table, &self.out) {
            table.write(rows.as_bytes())?;
            output.line(format!("{}: the numbers of {} pictures", path.display(), pictures.len()))?;
        }
        if failures.is_empty() {
            return Ok(());
        }
        let (count, list) = (failures.len(), failures.join("\n  "));
        Err(anyhow::anyhow!("{count} of {} pictures could not be read:\n  {list}", pictures.len()))
    }

    fn options(&self) -> ReadingOptions {
        ReadingOptions {
            ink: self.ink.map_or(InkSource::Auto, InkArgument::source),
            layout: if self.boxes { Layout::Boxes } else { Layout::Lines },
            pattern: self.expect.clone().or_else(|| self.pattern.clone()),
            min_confidence: self.min_confidence.unwrap_or(0.0),
        }
    }

    /// Checks a file to write, before any work.
    fn target(
        &self,
        option: &str,
        path: Option<&Path>,
        extensions: &[&str],
        inputs: &[&Path],
    ) -> Result<Option<OutputFile>, UsageError> {
        let Some(path) = path else { return Ok(None) };
        let shown = path.display();
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if !extensions.contains(&extension.as_str()) {
            return Err(UsageError(format!("{option} {shown}: name it .{}", extensions[0])));
        }
        output_file(option, path, inputs.iter().copied(), self.force).map(Some)
    }
}

/// Reads one file; whatever is wrong with the file is a problem of it alone.
fn read(
    picture: &NamedPicture,
    reader: &mut NumberReader,
    options: &ReadingOptions,
) -> anyhow::Result<Result<(PagePicture, Vec<Number>), String>> {
    let decoded = picture.bytes().map_err(|problem| problem.message);
    let page = match decoded.and_then(|bytes| decode_page(&bytes).map_err(|error| error.to_string())) {
        Ok(page) => page,
        Err(problem) => return Ok(Err(problem)),
    };
    let numbers = reader.read(&page, options)?;
    Ok(Ok((page, numbers)))
}
