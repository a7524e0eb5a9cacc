//! Request handlers, one file per group of routes.

pub(super) mod fallback;
pub(super) mod inference;
pub(super) mod metrics;
pub(super) mod page;
pub(super) mod predict;
mod prediction;
pub(super) mod read;
pub(super) mod run;
