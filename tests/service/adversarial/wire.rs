//! Bytes that violate HTTP, slightly or entirely.

use super::{Case, Expected};
use crate::http::{LONGEST_BODY, drawn, head};

const START: &str = "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n";

pub fn cases() -> Vec<Case> {
    let mut cases = no_http();
    cases.extend(bad_heads());
    cases.extend(chunks());
    cases.extend(lengths());
    cases.extend(hosts());
    cases.extend(little_sins());
    cases
}

/// Bytes that are not HTTP at all: there is no request, and no route, but an answer that says so.
fn no_http() -> Vec<Case> {
    let hello = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\0\0\x02\x13\x01\x01\0";
    let bytes: [(&str, Vec<u8>); 18] = [
        ("TLS", hello.to_vec()),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec()),
        ("HTTP/0.9", b"GET /\r\n\r\n".to_vec()),
        ("HTTP/3.7", b"GET / HTTP/3.7\r\nHost: localhost\r\n\r\n".to_vec()),
        ("a version that is none", b"GET / HTTP/x.y\r\nHost: localhost\r\n\r\n".to_vec()),
        ("SSH", b"SSH-2.0-OpenSSH_9.7\r\n\r\n".to_vec()),
        ("SMTP", b"EHLO localhost\r\n\r\n".to_vec()),
        ("Redis", b"*1\r\n$4\r\nPING\r\n\r\n".to_vec()),
        ("an answer", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ("zeros", vec![0; 1000]),
        ("ones", vec![0xff; 1000]),
        ("a PNG", drawn(1)),
        ("JSON", b"{\"pixels\": []}\r\n\r\n".to_vec()),
        ("a line without a method", b" / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("a line without a path", b"GET  HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("a path with a space", b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("a path with a NUL", b"GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("a method with a NUL", b"G\0T / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
    ];
    let mut cases: Vec<Case> = bytes
        .into_iter()
        .map(|(name, bytes)| Case::new(format!("{name} instead of HTTP"), bytes, Expected::NoRequest))
        .collect();
    cases.push(Case::new("nothing at all", Vec::new(), Expected::Silence).and_end());
    cases.push(Case::new("half a head", b"GET / HTTP/1.1\r\nHost: loc".to_vec(), Expected::NoRequest).and_end());
    cases
}

/// Heads that are malformed or too large.
fn bad_heads() -> Vec<Case> {
    let with = |headers: &str| format!("GET /v2 HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes();
    let flood: String = (0..200).map(|index| format!("X-{index}: a\r\n")).collect();
    let folded = format!("X: a\r\n{}", " b\r\n".repeat(10));
    [
        ("a header of 100 KB", with(&format!("X: {}\r\n", "a".repeat(100_000)))),
        ("a header's name of 70 KB", with(&format!("{}: a\r\n", "a".repeat(70_000)))),
        ("a path of 70 KB", format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(70_000)).into_bytes()),
        (
            "a query of 20 KB",
            format!("GET /v2?{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(20_000)).into_bytes(),
        ),
        ("a method of 20 KB", format!("{} / HTTP/1.1\r\nHost: localhost\r\n\r\n", "M".repeat(20_000)).into_bytes()),
        ("200 headers", with(&flood)),
        ("100,000 empty headers", with(&"X:\r\n".repeat(100_000))),
        ("a header without a colon", with("X\r\n")),
        ("a header without a name", with(": a\r\n")),
        ("a space before the colon", with("X : a\r\n")),
        ("a header with a NUL", with("X: a\0b\r\n")),
        ("a header over two lines", with(&folded)),
        ("a name that is not ASCII", with("Ü: a\r\n")),
        ("a length that is not a number", with("Content-Length: ten\r\n")),
        ("a length below 0", with("Content-Length: -1\r\n")),
        ("a length with a sign", with("Content-Length: +1\r\n")),
        ("a length with a fraction", with("Content-Length: 1.0\r\n")),
        ("a length in base 16", with("Content-Length: 0x1\r\n")),
        ("a length beyond 64 bits", with("Content-Length: 18446744073709551616\r\n")),
        ("a length of 64 bits", with("Content-Length: 18446744073709551615\r\n")),
        ("two lengths", with("Content-Length: 1\r\nContent-Length: 2\r\n")),
        ("two lengths in a line", with("Content-Length: 1, 2\r\n")),
        ("an empty length", with("Content-Length: \r\n")),
        ("a transfer that is not chunked", with("Transfer-Encoding: gzip\r\n")),
        ("a transfer that is chunked and then not", with("Transfer-Encoding: chunked, identity\r\n")),
        (
            "chunks in HTTP/1.0",
            b"POST /v2 HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(),
        ),
    ]
    .into_iter()
    .map(|(name, bytes)| Case::new(name, bytes, Expected::NoRequest))
    .collect()
}

/// Bodies with malformed chunks. The head is complete, so that a route answers.
fn chunks() -> Vec<Case> {
    let refused = |name: &str, chunks: &str| {
        Case::new(
            format!("a chunk {name}"),
            format!("{START}Transfer-Encoding: chunked\r\n\r\n{chunks}"),
            Expected::Error(400),
        )
    };
    let long_extension = format!("3;{}\r\nabc\r\n0\r\n\r\n", "a".repeat(100_000));
    let trailers = format!("3\r\nabc\r\n0\r\n{}\r\n", "X: a\r\n".repeat(20_000));
    vec![
        refused("whose length is no number", "zz\r\nabc\r\n0\r\n\r\n"),
        refused("whose length is below 0", "-3\r\nabc\r\n0\r\n\r\n"),
        refused("whose length is empty", "\r\nabc\r\n0\r\n\r\n"),
        refused("whose length is beyond 64 bits", "fffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
        refused("whose length has a 0x", "0x3\r\nabc\r\n0\r\n\r\n"),
        refused("that is longer than it says", "3\r\nabcdef\r\n0\r\n\r\n"),
        refused("that is shorter than it says", "6\r\nabc\r\n0\r\n\r\n").and_end(),
        refused("that ends before its length", "3").and_end(),
        refused("without the last one", "3\r\nabc\r\n").and_end(),
        refused("that never comes", "").and_end(),
        refused("with an extension of 100 KB", &long_extension),
        refused("with 20,000 trailers", &trailers),
        refused("with a NUL in its length", "3\0\r\nabc\r\n0\r\n\r\n"),
        refused("of no picture", "3\r\nabc\r\n0\r\n\r\n"),
    ]
}

/// Content lengths that do not match the body.
fn lengths() -> Vec<Case> {
    let picture = |length| head("POST", "/api/predict", Some("image/png"), length);
    let inference = head("POST", "/v2/models/dense/infer", Some("application/json"), 100);
    let wrong = |name: &str, rest: &str| Case::new(name, format!("{START}{rest}"), Expected::Error(400));
    vec![
        Case::new("a body that is shorter than it says", [&picture(100)[..], b"abc"].concat(), Expected::Error(400))
            .and_end(),
        Case::new("JSON that is shorter than it says", [&inference[..], b"{}"].concat(), Expected::Error(400))
            .and_end(),
        Case::new("a body that never comes", picture(100), Expected::Error(400)).and_end(),
        Case::new(
            "a picture that is longer than it says",
            [&picture(100)[..], &drawn(1)].concat(),
            Expected::Error(400),
        ),
        wrong("a length and chunks", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        wrong("chunks and a length", "Transfer-Encoding: chunked\r\nContent-Length: 300\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        wrong("the same length twice", "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        Case::new(
            "a body where none belongs",
            b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
            Expected::Error(404),
        ),
        Case::new(
            "a body of which the head says to wait",
            format!("{START}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", LONGEST_BODY + 1),
            Expected::Error(413),
        ),
        wrong("an expectation that nobody knows", "Expect: a-miracle\r\nContent-Length: 3\r\n\r\nabc"),
        wrong(
            "an upgrade",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nContent-Length: 3\r\n\r\nabc",
        ),
        Case::new(
            "an upgrade to HTTP/2",
            "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
             HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
            Expected::Error(404),
        ),
    ]
}

/// Host headers that do not name this machine.
fn hosts() -> Vec<Case> {
    let case = |name: &str, bytes: &str| Case::new(name, bytes.to_owned(), Expected::Error(403));
    let number = |name: &str, bytes: &str| Case::new(name, bytes.to_owned(), Expected::Error(400));
    vec![
        number("no host", "GET /v2 HTTP/1.1\r\n\r\n"),
        case("an empty host", "GET /v2 HTTP/1.1\r\nHost:\r\n\r\n"),
        case("another host", "GET /v2 HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        number("another host first", "GET /v2 HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n"),
        number("another host second", "GET /v2 HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"),
        number("the same host twice", "GET /v2 HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
        case("another host in the line alone", "GET http://evil.example/v2 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        case("a host that begins well", "GET /v2 HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n"),
        case("a host with a name before it", "GET /v2 HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n"),
        case("a host with a path", "GET /v2 HTTP/1.1\r\nHost: localhost/../evil\r\n\r\n"),
        case("two hosts in a line", "GET /v2 HTTP/1.1\r\nHost: localhost, evil.example\r\n\r\n"),
        case("HTTP/1.0 without a host", "GET /v2 HTTP/1.0\r\n\r\n"),
        case("another host in the line itself", "GET http://evil.example/v2 HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        case("a proxy's request", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n"),
    ]
}

/// Requests that are odd but valid.
fn little_sins() -> Vec<Case> {
    let answered = |name: &str, bytes: Vec<u8>| Case::new(name, bytes, Expected::Answered);
    let good = [&head("POST", "/api/predict", Some("image/png"), drawn(1).len())[..], &drawn(1)].concat();
    let continued = format!("{START}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", drawn(1).len());
    vec![
        answered(
            "empty lines before a request",
            [&b"\r\n\r\n"[..], b"GET /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n"].concat(),
        ),
        answered("line ends without a return", b"GET /v2 HTTP/1.1\nHost: localhost\n\n".to_vec()),
        answered("HTTP/1.0", b"GET /v2 HTTP/1.0\r\nHost: localhost\r\n\r\n".to_vec()),
        answered(
            "a whole address in the line",
            b"GET http://localhost/v2 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        ),
        answered(
            "a query that nobody asked for",
            b"GET /v2?a=%ff%00&../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        ),
        answered("a body that came without being waited for", [continued.as_bytes(), &drawn(1)].concat()),
        answered(
            "a type in capitals",
            [&head("POST", "/api/predict", Some("IMAGE/PNG; a=b"), drawn(1).len())[..], &drawn(1)].concat(),
        ),
        answered(
            "a JPEG's type on a PNG",
            [&head("POST", "/api/predict", Some("image/jpeg"), drawn(1).len())[..], &drawn(1)].concat(),
        ),
        answered("garbage behind a whole request", [&good[..], &[0; 1000]].concat()),
        answered(
            "90 headers",
            format!("GET /v2 HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: a\r\n".repeat(90)).into_bytes(),
        ),
        answered(
            "headers that are not ASCII",
            "GET /v2 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ü\r\nX: \u{7f}ÿ\r\n\r\n"
                .replace('\u{7f}', "")
                .into_bytes(),
        ),
        // A client that closes its side has sent everything, and waits for the answer.
        answered(
            "a request whose sender says that it is the last",
            b"GET /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        )
        .and_end(),
        answered("a picture whose sender says that it is the last", good).and_end(),
    ]
}
