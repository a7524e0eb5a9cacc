//! Clients that ask a service as fast as it answers, for measuring it.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpStream;

/// Longest answer that is read, in bytes.
const ANSWER: usize = 16 * 1024 * 1024;

/// What the clients saw.
#[derive(Clone, Debug, Serialize)]
pub struct Load {
    /// Connections, each with one request under way.
    pub connections: usize,
    /// From the first request to the last answer.
    pub seconds: f64,
    /// Answers with status 200.
    pub answers: usize,
    /// Requests that got another status or none.
    pub errors: usize,
    /// The first of them.
    pub first_error: Option<String>,
    /// Answers in a second.
    pub answers_per_s: f64,
    /// Median time from a request to its answer, in milliseconds.
    pub p50_ms: f64,
    /// All but one in a hundred were faster.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

/// One client's times and troubles.
#[derive(Default)]
struct Seen {
    milliseconds: Vec<f64>,
    errors: usize,
    first_error: Option<String>,
}

/// Posts PNG pictures in turn to `/api/predict` at `address` over so many connections for a while. Connections that
/// break are opened again.
///
/// # Errors
/// If the clients' threads cannot be started.
pub fn load(
    address: SocketAddr,
    pictures: Vec<Vec<u8>>,
    connections: usize,
    duration: Duration,
) -> std::io::Result<Load> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let pictures = Arc::new(pictures);
    let begun = Instant::now();
    let seen = runtime.block_on(async {
        let clients: Vec<_> = (0..connections)
            .map(|client| tokio::spawn(ask_until(address, Arc::clone(&pictures), client, begun + duration)))
            .collect();
        let mut all = Seen::default();
        for client in clients {
            let seen = client.await.unwrap_or_else(|panic| Seen::failed(panic.to_string()));
            all.milliseconds.extend(seen.milliseconds);
            all.errors += seen.errors;
            all.first_error = all.first_error.or(seen.first_error);
        }
        all
    });
    let seconds = begun.elapsed().as_secs_f64();
    let mut times = seen.milliseconds;
    times.sort_unstable_by(f64::total_cmp);
    let quantile =
        |share: f64| times.get((times.len() as f64 * share) as usize).or(times.last()).copied().unwrap_or(f64::NAN);
    Ok(Load {
        connections,
        seconds,
        answers: times.len(),
        errors: seen.errors,
        first_error: seen.first_error,
        answers_per_s: times.len() as f64 / seconds,
        p50_ms: quantile(0.5),
        p99_ms: quantile(0.99),
        max_ms: quantile(1.0),
    })
}

impl Seen {
    fn failed(error: String) -> Self {
        Self { errors: 1, first_error: Some(error), ..Self::default() }
    }
}

async fn ask_until(address: SocketAddr, pictures: Arc<Vec<Vec<u8>>>, client: usize, end: Instant) -> Seen {
    let mut seen = Seen::default();
    let mut next = client;
    while Instant::now() < end {
        if let Err(error) = ask_on_one(address, &pictures, &mut next, end, &mut seen).await {
            seen.errors += 1;
            seen.first_error.get_or_insert(error);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    seen
}

/// Asks over one connection until the end or until it breaks.
async fn ask_on_one(
    address: SocketAddr,
    pictures: &[Vec<u8>],
    next: &mut usize,
    end: Instant,
    seen: &mut Seen,
) -> Result<(), String> {
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // It ends with an error when the other side closes it, which the request under way sees too.
    tokio::spawn(connection);
    while Instant::now() < end {
        let picture = pictures[*next % pictures.len()].clone();
        *next += 1;
        let request = Request::post("/api/predict")
            .header(header::HOST, address.to_string())
            .header(header::CONTENT_TYPE, "image/png");
        let request = request.body(Body::from(picture)).map_err(|error| error.to_string())?;
        let begun = Instant::now();
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = response.status();
        let body = to_bytes(Body::new(response.into_body()), ANSWER).await.map_err(|error| error.to_string())?;
        if status == StatusCode::OK {
            seen.milliseconds.push(begun.elapsed().as_secs_f64() * 1e3);
        } else {
            seen.errors += 1;
            seen.first_error
                .get_or_insert_with(|| format!("{status}: {}", String::from_utf8_lossy(&body[..body.len().min(200)])));
        }
    }
    Ok(())
}
