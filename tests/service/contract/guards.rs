//! Middleware of every request: the check of the host, headers, counters, the access log.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    http::{Answer, Connection, LONGEST_BODY, PATIENCE, ask, drawn, get, head, metric, post, request},
    server::Service,
};

fn with_headers(method: &str, path: &str, headers: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\n{headers}\r\n").into_bytes()
}

#[test]
fn a_loopback_service_answers_only_to_names_of_this_machine() {
    let service = Service::start(&[]);
    let port = service.address().port();
    let with_host = |path: &str, host: &str| ask(service.address(), &with_headers("GET", path, host));
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.0.0.1:PORT", "localhost:PORT", "[::1]:PORT", "127.1.2.3"] {
        let host = host.replace("PORT", &port.to_string());
        assert_eq!(with_host("/v2", &format!("Host: {host}\r\n")).status, 200, "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:PORT",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1:PORT",
        "",
        "[::2]",
        "localhost@evil.example",
        "ü",
    ] {
        let host = host.replace("PORT", &port.to_string());
        for path in ["/", "/v2", "/api/run", "/metrics", "/nowhere"] {
            let answer = with_host(path, &format!("Host: {host}\r\n"));
            assert_eq!((answer.status, answer.check_error()), (403, Ok(())), "{host} {path}");
        }
    }
    for wrong in ["", "Host: localhost\r\nHost: localhost\r\n", "Host: localhost\r\nHost: evil.example\r\n"] {
        let answer = with_host("/v2", wrong);
        assert_eq!((answer.status, answer.check_error()), (400, Ok(())), "{wrong:?}");
    }
}

#[test]
fn elsewhere_a_service_answers_to_addresses_and_to_the_names_of_its_list() {
    let service =
        Service::start(&["--host", "0.0.0.0", "--allow-host", "digits.example", "--allow-host", "Also.example"]);
    let address = (std::net::Ipv4Addr::LOCALHOST, service.address().port()).into();
    let with_host = |host: &str| ask(address, &with_headers("GET", "/v2", &format!("Host: {host}\r\n")));
    for host in ["digits.example", "DIGITS.example:443", "also.example", "localhost", "192.0.2.1:8028", "[2001:db8::1]"]
    {
        assert_eq!(with_host(host).status, 200, "{host}");
    }
    for host in ["evil.example", "digits.example.evil.example", "a.digits.example", "digits.example, also.example"] {
        let answer = with_host(host);
        assert_eq!((answer.status, answer.check_error()), (403, Ok(())), "{host}");
        assert!(
            answer.text().contains("--allow-host") && answer.text().contains("digits.example"),
            "{}",
            answer.text()
        );
    }
    let local = Service::start(&["--allow-host", "digits.example"]);
    let behind_a_proxy = with_headers("GET", "/v2", "Host: digits.example\r\n");
    assert_eq!(ask(local.address(), &behind_a_proxy).status, 200);
}

/// Answers with every status that can be provoked quickly.
fn answers(service: &Service) -> Vec<Answer> {
    let address = service.address();
    let mut answers: Vec<Answer> = [
        "/",
        "/v2",
        "/metrics",
        "/report/",
        "/api/run",
        "/api/openapi.json",
        "/assets/app.js",
        "/v2/models/none",
        "/nowhere",
    ]
    .iter()
    .map(|path| get(address, path))
    .collect();
    answers.push(post(address, "/api/predict", "image/png", drawn(3)));
    answers.push(post(address, "/api/predict", "image/png", b"none"));
    answers.push(post(address, "/api/predict", "text/plain", b"none"));
    answers.push(post(address, "/v2", "text/plain", b"none"));
    answers.push(ask(address, &head("POST", "/api/predict", Some("image/png"), LONGEST_BODY + 1)));
    answers.push(ask(address, &with_headers("GET", "/", "Host: evil.example\r\n")));
    answers
}

#[test]
fn every_answer_tells_the_browser_what_it_may_do() {
    let service = Service::start(&[]);
    let answers = answers(&service);
    for answer in &answers {
        assert_eq!(answer.check_security(), Ok(()));
        assert!(answer.status < 400 || answer.check_error().is_ok(), "{:?}", answer.check_error());
        assert_eq!(answer.header("access-control-allow-origin"), "", "no page from elsewhere may read this");
    }
    for status in [200, 400, 403, 404, 405, 413, 415] {
        assert!(answers.iter().any(|answer| answer.status == status), "{status}");
    }
    let policy = get(service.address(), "/").header("content-security-policy").to_owned();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    let report = get(service.address(), "/report/").header("content-security-policy").to_owned();
    assert!(!report.contains("script-src"), "the report has no scripts: {report}");
}

/// Samples by name and labels; panics unless the text is in Prometheus' format.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let (mut kinds, mut samples) = (BTreeMap::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(about) = line.strip_prefix("# ") {
            let mut words = about.splitn(3, ' ');
            match (words.next(), words.next(), words.next()) {
                (Some("HELP"), Some(_), Some(help)) => assert!(!help.is_empty(), "{line}"),
                (Some("TYPE"), Some(name), Some(kind @ ("counter" | "gauge" | "histogram"))) => {
                    assert!(kinds.insert(name.to_owned(), kind).is_none(), "{line}");
                }
                _ => panic!("{line}"),
            }
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        let name = sample.split('{').next().expect("a name");
        let plain = |name: &str| {
            ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()
        };
        assert!(kinds.contains_key(name) || kinds.get(&plain(name)) == Some(&"histogram"), "{line} has no type");
        assert!(
            name.starts_with("digitstack_") && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
            "{line}"
        );
        assert!(sample == name || sample.ends_with("\"}"), "{line}");
        assert!(value >= 0.0, "{line}");
        assert!(samples.insert(sample.to_owned(), value).is_none(), "twice: {line}");
    }
    samples
}

