//! The trusted root certificates and the TLS configuration.

use std::fs::{self, File};
use std::io::Read;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::config::options::Trust;
use crate::model::lang::Lang;
use crate::model::message::{Message, message};

/// The largest `ca_file` (bytes). The system's own bundle has about 256 kB.
const MAX_CA_FILE_BYTES: u64 = 16 << 20;

/// Builds the configuration shared by all connections of a client.
///
/// # Errors
/// Why the trusted roots could not be loaded, as a text for the user.
pub(crate) fn config(trust: Trust, ca_file: Option<&str>) -> Result<Arc<ClientConfig>, Message> {
    let system = match trust {
        Trust::System => system(),
        Trust::Bundled => Vec::new(),
    };
    let mut roots = roots(system);
    if let Some(path) = ca_file {
        add_file(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| message!("TLS is not available: {e}", "TLS 不可用：{e}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The system's roots. If one file holds them all, the folder with a file for each of them is not
/// read: that took most of the time to create a client. `SSL_CERT_FILE` and `SSL_CERT_DIR` are
/// respected.
fn system() -> Vec<CertificateDer<'static>> {
    let bundle = if openssl_probe::has_ssl_cert_env_vars() {
        None
    } else {
        openssl_probe::probe().cert_file
    };
    bundle
        .map(|file| rustls_native_certs::load_certs_from_paths(Some(&file), None).certs)
        .filter(|certs| !certs.is_empty())
        .unwrap_or_else(|| rustls_native_certs::load_native_certs().certs)
}

/// The usable roots of the system, or the bundled ones if there are none.
fn roots(system: Vec<CertificateDer<'_>>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(system);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

fn add_file(roots: &mut RootCertStore, path: &str) -> Result<(), Message> {
    let mut pem = Vec::new();
    // Opening a pipe could block forever, and a device could be endless.
    if fs::metadata(path).is_ok_and(|m| !m.is_file()) {
        return Err(message!(
            "ca_file {path}: it is not a file; give a file with CA certificates in PEM",
            "ca_file {path}：不是普通文件；请指定一个 PEM 格式的 CA 证书文件"
        ));
    }
    File::open(path)
        .and_then(|file| file.take(MAX_CA_FILE_BYTES + 1).read_to_end(&mut pem))
        .map_err(|e| message!("ca_file {path}: {e}", "ca_file {path}：{e}"))?;
    if pem.len() as u64 > MAX_CA_FILE_BYTES {
        return Err(message!(
            "ca_file {path}: it is larger than {MAX_CA_FILE_BYTES} bytes; give a file with CA \
             certificates in PEM",
            "ca_file {path}：超过 {MAX_CA_FILE_BYTES} 字节；请指定一个 PEM 格式的 CA 证书文件"
        ));
    }
    let mut found = 0;
    let mut added = 0;
    let mut why = message!(
        "it holds no PEM certificate (-----BEGIN CERTIFICATE-----)",
        "其中没有 PEM 证书（-----BEGIN CERTIFICATE-----）"
    );
    for cert in CertificateDer::pem_slice_iter(&pem) {
        found += 1;
        match cert {
            Ok(cert) => match roots.add(cert) {
                Ok(()) => added += 1,
                Err(e) => {
                    why = message!(
                        "none of its {found} certificates can be used: {e}",
                        "其中的 {found} 个证书都无法使用：{e}"
                    );
                }
            },
            Err(e) => {
                why = message!("it is damaged: {e:?}", "文件已损坏：{e:?}");
                break;
            }
        }
    }
    if added == 0 {
        let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
        return Err(message!(
            "ca_file {path}: {en}; give a file with CA certificates in PEM",
            "ca_file {path}：{zh}；请指定一个 PEM 格式的 CA 证书文件"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundled_roots_serve_where_the_system_has_none_that_can_be_used() {
        let bundled = webpki_roots::TLS_SERVER_ROOTS.len();
        assert!(bundled > 50);
        assert_eq!(roots(Vec::new()).len(), bundled);
        assert_eq!(
            roots(vec![CertificateDer::from(vec![0x30, 0])]).len(),
            bundled
        );
    }
}
