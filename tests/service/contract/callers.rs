//! Other callers than the page: web pages of other origins, and programs with keys.

use std::{fs, net::SocketAddr, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{
    http::{Answer, Connection, PATIENCE, ask, drawn, get, request},
    server::Service,
    support::program::{ends, program},
};

const KEYS: [&str; 2] = ["first-key-of-the-file", "second-key-of-the-file"];

/// Sends a request with further headers.
fn with(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut connection = Connection::open(address);
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    connection.send(head.as_bytes()).expect("sends");
    connection.answer_to(method, PATIENCE).expect("an answer")
}

fn preflight(address: SocketAddr, path: &str, origin: &str) -> Answer {
    let asked = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,content-type,x-api-key"),
    ];
    with(address, "OPTIONS", path, &asked)
}

/// File with the keys, which only its owner may read.
fn key_file(folder: &Path) -> String {
    let path = folder.join("keys");
    fs::write(&path, format!("# keys of the tests\n{}\n\n{}\n", KEYS[0], KEYS[1])).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn pages_of_named_origins_may_ask_and_read_answers_and_others_may_not() {
    let service = Service::start(&["--allow-origin", "https://one.example,http://localhost:5173"]);
    let address = service.address();
    for origin in ["https://one.example", "http://localhost:5173"] {
        let answer = preflight(address, "/api/predict", origin);
        assert!((200..300).contains(&answer.status) && answer.body.is_empty(), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert!(answer.header("access-control-allow-methods").contains("POST"), "{answer:?}");
        for name in
            ["authorization", "x-api-key", "content-type", "content-encoding", "inference-header-content-length"]
        {
            assert!(answer.header("access-control-allow-headers").contains(name), "{name}: {answer:?}");
        }
        assert!(answer.header("vary").to_ascii_lowercase().contains("origin"), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "browsers send no credentials of their own");
        assert_eq!(answer.check_security(), Ok(()));
        // Errors are read, too.
        for (path, status) in [("/v2", 200), ("/nowhere", 404)] {
            let answer = with(address, "GET", path, &[("Origin", origin)]);
            assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, origin), "{answer:?}");
            assert!(answer.header("access-control-expose-headers").contains("retry-after"), "{answer:?}");
        }
    }
    for origin in ["https://evil.example", "http://one.example", "https://one.example:8443", "null"] {
        assert_eq!(preflight(address, "/api/predict", origin).header("access-control-allow-origin"), "", "{origin}");
        let answer = with(address, "GET", "/v2", &[("Origin", origin)]);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, ""), "{origin}");
    }
}

#[test]
fn any_page_is_allowed_by_a_star_and_none_without_the_option() {
    let service = Service::start(&["--allow-origin", "*"]);
    assert_eq!(
        preflight(service.address(), "/api/predict", "https://any.example").header("access-control-allow-origin"),
        "*"
    );
    let service = Service::start(&[]);
    let answer = preflight(service.address(), "/api/predict", "https://any.example");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (405, ""));
    let said = ends(&["serve", "no-run", "--allow-origin", "https://one.example/page"], 2);
    assert!(said.contains("https://one.example/page") && said.contains("no path"), "{said}");
}

