//! Selection of the vector instructions.
//!
//! The kernels are written once against [`pulp::Simd`] and compiled for AVX-512, for AVX2 with FMA and for plain
//! four-lane code that every target has. The best level the processor offers is found once; the environment variable
//! `DIGITSTACK_SIMD` (`avx512`, `avx2`, `portable`) asks for a lower one. [`check_instructions`] refuses a name that is
//! unknown or that the processor lacks; without that check it means the best level. Levels round differently: results
//! are reproducible on one level only.

use std::sync::OnceLock;

use pulp::{Scalar128b, WithSimd};

/// Environment variable that selects a level.
const VARIABLE: &str = "DIGITSTACK_SIMD";

/// Refuses a value of `DIGITSTACK_SIMD` that no level of this processor has; unset or empty means the best level.
///
/// # Errors
/// A sentence with what was found and the values that are allowed on this processor.
pub fn check_instructions() -> Result<(), String> {
    let asked = std::env::var_os(VARIABLE).unwrap_or_default();
    let levels: Vec<&str> = Level::available().into_iter().map(Level::name).collect();
    if asked.is_empty() || levels.iter().any(|level| asked == *level) {
        return Ok(());
    }
    Err(format!("{VARIABLE}: found {asked:?}, expected one that this processor has: {}", levels.join(", ")))
}

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
            let asked = std::env::var(VARIABLE).unwrap_or_default();
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

    /// Returns the columns of a panel that a product of so many columns is cut into: whole vectors, as many as the
    /// registers hold sums of, and all panels as equal as possible.
    pub fn panel(self, columns: usize) -> usize {
        let most = match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => 3,
            _ => 2,
        };
        let vectors = columns.div_ceil(self.lanes());
        vectors.div_ceil(vectors.div_ceil(most)) * self.lanes()
    }

    /// Returns the number of vector registers.
    pub fn registers(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => 32,
            _ => 16,
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
