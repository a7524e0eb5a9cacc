//! The kernels of `src/nn/fused` without Burn around them, so that AddressSanitizer sees every one of their loads and
//! stores in a build of seconds instead of a quarter of an hour. `tests/memory.sh` runs it.
//!
//! The modules are those of the program, included by their path; only the tests are of this crate.

#![allow(dead_code, unreachable_pub, reason = "the program calls what the tests here do not")]

#[cfg(test)]
mod nn;
