//! `wxlink serve`: receives WeChat's pushes and sends merchants to its authorisation page.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::json;
use tokio::sync::oneshot;
use wxlink::Lang;
use wxlink_serve::{Forward, PublicUrl, Server, Settings};

use crate::command::{Run, Subcommand, examples};
use crate::context::Context;
use crate::environment::variable;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::interrupt;
use crate::message::{Message, text};
use crate::systemd::{self, ServiceState};
use crate::{args, platform, report, secret};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithSettings(run),
};

const FORWARD_SECRET: &str = "WXLINK_FORWARD_SECRET";

fn command(lang: Lang) -> Command {
    Command::new("serve")
        .about(text(
            lang,
            "Receive WeChat's pushes and merchants' authorisations, as an HTTP service",
            "以 HTTP 服务接收微信推送和商家授权",
        ))
        .long_about(text(
            lang,
            "Receive what WeChat pushes to a third-party platform, and send merchants to WeChat's \
             authorisation page and back. Run it behind your own HTTPS front, which passes on \
             /push, /authorize and /authorized. Needs the options component_appid, \
             component_appsecret, push_token and push_aes_key, and a store that outlives the \
             command. The log is lines of JSON on stderr.",
            "接收微信对第三方平台的推送，并引导商家前往微信的授权页再返回。请置\
             于您自己的 HTTPS 前端之后，由前端转发 /push、/authorize 和 /authorized。\
             需要选项 component_appid、component_appsecret、push_token 和 push_aes_key，\
             以及在命令结束后仍然保留的存储。日志以 JSON 行写入标准错误输出。",
        ))
        .arg(
            Arg::new("listen")
                .long("listen")
                .value_name("ADDRESS:PORT")
                .value_parser(value_parser!(SocketAddr))
                .default_value("127.0.0.1:8000")
                .help(text(
                    lang,
                    "Where to listen, in plain HTTP; port 0 takes a free one",
                    "监听地址，使用明文 HTTP；端口 0 表示任选空闲端口",
                )),
        )
        .arg(args::metrics(lang).help(text(
            lang,
            "Serve /metrics for Prometheus here, and not where the service listens; port 0 takes \
             a free one",
            "在此地址（而不是服务的监听地址）为 Prometheus 提供 /metrics；端口 0 表\
             示任选空闲端口",
        )))
        .arg(
            Arg::new("public-url")
                .long("public-url")
                .value_name("URL")
                .required(true)
                .help(text(
                    lang,
                    "Under which URL your front is reached, such as https://link.example.com",
                    "前端对外的 URL，例如 https://link.example.com",
                )),
        )
        .arg(
            Arg::new("forward")
                .long("forward")
                .value_name("URL")
                .help(text(
                    lang,
                    "Where to POST events that wxlink does not handle, decrypted and signed",
                    "wxlink 不处理的事件经解密并签名后 POST 到此 URL",
                )),
        )
        .arg(
            Arg::new("forward-secret-file")
                .long("forward-secret-file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .requires("forward")
                .help(text(
                    lang,
                    "The key of the signature of forwarded events, or WXLINK_FORWARD_SECRET",
                    "所转发事件的签名密钥；也可用 WXLINK_FORWARD_SECRET",
                )),
        )
        .after_help(examples(
            lang,
            &[(
                text(
                    lang,
                    "behind a front that ends TLS for link.example.com",
                    "位于为 link.example.com 终结 TLS 的前端之后",
                ),
                "wxlink serve --public-url https://link.example.com",
            )],
        ))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    let settings = settings(context, matches)?;
    platform::check(context).map_err(CommandError::Usage)?;
    check_push_keys(context)?;
    let client = context.uncancelled_client(context.settings.options())?;
    let listen = settings.listen;
    let failed = |e: std::io::Error| report::cannot_listen(listen, &e);
    let mut server = Server::bind(client, settings).map_err(failed)?;
    if let Some(address) = args::metrics_address(matches) {
        server
            .move_metrics(address)
            .map_err(|e| report::cannot_listen(address, &e))?;
    }
    let address = server.address().map_err(failed)?;
    for warning in warnings(address, args::required(matches, "public-url")) {
        context.out.diagnostic(warning.get(context.out.lang()));
    }
    let (stop, stopped) = oneshot::channel();
    let stop = std::sync::Mutex::new(Some(stop));
    interrupt::on_interrupt(move || {
        systemd::report(ServiceState::Stopping);
        let stop = stop.lock().ok().and_then(|mut stop| stop.take());
        drop(stop);
    });
    // From this line on, a signal ends the service in an orderly way.
    let out = context.out;
    let mut line = json!({"listen": format!("http://{address}")});
    let metrics = server.metrics_address();
    if let Some(metrics) = metrics {
        line["metrics"] = format!("http://{metrics}/metrics").into();
    }
    out.result(&line, || {
        let listening = context.text("Listening on", "正在监听");
        out.line(format_args!("{listening} http://{address}"));
        if let Some(metrics) = metrics {
            out.line(format_args!("{listening} http://{metrics}/metrics"));
        }
    });
    systemd::report(ServiceState::Ready);
    let stopped = async {
        // The sender is dropped at the first signal.
        let _: Result<(), _> = stopped.await;
    };
    server.run(stopped).map_err(failed)?;
    Ok(ExitCode::Done)
}

/// What is likely to be wrong with the two addresses, although the service can start.
fn warnings(listen: SocketAddr, public_url: &str) -> Vec<Message> {
    let mut warnings = Vec::new();
    if !listen.ip().is_loopback() {
        warnings.push(Message::new(
            format!(
                "warning: listening on {listen} in plain HTTP. Make sure that only your HTTPS \
                 front reaches this address: /metrics and /healthz are open to every caller"
            ),
            format!(
                "警告：正在 {listen} 以明文 HTTP 监听。请确保只有您的 HTTPS 前端能访问该地址：\
                 /metrics 和 /healthz 对任何调用方开放"
            ),
        ));
    }
    let authority = public_url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.trim_end_matches('/');
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let is_local =
        host.eq_ignore_ascii_case("localhost") || ip.as_ref().is_ok_and(|ip| ip.is_loopback());
    let is_reached = ip.is_err() && port.is_none_or(|port| ["80", "443"].contains(&port));
    if !is_local && !is_reached {
        warnings.push(Message::new(
            format!(
                "warning: WeChat pushes to port 80 or 443 of a host name only, so that no push \
                 reaches {public_url}"
            ),
            format!("警告：微信只向域名的 80 或 443 端口推送，{public_url} 收不到任何推送"),
        ));
    }
    warnings
}

/// Checks that pushes can be verified and decrypted.
fn check_push_keys(context: &Context) -> Result<(), CommandError> {
    let is_set = |key| context.settings.set().iter().any(|s| s.key == key);
    if is_set("push_token") && is_set("push_aes_key") {
        return Ok(());
    }
    Err(CommandError::Usage(Message::new(
        "pushes cannot be read: set push_token and push_aes_key (WXLINK_PUSH_TOKEN and \
         WXLINK_PUSH_AES_KEY, or the config file) to the Token and the EncodingAESKey in the \
         platform's settings",
        "无法读取推送：请将 push_token 和 push_aes_key（WXLINK_PUSH_TOKEN 和 WXLINK_PUSH_AES_KEY，\
         或配置文件）设为平台设置中的 Token 和 EncodingAESKey",
    )))
}

fn settings(context: &Context, matches: &ArgMatches) -> Result<Settings, CommandError> {
    let lang = context.out.lang();
    let url = args::required(matches, "public-url");
    let public_url = PublicUrl::parse(url).map_err(|e| {
        let why = e.message(lang);
        let separator = text(lang, ": ", "：");
        CommandError::usage(format!("--public-url{separator}{why}"))
    })?;
    let forward = match matches.get_one::<String>("forward") {
        None => None,
        Some(url) => Some(Forward {
            url: url.clone(),
            secret: forward_secret(context, matches)?,
        }),
    };
    Ok(Settings {
        listen: *matches
            .get_one("listen")
            .unwrap_or(&([127, 0, 0, 1], 8000).into()),
        public_url,
        forward,
    })
}

fn forward_secret(context: &Context, matches: &ArgMatches) -> Result<String, CommandError> {
    if let Some(path) = matches.get_one::<PathBuf>("forward-secret-file") {
        let lang = context.out.lang();
        let name = text(lang, "forward secret", "转发签名密钥");
        return secret::in_file("--forward-secret-file", name, path, lang);
    }
    variable(FORWARD_SECRET)?.ok_or_else(|| {
        CommandError::Usage(Message::new(
            "--forward needs a key for its signatures: set WXLINK_FORWARD_SECRET or \
             --forward-secret-file",
            "--forward 需要签名密钥：请设置 WXLINK_FORWARD_SECRET 或 --forward-secret-file",
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_address_and_a_url_that_wechat_does_not_push_to_get_warnings() {
        for (listen, url, expected) in [
            ("127.0.0.1:8000", "https://link.example.com", [].as_slice()),
            ("127.0.0.1:8000", "https://link.example.com:443/", &[]),
            ("[::1]:8000", "http://localhost:8000", &[]),
            ("127.0.0.1:8000", "http://127.0.0.1:8000", &[]),
            ("127.0.0.1:8000", "http://[::1]:8000", &[]),
            ("0.0.0.0:8000", "https://link.example.com", &["0.0.0.0"]),
            ("127.0.0.1:8000", "https://1.2.3.4", &["https://1.2.3.4"]),
            ("127.0.0.1:8000", "https://[2001:db8::1]", &["2001:db8"]),
            ("[::]:80", "https://a.example:8443", &["[::]:80", ":8443"]),
        ] {
            let warnings = warnings(listen.parse().unwrap(), url);
            assert_eq!(warnings.len(), expected.len(), "{listen} {url}");
            for (warning, part) in warnings.iter().zip(expected) {
                for lang in [wxlink::Lang::En, wxlink::Lang::Zh] {
                    assert!(warning.get(lang).contains(part), "{listen} {url}");
                }
            }
        }
    }
}
