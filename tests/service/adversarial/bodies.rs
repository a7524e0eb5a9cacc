//! Malformed JSON, JSON with wrong contents, and bodies of the wrong type.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use super::{Case, Expected, pictures::foreign};
use crate::http::{LONGEST_BODY, data_url, drawn, head, png::zlib, request};

const JSON: &str = "application/json";
const PREDICT: &str = "/api/predict";
const READ: &str = "/api/read";
const INFER: &str = "/v2/models/dense/infer";
/// Body length one byte above the limit.
const TOO_LONG: usize = LONGEST_BODY + 1;

fn post(path: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    request("POST", path, Some(JSON), body.as_ref())
}

/// All cases with bodies.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (path, route) in [(PREDICT, "predict"), (READ, "read"), (INFER, "infer")] {
        for (name, body) in foreign() {
            cases.push(Case::new(format!("{name} as JSON to {route}"), post(path, body), Expected::Error(400)));
        }
        for (name, body) in no_json() {
            cases.push(Case::new(format!("{name} to {route}"), post(path, body), Expected::Error(400)));
        }
    }
    for (name, body) in predictions() {
        cases.push(Case::new(format!("predict: {name}"), post(PREDICT, &body), Expected::Error(400)));
        cases.push(Case::new(format!("read: {name}"), post(READ, body), Expected::Error(400)));
    }
    for (name, body) in inferences() {
        cases.push(Case::new(format!("infer: {name}"), post(INFER, body), Expected::Error(400)));
    }
    cases.extend(content_types());
    cases.extend(too_long());
    cases
}

/// Texts that are not JSON, or not an object that any route takes.
fn no_json() -> Vec<(String, Vec<u8>)> {
    let mut cases: Vec<(String, Vec<u8>)> = [
        "null", "true", "3", "\"text\"", "[]", "[[]]", "{", "}", "{]", "{\"a\"", "{\"a\":}", "{,}", "{}{}", "{'a': 1}",
        "NaN",
    ]
    .map(|text| (format!("the body {text}"), text.as_bytes().to_vec()))
    .to_vec();
    cases.push(("a byte order mark before JSON".into(), b"\xef\xbb\xbf{\"pixels\": []}".to_vec()));
    cases.push(("bytes that are no UTF-8".into(), b"{\"image\": \"\xff\xfe\xc0\x80\", \"id\": \"\xff\"}".to_vec()));
    cases.push(("a NUL in JSON".into(), b"{\"pixels\"\0: []}".to_vec()));
    cases.push((
        "a bare control character in a string".into(),
        b"{\"image\": \"a\x01\", \"inputs\": [], \"id\": \"\x01\"}".to_vec(),
    ));
    cases.push(("a comment".into(), b"{/* none */}".to_vec()));
    cases.push(("a comma at the end".into(), b"{\"pixels\": [], \"inputs\": [],}".to_vec()));
    for depth in [127, 200, 100_000] {
        for (name, open, close) in [("arrays", "[", "]"), ("objects", "{\"pixels\":", "}")] {
            cases.push((
                format!("{depth} {name} inside one another"),
                format!("{}1{}", open.repeat(depth), close.repeat(depth)).into_bytes(),
            ));
            cases.push((format!("{depth} {name} that are never closed"), open.repeat(depth).into_bytes()));
        }
    }
    cases
}

