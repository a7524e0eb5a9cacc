//! The service does what `/api/openapi.json` documents.

use std::{collections::BTreeMap, fs, net::SocketAddr};

use serde_json::{Value, json};

use crate::{
    http::{self, Answer, Connection, data_url, drawn, get, head, post, request, schema::Document},
    server::Service,
    support::{say, skip, trained},
};

/// Methods that are tried on every route.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];
/// Paths that do not exist.
const NOWHERE: [&str; 10] = [
    "/api",
    "/api/",
    "/api/predict/",
    "/api/predict/3",
    "/v1",
    "/v2/",
    "/v2/models/",
    "/v2/models/stack/fit",
    "/assets",
    "/index.html",
];

fn document(address: SocketAddr) -> Document {
    let answer = get(address, "/api/openapi.json");
    assert_eq!(answer.status, 200);
    Document(answer.json())
}

/// Path of the document with its parameter filled in.
fn filled(path: &str) -> String {
    let name = if path.starts_with("/assets") {
        "app.js"
    } else if path.starts_with("/report") {
        "index.html"
    } else {
        "dense"
    };
    path.replace("{name}", name).replace("{version}", "1")
}

/// Paths with the name of a model, and those of them that take a batch.
const MODEL_PATHS: [(&str, Option<()>); 6] = [
    ("/v2/models/{name}", None),
    ("/v2/models/{name}/ready", None),
    (INFER_PATHS[0], Some(())),
    ("/v2/models/{name}/versions/{version}", None),
    ("/v2/models/{name}/versions/{version}/ready", None),
    (INFER_PATHS[1], Some(())),
];
/// Paths that take a batch.
const INFER_PATHS: [&str; 2] = ["/v2/models/{name}/infer", "/v2/models/{name}/versions/{version}/infer"];

/// Request for outputs as bytes.
fn binary_batch(path: &str) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(&batch()).expect("JSON");
    body["parameters"] = json!({ "binary_data_output": true });
    request("POST", path, Some("application/json"), body.to_string().as_bytes())
}

/// Inference request with one blank image.
fn batch() -> Vec<u8> {
    json!({ "inputs": [{ "name": "images", "shape": [1, 784], "datatype": "UINT8", "data": vec![0; 784] }] })
        .to_string()
        .into_bytes()
}

/// Answers by method, path of the document and status.
#[derive(Default)]
struct Given(BTreeMap<(String, String, String), Vec<Answer>>);

impl Given {
    fn add(&mut self, method: &str, path: &str, status: u16, answer: Answer) {
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        self.0.entry((method.to_owned(), path.to_owned(), status.to_string())).or_default().push(answer);
    }
}

/// Answers to at least one request for each documented status of each route.
fn provoked() -> Given {
    let mut given = Given::default();
    ordinary(&mut given);
    without_a_report(&mut given);
    too_many(&mut given);
    too_slow(&mut given);
    if cfg!(unix) {
        stopping(&mut given);
    }
    given
}

