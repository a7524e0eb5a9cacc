//! Paths, queries and methods that do not exist.

use super::{Case, Expected};
use crate::http::{drawn, request};

/// Names that lead out of a folder or are invalid.
const NAMES: [&str; 26] = [
    "..",
    "..%2f",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%2f..%2fetc%2fpasswd",
    "..%5c..%5cwindows%5cwin.ini",
    "..%252f..%252fetc%252fpasswd",
    "%00",
    "app.js%00.png",
    "%ff",
    "%c0%ae%c0%ae%2fetc%2fpasswd",
    "%ed%a0%80",
    "%e2%80%ae",
    "%",
    "%2",
    "%zz",
    "%0d%0aSet-Cookie:%20a=b",
    "CON",
    "manifest.json",
    "config.toml",
    "index.html.",
    "INDEX.HTML",
    "~root",
    "$(id)",
    "%F0%9F%96%BC",
    "'%20OR%201=1--",
];

/// Routes with a name in them.
const ROUTES: [(&str, &str); 8] = [
    ("GET", "/assets/NAME"),
    ("GET", "/report/NAME"),
    ("GET", "/v2/models/NAME"),
    ("GET", "/v2/models/NAME/ready"),
    ("POST", "/v2/models/NAME/infer"),
    ("GET", "/v2/models/dense/versions/NAME"),
    ("GET", "/v2/models/NAME/versions/1/ready"),
    ("POST", "/v2/models/dense/versions/NAME/infer"),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (method, route) in ROUTES {
        for name in NAMES {
            let path = route.replace("NAME", name);
            cases.push(Case::new(format!("{method} {path}"), request(method, &path, None, b""), Expected::Error(404)));
        }
        for length in [300, 8000] {
            let path = route.replace("NAME", &"n".repeat(length));
            cases.push(Case::new(
                format!("{method} {route} with a name of {length}"),
                request(method, &path, None, b""),
                Expected::Error(404),
            ));
        }
    }
    for path in [
        "/../../etc/passwd",
        "/assets/../../../etc/passwd",
        "/assets/..;/app.js",
        "/report/../manifest.json",
        "/v2/models/../../api/run/none",
        "//",
        "//evil.example/assets/app.js",
        "/./",
        "/assets/",
        "/assets//",
        "/assets/app.js/",
        "/assets/page/app.js",
        "/v2/models/dense/versions/1/fit",
        "/v2/models//ready",
        "/api/predict/%00",
        "/API/PREDICT",
        "/api%2frun",
        "/%61pi/ru%6e",
        "/.git/config",
        "/.env",
        "/wp-login.php",
        "/favicon.ico",
        "/robots.txt",
        "/server-status",
        "/%",
        "/%ff%fe",
        "/{name}",
        "/assets/{name}/x",
        "/\u{fc}",
        "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z",
    ] {
        cases.push(Case::new(format!("GET {path}"), request("GET", path, None, b""), Expected::Error(404)));
    }
    cases.push(Case::new(
        "a path of 10,000 slashes",
        request("GET", &"/".repeat(10_000), None, b""),
        Expected::Error(404),
    ));
    cases.push(Case::new(
        "a path of 12,000 escapes",
        request("GET", &format!("/{}", "%41".repeat(4000)), None, b""),
        Expected::Error(404),
    ));
    cases.extend(queries());
    cases.extend(methods());
    cases
}

fn queries() -> Vec<Case> {
    let long = format!("stages={}", "t".repeat(10_000));
    let many: String = (0..1000).map(|index| format!("a{index}=1&")).collect();
    let queries = [
        "stage=true",
        "stages",
        "stages=",
        "stages=1",
        "stages=TRUE",
        "stages=yes",
        "stages=true&stages=true",
        "stages[]=true",
        "centre=",
        "centre=middle",
        "centre=Mass",
        "centre=mass&centre=box",
        "ink=blue",
        "ink=dark,light",
        "ink=%00",
        "ink=%ff",
        "ink=\u{fc}",
        "speck_share=0",
        "stages=true&more=1",
        "=",
        "=true",
        "%73tages=2",
        "stages=true;centre=box",
        "?stages=true",
        "__proto__=1",
        long.as_str(),
        many.as_str(),
    ];
    let case = |query: &str| {
        let name: String = query.chars().take(60).collect();
        Case::new(
            format!("the query {name}"),
            request("POST", &format!("/api/predict?{query}"), Some("image/png"), &drawn(1)),
            Expected::Error(400),
        )
    };
    let of_read = [
        "expect=0",
        "expect=65",
        "expect=-1",
        "expect=1.5",
        "expect=",
        "expect=99999999999999999999999",
        "expect=3&expect=3",
        "expect=3&pattern=%5Cd%7B3%7D",
        "pattern=",
        "pattern=x",
        "pattern=%5B",
        "pattern=%5B%5D",
        "pattern=%7B3%7D",
        "pattern=%5Cd%7B65%7D",
        "pattern=%5Cd%7B0,99999999999%7D",
        "pattern=%5Cd%7B3,2%7D",
        "pattern=%ff",
        "min_confidence=-0.1",
        "min_confidence=1.1",
        "min_confidence=NaN",
        "min_confidence=inf",
        "min_confidence=95%25",
        "boxes=",
        "boxes=1",
        "boxes=TRUE",
        "centre=box",
        "stages=true",
        "ink=blue",
        "speck_share=0",
        long.as_str(),
        many.as_str(),
    ];
    let to_read = |query: &str| {
        let name: String = query.chars().take(60).collect();
        Case::new(
            format!("read with the query {name}"),
            request("POST", &format!("/api/read?{query}"), Some("image/png"), &drawn(1)),
            Expected::Error(400),
        )
    };
    let model = request("POST", "/api/read?model=%00", Some("image/png"), &drawn(1));
    let unknown = Case::new("read with a model that there is none of", model, Expected::Error(404));
    queries.into_iter().map(case).chain(of_read.into_iter().map(to_read)).chain([unknown]).collect()
}

fn methods() -> Vec<Case> {
    let routes = [
        ("/", "GET"),
        ("/metrics", "GET"),
        ("/api/run", "GET"),
        ("/api/predict", "POST"),
        ("/api/read", "POST"),
        ("/api/openapi.json", "GET"),
        ("/assets/app.js", "GET"),
        ("/report/", "GET"),
        ("/report/index.html", "GET"),
        ("/v2", "GET"),
        ("/v2/health/live", "GET"),
        ("/v2/health/ready", "GET"),
        ("/v2/models", "GET"),
        ("/v2/models/dense", "GET"),
        ("/v2/models/dense/ready", "GET"),
        ("/v2/models/dense/infer", "POST"),
        ("/v2/models/dense/versions/1", "GET"),
        ("/v2/models/dense/versions/1/ready", "GET"),
        ("/v2/models/dense/versions/1/infer", "POST"),
    ];
    let long = "M".repeat(1000);
    let methods =
        ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "G3T", "BREW!", long.as_str()];
    let mut cases = Vec::new();
    for (path, right) in routes {
        for method in methods.iter().filter(|method| **method != right) {
            let name: String = method.chars().take(20).collect();
            cases.push(Case::new(
                format!("{name} {path}"),
                request(method, path, Some("application/json"), b"{}"),
                Expected::Error(405),
            ));
        }
    }
    cases
}
