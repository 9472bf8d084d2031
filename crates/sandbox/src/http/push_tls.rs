//! TLS to the platform's URL: whose certificates are trusted.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use crate::model::message::{Message, message};

/// Which certificates of the platform's URL are accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PushTrust {
    /// Those that the system trusts.
    #[default]
    System,
    /// Those of these CAs, as PEM.
    Ca(String),
    /// All.
    All,
}

impl PushTrust {
    /// Checks that the PEM contains certificates.
    pub(crate) fn check(&self) -> io::Result<()> {
        match self {
            Self::Ca(pem) => roots(pem).map(drop),
            Self::System | Self::All => Ok(()),
        }
    }
}

/// Connects over TLS. The system's certificates are read with the first connection.
pub(crate) struct PushTls {
    trust: PushTrust,
    connector: OnceLock<Option<TlsConnector>>,
}

impl PushTls {
    pub(crate) fn new(trust: PushTrust) -> Self {
        Self {
            trust,
            connector: OnceLock::new(),
        }
    }

    /// `None`: the system has no certificates that can be read.
    pub(crate) fn connector(&self) -> Option<&TlsConnector> {
        let connector = self.connector.get_or_init(|| connector(&self.trust).ok());
        connector.as_ref()
    }
}

fn connector(trust: &PushTrust) -> io::Result<TlsConnector> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let config = match trust {
        PushTrust::System => {
            let mut roots = RootCertStore::empty();
            // Of many certificates, some may be of an unknown form.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(io::Error::other("the system trusts no certificates"));
            }
            config.with_root_certificates(roots)
        }
        PushTrust::Ca(pem) => config.with_root_certificates(roots(pem)?),
        PushTrust::All => config
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AcceptAll(provider))),
    };
    Ok(TlsConnector::from(Arc::new(config.with_no_client_auth())))
}

fn roots(pem: &str) -> io::Result<RootCertStore> {
    let invalid = |why: Message| io::Error::new(io::ErrorKind::InvalidInput, why);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()))
            .map_err(|error| {
                invalid(message!(
                    "the CA for pushes is invalid: {error}",
                    "推送用的 CA 无效：{error}"
                ))
            })?;
    }
    if roots.is_empty() {
        return Err(invalid(Message::new(
            "the CA for pushes has no certificate",
            "推送用的 CA 中没有证书",
        )));
    }
    Ok(roots)
}

/// Accepts every certificate, whose key the server must have all the same.
struct AcceptAll(Arc<CryptoProvider>);

impl fmt::Debug for AcceptAll {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AcceptAll")
    }
}

impl ServerCertVerifier for AcceptAll {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signed,
            algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signed,
            algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
