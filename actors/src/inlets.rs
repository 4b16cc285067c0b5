//! Where captured events enter: the port of every source channel, by its id. Filled by the root, read by the ingest listener.

use crate::{messages::Capture, port::Port};
use heliograph_schema::ids::ChannelId;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// All source channels; a clone is the same set.
#[derive(Clone, Default)]
pub struct Inlets(Arc<RwLock<HashMap<ChannelId, Port<Capture>>>>);

impl Inlets {
    /// The way to a source channel; `None` when there is none of this id.
    pub fn get(&self, channel_id: ChannelId) -> Option<Port<Capture>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&channel_id)
            .cloned()
    }

    /// Adds a source channel.
    pub fn add(&self, channel_id: ChannelId, port: Port<Capture>) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(channel_id, port);
    }

    /// Takes one out.
    pub fn remove(&self, channel_id: ChannelId) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&channel_id);
    }
}
