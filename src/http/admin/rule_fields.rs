//! The fields of bodies that say a mapping's rules, beside the body's own. Each is read by itself, so that what is wrong with it
//! is said with its name. Whether rules can be carried out is judged by the actors crate.

use super::extract::{joined, with_place};
use heliograph_actors::rules_core::{CompiledRules, RuleError};
use heliograph_schema::{
    rules::{AuthorStyle, Filters, HandDeletions, MappingRules, ThreadStyle, Transform},
    store::{StoreError, mappings::RulesChange},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use serde_json::{Map, Value};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

/// A body with rules in it; a field of them that is `null` is said to be plain.
#[derive(Debug, Clone)]
pub(super) struct WithRules<T> {
    /// The other fields.
    pub(super) own: T,
    /// Those of the rules that are there.
    pub(super) rules: RulesChange,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for WithRules<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let rules = RulesChange {
            filters: taken(&mut fields, "filters_json")?,
            transform: taken(&mut fields, "transform_json")?,
            author_style: taken(&mut fields, "author_style")?,
            thread_style: taken(&mut fields, "thread_style")?,
            hand_deletions: taken(&mut fields, "hand_deletions")?,
        };
        let own = with_place(Value::Object(fields)).map_err(D::Error::custom)?;
        Ok(Self { own, rules })
    }
}

/// Those of the rules, for descriptions.
#[derive(utoipa::ToSchema)]
#[allow(dead_code)]
struct RuleFields {
    /// Which signals pass; `null`: all.
    filters_json: Option<Filters>,
    /// What is changed in them; `null`: nothing.
    transform_json: Option<Transform>,
    author_style: Option<AuthorStyle>,
    thread_style: Option<ThreadStyle>,
    hand_deletions: Option<HandDeletions>,
}

impl<T: ToSchema> PartialSchema for WithRules<T> {
    fn schema() -> RefOr<Schema> {
        let (mut own, rules) = (T::schema(), RuleFields::schema());
        if let (RefOr::T(Schema::Object(own)), RefOr::T(Schema::Object(rules))) = (&mut own, rules)
        {
            own.properties.extend(rules.properties);
        }
        own
    }
}

impl<T: ToSchema> ToSchema for WithRules<T> {
    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
        RuleFields::schemas(schemas);
    }
}

fn taken<T: DeserializeOwned + Default, E: Error>(
    fields: &mut Map<String, Value>,
    field: &str,
) -> Result<Option<T>, E> {
    match fields.remove(field) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(T::default())),
        // Serde would read an array as the values of an object's fields in their order.
        Some(Value::Array(_)) => Err(E::custom(format_args!("{field}: a list is not expected"))),
        Some(value) => with_place(value).map(Some).map_err(|error| {
            let place = joined(Some(field.to_owned()), error.place).unwrap_or_default();
            E::custom(format_args!("{place}: {}", error.reason))
        }),
    }
}

/// The rules, if they can be carried out.
pub(super) fn compiled(rules: &MappingRules) -> Result<CompiledRules, StoreError> {
    CompiledRules::compile(rules).map_err(|error: RuleError| {
        let reason = error.to_string();
        StoreError::refused_field(error.field, reason)
    })
}

/// Refuses what could not be carried out. A field that is left as it is was judged when it was saved, and none depends on another.
pub(super) fn check(change: &RulesChange) -> Result<(), StoreError> {
    compiled(&change.applied_to(&MappingRules::default())).map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use heliograph_schema::rules::{AuthorStyle, Filters};
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Own {
        version: i64,
    }

    #[test]
    fn what_is_absent_stays_and_what_is_null_becomes_plain() {
        let body = json!({ "version": 3, "filters_json": null, "author_style": "webhook" });
        let read: WithRules<Own> = serde_json::from_value(body).unwrap();
        let expected = RulesChange {
            filters: Some(Filters::default()),
            author_style: Some(AuthorStyle::Webhook),
            ..RulesChange::default()
        };
        assert_eq!((read.own.version, read.rules), (3, expected));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (body, words) in [
            (
                json!({ "filters_json": { "contains": "x" } }),
                "filters_json.contains: unknown field `contains`",
            ),
            (
                json!({ "transform_json": [true] }),
                "transform_json: a list",
            ),
            (
                json!({ "thread_style": "loud" }),
                "thread_style: unknown variant `loud`",
            ),
            (
                json!({ "version": 1, "rules": {} }),
                "unknown field `rules`",
            ),
            (json!({}), "missing field `version`"),
        ] {
            let error = serde_json::from_value::<WithRules<Own>>(body.clone()).unwrap_err();
            assert!(error.to_string().starts_with(words), "{body}: {error}");
        }
    }
}
