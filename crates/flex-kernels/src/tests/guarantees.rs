//! Guarantees beyond equality with Burn's operations: determinism, special values, memory order, bounds, clear
//! refusals.

use burn::tensor::{Device, Tensor};

use super::{
    reference::{Case, plain, spec, tensor, values},
    support::{EVERY_ACTIVATION, EVERY_POOL, Noise, bits, close, in_pool},
};
use crate::{
    Activation, BlockSpec, Pool, available, conv_pool_activation,
    geometry::Geometry,
    kernels::{Convolve, InputGradient, PANEL, Patches, Taps, WeightGradient},
    level::Level,
    operations::on_level,
};

fn selu() -> BlockSpec {
    spec(&[], Pool::Max2x2, &[Activation::Selu])
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let swish = |pool| spec(&[Activation::Swish], pool, &[Activation::Tanh]);
    let sizes = [([37, 1, 12, 12], 20), ([37, 20, 7, 7], 24)];
    for (spec, (input, out)) in [selu(), swish(Pool::Max2x2), swish(Pool::Average2x2), spec(&[], Pool::None, &[])]
        .iter()
        .flat_map(|spec| sizes.map(|sizes| (spec, sizes)))
    {
        let case = Case { input, out, kernel: 3, spec: spec.clone(), seed: 9 };
        let mut noise = Noise(10);
        let data = (noise.reals(input.iter().product()), noise.reals(out * input[1] * 9), noise.reals(out));
        for level in Level::available() {
            let with = |threads: usize| {
                in_pool(threads, || case.outcome(&data, |x, w, b| on_level::block(x, w, b, case.spec.clone(), level)))
            };
            let one = with(1);
            for threads in [2, 3] {
                let more = with(threads);
                assert_eq!(bits(&one.output), bits(&more.output));
                assert_eq!(bits(&one.input), bits(&more.input));
                assert_eq!(bits(&one.weight), bits(&more.weight));
                assert_eq!(bits(&one.bias), bits(&more.bias));
            }
        }
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    differences(spec(&[], Pool::Max2x2, &[Activation::Tanh, Activation::Softplus]));
    differences(spec(&[Activation::Swish], Pool::Max2x2, &[Activation::Softplus]));
    differences(spec(&[Activation::Swish], Pool::Average2x2, &[Activation::Tanh]));
    differences(spec(&[], Pool::None, &[]));
}

fn differences(spec: BlockSpec) {
    let case = Case { input: [2, 2, 7, 6], out: 3, kernel: 3, spec, seed: 5 };
    let mut noise = Noise(6);
    let data = (noise.reals(2 * 2 * 7 * 6), noise.reals(3 * 2 * 9), noise.reals(3));
    for level in Level::available() {
        let block = |x, w, b| on_level::block(x, w, b, case.spec.clone(), level);
        let found = case.outcome(&data, block);
        let loss = |data: &(Vec<f32>, Vec<f32>, Vec<f32>)| {
            let output = case.outcome(data, block).output;
            let coefficients = Noise(case.seed ^ 1).steps(output.len(), 4, 4.0);
            output.iter().zip(coefficients).map(|(y, c)| f64::from(*y) * f64::from(c)).sum::<f64>()
        };
        let step = 1e-3;
        let check = |which: usize, index: usize, gradient: f32| {
            let moved = |by: f32| {
                let mut moved = data.clone();
                [&mut moved.0, &mut moved.1, &mut moved.2][which][index] += by;
                loss(&moved)
            };
            let expected = (moved(step) - moved(-step)) / f64::from(2.0 * step);
            assert!(
                (f64::from(gradient) - expected).abs() < 5e-3,
                "tensor {which}, value {index}: {gradient}, expected {expected}"
            );
        };
        for index in (0..data.0.len()).step_by(7) {
            check(0, index, found.input[index]);
        }
        for index in (0..data.1.len()).step_by(5) {
            check(1, index, found.weight[index]);
        }
        for index in 0..3 {
            check(2, index, found.bias[index]);
        }
    }
}

#[test]
fn huge_zero_and_missing_values_behave_as_in_burn() {
    let specs =
        |pool| EVERY_ACTIVATION.into_iter().flat_map(move |kind| [spec(&[kind], pool, &[]), spec(&[], pool, &[kind])]);
    for spec in EVERY_POOL.into_iter().flat_map(specs) {
        let case = Case { input: [2, 3, 9, 9], out: 5, kernel: 3, spec, seed: 11 };
        let (input, weight, bias) = case.data();
        let zeros = (vec![0.0; input.len()], weight.clone(), bias.clone());
        // By a power of two, so that sums stay exact. For swish none is 0: Burn's of −1e6 is −0, which does not lose
        // against that of 0.
        let scale = |values: &[f32], shift: f32| values.iter().map(|v| (v + shift) * 1_048_576.0).collect();
        let swish = case.spec.before_pool.contains(&Activation::Swish);
        let huge = (scale(&input, 0.0), weight.clone(), scale(&bias, if swish { 1.0 / 64.0 } else { 0.0 }));
        let mut missing = (input, weight, bias);
        missing.0[100] = f32::NAN;
        let device = Device::flex();
        for level in Level::available() {
            for (name, data) in [("zeros", &zeros), ("huge", &huge)] {
                let expected = case.outcome(data, |x, w, b| plain(x, w, b, &case.spec));
                let found = case.outcome(data, |x, w, b| on_level::block(x, w, b, case.spec.clone(), level));
                let what = format!("{} {name} {:?}", level.name(), case.spec);
                assert!(found.input.iter().chain(&found.weight).all(|v| v.is_finite()), "{what}");
                close(&found.output, &expected.output, &what);
                close(&found.input, &expected.input, &what);
                close(&found.weight, &expected.weight, &what);
                close(&found.bias, &expected.bias, &what);
            }
            let of = |data: &(Vec<f32>, Vec<f32>, Vec<f32>)| {
                (
                    tensor(data.0.clone(), case.input, &device),
                    tensor(data.1.clone(), case.weight_shape(), &device),
                    tensor(data.2.clone(), [5], &device),
                )
            };
            let (x, w, b) = of(&missing);
            let expected = values(plain(x.clone(), w.clone(), b.clone(), &case.spec));
            assert!(expected.iter().any(|v| v.is_nan()) && expected.iter().any(|v| !v.is_nan()));
            close(&values(on_level::block(x, w, b, case.spec.clone(), level)), &expected, "NaN");
        }
    }
}

#[test]
fn views_are_read_by_their_strides() {
    let device = Device::flex();
    let mut noise = Noise(3);
    let x: Tensor<4> = tensor(noise.reals(3 * 10 * 9 * 8), [3, 10, 9, 8], &device);
    let w = tensor(noise.reals(6 * 8 * 9), [6, 8, 3, 3], &device);
    let b = tensor(noise.reals(6), [6], &device);
    let copied = |x: &Tensor<4>| tensor(values(x.clone()), x.dims(), &device);
    let permuted = x.clone().permute([0, 3, 1, 2]);
    let sliced = x.clone().slice([1..3, 1..9, 0..9, 0..8]).swap_dims(1, 2).permute([0, 2, 1, 3]).narrow(1, 0, 8);
    for view in [permuted, sliced] {
        let expected = values(conv_pool_activation(copied(&view), w.clone(), b.clone(), selu()));
        assert_eq!(values(conv_pool_activation(view, w.clone(), b.clone(), selu())), expected);
    }
}

/// The first layer: its input is data, so only the parameters get a gradient, and the same one.
#[test]
fn an_input_that_needs_no_gradient_gets_none() {
    let case = Case { input: [3, 2, 9, 9], out: 5, kernel: 3, spec: selu(), seed: 21 };
    let data = case.data();
    let device = Device::flex().autodiff();
    for level in Level::available() {
        let expected = case.outcome(&data, |x, w, b| on_level::block(x, w, b, case.spec.clone(), level));
        let x: Tensor<4> = tensor(data.0.clone(), case.input, &device);
        let w: Tensor<4> = tensor(data.1.clone(), case.weight_shape(), &device).require_grad();
        let y = on_level::block(x.clone(), w.clone(), tensor(data.2.clone(), [5], &device), case.spec.clone(), level);
        let shape = y.dims();
        let coefficients = tensor(Noise(case.seed ^ 1).steps(shape.iter().product(), 4, 4.0), shape, &device);
        let gradients = (y * coefficients).sum().backward();
        assert!(x.grad(&gradients).is_none());
        assert_eq!(values(w.grad(&gradients).expect("it was asked for")), expected.weight);
    }
}

#[test]
fn devices_without_the_kernels_are_told_apart() {
    assert!(available(&Device::flex()));
    assert!(available(&Device::flex().autodiff()));
}

#[test]
fn sizes_that_do_not_fit_are_refused_in_words() {
    let refused = |input, weight, bias| Geometry::new(input, weight, bias, &selu()).expect_err("it must be refused");
    assert!(refused([1, 2, 9, 9], [4, 3, 3, 3], 4).contains("2 channels"));
    assert!(refused([1, 2, 9, 9], [4, 2, 4, 4], 4).contains("odd"));
    assert!(refused([1, 2, 9, 9], [4, 2, 9, 9], 4).contains("at most 7"));
    assert!(refused([1, 2, 9, 9], [4, 2, 3, 3], 5).contains("bias"));
    assert!(refused([0, 2, 9, 9], [4, 2, 3, 3], 4).contains("batch 0"));
    assert!(refused([1, 2, 3, 3], [4, 2, 3, 3], 4).contains("leaves nothing"));
    assert!(refused([1, 2, 2, 9], [4, 2, 3, 3], 4).contains("leaves nothing"));
}

/// The unchecked loads rest on these assertions, so a staged image one value short must be refused by each kernel.
#[test]
fn kernels_refuse_an_image_that_ends_too_early() {
    let bases = [0, 2, 12, 14];
    let patches = Patches { bases: &bases, corners: [0, 1, 6, 7], candidates: 4, kernel: 3, row: 6, segment: 3 };
    let refused = |f: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).is_err();
    for level in Level::available() {
        let lanes = level.lanes();
        let convolve = |len: usize| {
            let (mut values, mut winners) = (vec![0.0; 4 * PANEL * lanes], vec![0; 4 * PANEL * lanes]);
            let (panels, bias) = (vec![1.0; 9 * PANEL * lanes], vec![0.0; PANEL * lanes]);
            let staged = vec![1.0; len];
            level.run(Convolve {
                patches,
                staged: &staged,
                panels: &panels,
                bias: &bias,
                values: &mut values,
                winners: &mut winners,
            });
            assert!(values.iter().all(|v| *v == 9.0));
        };
        // The last patch ends at 14 + 7 + 2·6 + 3.
        convolve(36);
        assert!(refused(&|| convolve(35)));
        let to_weight = |len: usize| {
            let (gradient, winners) = (vec![1.0; 4 * lanes], vec![3; 4 * lanes]);
            let mut weight_gradient = vec![0.0; 3 * lanes];
            level.run(WeightGradient {
                patches,
                staged: &vec![1.0; len],
                gradient: &gradient,
                winners: &winners,
                channels_out: 1,
                weight_gradient: &mut weight_gradient,
                sources: &mut Vec::new(),
                ends: &mut Vec::new(),
            });
            assert!(weight_gradient.iter().all(|v| *v == 4.0));
        };
        to_weight(33 + lanes);
        assert!(refused(&|| to_weight(32 + lanes)));
        let to_input = |len: usize, weights: usize| {
            let (gradient, winners) = (vec![1.0; 4 * lanes], vec![3; 4 * lanes]);
            let mut input_gradient = vec![0.0; len];
            level.run(InputGradient {
                patches,
                gradient: &gradient,
                winners: &winners,
                channels_out: 1,
                weight: &vec![1.0; weights],
                input_gradient: &mut input_gradient,
                sources: &mut Vec::new(),
                ends: &mut Vec::new(),
                sorted: &mut Default::default(),
            });
            assert_eq!(input_gradient.iter().sum::<f32>(), 36.0);
        };
        to_input(36, 3 * lanes);
        assert!(refused(&|| to_input(35, 3 * lanes)));
        assert!(refused(&|| to_input(36, 3 * lanes - 1)));
        let taps = |len: usize, tap: usize| {
            let (staged, gradient, winners) = (vec![1.0; len], vec![1.0; 4 * lanes], vec![0; 4 * lanes]);
            let mut weight_gradient = vec![0.0; lanes];
            level.run(Taps {
                patches,
                staged: &staged,
                taps: &[tap],
                gradient: &gradient,
                winners: &winners,
                weight_gradient: &mut weight_gradient,
            });
            assert!(weight_gradient.iter().all(|v| *v == 4.0));
        };
        taps(36, 14);
        assert!(refused(&|| taps(35, 14)));
        assert!(refused(&|| taps(36, 15)));
    }
}