fn ordinary(given: &mut Given) {
    let service = Service::start(&[]);
    let address = service.address();
    for path in [
        "/",
        "/metrics",
        "/api/run",
        "/api/openapi.json",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models",
        "/report/",
    ] {
        given.add("GET", path, 200, get(address, path));
    }
    for name in ["app.js", "page.css", "colours.css", "icon.svg"] {
        given.add("GET", "/assets/{name}", 200, get(address, &format!("/assets/{name}")));
    }
    let figures = fs::read_dir(trained::served_run().join("report")).expect("a report");
    let names = figures.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    for figure in names.filter(|name| name != "part.json") {
        given.add("GET", "/report/{name}", 200, get(address, &format!("/report/{figure}")));
    }
    for model in get(address, "/v2/models").json()["models"].as_array().expect("models") {
        let model = model.as_str().expect("a name");
        for (path, body) in MODEL_PATHS {
            let real = filled(&path.replace("{name}", model));
            match body {
                None => given.add("GET", path, 200, get(address, &real)),
                Some(()) => {
                    given.add("POST", path, 200, post(address, &real, "application/json", batch()));
                    given.add("POST", path, 200, http::ask(address, &binary_batch(&real)));
                }
            }
        }
    }
    for path in [
        "/assets/{name}",
        "/report/{name}",
        "/v2/models/{name}",
        "/v2/models/{name}/ready",
        "/v2/models/{name}/versions/{version}",
        "/v2/models/{name}/versions/{version}/ready",
    ] {
        for name in ["none", "%00", "..%2f..%2fCargo.toml"] {
            given.add("GET", path, 404, get(address, &filled(&path.replace("{name}", name))));
        }
        if path.contains("{version}") {
            given.add("GET", path, 404, get(address, &path.replace("{name}", "dense").replace("{version}", "2")));
        }
    }
    for path in INFER_PATHS {
        let nowhere = filled(&path.replace("{name}", "none"));
        given.add("POST", path, 404, post(address, &nowhere, "application/json", batch()));
        let encoded = format!(
            "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
            filled(path)
        );
        given.add("POST", path, 415, http::ask(address, encoded.as_bytes()));
    }
    for wrong in [&b""[..], b"{}", b"[]", b"{\"inputs\": []}"] {
        for path in INFER_PATHS {
            given.add("POST", path, 400, post(address, &filled(path), "application/json", wrong));
        }
        for path in ["/api/predict", "/api/read"] {
            given.add("POST", path, 400, post(address, path, "application/json", wrong));
        }
    }
    let white = http::file(image::GrayImage::from_pixel(40, 40, image::Luma([255])), image::ImageFormat::Png);
    for (query, kind, body) in [
        ("", "image/png", drawn(4)),
        ("?stages=true", "image/png", drawn(7)),
        ("?centre=box&ink=dark&stages=false", "application/json", data_url("image/png", &drawn(2))),
        ("", "application/json", json!({ "pixels": vec![0; 784] }).to_string().into_bytes()),
        ("?stages=true", "image/png", white),
    ] {
        given.add("POST", "/api/predict", 200, post(address, &format!("/api/predict{query}"), kind, body));
    }
    let number = http::file(http::number(&[3, 0, 7]), image::ImageFormat::Png);
    for (query, kind, body) in [
        ("", "image/png", number.clone()),
        ("?expect=3&min_confidence=0.5&ink=dark&boxes=false", "application/json", data_url("image/png", &number)),
        ("?pattern=%5Cd%7B9%7D&model=dense", "image/png", number.clone()),
        ("?min_confidence=1", "image/png", number.clone()),
        ("?boxes=true", "image/png", number.clone()),
        ("", "application/json", json!({ "pixels": vec![0; 784] }).to_string().into_bytes()),
    ] {
        given.add("POST", "/api/read", 200, post(address, &format!("/api/read{query}"), kind, body));
    }
    given.add("POST", "/api/read", 400, post(address, "/api/read?digits=3", "image/png", number.clone()));
    given.add("POST", "/api/read", 404, post(address, "/api/read?model=none", "image/png", number));
    given.add("POST", "/api/read", 415, post(address, "/api/read", "text/plain", b"three"));
    given.add("POST", "/api/predict", 400, post(address, "/api/predict?stage=true", "image/png", drawn(4)));
    given.add("POST", "/api/predict", 415, post(address, "/api/predict", "text/plain", b"three"));
    for path in ["/api/predict", "/api/read", INFER_PATHS[0], INFER_PATHS[1]] {
        let too_long = head("POST", &filled(path), Some("application/json"), http::LONGEST_BODY + 1);
        let too_long = http::ask(address, &too_long);
        given.add("POST", path, 413, too_long);
    }
    let lines = service.stop();
    assert!(!lines.iter().any(|line| line.contains("panicked")), "{lines:#?}");
}

/// A run without a report.
fn without_a_report(given: &mut Given) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    trained::copy(trained::served_run(), folder.path());
    fs::remove_dir_all(folder.path().join("report")).expect("deletes");
    let service = Service::start_on(folder.path(), &[]);
    assert_eq!(get(service.address(), "/").status, 200);
    given.add("GET", "/report/", 404, get(service.address(), "/report/"));
}

fn too_many(given: &mut Given) {
    let service = Service::start(&["--timeout", "60", "--in-flight", "1"]);
    let _working = http::a_long_batch(service.address());
    http::wait_until_working(service.address(), 1);
    for path in ["/api/predict", "/api/read"] {
        given.add("POST", path, 429, post(service.address(), path, "image/png", drawn(1)));
    }
    for path in INFER_PATHS {
        given.add("POST", path, 429, post(service.address(), &filled(path), "application/json", batch()));
    }
}

fn too_slow(given: &mut Given) {
    let service = Service::start(&["--timeout", "0.2"]);
    let (mut waiting, _) = http::half_a_picture(service.address());
    given.add("POST", "/api/predict", 408, waiting.answer(http::PATIENCE).expect("an answer"));
    for path in ["/api/read", INFER_PATHS[0], INFER_PATHS[1]] {
        let half = http::ask(service.address(), &head("POST", &filled(path), Some("application/json"), 100));
        given.add("POST", path, 408, half);
    }
}

/// Answers to requests whose head begins before the service is asked to stop and ends afterwards.
fn stopping(given: &mut Given) {
    let mut service = Service::start(&[]);
    let address = service.address();
    let mut waiting: Vec<(&str, Connection)> = Vec::new();
    for path in ["/v2/health/ready", "/v2/models/{name}/ready", "/v2/models/{name}/versions/{version}/ready"] {
        let mut connection = Connection::open(address);
        connection.send(format!("GET {} HTTP/1.1\r\n", filled(path)).as_bytes()).expect("sends");
        waiting.push((path, connection));
    }
    // Connections are accepted in order: those above are, once these are answered.
    for _ in 0..20 {
        assert_eq!(get(address, "/v2/health/ready").status, 200);
    }
    service.ask_to_stop();
    service.wait_for_line("stopping");
    for (path, mut connection) in waiting {
        connection.send(b"Host: localhost\r\n\r\n").expect("sends");
        given.add("GET", path, 503, connection.answer(http::PATIENCE).expect("an answer"));
    }
    assert!(service.wait().success());
}

