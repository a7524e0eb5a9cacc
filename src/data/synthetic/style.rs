//! A writer: how the digit of one image is slanted, proportioned, inked and how unsteady the hand is.
//!
//! Most distributions are bell-shaped with bounded tails (a sum of four uniform draws). That keeps nearly all digits
//! readable; a heavy pen may still fill a loop, as it does in MNIST.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::seed::Seed;

/// The random draws of one image.
pub(super) struct Draw(ChaCha8Rng);

impl Draw {
    pub(super) fn new(seed: Seed) -> Self {
        Self(seed.rng())
    }

    /// Uniform in `[0, 1)`.
    pub(super) fn unit(&mut self) -> f32 {
        self.0.random()
    }

    /// Uniform in `[low, high)`.
    pub(super) fn uniform(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Bell-shaped with this mean and standard deviation, never further than 3.47 deviations from the mean.
    pub(super) fn normal(&mut self, mean: f32, deviation: f32) -> f32 {
        let sum = self.unit() + self.unit() + self.unit() + self.unit();
        mean + deviation * (sum - 2.0) * 1.732_050_8
    }

    /// A whole number from 0 to `end` − 1.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end as u32) as usize
    }

    /// Draws `true` with this probability.
    pub(super) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }
}

/// Distribution of the writing style of one class.
struct Habit {
    /// Mean of the slant: shift to the right for each unit upwards.
    slant: f32,
    /// Deviation of the slant.
    slant_spread: f32,
    /// Mean ratio of width to the template's width.
    width: f32,
    /// Deviation of that ratio, in either direction.
    width_spread: f32,
    /// Mean of half the width of the line, in pixels.
    radius: f32,
}

const fn habit(slant: f32, slant_spread: f32, width: f32, width_spread: f32, radius: f32) -> Habit {
    Habit { slant, slant_spread, width, width_spread, radius }
}

/// By class, 0 to 9.
const HABITS: [Habit; 10] = [
    habit(0.22, 0.22, 1.11, 0.22, 1.32),
    habit(0.27, 0.25, 1.00, 0.20, 1.32),
    habit(0.09, 0.27, 1.20, 0.22, 1.20),
    habit(0.11, 0.24, 1.13, 0.18, 1.18),
    habit(0.20, 0.30, 1.14, 0.22, 1.08),
    habit(0.19, 0.28, 1.12, 0.24, 1.04),
    habit(0.14, 0.22, 1.07, 0.22, 1.16),
    habit(0.06, 0.28, 1.18, 0.20, 1.16),
    habit(0.15, 0.24, 1.12, 0.20, 1.03),
    habit(0.16, 0.26, 1.03, 0.20, 1.03),
];

/// Deviations of the terms of the quadratic warp, see [`Style::warp`].
const WARP: [f32; 6] = [0.07, 0.14, 0.10, 0.07, 0.08, 0.14];

/// One writer, for one digit.
pub(super) struct Style {
    /// Shift to the right for each unit upwards.
    pub slant: f32,
    /// Tangent of half the angle by which the whole digit is turned.
    pub half_turn: f32,
    /// Width factor on the template.
    pub width: f32,
    /// Deviation of every knot, in hundredths of the template's height.
    pub knot_jitter: f32,
    /// Deviation of every stroke as a whole, in the same unit.
    pub stroke_jitter: f32,
    /// Coefficients of the quadratic warp: x², xy, y² for x, then for y, on coordinates from −1 to 1.
    pub warp: [f32; 6],
    /// Deviation of the part by which an end of a stroke is cut or drawn on, relative to the last segment.
    pub end_spread: f32,
    /// Half the width of the line, in pixels of the final image.
    pub radius: f32,
    /// Relative deviation of the radius along a stroke.
    pub pressure: f32,
    /// Relative change of the radius between horizontal and vertical strokes.
    pub nib: f32,
    /// Reduction of the width at the ends of a stroke, 0 to 1.
    pub taper: f32,
    /// Relative deviation of the radius from each point of the curve to the next.
    pub roughness: f32,
    /// Width of the grey ramp at an edge, in pixels.
    pub edge: f32,
    /// Level of full ink, 0 to 255 after clamping.
    pub ink: f32,
}

impl Style {
    pub(super) fn draw(class: u8, draw: &mut Draw) -> Self {
        let habit = &HABITS[usize::from(class)];
        let slant = draw.normal(habit.slant, habit.slant_spread);
        let half_turn = draw.normal(0.0, 0.06);
        let stretch = draw.normal(0.0, habit.width_spread);
        let width = habit.width * if stretch < 0.0 { 1.0 / (1.0 - stretch) } else { 1.0 + stretch };
        let unsteady = draw.uniform(0.5, 1.5);
        let warp = WARP.map(|deviation| draw.normal(0.0, deviation));
        let heavy = if draw.chance(0.15) { draw.unit() * draw.unit() * 1.5 } else { 0.0 };
        let radius = draw.normal(habit.radius, 0.3).max(0.6) + heavy;
        Self {
            slant,
            half_turn,
            width,
            knot_jitter: 4.8 * unsteady,
            stroke_jitter: 2.0 * unsteady,
            warp,
            end_spread: 0.25,
            radius,
            pressure: draw.uniform(0.0, 0.16),
            nib: draw.normal(0.0, 0.1),
            taper: draw.uniform(0.0, 0.4),
            roughness: draw.uniform(0.0, 0.12),
            edge: draw.uniform(0.95, 1.45),
            ink: draw.uniform(262.0, 320.0),
        }
    }
}
