//! Dropout (Srivastava et al., 2014) whose mask depends on nothing but a seed.
//!
//! Burn's own dropout draws from a generator that the whole process shares, which neither folds trained side by side nor a resumed run
//! could reproduce. The mask is therefore drawn on the host, one generator a layer and step, and sent to the device.

use burn::tensor::{Tensor, TensorData};
use rand::Rng;

use crate::seed::Seed;

/// Sets each element to zero with probability `rate` and divides the others by `1 − rate`.
pub(super) fn dropout<const D: usize>(x: Tensor<D>, rate: f64, seed: Seed) -> Tensor<D> {
    let keep = (1.0 / (1.0 - rate)) as f32;
    let threshold = (rate * 4_294_967_296.0) as u64;
    let mut rng = seed.rng();
    let shape = x.shape();
    let mask: Vec<f32> = (0..shape.num_elements()).map(|_| if u64::from(rng.next_u32()) < threshold { 0.0 } else { keep }).collect();
    let mask = Tensor::from_data(TensorData::new(mask, shape), &x.device());
    x * mask
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
}
