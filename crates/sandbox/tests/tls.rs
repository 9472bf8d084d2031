//! HTTPS: the CA file, bad certificates, and faults with TLS.

mod common;

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use common::*;
use serde_json::json;
use tokio_rustls::rustls::crypto::WebPkiSupportedAlgorithms;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, SignatureScheme, StreamOwned,
    SupportedProtocolVersion,
};
use wxlink_sandbox::{Certificate, Sandbox, Settings};

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn tls(sandbox: &Sandbox, url: &str, name: &str) -> Tls {
    tls_over(sandbox, TcpStream::connect(host(url)).unwrap(), name)
}

fn tls_over(sandbox: &Sandbox, stream: TcpStream, name: &str) -> Tls {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots(sandbox))
        .with_no_client_auth();
    tls_with(config, stream, name)
}

fn roots(sandbox: &Sandbox) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(sandbox.ca_file()).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    roots
}

fn tls_with(config: ClientConfig, stream: TcpStream, name: &str) -> Tls {
    let name = ServerName::try_from(name.to_owned()).unwrap();
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
fn the_certificate_is_valid_for_further_names() {
    let sandbox = start_with_names();
    for name in [NAME, "mp.weixin.qq.com", "localhost"] {
        let response = get_list(&sandbox, sandbox.https_url(), name).unwrap();
        assert_eq!(errcode(&response.json()), 0, "{name}");
    }
    assert!(get_list(&sandbox, sandbox.https_url(), "qq.com").is_err());
}

const NAME: &str = "api.weixin.qq.com";

fn start_with_names() -> Sandbox {
    Sandbox::start(Settings {
        tls_names: vec![NAME.to_owned(), "mp.weixin.qq.com".to_owned()],
        ..Settings::default()
    })
    .unwrap()
}

/// Asks for a tunnel over a new connection.
fn connect_through(sandbox: &Sandbox, authority: &str) -> (TcpStream, Response) {
    let mut stream = connect(sandbox);
    let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    let response = send(&mut stream, &request).unwrap();
    (stream, response)
}

#[test]
fn a_tunnel_leads_to_the_simulator_itself() {
    let sandbox = start_with_names();
    let port = host(sandbox.https_url()).rsplit_once(':').unwrap().1;
    for authority in [
        "api.weixin.qq.com:443".to_owned(),
        "API.weixin.qq.com:8443".to_owned(),
        format!("localhost:{port}"),
        format!("127.0.0.1:{port}"),
    ] {
        let (stream, response) = connect_through(&sandbox, &authority);
        assert_eq!(response.status, 200, "{authority}");
        let mut tunnel = tls_over(&sandbox, stream, NAME);
        let response = send(&mut tunnel, &get_request()).unwrap();
        assert_eq!(errcode(&response.json()), 0, "{authority}");
    }
    let (mut plain, response) = connect_through(&sandbox, "mp.weixin.qq.com:80");
    assert_eq!(response.status, 200);
    assert_eq!(send(&mut plain, &get_request()).unwrap().status, 200);

    // What the client sends together with its request is not lost.
    let mut stream = connect(&sandbox);
    let eager = format!(
        "CONNECT {NAME}:80 HTTP/1.1\r\nHost: x\r\n\r\n{}",
        get_request()
    );
    assert_eq!(send(&mut stream, &eager).unwrap().status, 200);
    assert_eq!(errcode(&send(&mut stream, "").unwrap().json()), 0);
}

#[test]
fn other_tunnels_are_refused() {
    let sandbox = start_with_names();
    for authority in [
        "example.com:443",
        "127.0.0.1:1",
        "localhost:443",
        "qq.com:443",
    ] {
        let (mut stream, response) = connect_through(&sandbox, authority);
        assert_eq!(response.status, 403, "{authority}");
        assert!(
            response.text().contains("--tls-name"),
            "{}",
            response.text()
        );
        // The connection can be used again.
        assert_eq!(send(&mut stream, &get_request()).unwrap().status, 200);
    }
    assert_eq!(
        connect_through(&start(), "api.weixin.qq.com:443").1.status,
        403
    );
}

/// A client that verifies no signatures but RSA's.
fn rsa_only(sandbox: &Sandbox, version: &'static SupportedProtocolVersion) -> ClientConfig {
    let mut provider = ring::default_provider();
    let known = provider.signature_verification_algorithms.mapping;
    let is_rsa = |scheme: &SignatureScheme| format!("{scheme:?}").starts_with("RSA");
    let mapping: Vec<_> = known
        .iter()
        .filter(|(scheme, _)| is_rsa(scheme))
        .copied()
        .collect();
    let all: Vec<_> = mapping
        .iter()
        .flat_map(|(_, all)| all.iter().copied())
        .collect();
    provider.signature_verification_algorithms = WebPkiSupportedAlgorithms {
        all: Vec::leak(all),
        mapping: Vec::leak(mapping),
    };
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots(sandbox))
        .with_no_client_auth()
}

#[test]
fn clients_without_ecdsa_get_a_certificate_with_rsa() {
    let sandbox = Sandbox::start(Settings {
        rsa: true,
        ..Settings::default()
    })
    .unwrap();
    assert_eq!(sandbox.ca_pem().matches("BEGIN CERTIFICATE").count(), 2);
    let get = |config: ClientConfig, sandbox: &Sandbox| {
        let stream = TcpStream::connect(host(sandbox.https_url())).unwrap();
        send(&mut tls_with(config, stream, "localhost"), &get_request())
    };
    for version in [&TLS12, &TLS13] {
        let response = get(rsa_only(&sandbox, version), &sandbox).unwrap();
        assert_eq!(errcode(&response.json()), 0, "{version:?}");
    }
    // Other clients get ECDSA, as without this setting, where such a client fails.
    assert!(get_list(&sandbox, sandbox.https_url(), "localhost").is_ok());
    let without = start();
    assert!(get(rsa_only(&without, &TLS13), &without).is_err());
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
