//! The function that the regression minimises, (Σ log-loss + ½‖W‖² / c) / n, and its gradient.
//!
//! Pixels differ much: some are inked in every third image, some in one of ten thousand, and L-BFGS would converge
//! slowly along the latter. The parameters are therefore the weights of *centred* pixels (which moves the intercepts
//! only), divided by a scale that makes the second derivative about 1 in every direction: `p (1 − p) · variance + 1 /
//! (c n)` with p = 1/10 for each class. Centring costs nothing: it is a product of sums, not of images, and pixels
//! without ink stay left out.
//!
//! The pass over the images is cut into chunks of fixed size, which run in parallel; their sums are added in the order
//! of the chunks, so that the result has the same bits on any number of threads.

use std::cell::Cell;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::pixels::Inked;
use crate::{
    classical::fit::{MOST_LOSS, Standing},
    data::{CLASSES, PIXELS},
    optimize::{NEVER, Objective, residuals},
};

/// Images of one chunk.
const CHUNK: usize = 1024;
/// `p (1 − p)` where every class is equally probable.
const CURVATURE: f64 = 0.09;

/// Weights of each pixel's grey level in the ten logits (or their gradient), the intercepts last: `[785, 10]`.
type Table = Vec<[f64; CLASSES]>;

/// Penalised log-loss of the training images as a function of the parameters.
pub(super) struct PixelLoss<'a> {
    images: &'a Inked,
    labels: &'a [u8],
    /// Classes that occur among the labels.
    classes: &'a [u8],
    c: f64,
    /// Mean of each pixel, in grey levels.
    means: Vec<f64>,
    /// Factors from a parameter to a weight for grey levels, `[784]`.
    scales: Vec<f64>,
    /// Factor from a parameter to an intercept.
    intercept_scale: f64,
    /// Loss and accuracy at the point that was evaluated last.
    last: Cell<Standing>,
}

impl<'a> PixelLoss<'a> {
    pub(super) fn new(images: &'a Inked, labels: &'a [u8], classes: &'a [u8], c: f64) -> Self {
        let n = images.len() as f64;
        let (means, variances): (Vec<f64>, Vec<f64>) = images.moments().into_iter().unzip();
        let scale = |variance: f64| 1.0 / (CURVATURE * variance + 255.0 * 255.0 / (c * n)).sqrt();
        let scales = variances.into_iter().map(scale).collect();
        Self {
            images,
            labels,
            classes,
            c,
            means,
            scales,
            intercept_scale: 1.0 / CURVATURE.sqrt(),
            last: Cell::default(),
        }
    }

    /// Number of parameters: for each class its weights, then its intercept.
    pub(super) fn parameters(&self) -> usize {
        self.classes.len() * (PIXELS + 1)
    }

    /// Loss and accuracy on the training images at the point that was evaluated last.
    pub(super) fn standing(&self) -> Standing {
        self.last.get()
    }

    /// Loss and accuracy on other images.
    pub(super) fn standing_on(&self, parameters: &[f64], images: &Inked, labels: &[u8]) -> Standing {
        pass(&self.table(parameters), images, labels, false).standing(labels.len())
    }

    /// Weights for grey levels, and the intercepts.
    pub(super) fn table(&self, parameters: &[f64]) -> Table {
        let mut table = vec![[0.0; CLASSES]; PIXELS + 1];
        table[PIXELS] = [NEVER; CLASSES];
        for (row, &class) in parameters.chunks_exact(PIXELS + 1).zip(self.classes) {
            let class = usize::from(class);
            let mut intercept = row[PIXELS] * self.intercept_scale;
            for (pixel, &parameter) in row[..PIXELS].iter().enumerate() {
                let weight = parameter * self.scales[pixel];
                table[pixel][class] = weight;
                intercept -= weight * self.means[pixel];
            }
            table[PIXELS][class] = intercept;
        }
        table
    }
}

