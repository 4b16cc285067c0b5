//! Owns the comparison at the end of a proof: what was acknowledged, what the tables hold, what every viewer was told, what a
//! newcomer reads, what stands at the fake Discord. It starts nothing and waits for nothing.

use std::collections::{BTreeMap, HashMap};

use fake_discord::Message;
use serde_json::Value;

use super::Report;
use super::field_connector::{Account, Story, mark_of};
use crate::failure::{Doing, Failure, Outcome};
use crate::live_client::session::{Follower, Told};
use crate::stage::{Stage, Table};

/// What there is to judge by.
pub(super) struct Evidence<'a> {
    pub(super) stage: &'a Stage,
    pub(super) accounts: &'a [Account],
    pub(super) viewers: &'a [Follower],
    /// Source to target channel, for mappings that stood all the time.
    pub(super) mirrored: &'a BTreeMap<u64, u64>,
    /// Target channels of mappings that came and went.
    pub(super) passing_targets: &'a [u64],
}

/// Adds everything that is wrong to the report.
pub(super) fn judge(
    evidence: &Evidence<'_>,
    table: &mut Table,
    report: &mut Report,
) -> Outcome<()> {
    let stored = stored(table)?;
    sequences(&stored, report);
    let stories: Vec<&Story> = evidence
        .accounts
        .iter()
        .flat_map(|account| &account.stories)
        .collect();
    acknowledged(evidence.accounts, &stories, &stored, report);
    for (number, viewer) in evidence.viewers.iter().enumerate() {
        told(number, viewer, &stored, report);
    }
    newcomer(evidence.stage, &stories, report)?;
    if let Some(fake) = evidence.stage.fake_discord() {
        for (source, target) in evidence.mirrored {
            let messages = fake.control().messages(Some((*target).into()));
            let of_source: Vec<&&Story> = stories
                .iter()
                .filter(|story| story.channel_id == *source)
                .collect();
            mirrored(&of_source, &messages, report);
            in_order(&of_source, &messages, report);
        }
        for target in evidence.passing_targets {
            let messages = fake.control().messages(Some((*target).into()));
            at_most_once(*target, &messages, report);
        }
    }
    Ok(())
}

type Stored = BTreeMap<u64, Vec<Told>>;

/// The revisions of every channel in the order of their sequence.
fn stored(table: &mut Table) -> Outcome<Stored> {
    let rows = table.texts(
        "SELECT format('%s %s %s %s %s %s', channel_id, epoch, seq, signal_id, revision,
                CASE kind WHEN 'c' THEN 'create' WHEN 'u' THEN 'update' ELSE 'delete' END) AS text
           FROM revisions ORDER BY channel_id, epoch, seq",
    )?;
    let mut stored = Stored::new();
    for row in rows {
        let (channel, told) = parsed(&row).doing(format!("the row {row:?}"))?;
        stored.entry(channel).or_default().push(told);
    }
    Ok(stored)
}

fn parsed(row: &str) -> Option<(u64, Told)> {
    let mut words = row.split(' ');
    let channel = words.next()?.parse().ok()?;
    let told = Told {
        epoch: words.next()?.parse().ok()?,
        seq: words.next()?.parse().ok()?,
        signal_id: words.next()?.parse().ok()?,
        revision: words.next()?.parse().ok()?,
        kind: words.next()?.to_owned(),
    };
    Some((channel, told))
}

/// Every channel is dense from 1, and every signal's revisions come in order.
fn sequences(stored: &Stored, report: &mut Report) {
    for (channel, rows) in stored {
        let mut latest: HashMap<u64, i64> = HashMap::new();
        for (wanted, row) in (1_i64..).zip(rows) {
            if (row.epoch, row.seq) != (1, wanted) {
                report.gaps += 1;
                report.breach(format!("channel {channel} has {row:?} in place {wanted}"));
                break;
            }
            let before = latest.insert(row.signal_id, row.revision).unwrap_or(0);
            if row.revision != before + 1 {
                report.out_of_order += 1;
                report.breach(format!(
                    "channel {channel}: {row:?} after revision {before}"
                ));
            }
        }
    }
}

/// Every acknowledged change is there once.
fn acknowledged(accounts: &[Account], stories: &[&Story], stored: &Stored, report: &mut Report) {
    let mut found: HashMap<u64, i64> = HashMap::new();
    for row in stored.values().flatten() {
        *found.entry(row.signal_id).or_default() += 1;
    }
    for story in stories {
        let rows = found.remove(&story.signal_id).unwrap_or(0);
        report.lose("table", (story.revisions - rows).max(0).unsigned_abs());
        report.double("table", (rows - story.revisions).max(0).unsigned_abs());
        if rows != story.revisions {
            report.breach(format!("{rows} rows of {story:?}"));
        }
    }
    // What nobody was acknowledged for must not be there either: every connector pushed until it was.
    for (signal_id, rows) in found {
        report.double("table", rows.unsigned_abs());
        report.breach(format!(
            "{rows} rows of signal {signal_id}, which nobody said"
        ));
    }
    for account in accounts {
        for counts in account.channels.values() {
            report.events += counts.said;
            report.acked += counts.acked;
            report.stuck += counts.refused;
        }
        if let Some(answer) = &account.first_refusal {
            report.breach(format!("items were held or rejected: {answer}"));
        }
    }
}

