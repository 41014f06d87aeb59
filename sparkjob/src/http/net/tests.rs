//! The network against servers that misbehave, on real sockets and in real time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use http::Method;

use super::*;

/// Part of every address here: no error may show it.
const SECRET: &str = "X-Amz-Signature-5ec2e7";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A server that deals with each request as it is told; its address, and how many requests it has read.
fn server(deal: impl Fn(&mut TcpStream, usize) + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/{SECRET}?{SECRET}", listener.local_addr().expect("an address"));
    let read = Arc::new(AtomicUsize::new(0));
    let (counter, deal) = (Arc::clone(&read), Arc::new(deal));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, counter, deal) = (stream.expect("a connection"), Arc::clone(&counter), Arc::clone(&deal));
            std::thread::spawn(move || {
                while receive(&mut stream).is_some() {
                    deal(&mut stream, counter.fetch_add(1, Ordering::SeqCst) + 1);
                }
            });
        }
    });
    (address, read)
}

/// One request, word for word; none where the connection has ended.
fn receive(stream: &mut TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let start = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if let Some(number) = head[start..].to_ascii_lowercase().strip_prefix("content-length:") {
            length = number.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8_lossy(&body))
}

async fn send(net: &Net, method: Method, address: &str, limit: Duration) -> Result<Response<Bytes>, Lost> {
    let request = Request::builder().method(method).uri(address).body(Bytes::from_static(b"{}")).expect("a request");
    net.send(request, limit).await
}

/// What is lost of a POST to `address`, which must not show what the address is.
async fn loss(address: &str) -> Lost {
    let lost = send(&Net::default(), Method::POST, address, Duration::from_secs(2)).await.expect_err("a loss");
    assert!(!format!("{lost} {lost:?}").contains(SECRET), "{lost:?}");
    lost
}

#[tokio::test]
async fn what_nobody_listens_to_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let refused = loss(&format!("http://127.0.0.1:{port}/{SECRET}")).await;
    assert!(matches!(&refused, Lost::NotSent(why) if why.contains("refused")), "{refused:?}");
    let unknown = loss(&format!("http://no-such-host.invalid/{SECRET}")).await;
    assert!(matches!(unknown, Lost::NotSent(_)), "{unknown:?}");
}

/// As in a VPC without an endpoint: what nobody takes up is known not to have been sent.
#[tokio::test(start_paused = true)]
async fn a_connection_that_never_comes_about_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(stream);
    }
    let began = tokio::time::Instant::now();
    let net = Net::default();
    let sent = send(&net, Method::POST, &format!("http://{address}/{SECRET}"), CONNECT_LIMIT * 6).await;
    assert!(matches!(sent, Err(Lost::NotSent(_))), "{sent:?}");
    assert_eq!(began.elapsed().as_secs(), CONNECT_LIMIT.as_secs());
}

