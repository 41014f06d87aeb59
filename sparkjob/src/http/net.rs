//! The network: reqwest on rustls with ring and the Mozilla roots.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{Lost, MAX_BODY, Transport, Trust};

/// How long a connection may take to be made. A server that is there answers within milliseconds; a security group that
/// drops packets never does.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Servers with authorities of their own that clients are kept for; one more, and all are built anew. An authority that is
/// renewed is another one.
const MAX_TRUSTING: usize = 16;

/// The network. A client is built when the first request is sent.
#[derive(Debug, Default)]
pub struct Net {
    client: OnceLock<Result<reqwest::Client, String>>,
    /// Those that trust more than that one.
    trusting: Mutex<HashMap<Trust, reqwest::Client>>,
}

impl Net {
    fn client(&self, trust: Option<&Trust>) -> Result<reqwest::Client, String> {
        let Some(trust) = trust else {
            return self.client.get_or_init(|| client(roots_of_environment()?)).clone();
        };
        let mut trusting = self.trusting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = trusting.get(trust) {
            return Ok(client.clone());
        }
        let mut roots = public_roots();
        trust.add_to(&mut roots)?;
        let client = client(roots)?;
        if trusting.len() >= MAX_TRUSTING {
            trusting.clear();
        }
        trusting.insert(trust.clone(), client.clone());
        Ok(client)
    }
}

#[async_trait]
impl Transport for Net {
    async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, Lost> {
        let client = self.client(request.extensions().get()).map_err(Lost::NotSent)?;
        let request = reqwest::Request::try_from(request).map_err(|error| Lost::NotSent(explain(&error)))?;
        tokio::time::timeout(limit, exchange(&client, request)).await.unwrap_or(Err(Lost::TimedOut))
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

fn public_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

/// The public ones, and those of the file that the environment names.
fn roots_of_environment() -> Result<RootCertStore, String> {
    let mut roots = public_roots();
    if let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) {
        let told = |error: &dyn std::fmt::Display| format!("SSL_CERT_FILE={}: {error}", path.display());
        for certificate in CertificateDer::pem_file_iter(&path).map_err(|error| told(&error))? {
            roots.add(certificate.map_err(|error| told(&error))?).map_err(|error| told(&error))?;
        }
    }
    Ok(roots)
}

fn client(roots: RootCertStore) -> Result<reqwest::Client, String> {
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
