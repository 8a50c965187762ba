//! The names that auditors look for, and what this page shows for each: no more than it can.

use super::super::Looker;
use super::super::standing::Totals;
use super::counted;

struct Control {
    name: &'static str,
    link: Option<&'static str>,
    asks: &'static str,
    shows: String,
    not: &'static str,
}

const ECS_4: &str = "https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html#ecs-4";
const CONFIG: &str = "https://docs.aws.amazon.com/config/latest/developerguide/ecs-containers-nonprivileged.html";

pub(super) fn section(totals: &Totals, looker: &Looker) -> String {
    let newest = format!(
        "{} whose newest revision is privileged, exempt ones among them: AWS knows nothing of exemptions.",
        counted(totals.newest_privileged, "family", "families")
    );
    let controls = [
        Control {
            name: "AWS Security Hub ECS.4",
            link: Some(ECS_4),
            asks: "ECS containers should run as non-privileged.",
            shows: newest.clone(),
            not: "Security Hub's own findings. It looks at the newest ACTIVE revision only: older ones that run or can be \
                  started are on this page and not there.",
        },
        Control {
            name: "AWS Config ecs-containers-nonprivileged",
            link: Some(CONFIG),
            asks: "The rule behind ECS.4.",
            shows: newest,
            not: "The rule's own evaluations, which see the newest ACTIVE revision only, too.",
        },
        Control {
            name: "CIS Controls v8, safeguard 3.4",
            link: None,
            asks: "Enforce Data Retention.",
            shows: match looker {
                Looker::Sweep { .. } => {
                    "A part: each change has a backup and a record in the bucket, and each day a dated copy of this \
                     page's data."
                }
                Looker::Scan { .. } => "A part: each change has a backup and a record in the bucket.",
            }
            .to_owned(),
            not: "How long the bucket keeps them: its lifecycle rules say that.",
        },
        Control {
            name: "CIS Controls v8, safeguard 6.7",
            link: None,
            asks: "Centralize Access Control.",
            shows: "Nothing directly: only that exemptions of the account and Region are in one place.".to_owned(),
            not: "Whether people and roles sign in through one directory: IAM Identity Center or your directory shows that.",
        },
        Control {
            name: "CIS Controls v8, safeguard 6.8",
            link: None,
            asks: "Define and Maintain Role-Based Access Control.",
            shows: "A part: which containers hold host privilege, who is said to have approved it, why, and until when (90 \
                    days at most, EXEMPT_FAMILIES aside)."
                .to_owned(),
            not: "Who may register task definitions or write exemptions: IAM policies show that.",
        },
        Control {
            name: "CIS Controls v8, safeguard 14.6",
            link: None,
            asks: "Train Workforce Members on Recognizing and Reporting Security Incidents.",
            shows: "Nothing. Alerts say what happened and what to do; that is no training.".to_owned(),
            not: "Training records.",
        },
    ];
    format!(
        "<section aria-labelledby=\"controls\">\n<h2 id=\"controls\">What this page shows for which control</h2>\n\
         <p>The CIS safeguards are those that the written procedure names. This page is evidence for a part of a \
         control, never for all of it.</p>\n\
         <table class=\"controls\">\n<thead><tr><th scope=\"col\">Control</th><th scope=\"col\">It asks</th>\
         <th scope=\"col\">This page shows</th><th scope=\"col\">This page does not show</th></tr></thead>\n\
         <tbody>\n{}</tbody>\n</table>\n</section>\n",
        controls.map(|control| row(&control)).concat()
    )
}

fn row(control: &Control) -> String {
    let name = match control.link {
        Some(link) => format!("<a href=\"{link}\">{}</a>", control.name),
        None => control.name.to_owned(),
    };
    let Control { asks, shows, not, .. } = control;
    format!("<tr><th scope=\"row\">{name}</th><td>{asks}</td><td>{shows}</td><td>{not}</td></tr>\n")
}
