//! `/api/figures`: how much came and went by the minute, and how long it took.

use super::{Admin, extract::Query};
use crate::clock;
use actix_web::{HttpResponse, web::Data};
use heliograph_actors::series_core::{Point, SLOT_MS, SLOTS_KEPT};
use serde::{Deserialize, Serialize};

/// How far back.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Span {
    /// 60 minutes.
    #[default]
    Hour,
    /// 1,440 minutes.
    Day,
}

/// The query.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// How far back; an hour without it.
    #[serde(default)]
    #[param(inline)]
    span: Span,
}

/// Figures by the minute.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct FiguresAnswer {
    /// Length of a slot, in seconds.
    slot_s: i64,
    /// Oldest first, the running minute as the last.
    points: Vec<Point>,
}

/// How much was accepted and posted in each minute, and how long it took until sessions and Discord had it.
#[utoipa::path(get, path = "/api/figures", params(Asked), responses((status = 200, body = FiguresAnswer)))]
pub(super) async fn show(admin: Data<Admin>, asked: Query<Asked>) -> HttpResponse {
    let minutes = match asked.span {
        Span::Hour => 60,
        Span::Day => SLOTS_KEPT,
    };
    HttpResponse::Ok().json(FiguresAnswer {
        slot_s: SLOT_MS / 1_000,
        points: admin.figures.points(clock::now_ms(), minutes),
    })
}
