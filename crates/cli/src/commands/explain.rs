//! `wxlink explain`: describes an errcode of WeChat or a status of the library, with what to do, or
//! shows WeChat's record of the request with a rid.

use clap::builder::PossibleValue;
use clap::{Arg, ArgMatches, Command};
use serde_json::{Value, json};
use wxlink::errcode::{ENTRIES, Entry, general, lookup};
use wxlink::{CallRecord, Endpoint, Lang, STATUSES, Status, StatusEntry};
use wxlink_bulk::format_beijing_time;

use crate::command::{Run, Subcommand, examples};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::{Message, text};
use crate::output::{HEADING, Table};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithSettings(run),
};

/// WeChat's errcode for a rid of a request with a token of another account or kind.
const NOT_PERMITTED: i32 = 76003;

/// The description of one errcode or status, for programs and for people.
struct Explanation {
    json: Value,
    /// Empty if another one reads the same.
    text: String,
}

fn command(lang: Lang) -> Command {
    Command::new("explain")
        .about(text(
            lang,
            "Explain an errcode, a status of the library, or the request with a rid",
            "解释错误码、本库的状态，或某个 rid 的请求",
        ))
        .long_about(text(
            lang,
            "Explain an errcode of WeChat or a status of the library, and what to \
             do about it. Of a rid, the id of a request in WeChat's errmsg, ask \
             WeChat for the request and its response, which it keeps for 7 days, \
             and show them without secrets. That needs an access token of the kind \
             that the request was made with: with --account or another source of \
             tokens the account's is used, and for a third-party platform without \
             an account, or if WeChat asks for it, the platform's.",
            "解释微信的错误码或本库的状态，以及处理办法。对于 rid（微信 errmsg 中的\
             请求编号），向微信查询该请求及其应答（微信保留 7 天），隐去密钥后显示。\
             这需要与该请求同类的 access_token：指定 --account 或其他令牌来源时使用\
             公众号的令牌；第三方平台未指定公众号，或微信有此要求时，使用平台的令牌。",
        ))
        .arg(
            Arg::new("code")
                .value_name("CODE")
                .required(true)
                .allow_negative_numbers(true)
                .help(text(
                    lang,
                    "A number (89015, -40), a name (TIMEOUT, ALREADY_LINKED), a rid, or an \
                     errmsg that contains one",
                    "数字（89015、-40）、名称（TIMEOUT、ALREADY_LINKED）、rid，或含有 rid \
                     的 errmsg",
                )),
        )
        .arg(
            Arg::new("endpoint")
                .long("endpoint")
                .value_name("ENDPOINT")
                .value_parser(Endpoint::ALL.map(possible_value))
                .help(text(
                    lang,
                    "Only the meaning of the errcode on this endpoint, also by WeChat's \
                     name or path",
                    "只显示错误码在该接口上的含义；也可写微信的接口名或路径",
                )),
        )
        .after_help(examples(
            lang,
            &[
                (
                    text(lang, "an errcode", "一个错误码"),
                    "wxlink explain 89010",
                ),
                (
                    text(
                        lang,
                        "its meaning after a link, in Chinese",
                        "它在关联接口上的含义，使用中文",
                    ),
                    "wxlink explain 89010 --endpoint link --lang zh",
                ),
                (text(lang, "a status", "一个状态"), "wxlink explain TIMEOUT"),
                (
                    text(
                        lang,
                        "-1 is an errcode and a status",
                        "-1 既是错误码也是状态",
                    ),
                    "wxlink explain -1 --json",
                ),
                (
                    text(
                        lang,
                        "a request, by the end of its errmsg",
                        "一次请求，由 errmsg 末尾指明",
                    ),
                    "wxlink explain \"rid: 61932a5b-0e248764-42d1c1b2\" --token-file token.txt",
                ),
            ],
        ))
}

/// An endpoint by its short name, by WeChat's name as in messages, and by its path or the path's
/// last part as in WeChat's documentation.
fn possible_value(endpoint: Endpoint) -> PossibleValue {
    let path = endpoint.path();
    let last_part = path.rsplit('/').next().unwrap_or(path);
    PossibleValue::new(endpoint.as_str()).aliases([endpoint.name(), path, last_part])
}

