//! `wxlink explain`: describes an errcode of WeChat or a status of the library, with what to do.

use clap::builder::PossibleValue;
use clap::{Arg, ArgMatches, Command};
use serde_json::{Value, json};
use wxlink::errcode::{ENTRIES, Entry, lookup};
use wxlink::{Endpoint, Lang, STATUSES, StatusEntry};

use crate::command::{Run, Subcommand, examples};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::Message;
use crate::output::HEADING;

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithSettings(run),
};

/// The description of one errcode or status, for programs and for people.
struct Explanation {
    json: Value,
    /// Empty if another one reads the same.
    text: String,
}

fn command() -> Command {
    Command::new("explain")
        .about("Explain an errcode of WeChat or a status of the library, and what to do about it")
        .arg(
            Arg::new("code")
                .value_name("CODE")
                .required(true)
                .allow_negative_numbers(true)
                .help("A number (89015, -40) or a name (TIMEOUT, ALREADY_LINKED)"),
        )
        .arg(
            Arg::new("endpoint")
                .long("endpoint")
                .value_name("ENDPOINT")
                .value_parser(Endpoint::ALL.map(possible_value))
                .help("Only the meaning of the errcode on this endpoint, also by WeChat's name or path"),
        )
        .after_help(examples(&[
            ("an errcode", "wxlink explain 89010"),
            (
                "its meaning after a link, in Chinese",
                "wxlink explain 89010 --endpoint link --lang zh",
            ),
            ("a status", "wxlink explain TIMEOUT"),
            ("-1 is an errcode and a status", "wxlink explain -1 --json"),
        ]))
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
            "unknown code: it is not in the table of errcodes and statuses. Look it up in \
             WeChat's documentation, or ask WeChat's support with the rid of the response",
            "未知代码：错误码和状态表中没有它。请查阅微信文档，或携带应答中的 rid 联系微信支持",
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
