//! What one block computes, and the sizes that follow from it.

use serde::{Deserialize, Serialize};

/// What surrounds the image before the convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Nothing: the map shrinks by `kernel − 1`.
    Valid,
    /// `(kernel − 1) / 2` zeros on every side: the map keeps its size.
    Same,
}

/// What follows the convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// Nothing.
    None,
    /// The largest of each 2×2 window, stride 2; an odd last row or column is dropped, as in Burn's `max_pool2d` without `ceil_mode`.
    /// Of equal values the first in row order receives the gradient; a NaN wins over every number.
    Max2x2,
}

/// An elementwise function behind the pool.
///
/// A monotone function commutes with max-pooling, so a caller may move it from before the pool to behind it at a quarter of its cost;
/// [`is_monotone`](Self::is_monotone) says which ones may be moved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `x`
    Identity,
    /// `max(x, 0)`; its slope at 0 is 0.
    Relu,
    /// `x` for `x ≥ 0`, else `slope · x`.
    LeakyRelu {
        /// Factor of the negative side.
        slope: f32,
    },
    /// `x` for `x > 0`, else `alpha · (eˣ − 1)`.
    Elu {
        /// Limit of the negative side.
        alpha: f32,
    },
    /// `γx` for `x ≥ 0`, else `γα(eˣ − 1)`, constants of Klambauer et al. 2017, arXiv:1706.02515.
    Selu,
    /// `1 / (1 + e⁻ˣ)`
    Sigmoid,
    /// `tanh x`
    Tanh,
    /// `ln(1 + eˣ)`
    Softplus,
    /// `x / (1 + |x|)`
    Softsign,
    /// `x · sigmoid(x)`, not monotone.
    Swish,
}

impl Activation {
    /// Whether a larger input never gives a smaller output, so that the function may change places with a max-pool.
    pub fn is_monotone(self) -> bool {
        match self {
            Self::LeakyRelu { slope } => slope >= 0.0,
            Self::Elu { alpha } => alpha >= 0.0,
            Self::Swish => false,
            _ => true,
        }
    }
}

/// In which order the result lies in memory. Its shape is `[batch, out, height, width]` either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Memory {
    /// Channels innermost, handed out as a permuted view: what the next fused block reads without any conversion.
    #[default]
    ChannelsLast,
    /// Row-major as the shape says: for a dense layer behind a flattening, which would otherwise copy.
    Contiguous,
}

/// One block: a convolution of stride 1 with bias, a pool, then the activations from left to right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockSpec {
    /// What surrounds the image.
    pub padding: Padding,
    /// What follows the convolution.
    pub pool: Pool,
    /// What follows the pool.
    pub activations: Vec<Activation>,
    /// Memory order of the result.
    #[serde(default)]
    pub memory: Memory,
}

/// Largest kernel side.
pub const LARGEST_KERNEL: usize = 7;

/// All sizes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub batch: usize,
    pub channels_in: usize,
    pub height: usize,
    pub width: usize,
    pub channels_out: usize,
    pub kernel: usize,
    pub border: usize,
    pub pooled: bool,
    pub out_height: usize,
    pub out_width: usize,
}

impl Geometry {
    /// The sizes for an `input` `[batch, in, h, w]` and a `weight` `[out, in, k, k]`, or what does not fit.
    pub fn new(input: [usize; 4], weight: [usize; 4], bias: usize, spec: &BlockSpec) -> Result<Self, String> {
        let [batch, channels_in, height, width] = input;
        let [channels_out, weight_in, kernel, kernel_width] = weight;
        if weight_in != channels_in {
            return Err(format!("the input has {channels_in} channels, the weight expects {weight_in}"));
        }
        if kernel != kernel_width || kernel % 2 == 0 || kernel > LARGEST_KERNEL {
            return Err(format!("the kernel is {kernel}×{kernel_width}; it must be square, odd and at most {LARGEST_KERNEL}"));
        }
        if bias != channels_out {
            return Err(format!("the bias has {bias} values for {channels_out} output channels"));
        }
        if batch == 0 || channels_in == 0 || channels_out == 0 {
            return Err(format!("batch {batch}, input channels {channels_in}, output channels {channels_out}: each must be at least 1"));
        }
        let border = match spec.padding {
            Padding::Valid => 0,
            Padding::Same => kernel / 2,
        };
        let pooled = spec.pool == Pool::Max2x2;
        let step = if pooled { 2 } else { 1 };
        let side = |n: usize| (n + 2 * border + 1).saturating_sub(kernel) / step;
        let (out_height, out_width) = (side(height), side(width));
        if out_height == 0 || out_width == 0 {
            return Err(format!(
                "a {height}×{width} image leaves nothing behind a {kernel}×{kernel} kernel{}",
                if pooled { " and a pool" } else { "" }
            ));
        }
        Ok(Self { batch, channels_in, height, width, channels_out, kernel, border, pooled, out_height, out_width })
    }

    /// Values between two rows of a staged image.
    pub fn row(&self) -> usize {
        (self.width + 2 * self.border) * self.channels_in
    }

    /// Values of a staged image: channels innermost, with its border.
    pub fn staged(&self) -> usize {
        (self.height + 2 * self.border) * self.row()
    }

    /// Positions of one output map.
    pub fn positions(&self) -> usize {
        self.out_height * self.out_width
    }

    /// Consecutive staged values that one row of the kernel covers.
    pub fn segment(&self) -> usize {
        self.kernel * self.channels_in
    }

    /// Convolution outputs per position: the pool's window, or one.
    pub fn candidates(&self) -> usize {
        if self.pooled { 4 } else { 1 }
    }

    /// Where in a staged image the patch of each position's first candidate begins.
    pub fn bases(&self) -> Vec<usize> {
        let step = if self.pooled { 2 } else { 1 };
        let at = |y: usize, x: usize| y * step * self.row() + x * step * self.channels_in;
        (0..self.out_height).flat_map(|y| (0..self.out_width).map(move |x| at(y, x))).collect()
    }

    /// What each candidate's patch adds to the base; without a pool only the first is used.
    pub fn corners(&self) -> [usize; 4] {
        if self.pooled { [0, self.channels_in, self.row(), self.row() + self.channels_in] } else { [0; 4] }
    }
}
