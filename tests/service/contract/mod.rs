//! One file for each kind of promise.

mod answers;
mod document;
mod guards;
mod inference;
mod life;
mod limits;
mod validator;
