//! What `digitstack serve` does with requests that nobody should send: each is refused with a reason, and the next good
//! one is answered as if nothing had been.

mod aloud;
mod hostile;
#[allow(dead_code, reason = "each test file needs a part of it")]
mod http;
#[allow(dead_code, reason = "each test file needs a part of it")]
mod service;
