//! argmin's L-BFGS with the line search of Moré and Thuente.
//!
//! argmin asks for cost and gradient one after the other at the same point; a pass over the data gives both, so the
//! last pair is kept. Whether the minimum was reached is judged here and not by argmin, which calls a line search that
//! found no better point an ordinary end. Its line search would also go on for ever on a value that is not a number, so
//! such values and too many evaluations end it with an error.

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
/// A line search that finds nothing better ends the iterations; with a gradient below this it was rounding that stopped
/// it.
pub(crate) const GOOD_ENOUGH: f64 = 1e-6;
/// Most passes over the data for each iteration of a descent, on average; little more than one is usual.
const EVALUATIONS: u64 = 2;
/// And so many more, for a descent of few iterations.
const MORE_EVALUATIONS: u64 = 1000;
/// Iterations of [`minimise`] at most; a fit takes a few hundred.
const ITERATIONS: u64 = 10_000;

/// A smooth convex function.
pub(crate) trait Objective {
    /// Its value and gradient at a point.
    fn evaluate(&self, at: &[f64]) -> (f64, Vec<f64>);
}

/// The optimiser did not reach the minimum.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("fitting the {model} stopped {}, expected a gradient of at most {expected:.0e} ({reason})", reached(*iterations, *gradient))]
pub struct Unsolved {
    /// What was fitted.
    pub model: &'static str,
    /// Iterations done.
    pub iterations: u64,
    /// Euclidean norm of the gradient at the best point, or how far a condition of optimality is from holding there;
    /// none if there is no point.
    pub gradient: Option<f64>,
    /// What would do.
    pub expected: f64,
    /// Why it stopped.
    pub reason: String,
}

fn reached(iterations: u64, gradient: Option<f64>) -> String {
    gradient.map_or("without a result".to_owned(), |gradient| {
        format!("after {iterations} iterations with a gradient of {gradient:.1e}")
    })
}

/// When a descent ends by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Once the gradient's Euclidean norm is below this.
    pub tolerance: f64,
    /// After so many iterations.
    pub iterations: u64,
}

/// One iteration that was done.
pub(crate) struct Step<'a> {
    /// Counted from 1.
    pub iteration: u64,
    /// Where it led.
    pub at: &'a [f64],
}

/// Why a descent ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The gradient was small enough.
    Converged,
    /// There were iterations enough.
    Iterations,
    /// No better point was found along the way down: rounding, or a function that is not as it should be.
    Stalled(String),
    /// Who watched it ended it.
    Watched,
}

/// How far a descent came.
pub(crate) struct Descent {
    /// The best point.
    pub at: Vec<f64>,
    /// Iterations done.
    pub iterations: u64,
    /// Euclidean norm of the gradient there.
    pub gradient: f64,
    /// Why it ended.
    pub end: End,
}

/// Finds the minimum from a starting point, as well as rounding allows; `model` names what is fitted in the error.
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
            reason: if let End::Stalled(reason) = found.end { reason } else { "it goes on falling".to_owned() },
        }),
    }
}

/// Goes down from a starting point until a limit is reached or `watch`, called after every iteration, ends it.
///
/// # Errors
/// If the function or its gradient is not a finite number at the start, or nothing is found at all.
pub(crate) fn descend(
    model: &'static str,
    objective: &impl Objective,
    start: Vec<f64>,
    limits: Limits,
    mut watch: impl FnMut(Step) -> ControlFlow<()>,
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
            break End::Converged;
        }
        if state.get_iter() >= limits.iterations {
            break End::Iterations;
        }
        state = solver.next_iter(&mut problem, state).map_err(broken)?.0;
        if state.terminated() {
            break End::Stalled(state.get_termination_status().to_string());
        }
        state.update();
        state.increment_iter();
        let step = state.get_param().map(|at| Step { iteration: state.get_iter(), at });
        if step.is_some_and(|step| watch(step).is_break()) {
            break End::Watched;
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
    /// Evaluations that may still be made.
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
            let scale = |place: usize| 10_f64.powi(place as i32);
            let cost = at.iter().enumerate().map(|(place, x)| 0.5 * scale(place) * (x - 1.0).powi(2)).sum();
            (cost, at.iter().enumerate().map(|(place, x)| scale(place) * (x - 1.0)).collect())
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
            let watch =
                |step: Step| if step.iteration == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            descend("bowl", &Bowl, vec![-3.0; 5], Limits { tolerance: 1e-3, iterations }, watch).unwrap()
        };
        let whole = go(1000, u64::MAX);
        assert!(whole.end == End::Converged && whole.gradient < 1e-3 && whole.iterations > 4);
        let cut = go(3, u64::MAX);
        assert!(cut.end == End::Iterations && cut.iterations == 3 && cut.gradient > whole.gradient);
        let watched = go(1000, 3);
        assert!(watched.end == End::Watched && watched.iterations == 3 && watched.at == cut.at);
    }
}
