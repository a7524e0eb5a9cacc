//! Specifications of the operations: what a block or a norm computes.

/// Values around the image in front of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// None: the map shrinks by `kernel − 1`.
    Valid,
    /// `(kernel − 1) / 2` zeros on every side: the map keeps its size.
    Same,
}

/// Pool of 2×2 windows with stride 2; an odd last row or column is dropped, as Burn's pools do without `ceil_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// No pool: the map keeps its size.
    None,
    /// Largest value of the window. Of equal values the first in row order receives the gradient; a NaN wins over every
    /// number.
    Max2x2,
    /// Mean of the window's four values.
    Average2x2,
}

/// Elementwise function in front of the pool or behind it.
///
/// A monotone function commutes with max-pooling, so a caller should move it from before the pool to behind it at a
/// quarter of its cost; [`is_monotone`](Self::is_monotone) says which ones may be moved.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// Tells whether a larger input never gives a smaller output, so that the function commutes with a max-pool.
    pub fn is_monotone(self) -> bool {
        match self {
            Self::LeakyRelu { slope } => slope >= 0.0,
            Self::Elu { alpha } => alpha >= 0.0,
            Self::Swish => false,
            _ => true,
        }
    }
}

/// Memory order of a result of the shape `[batch, out, height, width]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// Channels innermost, as a permuted view: the next block reads it without a copy.
    #[default]
    ChannelsLast,
    /// Row-major in the order of the shape: flattening it for a dense layer needs no copy.
    Contiguous,
}

/// Block of a convolutional net: a convolution of stride 1 with bias, activations, a pool, activations; both lists are
/// applied from left to right.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockSpec {
    /// Border of the image.
    pub padding: Padding,
    /// Pool behind the convolution.
    pub pool: Pool,
    /// Activations between the convolution and the pool. Anything but the identity makes a max-pool slower: the whole
    /// map is computed.
    pub before_pool: Vec<Activation>,
    /// Activations behind the pool.
    pub after_pool: Vec<Activation>,
    /// Memory order of the result.
    pub memory: Memory,
}

/// Layers behind a norm, or behind a convolution, in the same operation: activations, a pool, activations.
#[derive(Clone, Debug, PartialEq)]
pub struct NormSpec {
    /// Activations in front of the pool.
    pub before_pool: Vec<Activation>,
    /// Pool behind them.
    pub pool: Pool,
    /// Activations behind the pool.
    pub after_pool: Vec<Activation>,
    /// Memory order of the result.
    pub memory: Memory,
}

impl Default for NormSpec {
    /// No activation and no pool; channels innermost.
    fn default() -> Self {
        Self { before_pool: Vec::new(), pool: Pool::None, after_pool: Vec::new(), memory: Memory::ChannelsLast }
    }
}

impl NormSpec {
    /// Returns the specification of a block with these layers behind its convolution.
    pub fn behind_convolution(self, padding: Padding) -> BlockSpec {
        BlockSpec {
            padding,
            pool: self.pool,
            before_pool: self.before_pool,
            after_pool: self.after_pool,
            memory: self.memory,
        }
    }
}

impl BlockSpec {
    /// Tells whether the pool is computed on the convolution's own sums, in registers.
    pub(crate) fn pools_sums(&self) -> bool {
        self.pool == Pool::Max2x2 && self.before_pool.iter().all(|kind| *kind == Activation::Identity)
    }

    /// Returns the pool over the stored map, behind the first activations, if there is one.
    pub(crate) fn window(&self) -> Option<PoolKind> {
        match self.pool {
            Pool::None => None,
            Pool::Max2x2 => (!self.pools_sums()).then_some(PoolKind::Max),
            Pool::Average2x2 => Some(PoolKind::Average),
        }
    }

    /// Returns the activations of the positions and those behind the pool of a stored map.
    pub(crate) fn chains(&self) -> (Vec<Activation>, &[Activation]) {
        match self.window() {
            Some(_) => (self.before_pool.clone(), &self.after_pool),
            None => ([&self.before_pool[..], &self.after_pool].concat(), &[]),
        }
    }
}

/// Value that a pool computes from its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest value; of equal values the first in row order, and a NaN wins over every number.
    Max,
    /// The mean.
    Average,
}
