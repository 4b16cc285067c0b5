//! The join: everything said of a signal, in any order and any number of times, gives one state. Commutative, associative and
//! idempotent, because each event becomes registers that merge by maximum; which registers an event speaks to depends on the
//! event alone, never on what is known already. `docs/PROTOCOL.md` states the rules for connectors.

use crate::observation::{Event, Observation};
use heliograph_schema::{
    ids::UserId,
    signal::{
        Attachment, Author, Embed, Mentions, RevisionKind, SignalState, Stamped, Text, unsigned_url,
    },
};

/// What joining one observation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// Readers see a change: one more revision.
    Revised(RevisionKind),
    /// Something was learned that readers cannot see: the create is still to come, or the same content came under a newer
    /// stamp or signature. To be stored, so that a later event meets it even after a restart.
    Learned,
    /// Nothing new.
    Known,
}

/// Joins `said` into `state` and says what that means for readers. `state.revision` counts up with each visible change.
pub fn join(state: &mut SignalState, said: &Observation) -> Joined {
    if state.deleted_at_ms.is_some() {
        return Joined::Known; // Deletion absorbs: nothing said of a deleted signal can change what anyone sees.
    }
    let before = state.clone();
    merge(state, said);
    let deleted = state.deleted_at_ms.is_some();
    let outcome = match (before.created, state.created) {
        (true, _) if deleted => Joined::Revised(RevisionKind::Delete),
        (false, true) => Joined::Revised(RevisionKind::Create),
        (true, true) if reads_differently(&before, state) => Joined::Revised(RevisionKind::Update),
        _ if *state != before => Joined::Learned,
        _ => Joined::Known,
    };
    if let Joined::Revised(_) = outcome {
        state.revision += 1;
    }
    outcome
}

/// The merge alone, register by register. Independent of order and repetition.
fn merge(state: &mut SignalState, said: &Observation) {
    state.thread_id = state.thread_id.max(said.thread_id);
    state.reply_to = state.reply_to.max(said.reply_to);
    match said.event {
        Event::Delete => {
            // The earliest moment heard of; any other choice that does not depend on order would do.
            let at = said.deleted_at_ms.unwrap_or(i64::MAX);
            state.deleted_at_ms = Some(state.deleted_at_ms.map_or(at, |known| known.min(at)));
            return;
        }
        Event::Create => state.created = true,
        Event::Update => {}
    }
    if said.stamp_ms > 0 {
        state.edited_at_ms = state.edited_at_ms.max(Some(said.stamp_ms));
    }
    merge_author(&mut state.author, said.author.as_ref());
    merge_mentions(&mut state.mentions, &said.mentions);
    let speaks = Speaks::of(said);
    if speaks.text {
        raise(&mut state.text, said.stamp_ms, &said.text, text_order);
    }
    if speaks.embeds {
        raise(&mut state.embeds, said.stamp_ms, &said.embeds, embeds_order);
    }
    if speaks.attachments {
        raise(
            &mut state.attachments,
            said.stamp_ms,
            &said.attachments,
            attachments_order,
        );
    }
}

/// To which registers an event speaks. Empty means "not said", unless the event is the create, or an edit that carries the
/// two other fields: then the empty one was removed.
struct Speaks {
    text: bool,
    embeds: bool,
    attachments: bool,
}

impl Speaks {
    fn of(said: &Observation) -> Self {
        let has_text = !said.text.raw.is_empty() || !said.text.clean.is_empty();
        let has_embeds = !said.embeds.is_empty();
        let has_attachments = !said.attachments.is_empty();
        let full = said.event == Event::Create;
        let edit = said.stamp_ms > 0;
        Self {
            text: full || has_text || (edit && has_embeds && has_attachments),
            embeds: full || has_embeds || (edit && has_text && has_attachments),
            attachments: full || has_attachments || (edit && has_text && has_embeds),
        }
    }
}

/// Raises a register to `(stamp_ms, value)` when that is greater: by stamp, then by the register's own order of values.
fn raise<T: Clone>(
    register: &mut Option<Stamped<T>>,
    stamp_ms: i64,
    value: &T,
    order: fn(&T, &T) -> std::cmp::Ordering,
) {
    let greater = match register {
        None => true,
        Some(known) => stamp_ms
            .cmp(&known.stamp_ms)
            .then_with(|| order(value, &known.value))
            .is_gt(),
    };
    if greater {
        *register = Some(Stamped {
            stamp_ms,
            value: value.clone(),
        });
    }
}

