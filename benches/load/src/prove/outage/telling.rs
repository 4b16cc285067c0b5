//! Owns what connectors say during an outage: nothing is drawn, every signal lives a life that is known from its number. It
//! refuses to know where Discord is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::clock;
use crate::failure::{Doing, Failure, Outcome};
use crate::http::HttpClient;
use crate::ingest_load::Lane;
use crate::messages::{Batch, Snowflakes};
use crate::prove::field_connector::{Account, Change, SharedToken, Story, until_taken};
use crate::stage::AddressBook;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Ids begin here whatever the day.
pub(super) const FIRST_MS: u64 = 1_600_000_000_000;

/// What becomes of the signals that are born together in a channel, turn by turn after their birth.
pub(super) const LIVES: [&[Change]; 10] = {
    use Change::{Create, Delete, Edit};
    [
        &[Create],
        &[Create],
        &[Create],
        &[Create, Edit],
        &[Create, Edit, Edit],
        &[Create, Delete],
        &[Create],
        &[Create, Edit, Edit, Delete],
        &[Create],
        &[Create],
    ]
};

/// What is said in a turn of every channel: which signal, counted from the first of the channel, and what of it. Births come
/// first, so that order is known.
fn said_in(turn: u64) -> Vec<(usize, Change)> {
    let births = (0..=turn).rev();
    let lives = births
        .zip(0_usize..)
        .take_while(|(_, age)| *age < LIVES.len());
    let mut said = Vec::new();
    for (birth, age) in lives {
        let first = usize::try_from(birth).unwrap_or_default() * LIVES.len();
        let changes = LIVES.iter().enumerate();
        said.extend(changes.filter_map(|(place, life)| Some((first + place, *life.get(age)?))));
    }
    said
}

/// One connector and the stories of its channels.
pub(super) struct Teller {
    lane: Lane,
    token: SharedToken,
    account: Account,
    /// By channel, in the order of birth.
    pub(super) told: Vec<Vec<Story>>,
}

impl Teller {
    pub(super) fn of(lane: Lane) -> Self {
        Self {
            token: Arc::new(Mutex::new(lane.connector.token.clone())),
            account: Account::default(),
            told: vec![Vec::new(); lane.channels.len()],
            lane,
        }
    }

    fn tell(&mut self, turn: u64, book: &AddressBook, ids: &Snowflakes) -> Outcome<()> {
        let mut client = HttpClient::new(book.now().ingest, ANSWER_WITHIN);
        let mut batch = Batch::default();
        for (channel, stories) in self.lane.channels.iter().zip(&mut self.told) {
            batch.begin(&self.lane.connector, turn, clock::now_ms());
            for (number, change) in said_in(turn) {
                if change == Change::Create {
                    stories.push(Story::untold(ids.next(), *channel));
                }
                let size = u32::try_from(number).unwrap_or_default();
                let story = stories.get_mut(number).doing("a story that has begun")?;
                story.tell(change, size, self.lane.guild_id, &mut batch);
            }
            let said = batch.items() as u64;
            self.account.channels.entry(*channel).or_default().said += said;
            let account = &mut self.account;
            let answer = until_taken(book, &mut client, &self.token, batch.end(), account)?;
            account.count(*channel, said, &answer);
        }
        Ok(())
    }

    pub(super) fn into_account(mut self) -> Account {
        self.account.stories = self.told.into_iter().flatten().collect();
        self.account
    }
}

/// All connectors at once.
pub(super) fn tell_all(
    tellers: &mut [Teller],
    turn: u64,
    book: &AddressBook,
    ids: &Snowflakes,
) -> Outcome<()> {
    std::thread::scope(|scope| {
        let telling: Vec<_> = tellers
            .iter_mut()
            .map(|teller| scope.spawn(|| teller.tell(turn, book, ids)))
            .collect();
        telling.into_iter().try_for_each(|teller| {
            teller
                .join()
                .unwrap_or_else(|_| Err(Failure::new("a connector panicked")))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_is_born_in_order_and_lives_its_life() {
        const TURNS: u64 = 20;
        let mut lives: Vec<Vec<Change>> = Vec::new();
        for turn in 0..TURNS {
            for (number, change) in said_in(turn) {
                if change == Change::Create {
                    assert_eq!(number, lives.len(), "born in the order of numbers");
                    lives.push(Vec::new());
                }
                lives[number].push(change);
            }
        }
        assert_eq!(lives.len() as u64, TURNS * LIVES.len() as u64);
        for (number, life) in lives.iter().enumerate() {
            let wanted = LIVES[number % LIVES.len()];
            let is_old = number / LIVES.len() + wanted.len() <= 20;
            assert!(
                wanted.starts_with(life) && (life.len() == wanted.len() || !is_old),
                "{number}"
            );
        }
        // The first of each turn stays, so that it is what its mirror asks for while Discord is away.
        assert_eq!(LIVES[0], [Change::Create]);
    }
}