#[tokio::test]
async fn where_tls_is_not_agreed_upon_nothing_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let lost = loss(&format!("https://127.0.0.1:{port}/{SECRET}")).await;
    assert!(matches!(lost, Lost::NotSent(_)), "{lost:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_times_out() {
    let (address, read) = server(|_, _| std::thread::sleep(Duration::from_mins(1)));
    let begin = Instant::now();
    assert_eq!(loss(&address).await, Lost::TimedOut);
    assert!(begin.elapsed() < Duration::from_secs(4));
    assert_eq!(read.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_body_that_trickles_in_times_out() {
    let (address, _) = server(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        while stream.write_all(b".").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    assert_eq!(loss(&address).await, Lost::TimedOut);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_is_unclear() {
    let (address, read) = server(|stream, _| drop(stream.shutdown(std::net::Shutdown::Both)));
    let lost = loss(&address).await;
    assert!(matches!(lost, Lost::Unclear(_)), "{lost:?}");
    assert_eq!(read.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_body_that_ends_early_is_unclear() {
    let (address, _) = server(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
    let lost = loss(&address).await;
    assert!(matches!(lost, Lost::Unclear(_)), "{lost:?}");
}

#[tokio::test]
async fn what_is_not_http_is_unclear() {
    let (address, _) = server(|stream, _| drop(stream.write_all(b"220 mail.example.org ESMTP\r\n")));
    let lost = loss(&address).await;
    assert!(matches!(lost, Lost::Unclear(_)), "{lost:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_when_it_is_used_again_does_not_repeat_the_request() {
    let (address, read) = server(|stream, request| {
        let _ = if request == 1 { stream.write_all(OK) } else { stream.shutdown(std::net::Shutdown::Both) };
    });
    let net = Net::default();
    send(&net, Method::POST, &address, Duration::from_secs(2)).await.expect("an answer");
    let lost = send(&net, Method::POST, &address, Duration::from_secs(2)).await.expect_err("a loss");
    assert!(matches!(lost, Lost::Unclear(_)), "{lost:?}");
    assert_eq!(read.load(Ordering::SeqCst), 2);
}

/// An answer without end: how it begins, how it goes on for ever, and what becomes of it.
struct Endless {
    head: &'static str,
    more: &'static [u8],
    comes_to: fn(&Result<Response<Bytes>, Lost>) -> bool,
}

/// What a server gets rid of, at most, in bytes: what is read, and what the system keeps for a reader that never comes.
const MOST_SENT: usize = MAX_BODY + (32 << 20);

impl Endless {
    /// Sends a request to a server that answers so, and holds what comes of it to what should, and the server to the end
    /// of its connection long before it has sent the gigabyte that it has.
    async fn ends(self) {
        let Self { head, more, comes_to } = self;
        let (tell, told) = std::sync::mpsc::channel();
        let (address, _) = server(move |stream, _| {
            let more = more.repeat((1 << 16) / more.len());
            let mut sent = 0;
            let _ = stream.write_all(head.as_bytes());
            while sent < 1 << 30 && stream.write_all(&more).is_ok() {
                sent += more.len();
            }
            let _ = tell.send(sent);
        });
        let net = Net::default();
        let came = send(&net, Method::GET, &address, Duration::from_mins(1)).await;
        assert!(comes_to(&came), "{head:?}: {came:?}");
        let sent = tokio::task::spawn_blocking(move || told.recv_timeout(Duration::from_mins(1)));
        let sent = sent.await.expect("no panic").expect("the server stops");
        assert!(sent < MOST_SENT, "{head:?}: the server got rid of {sent} bytes");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let is_too_large = |came: &Result<_, Lost>| matches!(came, Err(Lost::TooLarge));
    let is_unclear = |came: &Result<_, Lost>| matches!(came, Err(Lost::Unclear(_)));
    let is_ok = |came: &Result<Response<Bytes>, Lost>| came.as_ref().is_ok_and(|answer| answer.body() == "ok");
    for (head, more, comes_to) in [
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"40\r\n................................................................\r\n".as_slice(),
            is_too_large as fn(&_) -> _,
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", b".", is_too_large),
        ("HTTP/1.1 500 Internal Server Error\r\n\r\n", b".", is_too_large),
        // More than it said that there would be.
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b".", is_ok),
        ("HTTP/1.1 200 ", b".", is_unclear),
        ("HTTP/1.1 200 OK\r\nX: ", b".", is_unclear),
        ("HTTP/1.1 200 OK\r\n", b"X: .\r\n", is_unclear),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;", b".", is_unclear),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n", b"X: .\r\n", is_unclear),
    ] {
        Endless { head, more, comes_to }.ends().await;
    }
}

#[tokio::test]
async fn an_answer_that_never_begins_times_out() {
    let (address, _) = server(|stream, _| {
        while stream.write_all(&b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100)).is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    assert_eq!(loss(&address).await, Lost::TimedOut);
}

#[tokio::test]
async fn a_compressed_body_stays_as_it_is() {
    // `ok`, of which the same few bytes could as well make gigabytes.
    const OK: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xcb\xcf\x06\0\x47\xdd\xdc\x79\x02\0\0\0";
    let (address, _) = server(|stream, _| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", OK.len());
        let _ = stream.write_all(&[head.as_bytes(), OK].concat());
    });
    let answer = send(&Net::default(), Method::GET, &address, Duration::from_secs(2)).await.expect("an answer");
    assert_eq!(answer.body().as_ref(), OK);
}

#[tokio::test]
async fn a_body_of_the_greatest_length_is_read() {
    let (address, _) = server(|stream, _| {
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {MAX_BODY}\r\n\r\n").as_bytes());
        let _ = stream.write_all(&vec![b'.'; MAX_BODY]);
    });
    let answer = send(&Net::default(), Method::GET, &address, Duration::from_secs(10)).await.expect("an answer");
    assert_eq!(answer.body().len(), MAX_BODY);
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let (address, read) = server(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
    });
    let answer = send(&Net::default(), Method::GET, &address, Duration::from_secs(2)).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers()["location"].as_bytes()), (302, b"/elsewhere".as_slice()));
    assert_eq!(read.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_arrives_as_it_was_made() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let arrived = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let request = receive(&mut stream);
        let _ = stream.write_all(OK);
        request.expect("a request")
    });
    // A presigned address is signed as it is written: nothing may be encoded anew, and no header may be added.
    let path = "/bucket/a%2Bb%7C/c?Signature=x%2By%3D&Key=z";
    let request =
        Request::put(format!("http://{host}{path}")).body(Bytes::from_static(b"{\"a\":1}")).expect("a request");
    let answer = Net::default().send(request, Duration::from_secs(2)).await.expect("an answer");
    assert_eq!(answer.body().as_ref(), b"ok");
    let arrived = arrived.join().expect("a server");
    let mut lines: Vec<&str> = arrived.split("\r\n").collect();
    lines[1..].sort_unstable();
    let host = format!("host: {host}");
    assert_eq!(lines, [&format!("PUT {path} HTTP/1.1"), "", "accept: */*", "content-length: 7", &host, "{\"a\":1}"]);
}

/// A server at `localhost` over TLS that answers each connection once; its port, and the authority that vouches for it.
fn tls_server(authority: &str) -> (u16, String) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, authority);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).expect("an authority");
    let issuer = rcgen::Issuer::new(params, key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .expect("a certificate and its key");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, config) = (stream.expect("a connection"), Arc::clone(&config));
            std::thread::spawn(move || {
                let mut connection = rustls::ServerConnection::new(config).expect("a connection");
                let mut tls = rustls::Stream::new(&mut connection, &mut stream);
                // Whoever does not trust it sends nothing.
                if tls.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
                    let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
                    connection.send_close_notify();
                    let _ = connection.complete_io(&mut stream);
                }
            });
        }
    });
    (port, authority.pem())
}

