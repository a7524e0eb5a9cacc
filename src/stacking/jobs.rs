//! Many fits at once, on a limited number of threads.
//!
//! A fit of one member on one fold is a job of minutes that may use several threads itself. Running the jobs on one
//! shared thread pool would let each of them take all threads and would tie the speed of one to what the others do; so
//! each worker has a pool of its own, of fixed size, and a job runs inside it. The longest jobs start first, which
//! keeps the workers busy to the end (Graham's rule). Results are returned in the order of the jobs, whichever ended
//! first.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::StackingError;
use crate::progress::Cancel;

/// How often a request to stop is looked for.
const POLL: Duration = Duration::from_millis(25);

/// Something to be done.
#[derive(Clone, Debug)]
pub struct Job<J> {
    /// What people call it, for error messages: `cnn, fold 1`.
    pub name: String,
    /// How long it takes, in any unit: only the order counts.
    pub cost: f64,
    /// What the function gets.
    pub input: J,
}

/// What a job may use.
#[derive(Clone, Debug)]
pub struct JobContext {
    /// Threads it may keep busy: those of the rayon pool that it runs in.
    pub threads: usize,
    /// Asks it to stop: the caller did, or another job failed.
    pub cancel: Cancel,
}

/// Runs `run` on every job, on `workers` jobs at once, each inside a rayon pool of `threads` (0 counts as 1 for both).
///
/// Once a job fails or panics or `cancel` is set, no further job starts and [`JobContext::cancel`] asks those under way
/// to stop; the function waits for them, so that none outlives it. The error is that of the job that failed first in
/// time; what jobs return after being asked to stop is not looked at.
///
/// # Errors
/// The first job's error; [`StackingError::Panicked`] if it panicked; [`StackingError::Cancelled`] if `cancel` kept a
/// job from starting; [`StackingError::Threads`] if the system gives no threads.
pub fn run_jobs<J, R, E>(
    jobs: Vec<Job<J>>,
    workers: usize,
    threads: usize,
    cancel: &Cancel,
    run: impl Fn(&J, &JobContext) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E>
where
    J: Send + Sync,
    R: Send,
    E: From<StackingError> + Send,
{
    let (workers, threads) = (workers.clamp(1, jobs.len().max(1)), threads.max(1));
    let pools = (0..workers).map(|_| pool(threads)).collect::<Result<Vec<_>, _>>()?;
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by(|&a, &b| jobs[b].cost.total_cmp(&jobs[a].cost));
    let context = JobContext { threads, cancel: Cancel::default() };
    if cancel.is_cancelled() {
        context.cancel.cancel();
    }
    let state =
        State { jobs: &jobs, order, next: AtomicUsize::new(0), results: Mutex::default(), failure: Mutex::default() };

    thread::scope(|scope| {
        let (sender, finished) = mpsc::channel::<()>();
        for pool in &pools {
            let (state, context, run, sender) = (&state, &context, &run, sender.clone());
            scope.spawn(move || {
                state.work(pool, context, run);
                drop(sender);
            });
        }
        drop(sender);
        while let Err(RecvTimeoutError::Timeout) = finished.recv_timeout(POLL) {
            if cancel.is_cancelled() {
                context.cancel.cancel();
            }
        }
    });

    let State { results, failure, .. } = state;
    if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    if results.len() < jobs.len() {
        return Err(StackingError::Cancelled.into());
    }
    results.sort_by_key(|(place, _)| *place);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

struct State<'a, J, R, E> {
    jobs: &'a [Job<J>],
    /// Places of the jobs, in the order in which they start.
    order: Vec<usize>,
    next: AtomicUsize,
    results: Mutex<Vec<(usize, R)>>,
    failure: Mutex<Option<E>>,
}

impl<J, R, E> State<'_, J, R, E>
where
    J: Send + Sync,
    R: Send,
    E: From<StackingError> + Send,
{
    /// One worker: takes jobs until there are none or it is asked to stop.
    fn work(&self, pool: &ThreadPool, context: &JobContext, run: &(impl Fn(&J, &JobContext) -> Result<R, E> + Sync)) {
        while !context.cancel.is_cancelled() {
            let Some(&place) = self.order.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            let job = &self.jobs[place];
            let outcome = catch_unwind(AssertUnwindSafe(|| pool.install(|| run(&job.input, context))));
            let outcome = outcome.unwrap_or_else(|panic| {
                Err(StackingError::Panicked { job: job.name.clone(), message: panic_message(panic.as_ref()) }.into())
            });
            match outcome {
                Ok(result) => lock(&self.results).push((place, result)),
                Err(error) => {
                    lock(&self.failure).get_or_insert(error);
                    context.cancel.cancel();
                }
            }
        }
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

fn pool(threads: usize) -> Result<ThreadPool, StackingError> {
    let builder = ThreadPoolBuilder::new().num_threads(threads).thread_name(|thread| format!("fit-{thread}"));
    builder.build().map_err(|error| StackingError::Threads { threads, problem: error.to_string() })
}

/// A panic while the lock was held leaves complete entries only.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn jobs(costs: &[f64]) -> Vec<Job<usize>> {
        costs.iter().enumerate().map(|(input, &cost)| Job { name: format!("job {input}"), cost, input }).collect()
    }

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        let run = |input: &usize, _: &JobContext| {
            thread::sleep(Duration::from_millis(if input.is_multiple_of(2) { 4 } else { 1 }));
            Ok::<_, StackingError>(input * 10)
        };
        for workers in [0, 1, 3, 100] {
            assert_eq!(
                run_jobs(jobs(&[1.0; 7]), workers, 1, &Cancel::default(), run).unwrap(),
                [0, 10, 20, 30, 40, 50, 60]
            );
        }
        assert_eq!(run_jobs(jobs(&[]), 2, 1, &Cancel::default(), run).unwrap(), Vec::<usize>::new());
    }

    #[test]
    fn the_longest_job_starts_first() {
        let started = Mutex::new(Vec::new());
        let run = |input: &usize, _: &JobContext| {
            started.lock().unwrap().push(*input);
            Ok::<_, StackingError>(())
        };
        run_jobs(jobs(&[1.0, 5.0, 3.0, f64::NAN, 5.0]), 1, 1, &Cancel::default(), run).unwrap();
        assert_eq!(*started.lock().unwrap(), [3, 1, 4, 2, 0], "equal costs keep their order");
    }

    #[test]
    fn a_job_has_its_own_threads_and_no_more_jobs_run_than_asked_for() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let run = |_: &usize, context: &JobContext| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(5));
            running.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, StackingError>((rayon::current_num_threads(), context.threads))
        };
        assert_eq!(run_jobs(jobs(&[1.0; 8]), 2, 3, &Cancel::default(), run).unwrap(), [(3, 3); 8]);
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn the_first_error_stops_the_rest() {
        let begun = Instant::now();
        let started = AtomicUsize::new(0);
        let run = |input: &usize, context: &JobContext| {
            started.fetch_add(1, Ordering::SeqCst);
            if *input == 0 {
                thread::sleep(Duration::from_millis(20));
                return Err(StackingError::Saved("first".to_owned()));
            }
            while !context.cancel.is_cancelled() {
                assert!(begun.elapsed() < Duration::from_secs(20), "nobody asked this job to stop");
                thread::sleep(Duration::from_millis(1));
            }
            Err::<(), _>(StackingError::Cancelled)
        };
        let caller = Cancel::default();
        let error = run_jobs(jobs(&[9.0, 8.0, 7.0, 6.0]), 2, 1, &caller, run).unwrap_err();
        assert_eq!((error, started.load(Ordering::SeqCst)), (StackingError::Saved("first".to_owned()), 2));
        assert!(!caller.is_cancelled(), "the caller's own flag is left alone");
    }

    #[test]
    fn a_panic_is_an_error_that_names_the_job() {
        let run = |input: &usize, _: &JobContext| {
            if *input == 1 { panic!("out of {}", "ink") } else { Ok::<_, StackingError>(()) }
        };
        let error = run_jobs(jobs(&[1.0, 2.0]), 1, 1, &Cancel::default(), run).unwrap_err();
        assert_eq!(error, StackingError::Panicked { job: "job 1".to_owned(), message: "out of ink".to_owned() });
    }

    #[test]
    fn cancelling_reaches_the_jobs_under_way_and_keeps_others_from_starting() {
        let cancel = Cancel::default();
        let started = AtomicUsize::new(0);
        let begun = Instant::now();
        let run = |_: &usize, context: &JobContext| {
            started.fetch_add(1, Ordering::SeqCst);
            cancel.cancel();
            while !context.cancel.is_cancelled() {
                assert!(begun.elapsed() < Duration::from_secs(20), "the request did not arrive");
                thread::sleep(Duration::from_millis(1));
            }
            Ok::<_, StackingError>(())
        };
        assert_eq!(run_jobs(jobs(&[1.0; 5]), 1, 1, &cancel, run), Err(StackingError::Cancelled));
        assert_eq!(run_jobs(jobs(&[1.0; 5]), 1, 1, &cancel, run), Err(StackingError::Cancelled), "before it began");
        assert_eq!(started.load(Ordering::SeqCst), 1);
    }
}
