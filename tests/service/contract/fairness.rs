//! Slow clients, many of them, and a log that nobody reads keep nobody else from an answer.

use std::{
    io::Read,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    adversarial::memory,
    http::{
        Connection, LONGEST_BODY, PATIENCE, ask, drawn, get, head, metric, png, post, request, wait_until_under_way,
    },
    server::Service,
    support::{program::program, say, skip, trained::served_run},
};

/// Connections that the service keeps open at most.
const CONNECTIONS: usize = 1024;
/// Longest time for an answer beside slow clients, on a machine that is busy with other tests. Without fairness it would
/// be the ten seconds after which a slow client is given up.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn a_client_that_has_closed_its_side_gets_its_answer() {
    let service = Service::start(&[]);
    for (path, body) in [("/api/predict", drawn(3)), ("/v2", Vec::new())] {
        let bytes = if body.is_empty() {
            request("GET", path, None, b"")
        } else {
            request("POST", path, Some("image/png"), &body)
        };
        for _ in 0..20 {
            let mut connection = Connection::open(service.address());
            connection.send(&bytes).expect("sends");
            connection.end();
            assert_eq!(connection.answer(PATIENCE).expect("an answer").status, 200, "{path}");
            connection.wait_for_end(PATIENCE).expect("it was the last request");
        }
    }
}