/// A viewer was told exactly what is stored.
fn told(number: usize, viewer: &Follower, stored: &Stored, report: &mut Report) {
    report.double("viewers", viewer.doubled);
    report.gaps += viewer.gaps;
    if viewer.doubled + viewer.gaps + viewer.resyncs > 0 {
        report.stuck += viewer.resyncs;
        report.breach(format!(
            "viewer {number}: {} doubled, {} gaps, {} times told to load anew",
            viewer.doubled, viewer.gaps, viewer.resyncs
        ));
    }
    for (channel, rows) in stored {
        let told = viewer.told(*channel);
        let same = rows
            .iter()
            .zip(told)
            .take_while(|(row, told)| row == told)
            .count();
        if same < told.len() {
            report.out_of_order += 1;
            report.breach(format!(
                "viewer {number} was told {:?} in channel {channel}, stored is {:?}",
                told[same],
                rows.get(same)
            ));
        } else if same < rows.len() {
            report.lose("viewers", (rows.len() - same) as u64);
            report.breach(format!(
                "viewer {number} misses {} of {} in channel {channel}",
                rows.len() - same,
                rows.len()
            ));
        }
    }
}

/// Who comes now and reads the pages of a channel finds every signal in its last state.
fn newcomer(stage: &Stage, stories: &[&Story], report: &mut Report) -> Outcome<()> {
    let mut texts: HashMap<u64, Option<String>> = HashMap::new();
    let mut channels: Vec<u64> = stories.iter().map(|story| story.channel_id).collect();
    channels.sort_unstable();
    channels.dedup();
    for channel in channels {
        pages(stage, channel, &mut texts)?;
    }
    for story in stories {
        let shown = texts.get(&story.signal_id).cloned().flatten();
        let wanted = (!story.is_deleted).then(|| story.text.clone());
        if shown != wanted {
            report.lose("newcomer", 1);
            report.breach(format!("a newcomer reads {shown:?} of {story:?}"));
        }
    }
    Ok(())
}

/// The texts of all signals of a channel; `None` for one shown as deleted.
fn pages(stage: &Stage, channel: u64, texts: &mut HashMap<u64, Option<String>>) -> Outcome<()> {
    let mut client = stage.public_client();
    let mut before = String::new();
    loop {
        let path = format!("/api/channels/{channel}/signals?limit=200{before}");
        let response = client.request("GET", &path, &[], None).doing(&path)?;
        if response.status != 200 {
            return Err(Failure::new(format!("{path} answered {}", response.status)));
        }
        let page: Value = serde_json::from_slice(&response.body)?;
        for signal in page["signals"].as_array().into_iter().flatten() {
            let id = signal["signal_id"].as_str().and_then(|id| id.parse().ok());
            let text = signal["text"].as_str().unwrap_or_default().to_owned();
            let is_deleted = signal["deleted"] == true;
            texts.insert(id.doing("signal_id")?, (!is_deleted).then_some(text));
        }
        match page["next_before"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return Ok(()),
        }
    }
}

fn by_signal(messages: &[Message]) -> HashMap<u64, Vec<&Message>> {
    let mut by_signal: HashMap<u64, Vec<&Message>> = HashMap::new();
    for message in messages {
        if let Some(signal_id) = signal_in(&everything(message)) {
            by_signal.entry(signal_id).or_default().push(message);
        }
    }
    by_signal
}

/// The messages of a target, deleted ones included, appeared in the order in which their signals were said.
fn in_order(stories: &[&&Story], messages: &[Message], report: &mut Report) {
    let places: HashMap<u64, usize> = stories
        .iter()
        .enumerate()
        .map(|(place, story)| (story.signal_id, place))
        .collect();
    let mut appeared: Vec<(fake_discord::Id, usize)> = messages
        .iter()
        .filter_map(|message| {
            let signal_id = signal_in(&everything(message))?;
            Some((message.id, *places.get(&signal_id)?))
        })
        .collect();
    appeared.sort_unstable();
    for pair in appeared.windows(2) {
        if pair[1].1 < pair[0].1 {
            report.out_of_order += 1;
            let (early, late) = (stories[pair[1].1], stories[pair[0].1]);
            report.breach(format!("at Discord {late:?} appeared before {early:?}"));
        }
    }
}

/// No signal was posted twice in this target.
fn at_most_once(target: u64, messages: &[Message], report: &mut Report) {
    for (signal_id, all) in by_signal(messages) {
        if all.len() > 1 {
            report.double("discord", all.len() as u64 - 1);
            report.breach(format!(
                "{} messages were made of signal {signal_id} in channel {target}",
                all.len()
            ));
        }
    }
}

