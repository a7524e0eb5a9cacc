//! Exponential moving average (EMA) of the weights, after Polyak and Juditsky, 1992.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::Tensor,
};

use crate::nn::network::net::Network;

/// Returns `average · decay + network · (1 − decay)`. At step t (from 0) the decay is at most (1 + t) / (10 + t), so
/// that the first weights are forgotten quickly. Equal parameters, such as the scaling of pixels, stay bit-identical.
/// `average` is without autodiff.
pub(super) fn update(average: Network, network: &Network, decay: f64, step: u64) -> Network {
    let decay = decay.min((1 + step) as f64 / (10 + step) as f64);
    let mut current = Flat(BTreeMap::new());
    network.visit(&mut current);
    average.map(&mut Mix { current: current.0, decay })
}

/// Every parameter as a row, by its id.
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
    decay: f64,
}

impl ModuleMapper for Mix {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.current.remove(&parameter.id.val()) {
            Some(current) => parameter.map(|average| {
                let shape = average.dims();
                average.clone() + (current.reshape(shape) - average) * (1.0 - self.decay)
            }),
            None => parameter,
        }
    }
}
