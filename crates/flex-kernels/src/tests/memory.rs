//! Every kernel over small and awkward shapes, on every level of this processor, for AddressSanitizer: slices are
//! exactly as long as they must be, so that it reports a load or store beside them. Results of the levels are compared.

use super::support::{EVERY_POOL, bits, in_pool};
use crate::{
    AdadeltaRule,
    convolution::Plan,
    geometry::Geometry,
    kernels::{Strided, Update},
    level::Level,
    matrix::{Factor, add_product},
    memory::View,
    norm,
    single::{ConvolutionSpec, PackedNet},
    spec::{Activation, BlockSpec, Memory, NormSpec, Padding, Pool, PoolKind},
};

/// Numbers between −1 and 1, always the same.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Of `[batch, channels, height, width]`, row-major.
fn view(data: &[f32], [_, channels, height, width]: [usize; 4]) -> View<'_> {
    let strides = [channels * height * width, height * width, width, 1].map(|stride| stride as isize);
    View { data, offset: 0, strides }
}

/// View of a batch that lies with channels innermost; the shape is `[batch, channels, height, width]`.
fn view_channels_last(data: &[f32], [_, channels, height, width]: [usize; 4]) -> View<'_> {
    let strides = [channels * height * width, 1, width * channels, channels].map(|stride| stride as isize);
    View { data, offset: 0, strides }
}

/// Output and gradients of one block, one after another.
fn block(
    level: Level,
    spec: &BlockSpec,
    input: [usize; 4],
    channels_out: usize,
    kernel: usize,
    last: bool,
) -> Option<Vec<f32>> {
    let weight_shape = [channels_out, input[1], kernel, kernel];
    let geometry = Geometry::new(input, weight_shape, channels_out, spec).ok()?;
    let images = numbers(input.iter().product(), 1);
    let (weight, bias) = (numbers(weight_shape.iter().product(), 2), numbers(channels_out, 3));
    let (on_positions, on_outputs) = spec.chains();
    let plan = Plan { level, geometry, on_positions, on_outputs, memory: spec.memory };
    let images = if last { view_channels_last(&images, input) } else { view(&images, input) };
    let (values, saved) = plan.forward(&images, &weight, &bias, true);
    // The same values whether anything is saved or not.
    assert_close(&plan.forward(&images, &weight, &bias, false).0, &values, &format!("untracked, {geometry:?}"));
    let shape = [input[0], channels_out, geometry.out_height, geometry.out_width];
    let gradient = numbers(values.len(), 4);
    let gradient =
        if spec.memory == Memory::Contiguous { view(&gradient, shape) } else { view_channels_last(&gradient, shape) };
    let gradients = plan.backward(&images, &weight, &gradient, &saved.expect("tracked"), true);
    Some([values, gradients.input.expect("asked for"), gradients.weight, gradients.bias].concat())
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1.0_f32, |most, x| most.max(x.abs()));
    for (index, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= 1e-4 * scale, "{what}, index {index}: {f}, expected {e}");
    }
}

