//! Convolutions with 3×3 kernels in fewer multiplications: Winograd's minimal filtering F(2×2, 3×3), after Lavin and
//! Gray 2015, arXiv:1509.09308.
//!
//! A 2×2 *tile* of outputs depends on a 4×4 patch of the image. Computed directly it takes 36 multiplications for a
//! pair of channels; here it takes 16: the patch `d` and the kernel `g` are transformed by sums and differences,
//! multiplied element by element, summed over the input channels, and transformed back: `Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A`.
//! Each of the 16 elements (*components*) of all tiles is one product of matrices `[tiles, in] · [in, out]`. A tile is
//! one window of a 2×2 pool, so a maximum is taken before anything is stored.
//!
//! Tiles are treated in blocks whose transformed patches and products stay in the second-level cache, panel by panel of
//! output channels. An element of a product is summed over the input channels in their order wherever its tile lies:
//! the outputs of an image do not depend on the images beside it, nor on the number of threads.
//!
//! # Numbers
//! Results differ from the direct convolution's by rounding, and are the more accurate ones: sums are nine times
//! shorter. On random values the root mean square error is 0.6 to 0.75 of the direct one's, the largest 3e-7 of the
//! largest output for 64 channels.
//! - Equal outputs: a pool gives its gradient to the first of them. Where the patch is the same along its columns, its
//!   rows or both (the flat parts of a picture), all components but those of one column, row or element are exactly
//!   zero, so that the sums that are equal in exact arithmetic are equal here, too.
//! - NaN: an output is NaN exactly if one of the nine pixels under its kernel (or one of its weights) is, as directly.
//! - Infinity: where one of the nine pixels is infinite the output is infinite or NaN, and a NaN wins its pool; other
//!   outputs do not see it.
//! - Overflow: partial results are at most nine times what a direct sum of absolute values would be. Nothing overflows
//!   as long as `9 · in · max|pixel| · max|weight|` stays below a ninth of the largest `f32`, 3.7e37, and pixels and
//!   weights below a quarter of it.

use std::ops::Range;

use crate::{
    geometry::Geometry,
    kernels::{
        COMPONENTS, PANEL, Panel, Placement, Product, Strided, Sum, TransformFilters, TransformProducts, TransformTiles,
    },
    level::Level,
    memory::Buffer,
    parallel,
};

/// With fewer channels on either side the transforms cost more than they save. Measured on AVX-512 and AVX2: 16
/// channels from 16 are about as fast as directly, 32 from 16 faster by a third, 128 from 64 by two thirds.
const LEAST_CHANNELS: usize = 16;
/// Transformed values of a block of tiles: an eighth of a megabyte.
const BLOCK: usize = 1 << 15;
/// Tiles of a block in any case: enough that reading the filters costs little.
const LEAST_TILES: usize = 16;
/// Values of a cache line. Components begin one line after a power of two, so that their lines do not compete for the
/// same cache sets.
const LINE: usize = 16;

/// Sizes of one convolution by tiles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiles {
    geometry: Geometry,
    level: Level,
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
    pub fn new(level: Level, geometry: &Geometry) -> Option<Self> {
        let g = *geometry;
        let (high, wide) = (g.map_height().div_ceil(2), g.map_width().div_ceil(2));
        let (direct, channels) = (9 * g.map_height() * g.map_width(), g.channels_in.min(g.channels_out));
        // The last tiles of a small odd map are mostly empty: a third of the multiplications must be saved.
        let worth = g.kernel == 3 && channels >= LEAST_CHANNELS && 3 * COMPONENTS * high * wide <= 2 * direct;
        worth.then_some(Self { geometry: g, level, high, wide })
    }

    /// Values that must be readable behind a staged image of an odd map: the last patches end later than the image.
    pub fn slack(&self) -> usize {
        let g = &self.geometry;
        g.map_height() % 2 * g.row() + g.map_width() % 2 * g.channels_in
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
        PANEL * self.level.lanes()
    }

    /// Transforms a weight `[out, in, 3, 3]` into `packed`, whatever that holds.
    pub fn filters(&self, weight: &[f32], mut packed: Buffer) -> Filters {
        let (channels_in, channels, panel) = (self.geometry.channels_in, self.channels(), self.panel());
        let (all, size) = (packed.take(COMPONENTS * channels_in * channels), COMPONENTS * channels_in * panel);
        let transform = |(index, filters): (usize, &mut [f32])| {
            let width = filters.len() / (COMPONENTS * channels_in);
            self.level.run(TransformFilters {
                weight: &weight[index * panel * channels_in * 9..],
                channels_in,
                filters,
                width,
            });
        };
        parallel::for_each(all.chunks_mut(size).enumerate(), transform);
        Filters(packed)
    }

    /// Tiles of a block of `images` images.
    fn block(&self, images: usize) -> usize {
        let (tiles, most) =
            (images * self.count(), (BLOCK / (COMPONENTS * self.geometry.channels_in)).max(LEAST_TILES));
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
        scratch.transformed.take(COMPONENTS * Self::component(tiles, self.depth()));
        scratch.products.take(COMPONENTS * Self::component(tiles, self.panel()));
    }

    /// Transforms the patches of one image of a block; `staged` has its [`slack`](Self::slack).
    pub fn transform(&self, block: &Range<usize>, share: Share, staged: &[f32], scratch: &mut Scratch) {
        let channels = self.geometry.channels_in;
        let component = Self::component(block.len(), self.depth());
        let transformed = &mut scratch.transformed.take(COMPONENTS * component)[share.at * self.depth()..];
        let (row, wide, tiles) = (self.geometry.row(), self.wide, share.tiles);
        self.level.run(TransformTiles { staged, row, channels, wide, tiles, transformed, component });
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
        let depth = g.channels_in;
        let filters = filters.0.get(COMPONENTS * depth * channels);
        let component_in = Self::component(block.len(), self.depth());
        let transformed = scratch.transformed.get(COMPONENTS * component_in);
        let placement =
            if g.pooled { Placement::Largest } else { Placement::Map { height: g.map_height(), width: g.map_width() } };
        for (first, filters) in (0..).step_by(panel).zip(filters.chunks(COMPONENTS * depth * panel)) {
            let width = filters.len() / (COMPONENTS * depth);
            let component = Self::component(block.len(), width);
            let products = scratch.products.take(COMPONENTS * component);
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
                self.level.run(TransformProducts {
                    products: &products[share.at * width..],
                    component,
                    wide: self.wide,
                    tiles: share.tiles,
                    bias: &bias[first..first + width],
                    placement,
                    values: &mut values[at..],
                    winners: winners.get_mut(at..).unwrap_or_default(),
                    channels,
                });
            }
        }
    }
}
