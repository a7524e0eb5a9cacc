//! Selection of the vector instructions.
//!
//! The kernels are written once against [`pulp::Simd`] and compiled for AVX-512, for AVX2 with FMA and for plain
//! four-lane code that every target has. The best level the processor offers is found once; the environment variable
//! `DIGITSTACK_SIMD` (`avx512`, `avx2`, `portable`) asks for a lower one. A name that is unknown or that the processor
//! lacks means the best level. Levels round differently: results are reproducible on one level only.

use std::sync::OnceLock;

use pulp::{Scalar128b, WithSimd};

/// Set of vector instructions that this processor has; the variants hold pulp's proof of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    Portable,
}

impl Level {
    /// Returns every level that this processor has, the best first.
    pub fn available() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(pulp::x86::V4::try_new().map(Self::Avx512));
            levels.extend(pulp::x86::V3::try_new().map(Self::Avx2));
        }
        levels.push(Self::Portable);
        levels
    }

    /// Returns the level that `DIGITSTACK_SIMD` names, or the best.
    pub fn chosen() -> Self {
        static CHOSEN: OnceLock<Level> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let levels = Self::available();
            let asked = std::env::var("DIGITSTACK_SIMD").unwrap_or_default();
            levels.iter().copied().find(|level| level.name() == asked).unwrap_or(levels[0])
        })
    }

    /// Returns its name in `DIGITSTACK_SIMD`.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            Self::Portable => "portable",
        }
    }

    /// Returns the number of 32-bit lanes of a vector.
    pub fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => 16,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => 8,
            Self::Portable => 4,
        }
    }

    /// Runs a kernel on this level.
    pub fn run<K: WithSimd>(self, kernel: K) -> K::Output {
        use pulp::Simd;
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) => Simd::vectorize(simd, kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => Simd::vectorize(simd, kernel),
            Self::Portable => Scalar128b.vectorize(kernel),
        }
    }
}
