//! Convolutions with 3×3 and 5×5 kernels in fewer multiplications: Winograd's minimal filtering, after Lavin and Gray
//! 2015, arXiv:1509.09308.
//!
//! A 2×2 *tile* of outputs depends on a 4×4 patch of the image. Computed directly it takes 36 multiplications for a
//! pair of channels; here it takes 16: the patch `d` and the kernel `g` are transformed by sums and differences,
//! multiplied element by element, summed over the input channels, and transformed back: `Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A`.
//! Each of the 16 elements (*components*) of all tiles is one product of matrices `[tiles, in] · [in, out]`. This is
//! F(2×2, 3×3). A tile is one window of a 2×2 pool, so a maximum is taken before anything is stored. F(4×4, 3×3) takes
//! 36 products for a tile of 4×4 outputs, a quarter of the direct convolution's, with larger rounding errors; F(2×2,
//! 5×5) takes 36 for 2×2 outputs, where the direct convolution takes 100.
//!
//! Tiles are treated in blocks whose transformed patches and products stay in the second-level cache, panel by panel of
//! output channels. An element of a product is summed over the input channels in their order wherever its tile lies:
//! the outputs of an image do not depend on the images beside it, nor on the number of threads.
//!
//! # Numbers
//! Results differ from the direct convolution's by rounding. Of tiles of two outputs they are the more accurate ones:
//! sums are nine times shorter. On random values the root mean square error is 0.6 to 0.75 of the direct one's, the
//! largest 3e-7 of the largest output for 64 channels.
//! - Equal outputs: a pool gives its gradient to the first of them. Where the patch is the same along its columns, its
//!   rows or both (the flat parts of a picture), all components but those of one column, row or element are exactly
//!   zero, so that the sums that are equal in exact arithmetic are equal here, too.
//! - NaN: an output is NaN exactly if one of the nine pixels under its kernel (or one of its weights) is, as directly.
//! - Infinity: where one of the nine pixels is infinite the output is infinite or NaN, and a NaN wins its pool; other
//!   outputs do not see it.
//! - Overflow: partial results are at most nine times what a direct sum of absolute values would be. Nothing overflows
//!   as long as `9 · in · max|pixel| · max|weight|` stays below a ninth of the largest `f32`, 3.7e37, and pixels and
//!   weights below a quarter of it.
//!
//! Patches of six by six promise less, those of 4×4 outputs and those of 5×5 kernels: the root mean square error is
//! about twice the direct one's (1.3 to 1.7 times that of 5×5 kernels), the largest 2e-6 of the largest output (16 to
//! 128 channels), equal outputs may differ by as much, and what is not finite in a patch may reach all outputs of its
//! tile. They are used where nothing follows that tells equal sums apart ([`Rounding::Free`]).
//!
//! # Gradients
//! The gradient of the input is a convolution with the mirrored kernel; that of the weight is `Gᵀ [Σ (A y Aᵀ) ⊙ (Bᵀ d B)] G`,
//! `y` the gradient of the outputs, summed over all tiles of the batch: a product of matrices for each component, too.

use std::{marker::PhantomData, ops::Range};

use crate::{
    geometry::Geometry,
    kernels::{
        Filtering, Four, Panel, Placement, Product, Strided, Sum, TransformFilters, TransformGradients,
        TransformProducts, TransformTiles, TransformWeightGradients, Two, TwoOfFive,
    },
    layout::Room,
    level::Level,
    memory::Buffer,
    parallel,
};

/// With fewer channels on either side the transforms cost more than they save. Measured on AVX-512 and AVX2: 16
/// channels from 16 are about as fast as directly, 32 from 16 faster by a third, 128 from 64 by two thirds.
const LEAST_CHANNELS: usize = 16;
/// Tiles of a block in any case: enough that reading the filters costs little.
const LEAST_TILES: usize = 16;
/// Tiles of four outputs that an image must have for the gradient of the weight.
const LEAST_LARGE_TILES: usize = 4;
/// Images that are computed at a time in any case.
const LEAST_IMAGES: usize = 4;
/// Values of a cache line. Components begin one line after a power of two, so that their lines do not compete for the
/// same cache sets.
const LINE: usize = 16;

/// How far the rounding of a convolution is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// Outputs that are equal in exact arithmetic are equal: a pool or an activation's bend follows.
    Exact,
    /// Every output, within the tolerance.
    Free,
}

