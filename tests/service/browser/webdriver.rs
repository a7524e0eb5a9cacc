//! Client of the W3C WebDriver protocol: Chromium through `chromedriver`, both from the system.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Names under which the browser is searched for, in this order.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// Longest time that a condition of [`Browser::wait`] may stay false.
const PATIENCE: Duration = Duration::from_secs(20);
/// Key of an element's identifier in the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Paths of a browser and its driver.
pub struct Programs {
    browser: PathBuf,
    driver: PathBuf,
}

impl Programs {
    /// Finds the programs on `PATH`, or names what is missing.
    pub fn find() -> Result<Self, String> {
        let on_path = |name: &str| {
            let folders = std::env::var_os("PATH")?;
            std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|program| program.is_file())
        };
        let browser =
            BROWSERS.iter().find_map(|name| on_path(name)).ok_or("no chromium or google-chrome is on the path")?;
        let driver = on_path("chromedriver").ok_or("no chromedriver is on the path")?;
        Ok(Self { browser, driver })
    }
}

/// Headless browser with a profile of its own; closed when dropped.
pub struct Browser {
    driver: Child,
    agent: ureq::Agent,
    /// `http://127.0.0.1:PORT/session/ID`.
    session: String,
    profile: TempDir,
}

/// Pointing device.
#[derive(Clone, Copy)]
pub enum Pointer {
    Mouse,
    Pen,
    Touch,
}

/// Action of a pointer.
#[derive(Clone, Copy)]
pub enum Step {
    /// Move to an offset in CSS pixels from the middle of the element.
    Move(i64, i64),
    Press,
    Release,
}

