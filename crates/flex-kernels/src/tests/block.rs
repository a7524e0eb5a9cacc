//! A block against the same block made of Burn's own operations, on every level of this processor.
//!
//! Inputs and weights are small multiples of 1/4 and 1/8, so that every convolution sum is exact in any order: values,
//! ties and winners of the pool must then agree exactly, and only the activations round.

use proptest::prelude::*;

use super::{
    reference::{Case, spec},
    support::{EVERY_ACTIVATION, EVERY_POOL},
};
use crate::{Activation, BlockSpec, Memory, Padding, Pool};

fn cases() -> impl Strategy<Value = Case> {
    let chain = || proptest::collection::vec(proptest::sample::select(&EVERY_ACTIVATION[..]), 0..3);
    let sizes = (1usize..=9, 1usize..=20, 7usize..=13, 7usize..=13, 1usize..=40, 0usize..4);
    let kinds = (any::<bool>(), any::<bool>(), chain(), proptest::sample::select(&EVERY_POOL[..]), chain());
    (sizes, kinds, any::<u64>()).prop_map(|((batch, channels, height, width, out, kernel), kinds, seed)| {
        let (same, contiguous, before_pool, pool, after_pool) = kinds;
        let kernel = 2 * kernel + 1;
        // A 7×7 kernel leaves one row of a 7-row image: too little for a pool.
        let (height, width) = (height + usize::from(kernel == 7), width + usize::from(kernel == 7));
        Case {
            input: [batch, channels, height, width],
            out,
            kernel,
            spec: BlockSpec {
                padding: if same { Padding::Same } else { Padding::Valid },
                before_pool,
                pool,
                after_pool,
                memory: if contiguous { Memory::Contiguous } else { Memory::ChannelsLast },
            },
            seed,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equals_burns_operations(case in cases()) {
        case.check();
    }
}

/// The shapes with a path of their own: short segments, exact channels, one and several vectors, images of several
/// tasks.
#[test]
fn equals_burns_operations_on_the_shapes_of_the_reference_net() {
    let selu = spec(&[], Pool::Max2x2, &[Activation::Selu; 2]);
    Case { input: [5, 1, 28, 28], out: 64, kernel: 3, spec: selu.clone(), seed: 1 }.check();
    Case { input: [5, 64, 13, 13], out: 128, kernel: 3, spec: selu.clone(), seed: 2 }.check();
    for (pool, first) in [(Pool::Average2x2, Activation::Selu), (Pool::Max2x2, Activation::Swish)] {
        let spec = spec(&[first], pool, &[Activation::Selu]);
        Case { input: [5, 1, 28, 28], out: 64, kernel: 3, spec: spec.clone(), seed: 5 }.check();
        Case { input: [5, 64, 13, 13], out: 128, kernel: 3, spec, seed: 6 }.check();
    }
    let same = BlockSpec { padding: Padding::Same, pool: Pool::None, ..selu };
    // Nothing follows: directly and by tiles, images alone, together and in pieces.
    let plain = BlockSpec { after_pool: Vec::new(), ..same.clone() };
    for (input, out, kernel) in [
        ([5, 1, 12, 12], 32, 3),
        ([3, 32, 28, 28], 32, 3),
        ([9, 64, 7, 7], 128, 3),
        ([20, 128, 3, 3], 64, 3),
        ([2, 5, 9, 8], 7, 5),
        ([9, 32, 12, 11], 17, 5),
    ] {
        let valid = BlockSpec { padding: Padding::Valid, memory: Memory::Contiguous, ..plain.clone() };
        let fits = input[2] > kernel;
        for spec in [plain.clone(), valid].into_iter().take(1 + usize::from(fits)) {
            Case { input, out, kernel, spec, seed: 7 }.check();
        }
    }
    // Activations on a map that is not pooled, or pooled behind them: gradients of whole maps, by tiles.
    for (pool, first) in
        [(Pool::None, Activation::Relu), (Pool::Average2x2, Activation::Selu), (Pool::Max2x2, Activation::Swish)]
    {
        for memory in [Memory::ChannelsLast, Memory::Contiguous] {
            let behind = if pool == Pool::None { vec![] } else { vec![Activation::Softsign] };
            let spec = BlockSpec { before_pool: vec![first], pool, after_pool: behind, memory, ..same.clone() };
            Case { input: [9, 32, 14, 13], out: 33, kernel: 3, spec, seed: 8 }.check();
        }
    }
    Case { input: [3, 2, 9, 8], out: 16, kernel: 3, spec: same.clone(), seed: 3 }.check();
    Case { input: [2, 1, 14, 15], out: 33, kernel: 7, spec: same, seed: 4 }.check();
}
