//! Training and prediction speed of a net on a device, as a whole and operation by operation.

mod operations;
mod steps;

pub use operations::{OperationSpeed, Pass, operation_speeds};
pub use steps::{Throughput, throughput};
