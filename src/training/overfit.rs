//! Overfit test: a few training images that a net must learn perfectly.
//!
//! A net whose settings and gradients are sound fits a handful of images perfectly within seconds; one that does not
//! will learn nothing from sixty thousand either, only slower. What stands in the way on purpose (augmentation,
//! dropout, weight decay, label smoothing, averaged weights, early stopping, a schedule made for another number of
//! steps) is left out: [`overfitting`](crate::learners::NetCapabilities::overfitting). The accuracy is that of the
//! finished net asked once more, not the running one of training, which sees each image before the step that learns it.

use std::path::Path;

use serde::Serialize;

use crate::{
    artifact::RunFailure,
    config::RunConfig,
    data::{Digits, stratified_subset},
    evaluation::{self, Scores},
    fit::{FitContext, HistoryPoint},
    learners::{Fitted, Learner},
    preprocessing,
    seed::Seed,
};

/// Images and epochs of the two checks.
pub const OVERFIT_SIZES: [(usize, u32); 2] = [(100, 50), (10, 40)];

/// Result of the overfit test of a member on a number of images.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overfit {
    /// The member's name.
    pub member: String,
    /// Images it was trained on, stratified by class.
    pub images: usize,
    /// Epochs it was trained for.
    pub epochs: u32,
    /// Loss of the finished net on these images; none if it became NaN or infinite.
    pub loss: Option<f64>,
    /// Accuracy of the finished net on these images, 0 to 1; none likewise.
    pub accuracy: Option<f64>,
    /// First epoch, from 1, after which the net classified every image correctly.
    pub known_after: Option<u32>,
    /// True if the finished net classifies every image correctly.
    pub passed: bool,
    /// Advice if it did not pass.
    pub hint: Option<String>,
}

/// Results of the overfit test.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Overfits {
    /// For each member that could be checked, each of [`OVERFIT_SIZES`].
    pub checks: Vec<Overfit>,
    /// Names and kinds of the members that the check says nothing about.
    pub skipped: Vec<(String, String)>,
}

/// Trains these members of a configuration on a few of its training images, prepared as in a run but without copies;
/// `data` comes before the configuration's folder, `epochs` before those of [`OVERFIT_SIZES`].
///
/// # Errors
/// If the digits cannot be read, a fit fails for another reason than a loss that becomes NaN or infinite, or somebody
/// asked to stop.
pub fn overfit(
    config: &RunConfig,
    members: &[&dyn Learner],
    data: Option<&Path>,
    epochs: Option<u32>,
    context: &FitContext,
) -> Result<Overfits, RunFailure> {
    let source = preprocessing::open_data(&config.experiment.data, data)?;
    context.progress.message(&format!("data: {}", source.describe()));
    let digits = config.experiment.preprocessing.test(source.train(context.progress)?)?;
    let mut all = Overfits::default();
    for member in members {
        for (images, usual) in OVERFIT_SIZES {
            let epochs = epochs.unwrap_or(usual);
            let seed = Seed(config.experiment.seed).derive("overfit").derive(member.name()).index(images as u64);
            let few = digits.select(&stratified_subset(&digits.labels, images, seed.derive("images")));
            match member.net() {
                Some(net) => {
                    let learner = net.overfitting(few.len(), epochs);
                    all.checks.push(check(learner.as_ref(), &few, epochs, seed, context)?);
                }
                None => {
                    all.skipped.push((member.name().to_owned(), member.kind().to_owned()));
                    break;
                }
            }
        }
    }
    Ok(all)
}