/// Wrong bodies for `/api/predict`.
fn predictions() -> Vec<(String, Vec<u8>)> {
    let text = |name: &str, body: String| (name.to_owned(), body.into_bytes());
    let levels = |first: &str| format!("{{\"pixels\": [{first}{}]}}", ",0".repeat(783));
    let number_among_rows: Vec<Value> =
        (0..28).map(|row| if row == 27 { json!(0) } else { json!(vec![0; 28]) }).collect();
    let mut cases = vec![
        text("neither", "{}".into()),
        text("both", json!({ "image": "data:image/png;base64,AA", "pixels": vec![0; 784] }).to_string()),
        text("a field too many", json!({ "pixels": vec![0; 784], "centre": "mass" }).to_string()),
        text("a field in capitals", json!({ "PIXELS": vec![0; 784] }).to_string()),
        text("pixels twice", format!("{{\"pixels\": {0}, \"pixels\": {0}}}", json!(vec![0; 784]))),
        text("783 pixels", json!({ "pixels": vec![0; 783] }).to_string()),
        text("785 pixels", json!({ "pixels": vec![0; 785] }).to_string()),
        text("no pixels", json!({ "pixels": [] }).to_string()),
        text("27 rows", json!({ "pixels": vec![vec![0; 28]; 27] }).to_string()),
        text("29 rows", json!({ "pixels": vec![vec![0; 28]; 29] }).to_string()),
        text("rows of 29", json!({ "pixels": vec![vec![0; 29]; 28] }).to_string()),
        text("empty rows", json!({ "pixels": vec![Vec::<u8>::new(); 28] }).to_string()),
        text("784 rows of one", json!({ "pixels": vec![vec![0]; 784] }).to_string()),
        text("a number among rows", json!({ "pixels": number_among_rows }).to_string()),
        text("a row among numbers", levels("0").replacen(",0", ",[0]", 1)),
        text("rows nested once more", json!({ "pixels": [vec![vec![0; 28]; 28]] }).to_string()),
        text("colours", json!({ "pixels": vec![vec![[0, 0, 0]; 28]; 28] }).to_string()),
        text("half a million pixels", format!("{{\"pixels\": [0{}]}}", ",0".repeat(500_000))),
        text("numbers between the scales", format!("{{\"pixels\": [1.5{}]}}", ",0".repeat(783))),
    ];
    for wrong in wrong_levels() {
        cases.push((format!("the level {wrong}"), levels(&wrong).into_bytes()));
    }
    for (field, values) in
        [("image", ["1", "true", "[]", "{}", "null", "\"\""]), ("pixels", ["1", "true", "\"0\"", "{}", "null", "\"\""])]
    {
        cases.extend(values.map(|value| text(&format!("{field} is {value}"), format!("{{\"{field}\": {value}}}"))));
    }
    for url in [
        "x",
        "data:",
        "data:,",
        "data:image/png",
        "data:image/png;base64",
        "data:image/png;base64,",
        "data:image/png;base64,A",
        "data:image/png;base64,====",
        "data:image/png;base64,@@@@",
        "data:image/png;base64,AA AA",
        "data:image/png,%89PNG",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "DATA:IMAGE/PNG;BASE64,AAAA",
        "data:;base64,",
        "data:image/png;base64,AAAAA",
        "data:image/png;base64,AA=A",
        "data:image/png;base64,%",
        "data:image/png;base64,#AAAA",
        "data image/png;base64,AAAA",
        "http://127.0.0.1:1/a.png",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "../../etc/passwd",
        "\\ud800",
        "\\udc00\\ud800",
        "\\u0000",
        "\\x41",
        "\u{202e}gnp.egami",
        "🖼",
    ] {
        cases.push((format!("the image {url}"), format!("{{\"image\": \"{url}\"}}").into_bytes()));
    }
    cases.push(("a PNG cut short in a data URL".into(), data_url("image/png", &drawn(1)[..200])));
    cases
}

/// JSON values that are not a grey level from 0 to 255.
fn wrong_levels() -> Vec<String> {
    let words = [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-1e999",
        "-1",
        "-0.001",
        "255.001",
        "256",
        "1e3",
        "4294967296",
        "18446744073709551616",
        "0x10",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "\"0\"",
        "true",
        "null",
        "{}",
    ];
    let long = ["9".repeat(1000), format!("0.{}e400", "1".repeat(300))];
    words.into_iter().map(str::to_owned).chain(long).collect()
}