/// Text at an equal stamp: the longer one, then the greater one. Discord promises that it cannot differ; connectors may.
fn text_order(a: &Text, b: &Text) -> std::cmp::Ordering {
    (a.clean.len() + a.raw.len(), a).cmp(&(b.clean.len() + b.raw.len(), b))
}

/// Embeds at an equal stamp: the fuller list, so that previews and charts may fill in.
fn embeds_order(a: &Vec<Embed>, b: &Vec<Embed>) -> std::cmp::Ordering {
    let weight = |list: &[Embed]| list.iter().map(embed_weight).sum::<usize>();
    (a.len(), weight(a))
        .cmp(&(b.len(), weight(b)))
        .then_with(|| a.cmp(b))
}

fn embed_weight(embed: &Embed) -> usize {
    let texts = [
        &embed.title,
        &embed.description,
        &embed.url,
        &embed.author_name,
        &embed.footer,
        &embed.timestamp,
    ];
    let pictures = [&embed.image_url, &embed.thumbnail_url];
    let said = texts.into_iter().flatten().map(String::len).sum::<usize>();
    let shown = pictures.into_iter().flatten().count();
    let rows = embed
        .fields
        .iter()
        .map(|field| field.name.len() + field.value.len())
        .sum::<usize>();
    said + rows + shown
}

/// Attachments at an equal stamp: more files, then the greater list, signatures left out first.
fn attachments_order(a: &Vec<Attachment>, b: &Vec<Attachment>) -> std::cmp::Ordering {
    fn plain(list: &[Attachment]) -> Vec<(i64, &str, std::borrow::Cow<'_, str>)> {
        list.iter()
            .map(|file| {
                (
                    file.attachment_id.get(),
                    file.filename.as_str(),
                    unsigned_url(&file.url),
                )
            })
            .collect()
    }
    a.len()
        .cmp(&b.len())
        .then_with(|| plain(a).cmp(&plain(b)))
        .then_with(|| a.cmp(b))
}

fn merge_author(known: &mut Option<Author>, said: Option<&Author>) {
    let Some(said) = said else { return };
    match known {
        // Names of one account may change between events; the greatest is as good as any and does not depend on order.
        Some(known) if known.user_id == said.user_id => {
            known.username = known.username.take().max(said.username.clone());
            known.global_name = known.global_name.take().max(said.global_name.clone());
            known.avatar_url = known.avatar_url.take().max(said.avatar_url.clone());
        }
        Some(known) if *known >= *said => {}
        _ => *known = Some(said.clone()),
    }
}

fn merge_mentions(known: &mut Mentions, said: &Mentions) {
    fn union<T: Ord + Copy>(known: &mut Vec<T>, said: &[T]) {
        known.extend(said);
        known.sort_unstable();
        known.dedup();
    }
    union(&mut known.roles, &said.roles);
    union(&mut known.users, &said.users);
}

/// Whether readers of the dashboard or of a mirror can tell the two apart.
fn reads_differently(a: &SignalState, b: &SignalState) -> bool {
    fn text(state: &SignalState) -> Option<&Text> {
        state
            .text
            .as_ref()
            .map(|t| &t.value)
            .filter(|t| !(t.raw.is_empty() && t.clean.is_empty()))
    }
    let same_urls = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) => unsigned_url(a) == unsigned_url(b),
        (a, b) => a == b,
    };
    let same_embed = |a: &Embed, b: &Embed| {
        same_urls(&a.image_url, &b.image_url)
            && same_urls(&a.thumbnail_url, &b.thumbnail_url)
            && without_pictures(a) == without_pictures(b)
    };
    let same_file = |a: &Attachment, b: &Attachment| {
        a.attachment_id == b.attachment_id
            && a.filename == b.filename
            && unsigned_url(&a.url) == unsigned_url(&b.url)
    };
    // A new picture alone is no news.
    fn named(state: &SignalState) -> Option<(UserId, Option<&str>, Option<&str>)> {
        let author = state.author.as_ref()?;
        Some((
            author.user_id,
            author.username.as_deref(),
            author.global_name.as_deref(),
        ))
    }
    text(a) != text(b)
        || named(a) != named(b)
        || a.embeds().len() != b.embeds().len()
        || !a
            .embeds()
            .iter()
            .zip(b.embeds())
            .all(|(a, b)| same_embed(a, b))
        || a.attachments().len() != b.attachments().len()
        || !a
            .attachments()
            .iter()
            .zip(b.attachments())
            .all(|(a, b)| same_file(a, b))
}

