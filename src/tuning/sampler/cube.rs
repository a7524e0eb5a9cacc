//! Unit cube as a cost function for argmin.

use std::{
    borrow::Borrow,
    cell::{Cell, RefCell},
};

use argmin::core::{CostFunction, Error, Executor, IterState, Solver, State, SyncAlias};

use super::objective::{Objective, Stop};
use crate::tuning::space::Space;

/// Cost of a point whose trial failed: far above any error rate or log-loss, and finite because a first simplex accepts
/// only finite costs.
const FAILED: f64 = 1e6;
/// Number of consecutive proposals that were all scored before, after which a search is stopped.
const PATIENCE: usize = 200;

/// Point of the unit cube, one coordinate for each parameter.
pub(super) type Point = Vec<f64>;

/// Cost function over the unit cube: the negative score of the decoded point.
pub(super) struct Cube<'a> {
    pub(super) space: &'a Space,
    objective: RefCell<&'a mut dyn Objective>,
    /// Reason why the search was stopped, which argmin's error does not carry.
    stop: RefCell<Option<Stop>>,
    seen: RefCell<std::collections::HashSet<String>>,
    repeated: Cell<usize>,
}

#[derive(Debug, thiserror::Error)]
#[error("the search was stopped")]
struct Stopped;

impl<'a> Cube<'a> {
    pub(super) fn new(space: &'a Space, objective: &'a mut dyn Objective) -> Self {
        let (stop, seen) = (RefCell::default(), RefCell::default());
        Self { space, objective: RefCell::new(objective), stop, seen, repeated: Cell::new(0) }
    }

    /// Returns the costs of several points, scored side by side.
    pub(super) fn costs(&self, points: &[&[f64]]) -> Result<Vec<f64>, Stop> {
        let candidates: Vec<_> = points.iter().map(|point| self.space.decode(point)).collect();
        let fresh =
            candidates.iter().filter(|candidate| self.seen.borrow_mut().insert(self.space.key(candidate))).count();
        self.repeated.set(if fresh > 0 { 0 } else { self.repeated.get() + points.len() });
        if self.repeated.get() > PATIENCE {
            return Err(Stop::Budget);
        }
        let scores = self.objective.borrow_mut().evaluate(&candidates)?;
        Ok(scores.into_iter().map(|score| score.map_or(FAILED, |score| -score)).collect())
    }

    fn costs_or_stop(&self, points: &[&[f64]]) -> Result<Vec<f64>, Error> {
        self.costs(points).map_err(|stop| {
            *self.stop.borrow_mut() = Some(stop);
            Error::from(Stopped)
        })
    }

    /// Runs a solver on `problem`, which evaluates this cube, until it ends by itself or is stopped.
    pub(super) fn minimise<O, I, S>(&self, problem: O, solver: S, configure: impl FnOnce(I) -> I) -> Result<(), Stop>
    where
        S: Solver<O, I>,
        I: State<Float = f64>,
    {
        let outcome = Executor::new(problem, solver).configure(configure).timer(false).ctrlc(false).run().map(drop);
        match (outcome, self.stop.take()) {
            (_, Some(stop)) => Err(stop),
            // An error of the solver itself, such as a degenerate simplex: the scores so far stand.
            (Ok(()) | Err(_), None) => Ok(()),
        }
    }
}

impl CostFunction for &Cube<'_> {
    type Param = Point;
    type Output = f64;

    fn cost(&self, point: &Point) -> Result<f64, Error> {
        Ok(self.costs_or_stop(&[point])?[0])
    }

    fn bulk_cost<P>(&self, points: &[P]) -> Result<Vec<f64>, Error>
    where
        P: Borrow<Point> + SyncAlias,
    {
        let points: Vec<&[f64]> = points.iter().map(|point| point.borrow().as_slice()).collect();
        self.costs_or_stop(&points)
    }
}

/// State of a solver that moves one point.
pub(super) type PointState = IterState<Point, (), (), (), (), f64>;
