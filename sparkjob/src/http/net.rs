//! The network: reqwest on rustls with ring and the Mozilla roots.

use std::error::Error as _;
use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{Lost, MAX_BODY, Transport};

/// How long a connection may take to be made. A server that is there answers within milliseconds; a security group that
/// drops packets never does.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// The network. The client is built when the first request is sent.
#[derive(Debug, Default)]
pub struct Net {
    client: OnceLock<Result<reqwest::Client, String>>,
}

#[async_trait]
impl Transport for Net {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        let client = self.client.get_or_init(client).as_ref().map_err(|why| Lost::NotSent(why.clone()))?;
        let request = reqwest::Request::try_from(request).map_err(|error| Lost::NotSent(explain(&error)))?;
        tokio::time::timeout(limit, exchange(client, request)).await.unwrap_or(Err(Lost::TimedOut))
    }
}

async fn exchange(client: &reqwest::Client, request: reqwest::Request) -> Result<Response<Bytes>, Lost> {
    let mut received = client.execute(request).await.map_err(lost)?;
    let mut body = BytesMut::new();
    while let Some(chunk) = received.chunk().await.map_err(lost)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Lost::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = Response::new(body.freeze());
    *response.status_mut() = received.status();
    std::mem::swap(response.headers_mut(), received.headers_mut());
    Ok(response)
}

fn client() -> Result<reqwest::Client, String> {
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) {
        let told = |error: &dyn std::fmt::Display| format!("SSL_CERT_FILE={}: {error}", path.display());
        for certificate in CertificateDer::pem_file_iter(&path).map_err(|error| told(&error))? {
            roots.add(certificate.map_err(|error| told(&error))?).map_err(|error| told(&error))?;
        }
    }
    let provider = rustls::crypto::ring::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_LIMIT)
        .build()
        .map_err(|error| explain(&error))
}

/// The one place where a network error gets its meaning.
fn lost(error: reqwest::Error) -> Lost {
    // Without this, Display and Debug print the address, which may be a presigned one.
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        Lost::NotSent(explain(&error))
    } else if error.is_timeout() {
        Lost::TimedOut
    } else {
        Lost::Unclear(explain(&error))
    }
}

/// The innermost cause, which says most: `Connection refused (os error 111)`.
fn explain(error: &reqwest::Error) -> String {
    let innermost = std::iter::successors(error.source(), |&cause| cause.source()).last();
    innermost.map_or_else(|| "the request could not be made".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests;
