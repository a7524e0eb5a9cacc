//! Architectures as data: the settings of a TOML experiment, which `network.json` keeps.

mod architecture;
mod check;
mod sizes;

pub use architecture::{CnnConfig, DenseConfig, Head, NetworkConfig, Padding, Pool};

#[cfg(test)]
mod tests;
