//! Cache of what several fits on the same training images have in common.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

type Value = Arc<dyn Any + Send + Sync>;
type Slot = Arc<Mutex<Option<Value>>>;

/// Cache of values by name, for fits on the very same training images: the booster keeps the binned pixels here.
///
/// Fits on several threads use it at once: the first that asks for a name makes the value, the others wait for it. The
/// values are type-erased, so that this room knows no model.
#[derive(Default)]
pub struct Shared {
    slots: Mutex<HashMap<String, Slot>>,
}

impl Shared {
    /// Returns the value called `name`, made by `make` if there is none yet. A name must always stand for the same
    /// type; a value of another type under it is replaced.
    ///
    /// # Errors
    /// Returns the error of `make`; nothing is stored then.
    pub fn get_or_make<T: Send + Sync + 'static, E>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let slot =
            Arc::clone(self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(name.to_owned()).or_default());
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = slot.as_ref().and_then(|value| Arc::clone(value).downcast::<T>().ok()) {
            return Ok(found);
        }
        let made = Arc::new(make()?);
        *slot = Some(Arc::clone(&made) as Value);
        Ok(made)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_value_is_made_once_however_many_ask() {
        let (shared, made) = (Shared::default(), AtomicUsize::new(0));
        let ask = |name| {
            let make = || {
                std::thread::sleep(std::time::Duration::from_millis(20));
                Ok::<_, ()>(made.fetch_add(1, Ordering::SeqCst))
            };
            *shared.get_or_make(name, make).unwrap()
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(ask("bins 63"), 0));
            }
        });
        assert_eq!((ask("bins 15"), made.load(Ordering::SeqCst)), (1, 2));
    }

    #[test]
    fn a_failure_is_not_stored() {
        let shared = Shared::default();
        assert_eq!(shared.get_or_make("x", || Err::<u8, _>("no")).unwrap_err(), "no");
        assert_eq!(*shared.get_or_make("x", || Ok::<u8, &str>(3)).unwrap(), 3);
    }
}
