//! The two guilds of the demo: "Heliograph Desk", where signals are written, and "Heliograph Customers", where mirrors
//! repost them. Fixed ids, so that a launcher can set up flags and mappings before the first signal, and a database
//! survives a restart of the demo.

use crate::contract::{ChannelGuildSync, SyncChannel, SyncGuild};

/// A guild of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guild {
    /// Snowflake.
    pub id: &'static str,
    /// Display name.
    pub name: &'static str,
}

/// A channel of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    /// Snowflake.
    pub id: &'static str,
    /// Snowflake of its guild.
    pub guild_id: &'static str,
    /// Display name.
    pub name: &'static str,
    /// Discord's channel type: 0 text, 4 category.
    pub kind: u8,
    /// Snowflake of its category.
    pub parent_id: Option<&'static str>,
    /// Its place in the list.
    pub position: u32,
}

/// Who writes in a source channel. Desks and programs, never persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Author {
    pub(crate) id: &'static str,
    pub(crate) username: &'static str,
    pub(crate) global_name: &'static str,
}

/// A role that is pinged with a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
}

/// What a source channel trades, and with it who writes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Desk {
    Futures,
    Fx,
    Crypto,
    Equities,
    Macro,
}

const DESK_GUILD: Guild = Guild {
    id: "1072157851310492252",
    name: "Heliograph Desk",
};
const CUSTOMER_GUILD: Guild = Guild {
    id: "1196416780055478786",
    name: "Heliograph Customers",
};
const DESK_CATEGORY: &str = "1072157851314949282";
const CUSTOMER_CATEGORY: &str = "1196416780059673064";

const fn category(guild: Guild, id: &'static str, name: &'static str) -> Channel {
    Channel {
        id,
        guild_id: guild.id,
        name,
        kind: 4,
        parent_id: None,
        position: 0,
    }
}

const fn text(
    guild: Guild,
    parent: &'static str,
    id: &'static str,
    name: &'static str,
    position: u32,
) -> Channel {
    Channel {
        id,
        guild_id: guild.id,
        name,
        kind: 0,
        parent_id: Some(parent),
        position,
    }
}

const SOURCE_CHANNELS: [Channel; 5] = [
    text(
        DESK_GUILD,
        DESK_CATEGORY,
        "1072158483119473035",
        "futures-desk",
        1,
    ),
    text(
        DESK_GUILD,
        DESK_CATEGORY,
        "1072158914243724035",
        "fx-desk",
        2,
    ),
    text(
        DESK_GUILD,
        DESK_CATEGORY,
        "1072159268347970011",
        "crypto-desk",
        3,
    ),
    text(
        DESK_GUILD,
        DESK_CATEGORY,
        "1072159697987045086",
        "equities-desk",
        4,
    ),
    text(
        DESK_GUILD,
        DESK_CATEGORY,
        "1087294824232780480",
        "macro-research",
        5,
    ),
];

const TARGET_CHANNELS: [Channel; 5] = [
    text(
        CUSTOMER_GUILD,
        CUSTOMER_CATEGORY,
        "1196417582987740823",
        "futures-signals",
        1,
    ),
    text(
        CUSTOMER_GUILD,
        CUSTOMER_CATEGORY,
        "1196417760763317678",
        "fx-signals",
        2,
    ),
    text(
        CUSTOMER_GUILD,
        CUSTOMER_CATEGORY,
        "1196417955249131238",
        "crypto-signals",
        3,
    ),
    text(
        CUSTOMER_GUILD,
        CUSTOMER_CATEGORY,
        "1196418132953271936",
        "equities-signals",
        4,
    ),
    text(
        CUSTOMER_GUILD,
        CUSTOMER_CATEGORY,
        "1196418327656925591",
        "research-notes",
        5,
    ),
];

/// Channels nobody captures or mirrors into: they make a snapshot look like a real guild.
const OTHER_CHANNELS: [Channel; 4] = [
    category(DESK_GUILD, DESK_CATEGORY, "DESKS"),
    text(
        DESK_GUILD,
        DESK_CATEGORY,
        "1072159985032629601",
        "desk-lounge",
        6,
    ),
    category(CUSTOMER_GUILD, CUSTOMER_CATEGORY, "SIGNALS"),
    text(
        CUSTOMER_GUILD,
        CUSTOMER_CATEGORY,
        "1196416780063868352",
        "welcome",
        0,
    ),
];

/// The account that comments on risk in every channel.
pub(crate) const RISK_DESK: Author = Author {
    id: "992091486449436104",
    username: "helio_risk",
    global_name: "Risk Desk",
};

/// The program that reports the tape.
pub(crate) const TAPE: Author = Author {
    id: "1050492017077126659",
    username: "helio_tape",
    global_name: "Tape",
};

/// The guild where signals are written.
#[must_use]
pub fn demo_guild() -> Guild {
    DESK_GUILD
}

/// The guild where mirrors repost them.
#[must_use]
pub fn customer_guild() -> Guild {
    CUSTOMER_GUILD
}

/// The five source channels, in [`demo_guild`]. The n-th belongs to the n-th of [`target_channels`].
#[must_use]
pub fn source_channels() -> [Channel; 5] {
    SOURCE_CHANNELS
}

