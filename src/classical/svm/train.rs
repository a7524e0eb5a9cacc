//! The fit of a support-vector machine: every pair of classes on all images and, for the calibration, without each
//! fold.

use std::time::Instant;

use rayon::prelude::*;

use super::{
    calibration::Calibration,
    config::SvmConfig,
    kernel::{Image, ImageSet, Kernel},
    machine::{MOST_PAIRS, Machine, pairs},
    model::TrainedSvm,
    smo::{Pair, Solution, Unfinished},
};
use crate::{
    classical::{
        error::ClassicalError,
        fit::{self, ClassicalFit},
    },
    data::{Digits, Images, stratified_group_folds},
    fit::FitContext,
    optimize::Unsolved,
};

/// Images that are predicted between two polls of the request to stop.
const CHUNK: usize = 512;

/// Fits a support-vector machine on `train` and scores it on `validation`, from which it learns nothing.
///
/// The same settings, seed and digits give the same model, whatever the number of threads. The seed decides only how
/// the images are divided for the calibration.
///
/// # Errors
/// For settings out of range, no images, a class with fewer groups of images than calibration folds, when asked to
/// stop, and if a pair of classes has no solution after ten million iterations.
pub fn train_svm(
    config: &SvmConfig,
    train: &Digits,
    validation: Option<&Digits>,
    context: &FitContext<'_>,
) -> Result<ClassicalFit<TrainedSvm>, ClassicalError> {
    config.check()?;
    let start = Instant::now();
    let classes = fit::classes(train, context)?;
    let gamma = config.gamma.resolve(&train.images);
    let folds = stratified_group_folds(
        &train.labels,
        &train.groups,
        config.calibration_folds,
        context.seed.derive("calibration"),
    );
    let folds = folds.map_err(|error| ClassicalError::Digits {
        name: context.label.to_owned(),
        problem: format!(
            "calibrating the probabilities: {error}; fewer `calibration_folds` need fewer images of each class"
        ),
    })?;

    // All images first, then all but each fold; of each, the indices of the images of each class.
    let everything: Vec<usize> = (0..train.len()).collect();
    let parts = std::iter::once(everything).chain((0..folds.count()).map(|fold| folds.train_indices(fold)));
    let parts: Vec<Vec<Vec<usize>>> = parts.map(|part| by_class(&train.labels, &part, &classes)).collect();
    let images = |indices: &[usize]| indices.iter().map(|&index| *train.images.get(index)).collect::<Vec<Image>>();
    let pair_fits: Vec<(usize, (usize, usize))> =
        (0..parts.len()).flat_map(|part| pairs(classes.len()).map(move |pair| (part, pair))).collect();
    let task = context.progress.task(context.label, pair_fits.len() as u64, "pairs");
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
        let solution =
            pair.solve(context.cancel).map_err(|unfinished| self::unfinished(unfinished, config, context))?;
        task.advance(1);
        Ok(solution)
    };
    // One task per pair: they differ in size, and a thread that is done early takes the next.
    let solutions: Vec<Solution> =
        pair_fits.par_iter().with_max_len(1).map(solve).collect::<Result<_, ClassicalError>>()?;
    drop(task);
    let per_part = pairs(classes.len()).count();
    let machine = |part: usize| {
        let of_class: Vec<Vec<Image>> = parts[part].iter().map(|indices| images(indices)).collect();
        Machine::new(gamma, &classes, &of_class, &solutions[part * per_part..(part + 1) * per_part])
    };

    let task = context.progress.task(&format!("{}: calibrate", context.label), train.len() as u64, "images");
    let mut decisions = vec![[0.0; MOST_PAIRS]; train.len()];
    for fold in 0..folds.count() {
        let (machine, left_out) = (machine(fold + 1), folds.validation_indices(fold));
        for chunk in left_out.chunks(CHUNK) {
            fit::check_cancelled(context)?;
            for (index, row) in chunk.iter().zip(decide(&machine, &train.images.select(chunk))) {
                decisions[*index] = row;
            }
            task.advance(chunk.len() as u64);
        }
    }
    let rows = decisions.iter().flat_map(|row| &row[..per_part]).copied().collect();
    drop(decisions);
    fit::check_cancelled(context)?;
    let calibration = Calibration::fit(rows, &train.labels, &classes)?;
    drop(task);
    let model = TrainedSvm::new(machine(0), calibration);

    let images = parts.iter().flatten().map(|indices| indices.len() as u64).sum();
    let (history, timing) =
        fit::score_one_step(|images| model.predict_proba(images), validation, images, start, context)?;
    Ok(ClassicalFit { model, history, timing })
}

/// Divides indices by the class of their images, keeping their order.
fn by_class(labels: &[u8], indices: &[usize], classes: &[u8]) -> Vec<Vec<usize>> {
    let of = |class: &u8| indices.iter().copied().filter(|&index| labels[index] == *class).collect();
    classes.iter().map(of).collect()
}

/// Decisions for images, on the caller's rayon pool.
fn decide(machine: &Machine, images: &Images) -> Vec<[f64; MOST_PAIRS]> {
    let mut decisions = vec![[0.0; MOST_PAIRS]; images.len()];
    images
        .as_slice()
        .par_chunks(32)
        .zip(decisions.par_chunks_mut(32))
        .for_each(|(images, to)| machine.decide(images, to));
    decisions
}

fn unfinished(why: Unfinished, config: &SvmConfig, context: &FitContext) -> ClassicalError {
    match why {
        Unfinished::Cancelled => fit::cancelled(context),
        Unfinished::Endless(violation) => ClassicalError::Solver(Unsolved {
            model: "support-vector machine",
            iterations: super::smo::MOST_ITERATIONS,
            gradient: Some(violation),
            expected: config.tolerance,
            reason: format!("lower c (now {}) or raise the tolerance", config.c),
        }),
    }
}