#[test]
fn slow_bodies_take_no_permits() {
    let service = Service::start(&["--in-flight", "4"]);
    let address = service.address();
    let slow: Vec<Connection> = (0..200)
        .map(|_| {
            let mut connection = Connection::open(address);
            connection
                .send(&[&head("POST", "/api/predict", Some("image/png"), 100)[..], b"x"].concat())
                .expect("sends");
            connection
        })
        .collect();
    wait_until_under_way(address, slow.len());
    let begun = Instant::now();
    for _ in 0..10 {
        assert_eq!(post(address, "/api/predict", "image/png", drawn(3)).status, 200);
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[test]
fn slow_heads_and_bodies_take_no_places_from_quick_clients() {
    let service = Service::start(&["--timeout", "60"]);
    let address = service.address();
    let started = Instant::now();
    let mut slow: Vec<Connection> = Vec::new();
    for index in 0..CONNECTIONS + 100 {
        let mut connection = Connection::open(address);
        let part = head("POST", "/api/predict", Some("image/png"), 1000);
        // Half of them stop in the middle of the head, the others before the body.
        let part = if index % 2 == 0 { &part[..40] } else { &part[..] };
        let _ = connection.send(part);
        slow.push(connection);
    }
    let (begun, mut slowest) = (Instant::now(), Duration::ZERO);
    for index in 0..50 {
        let asked = Instant::now();
        // Each on a new connection.
        let answer =
            if index % 2 == 0 { get(address, "/v2") } else { post(address, "/api/predict", "image/png", drawn(3)) };
        assert_eq!(answer.status, 200, "{answer:?}");
        slowest = slowest.max(asked.elapsed());
    }
    say(format!(
        "contract: {} slow clients within {:.1} s; beside them 50 requests take {:.2} s, the slowest {:.3} s",
        slow.len(),
        (begun - started).as_secs_f64(),
        begun.elapsed().as_secs_f64(),
        slowest.as_secs_f64()
    ));
    assert!(slowest < SOON, "{slowest:?}");
    // Those that came first have made room, and are told so.
    let answer = slow[0].answer(PATIENCE).expect("an answer");
    assert_eq!((answer.status, answer.check_error()), (408, Ok(())));
    service.wait_for_access(|access| access["method"].is_null() && access["status"] == 408);
}

#[test]
fn slow_large_bodies_take_no_memory_from_quick_ones() {
    let service = Service::start(&["--timeout", "60"]);
    let address = service.address();
    let mut slow: Vec<Connection> = Vec::new();
    // One more than there is memory for.
    for _ in 0..9 {
        let mut connection = Connection::open(address);
        connection.send(&head("POST", "/api/predict", Some("image/png"), LONGEST_BODY)).expect("sends");
        connection.send(&vec![0; LONGEST_BODY - 1]).expect("sends");
        slow.push(connection);
    }
    // The first of them have to give the memory that is needed next.
    let begun = Instant::now();
    let answer = post(address, "/api/predict", "image/png", vec![7; 2 << 20]);
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(slow[0].answer(PATIENCE).expect("an answer").status, 408);
}

#[test]
fn bytes_that_are_no_request_are_answered_and_logged() {
    let service = Service::start(&[]);
    let long = format!("GET /v2 HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "a".repeat(100_000));
    for (bytes, status) in [(b"no HTTP\r\n\r\n".as_slice(), 400), (long.as_bytes(), 431)] {
        let answer = ask(service.address(), bytes);
        assert_eq!((answer.status, answer.check_error()), (status, Ok(())));
        assert_eq!(answer.header("connection"), "close");
        let access = service.wait_for_access(|access| access["status"] == status);
        assert!(access["method"].is_null() && access["path"].is_null(), "{access}");
        assert!(access["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1:")), "{access}");
        assert!(access["error"].as_str().is_some_and(|error| error.len() > 10), "{access}");
    }
    let metrics = get(service.address(), "/metrics").text();
    let counted = "digitstack_requests_total{method=\"other\",route=\"none\",status=\"431\"}";
    assert_eq!(metric(&metrics, counted), 1.0);
}

#[cfg(unix)]
#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let mut child = program()
        .args(["serve", "--port", "0", "--json"])
        .arg(served_run())
        .stdout(Stdio::piped())
        // Nothing is ever read from it.
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let stdout = child.stdout.take().expect("piped");
    let said = serde_json::Deserializer::from_reader(stdout).into_iter::<Value>().next();
    let url = said.expect("a line").expect("JSON")["url"].as_str().expect("a URL").to_owned();
    let address = url.trim_start_matches("http://").trim_end_matches('/').parse().expect("an address");
    let mut connection = Connection::open(address);
    for index in 0..10_000 {
        connection.send(&request("GET", "/v2/health/live", None, b"")).expect("sends");
        assert_eq!(connection.answer(PATIENCE).expect("an answer").status, 200, "request {index}");
    }
    drop(connection);
    let dropped = metric(&get(address, "/metrics").text(), "digitstack_dropped_log_lines_total");
    assert!(dropped > 1000.0, "{dropped} lines were dropped");
    let asked = Instant::now();
    let kill = std::process::Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status();
    assert!(kill.is_ok_and(|status| status.success()));
    while child.try_wait().expect("a status").is_none() {
        if asked.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut log = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut log).expect("UTF-8");
    assert!(log.lines().count() > 100, "{log}");
    assert!(child.wait().expect("it ended").success());
}

#[test]
fn large_pictures_that_arrive_together_take_the_memory_of_few() {
    let service = Service::start(&["--timeout", "600"]);
    let address = service.address();
    let largest = request("POST", "/api/predict", Some("image/png"), &png::blank(4096, 4096, 16, 6, 8));
    let begun = Instant::now();
    let waiting: Vec<Connection> = (0..24)
        .map(|_| {
            let mut connection = Connection::open(address);
            connection.send(&largest).expect("sends");
            connection
        })
        .collect();
    // Small pictures pass them.
    let asked = Instant::now();
    assert_eq!(post(address, "/api/predict", "image/png", drawn(3)).json()["digit"], 3);
    let passed = asked.elapsed();
    for mut connection in waiting {
        assert_eq!(connection.answer(Duration::from_secs(600)).expect("an answer").status, 200);
    }
    let Some(peak) = memory(service.process(), "VmHWM") else {
        return skip("memory at its peak: there is no /proc here");
    };
    say(format!(
        "contract: 24 pictures of 4096² with 16 bits in {:.1} s, a small one among them in {:.2} s; memory at its peak: \
         {:.0} MiB",
        begun.elapsed().as_secs_f64(),
        passed.as_secs_f64(),
        peak / 1048576.0
    ));
    assert!(peak < 450.0 * 1048576.0, "{peak} bytes");
}
