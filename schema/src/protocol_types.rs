//! Keeps `web/protocol.ts` in step with the frames: the test fails when the file is stale, and writes it when it is asked to
//! (`make types`).

#![allow(clippy::unwrap_used)]

use crate::{
    frame::{
        AttachChannel, AttachStatus, AttachedChannel, ChannelCursor, ChannelStanding, ClientFrame,
        CloseCode, Cursor, PROTOCOL, ServerFrame, SignalView,
    },
    signal::{Attachment, Author, Embed, EmbedField, RevisionKind},
};
use std::{env, fmt::Write as _, fs, path::Path};
use ts_rs::TS;

fn declarations() -> String {
    let types = [
        Cursor::decl(),
        Author::decl(),
        EmbedField::decl(),
        Embed::decl(),
        Attachment::decl(),
        SignalView::decl(),
        RevisionKind::decl(),
        ChannelStanding::decl(),
        AttachStatus::decl(),
        AttachedChannel::decl(),
        ChannelCursor::decl(),
        ServerFrame::decl(),
        AttachChannel::decl(),
        ClientFrame::decl(),
    ];
    let codes = [
        CloseCode::GoingAway,
        CloseCode::SlowSession,
        CloseCode::Internal,
        CloseCode::Silent,
        CloseCode::BadFrame,
        CloseCode::AccessEnded,
        CloseCode::TooManyFrames,
        CloseCode::TooManyChannels,
    ];
    let mut text = String::from(
        "// Generated from schema/src/frame.rs and signal.rs by `make types`. Do not edit.\n",
    );
    writeln!(text, "\nexport const PROTOCOL = {PROTOCOL};").unwrap();
    text.push_str("\n/** 4000-4099: reconnect with cursors. 4400-4499: final. */\nexport const CLOSE_CODES = {\n");
    for (number, reason) in codes.map(CloseCode::wire) {
        writeln!(text, "  {reason}: {number},").unwrap();
    }
    text.push_str("} as const;\n");
    for declaration in types {
        writeln!(text, "\nexport {declaration}").unwrap();
    }
    text
}

#[test]
fn protocol_types_are_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/protocol.ts");
    let fresh = declarations();
    if env::var_os("HELIOGRAPH_WRITE_TYPES").is_some() {
        fs::write(&path, &fresh).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == fresh,
        "web/protocol.ts is stale: run `make types`"
    );
}
