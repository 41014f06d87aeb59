//! Whom to believe that they are the server.

use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Certificate authorities of a server's own, trusted besides the public ones: an extension of requests to that server.
///
/// What the environment says (`SSL_CERT_FILE`) is not trusted besides them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Trust(Arc<[CertificateDer<'static>]>);

impl Trust {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// What is wrong with them, as a sentence's end that holds nothing of them.
    pub fn read(pem: &str) -> Result<Self, String> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let certificates = certificates.map_err(|_| "must be PEM".to_owned())?;
        if certificates.is_empty() {
            return Err("must be PEM with at least one certificate".to_owned());
        }
        let trust = Self(certificates.into());
        trust.add_to(&mut RootCertStore::empty())?;
        Ok(trust)
    }

    pub(super) fn add_to(&self, roots: &mut RootCertStore) -> Result<(), String> {
        for certificate in self.0.iter() {
            roots.add(certificate.clone()).map_err(|_| "must hold certificates of authorities".to_owned())?;
        }
        Ok(())
    }
}

/// They are public, and long.
impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trust({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused_without_a_word_of_it() {
        let certificate =
            |content: &str| format!("-----BEGIN CERTIFICATE-----\n{content}\n-----END CERTIFICATE-----\n");
        for (pem, problem) in [
            (String::new(), "must be PEM with at least one certificate"),
            ("hunter2".to_owned(), "must be PEM with at least one certificate"),
            (certificate("!hunter2!"), "must be PEM"),
            (certificate("aHVudGVyMg=="), "must hold certificates of authorities"),
            (
                certificate("aHVudGVyMg==").replace("CERTIFICATE", "PRIVATE KEY"),
                "must be PEM with at least one certificate",
            ),
        ] {
            assert_eq!(Trust::read(&pem), Err(problem.to_owned()), "{pem}");
        }
    }
}
