//! The operations on Burn's tensors, each with its gradient: for Flex devices, with or without autodiff.

mod availability;
mod block;
mod cross_entropy;
mod dense;
mod norm;
mod tensors;
mod update;

pub use availability::{available, plain_operations, use_plain_operations, with_plain_operations};
pub use block::conv_pool_activation;
pub use cross_entropy::cross_entropy;
pub use dense::dense;
pub use norm::{batch_statistics, norm_pool_activation};
pub use update::{TwoMeans, descent_step, momentum_step, two_means_step};

#[cfg(test)]
pub(crate) mod on_level {
    //! The operations on a given level.

    pub(crate) use super::{
        block::run as block,
        cross_entropy::run as cross_entropy,
        dense::run as dense,
        norm::{run as norm, run_statistics as statistics},
        update::{run_descent as descent, run_momentum as momentum, run_two_means as two_means},
    };
}