fn check(
    learner: &dyn Learner,
    few: &Digits,
    epochs: u32,
    seed: Seed,
    context: &FitContext,
) -> Result<Overfit, RunFailure> {
    let label = format!("{}, {} images", learner.name(), few.len());
    let context = context.seeded(seed.derive("fit")).labelled(&label);
    let of = |course: Option<(f64, Scores, Option<u32>)>, hint: Option<String>| Overfit {
        member: learner.name().to_owned(),
        images: few.len(),
        epochs,
        loss: course.as_ref().map(|(loss, ..)| *loss),
        accuracy: course.as_ref().map(|(_, scores, _)| scores.accuracy.value),
        known_after: course.and_then(|(.., known_after)| known_after),
        passed: hint.is_none(),
        hint,
    };
    // Nothing is chosen by them: the training images are watched, so that each epoch shows what the net knows after it.
    let Fitted { classifier, history, .. } = match learner.fit(few, Some(few), &context) {
        Ok(fitted) => fitted,
        Err(error) if error.is_divergence() => return Ok(of(None, Some(DIVERGED.to_owned()))),
        Err(error) => return Err(error.into()),
    };
    let scores = evaluation::score(&classifier.predict_proba(&few.images)?, &few.labels)?;
    let known_after =
        history.points.iter().find(|point| point.validation_accuracy == Some(1.0)).map(|point| point.step);
    let loss = history.points.last().and_then(|point| point.validation_loss).unwrap_or(scores.log_loss);
    let hint = (scores.correct < scores.images).then(|| hint(&history.points, known_after, &scores));
    Ok(of(Some((loss, scores, known_after)), hint))
}

const DIVERGED: &str = "the loss became NaN or infinite: lower the learning rate, or draw smaller initial weights";

/// Advice from the course of a failed test.
fn hint(points: &[HistoryPoint], known_after: Option<u32>, scores: &Scores) -> String {
    let losses: Vec<f64> = points.iter().filter_map(|point| point.validation_loss).collect();
    let (first, last) = (losses.first().copied().unwrap_or_default(), losses.last().copied().unwrap_or_default());
    let earlier = losses.len().checked_sub(1 + losses.len() / 5).map_or(first, |index| losses[index]);
    let answers =
        (0..scores.confusion.len()).filter(|&digit| scores.confusion.iter().any(|row| row[digit] > 0)).count();
    if let Some(epoch) = known_after {
        return format!("it knew every image after epoch {epoch} and lost some again: the learning rate is too high");
    }
    if last < 0.97 * earlier {
        return "it learns, but too slowly: raise the learning rate, or see with --epochs how long it takes".to_owned();
    }
    if answers == 1 || last > 0.9 * first {
        let same = if answers == 1 { "it gives every image the same digit" } else { "the loss hardly moves" };
        return format!(
            "{same}: the learning rate is far too high or too low, the initial weights are too large or too small, or units are dead (ReLU) or \
             saturated (sigmoid, tanh)"
        );
    }
    "it got stuck: the learning rate is too high, there are too few units, a gradient is wrong (digitstack check gradients), or equal images \
     have different labels"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(course: &[(f64, f64)]) -> Vec<HistoryPoint> {
        let point = |(step, &(loss, accuracy)): (u32, &(f64, f64))| HistoryPoint {
            step,
            train_loss: None,
            train_accuracy: None,
            validation_loss: Some(loss),
            validation_accuracy: Some(accuracy),
            learning_rate: None,
        };
        (1..).zip(course).map(point).collect()
    }

    #[test]
    fn a_hint_says_what_the_course_shows() {
        let certain = |digit: usize| std::array::from_fn(|class| if class == digit { 1.0 } else { 0.0 });
        let varied = evaluation::score(&[certain(1), certain(2), certain(3)], &[1, 2, 2]).unwrap();
        let same = evaluation::score(&[certain(1), certain(1)], &[1, 2]).unwrap();
        let hint = |course: &[(f64, f64)], scores: &Scores| {
            let points = points(course);
            let known = points.iter().find(|point| point.validation_accuracy == Some(1.0)).map(|point| point.step);
            hint(&points, known, scores)
        };
        assert!(hint(&[(2.3, 0.1), (0.1, 1.0), (0.4, 0.9)], &varied).contains("after epoch 2"));
        assert!(
            hint(&[(2.3, 0.1), (2.0, 0.2), (1.8, 0.3), (1.6, 0.4), (1.4, 0.5), (1.2, 0.6)], &varied)
                .contains("too slowly")
        );
        assert!(hint(&[(2.30, 0.1), (2.29, 0.2), (2.29, 0.2)], &varied).contains("hardly moves"));
        assert!(hint(&[(9.0, 0.1), (2.3, 0.1), (2.3, 0.1), (2.3, 0.1)], &same).contains("the same digit"));
        assert!(hint(&[(2.3, 0.1), (0.5, 0.8), (0.5, 0.8), (0.5, 0.8)], &varied).contains("stuck"));
    }
}
