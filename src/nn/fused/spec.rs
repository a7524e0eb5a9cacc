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

/// What becomes of each 2×2 window of the map, stride 2; an odd last row or column is dropped, as Burn's pools do
/// without `ceil_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// There are no windows: the map stays as it is.
    None,
    /// Its largest value. Of equal values the first in row order receives the gradient; a NaN wins over every number.
    Max2x2,
    /// The mean of its four values.
    Average2x2,
}

/// An elementwise function in front of the pool or behind it.
///
/// A monotone function commutes with max-pooling, so a caller should move it from before the pool to behind it at a
/// quarter of its cost; [`is_monotone`](Self::is_monotone) says which ones may be moved.
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

/// One block: a convolution of stride 1 with bias, activations, a pool, activations; both lists from left to right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockSpec {
    /// What surrounds the image.
    pub padding: Padding,
    /// How the map is halved.
    pub pool: Pool,
    /// What stands between the convolution and the pool. Anything but the identity here makes a maximum slower: the
    /// whole map is computed.
    #[serde(default)]
    pub before_pool: Vec<Activation>,
    /// What follows the pool.
    pub after_pool: Vec<Activation>,
    /// Memory order of the result.
    #[serde(default)]
    pub memory: Memory,
}

/// What follows a convolution in the same operation, or a norm: activations, a pool, activations.
#[derive(Clone, Debug, PartialEq)]
pub struct NormSpec {
    /// What stands in front of the pool.
    pub before_pool: Vec<Activation>,
    /// How the map is halved.
    pub pool: Pool,
    /// What follows the pool.
    pub after_pool: Vec<Activation>,
    /// Memory order of the result.
    pub memory: Memory,
}

impl Default for NormSpec {
    /// Nothing at all.
    fn default() -> Self {
        Self { before_pool: Vec::new(), pool: Pool::None, after_pool: Vec::new(), memory: Memory::ChannelsLast }
    }
}

impl NormSpec {
    /// The same behind a convolution.
    pub fn behind_convolution(self, padding: Padding) -> BlockSpec {
        BlockSpec {
            padding,
            pool: self.pool,
            before_pool: self.before_pool,
            after_pool: self.after_pool,
            memory: self.memory,
        }
    }

    /// The sizes for a map `[batch, channels, height, width]`, or what does not fit.
    pub(super) fn geometry(&self, [batch, channels, height, width]: [usize; 4]) -> Result<Geometry, String> {
        let (window, step) = match self.pool {
            Pool::None => (None, 1),
            Pool::Max2x2 => (Some(Window::Max), 2),
            Pool::Average2x2 => (Some(Window::Average), 2),
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
}

impl BlockSpec {
    /// Whether the pool may look at the convolution's own sums.
    fn pools_sums(&self) -> bool {
        self.pool == Pool::Max2x2 && self.before_pool.iter().all(|kind| *kind == Activation::Identity)
    }

    /// The pool over the map that the first activations have passed, if there is one.
    fn window(&self) -> Option<Window> {
        match self.pool {
            Pool::None => None,
            Pool::Max2x2 => (!self.pools_sums()).then_some(Window::Max),
            Pool::Average2x2 => Some(Window::Average),
        }
    }

    /// The activations of the positions, and those behind a [`Window`].
    pub(super) fn chains(&self) -> (Vec<Activation>, &[Activation]) {
        match self.window() {
            Some(_) => (self.before_pool.clone(), &self.after_pool),
            None => ([&self.before_pool[..], &self.after_pool].concat(), &[]),
        }
    }
}

/// A pool of a finished map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    Max,
    Average,
}

/// Largest kernel side.
pub const LARGEST_KERNEL: usize = 7;

/// All sizes of one call.
///
/// The kernels compute *positions*: each is one output of the convolution or, where the pool is part of the convolution
/// (`pooled`), one window of four. A `window` makes an output of four positions; without one, positions are outputs.
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
    pub window: Option<Window>,
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

    /// Where in a staged image the patch of each position's first candidate begins.
    pub fn bases(&self) -> Vec<usize> {
        let step = if self.pooled { 2 } else { 1 };
        let at = |y: usize, x: usize| y * step * self.row() + x * step * self.channels_in;
        let (rows, columns) = (self.spread() * self.out_height, self.spread() * self.out_width);
        (0..rows).flat_map(|y| (0..columns).map(move |x| at(y, x))).collect()
    }

    /// What each candidate's patch adds to the base; without a pool only the first is used.
    pub fn corners(&self) -> [usize; 4] {
        if self.pooled { [0, self.channels_in, self.row(), self.row() + self.channels_in] } else { [0; 4] }
    }
}