#[test]
fn metrics_are_prometheus_text_and_move_by_what_is_sent() {
    let service = Service::start(&[]);
    let address = service.address();
    let counted = || samples(&get(address, "/metrics").text());
    let before = counted();
    for _ in 0..3 {
        assert_eq!(post(address, "/api/predict", "image/png", drawn(3)).status, 200);
    }
    assert_eq!(post(address, "/api/predict", "image/png", b"none").status, 400);
    let blank = crate::http::file(image::GrayImage::from_pixel(30, 30, image::Luma([9])), image::ImageFormat::Png);
    assert_eq!(post(address, "/api/predict", "image/png", blank).status, 200);
    assert_eq!(get(address, "/nowhere").status, 404);
    assert_eq!(get(address, "/elsewhere").status, 404);
    assert_eq!(ask(address, &request("BREW", "/v2", None, b"")).status, 405);
    assert_eq!(ask(address, &request("STIR", "/v2", None, b"")).status, 405);
    assert_eq!(get(address, "/v2/models/none").status, 404);
    let after = counted();
    let moved = |sample: &str| after.get(sample).unwrap_or(&0.0) - before.get(sample).unwrap_or(&0.0);
    let requests = |route: &str, method: &str, status: u16| {
        moved(&format!("digitstack_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}"))
    };
    for (sample, expected) in [
        (requests("/api/predict", "POST", 200), 4.0),
        (requests("/api/predict", "POST", 400), 1.0),
        (requests("none", "GET", 404), 2.0),
        (requests("/v2", "other", 405), 2.0),
        (requests("/v2/models/{name}", "GET", 404), 1.0),
        (requests("/metrics", "GET", 200), 1.0),
        (moved("digitstack_digits_total"), 3.0),
        (moved("digitstack_refusals_total{reason=\"blank\"}"), 1.0),
        (moved("digitstack_reading_seconds_count"), 4.0),
        (moved("digitstack_request_seconds_count{route=\"/api/predict\"}"), 5.0),
        (moved("digitstack_request_seconds_bucket{route=\"/api/predict\",le=\"+Inf\"}"), 5.0),
        (moved("digitstack_turned_away_total"), 0.0),
        (after["digitstack_in_flight"], 1.0),
    ] {
        assert_eq!(sample, expected, "{after:#?}");
    }
    let ends = after.iter().filter(|(sample, _)| sample.starts_with("digitstack_reading_seconds_bucket"));
    assert!(ends.clone().count() > 5 && ends.clone().all(|(_, value)| *value <= 4.0), "{after:#?}");
    // Invented names create no time series.
    assert_eq!(counted().len(), after.len(), "the series are those of the routes and statuses");
}

#[test]
fn the_access_log_has_one_line_for_each_request() {
    let service = Service::start(&[]);
    let address = service.address();
    let mut expected: Vec<Value> = Vec::new();
    let mut connection = Connection::open(address);
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", "/v2/models/none?query=1", 404),
        ("GET", "/a%22b\"c", 404),
        ("POST", "/v2", 405),
        ("HEAD", "/v2", 200),
        ("POST", "/api/predict", 400),
        ("GET", "/v2", 200),
    ] {
        let agent = format!("test/{}", expected.len());
        connection
            .send(&with_headers(method, path, &format!("Host: localhost\r\nUser-Agent: {agent}\r\n")))
            .expect("sends");
        assert_eq!(connection.answer_to(method, PATIENCE).expect("an answer").status, status, "{method} {path}");
        expected.push(json!([agent, method, path.split('?').next(), status]));
    }
    service.wait_for_access(|access| access["agent"] == format!("test/{}", expected.len() - 1));
    let accesses = service.accesses();
    let told: Vec<Value> =
        accesses.iter().map(|line| json!([line["agent"], line["method"], line["path"], line["status"]])).collect();
    assert_eq!(told, expected);
    for access in accesses {
        assert!(access["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1:")), "{access}");
        assert!(access["time"].as_str().is_some_and(|time| time.starts_with("20") && time.contains('T')), "{access}");
        assert!(access["milliseconds"].as_f64().is_some_and(|time| (0.0..10_000.0).contains(&time)), "{access}");
        assert!(access["sent"].is_u64(), "{access}");
    }
}

#[test]
fn what_a_request_says_of_itself_cannot_forge_a_line() {
    let service = Service::start(&[]);
    let path = "/%0a%7b%22status%22:200%7d";
    let forged = with_headers("GET", path, "Host: localhost\r\nUser-Agent: \"}\t{\"status\":200}\r\n");
    assert_eq!(ask(service.address(), &forged).status, 404);
    let access = service.wait_for_access(|access| access["path"] == path);
    assert_eq!(access["status"], 404);
    assert_eq!(service.accesses().len(), 1, "{:#?}", service.log());
    assert_eq!(metric(&get(service.address(), "/metrics").text(), "digitstack_digits_total"), 0.0);
}
