//! One connection: HTTP/1.1 with limits on time and size, and an answer in JSON to bytes that are not HTTP.

pub(super) mod registry;
mod wire;

use std::{sync::Arc, time::Duration};

use axum::{Extension, Router, http::StatusCode};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{io::Interest, net::TcpStream, sync::watch, time::timeout};
use tokio_io_timeout::TimeoutStream;
use tower::Layer;

use super::{middleware::access_log, problem::Problem, state::Service};
use registry::{Client, Phase, Place};
use wire::{Seen, Wire, shut_down};

/// Read timeout for the head of a request, the next one on a persistent connection included.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Write timeout: a connection is closed if its client reads nothing of a response for this long.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest head of a request, in bytes.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Bytes that are read at once at most.
const READ_BUFFER_BYTES: usize = 64 * 1024;
/// Time for which the rest of a refused request is read and discarded, so that its client can read the refusal.
const LINGER: Duration = Duration::from_secs(1);

/// End of a connection.
enum End {
    Closed(hyper::Result<()>),
    /// The client has reset the connection.
    Reset,
    /// Another client takes its place.
    Evicted,
}

/// Serves a connection until it is closed. Once `stopping` is true, the request under way is its last one.
pub(super) async fn serve(
    stream: TcpStream,
    place: Place,
    app: Router,
    mut stopping: watch::Receiver<bool>,
    service: Service,
) {
    // Responses are small and are sent at once.
    let _ = stream.set_nodelay(true);
    let (stream, seen, client) = (Arc::new(stream), Arc::new(Seen::default()), Arc::clone(place.client()));
    let end = {
        let mut io = TimeoutStream::new(Wire::new(Arc::clone(&stream), Arc::clone(&seen)));
        io.set_write_timeout(Some(WRITE_TIMEOUT));
        let app = TowerToHyperService::new(Extension(Arc::clone(&client)).layer(app));
        // A client that closes its side has sent its last request and waits for the response to it.
        let http = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_READ_TIMEOUT)
            .max_header_size(MAX_HEADER_BYTES)
            .max_buf_size(READ_BUFFER_BYTES)
            .half_close(true)
            .serve_connection(TokioIo::new(Box::pin(io)), app);
        let mut http = std::pin::pin!(http);
        let mut reset = std::pin::pin!(stream.ready(Interest::ERROR));
        let mut evicted = std::pin::pin!(client.evicted());
        let mut stop = std::pin::pin!(async {
            // Without its sender nobody stops the service.
            if stopping.wait_for(|stopping| *stopping).await.is_err() {
                std::future::pending::<()>().await;
            }
        });
        let (mut is_evicted, mut is_stopping) = (false, false);
        loop {
            tokio::select! {
                closed = http.as_mut() => break End::Closed(closed),
                _ = reset.as_mut() => break End::Reset,
                () = evicted.as_mut(), if !is_evicted => {
                    if client.phase() == Phase::Idle {
                        break End::Evicted;
                    }
                    // Whoever waits for the body gives it up, and answers.
                    is_evicted = true;
                    http.as_mut().graceful_shutdown();
                }
                () = stop.as_mut(), if !is_stopping => {
                    is_stopping = true;
                    http.as_mut().graceful_shutdown();
                }
            }
        }
    };
    let refusal = refusal(&end, &seen, &client);
    let must_linger = refusal.is_some() || client.has_left_unread();
    if let Some(problem) = refusal {
        access_log::record_refusal(&service, &client, &problem);
        let _ = timeout(WRITE_TIMEOUT, write_all(&stream, &problem.into_bytes())).await;
    }
    if must_linger && !seen.has_ended() && !matches!(end, End::Reset) {
        shut_down(&stream);
        let _ = timeout(LINGER, discard(&stream)).await;
    }
}

/// Answer to a client whose bytes have become no request.
fn refusal(end: &End, seen: &Seen, client: &Client) -> Option<Problem> {
    let bad = |message: &str| Some(Problem::bad_request(message));
    if let Some(status) = seen.held_back() {
        return Some(Problem::new(
            status,
            match status {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                    format!("the head of the request is longer than {MAX_HEADER_BYTES} bytes or has over 100 headers")
                }
                StatusCode::URI_TOO_LONG => "the URL of the request is too long".to_owned(),
                _ => match end {
                    End::Closed(Err(error)) => format!("the request is not HTTP/1.1: {error}"),
                    _ => "the request is not HTTP/1.1".to_owned(),
                },
            },
        ));
    }
    if !seen.is_unanswered() || client.phase() != Phase::Idle {
        return None;
    }
    match end {
        End::Closed(Err(error)) if error.is_timeout() => Some(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the head of the request was not received within {} seconds", HEADER_READ_TIMEOUT.as_secs()),
        )),
        End::Closed(Err(error)) if error.is_parse_version_h2() => bad("HTTP/2 is not supported; use HTTP/1.1"),
        End::Closed(Err(error)) if error.is_parse() => bad(&format!("the request is not HTTP/1.1: {error}")),
        End::Closed(Err(error)) if error.is_incomplete_message() => bad("the head of the request ends early"),
        End::Evicted => Some(Problem::too_slow()),
        _ => None,
    }
}

async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads and discards what the client sends until it closes its side.
async fn discard(stream: &TcpStream) -> std::io::Result<()> {
    let mut bytes = [0; 4096];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
