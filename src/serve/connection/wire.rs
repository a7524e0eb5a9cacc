//! Socket of a connection as hyper sees it.
//!
//! hyper answers bytes that are not HTTP by itself, with a status and nothing else, and closes the connection. Here
//! that answer is held back and noted, so that the connection can send one with a body in its place.

use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::http::StatusCode;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Socket of a connection, shared with the task that serves it.
pub(super) struct Wire {
    stream: Arc<TcpStream>,
    seen: Arc<Seen>,
}

/// What has passed through a [`Wire`].
#[derive(Default)]
pub(super) struct Seen {
    /// Status of the answer that was held back; 0 if there is none.
    held_back: AtomicU16,
    /// True if bytes have been read since the last were written.
    unanswered: AtomicBool,
    /// True if bytes wait to be written until the client reads.
    blocked: AtomicBool,
    /// True if the client has closed its side.
    ended: AtomicBool,
}

impl Wire {
    pub(super) fn new(stream: Arc<TcpStream>, seen: Arc<Seen>) -> Self {
        Self { stream, seen }
    }

    /// Writes by `write` as soon as the socket takes bytes.
    fn poll_write_by(
        &self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let ready = self.stream.poll_write_ready(context);
            self.seen.blocked.store(ready.is_pending(), Ordering::Relaxed);
            ready!(ready)?;
            match write(&self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                written => {
                    self.seen.unanswered.store(false, Ordering::Relaxed);
                    return Poll::Ready(written);
                }
            }
        }
    }

    /// Notes hyper's own answer; false if the bytes are something else.
    fn holds_back(&self, bytes: &[u8]) -> bool {
        let status = status_of_bare_answer(bytes);
        if let Some(status) = status {
            self.seen.held_back.store(status, Ordering::Relaxed);
        }
        status.is_some()
    }
}

/// Status of an answer that hyper has made by itself. It has neither a body nor the security headers that every answer
/// of the service has.
fn status_of_bare_answer(bytes: &[u8]) -> Option<u16> {
    let rest = bytes.strip_prefix(b"HTTP/1.1 4")?;
    let contains = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    let is_bare = bytes.len() < 256
        && bytes.ends_with(b"\r\n\r\n")
        && contains(b"content-length: 0\r\n")
        && !contains(b"content-security-policy:");
    let [tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..] = *rest else { return None };
    is_bare.then(|| 400 + 10 * u16::from(tens - b'0') + u16::from(ones - b'0'))
}

impl Seen {
    /// Status of hyper's own answer, if it was held back.
    pub(super) fn held_back(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.held_back.load(Ordering::Relaxed)).ok()
    }

    /// True if the client has sent something that no answer has followed, and reads what was sent to it.
    pub(super) fn is_unanswered(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed) && !self.blocked.load(Ordering::Relaxed)
    }

    /// True if the client has closed its side.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(context))?;
            match self.stream.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    let seen = if count == 0 { &self.seen.ended } else { &self.seen.unanswered };
                    seen.store(true, Ordering::Relaxed);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.holds_back(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        self.poll_write_by(context, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = slices
            && self.holds_back(only)
        {
            return Poll::Ready(Ok(only.len()));
        }
        self.poll_write_by(context, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // An answer is still to be sent.
        if self.seen.held_back().is_some() {
            return Poll::Ready(Ok(()));
        }
        shut_down(&self.stream);
        Poll::Ready(Ok(()))
    }
}

/// Tells the client that no more bytes will come.
pub(super) fn shut_down(stream: &TcpStream) {
    // It fails only if the client has gone away.
    let _ = SockRef::from(stream).shutdown(std::net::Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::status_of_bare_answer;

    #[test]
    fn only_answers_without_a_body_and_our_headers_are_bare() {
        let date = "date: Mon, 30 Nov 2026 04:00:00 GMT\r\n";
        for status in [400, 414, 431] {
            let bare = format!("HTTP/1.1 {status} Anything\r\nconnection: close\r\ncontent-length: 0\r\n{date}\r\n");
            assert_eq!(status_of_bare_answer(bare.as_bytes()), Some(status));
        }
        for other in [
            format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{date}\r\n"),
            format!("HTTP/1.1 404 Not Found\r\ncontent-length: 10\r\n{date}\r\n"),
            format!("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\ncontent-security-policy: x\r\n{date}\r\n"),
            "HTTP/1.1 100 Continue\r\n\r\n".to_owned(),
            "HTTP/1.1 4".to_owned(),
            "{}".to_owned(),
        ] {
            assert_eq!(status_of_bare_answer(other.as_bytes()), None, "{other}");
        }
    }
}