#[tokio::test]
async fn a_server_is_believed_by_its_own_authority_where_a_request_says_so() {
    let ((port, authority), (_, other)) = (tls_server("ours"), tls_server("another"));
    let net = Net::default();
    let ask = async |trust: Option<&str>| {
        let mut request =
            Request::get(format!("https://localhost:{port}/{SECRET}")).body(Bytes::new()).expect("a request");
        if let Some(pem) = trust {
            request.extensions_mut().insert(Trust::read(pem).expect("certificates"));
        }
        net.send(request, Duration::from_secs(5)).await.map(Response::into_body)
    };
    for _ in 0..2 {
        assert_eq!(ask(Some(&authority)).await, Ok(Bytes::from_static(b"ok")));
        assert_eq!(ask(Some(&format!("{other}{authority}"))).await, Ok(Bytes::from_static(b"ok")));
        for stranger in [None, Some(&*other)] {
            let lost = ask(stranger).await.expect_err("a stranger");
            assert!(matches!(&lost, Lost::NotSent(why) if why.contains("UnknownIssuer")), "{lost:?}");
        }
    }
    assert_eq!(net.trusting.lock().expect("no panic").len(), 3);
}

#[tokio::test]
async fn clients_for_authorities_are_not_kept_without_end() {
    let net = Net::default();
    for _ in 0..=MAX_TRUSTING {
        let own = rcgen::generate_simple_self_signed(["livy".to_owned()]).expect("a certificate").cert.pem();
        net.client(Some(&Trust::read(&own).expect("a certificate"))).expect("a client");
    }
    assert_eq!(net.trusting.lock().expect("no panic").len(), 1);
}
