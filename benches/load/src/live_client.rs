//! Owns our own WebSocket client for `/live`, cheap enough that it is not what is measured. [`wire`] is the protocol on
//! bytes, [`fleet`] holds thousands of sockets on a thread or two, [`session`] is one careful session that reads every
//! field and resumes by cursor.

pub mod fleet;
pub mod session;
pub mod wire;