/// Wrong bodies for `/v2/models/…/infer`.
fn inferences() -> Vec<(String, Vec<u8>)> {
    let tensor = || json!({ "name": "images", "shape": [1, 784], "datatype": "UINT8", "data": vec![0; 784] });
    let mut cases: Vec<(String, Value)> = vec![
        ("no inputs".into(), json!({})),
        ("no tensor".into(), json!({ "inputs": [] })),
        ("two tensors".into(), json!({ "inputs": [tensor(), tensor()] })),
        ("inputs as an object".into(), json!({ "inputs": tensor() })),
        ("a tensor as an array".into(), json!({ "inputs": [[]] })),
        ("a parameter".into(), json!({ "inputs": [tensor()], "parameters": { "binary_data": true } })),
        ("a field too many".into(), json!({ "inputs": [tensor()], "output": [] })),
        (
            "a parameter of a wrong type".into(),
            json!({ "inputs": [tensor()], "parameters": { "binary_data_output": 1 } }),
        ),
        ("an output that there is none of".into(), json!({ "inputs": [tensor()], "outputs": [{ "name": "logits" }] })),
        ("an output without a name".into(), json!({ "inputs": [tensor()], "outputs": [{}] })),
    ];
    for name in ["id", "parameters", "inputs", "outputs"] {
        for wrong in [json!(1), json!(true), json!("x"), json!([1]), json!({ "a": 1 }), json!(-1.5)] {
            if name == "id" && wrong.is_string() {
                continue;
            }
            let mut body = json!({ "inputs": [tensor()] });
            body[name] = wrong.clone();
            cases.push((format!("{name} is {wrong}"), body));
        }
    }
    let mut changed = |name: &str, value: Value| {
        let mut tensor = tensor();
        tensor[name] = value.clone();
        cases.push((format!("{name} is {value}").chars().take(120).collect(), json!({ "inputs": [tensor] })));
    };
    for wrong in [json!(null), json!(1), json!("x"), json!([]), json!({}), json!(true)] {
        for name in ["name", "shape", "datatype", "data"] {
            if name != "shape" || !wrong.is_array() {
                changed(name, wrong.clone());
            }
        }
    }
    for shape in [
        json!([]),
        json!([784]),
        json!([0]),
        json!([0, 784]),
        json!([2, 784]),
        json!([1, 783]),
        json!([1, 28, 27]),
        json!([1, 27, 28]),
        json!([28, 28]),
        json!([28, 28, 1]),
        json!([1, 3, 28, 28]),
        json!([1, 28, 28, 3]),
        json!([1, 1, 1, 28, 28]),
        json!([-1, 28, 28]),
        json!([1, -28, -28]),
        json!([1.5, 784]),
        json!(["1", "784"]),
        json!([null, 784]),
        json!([[1, 784]]),
        json!([u64::MAX, 784]),
        json!([u64::MAX, 28, 28]),
        json!([1, u64::MAX]),
        json!([u64::MAX, u64::MAX, u64::MAX, u64::MAX]),
        json!([1u64 << 32, 1, 28, 28]),
        json!([1e30, 784]),
        json!(vec![1; 10_000]),
    ] {
        changed("shape", shape);
    }
    for datatype in ["", "uint8", "UINT", "INT128", "BF16", "FP8", "BYTES", "BOOL", "UINT8\0", "ＵＩＮＴ８"] {
        changed("datatype", json!(datatype));
    }
    for name in ["", "Images", "image", "images ", "іmages", "../images"] {
        changed("name", json!(name));
    }
    changed("data", json!([vec![0; 783]]));
    changed("data", json!("A".repeat(1046)));
    for shape in [json!([0, 784]), json!([0, 28, 28]), json!([0, 1, 28, 28])] {
        let tensor = json!({ "name": "images", "shape": shape, "datatype": "FP32", "data": [] });
        cases.push((format!("no images of the shape {shape}"), json!({ "inputs": [tensor] })));
    }
    for count in [783, 785] {
        let tensor = json!({ "name": "images", "shape": [1, 784], "datatype": "UINT8", "data": vec![0; count] });
        cases.push((format!("{count} numbers"), json!({ "inputs": [tensor] })));
    }
    let mut cases: Vec<(String, Vec<u8>)> =
        cases.into_iter().map(|(name, body)| (name, body.to_string().into_bytes())).collect();
    let with = |datatype: &str, first: &str| {
        let data = format!("[{first}{}]", ",0".repeat(783));
        format!(
            "{{\"inputs\": [{{\"name\": \"images\", \"shape\": [1, 784], \"datatype\": \"{datatype}\", \
             \"data\": {data}}}]}}"
        )
        .into_bytes()
    };
    for wrong in wrong_levels() {
        cases.push((format!("the UINT8 {wrong}"), with("UINT8", &wrong)));
        cases.push((format!("the FP32 {wrong}"), with("FP32", &wrong)));
    }
    cases.push(("the UINT8 0.5".into(), with("UINT8", "0.5")));
    cases.push(("the INT64 0.5".into(), with("INT64", "0.5")));
    cases.push(("the FP32 1.01".into(), with("FP32", "1.01")));
    cases.push(("inputs twice".into(), format!("{{\"inputs\": [{0}], \"inputs\": [{0}]}}", tensor()).into_bytes()));
    cases.push((
        "a shape twice".into(),
        tensor()
            .to_string()
            .replacen('{', "{\"inputs\": [{\"shape\": [1, 784],", 1)
            .into_bytes()
            .into_iter()
            .chain(*b"]}")
            .collect(),
    ));
    cases.push((
        "an id with a lone surrogate".into(),
        format!("{{\"id\": \"\\ud800\", \"inputs\": [{}]}}", tensor()).into_bytes(),
    ));
    cases
}

