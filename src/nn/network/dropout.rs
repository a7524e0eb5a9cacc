//! Dropout (Srivastava et al., 2014) whose mask depends on a seed only.
//!
//! Burn's own dropout draws from a generator of the whole process, which neither folds trained side by side nor a
//! resumed run could reproduce. So the mask is drawn on the host, with one generator per layer and step, and uploaded:
//! as numbers to the CPU and as one bit an element to other devices.

use burn::tensor::{Int, Shape, Tensor, TensorData};
use rand::Rng;

use crate::seed::Seed;

/// Sets each element to zero with probability `rate` and divides the others by `1 − rate`.
pub(in crate::nn) fn dropout<const D: usize>(x: Tensor<D>, rate: f64, seed: Seed) -> Tensor<D> {
    if flex_kernels::available(&x.device()) { times_numbers(x, rate, seed) } else { times_bits(x, rate, seed) }
}

/// Returns the factor of the elements that are kept.
fn gain(rate: f64) -> f32 {
    (1.0 / (1.0 - rate)) as f32
}

/// Elements that one task draws.
const RUN: usize = 1 << 14;
/// Words drawn at a time.
const WORDS: usize = 256;

/// Fills `to` with `value(kept)` of the elements from index `first` on. Element `n` depends on word `n` of the seed's
/// generator alone, so that a thread may begin anywhere.
fn draw<T>(to: &mut [T], first: usize, rate: f64, seed: Seed, value: impl Fn(bool) -> T) {
    let threshold = (rate * 4_294_967_296.0) as u32;
    let mut rng = seed.rng();
    rng.set_word_pos(first as u128);
    let mut bytes = [0; 4 * WORDS];
    for to in to.chunks_mut(WORDS) {
        let bytes = &mut bytes[..4 * to.len()];
        rng.fill_bytes(bytes);
        for (to, word) in to.iter_mut().zip(bytes.as_chunks().0) {
            *to = value(u32::from_le_bytes(*word) >= threshold);
        }
    }
}

fn times_numbers<const D: usize>(x: Tensor<D>, rate: f64, seed: Seed) -> Tensor<D> {
    let (gain, shape) = (gain(rate), x.shape());
    let mut mask = vec![0.0; shape.num_elements()];
    let draw =
        |(run, mask): (usize, &mut [f32])| draw(mask, run * RUN, rate, seed, |kept| if kept { gain } else { 0.0 });
    flex_kernels::parallel::for_each(mask.chunks_mut(RUN).enumerate(), draw);
    let mask = Tensor::from_data(TensorData::new(mask, shape), &x.device());
    x * mask
}

fn times_bits<const D: usize>(x: Tensor<D>, rate: f64, seed: Seed) -> Tensor<D> {
    let (shape, device) = (x.shape(), x.device());
    let words = words(shape.num_elements(), rate, seed);
    let rows = words.len();
    let words = Tensor::<2, Int>::from_data(TensorData::new(words, [rows, 1]), &device);
    let positions = Tensor::<1, Int>::arange(0..32, &device).reshape([1, 32]);
    let bits = words.expand([rows, 32]).bitwise_right_shift(positions.expand([rows, 32])).bitwise_and_scalar(1);
    let mask: Tensor<1> = bits.reshape([32 * rows]).slice(0..shape.num_elements()).float() * gain(rate);
    x * mask.reshape::<D, Shape>(shape)
}

/// Draws one bit for each of `count` elements, the first in the lowest bit of the first word; 0 behind the last.
fn words(count: usize, rate: f64, seed: Seed) -> Vec<i32> {
    let mut kept = vec![0; count];
    draw(&mut kept, 0, rate, seed, u32::from);
    kept.chunks(32).map(|bits| bits.iter().rev().fold(0, |word, bit| word << 1 | bit).cast_signed()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn drops_the_share_and_keeps_the_mean() {
        let x = Tensor::<2>::ones([100, 100], &Device::flex());
        let y = dropout(x, 0.25, Seed(5)).into_data().try_to_vec::<f32>().unwrap();
        let dropped = y.iter().filter(|&&v| v == 0.0).count();
        assert!((2300..2700).contains(&dropped), "{dropped}");
        assert!(y.iter().all(|&v| v == 0.0 || (v - 4.0 / 3.0).abs() < 1e-6));
    }

    #[test]
    fn a_mask_may_be_drawn_from_anywhere_on() {
        let mut rng = Seed(7).rng();
        let expected: Vec<bool> = (0..3 * WORDS).map(|_| rng.next_u32() >= 1 << 30).collect();
        for first in [0, 1, 63, WORDS, 2 * WORDS + 5] {
            let mut found = vec![false; 3 * WORDS - first];
            draw(&mut found, first, 0.25, Seed(7), |kept| kept);
            assert_eq!(found, expected[first..]);
        }
        let x = || Tensor::<2>::ones([5, RUN], &Device::flex());
        let mask = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| times_numbers(x(), 0.4, Seed(8))).into_data().try_to_vec::<f32>().unwrap()
        };
        assert_eq!(mask(3), mask(1));
    }

    #[test]
    fn bits_are_the_same_mask() {
        let device = Device::flex().autodiff();
        for (shape, seed) in [([1, 1, 1], 1), ([3, 5, 7], 2), ([2, 16, 4], 3), ([9, 3, 11], 4)] {
            let x = Tensor::<3>::ones(shape, &device) * 3.0;
            let numbers = times_numbers(x.clone(), 0.3, Seed(seed));
            let bits = times_bits(x, 0.3, Seed(seed));
            assert_eq!(
                bits.into_data().try_to_vec::<f32>().unwrap(),
                numbers.into_data().try_to_vec::<f32>().unwrap(),
                "{shape:?}"
            );
        }
    }
}