/// Outputs of a side of a tile, and for which kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Two,
    Four,
    TwoOfFive,
}

impl Side {
    /// Outputs of a line.
    fn tile(self) -> usize {
        match self {
            Self::Two => Two::TILE,
            Self::Four => Four::TILE,
            Self::TwoOfFive => TwoOfFive::TILE,
        }
    }

    /// Weights of a side of the kernel.
    fn kernel(self) -> usize {
        match self {
            Self::Two => Two::LINE,
            Self::Four => Four::LINE,
            Self::TwoOfFive => TwoOfFive::LINE,
        }
    }

    /// Products of a tile.
    fn components(self) -> usize {
        match self {
            Self::Two => Two::PATCH * Two::PATCH,
            Self::Four => Four::PATCH * Four::PATCH,
            Self::TwoOfFive => TwoOfFive::PATCH * TwoOfFive::PATCH,
        }
    }

    /// Transformed values of a block of tiles: an eighth or a quarter of a megabyte.
    fn block(self) -> usize {
        match self {
            Self::Two => 1 << 15,
            Self::Four | Self::TwoOfFive => 1 << 16,
        }
    }
}

/// Runs a kernel with the filtering of a side.
macro_rules! run {
    ($tiles:expr, $kernel:ident { $($field:ident),* }) => {
        match $tiles.side {
            Side::Two => $tiles.level.run($kernel::<Two> { $($field,)* filtering: PhantomData }),
            Side::Four => $tiles.level.run($kernel::<Four> { $($field,)* filtering: PhantomData }),
            Side::TwoOfFive => $tiles.level.run($kernel::<TwoOfFive> { $($field,)* filtering: PhantomData }),
        }
    };
}

/// Sizes of one convolution by tiles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiles {
    geometry: Geometry,
    level: Level,
    side: Side,
    high: usize,
    wide: usize,
}

/// Transformed kernels: `[panel][component][in][out]`, the last panel perhaps narrower.
pub(crate) struct Filters(pub Buffer);

/// Memory of one thread.
#[derive(Default)]
pub(crate) struct Scratch {
    transformed: Buffer,
    products: Buffer,
}

/// Destination of a batch's outputs.
pub(crate) struct Outputs<'a> {
    /// `[image][position][channel]`, channels padded as the bias is.
    pub values: &'a mut [f32],
    /// Index of the pool's winning candidate, like `values`; empty if not required.
    pub winners: &'a mut [u32],
}

/// The tiles of one image that lie in a block.
pub(crate) struct Share {
    pub image: usize,
    tiles: Range<usize>,
    /// Index of the first one in the block.
    at: usize,
}

impl Tiles {
    /// The sizes, or nothing if the direct convolution is the faster one. That depends on the image and the channels,
    /// never on the batch.
    pub fn new(level: Level, geometry: &Geometry, rounding: Rounding) -> Option<Self> {
        Self::with_at_least(1, level, geometry, rounding)
    }

    /// The sizes for the gradient of the weight: sums that are as large as the filters must be worth their while.
    pub fn of_weight(level: Level, geometry: &Geometry) -> Option<Self> {
        Self::with_at_least(LEAST_LARGE_TILES, level, geometry, Rounding::Free)
    }

    fn with_at_least(large: usize, level: Level, geometry: &Geometry, rounding: Rounding) -> Option<Self> {
        let g = *geometry;
        // A tile is a window of a pool on the sums.
        let allowed = |side: &Side| {
            side.kernel() == g.kernel
                && (rounding == Rounding::Free || *side == Side::Two)
                && (!g.pooled || side.tile() == 2)
        };
        let sides = [Side::Four, Side::TwoOfFive, Side::Two].into_iter().filter(allowed);
        let sized = sides.map(|side| {
            let (high, wide) = (g.map_height().div_ceil(side.tile()), g.map_width().div_ceil(side.tile()));
            Self { geometry: g, level, side, high, wide }
        });
        let least = |tiles: &Self| tiles.side == Side::Two || tiles.count() >= large;
        let tiles = sized.filter(least).min_by_key(Self::products)?;
        let (direct, channels) =
            (g.kernel * g.kernel * g.map_height() * g.map_width(), g.channels_in.min(g.channels_out));
        // The last tiles of a small odd map are mostly empty: a third of the multiplications must be saved.
        let worth = channels >= LEAST_CHANNELS && 3 * tiles.products() <= 2 * direct;
        worth.then_some(tiles)
    }

