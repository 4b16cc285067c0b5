//! What a page of a channel means beside what is on record: what is missing, what shows something else, and what nobody knows of.
//! Decides by the mapping's policy what is put right. Knows no table and no Discord.

use crate::{exchange::Listed, payload::Identity};
use heliograph_schema::{
    ids::{MessageId, SignalId},
    rules::HandDeletions,
    store::reconciliations::{NAMED_MAX, NamedFinding, Repair, Report},
};
use std::collections::HashMap;

/// One message on record, as it should look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The signal.
    pub signal_id: SignalId,
    /// From 0.
    pub part: u16,
    /// The message.
    pub message_id: MessageId,
    /// What it should show; `None` when that cannot be told.
    pub identity: Option<Identity>,
    /// It was found missing before, and left so.
    pub is_gone: bool,
    /// The mapping's policy.
    pub hand_deletions: HandDeletions,
}

/// Compares a page with its part of the records, adds what it shows to the report, and says what is to be done.
/// `unrecorded`: messages of the page that are on no record at all.
pub fn compare(
    report: &mut Report,
    expected: &[Expected],
    page: &[Listed],
    unrecorded: &[MessageId],
) -> Vec<(SignalId, u16, Repair)> {
    let stands: HashMap<MessageId, Identity> = page
        .iter()
        .map(|message| (message.message_id, message.identity))
        .collect();
    let mut repairs = Vec::new();
    for part in expected {
        // Known, reported then, and left so; a policy that has changed meanwhile brings back what there is to show.
        if part.is_gone && (part.hand_deletions == HandDeletions::Keep || part.identity.is_none()) {
            continue;
        }
        report.looked_for += 1;
        let repair = match (stands.get(&part.message_id), part.identity) {
            (Some(shown), Some(wanted)) if *shown != wanted => Repair::Edit,
            (Some(_), _) => continue,
            (None, _) if part.hand_deletions == HandDeletions::Repost => Repair::Repost,
            (None, _) => Repair::Keep,
        };
        let (kind, count) = match repair {
            Repair::Edit => ("changed", &mut report.changed),
            Repair::Repost => ("missing_reposted", &mut report.missing_reposted),
            Repair::Keep => ("missing_kept", &mut report.missing_kept),
        };
        *count += 1;
        name(report, kind, Some(part.signal_id), part.message_id);
        repairs.push((part.signal_id, part.part, repair));
    }
    for message_id in unrecorded {
        report.unrecorded += 1;
        name(report, "unrecorded", None, *message_id);
    }
    repairs
}

fn name(report: &mut Report, kind: &str, signal_id: Option<SignalId>, message_id: MessageId) {
    if report.findings.len() < NAMED_MAX {
        report.findings.push(NamedFinding {
            kind: kind.to_owned(),
            signal_id,
            message_id,
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_message_is_there_missing_or_different() {
        let (message, signal) = (|n| MessageId::new(n).unwrap(), SignalId::new(1).unwrap());
        let shows = |text: &str| Identity::of(text, &[]);
        let expected = |n, text: &str, hand_deletions| Expected {
            signal_id: signal,
            part: u16::try_from(n).unwrap(),
            message_id: message(n),
            identity: (!text.is_empty()).then(|| shows(text)),
            is_gone: n >= 6,
            hand_deletions,
        };
        let listed = |n, text: &str| Listed {
            message_id: message(n),
            identity: shows(text),
            is_ours: true,
        };
        use HandDeletions::{Keep, Repost};
        let records = [
            expected(1, "as it should be", Repost),
            expected(2, "as it should be", Keep),
            expected(3, "gone", Keep),
            expected(4, "gone", Repost),
            expected(5, "", Repost),
            expected(6, "gone before", Keep),
            expected(7, "gone before", Repost),
            expected(8, "", Repost),
        ];
        let page = [
            listed(1, "as it should be"),
            listed(2, "something else"),
            listed(5, "whatever"),
            listed(9, "by our hand"),
        ];
        let mut report = Report::default();
        let repairs = compare(&mut report, &records, &page, &[message(9)]);
        assert_eq!(
            repairs,
            [
                (signal, 2, Repair::Edit),
                (signal, 3, Repair::Keep),
                (signal, 4, Repair::Repost),
                (signal, 7, Repair::Repost)
            ]
        );
        let counts = (
            report.looked_for,
            report.changed,
            report.missing_kept,
            report.missing_reposted,
            report.unrecorded,
        );
        assert_eq!(counts, (6, 1, 1, 2, 1));
        let named: Vec<_> = report.findings.iter().map(|it| it.kind.as_str()).collect();
        assert_eq!(
            named,
            [
                "changed",
                "missing_kept",
                "missing_reposted",
                "missing_reposted",
                "unrecorded"
            ]
        );
    }
}
