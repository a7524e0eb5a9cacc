//! Guarantees to clients in good faith, one file for each kind.

mod answers;
mod callers;
mod document;
mod fairness;
mod guards;
mod inference;
mod life;
mod limits;
mod numbers;
mod triton;
mod validator;
