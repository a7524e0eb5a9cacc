//! Scores over one numeric setting.

use super::{
    legend::{ARROW_ROOM, CHOSEN, Legend, TRIAL, draw_beyond, draw_trial},
    scores::{self, Scored},
};
use crate::{
    report::{
        canvas::{Anchor, Canvas, Stroke, Style, shortened},
        figures::{
            axes::{Axes, spread},
            marks::{Mark, draw_mark},
        },
        scale::Scale,
        theme::{Paint, Theme},
    },
    tuning::{StageOutcome, TrialState},
};

/// Trials with the same value of the setting; scores are means over them.
struct Group {
    value: f64,
    low: f64,
    mean: f64,
    high: f64,
    train: Option<f64>,
}

/// Groups complete trials by the value of the setting.
fn groups(stage: &StageOutcome) -> Vec<Group> {
    let value = |scored: &Scored| scored.trial.values[0];
    let mut trials: Vec<Scored> = scores::complete(stage).collect();
    trials.sort_by(|a, b| value(a).total_cmp(&value(b)));
    let mean = |values: &mut dyn Iterator<Item = f64>| {
        let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
        (count > 0.0).then_some(sum / count)
    };
    let group = |trials: &[Scored]| {
        let of = |end: usize| mean(&mut trials.iter().map(|scored| scored.interval()[end])).unwrap_or(0.0);
        let train = mean(&mut trials.iter().filter_map(|scored| scored.trial.train_score));
        Group { value: value(&trials[0]), low: of(0), mean: of(1), high: of(2), train }
    };
    trials.chunk_by(|a, b| value(a) == value(b)).map(group).collect()
}

/// Draws the score over the stage's only setting, with a band of ± one standard error, and the training score where
/// there is one.
pub(super) fn line(stage: &StageOutcome, theme: Theme, width: f64) -> String {
    let threshold = scores::threshold(stage);
    let dashes = threshold.map(|_| (Mark::Dashes, Paint::Soft, "one standard error below the best".to_owned()));
    let legend = Legend::new(stage, &[TrialState::Pruned, TrialState::Failed], dashes.into_iter().collect(), width);
    let top = legend.top();
    let height = top + 190.0 + 42.0;
    let mut canvas = Canvas::new(theme, width, height);
    let groups = groups(stage);
    let trained = groups.iter().any(|group| group.train.is_some());
    let numbers: Vec<f64> = stage.trials.iter().map(|trial| trial.values[0]).collect();
    let x = scores::number_scale(&numbers, stage.parameters[0].log);
    let y = score_scale(stage, &groups);
    let right = if trained { 62.0 } else { 12.0 };
    let axes = Axes { area: [44.0, top, width - 44.0 - right, 190.0], x: &x, y: &y };
    axes.draw_y(&mut canvas, scores::label(stage.score));
    axes.draw_x(&mut canvas, &shortened(&stage.parameters[0].label, 10.5, axes.area[2]), false);
    axes.draw_base(&mut canvas);
    legend.draw(&mut canvas);
    if let Some(threshold) = threshold.filter(|threshold| !y.beyond(*threshold)) {
        let at = axes.at(0.0, threshold).1;
        canvas.line([axes.area[0], at, axes.area[0] + axes.area[2], at], Stroke::new(Paint::Soft, 1.25).dashed());
    }

    let at = |value: fn(&Group) -> Option<f64>| -> Vec<(f64, f64)> {
        groups.iter().filter_map(|group| Some(axes.at(group.value, value(group)?))).collect()
    };
    let (low, mean, high) = (at(|group| Some(group.low)), at(|group| Some(group.mean)), at(|group| Some(group.high)));
    if let ([(x, low)], [(_, high)]) = (&low[..], &high[..]) {
        canvas.line([*x, *low, *x, *high], Stroke::new(TRIAL, 1.5));
    } else {
        canvas.polygon(&high.iter().chain(low.iter().rev()).copied().collect::<Vec<_>>(), TRIAL, 0.14);
    }
    let train = at(|group| group.train);
    canvas.polyline(&train, Stroke::new(TRIAL, 1.5).dashed());
    canvas.polyline(&mean, Stroke::new(TRIAL, 2.0));
    if let [only] = train[..] {
        canvas.dot(only, 2.2, TRIAL, false);
    }
    if trained {
        let ends: Vec<_> = [("train", train.last()), ("validation", mean.last())]
            .into_iter()
            .filter_map(|(name, end)| Some((name, *end?)))
            .collect();
        let mut label_heights: Vec<f64> = ends.iter().map(|(_, (_, y))| y + 3.5).collect();
        spread(&mut label_heights, 13.0, top, top + 190.0);
        for ((name, _), height) in ends.iter().zip(label_heights) {
            canvas.text(
                (axes.area[0] + axes.area[2] + 4.0, height),
                name,
                Style::new(Anchor::Start).size(10.5).paint(TRIAL),
            );
        }
    }

    for trial in stage.trials.iter().filter(|trial| trial.state == TrialState::Failed) {
        draw_mark(&mut canvas, (axes.at(trial.values[0], 0.0).0, top + 190.0), Mark::Cross, Paint::Soft);
    }
    let mut trials: Vec<_> = scores::scored(stage).collect();
    trials.sort_by_key(|scored| stage.selected == Some(scored.index));
    for scored in trials {
        let (chosen, at) = (stage.selected == Some(scored.index), axes.at(scored.trial.values[0], scored.score));
        let paint = if chosen { CHOSEN } else { TRIAL };
        let at = if y.beyond(scored.score) {
            let above = (at.0, at.1 - ARROW_ROOM);
            draw_beyond(&mut canvas, above, (0.0, 1.0), paint);
            above
        } else {
            at
        };
        draw_trial(&mut canvas, at, scored.trial.state, chosen);
    }
    canvas.finish(
        &format!("{}: {} by {}", stage.title, scores::label(stage.score), stage.parameters[0].label),
        &scores::description(stage),
    )
}

/// An axis for the validation scores; training scores with less than a third of the best validation error lie at its
/// end.
fn score_scale(stage: &StageOutcome, groups: &[Group]) -> Scale {
    let values: Vec<f64> = scores::scored(stage).flat_map(|scored| scored.interval()).collect();
    let perfect = scores::perfect(stage.score);
    let finest = values.iter().copied().filter(|value| *value < perfect).fold(f64::NEG_INFINITY, f64::max);
    let most = if finest.is_finite() { perfect - (perfect - finest) / 3.0 } else { perfect };
    let train = groups.iter().filter_map(|group| group.train).map(|train| train.min(most));
    scores::scale_around(stage, values.iter().copied().chain(train), 3.0 * scores::FAR)
}
