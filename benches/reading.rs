//! How numbers are read: `cargo bench --bench reading -- RUN [measure|pages|speed|fit] [--data MNIST] [--count N]
//! [--save DIR]`.
//!
//! `measure` (the default) and `pages` use MNIST's test digits, or digits of the built-in generator without `--data`;
//! `fit` uses training digits alone and prints the weights of `src/reading/weights.rs`.

#![allow(missing_docs, dead_code, clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

#[path = "../tests/support/numbers.rs"]
mod numbers;

use std::{
    io::Cursor,
    path::{Path, PathBuf},
    time::Instant,
};

use digitstack::{
    artifact::{NumberReader, TrainedModels},
    data::{Digits, PIXELS, idx, synthetic},
    device::{self, DeviceChoice},
    imaging::{PagePicture, decode_page},
    reading::{FitLines, Number, ReadingOptions, TrainingLine},
    seed::Seed,
};
use image::{DynamicImage, ImageFormat};
use numbers::{Paper, Sheet, Writing, empty, number, photograph, scribbles};
use rand::RngExt;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Arguments {
    runs: Vec<PathBuf>,
    mode: String,
    data: Option<PathBuf>,
    count: usize,
    save: Option<PathBuf>,
}

fn arguments() -> Option<Arguments> {
    let mut all = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let mut found = Arguments { runs: Vec::new(), mode: "measure".to_owned(), data: None, count: 500, save: None };
    while let Some(argument) = all.next() {
        match argument.as_str() {
            "--data" => found.data = Some(all.next()?.into()),
            "--count" => found.count = all.next()?.parse().ok()?,
            "--save" => found.save = Some(all.next()?.into()),
            "measure" | "pages" | "speed" | "fit" => found.mode = argument,
            _ => found.runs.push(argument.into()),
        }
    }
    (!found.runs.is_empty()).then_some(found)
}

fn main() {
    let Some(arguments) = arguments() else {
        println!("SKIPPED: name a run, as in `cargo bench --bench reading -- artifacts/quickstart`");
        return;
    };
    let device = device::resolve(&DeviceChoice::Cpu).unwrap();
    let runs: Vec<TrainedModels> =
        arguments.runs.iter().map(|run| TrainedModels::load(run, &device).unwrap()).collect();
    match arguments.mode.as_str() {
        "fit" => fit(&runs, &arguments),
        "pages" => pages(&runs[0], &arguments),
        "speed" => speed(&runs[0], &arguments),
        _ => measure(&runs[0], &arguments),
    }
}

/// Test digits of MNIST, or digits that no run was trained on.
fn test_digits(data: Option<&Path>) -> Digits {
    match data {
        Some(folder) => {
            let file = |name: &str| folder.join(name);
            idx::read_pair(&file("t10k-images-idx3-ubyte.gz"), &file("t10k-labels-idx1-ubyte.gz")).unwrap()
        }
        None => synthetic::generate(4000, Seed(77)),
    }
}

/// A number of digits drawn at random.
fn drawn(digits: &Digits, length: usize, seed: Seed) -> (Vec<&[u8; PIXELS]>, Vec<u8>) {
    let mut draw = seed.rng();
    let indices: Vec<usize> = (0..length).map(|_| draw.random_range(0..digits.len())).collect();
    (
        indices.iter().map(|&index| digits.images.get(index)).collect(),
        indices.iter().map(|&index| digits.labels[index]).collect(),
    )
}

fn text(numbers: &[Number]) -> String {
    numbers.iter().map(Number::text).filter(|text| text.contains(|symbol| symbol != '?')).collect::<Vec<_>>().join(" ")
}

fn of_labels(labels: &[u8]) -> String {
    labels.iter().map(|&digit| char::from(b'0' + digit)).collect()
}

/// Levenshtein distance.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, a) in one.chars().enumerate() {
        let mut before = row[0];
        row[0] = index + 1;
        for (place, b) in other.iter().enumerate() {
            let best = (before + usize::from(a != *b)).min(row[place] + 1).min(row[place + 1] + 1);
            before = std::mem::replace(&mut row[place + 1], best);
        }
    }
    row[other.len()]
}

