//! Seed of a run, and the independent random generators that derive from it.
//!
//! Every random draw of the program comes from [`Seed::rng`] of a seed that was derived, by name, from the run's seed.
//! Two purposes never share a generator: an additional draw for one purpose changes no other, and work can be done in
//! any order on any number of threads, with one derived seed for each item.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Seed from which generators and further seeds are derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// Returns the seed of the purpose called `name`: the first eight bytes of SHA-256 over this seed and the name.
    pub fn derive(self, name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0.to_le_bytes());
        hash.update(name.as_bytes());
        let digest = hash.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(u64::from_le_bytes(first))
    }

    /// Returns the seed of item `index` of this purpose, by SplitMix64's finaliser, which is cheap enough for one call
    /// for each image.
    pub fn index(self, index: u64) -> Self {
        let mut z = self.0 ^ index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Self(z ^ (z >> 31))
    }

    /// Returns the generator of this seed.
    pub fn rng(self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    #[test]
    fn names_and_indices_give_different_seeds() {
        let seed = Seed(7);
        let all = [seed, seed.derive("a"), seed.derive("b"), seed.index(0), seed.index(1), Seed(8).derive("a")];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn derived_seeds_do_not_change_between_versions() {
        for (seed, name, derived) in [
            (1, "folds", 0xAC99_ACFE_C012_381C),
            (0, "", 0x7A0B_81A1_F570_55AF),
            (u64::MAX, "π", 0x33B2_419F_4459_301A),
        ] {
            assert_eq!(Seed(seed).derive(name), Seed(derived), "{seed} {name}");
        }
        for (seed, index, derived) in
            [(0, 0, 0xE220_A839_7B1D_CDAF), (1, 7, 0x85E7_BB0F_1227_8575), (u64::MAX, u64::MAX, 0xB4D0_55FC_F2CB_BD7B)]
        {
            assert_eq!(Seed(seed).index(index), Seed(derived), "{seed} {index}");
        }
    }

    #[test]
    fn draws_do_not_change_between_versions() {
        for (seed, words, real, range) in [
            (0, [0xB585_F767_A79A_3B6C, 0x7746_A55F_BAD8_C037], 0.699_143_242_674_731_7, 60),
            (1, [0x6709_4CEA_8CA4_0DB1, 0x1494_06D8_FC0E_8E6B], 0.596_560_180_934_854_9, 219),
            (u64::MAX, [0xAF20_2386_E3A7_3CAE, 0x6DA0_DF03_97BE_2DD8], 0.380_788_751_883_614_3, 432),
        ] {
            let mut rng = Seed(seed).rng();
            assert_eq!([rng.random::<u64>(), rng.random()], words, "{seed}");
            assert_eq!(rng.random::<f64>(), real, "{seed}");
            rng.random::<f32>();
            assert_eq!(rng.random_range(0..1000_u32), range, "{seed}");
        }
    }
}
