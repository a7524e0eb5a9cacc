//! HTTP client that sends any bytes, also wrong ones; the pictures that it sends; and a check of answers against
//! schemas.

pub mod png;
pub mod schema;

use std::{
    io::{self, Cursor, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use digitstack::{data::synthetic, seed::Seed};
use image::{DynamicImage, GrayImage, ImageFormat, imageops::FilterType};
use serde_json::Value;

/// Longest time that an answer may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Security headers of every answer, with the beginning of their values.
const SECURITY: [(&str, &str); 6] = [
    ("content-security-policy", "default-src 'none'"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=()"),
];

/// Answer of the service.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks the body that every error has: JSON with a sentence in `error`.
    pub fn check_error(&self) -> Result<(), String> {
        let body: Option<Value> = serde_json::from_slice(&self.body).ok();
        let sentence = body.as_ref().and_then(|body| body["error"].as_str()).unwrap_or_default();
        if self.header("content-type") != "application/json" || sentence.len() < 10 {
            return Err(format!("status {}, {} `{}`", self.status, self.header("content-type"), self.text()));
        }
        self.check_security()
    }

    /// Checks the security headers.
    pub fn check_security(&self) -> Result<(), String> {
        let lacks = SECURITY.iter().find(|(name, start)| !self.header(name).starts_with(start));
        lacks.map_or(Ok(()), |(name, _)| Err(format!("status {}: {name} is `{}`", self.status, self.header(name))))
    }
}

/// A connection to the service.
pub struct Connection {
    stream: TcpStream,
    /// Bytes that are read and not yet part of an answer.
    read: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connects");
        stream.set_nodelay(true).expect("a socket's option");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket's option");
        Self { stream, read: Vec::new() }
    }

    /// Sends bytes; an error if the service has closed the connection.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Closes the connection by a reset, as the system does when a client is killed.
    pub fn reset(self) {
        let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    /// Closes the client's side of the connection.
    pub fn end(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads one answer; an error if the service closes the connection first, or takes longer than `patience`.
    pub fn answer(&mut self, patience: Duration) -> io::Result<Answer> {
        self.answer_to("GET", patience)
    }

    /// As [`Self::answer`]; an answer to HEAD has no body, whatever its headers say.
    pub fn answer_to(&mut self, method: &str, patience: Duration) -> io::Result<Answer> {
        let end = Instant::now() + patience;
        let head_length = loop {
            if let Some(at) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.more(end)?;
        };
        let head = String::from_utf8_lossy(&self.read[..head_length]).into_owned();
        let wrong = || io::Error::new(ErrorKind::InvalidData, format!("no head of an answer: {head}"));
        let mut lines = head.trim_end().split("\r\n");
        let status =
            lines.next().and_then(|line| line.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()).ok_or_else(wrong)?;
        let header =
            |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
        let headers: Vec<(String, String)> = lines.map(header).collect::<Option<_>>().ok_or_else(wrong)?;
        let answer = Answer { status, headers, body: Vec::new() };
        assert_eq!(answer.header("transfer-encoding"), "", "everything here has a length");
        let length = if method == "HEAD" { 0 } else { answer.header("content-length").parse().unwrap_or(0) };
        while self.read.len() < head_length + length {
            self.more(end)?;
        }
        let body = self.read[head_length..head_length + length].to_vec();
        self.read.drain(..head_length + length);
        Ok(Answer { body, ..answer })
    }

    /// Waits until the service closes the connection, and discards what it still sends.
    pub fn wait_for_end(&mut self, patience: Duration) -> io::Result<()> {
        let end = Instant::now() + patience;
        loop {
            match self.more(end) {
                Ok(()) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Err(error),
                Err(_) => return Ok(()),
            }
        }
    }

    fn more(&mut self, end: Instant) -> io::Result<()> {
        let left = end.checked_duration_since(Instant::now()).ok_or(ErrorKind::TimedOut)?;
        self.stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        let mut bytes = [0; 16 * 1024];
        match self.stream.read(&mut bytes)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => {
                self.read.extend_from_slice(&bytes[..count]);
                Ok(())
            }
        }
    }
}

/// Bytes of a request. `kind` is the body's content type.
pub fn request(method: &str, path: &str, kind: Option<&str>, body: &[u8]) -> Vec<u8> {
    [&head(method, path, kind, body.len())[..], body].concat()
}

/// Bytes of a request's head, with the length of its body; without a content type and a length there is no body.
pub fn head(method: &str, path: &str, kind: Option<&str>, length: usize) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    if let Some(kind) = kind {
        head += &format!("Content-Type: {kind}\r\n");
    }
    if kind.is_some() || length > 0 {
        head += &format!("Content-Length: {length}\r\n");
    }
    (head + "\r\n").into_bytes()
}

/// Sends bytes on a new connection and reads one answer.
pub fn try_ask(address: SocketAddr, bytes: &[u8], patience: Duration) -> io::Result<Answer> {
    let mut connection = Connection::open(address);
    // A service that refuses a long body may stop reading it, and answers nevertheless.
    let _ = connection.send(bytes);
    connection.answer(patience)
}

/// As [`try_ask`], with [`PATIENCE`]; the answer must come.
pub fn ask(address: SocketAddr, bytes: &[u8]) -> Answer {
    try_ask(address, bytes, PATIENCE).expect("an answer")
}

pub fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, &request("GET", path, None, b""))
}