impl Objective for PixelLoss<'_> {
    fn evaluate(&self, at: &[f64]) -> (f64, Vec<f64>) {
        let sums = pass(&self.table(at), self.images, self.labels, true);
        self.last.set(sums.standing(self.labels.len()));
        let n = self.labels.len() as f64;
        let mut gradient = Vec::with_capacity(at.len());
        let mut penalty = 0.0;
        for (row, &class) in at.chunks_exact(PIXELS + 1).zip(self.classes) {
            let class = usize::from(class);
            let of_intercept = sums.gradient[PIXELS][class];
            for (pixel, &parameter) in row[..PIXELS].iter().enumerate() {
                // The penalty applies to weights for pixels from 0 to 1.
                let per_parameter = 255.0 * self.scales[pixel];
                let weight = parameter * per_parameter;
                penalty += 0.5 * weight * weight / self.c;
                let of_weight = sums.gradient[pixel][class] - self.means[pixel] * of_intercept;
                gradient.push((of_weight * self.scales[pixel] + weight * per_parameter / self.c) / n);
            }
            gradient.push(of_intercept * self.intercept_scale / n);
        }
        ((sums.loss + penalty) / n, gradient)
    }
}

/// Sums over images.
struct Sums {
    loss: f64,
    correct: usize,
    /// Gradient of the summed loss with respect to the table; empty if it is not needed.
    gradient: Table,
}

impl Sums {
    fn standing(&self, images: usize) -> Standing {
        let n = images.max(1) as f64;
        Standing { loss: self.loss / n, accuracy: self.correct as f64 / n }
    }
}

/// Sums loss, correct answers and, if wanted, the gradient over images.
fn pass(table: &Table, images: &Inked, labels: &[u8], with_gradient: bool) -> Sums {
    let zeros = || if with_gradient { vec![[0.0; CLASSES]; PIXELS + 1] } else { Vec::new() };
    let chunk = |(number, labels): (usize, &[u8])| {
        let mut sums = Sums { loss: 0.0, correct: 0, gradient: zeros() };
        Arch::new().dispatch(Add { table, images, first: number * CHUNK, labels, sums: &mut sums });
        sums
    };
    let chunks: Vec<Sums> = labels.par_chunks(CHUNK).enumerate().map(chunk).collect();
    let mut whole = Sums { loss: 0.0, correct: 0, gradient: zeros() };
    for chunk in chunks {
        whole.loss += chunk.loss;
        whole.correct += chunk.correct;
        for (sum, value) in whole.gradient.as_flattened_mut().iter_mut().zip(chunk.gradient.as_flattened()) {
            *sum += value;
        }
    }
    whole
}

/// Adds the images from `first` on, with the widest vector instructions of the processor. Sums of doubles keep their
/// order, so that the instructions change no bit.
struct Add<'a> {
    table: &'a Table,
    images: &'a Inked,
    first: usize,
    labels: &'a [u8],
    sums: &'a mut Sums,
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { table, images, first, labels, sums } = self;
        for (image, &label) in (first..).zip(labels) {
            let mut logits = table[PIXELS];
            for (pixel, level) in images.of(image) {
                for (logit, weight) in logits.iter_mut().zip(&table[pixel]) {
                    *logit += level * weight;
                }
            }
            let label = usize::from(label);
            let mut residual = [0.0; CLASSES];
            // Training images have finite losses; on others one confident mistake must not outweigh all else.
            let loss = residuals(&logits, label, &mut residual);
            sums.loss += if sums.gradient.is_empty() { loss.min(MOST_LOSS) } else { loss };
            sums.correct += usize::from(logits.iter().all(|&logit| logit <= logits[label]));
            if sums.gradient.is_empty() {
                continue;
            }
            for (pixel, level) in images.of(image) {
                for (sum, residual) in sums.gradient[pixel].iter_mut().zip(&residual) {
                    *sum += level * residual;
                }
            }
            for (sum, residual) in sums.gradient[PIXELS].iter_mut().zip(&residual) {
                *sum += residual;
            }
        }
    }
}