fn kinds() -> Vec<(&'static str, usize, Writing, Option<Paper>)> {
    let spaced = Writing::default();
    let touching = Writing { overlap: Some((0.0, 0.15)), ..spaced };
    let slanted = Writing { slope: 15.0, ..spaced };
    let uneven = Writing { sizes: 0.2, strokes: 0.9, gap: (0.05, 0.7), ..spaced };
    vec![
        ("5 digits, spaced, plain", 5, spaced, Some(Paper::Plain)),
        ("5 digits, spaced, any paper", 5, spaced, None),
        ("10 digits, spaced, any paper", 10, spaced, None),
        ("5 digits, slopes to 15 degrees", 5, slanted, None),
        ("5 digits, uneven sizes, strokes", 5, uneven, None),
        ("5 digits, tight (gaps 0 to 0.1)", 5, Writing { gap: (0.0, 0.1), ..spaced }, None),
        ("pairs that touch, 0 to 15 %", 2, touching, Some(Paper::Plain)),
        ("5 digits that touch", 5, touching, None),
        ("single digits", 1, spaced, None),
    ]
}

fn measure(run: &TrainedModels, arguments: &Arguments) {
    let digits = test_digits(arguments.data.as_deref());
    let mut reader = NumberReader::new(run, run.recommended()).unwrap();
    println!("{:34} {:>7} {:>8} {:>8}  coverage and errors at confidence 0.9, 0.99", "", "strings", "right", "digits");
    for (kind, (name, length, writing, paper)) in kinds().into_iter().enumerate() {
        let (mut right, mut wrong, mut all) = (0, 0, 0);
        let mut confident = [(0, 0); 2];
        let begun = Instant::now();
        for index in 0..arguments.count {
            let seed = Seed(11).derive(name).index(index as u64);
            let (images, labels) = drawn(&digits, length, seed);
            let sheet = number(&images, &writing, seed);
            let paper = paper.unwrap_or(Paper::ALL[index % Paper::ALL.len()]);
            let picture = photograph(&sheet, paper, seed);
            let found = reader.read(&picture.clone().into(), &ReadingOptions::default()).unwrap();
            let (said, wanted) = (text(&found), of_labels(&labels));
            right += usize::from(said == wanted);
            wrong += distance(&said, &wanted);
            all += length;
            for (place, least) in [0.9, 0.99].into_iter().enumerate() {
                if let [only] = &found[..]
                    && only.refusal.is_none()
                    && only.confidence >= least
                {
                    confident[place].0 += 1;
                    confident[place].1 += usize::from(said != wanted);
                }
            }
            if said != wanted
                && let Some(folder) = &arguments.save
            {
                picture.save(folder.join(format!("{kind}-{index}-{wanted}-{said}-{paper:?}.png"))).unwrap();
            }
        }
        let count = arguments.count as f64;
        let share = |part: usize| 100.0 * part as f64 / count;
        println!(
            "{name:34} {:>7} {:>6.1} % {:>6.2} %  {:.1} % {:.2} %, {:.1} % {:.2} %  {:.1} ms each",
            arguments.count,
            share(right),
            100.0 * wrong as f64 / all as f64,
            share(confident[0].0),
            share(confident[0].1),
            share(confident[1].0),
            share(confident[1].1),
            1e3 * begun.elapsed().as_secs_f64() / count
        );
    }
}

