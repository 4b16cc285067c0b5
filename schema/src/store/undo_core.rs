//! What takes a change of the configuration back, decided from the row before it, the row after it and the row as it stands now.
//! Only the fields that the change touched go back; when one of them was changed again since, nothing does. Knows no table.

use crate::rules;
use serde_json::{Map, Value};

/// Rows that changes are about, as far as they can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A mapping; its subject is its id.
    Mapping,
    /// What a channel is to a connector; its subject is both, with a slash between.
    ChannelRole,
    /// Who sees a channel live; its subject is the channel.
    Visibility,
    /// What a connector is called and may do; its subject is its id.
    Connector,
    /// What a person decided about a target channel; its subject is the channel.
    Target,
}

/// Fields of a row that a person decides, by name.
pub type Fields = Map<String, Value>;

/// What takes a change back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// The row that it made goes away.
    Remove,
    /// The row that it took away comes back so.
    Create(Fields),
    /// The row that stands gets these values; the other fields stay as they are.
    Change(Fields),
}

/// What the change touched was changed again since, in these fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedSince(pub Vec<&'static str>);

/// The kind of row that this action changed, if that can be taken back.
pub fn kind(action: &str) -> Option<Kind> {
    match action {
        "mapping.create" | "mapping.change" | "mapping.remove" => Some(Kind::Mapping),
        "channel_role.put" | "channel_role.remove" => Some(Kind::ChannelRole),
        "channel.visibility" => Some(Kind::Visibility),
        "connector.change" => Some(Kind::Connector),
        "target.pause" | "target.resume" | "target.offer" => Some(Kind::Target),
        _ => None,
    }
}

/// Whether such a change can be taken back at all.
pub fn is_undoable(action: &str) -> bool {
    kind(action).is_some()
}