fn run(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    let code = matches.get_one::<String>("code").map_or("", String::as_str);
    let endpoint = matches.get_one::<String>("endpoint");
    if let Some(rid) = rid_in(code) {
        if endpoint.is_some() {
            return Err(CommandError::Usage(Message::new(
                "--endpoint is for errcodes: a rid names one request. Leave it out",
                "--endpoint 只用于错误码：rid 已指明一次请求。请去掉该参数",
            )));
        }
        return explain_rid(context, rid);
    }
    let mut endpoints = Endpoint::ALL.into_iter();
    let endpoint =
        endpoint.and_then(|word| endpoints.find(|e| possible_value(*e).matches(word, false)));
    let lang = context.out.lang();
    let errcodes: Vec<&Entry> = find_errcodes(code, endpoint).collect();
    let mut explanations: Vec<Explanation> = (0..errcodes.len())
        .map(|index| explain_errcode(&errcodes, index, lang))
        .collect();
    // A status does not depend on an endpoint.
    if endpoint.is_none() {
        let statuses = STATUSES.iter().filter(|entry| is_named(code, entry));
        explanations.extend(statuses.map(|entry| explain_status(entry, lang)));
    }
    if explanations.is_empty() {
        return Err(CommandError::Usage(Message::new(
            "unknown code: it is not in the table of errcodes and statuses, and is not a rid (8 \
             hexadecimal digits, -, 8, -, 8). Look it up in WeChat's documentation, or pass the rid \
             of the response to this command or to WeChat's support",
            "未知代码：错误码和状态表中没有它，它也不是 rid（8 位十六进制、-、8 位、-、8 位）。\
             请查阅微信文档，或将应答中的 rid 传给本命令或微信客服",
        )));
    }
    for (index, Explanation { json, text }) in explanations.iter().enumerate() {
        context.out.result(json, || {
            if text.is_empty() {
                return;
            }
            let separator = if index > 0 { "\n" } else { "" };
            context.out.line(format_args!("{separator}{text}"));
        });
    }
    Ok(ExitCode::Done)
}

/// The rid in a text: the text itself, or what follows the last `rid:` of an errmsg.
fn rid_in(text: &str) -> Option<&str> {
    const GROUPS: usize = 3;
    const GROUP_DIGITS: usize = 8;
    const RID_BYTES: usize = GROUPS * (GROUP_DIGITS + 1) - 1;
    let text = text.trim();
    let found = match text.rfind("rid:") {
        Some(at) => text[at + "rid:".len()..].trim_start(),
        None if text.len() == RID_BYTES => text,
        None => return None,
    };
    let (rid, rest) = found.split_at_checked(RID_BYTES)?;
    let is_group = |group: &str| {
        group.len() == GROUP_DIGITS && group.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let is_longer = rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
    (rid.split('-').all(is_group) && !is_longer).then_some(rid)
}

/// Shows WeChat's record of the request with this rid.
fn explain_rid(context: &Context, rid: &str) -> Result<ExitCode, CommandError> {
    let client = context.client()?;
    let settings = &context.settings;
    let is_platform = settings
        .token_source()
        .is_some_and(|source| source.key.starts_with("component_"));
    let has_account = settings.set().iter().any(|s| s.key == "account");
    let record = if is_platform && !has_account {
        let record = client.platform_call_record(rid);
        record.inspect_err(|error| advise_account(context, error))?
    } else {
        match client.call_record(rid) {
            // The request may be one of the platform, which failed to get the account's token.
            Err(error)
                if is_platform
                    && (error.errcode() == Some(NOT_PERMITTED)
                        || error.status() == Status::NoToken) =>
            {
                client.platform_call_record(rid).map_err(|_| error)?
            }
            result => result?,
        }
    };
    let mut line = record.json();
    line["rid"] = rid.into();
    context
        .out
        .result(&line, || print_record(context, rid, &record));
    Ok(ExitCode::Done)
}

/// Advises to name the account, if the platform's own token was not the one of the request.
fn advise_account(context: &Context, error: &wxlink::Error) {
    if error.errcode() == Some(NOT_PERMITTED) && !context.out.is_json() {
        context.out.note(context.text(
            "The platform's own token was used. If the request was made for an Official Account, \
             name it with --account APPID.",
            "查询使用的是第三方平台自己的令牌。如果该请求是为某个公众号发出的，请用 --account APPID 指明。",
        ));
    }
}

fn print_record(context: &Context, rid: &str, record: &CallRecord) {
    let (out, lang) = (context.out, context.out.lang());
    out.line(format_args!("{HEADING}{rid}{HEADING:#}"));
    let time = record.invoke_time().map(|seconds| {
        let time = format_beijing_time(seconds);
        match lang {
            Lang::En => format!("{time} in Beijing"),
            Lang::Zh => format!("北京时间 {time}"),
        }
    });
    let cost = record.cost_ms().map(|ms| match lang {
        Lang::En => format!("{ms} ms"),
        Lang::Zh => format!("{ms} 毫秒"),
    });
    let mut table = Table::without_headings();
    for (name, text) in [
        (context.text("time", "时间"), time.as_deref()),
        (context.text("duration", "耗时"), cost.as_deref()),
        (context.text("from", "来源"), Some(record.client_ip())),
        (context.text("URL", "URL"), Some(record.url())),
        (context.text("request", "请求"), Some(record.request_body())),
        (
            context.text("response", "应答"),
            Some(record.response_body()),
        ),
    ] {
        let text = text.filter(|text| !text.is_empty()).unwrap_or("-");
        table.row([format!("  {name}").as_str().into(), text.into()]);
    }
    out.table(&table);
    let entry = record.errcode().and_then(|code| match record.endpoint() {
        Some(endpoint) => lookup(endpoint, code),
        None => general(code),
    });
    if let Some(entry) = entry {
        let explanation = explain_errcode(&[entry], 0, lang);
        out.line(format_args!("\n{}", explanation.text));
    }
}

/// The entries with this number or name, on one endpoint or on all.
fn find_errcodes(code: &str, endpoint: Option<Endpoint>) -> impl Iterator<Item = &'static Entry> {
    let name = normalize(code);
    let number: Option<i32> = code.parse().ok();
    ENTRIES.iter().filter(move |entry| {
        let matches = number.map_or(entry.name == name, |n| entry.errcode == n);
        let applies = |endpoint| {
            let found = lookup(endpoint, entry.errcode);
            found.is_some_and(|found| std::ptr::eq(found, *entry))
        };
        matches && endpoint.is_none_or(applies)
    })
}

