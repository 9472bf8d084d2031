//! The handshake with a proxy: HTTP `CONNECT` (RFC 9110) and SOCKS5 (RFC 1928, 1929).
//!
//! ureq implements both, but with its own sockets and time limits. Here they run over `Stream`, so
//! that a slow proxy is distinguished from a slow host and the handshake ends with the call. No
//! text that the proxy sends gets into a message.

use std::io::{self, Read, Write};
use std::net::IpAddr;

use base64::prelude::{BASE64_STANDARD, Engine};

use crate::config::proxy::{Login, ProxyAddress, ProxyProtocol};
use crate::model::lang::Text;
use crate::model::message::{Message, message};

/// Opens a tunnel to `host:port` through `proxy`, to which `stream` is connected.
pub(crate) fn open_tunnel(
    stream: &mut (impl Read + Write),
    proxy: &ProxyAddress,
    host: &str,
    port: u16,
) -> io::Result<()> {
    let login = proxy.login.as_ref();
    let done = match proxy.protocol {
        ProxyProtocol::Http => connect(stream, login, host, port),
        ProxyProtocol::Socks5 => socks5(stream, login, host, port),
    };
    done.map_err(|e| match e.kind() {
        io::ErrorKind::UnexpectedEof => refused(CLOSED),
        _ => e,
    })
}

const CLOSED: Text = Text {
    en: "it closed the connection during the handshake",
    zh: "对方在握手期间关闭了连接",
};
const NOT_SOCKS5: Text = Text {
    en: "it does not speak SOCKS5",
    zh: "对方不使用 SOCKS5",
};
/// The largest head of a response to `CONNECT` (bytes).
const MAX_HEAD_BYTES: usize = 16 * 1024;

fn connect(
    stream: &mut (impl Read + Write),
    login: Option<&Login>,
    host: &str,
    port: u16,
) -> io::Result<()> {
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(Login { user, password }) = login {
        let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
        request.push_str(&format!("Proxy-Authorization: Basic {credentials}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes())?;

    // Byte by byte: what follows the head belongs to the tunnel and must stay in the socket.
    let mut head = Vec::with_capacity(128);
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
        if head.len() > MAX_HEAD_BYTES {
            return Err(refused(Text {
                en: "its response to CONNECT does not end",
                zh: "对方对 CONNECT 的响应没有结束",
            }));
        }
    }
    let status = head
        .strip_prefix(b"HTTP/1.")
        .and_then(|rest| rest.get(2..5))
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| digits.parse::<u16>().ok());
    match status {
        Some(200..=299) => Ok(()),
        Some(407) => Err(refused(Text {
            en: "it requires other credentials (407)",
            zh: "对方要求其他凭据 (407)",
        })),
        Some(code) => Err(refused(message!(
            "it answered {code} to CONNECT",
            "对方对 CONNECT 返回 {code}"
        ))),
        None => Err(refused(Text {
            en: "it does not speak HTTP",
            zh: "对方不使用 HTTP",
        })),
    }
}

fn socks5(
    stream: &mut (impl Read + Write),
    login: Option<&Login>,
    host: &str,
    port: u16,
) -> io::Result<()> {
    const NO_LOGIN: u8 = 0;
    const PASSWORD: u8 = 2;
    let method = if login.is_some() { PASSWORD } else { NO_LOGIN };
    stream.write_all(&[5, 1, method])?;
    match read::<2>(stream)? {
        [5, m] if m == method => {}
        [5, 0xff] => {
            return Err(refused(Text {
                en: "it requires another authentication method",
                zh: "对方要求其他认证方式",
            }));
        }
        _ => return Err(refused(NOT_SOCKS5)),
    }
    if let Some(Login { user, password }) = login {
        let mut request = vec![1];
        for text in [user, password] {
            push_short(
                &mut request,
                text.as_bytes(),
                Text {
                    en: "the proxy's user or password",
                    zh: "代理的用户名或密码",
                },
            )?;
        }
        stream.write_all(&request)?;
        if read::<2>(stream)?[1] != 0 {
            return Err(refused(Text {
                en: "it refused the user or password",
                zh: "对方拒绝了用户名或密码",
            }));
        }
    }

    let mut request = vec![5, 1, 0];
    match host.parse() {
        Ok(IpAddr::V4(ip)) => {
            request.push(1);
            request.extend(ip.octets());
        }
        Ok(IpAddr::V6(ip)) => {
            request.push(4);
            request.extend(ip.octets());
        }
        Err(_) => {
            request.push(3);
            let name = Text {
                en: "the host's name",
                zh: "主机名",
            };
            push_short(&mut request, host.as_bytes(), name)?;
        }
    }
    request.extend(port.to_be_bytes());
    stream.write_all(&request)?;

    let [_, reply, _, kind] = read::<4>(stream)?;
    if reply != 0 {
        return Err(refused(socks_reply(reply)));
    }
    // The address that it bound is not needed, but must be read.
    let length = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(read::<1>(stream)?[0]),
        _ => return Err(refused(NOT_SOCKS5)),
    };
    let mut rest = vec![0; length + 2];
    stream.read_exact(&mut rest)
}

fn socks_reply(code: u8) -> Text {
    match code {
        1 => Text {
            en: "it failed (SOCKS5 reply 1)",
            zh: "对方失败（SOCKS5 应答 1）",
        },
        2 => Text {
            en: "its rules forbid the host (SOCKS5 reply 2)",
            zh: "对方的规则禁止该主机（SOCKS5 应答 2）",
        },
        3 => Text {
            en: "the network is unreachable from it (SOCKS5 reply 3)",
            zh: "对方无法到达该网络（SOCKS5 应答 3）",
        },
        4 => Text {
            en: "the host is unreachable from it (SOCKS5 reply 4)",
            zh: "对方无法到达该主机（SOCKS5 应答 4）",
        },
        5 => Text {
            en: "the host refused its connection (SOCKS5 reply 5)",
            zh: "该主机拒绝了对方的连接（SOCKS5 应答 5）",
        },
        _ => Text {
            en: "it refused to connect (SOCKS5)",
            zh: "对方拒绝连接 (SOCKS5)",
        },
    }
}

fn read<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn push_short(to: &mut Vec<u8>, bytes: &[u8], what: Text) -> io::Result<()> {
    let length = u8::try_from(bytes.len()).map_err(|_| {
        let Text { en, zh } = what;
        refused(message!(
            "{en} is too long for SOCKS5",
            "{zh}过长，SOCKS5 不支持"
        ))
    })?;
    to.push(length);
    to.extend(bytes);
    Ok(())
}

fn refused(why: impl Into<Message>) -> io::Error {
    io::Error::other(why.into())
}
