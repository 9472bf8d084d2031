//! The pages of options and errors.

use std::fmt::Write;

use wxlink::errcode::{CLASSES, ENTRIES};
use wxlink::{Lang, OPTIONS, STATUS_GROUPS, STATUSES};
use wxlink_testkit::check_generated_pages;

/// The text around the table of an options page.
struct OptionsPage {
    lang: Lang,
    head: &'static str,
    columns: &'static str,
    no_default: &'static str,
    end: &'static str,
}

const OPTIONS_PAGES: [OptionsPage; 2] = [
    OptionsPage {
        lang: Lang::En,
        head: "# Options\n\n\
            <!-- Written by `make generate` from the table in src/config/options.rs. -->\n\n\
            A client is made with options: text keys with text values, checked when they are set. \
            A\n\
            value that an option does not take is refused with a message that says what it takes, \
            and\n\
            the option keeps the value it had.\n\n",
        columns: "| key | default | takes | meaning |\n|---|---|---|---|\n",
        no_default: "(none)",
        end: "\n[How it works](how-it-works.md) describes how time limits, retries and API hosts \
              work\n\
              together.\n",
    },
    OptionsPage {
        lang: Lang::Zh,
        head: "# 选项\n\n\
            <!-- Written by `make generate` from the table in src/config/options.rs. -->\n\n\
            客户端由选项创建。选项的键和值都是文本，设置时即进行检查；取值无效时，提示信息会说明可用的取值，选项保持原值。\n\n",
        columns: "| 键 | 默认值 | 取值 | 含义 |\n|---|---|---|---|\n",
        no_default: "（无）",
        end: "\n时限、重试与接入地址如何配合，见[工作原理](how-it-works.md)。\n",
    },
];

#[test]
fn the_options_pages() {
    let pages = OPTIONS_PAGES.map(|around| {
        let mut page = format!("{}{}", around.head, around.columns);
        for o in OPTIONS {
            let default = match o.default {
                "" => around.no_default.to_owned(),
                text => format!("`{text}`"),
            };
            let (takes, doc) = (o.takes.get(around.lang), o.doc.get(around.lang));
            writeln!(page, "| `{}` | {default} | {takes} | {doc} |", o.key).unwrap();
        }
        page + around.end
    });
    check_generated_pages("options.md", &pages);
}

/// The text around the tables of an errors page.
struct ErrorsPage {
    lang: Lang,
    head: &'static str,
    statuses: &'static str,
    /// What follows the groups of statuses.
    unknown_status: &'static str,
    /// Between a group's numbers, between them and its text, and after the text.
    group_marks: [&'static str; 3],
    classes: &'static str,
    errcodes: &'static str,
    any: &'static str,
    yes_no: [&'static str; 2],
}

const ERRORS_PAGES: [ErrorsPage; 2] = [
    ErrorsPage {
        lang: Lang::En,
        head: "# Errors\n\n[中文](zh-CN/errors.md)\n\n\
            This page lists every status that a call returns and every errcode of WeChat that the \
            library knows,\n\
            each with its meaning and what to do about it.\n\n",
        statuses: "## What a function returns\n\n\
            A status shows what the caller may do next. If WeChat answered, its errcode is a \
            second number:\n\
            see below.\n\n\
            | status | number | what happened, what to do |\n|---|---|---|\n",
        group_marks: [" to ", ": ", ".\n"],
        unknown_status: "\nNumbers are never reused. Treat one that you do not know like its \
                         group.\n\n",
        classes: "## What WeChat answers\n\n\
            Each errcode has a class. A program should decide by the class:\n\n\
            | class | number | what to do |\n|---|---|---|\n",
        errcodes: "\nWhere one code means different things on different endpoints there is a row \
                   for each. \
            \"Documented\" means by WeChat, for these endpoints; the others have been seen in \
            practice.\n\n\
            | errcode | name | on | class | documented | meaning | remedy |\n\
            |---|---|---|---|---|---|---|\n",
        any: "any",
        yes_no: ["yes", "no"],
    },
    ErrorsPage {
        lang: Lang::Zh,
        head: "# 错误\n\n[English](../errors.md)\n\n\
            本页列出函数返回的全部状态，以及本库已知的全部微信错误码，并逐一说明含义和处理办法。\n\n",
        statuses: "<a id=\"what-a-function-returns\"></a>\n## 函数返回的状态\n\n\
            状态说明接下来可以做什么。若微信已应答，其错误码是另一个数字，见下文。\n\n\
            | 状态 | 数值 | 发生了什么，怎么办 |\n|---|---|---|\n",
        group_marks: [" 到 ", "：", "。\n"],
        unknown_status: "\n数值不会重复使用；遇到未知的数值，请按其所在区间处理。\n\n",
        classes: "<a id=\"what-wechat-answers\"></a>\n## 微信返回的错误码\n\n\
            每个错误码都属于一个类别，程序应据此决定：\n\n\
            | 类别 | 数值 | 怎么办 |\n|---|---|---|\n",
        errcodes: "\n同一错误码在不同接口上含义不同时，各占一行。“文档”指微信在这些接口的文档中列出；其余为实际遇到过的。\n\n\
            | 错误码 | 名称 | 接口 | 类别 | 文档 | 含义 | 处理办法 |\n\
            |---|---|---|---|---|---|---|\n",
        any: "全部",
        yes_no: ["是", "否"],
    },
];

#[test]
fn the_errors_pages() {
    let pages = ERRORS_PAGES.map(|around| {
        let mut page = around.head.to_owned();
        page += "<!-- Written by `make generate` from the tables in src/model/status.rs and \
                 src/model/errcode.rs. -->\n\n";
        page += around.statuses;
        for e in STATUSES {
            let prefix = if e.name == "OK" { "WX_" } else { "WX_E_" };
            let (number, text) = (e.status.code(), e.text.get(around.lang));
            writeln!(page, "| `{prefix}{}` | {number} | {text} |", e.name).unwrap();
        }
        page.push('\n');
        let [to, colon, end] = around.group_marks;
        for g in STATUS_GROUPS {
            let text = g.text.get(around.lang);
            write!(page, "- {}{to}{}{colon}{text}{end}", g.highest, g.lowest).unwrap();
        }
        page += around.unknown_status;
        page += around.classes;
        for e in CLASSES {
            let advice = e.advice.get(around.lang);
            writeln!(page, "| `{}` | {} | {advice} |", e.word, e.class.code()).unwrap();
        }
        page += around.errcodes;
        for e in ENTRIES {
            let on = e.endpoint.map_or(around.any, |i| i.as_str());
            let documented = around.yes_no[usize::from(!e.official)];
            let (code, name, class) = (e.errcode, e.name, e.class.as_str());
            let (meaning, remedy) = (e.meaning.get(around.lang), e.remedy.get(around.lang));
            writeln!(
                page,
                "| {code} | `{name}` | {on} | `{class}` | {documented} | {meaning} | {remedy} |"
            )
            .unwrap();
        }
        page
    });
    check_generated_pages("errors.md", &pages);
}
