//! Prints plans, summaries and the status of queues.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, json};
use wxlink_bulk::{
    Job, JobStatus, Outcome, OutcomeCount, OverQuotaAccount, Place, Plan, PlannedAction,
    QueueStatus, Report, Row, Tally, UnreadableAccount, WorkerStatus, format_beijing_time,
};

use crate::context::Context;
use crate::message::Message;
use crate::output::{Cell, DIM, FAILURE, Output, PENDING, SUCCESS, Table};

/// A worker that holds no account is not shown after this time without a sign of life (ms).
const HIDE_WORKER_AFTER_MS: u64 = 60_000;

/// Formats a number for people: `1,234,567`.
pub(super) fn number(n: u64) -> String {
    indicatif::HumanCount(n).to_string()
}

/// Formats a number with an English noun: `1 row`, `2 rows`.
pub(super) fn count(n: u64, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {noun}{s}", number(n))
}

/// Prints a plan: a line of JSON, or a table and the accounts that need attention.
pub(super) fn print_plan(context: &Context, job: &Job, plan: &Plan) {
    let out = context.out;
    let counts: Vec<(PlannedAction, u64)> = PlannedAction::ALL
        .into_iter()
        .map(|action| (action, plan.count(action)))
        .filter(|(_, rows)| *rows > 0)
        .collect();
    let actions = counts.iter().map(|(a, n)| (a.word().to_owned(), json!(n)));
    let json = json!({"plan": {
        "rows": job.rows(),
        "left": job.left(),
        "accounts": job.accounts(),
        "actions": actions.collect::<Map<_, _>>(),
        "notifying_rows": plan.notifying,
        "notified_accounts": plan.notified_accounts,
        "over_quota": plan.over_quota,
        "unreadable": plan.unreadable,
    }});
    out.result(&json, || {
        let mut table = Table::new([out.text("ROWS", "行数"), out.text("PLAN", "计划")]);
        for (action, rows) in &counts {
            let style = match action {
                PlannedAction::Post => SUCCESS,
                PlannedAction::OverQuota => PENDING,
                PlannedAction::Unreadable => FAILURE,
                _ => DIM,
            };
            table.row([
                Cell::from(&*number(*rows)),
                Cell::new(action.meaning().get(out.lang()), style),
            ]);
        }
        out.table(&table);
        for OverQuotaAccount { account, posts } in &plan.over_quota {
            let line = Message::new(
                format!("over quota: {account}, with {posts} to be invited"),
                format!("超出额度：{account}，待邀请 {posts} 个"),
            );
            out.line(line.get(out.lang()));
        }
        for UnreadableAccount { account, message } in &plan.unreadable {
            let line = Message::new(
                format!("cannot be read: {account}: {message}"),
                format!("无法读取：{account}：{message}"),
            );
            out.line(line.get(out.lang()));
        }
        if plan.notifying > 0 {
            let line = notification(plan);
            let line = line.get(out.lang());
            out.line(format_args!("{FAILURE}{line}{FAILURE:#}"));
        }
    });
}

/// Which followers would be messaged.
pub(super) fn notification(plan: &Plan) -> Message {
    let (accounts, rows) = (plan.notified_accounts, plan.notifying);
    Message::new(
        format!(
            "Every follower of {} would be messaged, for {}.",
            count(accounts, "account"),
            count(rows, "row")
        ),
        format!("将向 {accounts} 个账号的全部粉丝发送通知，涉及 {rows} 行。"),
    )
}

/// A planned row as JSON.
pub(super) fn planned_row(row: &Row, action: PlannedAction) -> String {
    #[derive(Serialize)]
    struct PlannedRow<'a> {
        action: PlannedAction,
        #[serde(flatten)]
        row: &'a Row,
    }
    json_line(&PlannedRow { action, row })
}

/// A record or a result as JSON, in which the user's columns keep their order.
pub(super) fn json_line(record: &impl Serialize) -> String {
    // Serialising these types cannot fail.
    serde_json::to_string(record).unwrap_or_default()
}

