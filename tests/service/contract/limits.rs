//! Limits on requests in flight, body size and time.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    http::{
        self, Connection, PATIENCE, a_long_batch, drawn, get, half_a_picture, head, metric, post, request,
        wait_until_under_way, wait_until_working,
    },
    server::Service,
    support::say,
};

/// How soon a service without a free permit answers 429.
const AT_ONCE: Duration = Duration::from_millis(200);

#[test]
fn one_request_above_the_limit_is_answered_429_at_once() {
    for permits in [1, 2] {
        let service = Service::start(&["--timeout", "60", "--in-flight", &permits.to_string()]);
        let address = service.address();
        let working: Vec<Connection> = (0..permits).map(|_| a_long_batch(address)).collect();
        wait_until_working(address, permits);
        let pixels = json!({ "pixels": vec![0; 784] }).to_string();
        let mut quickest = PATIENCE;
        for _ in 0..5 {
            let begun = Instant::now();
            let answer = post(address, "/api/predict", "application/json", &pixels);
            quickest = quickest.min(begun.elapsed());
            assert_eq!((answer.status, answer.check_error()), (429, Ok(())));
            assert_eq!(answer.header("retry-after"), "1");
            assert_eq!(post(address, "/v2/models/dense/infer", "application/json", b"{}").status, 429);
            // Routes that need no permit answer.
            for path in ["/v2/health/live", "/v2/health/ready", "/metrics", "/"] {
                assert_eq!(get(address, path).status, 200, "{path}");
            }
        }
        assert!(quickest < AT_ONCE, "{quickest:?}");
        say(format!(
            "contract: {permits} in flight, the next is turned away after {:.2} ms",
            quickest.as_secs_f64() * 1e3
        ));
        assert_eq!(metric(&get(address, "/metrics").text(), "digitstack_turned_away_total"), 10.0);
        // The requests under way are answered, and then new ones are.
        for mut connection in working {
            assert_eq!(connection.answer(PATIENCE).expect("an answer").status, 200);
        }
        wait_until_working(address, 0);
        assert_eq!(post(address, "/api/predict", "image/png", drawn(3)).json()["digit"], 3);
    }
}

#[test]
fn a_permit_is_free_again_when_its_client_goes_away() {
    let service = Service::start(&["--in-flight", "1"]);
    let address = service.address();
    for _ in 0..20 {
        let (connection, _) = half_a_picture(address);
        wait_until_under_way(address, 1);
        drop(connection);
        wait_until_under_way(address, 0);
    }
    assert_eq!(post(address, "/api/predict", "image/png", drawn(3)).json()["digit"], 3);
    // A client that is gone once everything is sent is noticed, too, and its work is not done to the end.
    let connection = a_long_batch(address);
    wait_until_working(address, 1);
    connection.reset();
    wait_until_working(address, 0);
    let gone = "digitstack_requests_total{method=\"POST\",route=\"/v2/models/{name}/infer\",status=\"499\"}";
    assert_eq!(metric(&get(address, "/metrics").text(), gone), 1.0);
    assert_eq!(post(address, "/api/predict", "image/png", drawn(3)).json()["digit"], 3);
}

#[test]
fn a_body_that_never_ends_is_answered_408() {
    let service = Service::start(&["--timeout", "1"]);
    let address = service.address();
    let chunked = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n\
          Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n";
    for (name, start) in [
        ("half a picture", [&head("POST", "/api/predict", Some("image/png"), 1000)[..], &drawn(3)[..100]].concat()),
        ("a head alone", head("POST", "/v2/models/dense/infer", Some("application/json"), 10)),
        ("chunks without an end", chunked.to_vec()),
    ] {
        let begun = Instant::now();
        let answer = http::ask(address, &start);
        assert_eq!((answer.status, answer.check_error()), (408, Ok(())), "{name}");
        let seconds = begun.elapsed().as_secs_f64();
        assert!((0.9..20.0).contains(&seconds), "{name}: {seconds} s");
    }
    // A body that arrives byte by byte is given up too.
    let mut connection = Connection::open(address);
    let begun = Instant::now();
    connection.send(&head("POST", "/api/predict", Some("image/png"), 100_000)).expect("sends");
    let answer = loop {
        match connection.answer(Duration::from_millis(50)) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                // If this fails, the service has just answered.
                let _ = connection.send(b"x");
            }
            other => break other.expect("an answer"),
        }
    };
    assert_eq!((answer.status, answer.check_error()), (408, Ok(())));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(post(address, "/api/predict", "image/png", drawn(3)).json()["digit"], 3);
}

/// Sends one byte of an endless head each 100 ms until the service ends the connection.
fn drip(mut connection: Connection, mut bytes: impl Iterator<Item = u8>) -> Duration {
    let begun = Instant::now();
    loop {
        match connection.wait_for_end(Duration::from_millis(100)) {
            Ok(()) => return begun.elapsed(),
            Err(_) if begun.elapsed() > PATIENCE => return begun.elapsed(),
            Err(_) => {
                if let Some(byte) = bytes.next() {
                    // If this fails, the connection has just been closed, which the next iteration notices.
                    let _ = connection.send(&[byte]);
                }
            }
        }
    }
}

#[test]
fn a_slow_head_and_a_silent_connection_are_closed() {
    let service = Service::start(&[]);
    let address = service.address();
    let dripping = std::thread::spawn(move || {
        drip(Connection::open(address), b"GET / HTTP/1.1\r\nX: ".iter().copied().chain(std::iter::repeat(b'x')))
    });
    let silent = std::thread::spawn(move || drip(Connection::open(address), std::iter::empty()));
    let second = std::thread::spawn(move || {
        let mut connection = Connection::open(address);
        connection.send(&request("GET", "/v2", None, b"")).expect("sends");
        assert_eq!(connection.answer(PATIENCE).expect("an answer").status, 200);
        drip(connection, b"GET /v2 HT".iter().copied())
    });
    for (name, thread) in
        [("a head that drips", dripping), ("nothing at all", silent), ("half a second request", second)]
    {
        let seconds = thread.join().expect("no panic").as_secs_f64();
        assert!((9.0..30.0).contains(&seconds), "{name} was borne with for {seconds} s");
    }
    assert_eq!(get(address, "/v2").status, 200);
}
