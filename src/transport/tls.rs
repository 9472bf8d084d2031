//! The trusted root certificates and the TLS configuration.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, KeyProvider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::SigningKey;
use rustls::{ClientConfig, RootCertStore};

use crate::config::options::Trust;
use crate::model::lang::Lang;
use crate::model::message::{Message, message};
use crate::sys::os::is_set_id_program;

/// The largest `ca_file` (bytes). The system's own bundle has about 256 kB.
const MAX_CA_FILE_BYTES: u64 = 16 << 20;
/// The first byte of every certificate in DER.
const DER_SEQUENCE: u8 = 0x30;
/// OpenSSL's variables for a file with root certificates, and for folders with such files.
const FILE_VARIABLE: &str = "SSL_CERT_FILE";
const FOLDER_VARIABLE: &str = "SSL_CERT_DIR";

/// Builds the configuration shared by all connections of a client.
///
/// # Errors
/// Why the trusted roots could not be loaded, as a text for the user.
pub(crate) fn config(trust: Trust, ca_file: Option<&str>) -> Result<Arc<ClientConfig>, Message> {
    let mut roots = match trust {
        Trust::System => system_roots()?,
        Trust::Bundled => usable_or_bundled(Vec::new()),
    };
    if let Some(path) = ca_file {
        add_file(&mut roots, "ca_file", Path::new(path))?;
    }
    let provider = CryptoProvider {
        key_provider: &NoPrivateKeys,
        ..rustls::crypto::ring::default_provider()
    };
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| message!("TLS is not available: {e}", "TLS 不可用：{e}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Reads no private keys: a client without a certificate of its own never signs. It leaves the code
/// for signatures out of the library.
#[derive(Debug)]
struct NoPrivateKeys;

impl KeyProvider for NoPrivateKeys {
    fn load_private_key(
        &self,
        _: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General("a client has no private key".into()))
    }
}

/// The roots that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, otherwise the system's. A set-id program
/// ignores the variables, because its caller sets them and the roots decide which servers receive
/// its tokens.
fn system_roots() -> Result<RootCertStore, Message> {
    let [file, folders] = [FILE_VARIABLE, FOLDER_VARIABLE].map(|name| {
        let value = env::var_os(name).filter(|value| !value.is_empty());
        value.filter(|_| !is_set_id_program())
    });
    if file.is_none() && folders.is_none() {
        return Ok(usable_or_bundled(usual_certificates()));
    }
    named_roots(file.as_deref(), folders.as_deref())
}

/// The certificates of the system's usual places, whatever the environment says. If one file holds
/// them all, the folder with a file for each of them is not read: that took most of the time to
/// create a client.
#[cfg(unix)]
fn usual_certificates() -> Vec<CertificateDer<'static>> {
    use rustls_native_certs::load_certs_from_paths as read;
    // `probe` prefers a file that the environment names.
    let named = env::var_os(FILE_VARIABLE);
    let bundle = openssl_probe::probe().cert_file;
    bundle
        .filter(|file| named.is_none_or(|named| named != file.as_os_str()))
        .map(|file| read(Some(&file), None).certs)
        .filter(|certs| !certs.is_empty())
        .unwrap_or_else(|| {
            openssl_probe::candidate_cert_dirs()
                .flat_map(|folder| read(None, Some(folder)).certs)
                .collect()
        })
}

/// The certificates of the system's store.
#[cfg(windows)]
fn usual_certificates() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

/// The usable ones of these roots, or the bundled roots if there are none.
fn usable_or_bundled(certificates: Vec<CertificateDer<'_>>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// The roots of a file and of a list of folders. They are named on purpose, so no others take their
/// place if there are none.
fn named_roots(file: Option<&OsStr>, folders: Option<&OsStr>) -> Result<RootCertStore, Message> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        add_file(&mut roots, FILE_VARIABLE, Path::new(file))?;
    }
    for folder in folders.iter().flat_map(env::split_paths) {
        let found = rustls_native_certs::load_certs_from_paths(None, Some(&folder));
        roots.add_parsable_certificates(found.certs);
    }
    if roots.is_empty() {
        let folders = Path::new(folders.unwrap_or_default()).display();
        return Err(message!(
            "{FOLDER_VARIABLE} {folders}: there is no usable certificate; name a folder with CA \
             certificates in PEM, or unset the variable",
            "{FOLDER_VARIABLE} {folders}：其中没有可用的证书；\
             请指定含有 PEM 格式 CA 证书的目录，或取消该环境变量"
        ));
    }
    Ok(roots)
}

