//! What is said of plans, outcomes and queues.

use serde_json::{Value, json};
use wxlink_bulk::{
    Job, Outcome, OverQuotaAccount, Plan, PlannedAction, Record, Report, Row, Tally,
    UnreadableAccount,
};

use crate::context::Context;
use crate::output::{BAD, FAINT, GOOD, SOON};
use crate::report::merge;
use crate::table::{Cell, Table};

/// A number for people: `1,234,567`.
pub(super) fn number(n: u64) -> String {
    indicatif::HumanCount(n).to_string()
}

/// So many of them: `1 row`, `2 rows`.
pub(super) fn many(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {what}{s}", number(n))
}

/// A plan: to programs a line, to people a table and the accounts that stand out.
pub(super) fn plan(context: &Context, job: &Job, plan: &Plan) {
    let out = context.out;
    let counts: Vec<(PlannedAction, u64)> = PlannedAction::ALL
        .into_iter()
        .map(|finding| (finding, plan.count(finding)))
        .filter(|(_, n)| *n > 0)
        .collect();
    let json = json!({"plan": {
        "rows": job.rows(),
        "left": job.left(),
        "accounts": job.accounts(),
        "findings": counts.iter().map(|(f, n)| (f.word().to_owned(), json!(n))).collect::<serde_json::Map<_, _>>(),
        "notifying_rows": plan.notifying,
        "notified_accounts": plan.notified_accounts,
        "over_quota": plan.over_quota.iter().map(|a| json!(a)).collect::<Vec<_>>(),
        "unreadable": plan.unreadable.iter().map(|a| json!(a)).collect::<Vec<_>>(),
    }});
    out.result(&json, || {
        let mut table = Table::new(["ROWS", "WHAT WOULD BECOME OF THEM"]);
        for (finding, n) in &counts {
            let style = match finding {
                PlannedAction::Post => GOOD,
                PlannedAction::OverQuota => SOON,
                PlannedAction::Unreadable => BAD,
                _ => FAINT,
            };
            table.row([
                Cell::from(&*number(*n)),
                Cell::new(finding.meaning().en, style),
            ]);
        }
        out.table(&table);
        for OverQuotaAccount { account, posts } in &plan.over_quota {
            out.line(format_args!(
                "over its quota: {account}, with {posts} to be invited"
            ));
        }
        for UnreadableAccount {
            account,
            message: why,
        } in &plan.unreadable
        {
            out.line(format_args!("cannot be read: {account}: {why}"));
        }
        if plan.notifying > 0 {
            out.line(format_args!(
                "{BAD}Every follower of {} would be messaged, for {}.{BAD:#}",
                many(plan.notified_accounts, "account"),
                many(plan.notifying, "row")
            ));
        }
    });
}

/// What would become of a row, for programs.
pub(super) fn finding(row: &Row, finding: PlannedAction) -> Value {
    let mut line = json!({"finding": finding.word()});
    merge(&mut line, json!(row));
    line
}

/// What became of a row, for programs.
pub(super) fn record(record: &Record) -> Value {
    json!(record)
}

/// What all rows came to, and the files that tell of each.
pub(super) fn summary(context: &Context, tally: &Tally, left: u64, report: Option<&Report>) {
    let counts: Vec<(Outcome, u64)> = tally.counts().map(|c| (c.outcome, c.rows)).collect();
    let out = context.out;
    let file = |outcome: Outcome| {
        let files = report.map_or(&[][..], |report| &report.files);
        let file = files.iter().find(|f| f.outcome == outcome);
        file.map_or_else(String::new, |f| f.path.display().to_string())
    };
    let json = json!({"summary": {
        "outcomes": counts.iter().map(|(o, n)| (o.word().to_owned(), json!(n))).collect::<serde_json::Map<_, _>>(),
        "left": left,
        "report": report.map(|r| r.dir.display().to_string()),
    }});
    out.result(&json, || {
        let mut table = Table::new(["ROWS", "OUTCOME", "MEANING", "FILE"]);
        for (outcome, n) in &counts {
            let style = match outcome {
                Outcome::Linked | Outcome::Invited => GOOD,
                Outcome::Pending | Outcome::Deferred => SOON,
                _ => BAD,
            };
            table.row([
                Cell::from(&*number(*n)),
                Cell::new(outcome.word(), style),
                Cell::from(outcome.meaning().en),
                Cell::new(&file(*outcome), FAINT),
            ]);
        }
        if left > 0 {
            let meaning = "not dealt with yet; go on with --resume";
            table.row([
                Cell::from(&*number(left)),
                Cell::new("left", SOON),
                meaning.into(),
            ]);
        }
        out.table(&table);
    });
}

/// What became of rows so far, in a few words for a bar.
pub(super) fn words(tally: &Tally) -> String {
    let counts = tally.counts();
    let words: Vec<String> = counts
        .map(|c| format!("{} {}", c.outcome.word(), number(c.rows)))
        .collect();
    words.join(", ")
}