/// Every signal stands once at Discord in its last state, and a deleted one does not stand there.
fn mirrored(stories: &[&&Story], messages: &[Message], report: &mut Report) {
    let mut by_signal = by_signal(messages);
    for story in stories {
        let all = by_signal.remove(&story.signal_id).unwrap_or_default();
        let alive: Vec<&&Message> = all
            .iter()
            .filter(|message| message.deleted_at_ms.is_none())
            .collect();
        if all.len() > 1 {
            report.double("discord", all.len() as u64 - 1);
            report.breach(format!("{} messages were made of {story:?}", all.len()));
        }
        let is_right = match alive.as_slice() {
            [] => story.is_deleted,
            [message] => {
                let text = everything(message);
                !story.is_deleted
                    && text.contains(&mark_of(story.signal_id))
                    && text.contains(&format!(" v{} ", story.revisions))
            }
            // Counted above.
            _ => true,
        };
        if !is_right {
            report.lose("discord", 1);
            let contents: Vec<String> = alive.iter().map(|message| everything(message)).collect();
            report.breach(format!("at Discord {contents:?} of {story:?}"));
        }
    }
    if !by_signal.is_empty() {
        report.double("discord", by_signal.len() as u64);
        report.breach(format!(
            "at Discord there are signals nobody said: {by_signal:?}"
        ));
    }
}

/// The signal whose mark stands in a text.
pub(super) fn signal_in(text: &str) -> Option<u64> {
    crate::clock::number_after(text.as_bytes(), b"[[s=")
}

/// Text and embeds of a message: a mirror may put a signal in either.
fn everything(message: &Message) -> String {
    let embeds: Vec<String> = message.embeds.iter().map(ToString::to_string).collect();
    format!("{} {}", message.content, embeds.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: i64, signal_id: u64, revision: i64) -> Told {
        Told {
            epoch: 1,
            seq,
            signal_id,
            revision,
            kind: "create".into(),
        }
    }

    fn story(signal_id: u64, revisions: i64) -> Story {
        Story {
            signal_id,
            channel_id: 7,
            revisions,
            text: "x".into(),
            is_deleted: false,
        }
    }

    #[test]
    fn rows_are_parsed() {
        let parsed = parsed("7 1 2 99 3 update");
        let wanted = Told {
            kind: "update".into(),
            ..row(2, 99, 3)
        };
        assert_eq!(parsed, Some((7, wanted)));
        assert_eq!(super::parsed("7 1"), None);
    }

    #[test]
    fn holes_and_disorder_are_seen() {
        for (rows, gaps, out_of_order) in [
            (vec![row(1, 9, 1), row(2, 9, 2), row(3, 8, 1)], 0, 0),
            (vec![row(1, 9, 1), row(3, 9, 2)], 1, 0),
            (vec![row(2, 9, 1)], 1, 0),
            (vec![row(1, 9, 2), row(2, 9, 1)], 0, 2),
        ] {
            let mut report = Report::default();
            sequences(&Stored::from([(7, rows)]), &mut report);
            assert_eq!((report.gaps, report.out_of_order), (gaps, out_of_order));
            assert_eq!(report.holds(), gaps + out_of_order == 0);
        }
    }

    #[test]
    fn acknowledged_revisions_are_there_once() {
        let stored = Stored::from([(7, vec![row(1, 9, 1), row(2, 8, 1), row(3, 8, 2)])]);
        for (stories, lost, doubled) in [
            (vec![story(9, 1), story(8, 2)], 0, 0),
            (vec![story(9, 2), story(8, 2)], 1, 0),
            (vec![story(9, 1), story(8, 1)], 0, 1),
            (vec![story(9, 1)], 0, 2),
        ] {
            let mut report = Report::default();
            let stories: Vec<&Story> = stories.iter().collect();
            acknowledged(&[], &stories, &stored, &mut report);
            assert_eq!((report.lost, report.doubled), (lost, doubled));
        }
    }

    #[test]
    fn a_viewer_is_compared_row_by_row() {
        let frame = |seq: i64, signal: u64| {
            serde_json::json!({"type": "revision", "channel_id": "7", "epoch": 1, "seq": seq, "kind": "create",
                "signal": {"signal_id": signal.to_string(), "revision": 1}})
        };
        let stored = Stored::from([(7, vec![row(1, 9, 1), row(2, 8, 1)])]);
        for (frames, lost, out_of_order) in [
            (vec![frame(1, 9), frame(2, 8)], 0, 0),
            (vec![frame(1, 9)], 1, 0),
            (vec![frame(1, 9), frame(2, 5)], 0, 1),
        ] {
            let mut viewer = Follower::from_the_beginning(&[7]);
            for frame in &frames {
                assert_eq!(viewer.take_in(frame).ok(), Some(true));
            }
            let mut report = Report::default();
            told(0, &viewer, &stored, &mut report);
            assert_eq!((report.lost, report.out_of_order), (lost, out_of_order));
        }
    }
}
