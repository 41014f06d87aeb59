//! The smallest HTTP server that the tests' stand-ins need: it shows a request as it came, and may hang up on it.

use std::future::Future;
use std::io;

use bytes::{Buf, Bytes, BytesMut};
use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What goes back; none hangs up.
pub type Reply = Option<Response<Bytes>>;

/// Who is at the other end of a connection, an extension of each request.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The client's end, a port of this machine.
    pub theirs: u16,
    /// This server's end: a client's port may lead to several servers.
    pub ours: u16,
}

/// More than any test sends.
const MAX_HEADERS: usize = 64;

/// Serves on a free port of this machine, which it returns, for as long as the process lives.
pub async fn serve<H, F>(handler: H) -> u16
where
    H: Fn(Request<Bytes>) -> F + Clone + Send + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let handler = handler.clone();
            // A client that goes away is its own business.
            tokio::spawn(async move { _ = exchange(stream, handler).await });
        }
    });
    port
}

/// One request for each connection, as the answer says.
async fn exchange<H, F>(mut stream: TcpStream, handler: H) -> io::Result<()>
where
    H: Fn(Request<Bytes>) -> F,
    F: Future<Output = Reply>,
{
    let mut request = read(&mut stream).await?;
    request.extensions_mut().insert(Peer { theirs: stream.peer_addr()?.port(), ours: stream.local_addr()?.port() });
    let Some(response) = handler(request).await else { return Ok(()) };
    let mut head =
        format!("HTTP/1.1 {}\r\nConnection: close\r\nContent-Length: {}\r\n", response.status(), response.body().len());
    for (name, value) in response.headers() {
        if !matches!(name.as_str(), "connection" | "content-length" | "transfer-encoding") {
            head.extend([name.as_str(), ": ", value.to_str().unwrap_or_default(), "\r\n"]);
        }
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(response.body()).await?;
    stream.shutdown().await
}

async fn read(stream: &mut TcpStream) -> io::Result<Request<Bytes>> {
    let mut buffer = BytesMut::new();
    let (length, mut request) = loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(head) = head(&buffer)? {
            break head;
        }
    };
    buffer.advance(length);
    let expected =
        request.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
    while buffer.len() < expected {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    *request.body_mut() = buffer.freeze();
    Ok(request)
}

/// The length of the head and what it says; none where it is not all there yet.
fn head(buffer: &[u8]) -> io::Result<Option<(usize, Request<Bytes>)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = parsed.parse(buffer).map_err(io::Error::other)? else { return Ok(None) };
    let mut request = Request::builder().method(parsed.method.unwrap_or_default()).uri(parsed.path.unwrap_or_default());
    for header in parsed.headers.iter() {
        request = request.header(header.name, header.value);
    }
    Ok(Some((length, request.body(Bytes::new()).map_err(io::Error::other)?)))
}