#[test]
fn blocks_stay_inside_their_memory() {
    let mut blocks = 0;
    for (channels_in, channels_out) in [(1, 1), (1, 17), (3, 16), (16, 5), (17, 33)] {
        for (height, width, kernel) in [(3, 3, 3), (6, 5, 3), (17, 11, 3), (9, 7, 5), (8, 11, 7), (4, 4, 1)] {
            for padding in [Padding::Valid, Padding::Same] {
                for (pool, before_pool) in [
                    (Pool::None, vec![]),
                    (Pool::Max2x2, vec![]),
                    (Pool::Max2x2, vec![Activation::Swish]),
                    (Pool::Average2x2, vec![Activation::Selu]),
                ] {
                    for (memory, last) in [(Memory::Contiguous, false), (Memory::ChannelsLast, true)] {
                        let spec = BlockSpec {
                            padding,
                            pool,
                            before_pool: before_pool.clone(),
                            after_pool: vec![Activation::Selu],
                            memory,
                        };
                        let run =
                            |level| block(level, &spec, [5, channels_in, height, width], channels_out, kernel, last);
                        let Some(expected) = run(Level::Portable) else { continue };
                        for level in Level::available() {
                            let what = format!(
                                "{} {channels_in}→{channels_out}, {height}×{width}, kernel {kernel}, {spec:?}",
                                level.name()
                            );
                            assert_close(&run(level).expect("the same shape"), &expected, &what);
                            blocks += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(blocks > 300, "{blocks}");
}

#[test]
fn products_stay_inside_their_memory() {
    // The last ones have several blocks each way; two threads share the rows of the one and the columns of the other.
    let small = [(1, 1, 1), (2, 3, 16), (5, 7, 10), (25, 31, 28), (9, 64, 54), (33, 10, 80)];
    for (rows, depth, columns) in
        small.into_iter().chain([(9, 300, 128), (50, 260, 135), (220, 258, 301), (70, 1024, 256)])
    {
        for keep in [1, 3] {
            products_of(rows, depth, columns, keep);
        }
    }
}

/// Checks a product whose first factor is zero but for every column of index `keep · n`.
fn products_of(rows: usize, depth: usize, columns: usize, keep: usize) {
    let (mut a, b) = (numbers(rows * depth, 1), numbers(depth * columns, 2));
    a.iter_mut().enumerate().filter(|(i, _)| !(i % depth).is_multiple_of(keep)).for_each(|(_, a)| *a = 0.0);
    let mut expected = vec![0.0_f32; rows * columns];
    for (row, expected) in expected.chunks_exact_mut(columns).enumerate() {
        let mut sums = vec![0.0_f64; columns];
        for (x, b) in a[row * depth..].iter().zip(b.chunks_exact(columns)) {
            sums.iter_mut().zip(b).for_each(|(sum, b)| *sum += f64::from(*x) * f64::from(*b));
        }
        expected.iter_mut().zip(sums).for_each(|(to, sum)| *to = sum as f32);
    }
    let b_transposed: Vec<f32> = (0..columns * depth).map(|i| b[i % depth * columns + i / depth]).collect();
    let a_transposed: Vec<f32> = (0..depth * rows).map(|i| a[i % rows * depth + i / rows]).collect();
    for level in Level::available() {
        let mut first = None;
        for (name, factor) in [("rows", Factor::Rows(&b)), ("columns", Factor::Columns(&b_transposed))] {
            for a in [Strided { data: &a, row: depth, step: 1 }, Strided { data: &a_transposed, row: 1, step: rows }] {
                for threads in [1, 2] {
                    let mut found = vec![0.0; rows * columns];
                    in_pool(threads, || add_product(level, a, depth, factor, columns, &mut found));
                    let what = format!("{} {name} {rows}×{depth}×{columns}, step {}", level.name(), a.step);
                    assert_close(&found, &expected, &what);
                    // However the factors lie and are shared, the sums are the same.
                    assert!(bits(first.get_or_insert_with(|| found.clone())) == bits(&found), "{what}, {threads}");
                }
            }
        }
    }
}

#[test]
fn norms_stay_inside_their_memory() {
    for (channels, height, width) in [(1, 4, 4), (3, 5, 7), (16, 6, 5), (17, 9, 9), (33, 2, 3)] {
        for pool in EVERY_POOL {
            for memory in [Memory::Contiguous, Memory::ChannelsLast] {
                let spec = NormSpec { before_pool: vec![Activation::Swish], pool, after_pool: Vec::new(), memory };
                let shape = [3, channels, height, width];
                let geometry = Geometry::of_norm(shape, &spec).expect("something is left of every map");
                let map = numbers(shape.iter().product(), 1);
                let (weight, bias) = (numbers(channels, 2), numbers(channels, 3));
                let outputs = [3, channels, geometry.out_height, geometry.out_width];
                let gradient = numbers(outputs.iter().product(), 4);
                let gradient = match memory {
                    Memory::Contiguous => view(&gradient, outputs),
                    Memory::ChannelsLast => view_channels_last(&gradient, outputs),
                };
                let run = |level: Level| {
                    let (mean, variance) = norm::statistics(level, &map, shape);
                    let padded = channels.next_multiple_of(level.lanes());
                    let constants = norm::Constants::new(&mean, &variance, &weight, &bias, 1e-5, padded);
                    let plan = norm::Plan { level, geometry, spec: &spec, constants };
                    let gradients = plan.backward(&map, &gradient, true);
                    [plan.forward(&map), gradients.map.expect("asked for"), gradients.weight, gradients.bias].concat()
                };
                let expected = run(Level::Portable);
                for level in Level::available() {
                    assert_close(&run(level), &expected, &format!("{} {shape:?}, {spec:?}", level.name()));
                }
            }
        }
    }
}

#[test]
fn updates_stay_inside_their_memory() {
    let rule = AdadeltaRule { learning_rate: 0.5, rho: 0.9, epsilon: 1e-6, weight_decay: 0.01 };
    for count in [1, 3, 4, 15, 16, 17, 100] {
        let run = |level: Level| {
            let (w, mut g) = (numbers(count, 1), numbers(count, 2));
            let (mut v, mut u) = (vec![0.1; count], vec![0.2; count]);
            level.run(Update { w: &w, g: &mut g, states: [&mut v, &mut u], rule });
            [g, v, u].concat()
        };
        let expected = run(Level::Portable);
        for level in Level::available() {
            assert_close(&run(level), &expected, &format!("{} {count} values", level.name()));
        }
    }
}

#[test]
fn single_images_stay_inside_their_memory() {
    for (filters, kernel, border, pool) in [
        (3, 3, 1, Some(PoolKind::Max)),
        (17, 5, 0, Some(PoolKind::Average)),
        (20, 2, 0, None),
        (5, 3, 0, Some(PoolKind::Max)),
    ] {
        let (side, hidden) = (12, 19);
        let weights: [Vec<f32>; 2] = [numbers(filters * kernel * kernel, 1), numbers(20 * filters * 9, 2)];
        let convolved = side + 2 * border + 1 - kernel;
        let positions = if pool.is_some() { (convolved / 2).pow(2) } else { convolved.pow(2) };
        let dense = numbers(20 * positions * hidden, 3);
        let mut expected: Option<Vec<f32>> = None;
        // From the best level to the portable one.
        for mut net in PackedNet::on_every_level(side) {
            let first = ConvolutionSpec {
                weight: &weights[0],
                bias: &numbers(filters, 4),
                kernel,
                border,
                activations: &[Activation::Swish],
                pool,
                pooled_activations: &[Activation::Tanh],
            };
            net.add_convolution(&first);
            // 3×3 with enough channels goes by tiles.
            net.add_convolution(&ConvolutionSpec {
                weight: &weights[1],
                bias: &numbers(20, 5),
                kernel: 3,
                border: 1,
                pool: None,
                pooled_activations: &[],
                ..first
            });
            net.add_dense(&dense, &numbers(hidden, 6), Some(Activation::Selu));
            net.add_dense(&numbers(hidden * 10, 7), &numbers(10, 8), None);
            let mut scratch = net.scratch();
            for _ in 0..2 {
                let found = net.forward(numbers(side * side, 9).into_iter(), &mut scratch).to_vec();
                let expected = expected.get_or_insert_with(|| found.clone());
                assert_close(&found, expected, &format!("{filters} filters, kernel {kernel}"));
            }
        }
    }
}
