//! A small run, and `digitstack serve` on it as a process of its own.
//!
//! The run is made once for every build of the program and shared by all test binaries: it lies in Cargo's folder for
//! tests, beside a note on the program that made it. Whoever comes second waits for the first by a lock on that note.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Seek, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant, UNIX_EPOCH},
};

use serde_json::Value;

/// The quickstart, shortened until it takes seconds, and still sure of a digit that is drawn cleanly.
const SETTINGS: [&str; 6] = [
    "data.train=6000",
    "data.test=500",
    "stacking.folds=2",
    "members.dense.training.epochs=6",
    "members.cnn.training.epochs=3",
    "members.booster.booster.trees=30",
];

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The small run's directory. A test only reads it.
pub fn run() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let run = folder.join("served-run");
        let mut note = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join("served-run.made-by"))
            .expect("opens");
        note.lock().expect("locks");
        let (mut made_by, this) = (String::new(), program());
        note.read_to_string(&mut made_by).expect("reads");
        // An interrupted run goes on; what another program made starts over.
        let fresh = made_by != this;
        if fresh {
            note.set_len(0)
                .and_then(|()| note.rewind())
                .and_then(|()| note.write_all(this.as_bytes()))
                .expect("writes");
        }
        make(&run, fresh);
        run
    })
}

/// Tells builds of the program apart.
fn program() -> String {
    let about = fs::metadata(env!("CARGO_BIN_EXE_digitstack")).expect("the program");
    let changed = about.modified().expect("a time").duration_since(UNIX_EPOCH).expect("after 1970");
    format!("{} bytes, {} ns\n{}\n", about.len(), changed.as_nanos(), SETTINGS.join("\n"))
}

fn make(run: &Path, fresh: bool) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_digitstack"));
    command.args(["run", "--quiet", "--device", "cpu", "--out"]).arg(run);
    command.args(SETTINGS.iter().flat_map(|setting| ["--set", setting])).args(fresh.then_some("--fresh"));
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

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
        Self::start_on(run(), arguments)
    }

    /// As [`Self::start`], on another run.
    pub fn start_on(run: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_digitstack"))
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
