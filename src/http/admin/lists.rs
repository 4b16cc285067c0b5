//! How lists are asked for and answered: `limit`, `after`, `{"items":[…],"next_after":…}`.

use crate::error::ApiError;
use heliograph_schema::store::Page;
use serde::{Deserialize, Serialize};
use std::{fmt::Display, str::FromStr};

/// Items without a `limit`.
const LIMIT_DEFAULT: i64 = 100;

/// Items at most.
const LIMIT_MAX: i64 = 500;

/// The query of a list. `after` is what an answer gave as `next_after`.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Items at most; 100 without it.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
    /// The `next_after` of an answer.
    after: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Listed<T> {
    items: Vec<T>,
    /// Where the next page begins; `null`: there is none.
    next_after: Option<String>,
}

impl<T> Listed<T> {
    /// A page of which it is known where the next one begins.
    pub(super) fn new(items: Vec<T>, next_after: Option<String>) -> Self {
        Self { items, next_after }
    }
}

impl Asked {
    /// The page to read: one item more than is shown, which tells whether there is a next page.
    pub(super) fn page<K: FromStr>(&self) -> Result<Page<K>, ApiError> {
        let after = self
            .after
            .as_deref()
            .filter(|after| !after.is_empty())
            // The tables hold no such text, and their database refuses to look for it.
            .map(|after| {
                if after.contains('\0') {
                    None
                } else {
                    after.parse().ok()
                }
            });
        let wrong =
            || ApiError::invalid("after is not what an answer gave as next_after").field("after");
        let after = after.map(|after| after.ok_or_else(wrong)).transpose()?;
        Ok(Page {
            after,
            limit: self.shown()? + 1,
        })
    }

    fn shown(&self) -> Result<i64, ApiError> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            let said = format!("limit must be from 1 to {LIMIT_MAX}");
            return Err(ApiError::invalid(said).field("limit"));
        }
        Ok(limit)
    }

    /// The answer to this question; `key` is what a page goes on after.
    pub(super) fn answer<T, K: Display>(
        &self,
        mut items: Vec<T>,
        key: impl Fn(&T) -> K,
    ) -> Result<Listed<T>, ApiError> {
        let shown = usize::try_from(self.shown()?).unwrap_or(usize::MAX);
        let is_more = items.len() > shown;
        items.truncate(shown);
        let next_after = items
            .last()
            .filter(|_| is_more)
            .map(|last| key(last).to_string());
        Ok(Listed::new(items, next_after))
    }
}

/// What is looked for; nothing where nothing is said.
pub(super) fn plain(text: Option<&str>, field: &str) -> Result<Option<String>, ApiError> {
    match text.filter(|text| !text.is_empty()) {
        // The tables hold no such text, and their database refuses to look for it.
        Some(text) if text.contains('\0') => {
            Err(ApiError::invalid("the character U+0000 is in no text").field(field))
        }
        text => Ok(text.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn asked(limit: Option<i64>, after: Option<&str>) -> Asked {
        Asked {
            limit,
            after: after.map(str::to_owned),
        }
    }

    #[test]
    fn the_next_page_is_named_only_when_there_is_one() {
        for (limit, found, shown, next_after) in [
            (2, 3, 2, Some("1")),
            (2, 2, 2, None),
            (2, 0, 0, None),
            (500, 501, 500, Some("499")),
        ] {
            let listed = asked(Some(limit), None)
                .answer((0..found).collect(), |n| *n)
                .unwrap();
            assert_eq!(
                (listed.items.len(), listed.next_after.as_deref()),
                (shown, next_after),
                "{limit} {found}"
            );
        }
    }

    #[test]
    fn limits_and_places_are_checked() {
        assert_eq!(
            asked(None, Some("7")).page::<i64>().unwrap(),
            Page {
                after: Some(7),
                limit: LIMIT_DEFAULT + 1
            }
        );
        assert_eq!(
            asked(Some(1), Some("")).page::<i64>().unwrap(),
            Page {
                after: None,
                limit: 2
            }
        );
        for (limit, after) in [
            (Some(0), None),
            (Some(501), None),
            (Some(-1), None),
            (None, Some("x")),
        ] {
            assert!(
                asked(limit, after).page::<i64>().is_err(),
                "{limit:?} {after:?}"
            );
        }
    }
}
