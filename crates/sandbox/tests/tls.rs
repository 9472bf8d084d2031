//! HTTPS: the CA file, bad certificates, and faults with TLS.

mod common;

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use common::*;
use serde_json::json;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use wxlink_sandbox::{Certificate, Sandbox, Settings};

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn tls(sandbox: &Sandbox, url: &str, name: &str) -> Tls {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(sandbox.ca_file()).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let stream = TcpStream::connect(host(url)).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    StreamOwned::new(
        ClientConnection::new(Arc::new(config), name).unwrap(),
        stream,
    )
}

fn get_list(sandbox: &Sandbox, url: &str, name: &str) -> io::Result<Response> {
    send(&mut tls(sandbox, url, name), &get_request())
}

#[test]
fn a_client_that_trusts_the_ca_file_connects() {
    let sandbox = start();
    for name in ["127.0.0.1", "localhost", "::1"] {
        let response = get_list(&sandbox, sandbox.https_url(), name).unwrap();
        assert_eq!(errcode(&response.json()), 0);
    }
    let pem = std::fs::read_to_string(sandbox.ca_file()).unwrap();
    assert_eq!(pem, sandbox.ca_pem());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(sandbox.ca_file())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let ca_file = sandbox.ca_file().to_owned();
    drop(sandbox);
    assert!(!ca_file.exists());
}

#[test]
fn each_bad_certificate_fails_for_its_own_reason() {
    let sandbox = Sandbox::start(Settings {
        bad_tls: true,
        ..Settings::default()
    })
    .unwrap();
    for (url, part) in [
        (sandbox.https_expired_url(), "expired"),
        (sandbox.https_wrong_name_url(), "not valid for name"),
        (sandbox.https_unknown_issuer_url(), "UnknownIssuer"),
    ] {
        let error = get_list(&sandbox, url.unwrap(), "127.0.0.1")
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(part), "{error}");
    }
    let good = get_list(&sandbox, sandbox.https_url(), "127.0.0.1").unwrap();
    assert_eq!(good.status, 200);
    assert!(start().https_expired_url().is_none());
}

#[test]
fn the_main_listener_can_have_a_bad_certificate_too() {
    let sandbox = Sandbox::start(Settings {
        certificate: Certificate::Expired,
        ..Settings::default()
    })
    .unwrap();
    assert!(get_list(&sandbox, sandbox.https_url(), "127.0.0.1").is_err());
}

#[test]
fn the_journal_and_the_admin_interface_work_over_https() {
    let sandbox = start();
    let mut stream = tls(&sandbox, sandbox.https_url(), "localhost");
    send(&mut stream, &get_request()).unwrap();
    let journal = send(&mut stream, &request("GET", "/__sandbox/journal", "")).unwrap();
    assert_eq!(journal.json()["entries"][0]["listener"], "https");
}

#[test]
fn connections_end_with_or_without_close_notify() {
    let sandbox = start();
    let ended = |rule| {
        fault(&sandbox, rule);
        let mut stream = tls(&sandbox, sandbox.https_url(), "localhost");
        stream.write_all(get_request().as_bytes()).unwrap();
        read_to_end(&mut stream)
    };
    let Received { bytes, error } = ended(json!({"fault": "close_delimited"}));
    assert_eq!((parse(&bytes).status, error), (200, None));
    let Received { bytes, error } = ended(json!({"fault": "close_after"}));
    assert_eq!((parse(&bytes).status, error), (200, None));
    let Received { bytes, error } = ended(json!({"fault": {"cut": {"bytes": 3}}}));
    assert_eq!(parse(&bytes).body, b"{\"e");
    assert_eq!(error, Some(ErrorKind::UnexpectedEof));
    let Received { bytes, error } = ended(json!({"fault": {"drop": "close"}}));
    assert_eq!((bytes.len(), error), (0, Some(ErrorKind::UnexpectedEof)));
    let Received { bytes, error } = ended(json!({"fault": {"drop": "reset"}}));
    assert_eq!((bytes.len(), error), (0, Some(ErrorKind::ConnectionReset)));
}

#[test]
fn handshakes_hang_or_are_reset() {
    let sandbox = start();
    fault(&sandbox, json!({"fault": "tls_hang"}));
    fault(&sandbox, json!({"fault": "tls_reset"}));
    // Neither applies to plain HTTP.
    assert!(statuses(&sandbox).is_empty());

    let mut hanging = tls(&sandbox, sandbox.https_url(), "localhost");
    hanging
        .sock
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let error = hanging.write_all(b"x").unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));

    let mut reset = tls(&sandbox, sandbox.https_url(), "localhost");
    let error = reset
        .write_all(b"x")
        .and_then(|()| reset.read(&mut [0]).map(drop));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::ConnectionReset);

    assert_eq!(
        get_list(&sandbox, sandbox.https_url(), "localhost")
            .unwrap()
            .status,
        200
    );
}
