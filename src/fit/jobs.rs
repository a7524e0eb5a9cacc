//! Pool of jobs: many fits at once, on a limited number of threads.
//!
//! A fit of one member on one fold is a job of minutes that may use several threads itself. Running the jobs on one
//! shared thread pool would let each of them take all threads and would tie the speed of one to what the others do; so
//! each worker has its own pool of fixed size, and a job runs inside it. The longest jobs start first, which
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

use super::cancel::Cancel;

/// Interval at which the caller's request to stop is polled.
const POLL: Duration = Duration::from_millis(25);

/// Named input of one call of the function given to [`run_jobs`].
#[derive(Clone, Debug)]
pub struct Job<J> {
    /// Name in error messages: `cnn, fold 1`.
    pub name: String,
    /// Estimated duration in any unit; used only to start the longest job first.
    pub cost: f64,
    /// Argument of the function.
    pub input: J,
}

/// Resources of one job.
#[derive(Clone, Debug)]
pub struct JobContext {
    /// Threads of the rayon pool that the job runs in.
    pub threads: usize,
    /// Request to stop, set when the caller's is set or another job failed.
    pub cancel: Cancel,
}

/// Failure of the pool rather than of what a job does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// The caller's request to stop kept a job from starting.
    #[error("stopped")]
    Cancelled,
    /// A job panicked.
    #[error("{job} panicked: {message}")]
    Panicked {
        /// Name of the job.
        job: String,
        /// Message of the panic.
        message: String,
    },
    /// The operating system started no threads.
    #[error("cannot start {threads} threads: {problem}")]
    Threads {
        /// Number of threads asked for.
        threads: usize,
        /// Message of the operating system.
        problem: String,
    },
}

/// Runs `run` on every job, `workers` jobs at a time, each inside a rayon pool of `threads` (0 counts as 1 for both),
/// and returns the results in the order of the jobs.
///
/// Once a job fails or panics or `cancel` is set, no further job starts and [`JobContext::cancel`] asks those under way
/// to stop; the function waits for them, so that none outlives it. The error is that of the job that failed first in
/// time; results and errors of jobs that were asked to stop are dropped.
///
/// # Errors
/// The first job's error; [`JobError::Panicked`] if it panicked; [`JobError::Cancelled`] if `cancel` kept a
/// job from starting; [`JobError::Threads`] if the system gives no threads.
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
    E: From<JobError> + Send,
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
        return Err(JobError::Cancelled.into());
    }
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

struct State<'a, J, R, E> {
    jobs: &'a [Job<J>],
    /// Indices of the jobs, in the order in which they start.
    order: Vec<usize>,
    next: AtomicUsize,
    results: Mutex<Vec<(usize, R)>>,
    failure: Mutex<Option<E>>,
}

impl<J, R, E> State<'_, J, R, E>
where
    J: Send + Sync,
    R: Send,
    E: From<JobError> + Send,
{
    /// Runs one worker: takes jobs until none are left or it is asked to stop.
    fn work(&self, pool: &ThreadPool, context: &JobContext, run: &(impl Fn(&J, &JobContext) -> Result<R, E> + Sync)) {
        while !context.cancel.is_cancelled() {
            let Some(&index) = self.order.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            let job = &self.jobs[index];
            let outcome = catch_unwind(AssertUnwindSafe(|| pool.install(|| run(&job.input, context))));
            let outcome = outcome.unwrap_or_else(|panic| {
                Err(JobError::Panicked { job: job.name.clone(), message: panic_message(panic.as_ref()) }.into())
            });
            match outcome {
                Ok(result) => lock(&self.results).push((index, result)),
                Err(error) => {
                    lock(&self.failure).get_or_insert(error);
                    context.cancel.cancel();
                }
            }
        }
    }
}

/// Returns the message of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

fn pool(threads: usize) -> Result<ThreadPool, JobError> {
    let builder = ThreadPoolBuilder::new().num_threads(threads).thread_name(|thread| format!("fit-{thread}"));
    builder.build().map_err(|error| JobError::Threads { threads, problem: error.to_string() })
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
            Ok::<_, JobError>(input * 10)
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
            Ok::<_, JobError>(())
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
            Ok::<_, JobError>((rayon::current_num_threads(), context.threads))
        };
        assert_eq!(run_jobs(jobs(&[1.0; 8]), 2, 3, &Cancel::default(), run).unwrap(), [(3, 3); 8]);
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn the_first_error_stops_the_rest() {
        let begun = Instant::now();
        let started = AtomicUsize::new(0);
        let first = JobError::Threads { threads: 1, problem: "first".to_owned() };
        let run = |input: &usize, context: &JobContext| {
            started.fetch_add(1, Ordering::SeqCst);
            if *input == 0 {
                thread::sleep(Duration::from_millis(20));
                return Err(first.clone());
            }
            while !context.cancel.is_cancelled() {
                assert!(begun.elapsed() < Duration::from_secs(20), "this job was not asked to stop");
                thread::sleep(Duration::from_millis(1));
            }
            Err::<(), _>(JobError::Cancelled)
        };
        let caller = Cancel::default();
        let error = run_jobs(jobs(&[9.0, 8.0, 7.0, 6.0]), 2, 1, &caller, run).unwrap_err();
        assert_eq!((error, started.load(Ordering::SeqCst)), (first.clone(), 2));
        assert!(!caller.is_cancelled(), "the caller's own flag is left alone");
    }

    #[test]
    fn a_panic_is_an_error_that_names_the_job() {
        let run = |input: &usize, _: &JobContext| {
            if *input == 1 { panic!("out of {}", "ink") } else { Ok::<_, JobError>(()) }
        };
        let error = run_jobs(jobs(&[1.0, 2.0]), 1, 1, &Cancel::default(), run).unwrap_err();
        assert_eq!(error, JobError::Panicked { job: "job 1".to_owned(), message: "out of ink".to_owned() });
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
            Ok::<_, JobError>(())
        };
        assert_eq!(run_jobs(jobs(&[1.0; 5]), 1, 1, &cancel, run), Err(JobError::Cancelled));
        assert_eq!(run_jobs(jobs(&[1.0; 5]), 1, 1, &cancel, run), Err(JobError::Cancelled), "before it began");
        assert_eq!(started.load(Ordering::SeqCst), 1);
    }
}