    /// Products of an image for a pair of channels.
    fn products(&self) -> usize {
        self.side.components() * self.count()
    }

    /// Room that a staged image needs for its last patches. In tiles of two the overhang reaches dropped outputs alone; in
    /// patches of six all outputs are sums with it, so that it must be zeros.
    pub fn room(&self) -> Room {
        let (g, tile) = (&self.geometry, self.side.tile());
        let (right, below) = (self.wide * tile - g.map_width(), self.high * tile - g.map_height());
        match self.side {
            Side::Two => Room::slack(below * g.row() + right * g.channels_in),
            Side::Four | Side::TwoOfFive => Room { right, below, slack: 0 },
        }
    }

    /// Images that are computed at a time: blocks of many tiles read the filters seldom.
    pub fn images(&self) -> usize {
        LEAST_IMAGES.max(LEAST_TILES.div_ceil(self.count()))
    }

    /// Tiles of an image.
    fn count(&self) -> usize {
        self.high * self.wide
    }

    /// Output channels rounded up to whole vectors.
    fn channels(&self) -> usize {
        self.geometry.channels_out.next_multiple_of(self.level.lanes())
    }

    /// Input channels rounded up to whole vectors.
    fn depth(&self) -> usize {
        self.geometry.channels_in.next_multiple_of(self.level.lanes())
    }

    /// Output channels of a panel.
    fn panel(&self) -> usize {
        self.level.panel(self.geometry.channels_out)
    }

    /// Transforms a weight `[out, in, k, k]` into `packed`, whatever that holds.
    pub fn filters(&self, weight: &[f32], mut packed: Buffer) -> Filters {
        let (channels_in, channels, panel) = (self.geometry.channels_in, self.channels(), self.panel());
        let (components, taps) = (self.side.components(), self.geometry.kernel * self.geometry.kernel);
        let (all, size) = (packed.take(components * channels_in * channels), components * channels_in * panel);
        let transform = |(index, filters): (usize, &mut [f32])| {
            let width = filters.len() / (components * channels_in);
            let weight = &weight[index * panel * channels_in * taps..];
            run!(self, TransformFilters { weight, channels_in, filters, width });
        };
        parallel::for_each(all.chunks_mut(size).enumerate(), transform);
        Filters(packed)
    }

    /// Tiles of a block of `images` images.
    fn block(&self, images: usize) -> usize {
        let (components, channels) = (self.side.components(), self.geometry.channels_in);
        let (tiles, most) = (images * self.count(), (self.side.block() / (components * channels)).max(LEAST_TILES));
        tiles.div_ceil(tiles.div_ceil(most)).next_multiple_of(8).min(tiles)
    }

    /// All tiles of `images` images in blocks.
    pub fn blocks(&self, images: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let (tiles, block) = (images * self.count(), self.block(images));
        (0..tiles).step_by(block).map(move |first| first..(first + block).min(tiles))
    }

    /// The images of a block.
    pub fn shares(&self, block: &Range<usize>) -> impl Iterator<Item = Share> + use<> {
        let (block, count) = (block.clone(), self.count());
        (block.start / count..block.end.div_ceil(count)).map(move |image| {
            let first = block.start.max(image * count);
            let tiles = first - image * count..block.end.min((image + 1) * count) - image * count;
            Share { image, tiles, at: first - block.start }
        })
    }

    /// Values from one component to the next, `channels` for each tile of a block.
    fn component(tiles: usize, channels: usize) -> usize {
        (tiles * channels).next_multiple_of(LINE) + LINE
    }

    /// Makes room for the blocks of so many images, so that nothing is allocated later.
    pub fn reserve(&self, images: usize, scratch: &mut Scratch) {
        let tiles = self.block(images);
        scratch.transformed.take(self.side.components() * Self::component(tiles, self.depth()));
        scratch.products.take(self.side.components() * Self::component(tiles, self.panel()));
    }

    /// Transforms the patches of one image of a block; `staged` has its [`room`](Self::room).
    pub fn transform(&self, block: &Range<usize>, share: Share, staged: &[f32], scratch: &mut Scratch) {
        let channels = self.geometry.channels_in;
        let component = Self::component(block.len(), self.depth());
        let transformed = scratch.transformed.take(self.side.components() * component);
        let transformed = &mut transformed[share.at * self.depth()..];
        let (row, wide, tiles) = (self.room().row(&self.geometry), self.wide, share.tiles);
        run!(self, TransformTiles { staged, row, channels, wide, tiles, transformed, component });
    }

