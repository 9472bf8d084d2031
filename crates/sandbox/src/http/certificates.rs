//! Certificates generated at start: a CA for this simulator, valid certificates and bad ones.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use time::{Duration, OffsetDateTime};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ServerConfig, SignatureScheme};

use crate::http::rsa_key;

/// Why clients refuse an HTTPS listener's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Certificate {
    /// Nothing: it is valid for 127.0.0.1, ::1, localhost, the address that is listened on, and
    /// [`Settings::tls_names`](crate::Settings::tls_names).
    #[default]
    Valid,
    /// It has expired.
    Expired,
    /// It is for another host.
    WrongName,
    /// It was issued by a CA other than the one in the CA file.
    UnknownIssuer,
}

/// The CAs that clients are to trust, and one that they do not know.
pub(crate) struct CertificateAuthority {
    trusted: Issuer<'static, KeyPair>,
    unknown: Issuer<'static, KeyPair>,
    /// What clients need that do not accept ECDSA.
    rsa: Option<RsaAuthority>,
    pem: String,
}

/// A CA with an RSA key, and the RSA key of all its certificates.
struct RsaAuthority {
    issuer: Issuer<'static, KeyPair>,
    server_key: KeyPair,
}

/// Chooses the certificate that a client accepts.
#[derive(Debug)]
struct Chosen {
    ecdsa: Arc<CertifiedKey>,
    rsa: Option<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Chosen {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // `rustls` leaves out schemes for which the client offers no cipher suite.
        let accepts_ecdsa = hello
            .signature_schemes()
            .contains(&SignatureScheme::ECDSA_NISTP256_SHA256);
        match &self.rsa {
            Some(rsa) if !accepts_ecdsa => Some(rsa.clone()),
            _ => Some(self.ecdsa.clone()),
        }
    }
}

impl CertificateAuthority {
    /// `with_rsa`: there are certificates with RSA besides those with ECDSA.
    pub(crate) fn new(with_rsa: bool) -> io::Result<Self> {
        let new_key = || KeyPair::generate().map_err(io::Error::other);
        let (trusted, der) = new_authority("wxlink sandbox CA", new_key()?)?;
        let (unknown, _) = new_authority("wxlink sandbox CA that is not trusted", new_key()?)?;
        let mut pem = pem(&der);
        let mut rsa = None;
        if with_rsa {
            let (issuer, der) = new_authority("wxlink sandbox CA (RSA)", rsa_key::generate()?)?;
            pem += &self::pem(&der);
            rsa = Some(RsaAuthority {
                issuer,
                server_key: rsa_key::generate()?,
            });
        }
        Ok(Self {
            trusted,
            unknown,
            rsa,
            pem,
        })
    }

    /// The certificates to trust, as PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// The TLS settings of a listener on this address, with a new certificate.
    pub(crate) fn acceptor(
        &self,
        certificate: Certificate,
        address: IpAddr,
        names: &[String],
    ) -> io::Result<TlsAcceptor> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let params = server_certificate(certificate, address, names)?;
        let issuer = match certificate {
            Certificate::UnknownIssuer => &self.unknown,
            _ => &self.trusted,
        };
        let ecdsa = certified_key(&params, &key, issuer)?;
        let rsa = match (&self.rsa, certificate) {
            (None, _) => None,
            // A client that knows no CA of this certificate refuses it, whatever its key is.
            (Some(_), Certificate::UnknownIssuer) => None,
            (Some(rsa), _) => Some(certified_key(&params, &rsa.server_key, &rsa.issuer)?),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Chosen { ecdsa, rsa }));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// A certificate for this key, and the key.
fn certified_key(
    params: &CertificateParams,
    key: &KeyPair,
    issuer: &Issuer<'static, KeyPair>,
) -> io::Result<Arc<CertifiedKey>> {
    let signed = params.signed_by(key, issuer).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = ring::sign::any_supported_type(&key).map_err(io::Error::other)?;
    Ok(Arc::new(CertifiedKey::new(vec![signed.der().clone()], key)))
}

/// A CA with this key, and its certificate as DER.
fn new_authority(name: &str, key: KeyPair) -> io::Result<(Issuer<'static, KeyPair>, Vec<u8>)> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = validity(false);
    let der = params
        .self_signed(&key)
        .map_err(io::Error::other)?
        .der()
        .to_vec();
    Ok((Issuer::new(params, key), der))
}

fn server_certificate(
    certificate: Certificate,
    address: IpAddr,
    own_names: &[String],
) -> io::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "wxlink sandbox");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    (params.not_before, params.not_after) = validity(certificate == Certificate::Expired);
    let name = |name: &str| {
        name.try_into()
            .map(SanType::DnsName)
            .map_err(io::Error::other)
    };
    params.subject_alt_names = if certificate == Certificate::WrongName {
        vec![name("elsewhere.invalid")?]
    } else {
        let mut names = vec![
            name("localhost")?,
            SanType::IpAddress([127, 0, 0, 1].into()),
            SanType::IpAddress([0, 0, 0, 0, 0, 0, 0, 1].into()),
        ];
        let own = SanType::IpAddress(address);
        if !address.is_unspecified() && !names.contains(&own) {
            names.push(own);
        }
        for own_name in own_names {
            names.push(name(own_name)?);
        }
        names
    };
    Ok(params)
}

/// The start and the end of a certificate's validity: a period around now, or one that has passed.
fn validity(expired: bool) -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    if expired {
        (now - Duration::days(60), now - Duration::days(30))
    } else {
        // It starts a day ago because the clocks of client and simulator may differ.
        (now - Duration::days(1), now + Duration::days(365))
    }
}

/// Encodes a certificate as PEM.
fn pem(der: &[u8]) -> String {
    let base64 = BASE64.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
