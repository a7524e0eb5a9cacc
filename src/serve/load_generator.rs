//! Load generator: clients that send requests as fast as the service responds.

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

/// Longest response that is read, in bytes.
const MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

/// Throughput and latency of a load test.
#[derive(Clone, Debug, Serialize)]
pub struct LoadReport {
    /// Number of connections, each with one request in flight.
    pub connections: usize,
    /// Time from the first request to the last response.
    pub seconds: f64,
    /// Number of responses with status 200.
    pub answers: usize,
    /// Number of requests with another status or without a response.
    pub errors: usize,
    /// First error.
    pub first_error: Option<String>,
    /// Responses with status 200 per second.
    pub answers_per_s: f64,
    /// Median latency in milliseconds.
    pub p50_ms: f64,
    /// 99th percentile of the latency in milliseconds.
    pub p99_ms: f64,
    /// Maximum latency in milliseconds.
    pub max_ms: f64,
}

/// Latencies and errors of one client.
#[derive(Default)]
struct Outcomes {
    milliseconds: Vec<f64>,
    errors: usize,
    first_error: Option<String>,
}

/// Posts PNG pictures in turn to `/api/predict` at `address` over a number of connections for a duration. Broken
/// connections are reopened.
///
/// # Errors
/// If the asynchronous runtime cannot be created.
pub fn load(
    address: SocketAddr,
    pictures: Vec<Vec<u8>>,
    connections: usize,
    duration: Duration,
) -> std::io::Result<LoadReport> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let pictures = Arc::new(pictures);
    let begun = Instant::now();
    let outcomes = runtime.block_on(async {
        let clients: Vec<_> = (0..connections)
            .map(|client| tokio::spawn(send_until(address, Arc::clone(&pictures), client, begun + duration)))
            .collect();
        let mut all = Outcomes::default();
        for client in clients {
            let outcomes = client.await.unwrap_or_else(|panic| Outcomes::failed(panic.to_string()));
            all.milliseconds.extend(outcomes.milliseconds);
            all.errors += outcomes.errors;
            all.first_error = all.first_error.or(outcomes.first_error);
        }
        all
    });
    let seconds = begun.elapsed().as_secs_f64();
    let mut times = outcomes.milliseconds;
    times.sort_unstable_by(f64::total_cmp);
    let quantile =
        |level: f64| times.get((times.len() as f64 * level) as usize).or(times.last()).copied().unwrap_or(f64::NAN);
    Ok(LoadReport {
        connections,
        seconds,
        answers: times.len(),
        errors: outcomes.errors,
        first_error: outcomes.first_error,
        answers_per_s: times.len() as f64 / seconds,
        p50_ms: quantile(0.5),
        p99_ms: quantile(0.99),
        max_ms: quantile(1.0),
    })
}

impl Outcomes {
    fn failed(error: String) -> Self {
        Self { errors: 1, first_error: Some(error), ..Self::default() }
    }
}

/// Sends requests until `end`.
async fn send_until(address: SocketAddr, pictures: Arc<Vec<Vec<u8>>>, client: usize, end: Instant) -> Outcomes {
    let mut outcomes = Outcomes::default();
    let mut next = client;
    while Instant::now() < end {
        if let Err(error) = send_on_connection(address, &pictures, &mut next, end, &mut outcomes).await {
            outcomes.errors += 1;
            outcomes.first_error.get_or_insert(error);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    outcomes
}

/// Sends requests over one connection until `end` or until the connection breaks.
async fn send_on_connection(
    address: SocketAddr,
    pictures: &[Vec<u8>],
    next: &mut usize,
    end: Instant,
    outcomes: &mut Outcomes,
) -> Result<(), String> {
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // Its error is also that of the request in flight.
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
        let body =
            to_bytes(Body::new(response.into_body()), MAX_RESPONSE_BYTES).await.map_err(|error| error.to_string())?;
        if status == StatusCode::OK {
            outcomes.milliseconds.push(begun.elapsed().as_secs_f64() * 1e3);
        } else {
            outcomes.errors += 1;
            outcomes
                .first_error
                .get_or_insert_with(|| format!("{status}: {}", String::from_utf8_lossy(&body[..body.len().min(200)])));
        }
    }
    Ok(())
}