pub fn post(address: SocketAddr, path: &str, kind: &str, body: impl AsRef<[u8]>) -> Answer {
    ask(address, &request("POST", path, Some(kind), body.as_ref()))
}

/// Longest body that the service accepts, in bytes.
pub const LONGEST_BODY: usize = 32 << 20;

/// Sends half of a picture. Returns the rest of it.
pub fn half_a_picture(address: SocketAddr) -> (Connection, Vec<u8>) {
    let mut connection = Connection::open(address);
    let picture = drawn(3);
    let (first, rest) = picture.split_at(picture.len() / 2);
    connection
        .send(&[&head("POST", "/api/predict", Some("image/png"), picture.len())[..], first].concat())
        .expect("sends");
    (connection, rest.to_vec())
}

/// Takes a permit for seconds by sending a whole batch of so many images that they take that long; its answer comes on
/// the connection.
pub fn a_long_batch(address: SocketAddr) -> Connection {
    let images = 20_000;
    let tensor = serde_json::json!({
        "name": "images",
        "shape": [images, 784],
        "datatype": "UINT8",
        "parameters": { "binary_data_size": images * 784 },
    });
    let json = serde_json::json!({ "inputs": [tensor], "outputs": [{ "name": "digit" }] }).to_string();
    let head = format!(
        "POST /v2/models/logistic/infer HTTP/1.1\r\nHost: localhost\r\nInference-Header-Content-Length: {}\r\n\
         Content-Length: {}\r\n\r\n",
        json.len(),
        json.len() + images * 784
    );
    let mut connection = Connection::open(address);
    connection.send(&[head.as_bytes(), json.as_bytes(), &vec![9; images * 784]].concat()).expect("sends");
    connection
}

/// Waits until this number of prediction requests are received and not yet answered.
pub fn wait_until_working(address: SocketAddr, count: usize) {
    let begun = Instant::now();
    let working = || metric(&get(address, "/metrics").text(), "digitstack_working") as usize;
    while working() != count {
        assert!(begun.elapsed() < PATIENCE, "{} requests are worked on and not {count}", working());
        std::thread::yield_now();
    }
}

/// Waits until the service has this number of requests in flight, that for its metrics not counted.
pub fn wait_until_under_way(address: SocketAddr, count: usize) {
    let begun = Instant::now();
    let under_way = || metric(&get(address, "/metrics").text(), "digitstack_in_flight") as usize - 1;
    while under_way() != count {
        assert!(begun.elapsed() < PATIENCE, "{} requests are under way and not {count}", under_way());
        std::thread::yield_now();
    }
}

/// Value of a sample in Prometheus' text format by its name and labels, as they are written; 0 if it is missing.
pub fn metric(text: &str, sample: &str) -> f64 {
    let value = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    value.map_or(0.0, |value| value.parse().expect("a number"))
}

/// Built-in digit as large as a drawing, black ink on white paper.
pub fn drawing(class: u8, seed: u64) -> GrayImage {
    let paper = synthetic::digit(class, Seed(seed)).map(|level| 255 - level).to_vec();
    let small = GrayImage::from_raw(28, 28, paper).expect("28 × 28");
    image::imageops::resize(&small, 280, 280, FilterType::CatmullRom)
}

/// Built-in digits side by side, black ink on white paper.
pub fn number(digits: &[u8]) -> GrayImage {
    let mut paper = GrayImage::from_pixel(250 * digits.len() as u32 + 100, 320, image::Luma([255]));
    for (place, digit) in digits.iter().enumerate() {
        image::imageops::replace(&mut paper, &drawing(*digit, 1), 250 * place as i64 + 30, 20);
    }
    paper
}

/// Picture with many more marks, each as high as a digit and close to the next, than are read at a time.
pub fn texture() -> GrayImage {
    let is_mark = |x: u32, y: u32| x % 10 < 3 + (x / 10 * 7 + y / 44 * 5) % 3 && y % 44 < 26 + (x / 10 * 5) % 5;
    GrayImage::from_fn(1000, 1672, |x, y| image::Luma([if is_mark(x, y) { 20 } else { 245 }]))
}

/// Bytes of a picture file.
pub fn file(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).expect("encodes");
    bytes.into_inner()
}

/// PNG file of a drawn digit.
pub fn drawn(class: u8) -> Vec<u8> {
    file(drawing(class, 1), ImageFormat::Png)
}

/// JSON body with a file as a data URL.
pub fn data_url(kind: &str, bytes: &[u8]) -> Vec<u8> {
    serde_json::json!({ "image": format!("data:{kind};base64,{}", STANDARD.encode(bytes)) }).to_string().into_bytes()
}
