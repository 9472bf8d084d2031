//! `bindings/php/constants.php`: the constants and the keys of the options.

use std::fmt::Write;

use wxlink::errcode::CLASSES;
use wxlink::{DELIVERIES, LINK_STATUSES, OPTIONS, STATUS_GROUPS, STATUSES};
use wxlink_testkit::check_generated;

use crate::text::{HEAD, NO_CLASS, block_comment, option_comment, upper_camel, words};

const WIDTH: usize = 100;

const METHODS: &str = "
    /** The name without its prefix, such as BAD_VALUE; empty for an unknown number. */
    public static function name(int $status): string
    {
        return (string) strstr(self::text($status), ':', before_needle: true);
    }

    /** What the status means and what to do next, in English; empty for an unknown number. */
    public static function text(int $status): string
    {
        return Library::ffi()->wx_status_text($status);
    }
";

/// A class with nothing but constants: name, value and comment each.
fn class(name: &str, comment: &str, constants: &[(String, String, String)], end: &str) -> String {
    let comment = block_comment("", comment, WIDTH);
    let mut text = format!("\n{comment}final class {name}\n{{\n");
    for (i, (name, value, comment)) in constants.iter().enumerate() {
        if i > 0 {
            text.push('\n');
        }
        text += &block_comment("    ", comment, WIDTH);
        writeln!(text, "    public const {name} = {value};").unwrap();
    }
    text + end + "}\n"
}

#[test]
fn constants() {
    let mut text = format!("<?php\n\n// {HEAD}\n\ndeclare(strict_types=1);\n\nnamespace Wxlink;\n");

    let mut comment = String::from(
        "How a call ended. Numbers are never reused. Treat a number that you do not know like its \
         group:",
    );
    for g in STATUS_GROUPS {
        write!(comment, " {} to {}: {};", g.highest, g.lowest, g.text.en).unwrap();
    }
    comment.pop();
    comment.push('.');
    let statuses: Vec<_> = STATUSES
        .iter()
        .map(|e| {
            let code = e.status.code().to_string();
            (e.name.to_owned(), code, e.summary.to_owned())
        })
        .collect();
    text += &class("Status", &comment, &statuses, METHODS);

    text += "\n/** What to do next about WeChat's errcode. The value is the class's word. */\n";
    text += "enum ErrorClass: string\n{\n";
    text += &block_comment("    ", NO_CLASS, WIDTH);
    text += "    case None = '';\n";
    for e in CLASSES {
        let comment = block_comment("    ", e.advice.en, WIDTH);
        let name = upper_camel(&words(e.word));
        write!(text, "\n{comment}    case {name} = '{}';\n", e.word).unwrap();
    }
    text += "}\n";

    text += "\n/** Whether WeChat may have received the request. */\nenum Delivery: int\n{\n";
    for (i, e) in DELIVERIES.iter().enumerate() {
        if i > 0 {
            text.push('\n');
        }
        text += &block_comment("    ", e.summary, WIDTH);
        let (name, code) = (upper_camel(&words(e.name)), e.delivery.code());
        writeln!(text, "    case {name} = {code};").unwrap();
    }
    text += "}\n";

    let links: Vec<_> = LINK_STATUSES
        .iter()
        .map(|e| {
            let code = e.status.code().to_string();
            (e.name.to_owned(), code, e.summary.to_owned())
        })
        .collect();
    let comment = "How far the list shows a link to be: the known values of MiniProgram::$status.";
    text += &class("LinkStatus", comment, &links, "");

    let options: Vec<_> = OPTIONS
        .iter()
        .map(|o| {
            let value = format!("'{}'", o.key);
            (o.key.to_uppercase(), value, option_comment(o))
        })
        .collect();
    let comment = "The keys of the options of a client: new Client([Option::TIMEOUT_MS => 5000]).";
    text += &class("Option", comment, &options, "");
    check_generated("bindings/php/constants.php", &text);
}