/// Bodies whose content type is none of those that the service knows, or is wrong: their contents decide.
fn content_types() -> Vec<Case> {
    let mut cases = Vec::new();
    let long = "a".repeat(5000);
    let pixels = json!({ "pixels": vec![0; 784] }).to_string().into_bytes();
    for kind in [
        "",
        "text/plain",
        "text/html",
        "image/gif",
        "image/jpg",
        "image/*",
        "*/*",
        "image",
        "image/",
        "/png",
        "image/png, image/jpeg",
        "png",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/problem+json",
        "application/jsonp",
        "application/json/png",
        "application\\json",
        ";application/json",
        "ïmage/png",
        "%00",
        long.as_str(),
    ] {
        let name: String = kind.chars().take(50).collect();
        let is_picture = kind.trim_start_matches(';').starts_with("image/");
        for (what, body, expected) in [
            ("a PNG", drawn(1), Expected::Answered),
            ("pixels", pixels.clone(), Expected::Answered),
            ("nothing", Vec::new(), Expected::Error(400)),
            ("text", b"three".to_vec(), Expected::Error(if is_picture { 400 } else { 415 })),
        ] {
            let bytes = request("POST", PREDICT, Some(kind), &body);
            cases.push(Case::new(format!("{what} of the type `{name}`"), bytes, expected));
        }
    }
    let of_kind = |kind: &str, body: &[u8]| request("POST", PREDICT, Some(kind), body);
    cases.push(Case::new("a picture without a type", request("POST", PREDICT, None, &drawn(1)), Expected::Answered));
    cases.push(Case::new("a PNG as JSON", of_kind(JSON, &drawn(1)), Expected::Answered));
    cases.push(Case::new("JSON as a PNG", of_kind("image/png", b"{\"pixels\": []}"), Expected::Error(400)));
    for (name, body) in forms() {
        cases.push(Case::new(format!("a form with {name}"), of_kind("text/plain", &body), Expected::Error(400)));
    }
    cases.extend(encodings());
    cases
}

