//! argmin's L-BFGS with the line search of Moré and Thuente.
//!
//! argmin asks for cost and gradient one after the other at the same point; a pass over the data gives both, so the
//! last pair is cached. Whether the minimum was reached is decided here and not by argmin, which reports a line search
//! without a better point as convergence. Its line search would also not end on NaN, so NaN and too many evaluations
//! end it with an error.

use std::{
    cell::{Cell, RefCell},
    ops::ControlFlow,
};

use argmin::{
    core::{CostFunction, Error, Gradient, IterState, Problem, Solver, State},
    solver::{linesearch::MoreThuenteLineSearch, quasinewton::LBFGS},
};

/// Pairs of steps and gradient changes that L-BFGS remembers.
const MEMORY: usize = 10;
/// Iterations of [`minimise`] stop once the gradient's norm is below this.
const TARGET: f64 = 1e-8;
/// A line search that finds no better point ends the iterations; with a gradient below this, rounding errors are the
/// cause.
pub(crate) const GOOD_ENOUGH: f64 = 1e-6;
/// Greatest mean number of passes over the data per iteration; little more than one is usual.
const EVALUATIONS: u64 = 2;
/// Passes allowed beyond those, for a minimisation of few iterations.
const MORE_EVALUATIONS: u64 = 1000;
/// Greatest number of iterations of [`minimise`]; a fit takes a few hundred.
const ITERATIONS: u64 = 10_000;

/// Smooth convex function.
pub(crate) trait Objective {
    /// Value and gradient at a point.
    fn evaluate(&self, at: &[f64]) -> (f64, Vec<f64>);
}

/// Error of a minimisation that did not reach the minimum.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "fitting the {model} stopped {}, expected a gradient of at most {expected:.0e} ({reason})",
    reached(*iterations, *gradient)
)]
pub struct Unsolved {
    /// Name of the model.
    pub model: &'static str,
    /// Number of iterations done.
    pub iterations: u64,
    /// Euclidean norm of the gradient at the best point, or the greatest violation of an optimality condition there;
    /// none if there is no point.
    pub gradient: Option<f64>,
    /// Gradient or violation at which it would have converged.
    pub expected: f64,
    /// Reason for the stop.
    pub reason: String,
}

fn reached(iterations: u64, gradient: Option<f64>) -> String {
    gradient.map_or("without a result".to_owned(), |gradient| {
        format!("after {iterations} iterations with a gradient of {gradient:.1e}")
    })
}

/// Stopping conditions of [`descend`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Euclidean norm of the gradient below which it has converged.
    pub tolerance: f64,
    /// Greatest number of iterations.
    pub iterations: u64,
}

/// One finished iteration.
pub(crate) struct Iteration<'a> {
    /// Number of the iteration, from 1.
    pub number: u64,
    /// Point that it led to.
    pub at: &'a [f64],
}

/// Reason why [`descend`] ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Termination {
    /// The gradient was small enough.
    Converged,
    /// The limit of iterations was reached.
    Iterations,
    /// The line search found no better point: rounding errors, or a function with a wrong gradient.
    Stalled(String),
    /// The caller ended it.
    Stopped,
}

/// Result of [`descend`].
pub(crate) struct Descent {
    /// Best point.
    pub at: Vec<f64>,
    /// Number of iterations done.
    pub iterations: u64,
    /// Euclidean norm of the gradient at that point.
    pub gradient: f64,
    /// Reason for the end.
    pub end: Termination,
}

/// Finds the minimum from a starting point, as exactly as rounding allows; `model` is the model's name in errors.
pub(crate) fn minimise(model: &'static str, objective: &impl Objective, start: Vec<f64>) -> Result<Vec<f64>, Unsolved> {
    let limits = Limits { tolerance: TARGET, iterations: ITERATIONS };
    let found = descend(model, objective, start, limits, |_| ControlFlow::Continue(()))?;
    match found.gradient <= GOOD_ENOUGH {
        true => Ok(found.at),
        false => Err(Unsolved {
            model,
            iterations: found.iterations,
            gradient: Some(found.gradient),
            expected: GOOD_ENOUGH,
            reason: if let Termination::Stalled(reason) = found.end { reason } else { "it still decreases".to_owned() },
        }),
    }
}