/// Pages without digits.
fn pages(run: &TrainedModels, arguments: &Arguments) {
    let mut reader = NumberReader::new(run, run.recommended()).unwrap();
    for kind in ["empty", "ruled", "scribbled"] {
        let (mut pages, mut read) = (0, 0);
        for index in 0..arguments.count {
            let seed = Seed(13).derive(kind).index(index as u64);
            let sheet: Sheet = if kind == "scribbled" { scribbles(800, 600, seed) } else { empty(800, 600) };
            let paper = if kind == "ruled" { Paper::Ruled } else { Paper::ALL[index % Paper::ALL.len()] };
            let picture = photograph(&sheet, paper, seed);
            let found = reader.read(&picture.clone().into(), &ReadingOptions::default()).unwrap();
            let said = text(&found);
            pages += usize::from(!said.is_empty());
            read += said.chars().filter(char::is_ascii_digit).count();
            if !said.is_empty()
                && let Some(folder) = &arguments.save
            {
                picture.save(folder.join(format!("{kind}-{index}-{said}-{paper:?}.png").replace('?', "x"))).unwrap();
            }
        }
        let share = 100.0 * pages as f64 / arguments.count as f64;
        println!("{kind:12} {:>6} pages, {share:.1} % with digits, {read} digits", arguments.count);
    }
}

/// A photograph of 12 megapixels with ten digits, as a JPEG file.
fn speed(run: &TrainedModels, arguments: &Arguments) {
    let digits = test_digits(arguments.data.as_deref());
    let (images, labels) = drawn(&digits, 10, Seed(5));
    let written = number(&images, &Writing { height: 220.0, ..Writing::default() }, Seed(5));
    let mut sheet = empty(4032, 3024);
    for y in 0..written.height {
        for x in 0..written.width.min(4032 - 300) {
            sheet.ink[(y + 1200) * 4032 + x + 300] = written.ink[y * written.width + x];
        }
    }
    let picture = photograph(&sheet, Paper::Lit, Seed(5));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    let bytes = bytes.into_inner();
    drop((picture, sheet));
    if let Some(folder) = &arguments.save {
        std::fs::write(folder.join("photo.jpg"), &bytes).unwrap();
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut reader = NumberReader::new(run, run.recommended()).unwrap();
    pool.install(|| {
        for _ in 0..5 {
            let begun = Instant::now();
            let page = decode_page(&bytes).unwrap();
            let decoded = begun.elapsed().as_secs_f64();
            let found = reader.read(&page, &ReadingOptions::default()).unwrap();
            let all = begun.elapsed().as_secs_f64();
            println!(
                "{} ({}): {:.0} ms, of which decoding {:.0}",
                text(&found),
                of_labels(&labels),
                1e3 * all,
                1e3 * decoded
            );
        }
    });
}

/// Fits the weights. Digits of the built-in generator for runs on them, MNIST's training digits for the others.
fn fit(runs: &[TrainedModels], arguments: &Arguments) {
    let mut lines = FitLines::default();
    for run in runs {
        let is_builtin = run.artifact().config().experiment.data.source == digitstack::data::SourceKind::Builtin;
        let digits = match (&arguments.data, is_builtin) {
            (Some(folder), false) => {
                let file = |name: &str| folder.join(name);
                idx::read_pair(&file("train-images-idx3-ubyte.gz"), &file("train-labels-idx1-ubyte.gz")).unwrap()
            }
            _ => synthetic::generate(6000, Seed(991)),
        };
        let mut reader = NumberReader::new(run, run.recommended()).unwrap();
        for index in 0..arguments.count {
            let seed = Seed(21).derive("fit").index(index as u64);
            let mut draw = seed.derive("kind").rng();
            let overlap = draw.random_bool(0.5).then_some((0.0, 0.15));
            let sizes = if draw.random::<bool>() { 0.08 } else { 0.2 };
            let low = draw.random_range(0.0..0.2);
            let writing =
                Writing { gap: (low, low + 0.3), overlap, slope: 8.0, sizes, strokes: 0.8, ..Writing::default() };
            let (images, labels) = drawn(&digits, draw.random_range(1..=6), seed);
            let paper = Paper::ALL[index % Paper::ALL.len()];
            let picture: DynamicImage = photograph(&number(&images, &writing, seed), paper, seed);
            let line = TrainingLine { page: PagePicture::from(picture), digits: labels };
            lines.add(&line, &mut |images| reader.evidence(images)).unwrap();
        }
    }
    let fitted = lines.fit(60);
    println!("{fitted:#.3?}");
}
