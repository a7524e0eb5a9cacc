//! Scales of axes: map values to positions and choose the ticks.

use super::format;

/// A tick of an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// Position: 0 at the start of the axis, 1 at its end.
    pub(super) position: f64,
    /// Label, drawn if there is room.
    pub(super) label: String,
    /// True if its label takes precedence over others.
    pub(super) major: bool,
}

/// A scale: the range of an axis and its spacing.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    kind: Kind,
    low: f64,
    high: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Linear,
    /// Linear, with ticks at whole numbers only.
    Whole,
    /// Logarithmic.
    Log,
    /// Accuracies, logarithmic in the error rate: 99 % is as far from 90 % as 99.9 % is from 99 %.
    Accuracy,
    /// Negated losses, logarithmic, so that smaller losses are nearer to the end of the axis.
    Loss,
}

/// Multiples of a power of ten with ticks on a logarithmic axis.
const STEPS: [f64; 3] = [1.0, 2.0, 5.0];
/// Multiples that bound a logarithmic axis, and that have ticks if it is short.
const FINE_STEPS: [f64; 9] = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0];

impl Scale {
    /// A linear scale from `low` to `high`.
    pub(super) fn linear(low: f64, high: f64) -> Self {
        Self { kind: Kind::Linear, low, high: if high > low { high } else { low + 1.0 } }
    }

    /// A linear scale for counts, with ticks at whole numbers.
    pub(super) fn whole(low: f64, high: f64) -> Self {
        Self { kind: Kind::Whole, ..Self::linear(low, high) }
    }

    /// A logarithmic scale that covers the positive values; `None` if there are none.
    pub(super) fn log(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let (low, high) = bounds(values)?;
        Some(Self { kind: Kind::Log, low, high })
    }

    /// A scale for accuracies (0 to 1), logarithmic in the error rate, so that good models are as far apart as bad
    /// ones. An accuracy of 1 lies at the end of the axis.
    pub(super) fn accuracy(values: impl IntoIterator<Item = f64>) -> Self {
        let Self { low, high, .. } = Self::errors(values.into_iter().map(|accuracy| 1.0 - accuracy));
        Self { kind: Kind::Accuracy, low, high: high.min(1.0) }
    }

    /// A logarithmic scale for negated losses. A loss of 0 lies at the end of the axis.
    pub(super) fn loss(values: impl IntoIterator<Item = f64>) -> Self {
        Self { kind: Kind::Loss, ..Self::errors(values.into_iter().map(|negated| -negated)) }
    }

    fn errors(errors: impl Iterator<Item = f64>) -> Self {
        let errors: Vec<f64> = errors.collect();
        let without_error = errors.iter().any(|error| *error <= 0.0);
        let (low, high) = bounds(errors).unwrap_or((0.001, 0.1));
        Self { kind: Kind::Log, low: if without_error { low / 2.0 } else { low }, high }
    }

    /// Position of a value, 0 to 1; values outside the range lie at the nearer end.
    pub(super) fn position(&self, value: f64) -> f64 {
        let log = |value: f64| (value.max(self.low) / self.low).ln() / (self.high / self.low).ln();
        let position = match self.kind {
            Kind::Linear | Kind::Whole => (value - self.low) / (self.high - self.low),
            Kind::Log => log(value),
            Kind::Accuracy => 1.0 - log(1.0 - value),
            Kind::Loss => 1.0 - log(-value),
        };
        if position.is_nan() || value.is_nan() { 0.0 } else { position.clamp(0.0, 1.0) }
    }

    /// True if a value lies before the start of the axis.
    pub(super) fn beyond(&self, value: f64) -> bool {
        match self.kind {
            Kind::Linear | Kind::Whole | Kind::Log => value < self.low,
            Kind::Accuracy => 1.0 - value > self.high * (1.0 + 1e-9),
            Kind::Loss => -value > self.high * (1.0 + 1e-9),
        }
    }

    /// Value at a position from 0 to 1.
    pub(super) fn value(&self, position: f64) -> f64 {
        let log = |position: f64| self.low * (self.high / self.low).powf(position);
        match self.kind {
            Kind::Linear | Kind::Whole => self.low + (self.high - self.low) * position,
            Kind::Log => log(position),
            Kind::Accuracy => 1.0 - log(1.0 - position),
            Kind::Loss => -log(1.0 - position),
        }
    }

