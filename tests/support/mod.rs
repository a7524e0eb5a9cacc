//! Helpers that several test programs share.

pub mod alone;
pub mod configurations;
pub mod faults;
pub mod logging;
pub mod markup;
pub mod mnist;
pub mod numbers;
pub mod program;
pub mod python;
pub mod skip;
pub mod trained;

pub use alone::alone;
pub use logging::say;
pub use skip::skip;
