//! The order in which Discord shows the channels of a guild: those in no category first, then each category with its channels, by
//! position everywhere, what is written above what is spoken. No tables, no names.

use crate::ids::ChannelId;
use std::collections::BTreeMap;

/// Discord's number of a category.
pub const CATEGORY: i16 = 4;

/// Discord's numbers of a voice and of a stage channel.
const SPOKEN: [i16; 2] = [2, 13];

/// What the place of a channel follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The channel.
    pub channel_id: ChannelId,
    /// Its category. One that is not among the channels, or is no category, does not count.
    pub parent_id: Option<ChannelId>,
    /// Discord's channel type; unknown: a text channel.
    pub kind: Option<i16>,
    /// Among its siblings; unknown: behind those that have one.
    pub position: Option<i32>,
}

impl Place {
    fn is_category(&self) -> bool {
        self.kind == Some(CATEGORY)
    }

    /// Among its siblings. At an equal position the older one is first.
    fn among_siblings(&self) -> (bool, i32, ChannelId) {
        let is_spoken = self.kind.is_some_and(|kind| SPOKEN.contains(&kind));
        (
            is_spoken,
            self.position.unwrap_or(i32::MAX),
            self.channel_id,
        )
    }
}

/// Puts the channels of one guild in order.
pub fn in_order<T>(mut channels: Vec<T>, place: impl Fn(&T) -> Place) -> Vec<T> {
    let categories: BTreeMap<ChannelId, (i32, ChannelId)> = channels
        .iter()
        .map(&place)
        .filter(Place::is_category)
        .map(|category| {
            let (_, position, id) = category.among_siblings();
            (category.channel_id, (position, id))
        })
        .collect();
    // `None` is before every category; a category is before what stands in it.
    let key = |channel: &T| {
        let place = place(channel);
        let group = if place.is_category() {
            categories.get(&place.channel_id)
        } else {
            place.parent_id.and_then(|parent| categories.get(&parent))
        };
        (group.copied(), !place.is_category(), place.among_siblings())
    };
    channels.sort_by_cached_key(key);
    channels
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: Option<i16> = Some(0);
    const VOICE: Option<i16> = Some(2);
    const STAGE: Option<i16> = Some(13);
    const FORUM: Option<i16> = Some(15);
    const GROUP: Option<i16> = Some(CATEGORY);

    /// Id, parent, kind, position.
    type Told = (i64, i64, Option<i16>, Option<i32>);

    #[test]
    fn channels_stand_as_discord_shows_them() {
        let table: [(&[Told], &[i64]); 7] = [
            (&[], &[]),
            // By position, whatever their ids; equal positions by id; without one last.
            (
                &[
                    (1, 0, TEXT, Some(3)),
                    (2, 0, FORUM, Some(1)),
                    (3, 0, None, Some(1)),
                    (4, 0, TEXT, None),
                ],
                &[2, 3, 1, 4],
            ),
            // Voice below text, in no category and in one.
            (
                &[
                    (1, 0, VOICE, Some(0)),
                    (2, 0, TEXT, Some(5)),
                    (9, 0, GROUP, Some(0)),
                    (3, 9, STAGE, Some(0)),
                    (4, 9, TEXT, Some(7)),
                    (5, 9, VOICE, Some(1)),
                ],
                &[2, 1, 9, 4, 3, 5],
            ),
            // Categories by position, each with its own; an empty one stands too; in none is first even at a high position.
            (
                &[
                    (1, 8, TEXT, Some(0)),
                    (2, 9, TEXT, Some(0)),
                    (8, 0, GROUP, Some(2)),
                    (9, 0, GROUP, Some(1)),
                    (7, 0, GROUP, Some(3)),
                    (3, 0, TEXT, Some(99)),
                ],
                &[3, 9, 2, 8, 1, 7],
            ),
            // Categories at one position do not mix.
            (
                &[
                    (8, 0, GROUP, Some(1)),
                    (9, 0, GROUP, Some(1)),
                    (1, 9, TEXT, Some(0)),
                    (2, 8, TEXT, Some(1)),
                ],
                &[8, 2, 9, 1],
            ),
            // A category that nobody sees, and a parent that is none.
            (
                &[
                    (1, 77, TEXT, Some(1)),
                    (2, 1, TEXT, Some(0)),
                    (9, 0, GROUP, Some(0)),
                ],
                &[2, 1, 9],
            ),
            (&[(9, 9, GROUP, None), (8, 9, GROUP, Some(0))], &[8, 9]),
        ];
        for (told, expected) in table {
            let places: Vec<Place> = told
                .iter()
                .map(|&(id, parent, kind, position)| Place {
                    channel_id: ChannelId::new(id).unwrap(),
                    parent_id: ChannelId::new(parent),
                    kind,
                    position,
                })
                .collect();
            let mut turned = places.clone();
            turned.reverse();
            for channels in [places, turned] {
                let got: Vec<i64> = in_order(channels, |place| *place)
                    .iter()
                    .map(|place| place.channel_id.get())
                    .collect();
                assert_eq!(got, expected, "{told:?}");
            }
        }
    }
}
