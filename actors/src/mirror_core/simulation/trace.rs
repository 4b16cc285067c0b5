//! What happened, in lines short enough to read: for the replay of a seed.

use super::world::START_MS;
use crate::{
    exchange::{Answer, Call, Outcome},
    mirror_core::{Effect, Input},
    payload::PartPayload,
};
use heliograph_schema::{
    delivery::{DeliveryRecord, PartChange, PendingDelivery, Progress},
    ids::MessageId,
};

fn message(id: MessageId) -> String {
    let low = id.get() & 0x003F_FFFF;
    format!("m{}+{low}", id.created_at_ms() - START_MS)
}

fn shows(payload: &PartPayload) -> String {
    let footer = payload.embeds.first().and_then(|it| it.footer.as_deref());
    let chars = payload.content.len();
    format!(
        "\"{:.20}\" ({chars}) {}",
        payload.content,
        footer.unwrap_or_default()
    )
}

fn row(row: &PendingDelivery) -> String {
    let parts: Vec<_> = row
        .parts
        .iter()
        .map(|part| message(part.message_id))
        .collect();
    let (id, desired, delivered) = (
        row.signal.signal_id,
        row.desired_revision,
        row.delivered_revision,
    );
    format!(
        "{id}.{desired} after {delivered}, {} ms old {parts:?}",
        row.wanted_age_ms
    )
}

pub(super) fn call(call: &Call) -> String {
    match call {
        Call::Create { payload, nonce, .. } => format!("create {} {nonce:.6}", shows(payload)),
        Call::Edit {
            message_id,
            payload,
        } => format!("edit {} to {}", message(*message_id), shows(payload)),
        Call::Delete { message_id } => format!("delete {}", message(*message_id)),
        Call::List { after } => {
            let after = MessageId::new(*after).map(message);
            format!("list after {}", after.unwrap_or_default())
        }
        other => format!("{other:?}"),
    }
}

pub(super) fn answer(answer: &Answer) -> String {
    let limits = answer
        .headers
        .as_ref()
        .map(|it| (it.remaining, it.reset_after_ms));
    let outcome = match &answer.outcome {
        Outcome::Posted { message_id } => format!("posted {}", message(*message_id)),
        Outcome::Listed {
            unrecorded,
            next_after,
        } => {
            let ids: Vec<_> = unrecorded.iter().map(|it| message(it.message_id)).collect();
            format!("listed {ids:?}, more: {}", next_after.is_some())
        }
        other => format!("{other:?}"),
    };
    format!("{outcome} {limits:?}")
}

fn record(record: &DeliveryRecord) -> String {
    let change = match &record.change {
        Some(PartChange::Stands(part)) => {
            format!("part {} is {}", part.part, message(part.message_id))
        }
        Some(PartChange::Removed { part }) => format!("part {part} is gone"),
        None => String::new(),
    };
    let progress = match &record.progress {
        Progress::Working => "working".to_owned(),
        Progress::Delivered { revision, note } => format!("delivered {revision} {note:?}"),
        other => format!("{other:?}"),
    };
    format!("{}: {change} {progress}", record.signal_id)
}

pub(super) fn input(input: &Input) -> String {
    match input {
        Input::Wanted(wanted) => format!(
            "wanted {}.{}",
            wanted.signal.signal_id, wanted.desired_revision
        ),
        Input::Pending(page) => {
            let rows: Vec<_> = page.rows.iter().map(row).collect();
            let (complete, is_paused) = (page.complete, page.is_paused);
            format!("page {rows:?}, complete: {complete}, paused: {is_paused}")
        }
        Input::Row(signal_id, found) => {
            format!("row of {signal_id}: {:?}", found.as_deref().map(row))
        }
        Input::Revisions(signal_id, states) => {
            format!("{} earlier revisions of {signal_id}", states.len())
        }
        Input::Answered(id, heard) => format!("answered {id}: {}", answer(heard)),
        other => format!("{other:?}"),
    }
}

pub(super) fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Send { request, .. } => {
            format!("send {}: {}", request.request_id, call(&request.call))
        }
        Effect::Record {
            record_id, records, ..
        } => {
            let records: Vec<_> = records.iter().map(record).collect();
            format!("record {record_id} {records:?}")
        }
        other => format!("{other:?}"),
    }
}
