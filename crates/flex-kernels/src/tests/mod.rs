//! Tests of the whole crate. Those of `memory` and `activations` need no Burn: AddressSanitizer runs them.

mod activations;
mod memory;
mod support;

#[cfg(feature = "burn")]
mod block;
#[cfg(feature = "burn")]
mod cross_entropy;
#[cfg(feature = "burn")]
mod dense;
#[cfg(feature = "burn")]
mod guarantees;
#[cfg(feature = "burn")]
mod norm;
#[cfg(feature = "burn")]
mod reference;
#[cfg(feature = "burn")]
mod training;
#[cfg(feature = "burn")]
mod update;
#[cfg(feature = "burn")]
mod winograd;
