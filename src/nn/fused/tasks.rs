//! Work shared among threads.

use rayon::prelude::*;

/// Runs `work` for each of the items, which must not depend on each other: in the current pool and, where that has one
/// thread, without rayon.
pub(in crate::nn) fn for_each<T: Send>(items: impl Iterator<Item = T>, work: impl Fn(T) + Send + Sync) {
    if rayon::current_num_threads() == 1 {
        items.for_each(work)
    } else {
        items.collect::<Vec<T>>().into_par_iter().for_each(work)
    }
}
