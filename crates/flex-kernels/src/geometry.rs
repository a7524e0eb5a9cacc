//! Sizes of one operation on a batch of maps, derived from its specification and the shapes of its tensors.

use crate::spec::{BlockSpec, NormSpec, Padding, Pool, PoolKind};

/// Largest side of a convolution kernel that [`conv_pool_activation`](crate::conv_pool_activation) takes.
pub const LARGEST_KERNEL: usize = 7;

/// Sizes of one call.
///
/// The kernels compute *positions*: each is one output of the convolution or, where the pool is part of the convolution
/// (`pooled`), one window of four. A `window` makes an output of four positions; without one, positions are outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub batch: usize,
    pub channels_in: usize,
    pub height: usize,
    pub width: usize,
    pub channels_out: usize,
    pub kernel: usize,
    pub border: usize,
    pub pooled: bool,
    pub window: Option<PoolKind>,
    pub out_height: usize,
    pub out_width: usize,
}

impl Geometry {
    /// Sizes of a block for an `input` `[batch, in, h, w]` and a `weight` `[out, in, k, k]`.
    ///
    /// # Errors
    /// If the shapes do not fit each other or nothing is left of the image.
    pub fn new(input: [usize; 4], weight: [usize; 4], bias: usize, spec: &BlockSpec) -> Result<Self, String> {
        let [batch, channels_in, height, width] = input;
        let [channels_out, weight_in, kernel, kernel_width] = weight;
        if weight_in != channels_in {
            return Err(format!("the input has {channels_in} channels, the weight expects {weight_in}"));
        }
        if kernel != kernel_width || kernel % 2 == 0 || kernel > LARGEST_KERNEL {
            return Err(format!(
                "the kernel is {kernel}×{kernel_width}; it must be square, odd and at most {LARGEST_KERNEL}"
            ));
        }
        if bias != channels_out {
            return Err(format!("the bias has {bias} values for {channels_out} output channels"));
        }
        if batch == 0 || channels_in == 0 || channels_out == 0 {
            return Err(format!(
                "batch {batch}, input channels {channels_in}, output channels {channels_out}: each must be at least 1"
            ));
        }
        let border = match spec.padding {
            Padding::Valid => 0,
            Padding::Same => kernel / 2,
        };
        let (pooled, window) = (spec.pools_sums(), spec.window());
        let step = if spec.pool == Pool::None { 1 } else { 2 };
        let side = |n: usize| (n + 2 * border + 1).saturating_sub(kernel) / step;
        let (out_height, out_width) = (side(height), side(width));
        if out_height == 0 || out_width == 0 {
            return Err(format!(
                "a {height}×{width} image leaves nothing behind a {kernel}×{kernel} kernel{}",
                if step == 2 { " and a pool" } else { "" }
            ));
        }
        Ok(Self {
            batch,
            channels_in,
            height,
            width,
            channels_out,
            kernel,
            border,
            pooled,
            window,
            out_height,
            out_width,
        })
    }

    /// Sizes of a norm with a pool behind it for a map `[batch, channels, height, width]`.
    ///
    /// # Errors
    /// If nothing is left of the map.
    pub fn of_norm([batch, channels, height, width]: [usize; 4], spec: &NormSpec) -> Result<Self, String> {
        let (window, step) = match spec.pool {
            Pool::None => (None, 1),
            Pool::Max2x2 => (Some(PoolKind::Max), 2),
            Pool::Average2x2 => (Some(PoolKind::Average), 2),
        };
        let (out_height, out_width) = (height / step, width / step);
        if batch * channels * out_height * out_width == 0 {
            return Err(format!("nothing is left of a map [{batch}, {channels}, {height}, {width}]"));
        }
        let (channels_in, channels_out) = (channels, channels);
        Ok(Geometry {
            batch,
            channels_in,
            height,
            width,
            channels_out,
            kernel: 1,
            border: 0,
            pooled: false,
            window,
            out_height,
            out_width,
        })
    }

    /// Values between two rows of a staged image.
    pub fn row(&self) -> usize {
        (self.width + 2 * self.border) * self.channels_in
    }

    /// Values of a staged image: channels innermost, with its border.
    pub fn staged(&self) -> usize {
        (self.height + 2 * self.border) * self.row()
    }

    /// Values of one channel of the result.
    pub fn outputs(&self) -> usize {
        self.out_height * self.out_width
    }

    /// Positions behind a side of one output.
    pub fn spread(&self) -> usize {
        if self.window.is_some() { 2 } else { 1 }
    }

    /// Positions of a map: all that an output depends on, in rows of `spread · out_width`.
    pub fn positions(&self) -> usize {
        self.outputs() * self.spread() * self.spread()
    }

    /// Rows of convolution outputs that the result depends on.
    pub fn map_height(&self) -> usize {
        self.out_height * self.step()
    }

    /// Columns of them.
    pub fn map_width(&self) -> usize {
        self.out_width * self.step()
    }

    /// Convolution outputs behind a side of one output.
    fn step(&self) -> usize {
        if self.pooled { 2 } else { self.spread() }
    }

    /// Consecutive staged values that one row of the kernel covers.
    pub fn segment(&self) -> usize {
        self.kernel * self.channels_in
    }

    /// Convolution outputs per position: the pool's window, or one.
    pub fn candidates(&self) -> usize {
        if self.pooled { 4 } else { 1 }
    }

    /// Returns the offset in a staged image of the patch of each position's first candidate.
    pub fn bases(&self) -> Vec<usize> {
        let step = if self.pooled { 2 } else { 1 };
        let at = |y: usize, x: usize| y * step * self.row() + x * step * self.channels_in;
        let (rows, columns) = (self.spread() * self.out_height, self.spread() * self.out_width);
        (0..rows).flat_map(|y| (0..columns).map(move |x| at(y, x))).collect()
    }

    /// Returns the offset of each candidate's patch from the base; without a pool only the first is used.
    pub fn corners(&self) -> [usize; 4] {
        if self.pooled { [0, self.channels_in, self.row(), self.row() + self.channels_in] } else { [0; 4] }
    }
}
