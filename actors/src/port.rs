//! The only way to an actor: a port counts what waits behind it and refuses more than the mailbox's capacity. (actix's own
//! bounds do not hold: `do_send` ignores the capacity, and every clone of an address has a free slot of its own.)

use crate::vitals::{LifeState, Vitals};
use actix::{Message, Recipient};
use std::{sync::Arc, time::Instant};

/// A message on its way; its place in the mailbox is given back when it is opened or dropped.
pub struct Mail<M> {
    body: M,
    place: Place,
}

struct Place(Arc<Vitals>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl<M> Message for Mail<M> {
    type Result = ();
}

impl<M> Mail<M> {
    /// The message, and a stopwatch that counts its handling when dropped.
    pub fn open(self) -> (M, Handling) {
        let vitals = self.place.0.clone();
        (
            self.body,
            Handling {
                vitals,
                since: Instant::now(),
            },
        )
    }
}

/// Runs while a message is handled.
pub struct Handling {
    vitals: Arc<Vitals>,
    since: Instant,
}

impl Drop for Handling {
    fn drop(&mut self) {
        self.vitals.handled(self.since.elapsed());
    }
}

/// Why a message was not taken. It comes back, nothing is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// As many messages wait as may.
    #[error("mailbox full")]
    Full,
    /// The actor is parked or has ended.
    #[error("actor not running")]
    Gone,
}

/// Leads to one actor, over all its generations.
pub struct Port<M: Send + 'static> {
    recipient: Recipient<Mail<M>>,
    vitals: Arc<Vitals>,
}

impl<M: Send + 'static> Clone for Port<M> {
    fn clone(&self) -> Self {
        Self {
            recipient: self.recipient.clone(),
            vitals: self.vitals.clone(),
        }
    }
}

impl<M: Send + 'static> Port<M> {
    /// A port to the actor behind `recipient`, whose places `vitals` counts.
    pub fn new(recipient: Recipient<Mail<M>>, vitals: Arc<Vitals>) -> Self {
        Self { recipient, vitals }
    }

    /// Puts `body` into the mailbox.
    ///
    /// # Errors
    /// The reason and the message, when it was not taken.
    pub fn post(&self, body: M) -> Result<(), (Refused, M)> {
        if matches!(self.vitals.state(), LifeState::Parked | LifeState::Stopped) {
            return Err((Refused::Gone, body));
        }
        if !self.vitals.enter() {
            return Err((Refused::Full, body));
        }
        let mail = Mail {
            body,
            place: Place(self.vitals.clone()),
        };
        // Never `Full` here: the mailbox is opened wider than the places that `enter` gives out.
        self.recipient.try_send(mail).map_err(|error| match error {
            actix::prelude::SendError::Full(mail) => (Refused::Full, mail.body),
            actix::prelude::SendError::Closed(mail) => (Refused::Gone, mail.body),
        })
    }

    /// What is behind this port.
    pub fn vitals(&self) -> &Arc<Vitals> {
        &self.vitals
    }
}