/// Starts a driver and returns it with its port; none if it ended before it printed one.
fn start_driver(programs: &Programs) -> Option<(Child, u16)> {
    let mut command = Command::new(&programs.driver);
    let mut driver =
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("chromedriver starts");
    let mut lines = BufReader::new(driver.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let port =
        lines.find_map(|line| line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok());
    let Some(port) = port else {
        driver.wait().expect("it ended");
        return None;
    };
    // The driver keeps writing, and its output must stay open.
    std::thread::spawn(move || lines.for_each(drop));
    Some((driver, port))
}

impl Browser {
    /// Starts a driver on a free port, and a browser; tries again, since on a busy machine the first try may fail.
    pub fn start(programs: &Programs) -> Self {
        let mut tries = Vec::new();
        for _ in 0..3 {
            match Self::try_start(programs) {
                Ok(browser) => return browser,
                Err(error) => tries.push(error),
            }
        }
        panic!("no browser starts: {tries:#?}");
    }

    fn try_start(programs: &Programs) -> Result<Self, String> {
        let profile = tempfile::tempdir().expect("a temporary folder");
        // The driver takes a free IPv4 port and then the same IPv6 port, which another driver may have taken: then it
        // ends.
        let (driver, port) = (0..10).find_map(|_| start_driver(programs)).expect("chromedriver says its port");
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(PATIENCE * 4))
            .build();
        let session = format!("http://127.0.0.1:{port}/session");
        // From here on, dropping the browser ends the driver.
        let mut browser = Self { driver, agent: ureq::Agent::new_with_config(config), session, profile };
        let folder = browser.profile.path().display();
        let arguments = json!([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--no-proxy-server",
            "--window-size=1280,900",
            format!("--user-data-dir={folder}"),
        ]);
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "binary": programs.browser, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "script": PATIENCE.as_millis() as u64 },
        } } });
        let session = browser.try_post("", wanted)?;
        let id = session["sessionId"].as_str().ok_or("no session")?;
        browser.session = format!("{}/{id}", browser.session);
        Ok(browser)
    }

    /// Opens a page and waits until it is loaded.
    pub fn open(&self, url: &str) {
        self.post("/url", json!({ "url": url }));
    }

    /// Runs a JavaScript function body in the page and returns its result.
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] }))
    }

    /// Waits until a JavaScript expression is true in the page; it is evaluated with every frame.
    pub fn wait(&self, condition: &str) {
        let script = format!(
            "const done = arguments[0], end = performance.now() + {};
             const look = () => ({condition}) ? done(true) : performance.now() > end ? done(false) : requestAnimationFrame(look);
             look();",
            PATIENCE.as_millis() * 3 / 4
        );
        let seen = self.post("/execute/async", json!({ "script": script, "args": [] }));
        assert_eq!(
            seen,
            true,
            "never true: {condition}; the page says {:?}",
            self.run("return document.body.innerText")
        );
    }

    /// Clicks the middle of the first element that matches a CSS selector.
    pub fn click(&self, selector: &str) {
        self.post(&format!("/element/{}/click", self.element(selector)), json!({}));
    }

    /// Chooses a file in an `<input type="file">`.
    pub fn choose_file(&self, selector: &str, file: &Path) {
        self.post(&format!("/element/{}/value", self.element(selector)), json!({ "text": file }));
    }

    /// Performs a pointer's actions on an element.
    pub fn point(&self, pointer: Pointer, selector: &str, steps: &[Step]) {
        let kind = match pointer {
            Pointer::Mouse => "mouse",
            Pointer::Pen => "pen",
            Pointer::Touch => "touch",
        };
        let origin = json!({ ELEMENT: self.element(selector) });
        let actions = steps.iter().map(|step| match step {
            Step::Move(x, y) => json!({ "type": "pointerMove", "duration": 0, "origin": origin, "x": x, "y": y }),
            Step::Press => json!({ "type": "pointerDown", "button": 0 }),
            Step::Release => json!({ "type": "pointerUp", "button": 0 }),
        });
        let actions: Vec<Value> = actions.collect();
        let source =
            json!({ "type": "pointer", "id": kind, "parameters": { "pointerType": kind }, "actions": actions });
        self.act(source);
    }

    /// Types keys one after another while others are held.
    pub fn press(&self, held: &[char], keys: &[char]) {
        let action = |kind: &str, key: &char| json!({ "type": kind, "value": key });
        let mut actions: Vec<Value> = held.iter().map(|key| action("keyDown", key)).collect();
        actions.extend(keys.iter().flat_map(|key| [action("keyDown", key), action("keyUp", key)]));
        actions.extend(held.iter().map(|key| action("keyUp", key)));
        let source = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.act(source);
    }

    /// Sends a command of Chromium's own protocol.
    pub fn chromium(&self, command: &str, parameters: Value) -> Value {
        self.post("/goog/cdp/execute", json!({ "cmd": command, "params": parameters }))
    }

    /// Sets the size of the screen, that of a phone or another.
    pub fn resize(&self, width: u32, height: u32, phone: bool) {
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        self.chromium("Emulation.setDeviceMetricsOverride", screen);
        self.chromium("Emulation.setTouchEmulationEnabled", json!({ "enabled": phone }));
    }

    /// Sets the preferred colour scheme, dark or light.
    pub fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.chromium("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// Writes a PNG file of the visible page.
    pub fn save_picture(&self, file: &Path) {
        let shot = self.chromium("Page.captureScreenshot", json!({ "format": "png" }));
        let png = STANDARD.decode(shot["data"].as_str().expect("a picture")).expect("base64");
        std::fs::write(file, png).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    /// Level and text of the console's entries since the last call.
    pub fn console(&self) -> Vec<(String, String)> {
        let entries = self.post("/se/log", json!({ "type": "browser" }));
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        entries
            .as_array()
            .expect("entries")
            .iter()
            .map(|entry| (text(entry, "level"), text(entry, "message")))
            .collect()
    }

    fn act(&self, source: Value) {
        self.post("/actions", json!({ "actions": [source] }));
    }

    fn element(&self, selector: &str) -> String {
        let found = self.post("/element", json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    fn post(&self, path: &str, body: Value) -> Value {
        self.try_post(path, body).unwrap_or_else(|error| panic!("{error}"))
    }

    fn try_post(&self, path: &str, body: Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.session);
        let sent = self.agent.post(&url).header("Content-Type", "application/json").send(body.to_string());
        let text = sent.and_then(|mut answer| answer.body_mut().with_config().limit(64 << 20).read_to_string());
        let text = text.map_err(|error| format!("{path}: {error}"))?;
        let mut answer: Value = serde_json::from_str(&text).map_err(|error| format!("{path}: {error} in {text}"))?;
        let value = answer["value"].take();
        if value["error"].is_null() {
            Ok(value)
        } else {
            Err(format!("{path} {body}: {} {}", value["error"], value["message"]))
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closes the browser; killing only the driver would leave it running.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