    /// Multiplies a block whose images were all [transformed](Self::transform).
    pub fn multiply(
        &self,
        block: &Range<usize>,
        filters: &Filters,
        bias: &[f32],
        outputs: Outputs,
        scratch: &mut Scratch,
    ) {
        let Outputs { values, winners } = outputs;
        let (g, channels, panel) = (&self.geometry, self.channels(), self.panel());
        let (depth, components) = (g.channels_in, self.side.components());
        let filters = filters.0.get(components * depth * channels);
        let component_in = Self::component(block.len(), self.depth());
        let transformed = scratch.transformed.get(components * component_in);
        let placement =
            if g.pooled { Placement::Largest } else { Placement::Map { height: g.map_height(), width: g.map_width() } };
        for (first, filters) in (0..).step_by(panel).zip(filters.chunks(components * depth * panel)) {
            let width = filters.len() / (components * depth);
            let component = Self::component(block.len(), width);
            let products = scratch.products.take(components * component);
            for ((data, filters), products) in
                transformed.chunks(component_in).zip(filters.chunks(depth * width)).zip(products.chunks_mut(component))
            {
                self.level.run(Product {
                    a: Strided { data, row: self.depth(), step: 1 },
                    depth,
                    b: &[Panel { data: filters, row: width, first: 0, vectors: width / self.level.lanes() }],
                    columns: width,
                    c: &mut products[..block.len() * width],
                    sum: Sum::Replaced,
                });
            }
            for share in self.shares(block) {
                let at = share.image * g.positions() * channels + first;
                let (products, bias) = (&products[share.at * width..], &bias[first..first + width]);
                let (values, winners) = (&mut values[at..], winners.get_mut(at..).unwrap_or_default());
                let (wide, tiles) = (self.wide, share.tiles);
                run!(
                    self,
                    TransformProducts { products, component, wide, tiles, bias, placement, values, winners, channels }
                );
            }
        }
    }

    /// Room for the sums of a weight's gradient, `[component][in][out padded]`.
    pub fn sums<'a>(&self, scratch: &'a mut Buffer) -> &'a mut [f32] {
        scratch.take(self.side.components() * self.geometry.channels_in * self.channels())
    }

    /// Transforms the gradient `[height][width][channel padded]` of one image of a block.
    pub fn transform_gradient(&self, block: &Range<usize>, share: &Share, gradient: &[f32], scratch: &mut Scratch) {
        let (g, channels) = (&self.geometry, self.channels());
        let component = Self::component(block.len(), channels);
        let transformed = scratch.products.take(self.side.components() * component);
        let transformed = &mut transformed[share.at * channels..];
        let (height, width, wide, tiles) = (g.map_height(), g.map_width(), self.wide, share.tiles.clone());
        run!(self, TransformGradients { gradient, height, width, channels, wide, tiles, transformed, component });
    }

    /// Adds the products of a block whose images and gradients were all transformed to the sums.
    pub fn add_products(&self, block: &Range<usize>, scratch: &Scratch, sums: &mut [f32]) {
        let (channels, components, panel) = (self.channels(), self.side.components(), self.panel());
        let (of_input, of_gradient) =
            (Self::component(block.len(), self.depth()), Self::component(block.len(), channels));
        let images = scratch.transformed.get(components * of_input).chunks(of_input);
        let gradients = scratch.products.get(components * of_gradient).chunks(of_gradient);
        for ((data, gradient), c) in
            images.zip(gradients).zip(sums.chunks_exact_mut(self.geometry.channels_in * channels))
        {
            let of_panel = |first: usize| {
                let vectors = panel.min(channels - first) / self.level.lanes();
                Panel { data: &gradient[first..], row: channels, first, vectors }
            };
            for first in (0..channels).step_by(panel) {
                self.level.run(Product {
                    a: Strided { data, row: 1, step: self.depth() },
                    depth: block.len(),
                    b: &[of_panel(first)],
                    columns: channels,
                    c: &mut *c,
                    sum: Sum::Continued,
                });
            }
        }
    }

    /// Adds what the sums come to, to the gradient of the weight: `[kernel row][kernel column][in][out padded]`.
    pub fn add_weight_gradient(&self, sums: &[f32], weight: &mut [f32]) {
        run!(self, TransformWeightGradients { sums, weight });
    }
}