#[test]
fn with_keys_every_route_but_the_health_checks_and_the_document_asks_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let service =
        Service::start(&["--api-key-file", &key_file(folder.path()), "--allow-origin", "https://one.example"]);
    let address = service.address();
    let open = ["/v2/health/live", "/v2/health/ready", "/api/openapi.json"];
    let document: Value = get(address, "/api/openapi.json").json();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let real = path.replace("{name}", "dense").replace("{version}", "1");
            let answer = ask(address, &request(&method.to_uppercase(), &real, None, b""));
            let is_open = open.contains(&path.as_str());
            assert_eq!(answer.status == 401, !is_open, "{method} {path}: {answer:?}");
            assert_eq!(operation["security"].as_array().map_or(0, Vec::len), if is_open { 0 } else { 3 }, "{path}");
            assert_eq!(operation["responses"].get("401").is_some(), !is_open, "{path}");
            if !is_open {
                assert_eq!(answer.check_error(), Ok(()), "{path}");
                assert!(answer.text().contains("Authorization: Bearer KEY"), "{}", answer.text());
            }
        }
    }
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    assert!(["bearer", "basic", "header"].iter().all(|name| schemes.contains_key(*name)), "{schemes:?}");
    // What does not exist is not told apart from what does.
    assert_eq!(get(address, "/nowhere").status, 401);

    let basic = |key: &str| format!("Basic {}", STANDARD.encode(format!("anybody:{key}")));
    for key in KEYS {
        let bearer = format!("Bearer {key}");
        for header in [("Authorization", bearer.as_str()), ("Authorization", &basic(key)), ("X-API-Key", key)] {
            for path in ["/", "/v2", "/api/run", "/metrics", "/report/", "/assets/app.js"] {
                assert_eq!(with(address, "GET", path, &[header]).status, 200, "{header:?} {path}");
            }
        }
    }
    for header in [
        ("Authorization", "Bearer first-key-of-the-fil"),
        ("Authorization", "Bearer # keys of the tests"),
        ("Authorization", "Bearer"),
        ("Authorization", "first-key-of-the-file"),
        ("X-API-Key", "FIRST-KEY-OF-THE-FILE"),
        ("X-API-Key", ""),
    ] {
        let answer = with(address, "GET", "/v2", &[header]);
        assert_eq!((answer.status, answer.check_error()), (401, Ok(())), "{header:?}");
        let challenges: Vec<&str> = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "www-authenticate")
            .filter_map(|(_, value)| value.split(' ').next())
            .collect();
        assert_eq!(challenges, ["Bearer", "Basic"]);
    }
    // A browser sends no key with its preflight request, and the page reads the refusal.
    assert!(preflight(address, "/api/predict", "https://one.example").status < 300);
    let refused = with(address, "GET", "/v2", &[("Origin", "https://one.example")]);
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, "https://one.example"));

    let picture = drawn(4);
    let head = format!(
        "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {}\r\nContent-Length: {}\r\n\r\n",
        KEYS[1],
        picture.len()
    );
    assert_eq!(ask(address, &[head.as_bytes(), &picture].concat()).status, 200);
    let lines = service.stop();
    assert!(!lines.iter().any(|line| line.contains("of-the-file") || line.contains("warning")), "{lines:#?}");
}

#[test]
fn wrong_files_of_keys_are_errors_and_readable_ones_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let name = path.to_str().unwrap();
    assert!(ends(&["serve", "no-run", "--api-key-file", name], 2).contains("cannot be read"));
    for (text, words) in [("", "no key"), ("# a note\n", "no key"), ("\nshort\n", ":2: the key has 5 characters")] {
        fs::write(&path, text).unwrap();
        let said = ends(&["serve", "no-run", "--api-key-file", name], 2);
        assert!(said.contains(name) && said.contains(words) && !said.contains("short"), "{said}");
    }
    #[cfg(unix)]
    {
        fs::write(&path, KEYS[0]).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let service = Service::start(&["--api-key-file", name]);
        assert!(service.wait_for_line("every user of this machine can read the keys").contains("chmod 600"));
    }
}

#[test]
fn options_of_the_service_are_taken_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start_with(
        program()
            .env("DIGITSTACK_SERVE_API_KEY_FILE", key_file(folder.path()))
            .env("DIGITSTACK_SERVE_ALLOW_ORIGIN", "https://one.example,https://two.example")
            .env("DIGITSTACK_SERVE_PORT", "1")
            .env("DIGITSTACK_SERVE_TIMEOUT", ""),
        crate::support::trained::served_run(),
        &[],
    );
    let address = service.address();
    assert_ne!(address.port(), 1, "the command line goes before the environment");
    let answer = with(address, "GET", "/v2", &[("Origin", "https://two.example")]);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (401, "https://two.example"));
}
