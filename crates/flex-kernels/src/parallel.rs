//! Distribution of work among the threads of the current rayon pool.

use rayon::prelude::*;

/// Runs `work` for each item: on the threads of the current rayon pool, or in order and without rayon if the pool has
/// one thread. Items must not depend on each other.
pub fn for_each<T: Send>(items: impl Iterator<Item = T>, work: impl Fn(T) + Send + Sync) {
    if rayon::current_num_threads() == 1 {
        items.for_each(work)
    } else {
        items.collect::<Vec<T>>().into_par_iter().for_each(work)
    }
}
