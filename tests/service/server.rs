//! `digitstack serve` on a small run, as a process of its own.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{program::program, trained::served_run};

/// Longest time that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Service that listens; when dropped, it is asked to stop, and killed if it does not.
pub struct Service {
    child: Child,
    address: SocketAddr,
    log: Arc<Log>,
}

/// Standard error of the service.
#[derive(Default)]
struct Log {
    written: Mutex<Written>,
    more: Condvar,
}

#[derive(Default)]
struct Written {
    lines: Vec<String>,
    /// The service has ended.
    ended: bool,
}

impl Service {
    /// Starts `digitstack serve` on a small run and a free port, with further arguments.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_on(served_run(), arguments)
    }

    /// As [`Self::start`], on another run.
    pub fn start_on(run: &Path, arguments: &[&str]) -> Self {
        Self::start_with(&mut program(), run, arguments)
    }

    /// As [`Self::start_on`], with a command that has an environment of its own.
    pub fn start_with(program: &mut Command, run: &Path, arguments: &[&str]) -> Self {
        let mut child = program
            .args(["serve", "--port", "0", "--json"])
            .arg(run)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = Log::keep(child.stderr.take().expect("piped"));
        let stdout = child.stdout.take().expect("piped");
        // The service prints its address first, once it listens; nothing comes if it fails.
        let said = serde_json::Deserializer::from_reader(stdout).into_iter::<Value>().next();
        let Some(Ok(said)) = said else {
            let _ = child.kill();
            panic!(
                "the service does not start: {:?}",
                log.wait(|written| written.ended.then(|| written.lines.clone()))
            );
        };
        let url = said["url"].as_str().expect("a URL");
        let address = url.strip_prefix("http://").and_then(|rest| rest.strip_suffix('/')).expect("http://ADDRESS/");
        Self { address: address.parse().expect("an address"), child, log }
    }

    /// Address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// URL of a path, which starts with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Process identifier.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Lines of its standard error so far.
    pub fn log(&self) -> Vec<String> {
        self.log.written().lines.clone()
    }

    /// Entries of its access log: one for each request, written when the answer is ready.
    pub fn accesses(&self) -> Vec<Value> {
        self.log.written().accesses()
    }

    /// Waits for an entry of the access log that `wanted` accepts, earlier ones included.
    pub fn wait_for_access(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.log.wait(|written| written.accesses().into_iter().find(&wanted))
    }

    /// Waits for a line of its standard error that contains these words, earlier ones included.
    pub fn wait_for_line(&self, words: &str) -> String {
        self.log.wait(|written| written.lines.iter().find(|line| line.contains(words)).cloned())
    }

    /// Sends SIGTERM, which asks for an orderly end; elsewhere than on Unix, kills it.
    pub fn ask_to_stop(&mut self) {
        if cfg!(unix) {
            let kill = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
            assert!(kill.is_ok_and(|status| status.success()) || self.has_ended(), "no signal could be sent");
        } else {
            let _ = self.child.kill();
        }
    }

    /// True once the process has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end and returns its exit status.
    pub fn wait(&mut self) -> ExitStatus {
        self.log.wait(|written| written.ended.then_some(()));
        self.child.wait().expect("it ended")
    }

    /// Asks it to stop, checks that it ends with exit code 0, and returns the lines of its standard error.
    pub fn stop(mut self) -> Vec<String> {
        self.ask_to_stop();
        let status = self.wait();
        let lines = self.log();
        assert!(status.success() || !cfg!(unix), "{status}; it said {lines:#?}");
        lines
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !self.has_ended() && !std::thread::panicking() {
            self.ask_to_stop();
            let asked = Instant::now();
            if self.log.wait_until(asked + PATIENCE / 2, |written| written.ended.then_some(())).is_some() {
                let _ = self.child.wait();
                return;
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Log {
    /// Collects lines on a thread until the last writer has closed its end.
    fn keep(source: impl Read + Send + 'static) -> Arc<Self> {
        let log = Arc::new(Self::default());
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in BufReader::new(source).lines() {
                let Ok(line) = line else { break };
                kept.written().lines.push(line);
                kept.more.notify_all();
            }
            kept.written().ended = true;
            kept.more.notify_all();
        });
        log
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<T>(&self, found: impl Fn(&Written) -> Option<T>) -> T {
        let found = self.wait_until(Instant::now() + PATIENCE, found);
        found.unwrap_or_else(|| panic!("not seen within {PATIENCE:?}; the service wrote {:#?}", self.written().lines))
    }

    fn wait_until<T>(&self, end: Instant, found: impl Fn(&Written) -> Option<T>) -> Option<T> {
        let mut written = self.written();
        loop {
            if let Some(found) = found(&written) {
                return Some(found);
            }
            let left = end.checked_duration_since(Instant::now())?;
            written = self.more.wait_timeout(written, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Written {
    fn accesses(&self) -> Vec<Value> {
        self.lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}
