//! Error of an automatic gradient against differences of the function, in single precision.
//!
//! For each array of the function a random weighted sum of its outputs is followed along several directions: along the
//! claimed gradient itself, where a factor shows at its full size, and along random signs, where anything else does. A
//! slope is a central difference whose numerator is summed in double precision over all outputs, so that their rounding
//! averages out, and the claim is multiplied by the step that was really taken after rounding.
//!
//! Functions with kinks (ReLU, the winner of a pool) have no slope where a step crosses one, and thousands of units
//! make that likely. Two steps, one half of the other, tell: of a smooth function the slopes agree, and the difference
//! between the slopes ahead and behind halves; a kink between breaks the first, a kink at the point itself the second.
//! Where they do not agree the step is halved, and if that does not help, another point and direction are drawn. The
//! claim has no say in that.

use rand::{Rng, RngExt};

use crate::{nn::error::NnError, seed::Seed};

/// Largest relative error of a correct gradient; one that is wrong by 1 % has twice this error.
pub const GRADIENT_TOLERANCE: f64 = 5e-3;

/// A function of several arrays, and what somebody says its gradient is.
pub(super) struct Subject<'a> {
    /// Name and values of each array: the point that is looked at.
    pub(super) arrays: Vec<(String, Vec<f32>)>,
    /// The outputs at other values of these arrays.
    pub(super) outputs: Outputs<'a>,
    /// The gradient of Σ coefficients · outputs at the point, for each array.
    pub(super) gradient: Gradient<'a>,
}

/// The function at a point that a seed draws.
pub(super) type Draw<'a, 'b> = &'b dyn Fn(Seed) -> Result<Subject<'a>, NnError>;
type Outputs<'a> = Box<dyn Fn(&[Vec<f32>]) -> Result<Vec<f32>, NnError> + 'a>;
type Gradient<'a> = Box<dyn Fn(&[f32]) -> Result<Vec<Vec<f32>>, NnError> + 'a>;

/// The array whose gradient is furthest off.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Largest {
    pub(super) array: String,
    /// Relative, see [`Look::compare`]; infinite if the claim is no number.
    pub(super) error: f64,
}

/// Directions for each array; the first is that of the gradient.
const DIRECTIONS: u64 = 3;
/// Points and directions that are drawn until two steps agree.
const ATTEMPTS: u64 = 24;
/// Steps relative to the array's size: halved from the first, down to the last.
const FIRST_STEP: f64 = 1.0 / 128.0;
const LAST_STEP: f64 = 1.0 / 16384.0;
/// Agreement of two step sizes.
const AGREEMENT: f64 = 1e-3;
/// An error that is measured again: rare for a right gradient.
const SUSPICIOUS: f64 = GRADIENT_TOLERANCE / 2.0;
/// An array that moves the outputs by less than this share of their size, however far it is moved, is measured against
/// that share: single precision shows no more of it.
const FLOOR: f64 = 2e-2;

/// Measures every array in every direction, at points that `at` draws.
///
/// # Errors
/// If the function cannot be computed.
pub(super) fn largest_error<'a>(at: Draw<'a, '_>, seed: Seed) -> Result<Largest, NnError> {
    let mut largest = Largest { array: String::new(), error: 0.0 };
    for (index, (name, _)) in at(seed)?.arrays.iter().enumerate() {
        for direction in 0..DIRECTIONS {
            let error = sure_error(at, index, direction == 0, seed.derive(name).index(direction))?;
            if largest.array.is_empty() || error > largest.error {
                largest = Largest { array: name.clone(), error };
            }
        }
    }
    Ok(largest)
}

/// The error of one array along one direction. One that looks large is measured twice more, and the middle one counts:
/// a kink that slipped through is not met twice, a wrong gradient is wrong everywhere.
fn sure_error<'a>(at: Draw<'a, '_>, index: usize, along_gradient: bool, seed: Seed) -> Result<f64, NnError> {
    let measure = |again: u64| {
        let error = error(at, index, along_gradient, seed.derive("measurement").index(again));
        error.map(|error| if error.is_nan() { f64::INFINITY } else { error })
    };
    let first = measure(0)?;
    if first <= SUSPICIOUS {
        return Ok(first);
    }
    let mut errors = [first, measure(1)?, measure(2)?];
    errors.sort_by(f64::total_cmp);
    Ok(errors[1])
}

/// The error of one array along one direction, once two steps agree, or otherwise where they agreed best.
fn error<'a>(at: Draw<'a, '_>, index: usize, along_gradient: bool, seed: Seed) -> Result<f64, NnError> {
    let mut best = (f64::INFINITY, f64::NAN);
    for attempt in 0..ATTEMPTS {
        let seed = seed.index(attempt);
        let look = Look::new(at(seed.derive("point"))?, index)?;
        let mut random = seed.derive("direction").rng();
        let coefficients: Vec<f32> =
            look.outputs.iter().map(|_| sign(&mut random) * random.random_range(0.5..1.5)).collect();
        let gradient = (look.subject.gradient)(&coefficients)?.swap_remove(index);
        let length = norm(&gradient);
        if !length.is_finite() {
            return Ok(f64::INFINITY);
        }
        let along_gradient = along_gradient && length > 0.0;
        let typical = length / (gradient.len() as f64).sqrt();
        let along =
            |&value: &f32| if along_gradient { f64::from(value) / typical } else { f64::from(sign(&mut random)) };
        let direction: Vec<f64> = gradient.iter().map(along).collect();
        let (disagreement, slopes) = look.slopes(&direction)?;
        if disagreement < best.0 || best.1.is_nan() {
            best = (disagreement, look.compare(&coefficients, &gradient, &slopes, along_gradient));
        }
        if disagreement <= AGREEMENT {
            break;
        }
    }
    Ok(best.1)
}

