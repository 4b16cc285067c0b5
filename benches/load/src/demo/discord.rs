//! Owns what the demo's Discord looks like: the customers' guild with categories, channels of every kind and roles. The guild
//! where signals are written is none of its: the bot is not there.

use demo_connector::{customer_guild, target_channels};
use fake_discord::{Bot, Channel, Guild, Id, Member, Role, Settings};

use crate::failure::{Doing, Outcome};

const BOT_USER_ID: u64 = 1_196_417_000_000_000_001;

const INFORMATION: u64 = 1_196_416_900_000_000_100;
const COMMUNITY: u64 = 1_196_416_900_000_000_200;

const TEXT: u8 = 0;
const VOICE: u8 = 2;
const CATEGORY: u8 = 4;
const ANNOUNCEMENTS: u8 = 5;
const FORUM: u8 = 15;

/// Id, kind, name, category, place. The category of the signals is where the targets stand.
const AROUND: [(u64, u8, &str, Place, i64); 12] = [
    (
        1_196_416_780_063_868_352,
        TEXT,
        "welcome",
        Place::Nowhere,
        0,
    ),
    (INFORMATION, CATEGORY, "INFORMATION", Place::Nowhere, 0),
    (INFORMATION + 1, TEXT, "rules", Place::In(INFORMATION), 0),
    (
        INFORMATION + 2,
        ANNOUNCEMENTS,
        "announcements",
        Place::In(INFORMATION),
        1,
    ),
    (
        INFORMATION + 3,
        TEXT,
        "how-to-read-signals",
        Place::In(INFORMATION),
        2,
    ),
    (
        1_196_418_400_000_000_301,
        FORUM,
        "trade-ideas",
        Place::Signals,
        6,
    ),
    (
        1_196_418_400_000_000_302,
        TEXT,
        "vip-signals",
        Place::Signals,
        7,
    ),
    (COMMUNITY, CATEGORY, "COMMUNITY", Place::Nowhere, 2),
    (COMMUNITY + 1, TEXT, "lounge", Place::In(COMMUNITY), 0),
    (COMMUNITY + 2, FORUM, "questions", Place::In(COMMUNITY), 1),
    (COMMUNITY + 3, TEXT, "results", Place::In(COMMUNITY), 2),
    (
        COMMUNITY + 4,
        VOICE,
        "Trading floor",
        Place::In(COMMUNITY),
        0,
    ),
];

/// Id, name, color, whether everybody may ping it; the highest first.
const ROLES: [(u64, &str, u32, bool); 8] = [
    (1_196_416_950_000_000_001, "Team", 0x00e7_4c3c, false),
    (1_196_416_950_000_000_002, "VIP", 0x00f1_c40f, true),
    (1_196_416_950_000_000_003, "Member", 0x0034_98db, false),
    (1_196_416_950_000_000_004, "Futures", 0x002e_cc71, true),
    (1_196_416_950_000_000_005, "FX", 0x001a_bc9c, true),
    (1_196_416_950_000_000_006, "Crypto", 0x009b_59b6, true),
    (1_196_416_950_000_000_007, "Equities", 0x00e6_7e22, true),
    (1_196_416_950_000_000_008, "Research", 0, true),
];

/// Where a channel stands.
#[derive(Clone, Copy)]
enum Place {
    Nowhere,
    In(u64),
    Signals,
}

/// The fake Discord of the demo.
pub(super) fn settings(port: u16, bot_token: &str) -> Outcome<Settings> {
    let guild_id = id(customer_guild().id)?;
    let targets = target_channels();
    let signals = targets[0].parent_id.map(id).transpose()?;
    let mut channels = Vec::new();
    if let Some(signals) = signals {
        channels.push(Channel::text(signals, guild_id).placed(CATEGORY, "SIGNALS", None, 1));
    }
    for target in &targets {
        let place = i64::from(target.position);
        let channel = Channel::text(id(target.id)?, guild_id);
        channels.push(channel.placed(target.kind, target.name, signals, place));
    }
    channels.extend(AROUND.map(|(channel_id, kind, name, place, position)| {
        let category = match place {
            Place::Nowhere => None,
            Place::In(category) => Some(category),
            Place::Signals => signals,
        };
        Channel::text(channel_id, guild_id).placed(kind, name, category, position)
    }));
    let highest = i64::try_from(ROLES.len()).unwrap_or(i64::MAX);
    let roles = ROLES.iter().zip((1..=highest).rev());
    let roles = roles.map(|(&(role_id, name, color, mentionable), position)| Role {
        name: name.to_owned(),
        color,
        mentionable,
        ..Role::new(role_id, position)
    });
    let guild = Guild {
        name: customer_guild().name.to_owned(),
        bot_role_position: highest + 1,
        owner_id: Id(1_196_416_700_000_000_001),
        ..Guild::new(guild_id, roles.collect(), Vec::<Member>::new())
    };
    Ok(Settings {
        port,
        bots: vec![Bot {
            username: "Heliograph".to_owned(),
            ..Bot::new(bot_token, BOT_USER_ID)
        }],
        guilds: vec![guild],
        channels,
        ..Settings::default()
    })
}

fn id(text: &str) -> Outcome<u64> {
    text.parse().doing(format!("the id {text}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_channel_has_an_id_of_its_own_and_stands_in_a_category_that_is_there() {
        let settings = settings(0, "t").unwrap();
        let ids: BTreeSet<Id> = settings.channels.iter().map(|channel| channel.id).collect();
        assert_eq!(ids.len(), settings.channels.len());
        for channel in &settings.channels {
            assert_eq!(channel.guild_id, Some(settings.guilds[0].id));
            if let Some(parent) = channel.parent_id {
                let parent = settings.channels.iter().find(|one| one.id == parent);
                assert_eq!(parent.unwrap().kind, CATEGORY, "{channel:?}");
            }
        }
        for target in target_channels() {
            assert!(ids.contains(&Id(target.id.parse().unwrap())), "{target:?}");
        }
    }
}
