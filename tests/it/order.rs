//! Batches of one channel that overlap: whatever is joined, forgotten and recalled while plans are still on their way, what was
//! acknowledged stays.

use std::{sync::Arc, thread};

use crate::{
    harness::{Desk, server, start},
    said,
};

const ROUNDS: usize = 12;
const SIGNALS: usize = 40;

/// The channel remembers four signals only, so nearly every edit recalls one whose create may not be written yet.
#[test]
fn an_edit_never_overtakes_the_create_it_follows() {
    let stage = start(server().with_env("HELIOGRAPH_STORE_CHANNEL_SIGNALS_CACHED_MAX", "4"));
    let desk = Arc::new(Desk::on(&stage));
    for round in 0..ROUNDS {
        let channel = desk.source();
        let signals: Vec<u64> = (0..SIGNALS).map(|_| said::signal_id()).collect();
        // Several connectors' worth of pushes at once: creates, edits and repetitions pile up in the channel's mailbox.
        let pushes: Vec<Vec<_>> = vec![
            signals
                .iter()
                .map(|&id| said::create(channel, id, "first"))
                .collect(),
            signals
                .iter()
                .map(|&id| said::update(channel, id, "edited", 1))
                .collect(),
            signals
                .iter()
                .rev()
                .map(|&id| said::create(channel, id, "first"))
                .collect(),
            signals
                .iter()
                .rev()
                .map(|&id| said::update(channel, id, "last", 2))
                .collect(),
        ];
        let threads: Vec<_> = pushes
            .into_iter()
            .map(|items| {
                let desk = desk.clone();
                thread::spawn(move || desk.push_until_taken(&items))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let seen = desk.signals(channel);
        assert_eq!(seen.len(), SIGNALS, "round {round}");
        let stale: Vec<_> = seen
            .iter()
            .filter(|signal| signal["text"] != "last")
            .collect();
        assert!(stale.is_empty(), "round {round}: {stale:?}");
    }
    assert!(desk.quarantined().is_empty());
}