/// The five target channels, in [`customer_guild`].
#[must_use]
pub fn target_channels() -> [Channel; 5] {
    TARGET_CHANNELS
}

/// The snapshot that answers discovery request `version`: without `guild_id` the guilds alone, with it that guild and
/// its channels. `None` when the demo has no such guild.
#[must_use]
pub fn snapshot(
    tenant_key: &str,
    connector_id: &str,
    version: i64,
    guild_id: Option<&str>,
) -> Option<ChannelGuildSync> {
    let guilds: Vec<Guild> = [DESK_GUILD, CUSTOMER_GUILD]
        .into_iter()
        .filter(|guild| guild_id.is_none_or(|id| id == guild.id))
        .collect();
    if guilds.is_empty() {
        return None;
    }
    let channels = OTHER_CHANNELS
        .iter()
        .chain(&SOURCE_CHANNELS)
        .chain(&TARGET_CHANNELS);
    Some(ChannelGuildSync {
        tenant_key: tenant_key.to_owned(),
        connector_id: connector_id.to_owned(),
        idempotency_key: format!(
            "{tenant_key}:{connector_id}:sync:{}:{version}",
            guild_id.unwrap_or("guilds")
        ),
        guilds: guilds
            .iter()
            .map(|guild| SyncGuild {
                discord_guild_id: guild.id.to_owned(),
                name: guild.name.to_owned(),
            })
            .collect(),
        channels: channels
            .filter(|channel| guild_id == Some(channel.guild_id))
            .map(|channel| SyncChannel {
                discord_channel_id: channel.id.to_owned(),
                guild_id: channel.guild_id.to_owned(),
                name: channel.name.to_owned(),
                kind: Some(channel.kind),
                parent_id: channel.parent_id.map(str::to_owned),
                position: Some(channel.position),
            })
            .collect(),
    })
}

/// The desk of a channel; a channel we do not know gets the macro desk, which trades everything.
pub(crate) fn desk_of(channel: &Channel) -> Desk {
    const DESKS: [Desk; 5] = [
        Desk::Futures,
        Desk::Fx,
        Desk::Crypto,
        Desk::Equities,
        Desk::Macro,
    ];
    SOURCE_CHANNELS
        .iter()
        .position(|known| known.id == channel.id)
        .map_or(Desk::Macro, |place| DESKS[place])
}

impl Desk {
    pub(crate) fn author(self) -> Author {
        let (id, username, global_name) = match self {
            Self::Futures => ("887383173653202707", "helio_futures", "Futures Desk"),
            Self::Fx => ("772753697880147010", "helio_fx", "FX Desk"),
            Self::Crypto => ("933493055737171305", "helio_crypto", "Crypto Desk"),
            Self::Equities => ("847446692193502148", "helio_equities", "Equities Desk"),
            Self::Macro => ("607829097670117855", "helio_macro", "Macro Research"),
        };
        Author {
            id,
            username,
            global_name,
        }
    }

    pub(crate) fn role(self) -> Role {
        let (id, name) = match self {
            Self::Futures => ("1072162297813796787", "Futures"),
            Self::Fx => ("1072162417271770517", "FX"),
            Self::Crypto => ("1072162524994077686", "Crypto"),
            Self::Equities => ("1072162640190898682", "Equities"),
            Self::Macro => ("1087295268191341745", "Research"),
        };
        Role { id, name }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::snowflake::{created_ms, iso};

    #[test]
    fn every_fixed_id_is_unique_and_of_a_plausible_time() {
        let desks = SOURCE_CHANNELS.map(|channel| desk_of(&channel));
        let mut ids: Vec<&str> = [DESK_GUILD.id, CUSTOMER_GUILD.id, RISK_DESK.id, TAPE.id].to_vec();
        ids.extend(
            SOURCE_CHANNELS
                .iter()
                .chain(&TARGET_CHANNELS)
                .chain(&OTHER_CHANNELS)
                .map(|channel| channel.id),
        );
        ids.extend(
            desks
                .iter()
                .flat_map(|desk| [desk.author().id, desk.role().id]),
        );
        for id in &ids {
            let created = iso(created_ms(id.parse().unwrap()));
            assert!(
                ("2019".."2025").contains(&created.as_str()),
                "{id} was made at {created}"
            );
        }
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn a_snapshot_has_guilds_alone_or_one_guild_with_its_channels() {
        let guilds = snapshot("demo", "demo", 4, None).unwrap();
        assert_eq!((guilds.guilds.len(), guilds.channels.len()), (2, 0));

        let desk = snapshot("demo", "demo", 5, Some(DESK_GUILD.id)).unwrap();
        assert_eq!(desk.guilds.len(), 1);
        assert!(
            desk.channels
                .iter()
                .all(|channel| channel.guild_id == DESK_GUILD.id)
        );
        for source in source_channels() {
            assert!(
                desk.channels
                    .iter()
                    .any(|channel| channel.discord_channel_id == source.id)
            );
        }
        assert_ne!(guilds.idempotency_key, desk.idempotency_key);
        assert_eq!(snapshot("demo", "demo", 6, Some("1")), None);
    }
}