/// Array of a function at one point.
struct Look<'a> {
    subject: Subject<'a>,
    point: Vec<Vec<f32>>,
    index: usize,
    /// At the point.
    outputs: Vec<f32>,
}

/// The outputs' course along a step.
struct Slopes {
    /// By central differences, `[outputs]`.
    of: Vec<f64>,
    /// The slope ahead less the slope behind, `[outputs]`.
    bend: Vec<f64>,
    /// As it was taken, over the step's size, `[values]`.
    direction: Vec<f64>,
}

impl<'a> Look<'a> {
    fn new(subject: Subject<'a>, index: usize) -> Result<Self, NnError> {
        let point: Vec<Vec<f32>> = subject.arrays.iter().map(|(_, values)| values.clone()).collect();
        let outputs = (subject.outputs)(&point)?;
        Ok(Self { subject, point, index, outputs })
    }

    /// Slopes along the direction by the first two steps that agree, or by those that agree best, and how well they do.
    fn slopes(&self, direction: &[f64]) -> Result<(f64, Slopes), NnError> {
        let mut step = FIRST_STEP / 2.0;
        let (mut before, mut now) = (self.slopes_by(direction, FIRST_STEP)?, self.slopes_by(direction, step)?);
        let mut best = (self.disagreement(&before, &now), step);
        while best.0 > AGREEMENT && step > LAST_STEP {
            step /= 2.0;
            before = std::mem::replace(&mut now, self.slopes_by(direction, step)?);
            let disagreement = self.disagreement(&before, &now);
            if disagreement < best.0 {
                best = (disagreement, step);
            }
        }
        Ok((best.0, if best.1 == step { now } else { self.slopes_by(direction, best.1)? }))
    }

    fn disagreement(&self, whole: &Slopes, half: &Slopes) -> f64 {
        let distance = |terms: &mut dyn Iterator<Item = f64>| terms.map(|term| term * term).sum::<f64>().sqrt();
        let slopes = distance(&mut whole.of.iter().zip(&half.of).map(|(whole, half)| whole - half));
        let bends = distance(&mut whole.bend.iter().zip(&half.bend).map(|(whole, half)| whole - 2.0 * half));
        let length = distance(&mut half.of.iter().copied()).max(FLOOR * norm(&self.outputs));
        if slopes == 0.0 && bends == 0.0 { 0.0 } else { slopes.max(bends) / length }
    }

    fn slopes_by(&self, direction: &[f64], step: f64) -> Result<Slopes, NnError> {
        let values = &self.point[self.index];
        let scale = (norm(values) / (values.len() as f64).sqrt()).max(0.05) * step;
        let moved = |sign: f64| -> Vec<f32> {
            values
                .iter()
                .zip(direction)
                .map(|(&value, along)| (f64::from(value) + sign * scale * along) as f32)
                .collect()
        };
        let (ahead, behind) = (moved(1.0), moved(-1.0));
        let taken = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)) / (2.0 * step);
        let direction = ahead.iter().zip(&behind).map(taken).collect();
        let outputs = |moved: Vec<f32>| {
            let mut arrays = self.point.clone();
            arrays[self.index] = moved;
            (self.subject.outputs)(&arrays)
        };
        let (ahead, behind) = (outputs(ahead)?, outputs(behind)?);
        let of = ahead.iter().zip(&behind).map(taken).collect();
        let bend = |((&ahead, &behind), &here): ((&f32, &f32), &f32)| {
            (f64::from(ahead) + f64::from(behind) - 2.0 * f64::from(here)) / step
        };
        let bend = ahead.iter().zip(&behind).zip(&self.outputs).map(bend).collect();
        Ok(Slopes { of, bend, direction })
    }

    /// |measured − claimed|, relative to what such a gradient gives along such a step (its length times the step's; for a random step
    /// divided by the root of their dimension), but at least to what was measured and to [`FLOOR`].
    fn compare(&self, coefficients: &[f32], gradient: &[f32], slopes: &Slopes, along_gradient: bool) -> f64 {
        let dot = |a: &[f32], b: &[f64]| a.iter().zip(b).map(|(&a, b)| f64::from(a) * b).sum::<f64>();
        let (measured, claimed) = (dot(coefficients, &slopes.of), dot(gradient, &slopes.direction));
        let step = slopes.direction.iter().map(|value| value * value).sum::<f64>().sqrt();
        let dimension = if along_gradient { 1.0 } else { (gradient.len() as f64).sqrt() };
        let floor = FLOOR * norm(&self.outputs) * norm(coefficients) / (self.outputs.len() as f64).sqrt();
        let expected = (norm(gradient) * step / dimension).max(measured.abs()).max(floor);
        if measured == claimed { 0.0 } else { (measured - claimed).abs() / expected }
    }
}

fn sign(random: &mut impl Rng) -> f32 {
    if random.random::<bool>() { 1.0 } else { -1.0 }
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}