fn is_named(code: &str, entry: &StatusEntry) -> bool {
    match code.parse::<i32>() {
        Ok(number) => entry.status.code() == number,
        Err(_) => normalize(code) == entry.name,
    }
}

/// The name as in the tables: `WX_E_TIMEOUT` and `timeout` are `TIMEOUT`.
fn normalize(name: &str) -> String {
    let name = name.to_uppercase().replace('-', "_");
    let short = name.strip_prefix("WX_E_").or(name.strip_prefix("WX_"));
    short.unwrap_or(&name).to_owned()
}

/// Whether two rows of one errcode read the same, on different endpoints.
fn reads_like(a: &Entry, b: &Entry) -> bool {
    (a.errcode, a.class, a.meaning.en, a.remedy.en)
        == (b.errcode, b.class, b.meaning.en, b.remedy.en)
}

/// Explains one of the entries. The first of those that read the same has the text for all.
fn explain_errcode(entries: &[&Entry], index: usize, lang: Lang) -> Explanation {
    let entry = entries[index];
    let (meaning, remedy) = (entry.meaning.get(lang), entry.remedy.get(lang));
    let json = json!({
        "errcode": entry.errcode,
        "name": entry.name,
        "endpoint": entry.endpoint.map(Endpoint::as_str),
        "class": entry.class.as_str(),
        "documented": entry.official,
        "meaning": meaning,
        "remedy": remedy,
    });
    if entries[..index].iter().any(|e| reads_like(e, entry)) {
        let text = String::new();
        return Explanation { json, text };
    }
    let same = entries[index..].iter().filter(|e| reads_like(e, entry));
    // A general row, without an endpoint, comes first and stands for every endpoint.
    let names: Option<Vec<&str>> = same.map(|e| e.endpoint.map(Endpoint::name)).collect();
    let origin = match (names, lang) {
        (Some(names), Lang::En) => format!("WeChat errcode on {}", names.join(", ")),
        (None, Lang::En) => "WeChat errcode".to_owned(),
        (Some(names), Lang::Zh) => format!("微信错误码，{}", names.join("、")),
        (None, Lang::Zh) => "微信错误码".to_owned(),
    };
    let mut text = format!(
        "{HEADING}{} {}{HEADING:#}  {origin}",
        entry.errcode, entry.name
    );
    for paragraph in [meaning, remedy] {
        if !paragraph.is_empty() {
            text += &format!("\n  {paragraph}");
        }
    }
    let advice = entry.class.advice().get(lang);
    text += &format!("\n  {}: {advice}", entry.class.as_str());
    Explanation { json, text }
}

fn explain_status(entry: &StatusEntry, lang: Lang) -> Explanation {
    let (number, meaning) = (entry.status.code(), entry.text.get(lang));
    let json = json!({
        "status": number,
        "name": entry.name,
        "meaning": meaning,
    });
    let origin = match lang {
        Lang::En => "status of the library",
        Lang::Zh => "本库的状态",
    };
    let text = format!(
        "{HEADING}{number} {}{HEADING:#}  {origin}\n  {meaning}",
        entry.name
    );
    Explanation { json, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rids_are_recognised_alone_and_at_the_end_of_an_errmsg() {
        let rid = "61932a5b-0e248764-42d1c1b2";
        for text in [
            rid,
            " 61932a5b-0e248764-42d1c1b2\n",
            "rid: 61932a5b-0e248764-42d1c1b2",
            "invalid appid rid:61932a5b-0e248764-42d1c1b2",
            "hint: [Feqffa0754ent1] rid: 61932a5b-0e248764-42d1c1b2, requestIP: 14.1.2.3",
            "rid: 00000000-00000000-00000000 rid: 61932a5b-0e248764-42d1c1b2",
        ] {
            assert_eq!(rid_in(text), Some(rid), "{text}");
        }
        for text in [
            "",
            "40001",
            "-1",
            "rid:",
            "rid: 61932a5b",
            "61932a5b-0e248764-42d1c1b",
            "61932a5b-0e248764-42d1c1b2a",
            "rid: 61932a5b-0e248764-42d1c1b2a",
            "rid: 61932a5b-0e248764-42d1c1b2-42d1c1b2",
            "61932a5g-0e248764-42d1c1b2",
            "61932a5b00e248764042d1c1b2",
            "6193-2a5b0e24-8764042d1c1b",
            "x 61932a5b-0e248764-42d1c1b2",
            "rid: 中文中文中文中文中文中文",
        ] {
            assert_eq!(rid_in(text), None, "{text}");
        }
    }
}