/// Minimises from a starting point until a limit is reached or `watch`, called after every iteration, ends it.
///
/// # Errors
/// If the function or its gradient is NaN or infinite at the start, or no point is found.
pub(crate) fn descend(
    model: &'static str,
    objective: &impl Objective,
    start: Vec<f64>,
    limits: Limits,
    mut watch: impl FnMut(Iteration) -> ControlFlow<()>,
) -> Result<Descent, Unsolved> {
    let failed = |reason: String| Unsolved { model, iterations: 0, gradient: None, expected: limits.tolerance, reason };
    let broken = |error: Error| failed(error.to_string());
    let mut solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY);
    let mut problem = Problem::new(Remembered {
        objective,
        last: RefCell::default(),
        left: Cell::new(limits.iterations.saturating_mul(EVALUATIONS).saturating_add(MORE_EVALUATIONS)),
    });
    let (mut state, _) = solver.init(&mut problem, IterState::new().param(start)).map_err(broken)?;
    state.update();
    let end = loop {
        if state.get_gradient().is_some_and(|gradient| norm(gradient) < limits.tolerance) {
            break Termination::Converged;
        }
        if state.get_iter() >= limits.iterations {
            break Termination::Iterations;
        }
        state = solver.next_iter(&mut problem, state).map_err(broken)?.0;
        if state.terminated() {
            break Termination::Stalled(state.get_termination_status().to_string());
        }
        state.update();
        state.increment_iter();
        let iteration = state.get_param().map(|at| Iteration { number: state.get_iter(), at });
        if iteration.is_some_and(|iteration| watch(iteration).is_break()) {
            break Termination::Stopped;
        }
    };
    let iterations = state.get_iter();
    let at = state.take_best_param().ok_or_else(|| failed("no point was found".to_owned()))?;
    let gradient = norm(&objective.evaluate(&at).1);
    Ok(Descent { at, iterations, gradient, end })
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|value| value * value).sum::<f64>().sqrt()
}

struct Evaluation {
    at: Vec<f64>,
    cost: f64,
    gradient: Vec<f64>,
}

struct Remembered<'a, O> {
    objective: &'a O,
    last: RefCell<Option<Evaluation>>,
    /// Evaluations still allowed.
    left: Cell<u64>,
}

impl<O: Objective> Remembered<'_, O> {
    fn at<T>(&self, point: &[f64], read: impl FnOnce(&Evaluation) -> T) -> Result<T, Error> {
        let mut last = self.last.borrow_mut();
        if let Some(last) = last.as_ref().filter(|last| last.at == point) {
            return Ok(read(last));
        }
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => return Err(Error::msg("no minimum after as many evaluations as there may be")),
        }
        let (cost, gradient) = self.objective.evaluate(point);
        if !cost.is_finite() || gradient.iter().any(|slope| !slope.is_finite()) {
            return Err(Error::msg("the function or its gradient is not a finite number"));
        }
        Ok(read(last.insert(Evaluation { at: point.to_vec(), cost, gradient })))
    }
}

impl<O: Objective> CostFunction for Remembered<'_, O> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, param: &Vec<f64>) -> Result<f64, Error> {
        self.at(param, |evaluation| evaluation.cost)
    }
}

impl<O: Objective> Gradient for Remembered<'_, O> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, param: &Vec<f64>) -> Result<Vec<f64>, Error> {
        self.at(param, |evaluation| evaluation.gradient.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bowl;
    impl Objective for Bowl {
        fn evaluate(&self, at: &[f64]) -> (f64, Vec<f64>) {
            let scale = |index: usize| 10_f64.powi(index as i32);
            let cost = at.iter().enumerate().map(|(index, x)| 0.5 * scale(index) * (x - 1.0).powi(2)).sum();
            (cost, at.iter().enumerate().map(|(index, x)| scale(index) * (x - 1.0)).collect())
        }
    }

    struct Downhill;
    impl Objective for Downhill {
        fn evaluate(&self, at: &[f64]) -> (f64, Vec<f64>) {
            (at[0], vec![1.0])
        }
    }

    struct Broken;
    impl Objective for Broken {
        fn evaluate(&self, _at: &[f64]) -> (f64, Vec<f64>) {
            (f64::NAN, vec![f64::NAN])
        }
    }

    #[test]
    fn an_ill_conditioned_bowl_is_solved() {
        let found = minimise("bowl", &Bowl, vec![-3.0; 5]).unwrap();
        assert!(found.iter().all(|x| (x - 1.0).abs() < 1e-6), "{found:?}");
        assert_eq!(minimise("bowl", &Bowl, vec![1.0; 5]).unwrap(), [1.0; 5]);
    }

    #[test]
    fn a_function_without_a_minimum_is_an_error() {
        let error = minimise("slope", &Downhill, vec![0.0]).unwrap_err();
        assert!(error.model == "slope" && error.gradient == Some(1.0), "{error}");
        assert_eq!(minimise("hole", &Broken, vec![0.0]).unwrap_err().model, "hole");
    }

    #[test]
    fn a_descent_ends_where_it_is_told_to() {
        let go = |iterations, last| {
            let watch = |iteration: Iteration| {
                if iteration.number == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            descend("bowl", &Bowl, vec![-3.0; 5], Limits { tolerance: 1e-3, iterations }, watch).unwrap()
        };
        let whole = go(1000, u64::MAX);
        assert!(whole.end == Termination::Converged && whole.gradient < 1e-3 && whole.iterations > 4);
        let cut = go(3, u64::MAX);
        assert!(cut.end == Termination::Iterations && cut.iterations == 3 && cut.gradient > whole.gradient);
        let watched = go(1000, 3);
        assert!(watched.end == Termination::Stopped && watched.iterations == 3 && watched.at == cut.at);
    }
}