/// Adds the certificates of the file that the option or variable `name` names.
fn add_file(roots: &mut RootCertStore, name: &str, path: &Path) -> Result<(), Message> {
    read_file(path)
        .and_then(|pem| add_pem(roots, &pem))
        .map_err(|why| {
            let (path, en, zh) = (path.display(), why.get(Lang::En), why.get(Lang::Zh));
            message!(
                "{name} {path}: {en}; give a file with CA certificates in PEM",
                "{name} {path}：{zh}；请指定一个 PEM 格式的 CA 证书文件"
            )
        })
}

fn read_file(path: &Path) -> Result<Vec<u8>, Message> {
    let about = fs::metadata(path).map_err(|e| Message::from(e.to_string()))?;
    if about.is_dir() {
        return Err(message!("it is a folder", "是一个目录"));
    }
    // Opening a pipe could block forever, and a device could be endless.
    if !about.is_file() {
        return Err(message!("it is not a file", "不是普通文件"));
    }
    let mut pem = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_CA_FILE_BYTES + 1).read_to_end(&mut pem))
        .map_err(|e| Message::from(e.to_string()))?;
    if pem.len() as u64 > MAX_CA_FILE_BYTES {
        return Err(message!(
            "it is larger than {MAX_CA_FILE_BYTES} bytes",
            "超过 {MAX_CA_FILE_BYTES} 字节"
        ));
    }
    Ok(pem)
}

/// Adds the certificates of a PEM text. A certificate that TLS cannot use is skipped if another one
/// can be used, as bundles contain old ones; anything else that would be missing is an error.
fn add_pem(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), Message> {
    let pem = pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(pem);
    let contains = |text: &str| pem.windows(text.len()).any(|part| part == text.as_bytes());
    if contains("-----BEGIN TRUSTED CERTIFICATE-----") {
        return Err(message!(
            "it holds a TRUSTED CERTIFICATE, a form that only OpenSSL reads (openssl x509 -in FILE \
             -out NEW.pem converts it)",
            "其中含有 TRUSTED CERTIFICATE，只有 OpenSSL 能读取这种格式\
             （可用 openssl x509 -in 文件 -out 新文件.pem 转换）"
        ));
    }
    let mut found = 0;
    let mut added = 0;
    let mut unusable = None;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        found += 1;
        let certificate = certificate.map_err(|_| {
            message!(
                "certificate {found} in it is damaged or cut off",
                "其中第 {found} 个证书已损坏或不完整"
            )
        })?;
        match roots.add(certificate) {
            Ok(()) => added += 1,
            Err(why) => unusable = Some(why),
        }
    }
    match unusable {
        _ if added > 0 => Ok(()),
        Some(why) => Err(message!(
            "none of its {found} certificates can be used: {why}",
            "其中的 {found} 个证书都无法使用：{why}"
        )),
        None if pem.is_empty() => Err(message!("it is empty", "文件为空")),
        None if contains("PRIVATE KEY-----") => Err(message!(
            "it holds a private key and no certificate",
            "其中只有私钥，没有证书"
        )),
        None if pem.starts_with(&[DER_SEQUENCE]) => Err(message!(
            "it is binary, perhaps a certificate in DER (openssl x509 -inform DER -in FILE -out \
             NEW.pem converts it)",
            "是二进制文件，可能是 DER 格式的证书\
             （可用 openssl x509 -inform DER -in 文件 -out 新文件.pem 转换）"
        )),
        None if pem.starts_with(b"\xff\xfe") || pem.starts_with(b"\xfe\xff") => {
            Err(message!("it is UTF-16 text", "是 UTF-16 文本"))
        }
        None => Err(message!(
            "it holds no PEM certificate (-----BEGIN CERTIFICATE-----)",
            "其中没有 PEM 证书（-----BEGIN CERTIFICATE-----）"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundled_roots_serve_where_the_system_has_none_that_can_be_used() {
        let bundled = webpki_roots::TLS_SERVER_ROOTS.len();
        assert_ne!(bundled, 0);
        let unusable = vec![CertificateDer::from(vec![DER_SEQUENCE, 0])];
        for system in [Vec::new(), unusable] {
            assert_eq!(usable_or_bundled(system).len(), bundled);
        }
    }

    #[test]
    fn variables_that_name_nothing_are_refused() {
        let refused = |file: Option<&str>, folders: Option<&str>| {
            let why = named_roots(file.map(OsStr::new), folders.map(OsStr::new)).unwrap_err();
            why.get(Lang::En).to_owned()
        };
        let missing = Some("/nowhere/roots");
        let why = refused(missing, None);
        assert!(why.starts_with("SSL_CERT_FILE /nowhere/roots: "), "{why}");
        let why = refused(None, missing);
        assert!(why.starts_with("SSL_CERT_DIR /nowhere/roots: "), "{why}");
        let why = refused(missing, Some("/"));
        assert!(why.starts_with("SSL_CERT_FILE /nowhere/roots: "), "{why}");
    }
}
