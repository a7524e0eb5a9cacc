//! Buffers that the forward pass saves for the backward pass.
//!
//! These are the largest buffers of a training step, and every step needs the same sizes again. When dropped they go to
//! a short free list of their thread, so that they are neither zeroed nor returned to the system and faulted in again.
//! A thread keeps at most [`KEPT`] of them until it ends.

use std::cell::RefCell;

/// Buffers that a thread keeps: as many as a deep net has blocks.
const KEPT: usize = 12;

thread_local!(static KEPT_BUFFERS: RefCell<Vec<Buffers>> = const { RefCell::new(Vec::new()) });

/// Both `[image][position][channel]`, channels padded to whole vectors.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// Slope of the chain of activations.
    pub slopes: Vec<f32>,
    /// Index of the window's winning candidate.
    pub winners: Vec<u8>,
}

/// [`Buffers`] that go back to their thread's list.
#[derive(Debug)]
pub(crate) struct Saved {
    pub buffers: Buffers,
}

impl Saved {
    /// Buffers of `len` values with any content, except that `winners` is zero if there is no pool to choose them.
    pub fn take(len: usize, pooled: bool) -> Self {
        // A much larger buffer is left to the block that it was made for.
        let fits = |kept: &Buffers| (len..=4 * len).contains(&kept.slopes.capacity());
        let mut buffers = KEPT_BUFFERS
            .with_borrow_mut(|kept| kept.iter().position(fits).map(|index| kept.swap_remove(index)))
            .unwrap_or_default();
        buffers.slopes.resize(len, 0.0);
        buffers.winners.resize(len, 0);
        if !pooled {
            buffers.winners.fill(0);
        }
        Self { buffers }
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        let buffers = std::mem::take(&mut self.buffers);
        // While the thread ends there may be no list any more; then the buffers are simply freed.
        let _ = KEPT_BUFFERS.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() == KEPT {
                kept.remove(0);
            }
            kept.push(buffers);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_buffers_are_used_again_and_bounded_in_number() {
        std::thread::spawn(|| {
            let first = Saved::take(1000, true);
            let address = first.buffers.slopes.as_ptr();
            drop(first);
            let again = Saved::take(900, true);
            assert_eq!(again.buffers.slopes.as_ptr(), address);
            assert_eq!((again.buffers.slopes.len(), again.buffers.winners.len()), (900, 900));
            drop(again);
            assert_ne!(Saved::take(10, true).buffers.slopes.as_ptr(), address, "far too large for ten values");
            drop((0..KEPT + 5).map(|_| Saved::take(50, true)).collect::<Vec<_>>());
            KEPT_BUFFERS.with_borrow(|kept| assert_eq!(kept.len(), KEPT));
        })
        .join()
        .expect("no assertion failed");
    }

    #[test]
    fn winners_of_an_earlier_pool_do_not_reach_a_block_without_one() {
        let mut pooled = Saved::take(64, true);
        pooled.buffers.winners.fill(3);
        drop(pooled);
        assert!(Saved::take(64, false).buffers.winners.iter().all(|w| *w == 0));
    }
}
