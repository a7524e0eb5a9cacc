//! Smooth convex functions are minimised here, by argmin's L-BFGS with the line search of Moré and Thuente.
//!
//! argmin asks for cost and gradient one after the other at the same point; a pass over the data gives both, so the last pair is kept.
//! Whether the minimum was reached is judged here and not by argmin, which calls a line search that found no better point an ordinary end.
//! Its line search would also go on for ever on a value that is not a number, so such values and too many evaluations end it with an error.

use std::cell::{Cell, RefCell};

use argmin::{
    core::{CostFunction, Error, Executor, Gradient, State},
    solver::{linesearch::MoreThuenteLineSearch, quasinewton::LBFGS},
};

use super::StackingError;

/// Pairs of steps and gradient changes that L-BFGS remembers.
const MEMORY: usize = 10;
/// Iterations stop once the gradient's norm is below this.
const TARGET: f64 = 1e-8;
/// A line search that finds nothing better ends the iterations; with a gradient below this it was rounding that stopped it.
const GOOD_ENOUGH: f64 = 1e-6;
/// Most passes over the data; a fit takes a few hundred.
const EVALUATIONS: usize = 10_000;

/// A smooth convex function.
pub(crate) trait Objective {
    /// Its value and gradient at a point.
    fn evaluate(&self, at: &[f64]) -> (f64, Vec<f64>);
}

/// Finds the minimum from a starting point; `model` names what is fitted in the error.
pub(crate) fn minimise(model: &'static str, objective: &impl Objective, start: Vec<f64>) -> Result<Vec<f64>, StackingError> {
    let failed = |reason: String, iterations: u64, gradient: f64| StackingError::Solver {
        model,
        iterations,
        gradient,
        expected: GOOD_ENOUGH,
        reason,
    };
    let broken = |error: Error| failed(error.to_string(), 0, f64::NAN);
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY);
    let solver = solver.with_tolerance_grad(TARGET).and_then(|solver| solver.with_tolerance_cost(0.0)).map_err(broken)?;
    let problem = Remembered { objective, last: RefCell::default(), evaluations: Cell::new(0) };
    let executor = Executor::new(problem, solver).configure(|state| state.param(start)).timer(false).ctrlc(false);
    let mut state = executor.run().map_err(broken)?.state;
    let (iterations, reason) = (state.get_iter(), state.get_termination_status().to_string());
    let Some(best) = state.take_best_param() else {
        return Err(failed(reason, iterations, f64::NAN));
    };
    let gradient = objective.evaluate(&best).1.iter().map(|slope| slope * slope).sum::<f64>().sqrt();
    if gradient <= GOOD_ENOUGH { Ok(best) } else { Err(failed(reason, iterations, gradient)) }
}

struct Evaluation {
    at: Vec<f64>,
    cost: f64,
    gradient: Vec<f64>,
}

struct Remembered<'a, O> {
    objective: &'a O,
    last: RefCell<Option<Evaluation>>,
    evaluations: Cell<usize>,
}

impl<O: Objective> Remembered<'_, O> {
    fn at<T>(&self, point: &[f64], read: impl FnOnce(&Evaluation) -> T) -> Result<T, Error> {
        let mut last = self.last.borrow_mut();
        if let Some(last) = last.as_ref().filter(|last| last.at == point) {
            return Ok(read(last));
        }
        if self.evaluations.replace(self.evaluations.get() + 1) >= EVALUATIONS {
            return Err(Error::msg(format!("no minimum after {EVALUATIONS} evaluations")));
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
        assert!(matches!(error, StackingError::Solver { model: "slope", .. }), "{error}");
        assert!(matches!(minimise("hole", &Broken, vec![0.0]), Err(StackingError::Solver { model: "hole", .. })));
    }
}