/// Forms that are cut, or hold something else than one picture.
fn forms() -> Vec<(&'static str, Vec<u8>)> {
    let part = |name: &str, contents: &[u8]| {
        let head = format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a\"\r\n\r\n");
        [head.as_bytes(), contents, b"\r\n"].concat()
    };
    let end = b"--x--\r\n".as_slice();
    let whole = [&part("image", &drawn(1)), end].concat();
    vec![
        ("no part", b"--x\r\n--x--\r\n".to_vec()),
        ("two parts", [&part("left", &drawn(1)), &part("right", &drawn(2)), end].concat()),
        ("an empty part", [&part("image", b""), end].concat()),
        ("text in it", [&part("image", b"three"), end].concat()),
        ("a form in it", [&part("image", &whole), end].concat()),
        ("a damaged picture", [&part("image", &drawn(1)[..200]), end].concat()),
        ("a part that never ends", whole[..whole.len() / 2].to_vec()),
        ("no end", whole[..whole.len() - end.len()].to_vec()),
        ("a head that never ends", [b"--x\r\nA: ".as_slice(), &vec![b'a'; 20_000]].concat()),
        ("1,000 parts", [part("image", b"1").repeat(1000).as_slice(), end].concat()),
    ]
}

/// Compressed bodies that are damaged, too long, or compressed in a way that is not known.
fn encodings() -> Vec<Case> {
    let encoded = |path: &str, coding: &str, body: &[u8]| {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: {coding}\r\n\
                            Content-Length: {length}\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    };
    let mut cases = Vec::new();
    for (path, name) in [(PREDICT, "predict"), (INFER, "infer")] {
        for coding in ["br", "zstd", "compress", "gzip, gzip", "gzip;q=1", "snappy", "\"gzip\""] {
            let bytes = encoded(path, coding, b"{}");
            cases.push(Case::new(format!("the encoding {coding} to {name}"), bytes, Expected::Error(415)));
        }
        for (coding, compress) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("deflate", zlib)] {
            let (whole, bomb) = (compress(&drawn(1)), compress(&vec![b' '; 300 << 20]));
            for (what, body, status) in [
                ("nothing", Vec::new(), 400),
                ("nothing, compressed", compress(b""), 400),
                ("text", b"three".to_vec(), 400),
                ("half a picture", whole[..whole.len() / 2].to_vec(), 400),
                ("a picture without its checksum", whole[..whole.len() - 4].to_vec(), 400),
                ("a picture with something behind it", [&whole[..], b"rest"].concat(), 400),
                ("300 MiB of spaces", bomb, 413),
            ] {
                let bytes = encoded(path, coding, &body);
                cases.push(Case::new(format!("{what} as {coding} to {name}"), bytes, Expected::Error(status)));
            }
        }
    }
    let gzipped = encoded(PREDICT, "gzip", &gzip(&drawn(1)));
    cases.push(Case::new("a picture as gzip", gzipped, Expected::Answered));
    cases
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("writes to memory");
    encoder.finish().expect("writes to memory")
}

fn too_long() -> Vec<Case> {
    let mut cases = Vec::new();
    for (path, kind) in
        [(PREDICT, "image/png"), (PREDICT, "image/jpeg"), (PREDICT, JSON), (PREDICT, "text/plain"), (INFER, JSON)]
    {
        let body = vec![b' '; TOO_LONG];
        cases.push(Case::new(
            format!("{TOO_LONG} bytes of {kind} to {path}"),
            request("POST", path, Some(kind), &body),
            Expected::Error(413),
        ));
        let chunked = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n\
             {TOO_LONG:x}\r\n"
        );
        let chunked = [chunked.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
        cases.push(Case::new(
            format!("{TOO_LONG} bytes of {kind} to {path} in a chunk"),
            chunked,
            Expected::Error(413),
        ));
        for length in [TOO_LONG, usize::MAX >> 1] {
            cases.push(Case::new(
                format!("a promise of {length} bytes of {kind} to {path}"),
                head("POST", path, Some(kind), length),
                Expected::Error(413),
            ));
        }
    }
    let chunk = format!("400\r\n{}\r\n", " ".repeat(1024));
    let small = [chunk.repeat(TOO_LONG.div_ceil(1024)).as_bytes(), b"0\r\n\r\n"].concat();
    let head = "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    cases.push(Case::new(
        format!("{TOO_LONG} bytes, 1,024 to a chunk"),
        [head.as_bytes(), &small].concat(),
        Expected::Error(413),
    ));
    cases
}
