//! `wxlink explain`: what an errcode of WeChat's or a status of the library means, and what to do about it.

use clap::{Arg, ArgMatches, Command};
use serde_json::{Value, json};
use wxlink::errcode::{ENTRIES, Entry, lookup};
use wxlink::{Endpoint, Lang, STATUSES, StatusEntry};
use wxlink_bulk::Verdict;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::HEAD;
use crate::{Act, Subcommand, examples};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    act: Act::Settled(run),
};

fn command() -> Command {
    Command::new("explain")
        .about("Explain an errcode of WeChat's or a status of the library, and what to do about it")
        .arg(
            Arg::new("code")
                .value_name("CODE")
                .required(true)
                .allow_negative_numbers(true)
                .help("A number, 89015 or -40, or a name, TIMEOUT or ALREADY_LINKED"),
        )
        .arg(
            Arg::new("endpoint")
                .long("endpoint")
                .value_name("ENDPOINT")
                .value_parser(Endpoint::LINKING.map(Endpoint::as_str))
                .help("What an errcode means on this endpoint alone"),
        )
        .after_help(examples(&[
            ("an errcode", "wxlink explain 89010"),
            (
                "what it means after a link, in Chinese",
                "wxlink explain 89010 --endpoint link --lang zh",
            ),
            ("a status", "wxlink explain TIMEOUT"),
            ("-1 is both", "wxlink explain -1 --json"),
        ]))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<Verdict, Failure> {
    let code = matches.get_one::<String>("code").map_or("", String::as_str);
    let endpoint = matches.get_one::<String>("endpoint");
    let endpoint = endpoint.and_then(|word| Endpoint::parse(word));
    let lang = context.settings.lang();
    let mut blocks: Vec<(Value, String)> = errcodes(code, endpoint)
        .map(|entry| (errcode_json(entry, lang), errcode_words(entry, lang)))
        .collect();
    // An endpoint has errcodes; a status is one of the library's.
    if endpoint.is_none() {
        let statuses = STATUSES.iter().filter(|entry| names_status(code, entry));
        blocks.extend(statuses.map(|entry| (status_json(entry, lang), status_words(entry, lang))));
    }
    if blocks.is_empty() {
        return Err(Failure::Usage(unknown(context)));
    }
    for (at, (json, words)) in blocks.iter().enumerate() {
        context.out.result(json, || {
            let gap = if at > 0 { "\n" } else { "" };
            context.out.line(format_args!("{gap}{words}"));
        });
    }
    Ok(Verdict::Done)
}

fn unknown(context: &Context) -> String {
    context
        .told(
            "nobody has described that code; look it up in WeChat's documentation, or ask its support with the rid of \
             the answer",
            "该代码尚无说明；请查阅微信文档，或携带应答中的 rid 联系微信支持",
        )
        .to_owned()
}

/// The rows that a number or a name stands for, on one endpoint or on all.
fn errcodes(code: &str, on: Option<Endpoint>) -> impl Iterator<Item = &'static Entry> {
    let name = plain(code);
    let number: Option<i32> = code.parse().ok();
    ENTRIES.iter().filter(move |entry| {
        let named = number.map_or(entry.name == name, |n| entry.errcode == n);
        let here = |on| lookup(on, entry.errcode).is_some_and(|row| std::ptr::eq(row, *entry));
        named && on.is_none_or(here)
    })
}

fn names_status(code: &str, entry: &StatusEntry) -> bool {
    match code.parse::<i32>() {
        Ok(number) => entry.status.code() == number,
        Err(_) => plain(code) == entry.name,
    }
}

/// A name as the tables have it: `WX_E_TIMEOUT` and `timeout` are `TIMEOUT`.
fn plain(name: &str) -> String {
    let name = name.to_uppercase().replace('-', "_");
    let bare = name.strip_prefix("WX_E_").or(name.strip_prefix("WX_"));
    bare.unwrap_or(&name).to_owned()
}

fn errcode_json(entry: &Entry, lang: Lang) -> Value {
    json!({
        "errcode": entry.errcode,
        "name": entry.name,
        "endpoint": entry.endpoint.map(Endpoint::as_str),
        "class": entry.class.as_str(),
        "documented": entry.official,
        "meaning": entry.meaning.get(lang),
        "remedy": entry.remedy.get(lang),
    })
}

fn errcode_words(entry: &Entry, lang: Lang) -> String {
    let whose = match (entry.endpoint, lang) {
        (Some(on), Lang::En) => format!("WeChat's errcode, on {}", on.name()),
        (None, Lang::En) => "WeChat's errcode".to_owned(),
        (Some(on), Lang::Zh) => format!("微信错误码，{}", on.name()),
        (None, Lang::Zh) => "微信错误码".to_owned(),
    };
    let mut words = format!("{HEAD}{} {}{HEAD:#}  {whose}", entry.errcode, entry.name);
    for text in [entry.meaning.get(lang), entry.remedy.get(lang)] {
        if !text.is_empty() {
            words += &format!("\n  {text}");
        }
    }
    let advice = entry.class.advice().get(lang);
    words + &format!("\n  {}: {advice}", entry.class.as_str())
}

fn status_json(entry: &StatusEntry, lang: Lang) -> Value {
    json!({
        "status": entry.status.code(),
        "name": entry.name,
        "meaning": entry.text.get(lang),
    })
}

fn status_words(entry: &StatusEntry, lang: Lang) -> String {
    let whose = match lang {
        Lang::En => "a status of the library",
        Lang::Zh => "本库的状态",
    };
    let (number, text) = (entry.status.code(), entry.text.get(lang));
    format!("{HEAD}{number} {}{HEAD:#}  {whose}\n  {text}", entry.name)
}
