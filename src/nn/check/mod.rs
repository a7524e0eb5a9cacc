//! Check of gradients: automatic ones against central differences.

mod cases;
mod gradients;
mod measure;
mod subject;

pub use gradients::{GradientCheck, check_gradients, check_member_gradients};
pub use measure::GRADIENT_TOLERANCE;

#[cfg(test)]
mod tests;
