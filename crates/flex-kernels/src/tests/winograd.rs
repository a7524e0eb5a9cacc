//! The convolution by tiles against Burn's operations and against its own promises.

use burn::tensor::{Device, Tensor};
use proptest::prelude::*;

use super::{
    reference::{Case, plain, spec, tensor, values},
    support::{EVERY_ACTIVATION, EVERY_POOL, Noise, bits, close_from, in_pool},
};
use crate::{
    Activation, BlockSpec, Memory, Padding, Pool,
    convolution::{Plan, Rounding, Tiles},
    geometry::Geometry,
    level::Level,
    memory::View,
    operations::on_level,
};

/// One block with its data, nothing tracked.
#[derive(Clone, Debug)]
struct Untracked {
    shape: [usize; 4],
    out: usize,
    kernel: usize,
    spec: BlockSpec,
    input: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Untracked {
    fn new(shape: [usize; 4], out: usize, spec: BlockSpec, seed: u64) -> Self {
        Self::of_kernel(3, shape, out, spec, seed)
    }

    fn of_kernel(kernel: usize, shape: [usize; 4], out: usize, spec: BlockSpec, seed: u64) -> Self {
        let mut noise = Noise(seed);
        let weights = out * shape[1] * kernel * kernel;
        let (input, weight, bias) = (noise.reals(shape.iter().product()), noise.reals(weights), noise.reals(out));
        Self { shape, out, kernel, spec, input, weight, bias }
    }

    fn weight_shape(&self) -> [usize; 4] {
        [self.out, self.shape[1], self.kernel, self.kernel]
    }

    /// Whether it is computed by tiles.
    fn by_tiles(&self, level: Level) -> bool {
        let geometry = Geometry::new(self.shape, self.weight_shape(), self.out, &self.spec).expect("the sizes fit");
        let rounding = if self.kernel == 3 { Rounding::Exact } else { Rounding::Free };
        Tiles::new(level, &geometry, rounding).is_some()
    }

    fn tensors(&self) -> (Tensor<4>, Tensor<4>, Tensor<1>) {
        let device = Device::flex();
        (
            tensor(self.input.clone(), self.shape, &device),
            tensor(self.weight.clone(), self.weight_shape(), &device),
            tensor(self.bias.clone(), [self.out], &device),
        )
    }

    fn plain(&self) -> Vec<f32> {
        let (x, w, b) = self.tensors();
        values(plain(x, w, b, &self.spec))
    }

    fn run(&self, level: Level) -> Vec<f32> {
        let (x, w, b) = self.tensors();
        values(on_level::block(x, w, b, self.spec.clone(), level))
    }

    /// As it is computed where a gradient will be asked for.
    fn run_tracked(&self, level: Level) -> Vec<f32> {
        let device = Device::flex().autodiff();
        let (x, w, b) = self.tensors();
        let tracked = [x, w].map(|tensor| Tensor::from_data(tensor.into_data(), &device).require_grad());
        let [x, w]: [Tensor<4>; 2] = tracked;
        values(on_level::block(x, w, Tensor::from_data(b.into_data(), &device), self.spec.clone(), level))
    }

    /// Outputs for an input with its channels innermost, which a convolution without a border reads in place.
    fn run_in_place(&self, level: Level) -> Vec<f32> {
        let (x, w, b) = self.tensors();
        let [batch, channels, height, width] = self.shape;
        let x = tensor(values(x.permute([0, 2, 3, 1])), [batch, height, width, channels], &Device::flex());
        values(on_level::block(x.permute([0, 3, 1, 2]), w, b, self.spec.clone(), level))
    }

    /// The largest of the convolution's sums: what they are rounded to is in proportion to it, and activations hardly
    /// ever stretch that.
    fn largest_sum(&self) -> f32 {
        let (x, w, b) = self.tensors();
        let sums = BlockSpec { before_pool: Vec::new(), pool: Pool::None, after_pool: Vec::new(), ..self.spec.clone() };
        values(plain(x, w, b, &sums))
            .into_iter()
            .filter(|sum| sum.is_finite())
            .fold(1e-3, |largest, sum| largest.max(sum.abs()))
    }

    fn check(&self) {
        let (expected, largest) = (self.plain(), self.largest_sum());
        for level in Level::available() {
            let what = format!("{} {:?} {:?} {:?}", level.name(), self.shape, self.out, self.spec);
            close_from(largest, &self.run(level), &expected, &what);
        }
    }
}

impl Untracked {
    /// Compares where no pixel that is not finite is in the patch of a tile; where it is under the kernel, the output
    /// must not be finite.
    fn check_in_tiles(&self, pixels: &[usize]) {
        let (expected, touched) = (self.plain(), in_touched_tiles(self, pixels));
        assert!(expected.iter().any(|v| !v.is_finite()) && touched.iter().any(|touched| !touched));
        for level in Level::available() {
            for ((found, expected), touched) in self.run(level).iter().zip(&expected).zip(&touched) {
                let right = match (expected.is_finite(), touched) {
                    (false, touched) => *touched && !found.is_finite(),
                    (true, true) => true,
                    (true, false) => (found - expected).abs() <= 1e-4,
                };
                assert!(right, "{} {:?}: {found}, expected {expected}", level.name(), self.spec);
            }
        }
    }
}

fn selu(pool: Pool) -> BlockSpec {
    spec(&[], pool, &[Activation::Selu])
}

fn cases() -> impl Strategy<Value = Untracked> {
    let chain = || proptest::collection::vec(proptest::sample::select(&EVERY_ACTIVATION[..]), 0..2);
    let sizes = (1usize..=9, 16usize..=40, 4usize..=15, 4usize..=15, 16usize..=70);
    let kinds =
        (any::<bool>(), any::<bool>(), any::<bool>(), chain(), proptest::sample::select(&EVERY_POOL[..]), chain());
    (sizes, kinds, any::<u64>()).prop_map(|((batch, channels, height, width, out), kinds, seed)| {
        let (three, same, contiguous, before_pool, pool, after_pool) = kinds;
        let (kernel, height, width) = if three { (3, height, width) } else { (5, height + 2, width + 2) };
        let padding = if same { Padding::Same } else { Padding::Valid };
        let memory = if contiguous { Memory::Contiguous } else { Memory::ChannelsLast };
        let spec = BlockSpec { padding, before_pool, pool, after_pool, memory };
        Untracked::of_kernel(kernel, [batch, channels, height, width], out, spec, seed)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equals_burns_operations(case in cases()) {
        case.check();
    }
}

/// Blocks with gradients: where the sums are exact, so are ties and winners.
fn tracked_cases() -> impl Strategy<Value = Case> {
    cases().prop_map(|Untracked { shape, out, kernel, spec, weight, .. }| Case {
        input: shape,
        out,
        kernel,
        spec,
        seed: weight[0].to_bits().into(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gradients_equal_burns_operations(case in tracked_cases()) {
        case.check();
    }
}

/// Where a picture is flat its sums are equal, and rounding must not choose the winner.
#[test]
fn the_first_of_equal_sums_wins_a_pool() {
    let (shape, out, spec) = ([3, 40, 9, 11], 37, BlockSpec { padding: Padding::Valid, ..selu(Pool::Max2x2) });
    let mut noise = Noise(8);
    let (weight, bias) = (noise.reals(out * 40 * 9), noise.reals(out));
    let values = noise.reals(3 * 40 * 11);
    let geometry = Geometry::new(shape, [out, 40, 3, 3], out, &spec).expect("the sizes fit");
    for (along_columns, along_rows, allowed) in [(true, true, &[0][..]), (true, false, &[0, 1]), (false, true, &[0, 2])]
    {
        let value = |channel: usize, y: usize, x: usize| {
            values[channel * 11 + if along_columns { 0 } else { y } + if along_rows { 0 } else { x }]
        };
        let image = (0..3 * 40).flat_map(|channel| (0..99).map(move |index| value(channel, index / 11, index % 11)));
        let image: Vec<f32> = image.collect();
        let input = View { data: &image, offset: 0, strides: [40 * 99, 99, 11, 1] };
        for level in Level::available() {
            assert!(Tiles::new(level, &geometry, Rounding::Exact).is_some());
            let plan = Plan {
                level,
                geometry,
                on_positions: vec![Activation::Selu],
                on_outputs: &[],
                memory: Memory::ChannelsLast,
            };
            let (_, saved) = plan.forward(&input, &weight, &bias, true);
            let winners = saved.expect("it was asked for");
            let winners = || {
                winners
                    .buffers
                    .winners
                    .chunks(out.next_multiple_of(level.lanes()))
                    .flat_map(|channels| &channels[..out])
            };
            assert!(winners().all(|winner| allowed.contains(winner)), "{}: {allowed:?}", level.name());
            assert!(
                allowed.iter().all(|winner| winners().any(|other| other == winner)),
                "{}: {allowed:?}",
                level.name()
            );
        }
    }
}

/// Blocks of tiles that begin and end inside an image, and the shapes of the reference net.
#[test]
fn equals_burns_operations_on_large_maps() {
    for pool in EVERY_POOL {
        for padding in [Padding::Valid, Padding::Same] {
            for (shape, out) in [([5, 64, 13, 13], 128), ([3, 20, 29, 31], 33)] {
                for kernel in [3, 5] {
                    let case = Untracked::of_kernel(kernel, shape, out, BlockSpec { padding, ..selu(pool) }, 1);
                    assert!(Level::available().into_iter().all(|level| case.by_tiles(level)));
                    case.check();
                }
            }
        }
    }
}

#[test]
fn few_channels_other_kernels_and_tiny_odd_maps_are_convolved_directly() {
    let level = Level::Portable;
    assert!(Untracked::new([1, 16, 6, 6], 16, selu(Pool::None), 1).by_tiles(level));
    assert!(!Untracked::new([1, 15, 6, 6], 16, selu(Pool::None), 1).by_tiles(level));
    assert!(!Untracked::new([1, 16, 6, 6], 15, selu(Pool::None), 1).by_tiles(level));
    assert!(!Untracked::new([1, 16, 5, 5], 16, selu(Pool::None), 1).by_tiles(level), "four tiles for nine outputs");
    let other = |kernel, rounding| {
        let geometry = Geometry::new([1, 16, 8, 8], [16, 16, kernel, kernel], 16, &selu(Pool::None));
        Tiles::new(level, &geometry.expect("the sizes fit"), rounding).is_some()
    };
    assert!(other(5, Rounding::Free));
    assert!(!other(5, Rounding::Exact), "equal sums are not exactly equal");
    assert!(!other(7, Rounding::Free) && !other(1, Rounding::Free));
}

/// Neither the images beside it nor the threads that share the work change an image's outputs.
#[test]
fn an_image_has_the_same_outputs_in_every_batch_and_pool() {
    for (pool, kernel) in EVERY_POOL.into_iter().flat_map(|pool| [(pool, 3), (pool, 5)]) {
        let all = Untracked::of_kernel(kernel, [11, 24, 9, 12], 40, selu(pool), 3);
        for level in Level::available() {
            assert!(all.by_tiles(level));
            let expected = bits(&all.run(level));
            for threads in [1, 2, 3] {
                assert_eq!(
                    bits(&in_pool(threads, || all.run(level))),
                    expected,
                    "{} with {threads} threads",
                    level.name()
                );
            }
            let (image, output) = (all.input.len() / 11, expected.len() / 11);
            for n in [0, 4, 10] {
                let input = all.input[n * image..][..image].to_vec();
                let alone = Untracked { shape: [1, 24, 9, 12], input, ..all.clone() };
                assert_eq!(bits(&alone.run(level)), expected[n * output..][..output], "{} image {n}", level.name());
                assert_eq!(bits(&alone.run_in_place(level)), expected[n * output..][..output], "{}", level.name());
            }
            let mut beside = all.clone();
            beside.input[5 * image..6 * image].fill(f32::NAN);
            let found = bits(&beside.run_in_place(level));
            assert_eq!(found[..5 * output], expected[..5 * output], "{} {pool:?}", level.name());
            assert_eq!(found[6 * output..], expected[6 * output..], "{} {pool:?}", level.name());
        }
    }
}

/// Whether each output of a block without a pool lies in a tile whose 6×6 patch contains one of these pixels.
fn in_touched_tiles(case: &Untracked, pixels: &[usize]) -> Vec<bool> {
    let [batch, channels, height, width] = case.shape;
    let (border, tile) = (if case.spec.padding == Padding::Same { case.kernel / 2 } else { 0 }, 7 - case.kernel);
    let (high, wide) = (height + 2 * border + 1 - case.kernel, width + 2 * border + 1 - case.kernel);
    let is_touched = |n: usize, y: usize, x: usize| {
        pixels.iter().any(|pixel| {
            let (image, at) = (pixel / (channels * height * width), pixel % (height * width));
            let inside = |of: usize, at: usize| (of / tile * tile..of / tile * tile + 6).contains(&(at + border));
            image == n && inside(y, at / width) && inside(x, at % width)
        })
    };
    let outputs = (0..batch).flat_map(|n| (0..case.out * high * wide).map(move |at| (n, at % (high * wide))));
    outputs.map(|(n, at)| is_touched(n, at / wide, at % wide)).collect()
}

/// A NaN reaches the outputs that look at it and no other, though sums of a whole tile are formed with it. Tiles of four
/// spread it over the tile.
#[test]
fn nan_is_seen_exactly_where_it_is_looked_at() {
    for (padding, pool) in [(Padding::Valid, Pool::None), (Padding::Same, Pool::None), (Padding::Same, Pool::Max2x2)] {
        let mut case = Untracked::new([2, 16, 9, 8], 17, BlockSpec { padding, ..selu(pool) }, 4);
        for index in [0, 300, 16 * 72 + 71, 16 * 72 + 40] {
            case.input[index] = f32::NAN;
            let (expected, largest) = (case.plain(), case.largest_sum());
            for level in Level::available() {
                close_from(largest, &case.run_tracked(level), &expected, level.name());
            }
            if pool == Pool::None {
                case.check_in_tiles(&[index]);
            }
            case.input[index] = 1.0;
        }
        case.weight[100] = f32::NAN;
        case.check();
    }
    for padding in [Padding::Valid, Padding::Same] {
        let spec = BlockSpec { padding, ..selu(Pool::None) };
        let mut case = Untracked::of_kernel(5, [2, 16, 9, 8], 17, spec, 4);
        case.input[300] = f32::NAN;
        case.check_in_tiles(&[300]);
    }
}

/// An infinity may become NaN on the way, never a number, and nothing else changes.
#[test]
fn infinity_stays_infinite_or_becomes_nan() {
    for pool in [Pool::None, Pool::Average2x2] {
        let mut case = Untracked::new([1, 16, 10, 8], 17, spec(&[], pool, &[Activation::LeakyRelu { slope: 0.5 }]), 5);
        case.input[700] = f32::INFINITY;
        let expected = case.plain();
        assert!(expected.iter().any(|v| !v.is_finite()) && expected.iter().any(|v| v.is_finite()));
        for level in Level::available() {
            for (found, expected) in case.run_tracked(level).iter().zip(&expected) {
                assert_eq!(found.is_finite(), expected.is_finite(), "{}: {found}, expected {expected}", level.name());
            }
        }
        if pool == Pool::None {
            case.check_in_tiles(&[700]);
        }
    }
}

#[test]
fn zeros_stay_zero_and_huge_values_finite() {
    for pool in EVERY_POOL {
        let mut case = Untracked::new([2, 16, 8, 8], 16, spec(&[], pool, &[]), 6);
        // 9 · 16 channels · 1e18 · 1e17 = 1.4e37 is below the bound of 3.7e37; every sum is exactly that.
        case.input.fill(1e18);
        case.weight.fill(1e17);
        case.bias.fill(0.0);
        case.check();
        // Alternating signs make the transformed patches as large as they can be.
        case.input.iter_mut().enumerate().for_each(|(i, x)| *x *= if (i + i / 8) % 2 == 0 { 1.0 } else { -1.0 });
        for level in Level::available() {
            assert!(case.run(level).iter().all(|v| v.is_finite()), "{}", level.name());
        }
        case.input.fill(0.0);
        case.bias.fill(0.25);
        for level in Level::available() {
            assert!(case.run(level).iter().all(|v| *v == 0.25), "{}", level.name());
        }
    }
}
