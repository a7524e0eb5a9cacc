//! Guarantees of `digitstack serve`.
//!
//! * `contract`: to clients in good faith: the routes and schemas of its document, equal answers to equal questions,
//!   limits that say that they are limits, and an orderly start and end.
//! * `adversarial`: of requests that nobody should send, each is refused with a reason, and the next good one is
//!   answered as if nothing had been.
//! * `browser`: the drawing page in a real browser.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod adversarial;
mod browser;
mod contract;
mod http;
mod server;
#[allow(dead_code, unused_imports, reason = "each test program uses a part of it")]
#[path = "../support/mod.rs"]
mod support;
