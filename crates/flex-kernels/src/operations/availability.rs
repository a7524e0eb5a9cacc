//! Choice between these operations and Burn's own.

use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, Ordering},
};

use burn::{backend::DispatchDevice, tensor::Device};

/// Set by [`use_plain_operations`].
static PLAIN: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Set inside [`with_plain_operations`].
    static PLAIN_HERE: Cell<bool> = const { Cell::new(false) };
}

/// Turns the operations off for the whole process: every net is composed of Burn's own operations, as it is on a GPU.
/// For comparisons.
pub fn use_plain_operations() {
    PLAIN.store(true, Ordering::Relaxed);
}

/// Tells whether the operations are off for this thread: [`use_plain_operations`] was called, or it runs inside
/// [`with_plain_operations`].
pub fn plain_operations() -> bool {
    PLAIN.load(Ordering::Relaxed) || PLAIN_HERE.get()
}

/// Runs `work` with the operations turned off for this thread: nets that it composes are made of Burn's own operations,
/// as they are on a GPU. For comparisons in one process.
pub fn with_plain_operations<R>(work: impl FnOnce() -> R) -> R {
    /// Restores the former value, also when `work` panics.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            PLAIN_HERE.set(self.0);
        }
    }
    let _before = Before(PLAIN_HERE.replace(true));
    work()
}

/// Tells whether the operations run on this device and are not turned off: Burn's Flex backend, with or without
/// autodiff.
pub fn available(device: &Device) -> bool {
    !plain_operations() && matches!(device.as_dispatch().clone().inner(), DispatchDevice::Flex(_))
}
