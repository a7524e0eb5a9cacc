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

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service that listens. Dropped, it is asked to stop, and killed if it does not.
pub struct Service {
    child: Child,
    address: SocketAddr,
    log: Arc<Log>,
}

/// What the service writes to standard error.
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
    /// On a free port; `arguments` go to `digitstack serve` beside the small run's directory.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_on(served_run(), arguments)
    }

    /// As [`Self::start`], on another run.
    pub fn start_on(run: &Path, arguments: &[&str]) -> Self {
        let mut child = program()
            .args(["serve", "--port", "0", "--json"])
            .arg(run)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = Log::keep(child.stderr.take().expect("piped"));
        let stdout = child.stdout.take().expect("piped");
        // The address is the first thing said, once it listens; nothing comes if it does not.
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

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path, which starts with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it has written to standard error.
    pub fn log(&self) -> Vec<String> {
        self.log.written().lines.clone()
    }

    /// The lines of its access log: one for each request, written when the answer is ready.
    pub fn accesses(&self) -> Vec<Value> {
        self.log.written().accesses()
    }

    /// Waits for an access that `wanted` picks, also among those that are past.
    pub fn wait_for_access(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.log.wait(|written| written.accesses().into_iter().find(&wanted))
    }

    /// Waits for a line of its standard error that contains these words, also among those that are past.
    pub fn wait_for_line(&self, words: &str) -> String {
        self.log.wait(|written| written.lines.iter().find(|line| line.contains(words)).cloned())
    }

    /// SIGTERM, which it takes as a wish to end in good order; elsewhere than on Unix its end.
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

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        self.log.wait(|written| written.ended.then_some(()));
        self.child.wait().expect("it ended")
    }

    /// Asks it to stop and checks that it ends with exit code 0. Returns what it had written.
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
    /// Collects lines until the last writer has gone.
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