    /// Ticks of the axis, from its start to its end.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        match self.kind {
            Kind::Linear | Kind::Whole => self.linear_ticks(),
            Kind::Log => {
                self.decades().into_iter().map(|(value, major)| self.tick(value, format::short(value), major)).collect()
            }
            Kind::Accuracy => {
                let tick = |(error, major)| self.tick(1.0 - error, format::short(100.0 * (1.0 - error)), major);
                self.decades().into_iter().rev().map(tick).collect()
            }
            Kind::Loss => self
                .decades()
                .into_iter()
                .rev()
                .map(|(loss, major)| self.tick(-loss, format::short(loss), major))
                .collect(),
        }
    }

    fn tick(&self, value: f64, label: String, major: bool) -> Tick {
        Tick { position: self.position(value), label, major }
    }

    fn linear_ticks(&self) -> Vec<Tick> {
        self.even_steps().into_iter().map(|(value, major)| self.tick(value, format::short(value), major)).collect()
    }

    /// Multiples of a round step, all of them major.
    fn even_steps(&self) -> Vec<(f64, bool)> {
        let step = nice_step((self.high - self.low) / 5.0).max(if self.kind == Kind::Whole { 1.0 } else { 0.0 });
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|multiple| (multiple as f64 * step, true)).collect()
    }

    /// Powers of ten (major) with as many multiples in between as there is room for.
    fn decades(&self) -> Vec<(f64, bool)> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let inside = |value: f64| value >= self.low * (1.0 - 1e-9) && value <= self.high * (1.0 + 1e-9);
        let marks = |steps: &[f64]| -> Vec<(f64, bool)> {
            let all = (first..=last)
                .flat_map(|power| steps.iter().map(move |step| (step * 10_f64.powi(power), *step == 1.0)));
            all.filter(|(value, _)| inside(*value)).collect()
        };
        match marks(&STEPS) {
            few if few.len() < 3 => match marks(&FINE_STEPS) {
                few if few.len() < 3 => self.even_steps(),
                some => some,
            },
            many if many.len() > 12 => marks(&STEPS[..1]),
            some => some,
        }
    }
}

/// Range of the positive values, widened to round numbers; `None` if there are none.
fn bounds(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let mut range: Option<(f64, f64)> = None;
    for value in values.into_iter().filter(|value| value.is_finite() && *value > 1e-12) {
        let (low, high) = range.unwrap_or((value, value));
        range = Some((low.min(value), high.max(value)));
    }
    let (low, high) = range?;
    let power = 10_f64.powi(low.log10().floor() as i32);
    let low = FINE_STEPS.iter().rev().find(|step| *step * power <= low * (1.0 + 1e-9)).unwrap_or(&1.0) * power;
    let power = 10_f64.powi(high.log10().floor() as i32);
    let high = FINE_STEPS.iter().find(|step| *step * power >= high * (1.0 - 1e-9)).unwrap_or(&10.0) * power;
    Some((low, if high > low { high } else { low * 2.0 }))
}

/// Smallest number of the series 1, 2, 5, 10 … that is at least `about`.
fn nice_step(about: f64) -> f64 {
    let power = 10_f64.powf(about.max(1e-12).log10().floor());
    STEPS.iter().chain(&[10.0]).find(|step| *step * power >= about * 0.999).unwrap_or(&10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<String> {
        scale.ticks().into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn accuracies_are_logarithmic_in_the_error() {
        let scale = Scale::accuracy([0.953, 0.9931]);
        assert_eq!(labels(&scale), ["95", "98", "99"]);
        assert_eq!(labels(&Scale::accuracy([0.941, 0.9961])), ["95", "98", "99", "99.5"]);
        assert_eq!(labels(&Scale::accuracy([0.982, 0.987])), ["98", "98.5", "99"], "a short axis has finer marks");
        assert_eq!(
            labels(&Scale::accuracy([0.9931, 0.9937])),
            ["99.2", "99.25", "99.3", "99.35", "99.4"],
            "a very short one the finest"
        );
        let step = |from, to| scale.position(to) - scale.position(from);
        assert!((step(0.96, 0.98) - step(0.98, 0.99)).abs() < 1e-9, "halving the error is a constant distance");
    }

    #[test]
    fn an_accuracy_of_one_lies_at_the_end() {
        let scale = Scale::accuracy([1.0, 0.99]);
        assert_eq!(scale.position(1.0), 1.0);
        assert!(scale.position(0.99) < 1.0);
        assert_eq!(Scale::accuracy([]).position(f64::NAN), 0.0);
        assert_eq!(Scale::accuracy([1.0, 1.0]).position(1.0), 1.0);
    }

    #[test]
    fn smaller_losses_lie_higher() {
        let scale = Scale::loss([-0.11, -0.06]);
        assert_eq!(labels(&scale), ["0.15", "0.1", "0.08", "0.06"]);
        assert!(scale.position(-0.06) > scale.position(-0.11));
        assert_eq!(Scale::loss([0.0, -0.1]).position(0.0), 1.0);
        assert!(scale.beyond(-0.2) && !scale.beyond(-0.15) && !scale.beyond(0.0));
        let scale = Scale::accuracy([0.9, 0.99]);
        assert!(scale.beyond(0.89) && !scale.beyond(0.9) && !scale.beyond(1.0));
    }

    #[test]
    fn position_and_value_are_inverse() {
        let scales = [
            Scale::linear(-3.0, 8.0),
            Scale::log([0.01, 5.0]).unwrap(),
            Scale::accuracy([0.9, 0.99]),
            Scale::loss([-0.2, -0.01]),
        ];
        for scale in scales {
            for position in [0.0, 0.25, 0.9, 1.0] {
                assert!((scale.position(scale.value(position)) - position).abs() < 1e-9, "{scale:?} at {position}");
            }
        }
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels(&Scale::log([0.013, 0.7]).unwrap()), ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5"]);
        assert_eq!(labels(&Scale::log([0.000_1, 90.0]).unwrap()), ["0.0001", "0.001", "0.01", "0.1", "1", "10", "100"]);
        assert_eq!(labels(&Scale::linear(1.0, 12.0)), ["5", "10"]);
        assert_eq!(labels(&Scale::whole(0.5, 3.5)), ["1", "2", "3"]);
        assert_eq!(labels(&Scale::linear(0.0, 1.0)), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert!(Scale::log([0.0, -1.0, f64::NAN]).is_none());
    }
}