/// Prints how many rows have which outcome, and the files of the report.
pub(super) fn print_summary(
    context: &Context,
    place: Place,
    tally: &Tally,
    left: u64,
    report: Option<&Report>,
) {
    let out = context.out;
    let counts: Vec<OutcomeCount> = tally.counts().collect();
    let outcomes = counts
        .iter()
        .map(|count| (count.outcome.word().to_owned(), json!(count.rows)));
    let json = json!({"summary": {
        "outcomes": outcomes.collect::<Map<_, _>>(),
        "left": left,
        "report": report.map(|r| r.dir.display().to_string()),
    }});
    let path_of = |outcome: Outcome| {
        let files = report.map_or(&[][..], |report| &report.files);
        let file = files.iter().find(|file| file.outcome == outcome);
        file.map_or_else(String::new, |file| file.path.display().to_string())
    };
    out.result(&json, || {
        let mut table = Table::new([
            out.text("ROWS", "行数"),
            out.text("OUTCOME", "结果"),
            out.text("MEANING", "含义"),
            out.text("FILE", "文件"),
        ]);
        for OutcomeCount { outcome, rows } in &counts {
            let style = match outcome {
                Outcome::Linked | Outcome::Invited => SUCCESS,
                Outcome::Pending | Outcome::Deferred => PENDING,
                _ => FAILURE,
            };
            table.row([
                Cell::from(&*number(*rows)),
                Cell::new(outcome.name().get(out.lang()), style),
                Cell::from(outcome.meaning(place).get(out.lang())),
                Cell::new(&path_of(*outcome), DIM),
            ]);
        }
        if left > 0 {
            table.row([
                Cell::from(&*number(left)),
                Cell::new(out.text("left", "剩余"), PENDING),
                Cell::from(match place {
                    Place::Job => out.text(
                        "not done yet; continue with --resume",
                        "尚未处理，用 --resume 继续",
                    ),
                    Place::Queue => out.text(
                        "no result yet; workers do them (wxlink bulk work), deferred rows when \
                         they are due",
                        "尚无结果，由工作进程处理 (wxlink bulk work)；已推迟的行到期后处理",
                    ),
                }),
            ]);
        }
        out.table(&table);
    });
}

/// The outcomes so far on one line, for a progress bar.
pub(super) fn one_line_summary(out: &Output, tally: &Tally) -> String {
    let name = |outcome: Outcome| outcome.name().get(out.lang());
    let parts: Vec<String> = tally
        .counts()
        .map(|count| format!("{} {}", name(count.outcome), number(count.rows)))
        .collect();
    parts.join(out.text(", ", "，"))
}

/// Prints the status of a queue.
pub(super) fn print_status(out: &Output, status: &QueueStatus) {
    out.result(&json!(status), || {
        out.table(&status_table(out, status));
        let is_incomplete = |job: &&JobStatus| job.pushed < job.rows;
        for job in status.jobs.iter().filter(is_incomplete) {
            let (name, pushed, rows) = (&job.job, number(job.pushed), number(job.rows));
            let line = Message::new(
                format!("job {name} is incomplete: {pushed} of {rows} rows. Push it again"),
                format!("任务 {name} 不完整：{rows} 行中已推送 {pushed} 行。请重新推送"),
            );
            out.line(line.get(out.lang()));
        }
        let mut workers = Table::new([
            out.text("WORKER", "工作进程"),
            out.text("ACCOUNTS", "账号数"),
            out.text("SILENT FOR", "静默时间"),
        ]);
        let is_shown = |w: &&WorkerStatus| w.silent_ms < HIDE_WORKER_AFTER_MS || w.accounts > 0;
        for worker in status.workers.iter().filter(is_shown) {
            let silent = Duration::from_millis(worker.silent_ms).as_secs_f64();
            let silent = format!("{silent:.1} s");
            let cells = [&worker.name, &number(worker.accounts), &silent];
            workers.row(cells.map(|text| Cell::new(text, DIM)));
        }
        out.table(&workers);
    });
}

fn status_table(out: &Output, status: &QueueStatus) -> Table {
    let mut table = Table::new([out.text("ROWS", "行数"), out.text("STATE", "状态")]);
    let mut row = |rows: u64, state: &str| {
        if rows > 0 {
            table.row([Cell::from(&*number(rows)), Cell::from(state)]);
        }
    };
    row(status.pushed, out.text("pushed", "已推送"));
    row(
        status.waiting,
        out.text(
            "waiting for a worker, or in progress",
            "等待工作进程，或正在处理",
        ),
    );
    let deferred = match status.next_due.map(format_beijing_time) {
        Some(due) => Message::new(
            format!(
                "deferred: a quota is used up, or an invitation is in doubt; the first are due at \
                 {due} in Beijing"
            ),
            format!("已推迟：额度已用完，或此前的邀请结果未明；最早于北京时间 {due} 到期"),
        ),
        None => Message::new(
            "deferred: a quota is used up, or an invitation is in doubt",
            "已推迟：额度已用完，或此前的邀请结果未明",
        ),
    };
    row(status.deferred, deferred.get(out.lang()));
    for OutcomeCount { outcome, rows } in &status.ended {
        let (name, meaning) = (outcome.name(), outcome.meaning(Place::Queue));
        let line = Message::new(
            format!("{}: {}", name.en, meaning.en),
            format!("{}：{}", name.zh, meaning.zh),
        );
        row(*rows, line.get(out.lang()));
    }
    table
}
