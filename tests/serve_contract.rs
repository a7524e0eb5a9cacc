//! What `digitstack serve` promises those who ask it in good faith: the routes and schemas of its document, equal
//! answers to equal questions, limits that say that they are limits, and a good start and end.

mod aloud;
mod contract;
#[allow(dead_code, reason = "each test file needs a part of it")]
mod http;
#[allow(dead_code, reason = "each test file needs a part of it")]
mod service;
