//! Application of an update rule to every parameter of a net.

use std::{collections::BTreeMap, sync::Arc};

use burn::{
    module::{Module, ModuleMapper, Param, ParamId},
    optim::{DynOptimizer, DynState, GradientsParams, StateSink, StateSource},
    tensor::{Device, Tensor, TensorData},
};

use super::config::OptimizerConfig;

/// Update rule with its state for each parameter.
pub struct Updater {
    rule: Arc<dyn DynOptimizer>,
    states: BTreeMap<u64, DynState>,
}

/// State of an [`Updater`] as named values, `<parameter number>.<field>`.
#[derive(Clone, Debug, Default)]
pub struct OptimizerState {
    /// Tensors, such as running means.
    pub tensors: BTreeMap<String, TensorData>,
    /// Step counters.
    pub counters: BTreeMap<String, u64>,
    /// Number of dimensions of each parameter that has a state, by its number.
    pub ranks: BTreeMap<u64, usize>,
}

impl Updater {
    /// Creates an updater without state.
    pub fn new(config: &OptimizerConfig) -> Self {
        Self { rule: config.rule(), states: BTreeMap::new() }
    }

    /// Performs one step: updates every parameter that has a gradient.
    pub fn step<M: Module>(&mut self, learning_rate: f64, module: M, gradients: GradientsParams) -> M {
        module.map(&mut Step { updater: self, learning_rate, gradients })
    }

    /// Reads the state from the device, for [`restore`](Self::restore).
    pub fn state(&self) -> OptimizerState {
        let mut all = OptimizerState::default();
        for (&parameter, state) in &self.states {
            let mut sink = StateSink::default();
            self.rule.state_flatten(&parameter.to_string(), state, &mut sink);
            all.tensors.extend(sink.tensors);
            // Every scalar of Burn's rules is a step counter.
            all.counters
                .extend(sink.scalars.into_iter().filter_map(|(name, value)| Some((name, u64::try_from(value).ok()?))));
            all.ranks.insert(parameter, state.rank());
        }
        all
    }

    /// Recreates the updater that [`state`](Self::state) was read from, on `device` (without autodiff); `None` if
    /// something is missing.
    pub fn restore(config: &OptimizerConfig, state: OptimizerState, device: &Device) -> Option<Self> {
        let mut source =
            StateSource::new(state.counters.into_iter().map(|(name, value)| (name, value.into())).collect());
        for (name, data) in state.tensors {
            source.insert_tensor(name, data);
        }
        let rule = config.rule();
        let mut states = BTreeMap::new();
        for (parameter, rank) in state.ranks {
            if !(1..=4).contains(&rank) {
                return None;
            }
            states.insert(parameter, rule.state_unflatten(rank, &parameter.to_string(), &mut source, device)?);
        }
        Some(Self { rule, states })
    }
}

struct Step<'a> {
    updater: &'a mut Updater,
    learning_rate: f64,
    gradients: GradientsParams,
}

impl ModuleMapper for Step<'_> {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper): (ParamId, _, _) = parameter.consume();
        let Some(gradient) = self.gradients.remove::<D>(id) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let state = self.updater.states.remove(&id.val());
        let tensor = tensor.inner().into_bridge();
        let (tensor, state) = self.updater.rule.step_dyn(D, self.learning_rate, tensor, gradient.into_bridge(), state);
        if let Some(state) = state {
            self.updater.states.insert(id.val(), state);
        }
        let tensor = Tensor::<D>::from_inner(Tensor::from_bridge(tensor)).require_grad();
        Param::from_mapped_value(id, tensor, mapper)
    }
}
