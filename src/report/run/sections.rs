//! The figures of a run's page, section by section.

use super::page::{self, ErrorAnalysis, MemberCurves, RiskAnalysis};
use crate::{
    evaluation::{ModelScores, Scores},
    report::{
        error::ReportError,
        figure_book::{FigureBook, file_name},
        figures::{self, LearningCurve, Metric},
        filter_history,
        input::{MemberFilterHistory, MemberFilters, ReportInput},
        page::PageFigure,
        theme::Palette,
    },
};

/// Draws the accuracy of every model; `None` without a model.
pub(in crate::report) fn leaderboard(
    models: &[&ModelScores],
    palette: &Palette,
    book: &mut FigureBook,
) -> Option<PageFigure> {
    (!models.is_empty()).then(|| {
        let caption = "Accuracy of every model, sorted by out-of-fold accuracy. Horizontal lines are 95\u{a0}% \
                       Wilson score intervals. The axis is logarithmic in the error rate: equal distances are equal \
                       factors in the number of errors. An arrow head marks a value beyond the end of the axis.";
        book.wide("leaderboard", caption.to_owned(), |theme, width| {
            figures::run_leaderboard(models, palette, theme, width)
        })
    })
}

/// Draws the first-layer filters of each member that has some.
pub(in crate::report) fn filters(input: &ReportInput, book: &mut FigureBook) -> Vec<PageFigure> {
    let mut drawn = Vec::new();
    for filters in &input.filters {
        let caption = format!(
            "{} first-layer filters of {}, {} × {} weights each; positive weights are blue, negative ones orange. \
             Each filter is scaled to its largest absolute weight.",
            figures::filters_shown(filters),
            filters.member,
            filters.side,
            filters.side
        );
        let name = format!("filters-{}", file_name(&filters.member));
        drawn.push(book.half(&name, caption, |theme, width| figures::filters(filters, theme, width)));
    }
    drawn
}

/// Draws the first-layer filters of a member before training, and an animation of how they changed.
pub(super) fn filter_history(
    history: &MemberFilterHistory,
    book: &mut FigureBook,
) -> Result<Vec<PageFigure>, ReportError> {
    let Some((_, before)) = history.snapshots.first() else { return Ok(Vec::new()) };
    let before = MemberFilters { member: history.member.clone(), side: history.side, weights: before.clone() };
    let name = file_name(&history.member);
    let caption = format!("The same filters of {} before training.", history.member);
    let first =
        book.half(&format!("filters-before-{name}"), caption, |theme, width| figures::filters(&before, theme, width));
    let last = history.snapshots.last().map_or(0, |(iteration, _)| *iteration);
    let caption = format!(
        "Animation of the filters of {} over {last} training iterations, {} frames. Each filter is scaled to its \
         largest absolute weight in any frame. The saved model may be that of an earlier epoch, or an average of \
         weights.",
        history.member,
        history.snapshots.len()
    );
    Ok(vec![first, book.animation(&format!("filters-{name}"), caption, filter_history::animation(history)?)])
}

/// Sorts models by accuracy out of fold or on the hold-out, best first; models without one follow, by training accuracy.
/// Test accuracy is never used.
pub(in crate::report) fn ranked(models: &[ModelScores]) -> Vec<&ModelScores> {
    let key = |model: &ModelScores| {
        let accuracy = |scores: Option<&Scores>| scores.map_or(-1.0, |scores| scores.accuracy.value);
        (accuracy(model.unseen()), accuracy(model.train.as_ref()))
    };
    let mut ranked: Vec<_> = models.iter().collect();
    ranked.sort_by(|a, b| {
        let ((fold_a, train_a), (fold_b, train_b)) = (key(a), key(b));
        fold_b.total_cmp(&fold_a).then(train_b.total_cmp(&train_a))
    });
    ranked
}