fn without_pictures(embed: &Embed) -> Embed {
    Embed {
        image_url: None,
        thumbnail_url: None,
        ..embed.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heliograph_schema::ids::{AttachmentId, ChannelId, GuildId, SignalId, UserId};
    use proptest::prelude::*;

    fn id<T>(make: fn(i64) -> Option<T>, number: i64) -> T {
        make(number).unwrap()
    }

    fn blank() -> SignalState {
        SignalState::unknown(
            id(SignalId::new, 7),
            id(ChannelId::new, 8),
            id(GuildId::new, 9),
        )
    }

    fn said(event: Event, stamp_ms: i64, text: &str) -> Observation {
        Observation {
            index: 0,
            signal_id: id(SignalId::new, 7),
            channel_id: id(ChannelId::new, 8),
            guild_id: id(GuildId::new, 9),
            thread_id: None,
            reply_to: None,
            event,
            stamp_ms,
            deleted_at_ms: (event == Event::Delete).then_some(1_000),
            author: None,
            text: Text {
                raw: text.into(),
                clean: text.into(),
            },
            embeds: vec![],
            attachments: vec![],
            mentions: Mentions::default(),
        }
    }

    fn chart(name: &str, signature: &str) -> Attachment {
        Attachment {
            attachment_id: id(AttachmentId::new, 5),
            filename: name.into(),
            url: format!("https://cdn/{name}?ex={signature}"),
            size: 1,
            content_type: None,
        }
    }

    fn embed(title: &str, image: Option<&str>) -> Embed {
        Embed {
            title: Some(title.into()),
            image_url: image.map(str::to_owned),
            ..Embed::default()
        }
    }

    /// Joins all and returns what each did.
    fn play(events: &[Observation]) -> (SignalState, Vec<Joined>) {
        let mut state = blank();
        let outcomes = events.iter().map(|event| join(&mut state, event)).collect();
        (state, outcomes)
    }

    use Joined::{Known, Learned, Revised};
    use RevisionKind::{Create, Delete, Update};

    #[test]
    fn lives_of_a_signal() {
        let create = || said(Event::Create, 0, "buy");
        let edit = |stamp, text| said(Event::Update, stamp, text);
        let delete = || said(Event::Delete, 0, "");
        let table: Vec<(&str, Vec<Observation>, Vec<Joined>, &str)> = vec![
            (
                "plain",
                vec![create(), edit(5, "sell"), delete()],
                vec![Revised(Create), Revised(Update), Revised(Delete)],
                "sell",
            ),
            (
                "twice",
                vec![create(), create(), edit(5, "sell"), edit(5, "sell")],
                vec![Revised(Create), Known, Revised(Update), Known],
                "sell",
            ),
            (
                "several edits under one key",
                vec![create(), edit(5, "a"), edit(6, "b"), edit(7, "c")],
                vec![
                    Revised(Create),
                    Revised(Update),
                    Revised(Update),
                    Revised(Update),
                ],
                "c",
            ),
            (
                "old edit last",
                vec![create(), edit(9, "new"), edit(5, "old")],
                vec![Revised(Create), Revised(Update), Known],
                "new",
            ),
            (
                "edit before create",
                vec![edit(5, "sell"), create()],
                vec![Learned, Revised(Create)],
                "sell",
            ),
            (
                "delete before create",
                vec![delete(), create(), edit(5, "x")],
                vec![Learned, Known, Known],
                "",
            ),
            (
                "create after delete",
                vec![create(), delete(), create()],
                vec![Revised(Create), Revised(Delete), Known],
                "buy",
            ),
            (
                "same text, newer stamp",
                vec![create(), edit(5, "buy"), edit(4, "older")],
                vec![Revised(Create), Learned, Known],
                "buy",
            ),
            (
                "empty update says nothing",
                vec![create(), edit(5, ""), edit(0, "")],
                vec![Revised(Create), Learned, Known],
                "buy",
            ),
        ];
        for (name, events, outcomes, text) in table {
            let (state, did) = play(&events);
            assert_eq!(did, outcomes, "{name}");
            assert_eq!(state.clean_text(), text, "{name}");
        }
    }

    #[test]
    fn sparse_updates_erase_nothing() {
        let with = |mut event: Observation, files: Vec<Attachment>, embeds: Vec<Embed>| {
            event.attachments = files;
            event.embeds = embeds;
            event
        };
        let create = with(
            said(Event::Create, 0, "entry 1.10"),
            vec![chart("a.png", "1")],
            vec![],
        );
        let only_files = with(
            said(Event::Update, 5, ""),
            vec![chart("b.png", "1")],
            vec![],
        );
        let only_text = with(said(Event::Update, 6, "entry 1.11"), vec![], vec![]);
        let (state, _) = play(&[create.clone(), only_files, only_text]);
        assert_eq!(state.clean_text(), "entry 1.11");
        assert_eq!(state.attachments()[0].filename, "b.png");

        let removes_files = with(
            said(Event::Update, 7, "no chart"),
            vec![],
            vec![embed("card", None)],
        );
        let (state, _) = play(&[create, removes_files]);
        assert!(
            state.attachments().is_empty(),
            "an edit that carries text and embeds says the files are gone"
        );
    }

    #[test]
    fn embeds_fill_in_at_an_equal_stamp_and_signatures_are_no_change() {
        let mut create = said(Event::Create, 0, "https://chart");
        create.attachments = vec![chart("a.png", "1")];
        let mut resolved = said(Event::Update, 0, "https://chart");
        resolved.embeds = vec![embed("chart", Some("https://cdn/c.png?ex=1"))];
        let mut signed_again = create.clone();
        signed_again.attachments = vec![chart("a.png", "2")];
        let mut embed_signed_again = resolved.clone();
        embed_signed_again.embeds = vec![embed("chart", Some("https://cdn/c.png?ex=9"))];
        let (state, did) = play(&[
            create.clone(),
            resolved,
            create,
            signed_again,
            embed_signed_again,
        ]);
        assert_eq!(
            did,
            [Revised(Create), Revised(Update), Known, Learned, Learned]
        );
        assert_eq!(state.embeds().len(), 1);
    }

    fn event() -> impl Strategy<Value = Observation> {
        let kinds = prop_oneof![
            Just(Event::Create),
            Just(Event::Update),
            Just(Event::Update),
            Just(Event::Delete)
        ];
        let files = prop::collection::vec(
            ("[ab]", "[12]").prop_map(|(name, sign)| chart(&name, &sign)),
            0..2,
        );
        let embeds = prop::collection::vec(
            ("[xy]{1,2}", prop::option::of("[pq]")).prop_map(|(t, i)| embed(&t, i.as_deref())),
            0..3,
        );
        let author = prop::option::of(("[mn]", 1_i64..3).prop_map(|(name, user)| Author {
            user_id: id(UserId::new, user),
            username: Some(name),
            global_name: None,
            avatar_url: None,
        }));
        (kinds, 0_i64..4, "[ab]{0,2}", files, embeds, author).prop_map(
            |(kind, stamp, text, attachments, embeds, author)| {
                // A create is what the message was at first, unless the connector caught it already edited.
                Observation {
                    attachments,
                    embeds,
                    author,
                    ..said(kind, stamp, &text)
                }
            },
        )
    }

    /// What every reader sees in the end; how often it changed on the way does not matter.
    fn view(state: &SignalState) -> Option<SignalState> {
        (state.created && state.deleted_at_ms.is_none()).then(|| {
            let mut plain = state.clone();
            plain.revision = 0;
            plain
        })
    }

    fn permutations(events: &[Observation]) -> Vec<Vec<Observation>> {
        if events.len() <= 1 {
            return vec![events.to_vec()];
        }
        (0..events.len())
            .flat_map(|first| {
                let mut rest = events.to_vec();
                let head = rest.remove(first);
                permutations(&rest).into_iter().map(move |mut tail| {
                    tail.insert(0, head.clone());
                    tail
                })
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
        #[test]
        fn every_order_of_up_to_five_events_ends_in_one_state(events in prop::collection::vec(event(), 1..6)) {
            let (first, _) = play(&events);
            for order in permutations(&events) {
                let (state, _) = play(&order);
                prop_assert_eq!(view(&state), view(&first));
                prop_assert_eq!(state.deleted_at_ms.is_some(), first.deleted_at_ms.is_some());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
        #[test]
        fn repetition_and_shuffling_change_nothing(
            events in prop::collection::vec(event(), 1..30),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        ) {
            let (once, _) = play(&events);
            let mut again: Vec<_> = picks.iter().map(|pick| pick.get(&events).clone()).collect();
            again.extend(events.iter().rev().cloned());
            let (state, outcomes) = play(&again);
            prop_assert_eq!(view(&state), view(&once));
            let visible = outcomes.iter().filter(|did| matches!(did, Revised(_))).count();
            prop_assert_eq!(state.revision as usize, visible);
            // And a last round says nothing new.
            let mut settled = state;
            for event in &events {
                prop_assert_eq!(join(&mut settled, event), Known);
            }
        }
    }
}
