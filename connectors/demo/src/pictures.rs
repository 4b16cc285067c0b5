//! Embeds and attachments: charts, and trades told by an embed alone. Image addresses occur under every name that
//! clients in the field use for them.

use serde_json::{Value, json};

use crate::chart_core::Chart;
use crate::contract::{Attachment, Embed};
use crate::dice::Dice;
use crate::guilds::Desk;
use crate::market::Trade;
use crate::phrases;

/// The names under which an embed image carries its proxied address; `None`: only `url`.
const PROXY_NAMES: [Option<&str>; 4] =
    [None, Some("proxy_url"), Some("proxyURL"), Some("proxyUrl")];
const GREEN: u32 = 0x22_C5_5E;
const RED: u32 = 0xEF_44_44;

/// The chart of a trade in the message `message_id`.
pub(crate) fn chart(dice: &mut Dice, message_id: u64, trade: &Trade) -> Chart {
    Chart {
        seed: message_id,
        symbol: trade.symbol.to_owned(),
        timeframe: Chart::timeframe(dice),
        decimals: trade.decimals,
        entry: trade.entry,
        stop: trade.stop,
        target: trade.targets[1],
    }
}

/// The chart as a file. The signature in its address changes from sight to sight, as Discord's do.
pub(crate) fn attachment(dice: &mut Dice, id: u64, chart: &Chart, base_url: &str) -> Attachment {
    let (expires, issued) = (dice.between(1, 0xFFFF_FFFF), dice.between(1, 0xFFFF_FFFF));
    Attachment {
        discord_attachment_id: id.to_string(),
        filename: format!("{}_{}.svg", chart.symbol.to_lowercase(), chart.timeframe),
        source_url: format!("{}?ex={expires:08x}&is={issued:08x}", chart.url(base_url)),
        size: u64::try_from(chart.svg().len()).unwrap_or_default(),
        content_type: dice.chance(80).then(|| "image/svg+xml".to_owned()),
    }
}

/// A trade told by an embed alone: entry, targets and stop are fields, the chart is its image.
pub(crate) fn trade_embed(
    dice: &mut Dice,
    desk: Desk,
    trade: &Trade,
    chart_url: Option<&str>,
    stamp: &str,
) -> Embed {
    let title = format!(
        "{} {} @ {}",
        trade.side(),
        trade.symbol,
        trade.price(trade.entry)
    );
    let reason = dice.pick(phrases::reasons(trade.desk)).to_owned();
    let field = |name: &str, value: String| json!({"name": name, "value": value, "inline": true});
    let mut raw = json!({
        "type": "rich",
        "title": title,
        "description": reason,
        "color": if trade.is_long() { GREEN } else { RED },
        "timestamp": stamp,
        "author": {"name": desk.author().global_name},
        "footer": {"text": "Not advice. Risk 0.5R unless stated."},
        "fields": [
            field("Entry", trade.price(trade.entry)),
            field("Stop", trade.price(trade.stop)),
            field("TP1", format!("{} ({})", trade.price(trade.targets[0]), trade.reward(0))),
            field("TP2", format!("{} ({})", trade.price(trade.targets[1]), trade.reward(1))),
            field("TP3", format!("{} ({})", trade.price(trade.targets[2]), trade.reward(2))),
        ],
    });
    if let Some(url) = chart_url {
        raw["image"] = image(dice, url);
    }
    Embed {
        embed_index: 0,
        embed_type: Some("rich".to_owned()),
        title: Some(title),
        description: Some(reason),
        url: None,
        raw_json: raw,
    }
}

/// The same embed after target `n`: one more field.
pub(crate) fn with_progress(mut embed: Embed, progress: &str) -> Embed {
    if let Some(fields) = embed.raw_json["fields"].as_array_mut() {
        fields.push(json!({"name": "Status", "value": progress.trim(), "inline": false}));
    }
    embed
}

/// What Discord makes of a bare link to a chart, seconds after the message.
pub(crate) fn link_embed(dice: &mut Dice, trade: &Trade, page_url: &str) -> Embed {
    let picture = if dice.chance(50) {
        "thumbnail"
    } else {
        "image"
    };
    let title = format!("{} chart", trade.symbol);
    let mut raw = json!({"type": "link", "title": title, "url": page_url});
    raw[picture] = image(dice, page_url);
    Embed {
        embed_index: 0,
        embed_type: Some("link".to_owned()),
        title: Some(title),
        description: None,
        url: Some(page_url.to_owned()),
        raw_json: raw,
    }
}

fn image(dice: &mut Dice, url: &str) -> Value {
    let mut image = json!({"url": url, "width": 640, "height": 360});
    if let Some(name) = dice.pick(&PROXY_NAMES) {
        image[name] = json!(url);
        // Some clients keep only the proxied address.
        if dice.chance(25)
            && let Some(fields) = image.as_object_mut()
        {
            fields.remove("url");
        }
    }
    image
}
