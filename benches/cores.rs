//! Criterion on the cores: what a signal costs in the rules alone, without IO, clock or framework.

#![allow(missing_docs, clippy::unwrap_used)]

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use heliograph_actors::{
    hub_core::{HubCore, RingBounds},
    join_core::join,
    messages::{Counts, Received, Route},
    observation::{Event, Observation},
    router_core::RouterCore,
    routing::RoutingTable,
    source_channel_core::ChannelCore,
};
use heliograph_schema::{
    frame::Cursor,
    ids::{ChannelId, GuildId, SignalId},
    signal::{Mentions, SignalState, Text},
    store::signals::Head,
};
use std::hint::black_box;

fn channel() -> ChannelId {
    ChannelId::new(8).unwrap()
}

fn head() -> Head {
    Head {
        channel_id: channel(),
        cursor: Cursor { epoch: 1, seq: 0 },
        newest_known_id: 0,
        newest_created_id: 0,
    }
}

fn said(signal: i64, event: Event, stamp_ms: i64) -> Observation {
    let text = format!("EURUSD long {signal} at {stamp_ms}, stop below the London low, first target at the weekly open. ").repeat(5);
    Observation {
        index: 0,
        signal_id: SignalId::new(signal).unwrap(),
        channel_id: channel(),
        guild_id: GuildId::new(9).unwrap(),
        thread_id: None,
        reply_to: None,
        event,
        stamp_ms,
        deleted_at_ms: None,
        author: None,
        text: Text {
            raw: text.clone(),
            clean: text,
        },
        embeds: vec![],
        attachments: vec![],
        mentions: Mentions::default(),
    }
}

fn cores(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cores");

    group.bench_function("join/create_and_edit", |bench| {
        let (create, edit) = (said(1, Event::Create, 0), said(1, Event::Update, 5));
        bench.iter(|| {
            let mut state =
                SignalState::unknown(create.signal_id, create.channel_id, create.guild_id);
            black_box((join(&mut state, &create), join(&mut state, &edit)))
        });
    });

    group.throughput(Throughput::Elements(100));
    group.bench_function("plan/batch_of_100_creates", |bench| {
        let table = RoutingTable::default();
        let received = Received {
            at_ms: 0,
            at: std::time::Instant::now(),
        };
        bench.iter_batched(
            || {
                let mut channel = ChannelCore::new(head(), 512);
                let batch = (1..=100)
                    .map(|signal| said(signal, Event::Create, 0))
                    .collect();
                (RouterCore::default(), channel.join_batch(batch).0)
            },
            |(mut router, changes)| {
                let route = Route {
                    term: 0,
                    opened_at: head(),
                    forward: false,
                    received,
                    changes,
                    keep: None,
                    counts: Counts::default(),
                    answer: tokio::sync::oneshot::channel().0,
                };
                router.plan(&table, route).unwrap()
            },
            BatchSize::SmallInput,
        );
    });

    group.throughput(Throughput::Elements(1));
    group.bench_function("hub/arrival_for_1000_sessions", |bench| {
        let mut hub = HubCore::new(RingBounds {
            frames_max: 256,
            bytes_max: 262_144,
        });
        hub.learn_head(channel(), Cursor { epoch: 1, seq: 0 });
        for session in 0..1_000 {
            hub.attach(session, channel(), None, usize::MAX);
        }
        let frame = Bytes::from(vec![b'x'; 600]);
        let mut seq = 0;
        bench.iter(|| {
            seq += 1;
            black_box(hub.arrived(channel(), Cursor { epoch: 1, seq }, &frame))
        });
    });
    group.finish();
}

criterion_group!(benches, cores);
criterion_main!(benches);
