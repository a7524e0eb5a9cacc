//! A running average of the weights (Polyak and Juditsky, 1992, with exponential forgetting).

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::Tensor,
};

use crate::nn::Network;

/// `average · kept + network · (1 − kept)`, where at step t (from 0) no more than (1 + t) / (10 + t) is kept, so that
/// the first weights are forgotten quickly. What is the same in both, such as the scaling of pixels, stays as it is to
/// the bit. `average` is without autodiff.
pub(super) fn fold_in(average: Network, network: &Network, kept: f64, step: u64) -> Network {
    let kept = kept.min((1 + step) as f64 / (10 + step) as f64);
    let mut current = Flat(BTreeMap::new());
    network.visit(&mut current);
    average.map(&mut Mix { current: current.0, kept })
}

/// Every parameter as a row, by its number.
struct Flat(BTreeMap<u64, Tensor<1>>);

impl ModuleVisitor for Flat {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let tensor = parameter.val().inner();
        let count = tensor.shape().num_elements();
        self.0.insert(parameter.id.val(), tensor.reshape([count]));
    }
}

struct Mix {
    current: BTreeMap<u64, Tensor<1>>,
    kept: f64,
}

impl ModuleMapper for Mix {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.current.remove(&parameter.id.val()) {
            Some(current) => parameter.map(|average| {
                let shape = average.dims();
                average.clone() + (current.reshape(shape) - average) * (1.0 - self.kept)
            }),
            None => parameter,
        }
    }
}
