//! A fit: every pair of classes on all images and, for the calibration, on all but a part of them.

use std::time::Instant;

use rayon::prelude::*;

use super::{
    SvmConfig, TrainedSvm,
    calibration::Calibration,
    kernel::{Image, ImageSet, Kernel},
    machine::{MOST_PAIRS, Machine, pairs},
    smo::{Pair, Solution, Unfinished},
};
use crate::{
    classical::{
        ClassicalError, ClassicalFit, ClassicalJob,
        fit::{Standing, timing},
    },
    data::{Digits, Images, stratified_group_folds},
    fit::{History, HistoryPoint},
    optimize::Unsolved,
};

/// Images that are decided on between two looks at the cancel flag.
const CHUNK: usize = 512;

/// Fits a support-vector machine on `train` and scores it on `validation`, from which it learns nothing.
///
/// The same settings, seed and digits give the same model, whatever the number of threads. The seed decides only how
/// the images are divided for the calibration.
///
/// # Errors
/// For impossible settings, no images, a class with fewer groups of images than calibration folds, when asked to stop,
/// and if a pair of classes has no solution in ten million iterations.
pub fn train_svm(
    config: &SvmConfig,
    train: &Digits,
    validation: Option<&Digits>,
    job: &ClassicalJob<'_>,
) -> Result<ClassicalFit<TrainedSvm>, ClassicalError> {
    config.check()?;
    let start = Instant::now();
    let classes = job.classes(train)?;
    let gamma = config.gamma.resolve(&train.images);
    let folds =
        stratified_group_folds(&train.labels, &train.groups, config.calibration_folds, job.seed.derive("calibration"));
    let folds = folds.map_err(|error| ClassicalError::Digits {
        name: job.name.to_owned(),
        problem: format!(
            "calibrating the probabilities: {error}; fewer `calibration_folds` need fewer images of each class"
        ),
    })?;

    // All images first, then all but each part; of each the places of the images of each class.
    let everything: Vec<usize> = (0..train.len()).collect();
    let parts = std::iter::once(everything).chain((0..folds.count()).map(|fold| folds.train_indices(fold)));
    let parts: Vec<Vec<Vec<usize>>> = parts.map(|part| by_class(&train.labels, &part, &classes)).collect();
    let images = |places: &[usize]| places.iter().map(|&place| *train.images.get(place)).collect::<Vec<Image>>();
    let pair_fits: Vec<(usize, (usize, usize))> =
        (0..parts.len()).flat_map(|part| pairs(classes.len()).map(move |pair| (part, pair))).collect();
    let task = job.progress.task(job.name, pair_fits.len() as u64, "pairs");
    let solve = |&(part, (first, second)): &(usize, (usize, usize))| {
        let (of_first, of_second) = (&parts[part][first], &parts[part][second]);
        let set = ImageSet::new(images(&[of_first.as_slice(), of_second].concat()));
        let pair = Pair {
            set: &set,
            first: of_first.len(),
            kernel: Kernel::new(gamma),
            c: config.c,
            tolerance: config.tolerance,
            cache_bytes: config.cache_mib << 20,
        };
        let solution = pair.solve(job.cancel).map_err(|unfinished| self::unfinished(unfinished, config, job))?;
        task.advance(1);
        Ok(solution)
    };
    // One task each: pairs differ, and a thread that is done early takes the next.
    let solutions: Vec<Solution> =
        pair_fits.par_iter().with_max_len(1).map(solve).collect::<Result<_, ClassicalError>>()?;
    drop(task);
    let per_part = pairs(classes.len()).count();
    let machine = |part: usize| {
        let of_class: Vec<Vec<Image>> = parts[part].iter().map(|places| images(places)).collect();
        Machine::new(gamma, &classes, &of_class, &solutions[part * per_part..(part + 1) * per_part])
    };

    let task = job.progress.task(&format!("{}: calibrate", job.name), train.len() as u64, "images");
    let mut decisions = vec![[0.0; MOST_PAIRS]; train.len()];
    for fold in 0..folds.count() {
        let (machine, left_out) = (machine(fold + 1), folds.validation_indices(fold));
        for chunk in left_out.chunks(CHUNK) {
            job.go_on()?;
            for (index, row) in chunk.iter().zip(decide(&machine, &train.images.select(chunk))) {
                decisions[*index] = row;
            }
            task.advance(chunk.len() as u64);
        }
    }
    let rows = decisions.iter().flat_map(|row| &row[..per_part]).copied().collect();
    drop(decisions);
    job.go_on()?;
    let calibration = Calibration::fit(rows, &train.labels, &classes)?;
    drop(task);
    let model = TrainedSvm::new(machine(0), calibration);

    job.go_on()?;
    let scored = validation.filter(|digits| !digits.is_empty());
    let standing = scored.map(|digits| Standing::of(&model.predict_proba(&digits.images), &digits.labels));
    let point = HistoryPoint {
        step: 1,
        train_loss: None,
        train_accuracy: None,
        validation_loss: standing.map(|standing| standing.loss),
        validation_accuracy: standing.map(|standing| standing.accuracy),
        learning_rate: None,
    };
    if job.ends_at(&point) {
        return Err(job.cancelled());
    }
    let images = parts.iter().flatten().map(|places| places.len() as u64).sum();
    let history = History { unit: "fit".to_owned(), points: vec![point], ..History::default() };
    Ok(ClassicalFit { model, history, timing: timing(images, &[start.elapsed()], start.elapsed()) })
}

/// Those of these places where the images of each class are, in their order.
fn by_class(labels: &[u8], places: &[usize], classes: &[u8]) -> Vec<Vec<usize>> {
    let of = |class: &u8| places.iter().copied().filter(|&place| labels[place] == *class).collect();
    classes.iter().map(of).collect()
}

/// The decisions about images, on all threads.
fn decide(machine: &Machine, images: &Images) -> Vec<[f64; MOST_PAIRS]> {
    let mut decisions = vec![[0.0; MOST_PAIRS]; images.len()];
    images
        .as_slice()
        .par_chunks(32)
        .zip(decisions.par_chunks_mut(32))
        .for_each(|(images, to)| machine.decide(images, to));
    decisions
}

fn unfinished(why: Unfinished, config: &SvmConfig, job: &ClassicalJob) -> ClassicalError {
    match why {
        Unfinished::Cancelled => job.cancelled(),
        Unfinished::Endless(violation) => ClassicalError::Solver(Unsolved {
            model: "support-vector machine",
            iterations: super::smo::MOST_ITERATIONS,
            gradient: Some(violation),
            expected: config.tolerance,
            reason: format!("a lower c than {} or a higher tolerance makes it easier", config.c),
        }),
    }
}