impl Kind {
    /// The fields that a person decides; all others are the server's.
    fn fields(self) -> Vec<&'static str> {
        match self {
            Self::Mapping => [
                "source_channel_id",
                "target_channel_id",
                "tier",
                "ping_role_id",
                "priority",
                "is_enabled",
            ]
            .into_iter()
            .chain(rules::FIELDS)
            .collect(),
            Self::ChannelRole => vec![
                "guild_id",
                "is_source",
                "is_target",
                "is_enabled",
                "thread_mode",
            ],
            Self::Visibility => vec!["min_tier"],
            Self::Connector => vec!["name", "status", "ingest_enabled", "forward_enabled"],
            Self::Target => vec!["is_paused", "is_target"],
        }
    }

    /// Without a row everything stands at its default, so that a row neither comes nor goes.
    fn is_always_there(self) -> bool {
        matches!(self, Self::Visibility | Self::Target)
    }

    fn default_of(self, field: &str) -> Value {
        match (self, field) {
            (Self::Target, _) => Value::Bool(false),
            _ => Value::Null,
        }
    }

    /// The decided fields of a row; `None` where there is none.
    pub fn decided(self, row: Option<&Value>) -> Option<Fields> {
        if row.is_none() && !self.is_always_there() {
            return None;
        }
        let value = |field: &str| {
            row.and_then(|row| row.get(field))
                .cloned()
                .unwrap_or_else(|| self.default_of(field))
        };
        let fields = self.fields().into_iter();
        Some(
            fields
                .map(|field| (field.to_owned(), value(field)))
                .collect(),
        )
    }

    /// The fields in which two rows differ; all where only one of them is there.
    pub fn differences(self, one: Option<&Fields>, other: Option<&Fields>) -> Vec<&'static str> {
        match (one, other) {
            (None, None) => Vec::new(),
            (Some(one), Some(other)) => {
                let mut fields = self.fields();
                fields.retain(|field| one.get(*field) != other.get(*field));
                fields
            }
            _ => self.fields(),
        }
    }

    /// What takes back a change from `before` to `after` on a row that stands as `present`.
    ///
    /// # Errors
    /// When what it changed stands otherwise than it left it.
    pub fn plan(
        self,
        before: Option<&Value>,
        after: Option<&Value>,
        present: Option<&Value>,
    ) -> Result<Plan, ChangedSince> {
        let [before, after, present] = [before, after, present].map(|row| self.decided(row));
        let touched = self.differences(before.as_ref(), after.as_ref());
        let mut changed = self.differences(after.as_ref(), present.as_ref());
        changed.retain(|field| touched.contains(field));
        if !changed.is_empty() {
            return Err(ChangedSince(changed));
        }
        Ok(match (before, present) {
            (None, _) => Plan::Remove,
            (Some(before), None) => Plan::Create(before),
            (Some(mut before), Some(_)) => {
                before.retain(|field, _| touched.contains(&field.as_str()));
                Plan::Change(before)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn mapping(tier: i64, priority: i64) -> Value {
        json!({ "mapping_id": 1, "source_channel_id": "1", "target_channel_id": "2", "tier": tier, "ping_role_id": null,
            "priority": priority, "is_enabled": true, "version": tier + priority })
    }

    fn fields(value: &Value) -> Fields {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn only_what_was_touched_goes_back_and_only_where_nobody_touched_it_since() {
        let (a, b, c) = (mapping(1, 0), mapping(2, 0), mapping(2, 5));
        // before, after, present, plan
        let table = [
            (
                Some(&a),
                Some(&b),
                Some(&b),
                Ok(Plan::Change(fields(&json!({ "tier": 1 })))),
            ),
            // Another field was changed since: it stays.
            (
                Some(&a),
                Some(&b),
                Some(&c),
                Ok(Plan::Change(fields(&json!({ "tier": 1 })))),
            ),
            (
                Some(&b),
                Some(&c),
                Some(&a),
                Err(ChangedSince(vec!["priority"])),
            ),
            (
                Some(&a),
                Some(&b),
                Some(&a),
                Err(ChangedSince(vec!["tier"])),
            ),
            (None, Some(&a), Some(&a), Ok(Plan::Remove)),
            (
                None,
                Some(&a),
                Some(&c),
                Err(ChangedSince(vec!["tier", "priority"])),
            ),
            (
                Some(&a),
                None,
                None,
                Ok(Plan::Create(Kind::Mapping.decided(Some(&a)).unwrap())),
            ),
        ];
        for (before, after, present, plan) in table {
            let got = Kind::Mapping.plan(before, after, present);
            assert_eq!(got, plan, "{before:?} {after:?} {present:?}");
        }
        // Gone, or there again.
        assert!(Kind::Mapping.plan(Some(&a), Some(&b), None).is_err());
        assert!(Kind::Mapping.plan(None, Some(&a), None).is_err());
        assert!(Kind::Mapping.plan(Some(&a), None, Some(&a)).is_err());
    }

    #[test]
    fn where_no_row_means_the_default_none_comes_or_goes() {
        let seen = json!({ "channel_id": "1", "min_tier": 3 });
        let hidden = json!({ "min_tier": null });
        assert_eq!(
            Kind::Visibility.plan(None, Some(&seen), Some(&seen)),
            Ok(Plan::Change(fields(&hidden)))
        );
        let paused = json!({ "is_paused": true, "obstacle": "x", "version": 1 });
        assert_eq!(
            Kind::Target.plan(None, Some(&paused), Some(&paused)),
            Ok(Plan::Change(fields(&json!({ "is_paused": false }))))
        );
        assert_eq!(
            Kind::Target.plan(None, Some(&paused), None),
            Err(ChangedSince(vec!["is_paused"]))
        );
    }

    #[test]
    fn what_a_mapping_makes_of_signals_goes_back_field_by_field() {
        let mut ruled = mapping(1, 0);
        ruled["filters_json"] = json!({ "has_embed": true });
        let plain = mapping(1, 0);
        assert_eq!(
            Kind::Mapping.plan(Some(&plain), Some(&ruled), Some(&ruled)),
            Ok(Plan::Change(fields(&json!({ "filters_json": null }))))
        );
    }

    fn row() -> impl Strategy<Value = Option<Value>> {
        proptest::option::of(
            (0_i64..3, 0_i64..3).prop_map(|(tier, priority)| mapping(tier, priority)),
        )
    }

    proptest! {
        #[test]
        fn straight_after_a_change_the_plan_leads_back(before in row(), after in row()) {
            prop_assume!(before.is_some() || after.is_some());
            let plan = Kind::Mapping.plan(before.as_ref(), after.as_ref(), after.as_ref()).unwrap();
            let back = match plan {
                Plan::Remove => None,
                Plan::Create(fields) => Some(fields),
                Plan::Change(fields) => {
                    let mut row = Kind::Mapping.decided(after.as_ref()).unwrap();
                    row.extend(fields);
                    Some(row)
                }
            };
            prop_assert_eq!(back, Kind::Mapping.decided(before.as_ref()));
        }
    }
}