/// Checks an answer against the documented response of its status.
fn check(document: &Document, response: &Value, answer: &Answer) -> Result<(), String> {
    let contents = response["content"].as_object().ok_or("no content is documented")?;
    let kind = answer.header("content-type");
    let found = contents.get(kind).or_else(|| contents.get(kind.split(';').next()?));
    let content = found.ok_or_else(|| format!("{kind} is not documented, but {:?}", contents.keys()))?;
    let body = if kind == "application/json" { answer.json() } else { Value::String(answer.text()) };
    document.check(&content["schema"], &body)
}

#[test]
fn every_documented_status_is_given_with_a_body_of_its_schema() {
    let service = Service::start(&[]);
    let document = document(service.address());
    let schemas = document.check_itself().expect("a document that is understood");
    let mut given = provoked().0;
    let (mut statuses, mut answers, mut wrong) = (0, 0, Vec::new());
    for (path, method, operation) in document.operations() {
        for (status, response) in operation["responses"].as_object().expect("responses") {
            if status == "503" && !cfg!(unix) {
                skip("503 while stopping needs SIGTERM");
                continue;
            }
            let Some(given) = given.remove(&(method.clone(), path.to_owned(), status.clone())) else {
                wrong.push(format!("{method} {path}: nothing here provokes the documented status {status}"));
                continue;
            };
            for answer in &given {
                answers += 1;
                if let Err(error) = check(&document, response, answer) {
                    wrong.push(format!("{method} {path} {status}: {error}"));
                }
            }
            statuses += 1;
        }
    }
    wrong.extend(
        given
            .into_keys()
            .map(|(method, path, status)| format!("{method} {path} gave {status}, which is not documented")),
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    say(format!(
        "contract: {answers} answers for {statuses} documented statuses agree with the document's {schemas} schemas"
    ));
}

#[test]
fn what_is_accepted_is_documented() {
    let service = Service::start(&[]);
    let document = document(service.address());
    let rows = vec![vec![7; 28]; 28];
    let images = |data: Value| json!([{ "name": "images", "shape": [1, 28, 28], "datatype": "UINT8", "data": data }]);
    let tensor = |data: Value| json!({ "inputs": images(data) });
    let outputs = json!([{ "name": "digit", "parameters": { "binary_data": true } }]);
    let parameters = json!({ "binary_data_output": false });
    let full = json!({ "id": "a", "parameters": parameters, "outputs": outputs, "inputs": images(json!(rows)) });
    for (path, body) in [
        ("/api/predict", json!({ "pixels": vec![7; 784] })),
        ("/api/predict", json!({ "pixels": rows })),
        ("/api/predict", serde_json::from_slice(&data_url("image/png", &drawn(1))).expect("JSON")),
        ("/api/read", json!({ "pixels": vec![7; 784] })),
        ("/api/read", serde_json::from_slice(&data_url("image/png", &drawn(1))).expect("JSON")),
        ("/v2/models/{name}/infer", tensor(json!(vec![7; 784]))),
        ("/v2/models/{name}/infer", tensor(json!(rows))),
        ("/v2/models/{name}/infer", full.clone()),
        ("/v2/models/{name}/versions/{version}/infer", full),
    ] {
        let answer = post(service.address(), &filled(path), "application/json", body.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        let operation = &document.0["paths"][path]["post"];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let text: String = body.to_string().chars().take(100).collect();
        assert_eq!(document.check(schema, &body), Ok(()), "{path}: {text}");
    }
}

#[test]
fn routes_are_those_of_the_document_and_methods_too() {
    let service = Service::start(&[]);
    let address = service.address();
    let document = document(address);
    let mut documented: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, method, operation) in document.operations() {
        let answer = http::ask(address, &request(&method, &filled(path), None, b""));
        assert!(operation["responses"].get(answer.status.to_string()).is_some(), "{method} {path}: {answer:?}");
        documented.entry(path).or_default().push(method);
    }
    for (path, methods) in &documented {
        let mut allowed: Vec<&str> = methods.iter().map(String::as_str).collect();
        if allowed.contains(&"GET") {
            allowed.push("HEAD");
        }
        for method in METHODS {
            let mut connection = Connection::open(address);
            connection.send(&request(method, &filled(path), None, b"")).expect("sends");
            let answer = connection.answer_to(method, http::PATIENCE).expect("an answer");
            if allowed.contains(&method) {
                assert_ne!(answer.status, 405, "{method} {path}");
                assert!(method != "HEAD" || answer.status == get(address, &filled(path)).status, "{path}: {answer:?}");
                continue;
            }
            assert_eq!(answer.status, 405, "{method} {path}: {answer:?}");
            assert!(method == "HEAD" || answer.check_error().is_ok(), "{method} {path}: {:?}", answer.check_error());
            let mut said: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
            said.sort_unstable();
            assert_eq!(said, allowed, "{method} {path}");
        }
    }
    for path in NOWHERE {
        let answer = get(address, path);
        assert_eq!((answer.status, answer.check_error()), (404, Ok(())), "{path}");
    }
}
