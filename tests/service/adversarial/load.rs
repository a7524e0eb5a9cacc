//! Memory after very many requests, good and bad.

use std::{
    fs, io,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use image::ImageFormat;
use serde_json::json;

use crate::{
    http::{Connection, PATIENCE, data_url, drawn, file, get, metric, number, post, request},
    server::Service,
    support::{say, skip},
};

/// Number of requests, unless `DIGITSTACK_REQUESTS` sets another.
const REQUESTS: usize = 20_000;
/// Requests before memory is measured first.
const WARM_UP: usize = 4_000;
/// Concurrent connections.
const CONNECTIONS: usize = 4;
/// Growth of memory that is allowed: a fraction, or bytes if that is more.
const GROWTH: (f64, f64) = (0.1, 20.0 * 1048576.0);

/// Line of `/proc/PID/status` in bytes, where there is one: `VmRSS`, resident memory, or `VmHWM`, its peak.
pub fn memory(process: u32, line: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':'))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? * 1024.0)
}

/// Bytes to send, and the status of the answer; none if the client disconnects before it.
type Mix = Vec<(Vec<u8>, Option<u16>)>;

/// Good and bad requests and clients that disconnect, each with its frequency.
fn mix() -> Mix {
    let json = "application/json";
    let pixels = |level: u8| json!({ "pixels": vec![level; 784] }).to_string().into_bytes();
    let tensor =
        json!({ "inputs": [{ "name": "images", "shape": [3, 784], "datatype": "UINT8", "data": vec![9; 3 * 784] }] })
            .to_string();
    let predict = |kind: &str, body: &[u8]| request("POST", "/api/predict", Some(kind), body);
    let (png, number) = (drawn(3), file(number(&[3, 7]), ImageFormat::Png));
    let long = vec![b' '; 300_000];
    let kinds: [(usize, Vec<u8>, Option<u16>); 21] = [
        (12, request("GET", "/v2/health/live", None, b""), Some(200)),
        (6, request("GET", "/v2/models", None, b""), Some(200)),
        (6, request("GET", "/", None, b""), Some(200)),
        (6, request("GET", "/assets/app.js", None, b""), Some(200)),
        (1, request("GET", "/metrics", None, b""), Some(200)),
        (6, predict(json, &pixels(40)), Some(200)),
        (2, predict("image/png", &png), Some(200)),
        (1, request("POST", "/api/predict?stages=true", Some(json), &data_url("image/png", &png)), Some(200)),
        (1, request("POST", "/api/read", Some("image/png"), &number), Some(200)),
        (1, request("POST", "/api/read?expect=0", Some("image/png"), &number), Some(400)),
        (1, request("POST", "/v2/models/dense/infer", Some(json), tensor.as_bytes()), Some(200)),
        (12, request("GET", "/nowhere/%00/../..", None, b""), Some(404)),
        (6, request("DELETE", "/v2", None, b""), Some(405)),
        (6, predict(json, b"{\"pixels\": [1, 2"), Some(400)),
        (6, predict(json, &"[".repeat(5000).into_bytes()), Some(400)),
        (6, predict("image/png", &png[..png.len() / 2]), Some(400)),
        (6, predict("text/plain", b"three"), Some(415)),
        (6, request("POST", "/v2/models/none/infer", Some(json), b"{}"), Some(404)),
        (2, predict(json, &long), Some(400)),
        (2, b"no HTTP\r\n\r\n".to_vec(), None),
        (2, predict("image/png", &png)[..200].to_vec(), None),
    ];
    let mut mix: Mix =
        kinds.into_iter().flat_map(|(often, bytes, status)| std::iter::repeat_n((bytes, status), often)).collect();
    // A fixed mixed order: 41 has no divisor in common with the number of requests.
    assert!(!mix.len().is_multiple_of(41));
    mix = (0..mix.len()).map(|index| mix[index * 41 % mix.len()].clone()).collect();
    mix
}

/// Sends `count` requests over several connections, which stay open as long as the service lets them.
fn send(address: SocketAddr, mix: &Mix, count: usize) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut open = None;
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    let (bytes, expected) = &mix[index % mix.len()];
                    open = match one(open, address, bytes, *expected) {
                        Ok(open) => open,
                        Err(error) => panic!("request {index}, expected {expected:?}: {error}"),
                    };
                }
            });
        }
    });
}

/// Sends one request and returns the connection, if it may be used again.
fn one(
    open: Option<Connection>,
    address: SocketAddr,
    bytes: &[u8],
    expected: Option<u16>,
) -> io::Result<Option<Connection>> {
    let Some(expected) = expected else {
        Connection::open(address).send(bytes)?;
        return Ok(open);
    };
    let mut connection = open.unwrap_or_else(|| Connection::open(address));
    connection.send(bytes)?;
    let answer = connection.answer(PATIENCE)?;
    if answer.status != expected {
        return Err(io::Error::other(format!("{answer:?}")));
    }
    Ok((answer.header("connection") != "close").then_some(connection))
}

#[test]
fn memory_does_not_grow_under_many_good_and_bad_requests() {
    let wanted =
        std::env::var("DIGITSTACK_REQUESTS").ok().map(|text| text.parse().expect("DIGITSTACK_REQUESTS is a number"));
    let requests = wanted.unwrap_or(REQUESTS).max(2 * WARM_UP);
    let mut service = Service::start(&[]);
    let (address, mix) = (service.address(), mix());
    let begun = Instant::now();
    send(address, &mix, WARM_UP);
    let before = memory(service.process(), "VmRSS");
    send(address, &mix, requests - WARM_UP);
    let seconds = begun.elapsed().as_secs_f64();
    let after = memory(service.process(), "VmRSS");
    assert!(!service.has_ended());
    assert_eq!(post(address, "/api/predict", "image/png", drawn(3)).json()["digit"], 3);
    let metrics = get(address, "/metrics").text();
    assert_eq!(metric(&metrics, "digitstack_turned_away_total"), 0.0);
    let answered: f64 = metrics
        .lines()
        .filter(|line| line.starts_with("digitstack_requests_total{"))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum();
    assert!(answered >= 0.97 * requests as f64 - 1.0, "{answered} of {requests} requests reached a route");
    let lines = service.stop();
    assert!(!lines.iter().any(|line| line.contains("panicked") || line.contains(" failed: ")));
    let (Some(before), Some(after)) = (before, after) else {
        return skip(format!("memory after {requests} requests in {seconds:.0} s: there is no /proc here"));
    };
    let mib = |bytes: f64| bytes / 1048576.0;
    say(format!(
        "adversarial: {requests} requests in {seconds:.0} s; memory {:.1} MiB after {WARM_UP}, {:.1} MiB after all",
        mib(before),
        mib(after)
    ));
    let (share, bytes) = GROWTH;
    assert!(after - before <= bytes.max(share * before), "from {:.1} to {:.1} MiB", mib(before), mib(after));
}