/// Draws the learning curves of each member: accuracy and loss by epoch or tree and, for a single fit with a trace, by
/// iteration.
pub(in crate::report) fn learning_curves<'a>(
    input: &'a ReportInput,
    palette: &Palette,
    book: &mut FigureBook,
) -> Vec<MemberCurves<'a>> {
    let mut members = Vec::new();
    for histories in &input.histories {
        let member = histories.member.as_str();
        let mut figures = Vec::new();
        for (metric, name) in [(Metric::Accuracy, "accuracy"), (Metric::Loss, "loss")] {
            let Some(curve) = LearningCurve::of(&histories.fits, metric) else { continue };
            let fits = match histories.fits.len() {
                1 => "one fit".to_owned(),
                count => format!("{count} fits"),
            };
            let caption = format!("{member}: {name} by {}, {fits}.", curve.unit());
            let draw = |theme, width| figures::curves(&curve, metric, member, palette.of(member), theme, width);
            figures.push(book.half(&format!("{name}-{}", file_name(member)), caption, draw));
        }
        if let [(_, history)] = &histories.fits[..] {
            for (metric, name) in [(Metric::Accuracy, "accuracy"), (Metric::Loss, "loss")] {
                let Some(curve) = LearningCurve::by_iteration(history, metric) else { continue };
                let caption =
                    format!("{member}: {name} by iteration (one batch each), {} iterations.", curve.last_step());
                let draw = |theme, width| figures::curves(&curve, metric, member, palette.of(member), theme, width);
                figures.push(book.half(&format!("{name}-by-iteration-{}", file_name(member)), caption, draw));
            }
        }
        if !figures.is_empty() {
            members.push(MemberCurves { member, figures });
        }
    }
    members
}

/// Draws the risk–coverage curve of a model and fills in its table; `None` without a curve.
pub(super) fn risk_analysis(
    input: &ReportInput,
    model: &ModelScores,
    palette: &Palette,
    book: &mut FigureBook,
) -> Option<RiskAnalysis> {
    let curve = input.risk_coverage.as_ref().filter(|curve| !curve.points.is_empty())?;
    let (name, set, paint) = (model.name.as_str(), input.data.held_out(), palette.of(&model.name));
    let figure = book.half(
        "risk-coverage",
        format!(
            "Risk–coverage curve of {name} on {set} images: the share of errors among the answers if answers of low \
             confidence are refused."
        ),
        |theme, width| figures::risk_coverage(curve, name, set, paint, theme, width),
    );
    let sentence = curve.describe();
    let mut letters = sentence.chars();
    let sentence = letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
    Some(RiskAnalysis { figure, sentence, rows: page::risk_rows(curve) })
}

/// Draws the confusion matrix and the calibration of a model: on test images if there are any, otherwise on held-out
/// ones, otherwise on training images.
pub(in crate::report) fn error_analysis<'a>(
    model: &'a ModelScores,
    held_out: &'static str,
    palette: &Palette,
    book: &mut FigureBook,
) -> Option<ErrorAnalysis<'a>> {
    let (set, scores) = page::sets(model, held_out).into_iter().rev().find_map(|(set, scores)| Some((set, scores?)))?;
    let (name, paint) = (model.name.as_str(), palette.of(&model.name));
    let basis = match set {
        "test" => "Measured on the test images, which were not used for training or for any choice.",
        "validation" => "Measured on the images held out for validation; this run has no test scores.",
        "out-of-fold" => {
            "Measured on the training images, each predicted by models that were trained without it; this run has \
             no test scores."
        }
        _ => "Measured on the training images themselves: this run has no scores on unseen images.",
    };
    let confusion = book.half(
        "confusion",
        format!(
            "Confusion matrix of {name} on {set} images: rows are labels, columns are predictions. Only errors are \
             coloured."
        ),
        |theme, width| figures::confusion(scores, name, set, paint, theme, width),
    );
    let calibration = book.half(
        "calibration",
        format!(
            "Reliability diagram of {name} on {set} images. Vertical lines are 95\u{a0}% Wilson score intervals; \
             bins of fewer than 20 images are joined with their neighbours; ECE is the expected calibration error."
        ),
        |theme, width| figures::calibration(scores, name, set, paint, theme, width),
    );
    Some(ErrorAnalysis {
        model: name,
        set,
        basis: basis.to_owned(),
        confusion,
        calibration,
        classes: page::class_rows(scores),
    })
}
