// Generated from docs/openapi.json by `make openapi`. Do not edit.

export interface paths {
    "/api/actors/{name}/unpark": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts a parked actor again. */
        post: operations["operators_unpark"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who changed what, newest first. */
        get: operations["audit_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit/{audit_id}/undo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes a change back, as far as nobody changed the same again since. */
        post: operations["audit_undo"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/bot": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who the bot is and whether what it sees can be read. */
        get: operations["bot_show"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/bot/guilds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The guilds that the bot is or was in. */
        get: operations["bot_guilds"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/bot/guilds/{guild_id}/roles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The roles of a guild, the highest first, without `@everyone`. */
        get: operations["bot_roles"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/bot/guilds/{guild_id}/tree": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The channels of a guild as Discord shows them, each with how it stands as a target. */
        get: operations["bot_tree"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/bot/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has everything that the bot sees read anew; answers when that is done, when it cannot be done, or after ten seconds. */
        post: operations["bot_refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/channels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Known channels with their names. */
        get: operations["channels_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/channels/{channel_id}/visibility": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Says who sees a channel live. */
        put: operations["channels_set_visibility"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/configuration": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The configuration as a file in TOML, without tokens. */
        get: operations["configuration_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/configuration/apply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes the configuration what the file says: all of it or nothing. */
        post: operations["configuration_apply"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/configuration/compare": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What applying a file would change. */
        post: operations["configuration_compare"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connectors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All connectors. */
        get: operations["connectors_list"];
        put?: never;
        /** Makes a connector known. Its token is shown once. */
        post: operations["connectors_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connectors/{connector_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One connector. */
        get: operations["connectors_show"];
        put?: never;
        post?: never;
        /** Takes a connector away, with its channel roles. Refused while enabled mappings need it. */
        delete: operations["connectors_remove"];
        options?: never;
        head?: never;
        /** Changes what a connector is called and what it may do. */
        patch: operations["connectors_change"];
        trace?: never;
    };
    "/api/connectors/{connector_id}/channels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What channels are to a connector. */
        get: operations["roles_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connectors/{connector_id}/channels/{channel_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Marks a channel of a connector. */
        put: operations["roles_put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connectors/{connector_id}/channels/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Marks channels of a connector, all or none. */
        post: operations["roles_bulk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connectors/{connector_id}/discovery": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks a connector what it sees. Its `config_version` does not move. */
        post: operations["connectors_discover"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connectors/{connector_id}/guilds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The guilds that a connector sees or saw. */
        get: operations["guilds_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connectors/{connector_id}/guilds/{guild_id}/tree": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What stands in one guild, in the order in which Discord shows it. */
        get: operations["guilds_tree"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connectors/{connector_id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Gives a connector another token; it is shown once. The old one can work beside it for a while. */
        post: operations["connectors_rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Deliveries that were given up. */
        get: operations["deliveries_dead_letters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/dead-letters/redrive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts dead letters back: at most 1,000 a request. What is put back pings nobody. */
        post: operations["deliveries_redrive"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where deliveries stand. */
        get: operations["records_deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/deliveries/drop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Drops deliveries, pending or dead: they are never tried again, and what stands in Discord stays. */
        post: operations["deliveries_drop_named"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/deliveries/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts back what was dropped: at most 1,000 a request. It pings nobody. */
        post: operations["deliveries_restore"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/figures": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How much was accepted and posted in each minute, and how long it took until sessions and Discord had it. */
        get: operations["figures_show"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The live socket of a page: frames as in docs/PROTOCOL.md. */
        get: operations["live_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/mappings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Mappings with their rules, the names of their channels, and whether they work. */
        get: operations["mappings_list"];
        put?: never;
        /** Maps a source channel into a target channel. */
        post: operations["mappings_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/mappings/{mapping_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One mapping. */
        get: operations["mappings_show"];
        put?: never;
        post?: never;
        /** Takes a mapping away. What was mirrored by it stays. */
        delete: operations["mappings_remove"];
        options?: never;
        head?: never;
        /** Changes a mapping; a field of rules that is `null` becomes plain. */
        patch: operations["mappings_change"];
        trace?: never;
    };
    "/api/mappings/{mapping_id}/backfill": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts what the target has not seen of the latest signals behind what stands there. */
        post: operations["mappings_backfill"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/mappings/{mapping_id}/clone": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Copies a mapping between other channels: rules, tier and priority, and the ping where its role is one of the target's guild. */
        post: operations["mapping_bulk_clone"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/mappings/{mapping_id}/dry-run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the saved rules of a mapping make of the latest signals. */
        get: operations["dry_run_saved"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/mappings/{mapping_id}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was done to a mapping, newest first; also to one that is gone. */
        get: operations["mapping_bulk_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/mappings/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes one change of many mappings, or takes many away: all of it or nothing. */
        post: operations["mapping_bulk_bulk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/mappings/dry-run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What rules that are nowhere saved make of the latest signals. */
        post: operations["dry_run_unsaved"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/mappings/order": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts all mappings of a source in order: their priorities become 0, 10, 20 … */
        post: operations["mapping_bulk_order"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The description of the API of this listener, in the form of OpenAPI 3.1. */
        get: operations["openapi_show"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/quarantine": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Items of connectors that could not be taken, newest first. */
        get: operations["quarantine_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/quarantine/drop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Gives items up: nothing more is done about them. */
        post: operations["quarantine_drop_items"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/quarantine/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes items as if their connectors sent them now. What is not rejected is done; what is done already is told and not taken again. */
        post: operations["quarantine_replay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/raw-events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What connectors sent, newest first. With a filter a page may hold few or none and still have a `next_after`: there is more to
         *     look through.
         */
        get: operations["raw_events_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/raw-events/{raw_event_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One body with its words. */
        get: operations["raw_events_show"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether a browser must sign in, and whether this one is. */
        get: operations["session_get"];
        put?: never;
        /** Signs a browser in for twelve hours, by a cookie. */
        post: operations["session_post"];
        /** Signs this browser out; its live sockets end. */
        delete: operations["session_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/session-tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All session tokens; never the tokens themselves. */
        get: operations["session_tokens_list"];
        put?: never;
        /** Makes a session token. It is shown once. */
        post: operations["session_tokens_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/session-tokens/{session_token_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends a session token, and the sessions that came with it. */
        delete: operations["session_tokens_revoke"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/signals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The latest signals of all channels or of one, deleted ones included, with what became of their deliveries. */
        get: operations["signals_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/signals/{signal_id}/trail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What became of one signal, everywhere. */
        get: operations["trail_show"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/targets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How every target channel stands. */
        get: operations["targets_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/targets/{target_channel_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Offers a channel as a target by the bot, or no longer. Mappings into a channel that is no longer offered, by the bot or by a
         *     connector, stay and do not work.
         */
        put: operations["offers_put"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/targets/{target_channel_id}/inspect": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks Discord now what the bot may do in a target channel. A mirror that waits for what was repaired goes on at once. */
        post: operations["inspection_inspect"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/targets/{target_channel_id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pauses a target channel: nothing is sent to it, and what is wanted waits. */
        post: operations["targets_pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/targets/{target_channel_id}/reconcile": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Asks for a comparison of what stands in a target channel with what is on record. Its mirror carries it out when it has nothing
         *     else to do, and puts right what differs.
         */
        post: operations["targets_reconcile"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/targets/{target_channel_id}/reconcile/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends the reconciliation under way. */
        post: operations["targets_cancel_reconciliation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/targets/{target_channel_id}/reconciliations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The reconciliations of a target channel with their reports, newest first. */
        get: operations["targets_reconciliations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/targets/{target_channel_id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Resumes a target channel. */
        post: operations["targets_resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/debug/actors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every actor: its life, its mailbox, and its own word on itself. */
        get: operations["operators_actors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process lives. */
        get: operations["operators_healthz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every metric, as Prometheus reads it. */
        get: operations["operators_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether it can commit. */
        get: operations["operators_readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description One actor as `/debug/actors` shows it; see `docs/PROTOCOL.md`. */
        ActorReport: {
            /** @description Its own word on itself. */
            detail: unknown;
            /**
             * Format: int64
             * @description Which life this is, from 1.
             */
            generation: number;
            /**
             * Format: int64
             * @description Messages handled.
             */
            handled: number;
            /** @description How long they took. */
            handling_us: components["schemas"]["HandlingReport"];
            /** @description Its kind. */
            kind: components["schemas"]["Kind"];
            /** @description What the last panic said. */
            last_panic: string | null;
            /** @description What waits for it. */
            mailbox: components["schemas"]["MailboxReport"];
            /** @description Unique in the tree. */
            name: string;
            /** @description Who restarts it; empty for the root. */
            parent: string;
            /**
             * Format: int64
             * @description Lives that ended in a panic.
             */
            restarts: number;
            /** @description Where it is in its life. */
            state: components["schemas"]["LifeState"];
        };
        /** @description The tree at one moment. */
        Actors: {
            actors: components["schemas"]["ActorReport"][];
            /** Format: int64 */
            at_ms: number;
            not_ready_reason: string | null;
            ready: boolean;
        };
        /** @description What was applied. */
        Applied: {
            /** @description Things that are different now. */
            applied: number;
            /** @description Of the connectors that are new; shown once. */
            tokens: components["schemas"]["MadeToken"][];
        };
        AtVersion: {
            /** Format: int64 */
            version: number;
        };
        /** @description One change that was made. */
        AuditEntry: {
            /** @description What was done: `mapping.create`. */
            action: string;
            /** @description Who. */
            actor: string;
            /** @description The row afterwards; `None` where there is none. */
            after: unknown;
            /**
             * Format: int64
             * @description When.
             */
            at_ms: number;
            /**
             * Format: int64
             * @description Counts up.
             */
            audit_id: number;
            /** @description The row before; `None` where there was none. */
            before: unknown;
            /** @description It is of a kind that can be taken back, and was not yet. Whether it was changed again since is found out by trying. */
            can_undo: boolean;
            /**
             * Format: int64
             * @description Changes that were made together have the same.
             */
            group_id: number | null;
            /** @description To what: the id. */
            subject: string;
            /** @description What that is called now, as far as it is known. */
            subject_name: string | null;
            /**
             * Format: int64
             * @description The change that this one takes back.
             */
            undoes: number | null;
            /**
             * Format: int64
             * @description The change that takes this one back.
             */
            undone_by: number | null;
        };
        AuditUndo: {
            /** @description All that was changed together with it. */
            whole_group?: boolean;
        };
        /**
         * @description How a mirrored message says who wrote the signal.
         * @enum {string}
         */
        AuthorStyle: "none" | "name_line" | "webhook";
        /** @description What a back-fill did. */
        BackfillDone: {
            backfilled: number;
        };
        /** @description The bot, as it is shown. */
        Bot: components["schemas"]["BotSeen"] & {
            /** @description Requests of the last minutes that Discord counts as invalid; it bans an address for too many. */
            invalid_requests?: number;
        };
        /** @description A channel of a guild, as the bot sees it. */
        BotChannelRow: {
            /** @description The channel. */
            channel_id: components["schemas"]["Snowflake"];
            /**
             * Format: int64
             * @description Since when the bot sees it no more.
             */
            gone_at_ms: number | null;
            /**
             * Format: int32
             * @description Discord's channel type.
             */
            kind: number | null;
            /**
             * Format: int64
             * @description Mappings from or into it.
             */
            mappings: number;
            /** @description Its name. */
            name: string;
            parent_id: null | components["schemas"]["Snowflake"];
            /**
             * Format: int32
             * @description Order in its guild.
             */
            position: number | null;
            /**
             * Format: int64
             * @description When the bot last saw it.
             */
            seen_at_ms: number;
            target: null | components["schemas"]["TargetMark"];
        };
        /** @description A guild that the bot is or was in. */
        BotGuildRow: {
            /**
             * Format: int64
             * @description Channels that the bot sees there.
             */
            channels: number;
            /**
             * Format: int64
             * @description Since when the bot is in it no more.
             */
            gone_at_ms: number | null;
            /** @description The guild. */
            guild_id: components["schemas"]["Snowflake"];
            /** @description Its name. */
            name: string;
            /**
             * Format: int64
             * @description Roles, without `@everyone`.
             */
            roles: number;
            /**
             * Format: int64
             * @description When it was last in the bot's list.
             */
            seen_at_ms: number;
            /**
             * Format: int64
             * @description Of these, those that are enabled targets.
             */
            targets: number;
        };
        /** @description What is known of the bot. */
        BotSeen: {
            /** @description Guilds it is in. */
            guilds: number;
            /** @description Why it fails. */
            reason: string | null;
            /**
             * Format: int64
             * @description Everything was read at this moment or later, ms since 1970.
             */
            refreshed_at_ms: number | null;
            /** @description How it goes. */
            state: components["schemas"]["DirectoryState"];
            user: null | components["schemas"]["BotUser"];
        };
        /** @description What stands in a guild of the bot. */
        BotTree: {
            /** @description In the order in which Discord shows them: a category is followed by its channels. */
            channels: components["schemas"]["BotChannelRow"][];
            /** @description The guild. */
            guild: components["schemas"]["BotGuildRow"];
            /** @description Those that connectors told of, by channel, the newest first. */
            threads: components["schemas"]["TreeThread"][];
            /** @description There are more threads than are shown. */
            threads_are_more: boolean;
        };
        /** @description The account of the bot. */
        BotUser: {
            /** @description Its name. */
            name: string;
            /** @description Its id. */
            user_id: components["schemas"]["Snowflake"];
        };
        /** @description A body that spoke of the signal. */
        Captured: {
            /** @description Who sent it. */
            connector_id: string;
            /** @description For the logs of both sides. */
            correlation_id: string;
            /**
             * Format: int64
             * @description When it came in.
             */
            received_at_ms: number;
        };
        /** @description The mappings in the order of the request, as they stand now. */
        Changed: {
            items: components["schemas"]["With_ShownMapping"][];
        };
        ChannelRoleBulk: {
            items: components["schemas"]["ChannelRoleItem"][];
        };
        ChannelRoleItem: {
            channel_id: components["schemas"]["Snowflake"];
            guild_id: components["schemas"]["Snowflake"];
            is_enabled: boolean;
            is_source: boolean;
            is_target: boolean;
            thread_mode: components["schemas"]["ThreadMode"];
            /**
             * Format: int64
             * @description Absent: the channel must be new to the connector.
             */
            version?: number | null;
        };
        ChannelRolePut: {
            guild_id: components["schemas"]["Snowflake"];
            is_enabled: boolean;
            is_source: boolean;
            is_target: boolean;
            thread_mode: components["schemas"]["ThreadMode"];
            /**
             * Format: int64
             * @description Absent: the channel must be new to the connector.
             */
            version?: number | null;
        };
        /** @description One channel of one connector. */
        ChannelRoleRow: {
            /** @description The channel. */
            channel_id: components["schemas"]["Snowflake"];
            /** @description The connector. */
            connector_id: string;
            /** @description Its guild. */
            guild_id: components["schemas"]["Snowflake"];
            /** @description Off without losing its settings. */
            is_enabled: boolean;
            /** @description Captured from. */
            is_source: boolean;
            /** @description May be mirrored into. */
            is_target: boolean;
            /** @description What of it is captured: `include`, `exclude` or `only`. */
            thread_mode: string;
            /**
             * Format: int64
             * @description Optimistic lock.
             */
            version: number;
        };
        ChannelRolesPut: {
            /** @description In the order of the request. */
            items: components["schemas"]["ChannelRoleRow"][];
        };
        /** @description A known channel. */
        ChannelRow: {
            /** @description The channel. */
            channel_id: components["schemas"]["Snowflake"];
            /**
             * Format: int64
             * @description Since when nobody who saw it sees it any more.
             */
            gone_at_ms: number | null;
            /** @description Its guild. */
            guild_id: components["schemas"]["Snowflake"];
            /** @description The guild's name, or its id where no snapshot named it. */
            guild_name: string;
            /** @description It can be the source of a mapping now. */
            is_source: boolean;
            /** @description It can be the target of a mapping now. */
            is_target: boolean;
            /**
             * Format: int32
             * @description Discord's channel type.
             */
            kind: number | null;
            /**
             * Format: int32
             * @description Lowest tier that sees it live; `None` hides it.
             */
            min_tier: number | null;
            /** @description Its name, or its id where no snapshot named it. */
            name: string;
            parent_id: null | components["schemas"]["Snowflake"];
            /** @description The name of that, where it is known. */
            parent_name: string | null;
            /**
             * Format: int32
             * @description Order in its guild.
             */
            position: number | null;
            /**
             * Format: int64
             * @description When a snapshot last named it.
             */
            seen_at_ms: number;
        };
        /** @description What stands in a guild. */
        ChannelTree: {
            /** @description In the order in which Discord shows them: a category is followed by its channels. */
            channels: components["schemas"]["TreeChannel"][];
            /** @description The guild. */
            guild: components["schemas"]["TreeGuild"];
            /** @description By channel, the newest first. */
            threads: components["schemas"]["TreeThread"][];
            /** @description There are more threads than are shown. */
            threads_are_more: boolean;
        };
        /** @description A revision in its place. */
        Committed: components["schemas"]["Cursor"] & {
            /**
             * Format: int64
             * @description When the router took it in.
             */
            accepted_at_ms: number | null;
            /**
             * Format: int64
             * @description When it became durable.
             */
            committed_at_ms: number;
            /** @description `create`, `update` or `delete`. */
            kind: string;
            /** @description Something newer of the channel had been committed before. */
            late: boolean;
            /**
             * Format: int32
             * @description From 1.
             */
            revision: number;
            /**
             * Format: int64
             * @description To how many sessions it was sent live; `None` when that is not known any more. Those that replayed it are not counted.
             */
            sessions: number | null;
        };
        /** @description What a file would change. */
        Compared: {
            changes: components["schemas"]["ConfigurationChange"][];
            /** @description Stands for what was compared; to be given when it is applied. */
            digest: string;
            /** @description For people. */
            warnings: string[];
        };
        /**
         * @description What becomes of a thing.
         * @enum {string}
         */
        ConfigurationAction: "create" | "change" | "remove";
        ConfigurationApply: {
            /** @description What the comparison answered. */
            digest: string;
            /** @description The file that was compared. */
            document: string;
        };
        /** @description One thing that is different. */
        ConfigurationChange: {
            /** @description What becomes of it. */
            action: components["schemas"]["ConfigurationAction"];
            /** @description What is different of it. */
            fields: components["schemas"]["ConfigurationFieldChange"][];
            /** @description Its id; of a channel with its connector, of a mapping source and target, with a slash between. */
            key: string;
            /** @description `connector`, `channel`, `visibility`, `target` or `mapping`. */
            kind: string;
            /** @description What it is called, as far as it is known. */
            name: string | null;
        };
        ConfigurationCompare: {
            /** @description The file, at most 2 MiB. */
            document: string;
        };
        /** @description One field that is different. */
        ConfigurationFieldChange: {
            /** @description Afterwards; null where there is nothing. */
            after: unknown;
            /** @description Before; null where there was nothing. */
            before: unknown;
            /** @description The field. */
            field: string;
        };
        /** @description A connector with what is known around it. */
        Connector: components["schemas"]["ConnectorRow"] & {
            /** @description How much hangs on it. */
            counts: components["schemas"]["ConnectorCounts"];
            discovery: null | components["schemas"]["Discovery"];
            /** @description As this process sees it. */
            standing: components["schemas"]["Standing"];
        };
        ConnectorChange: {
            forward_enabled?: boolean | null;
            ingest_enabled?: boolean | null;
            name?: null | components["schemas"]["Name"];
            status?: null | components["schemas"]["ConnectorStatus"];
            /** Format: int64 */
            version: number;
        };
        /** @description Of one connector. */
        ConnectorCounts: {
            /**
             * Format: int64
             * @description Channels that it sees there.
             */
            channels: number;
            /**
             * Format: int64
             * @description Guilds that it sees.
             */
            guilds: number;
            /**
             * Format: int64
             * @description Mappings from channels that it captures.
             */
            mappings: number;
            /**
             * Format: int64
             * @description Channels that it captures.
             */
            sources: number;
            /**
             * Format: int64
             * @description Channels that it offers as targets.
             */
            targets: number;
        };
        ConnectorCreate: {
            connector_id: components["schemas"]["Key"];
            name?: null | components["schemas"]["Name"];
            tenant_key: components["schemas"]["Key"];
        };
        ConnectorDiscover: {
            guild_id?: null | components["schemas"]["Snowflake"];
        };
        ConnectorRotate: {
            /** @description Seconds that the old token works yet; 0: it ends at once. */
            overlap_s?: components["schemas"]["Overlap"];
            /** Format: int64 */
            version: number;
        };
        /** @description A connector as the administration sees it: everything but its token. */
        ConnectorRow: {
            /**
             * Format: int64
             * @description What the connector compares.
             */
            config_version: number;
            /** @description Its id, unique in this installation. */
            connector_id: string;
            /**
             * Format: int64
             * @description When it was made known.
             */
            created_at_ms: number;
            discovery_guild_id: null | components["schemas"]["Snowflake"];
            /**
             * Format: int64
             * @description Counts the discovery requests; 0 means never asked.
             */
            discovery_request_version: number;
            /**
             * Format: int64
             * @description When the last request was made.
             */
            discovery_requested_at_ms: number | null;
            /** @description Its signals are mirrored. */
            forward_enabled: boolean;
            /** @description May push at all. */
            ingest_enabled: boolean;
            /**
             * Format: int64
             * @description When it last asked or pushed, to about a minute.
             */
            last_seen_at_ms: number | null;
            /** @description For people. */
            name: string;
            /**
             * Format: int64
             * @description Until when the token before the last rotation works, as the last rotation said.
             */
            previous_token_until_ms: number | null;
            /** @description Ingest refused, configuration still readable. In JSON `status`: `active` or `paused`. */
            status: components["schemas"]["ConnectorStatus"];
            /** @description The tenant it belongs to. */
            tenant_key: string;
            /**
             * Format: int64
             * @description Optimistic lock.
             */
            version: number;
        };
        /**
         * @description Whether a connector may work, in the words of the contract.
         * @enum {string}
         */
        ConnectorStatus: "active" | "paused";
        /** @description A connector with its token: the only answer that holds one. */
        ConnectorWithToken: {
            connector: components["schemas"]["Connector"];
            token: string;
        };
        /** @description A place in a source channel: the last revision a session has seen. `seq` is gapless inside an `epoch`. */
        Cursor: {
            /**
             * Format: int32
             * @description Incarnation of the channel's sequence.
             */
            epoch: number;
            /**
             * Format: int64
             * @description Number in it; 0 is before the first.
             */
            seq: number;
        };
        /** @description A delivery that was given up. */
        DeadLetter: components["schemas"]["DeliveryKey"] & {
            /**
             * Format: int32
             * @description Refusals until then.
             */
            attempts: number;
            /**
             * Format: int64
             * @description When it was planned.
             */
            created_at_ms: number;
            /**
             * Format: int32
             * @description What it shows completely; 0 for nothing.
             */
            delivered_revision: number;
            /**
             * Format: int32
             * @description What Discord should show.
             */
            desired_revision: number;
            /**
             * Format: int64
             * @description By this mapping.
             */
            mapping_id: number;
            /**
             * Format: int64
             * @description Order of commit.
             */
            ordinal: number;
            /** @description What of it stands in Discord. */
            parts: components["schemas"]["StandingPart"][];
            /** @description What the signal says now, as sessions see it; `None` when its row does not read. */
            payload: unknown;
            /** @description Why it was given up, as Discord or the mirror said. */
            reason: string | null;
            /** @description Captured from. */
            source_channel_id: components["schemas"]["Snowflake"];
            /**
             * Format: int64
             * @description Since when what is desired has been wanted.
             */
            wanted_at_ms: number;
        };
        DeliveriesDrop: {
            items: components["schemas"]["DeliveryKey"][];
            reason: components["schemas"]["Name"];
        };
        /** @description Which deliveries: exactly one of the three. */
        DeliveriesMeant: {
            all?: boolean | null;
            items?: components["schemas"]["DeliveryKey"][] | null;
            target_channel_id?: null | components["schemas"]["Snowflake"];
        };
        /** @description What became of a signal's deliveries, counted. */
        DeliveryCounts: {
            /**
             * Format: int64
             * @description Given up.
             */
            dead: number;
            /**
             * Format: int64
             * @description It stands there as it reads now.
             */
            delivered: number;
            /**
             * Format: int64
             * @description Dropped by a person.
             */
            dropped: number;
            /**
             * Format: int64
             * @description Target channels it is to stand in, whatever became of it.
             */
            wanted: number;
        };
        /** @description Which delivery. */
        DeliveryKey: {
            /** @description The signal. */
            signal_id: components["schemas"]["Snowflake"];
            /** @description Where to. */
            target_channel_id: components["schemas"]["Snowflake"];
        };
        /** @description One delivery. */
        DeliveryListRow: {
            /**
             * Format: int32
             * @description Failed attempts since the last success.
             */
            attempts: number;
            /**
             * Format: int64
             * @description When it was planned.
             */
            created_at_ms: number;
            /**
             * Format: int64
             * @description When it was last delivered.
             */
            delivered_at_ms: number | null;
            /**
             * Format: int32
             * @description What it shows; 0 for nothing.
             */
            delivered_revision: number;
            /**
             * Format: int32
             * @description What Discord should show.
             */
            desired_revision: number;
            /** @description Why the last attempt failed. */
            last_error: string | null;
            /**
             * Format: int64
             * @description By this mapping.
             */
            mapping_id: number;
            /**
             * Format: int64
             * @description Not before this.
             */
            next_attempt_at_ms: number | null;
            /**
             * Format: int64
             * @description Order of commit.
             */
            ordinal: number;
            ping_role_id: null | components["schemas"]["Snowflake"];
            /** @description The signal. */
            signal_id: components["schemas"]["Snowflake"];
            /** @description Captured from. */
            source_channel_id: components["schemas"]["Snowflake"];
            /** @description In JSON `pending`, `delivered`, `dead_letter` or `dropped`. */
            state: components["schemas"]["DeliveryState"];
            /** @description Mirrored into. */
            target_channel_id: components["schemas"]["Snowflake"];
        };
        /**
         * @description How a delivery stands.
         * @enum {string}
         */
        DeliveryState: "pending" | "delivered" | "dead_letter" | "dropped";
        /**
         * @description How reading what the bot sees goes.
         * @enum {string}
         */
        DirectoryState: "ok" | "no_token" | "failing" | "not_yet";
        /** @description What became of a discovery request. */
        Discovery: {
            /** @description What to look at, in one sentence; `null` where nothing is wrong. */
            advice: string | null;
            /**
             * Format: int64
             * @description When its snapshot came.
             */
            answered_at_ms: number | null;
            /**
             * Format: int32
             * @description Channels in the snapshot.
             */
            channels: number | null;
            guild_id: null | components["schemas"]["Snowflake"];
            /** @description Its name, where it is known. */
            guild_name: string | null;
            /**
             * Format: int32
             * @description Guilds in the snapshot.
             */
            guilds: number | null;
            /**
             * Format: int64
             * @description When the connector read it.
             */
            picked_up_at_ms: number | null;
            /**
             * Format: int64
             * @description When it was made.
             */
            requested_at_ms: number;
            /** @description How it stands now. */
            state: components["schemas"]["DiscoveryState"];
            /**
             * Format: int64
             * @description From the request to the snapshot.
             */
            took_ms: number | null;
            /**
             * Format: int64
             * @description Counts the requests.
             */
            version: number;
        };
        /** @description What came of asking for a discovery. */
        DiscoveryAsked: {
            discovery: null | components["schemas"]["Discovery"];
            /** Format: int64 */
            discovery_request_version: number;
        };
        /**
         * @description How a request stands.
         * @enum {string}
         */
        DiscoveryState: "requested" | "picked_up" | "answered" | "timed_out";
        /** @description What a drop did. */
        Dropped: {
            dropped: number;
        };
        /** @description What rules make of signals. */
        DryRun: {
            /** @description Why there are fewer items than signals. */
            cut_short: string | null;
            /** @description Newest first. */
            items: components["schemas"]["DryRunItem"][];
        };
        /** @description What they make of one signal. */
        DryRunItem: {
            author: string | null;
            deleted: boolean;
            /** @description The messages that would be posted. */
            parts: components["schemas"]["DryRunPart"][];
            reason: string | null;
            result: components["schemas"]["DryRunResult"];
            signal_id: components["schemas"]["Snowflake"];
            /** @description Its own text, the beginning of it. */
            text: string;
            /** @description The name of the thread it stands in. */
            thread: string | null;
        };
        /** @description One message, its embeds as Discord would be given them. */
        DryRunPart: {
            content: string;
            embeds: unknown;
            pings_role: null | components["schemas"]["Snowflake"];
            sender: null | components["schemas"]["DryRunSender"];
        };
        /**
         * @description What would become of a signal.
         * @enum {string}
         */
        DryRunResult: "posts" | "held_back" | "nothing_to_show";
        /** @description See [`Part`]. */
        DryRunSender: {
            avatar_url: string | null;
            name: string;
        };
        DryRunUnsaved: {
            author_style?: null | components["schemas"]["AuthorStyle"];
            filters_json?: null | components["schemas"]["Filters"];
            hand_deletions?: null | components["schemas"]["HandDeletions"];
            /** Format: int64 */
            last?: number | null;
            ping_role_id?: null | components["schemas"]["Snowflake"];
            source_channel_id: components["schemas"]["Snowflake"];
            thread_style?: null | components["schemas"]["ThreadStyle"];
            transform_json?: null | components["schemas"]["Transform"];
        };
        /** @description Figures by the minute. */
        FiguresAnswer: {
            /** @description Oldest first, the running minute as the last. */
            points: components["schemas"]["Point"][];
            /**
             * Format: int64
             * @description Length of a slot, in seconds.
             */
            slot_s: number;
        };
        /**
         * @description Conditions; a signal passes that meets all that are set. Keywords and patterns look at the text and at every text of the
         *     embeds, with names in place of Discord's markup. Case never matters, but in patterns, which say `(?i)` for themselves.
         */
        Filters: {
            /**
             * @description Only of these: user ids, unique names or shown names. Anybody can take a shown name; an id is one person's.
             * @default []
             */
            authors_allow?: string[];
            /**
             * @description Of none of these.
             * @default []
             */
            authors_deny?: string[];
            /**
             * @description A signal with a link to one of these domains, or to a subdomain, is held back.
             * @default []
             */
            domains_blocked?: string[];
            /**
             * @description Links to these domains, or to their subdomains, are taken out of it; it passes.
             * @default []
             */
            domains_stripped?: string[];
            /**
             * @description `true`: it must have an attachment; `false`: it must have none.
             * @default null
             */
            has_attachment?: boolean | null;
            /**
             * @description The same of embeds. Discord's previews of links in the text are none: they come later and by themselves.
             * @default null
             */
            has_embed?: boolean | null;
            /**
             * @description At least one of these words or phrases stands in it, whole.
             * @default []
             */
            keywords_any?: string[];
            /**
             * @description None of these does.
             * @default []
             */
            keywords_none?: string[];
            /**
             * @description At least one of these patterns matches (syntax of Rust's `regex` crate: no look-around, no back-references).
             * @default []
             */
            regex_any?: string[];
            /**
             * @description None of these does.
             * @default []
             */
            regex_none?: string[];
            /**
             * Format: int32
             * @description The text has at most as many characters.
             * @default null
             */
            text_chars_max?: number | null;
            /**
             * Format: int32
             * @description The text has at least as many characters.
             * @default null
             */
            text_chars_min?: number | null;
        };
        /** @description A guild that a connector sees or saw. */
        GuildSeenRow: {
            /**
             * Format: int64
             * @description Channels that the connector sees there, categories included.
             */
            channels: number;
            /**
             * Format: int64
             * @description Since when it is not among the guilds of the connector.
             */
            gone_at_ms: number | null;
            /** @description The guild. */
            guild_id: components["schemas"]["Snowflake"];
            /** @description Its name, or its id where no snapshot named it. */
            name: string;
            /**
             * Format: int64
             * @description When the connector last named it.
             */
            seen_at_ms: number;
            /**
             * Format: int64
             * @description Those that it captures.
             */
            sources: number;
            /**
             * Format: int64
             * @description Those that it offers as targets.
             */
            targets: number;
        };
        /**
         * @description What becomes of a mirrored message that somebody deleted by hand.
         * @enum {string}
         */
        HandDeletions: "keep" | "repost";
        /** @description See [`ActorReport`]. */
        HandlingReport: {
            /**
             * Format: double
             * @description The slowest.
             */
            max: number;
            /**
             * Format: double
             * @description Microseconds a message.
             */
            mean: number;
        };
        /** @description How the process is. */
        Health: {
            ok: boolean;
            /** @description Why not. */
            reason?: string;
        };
        /** @description An id of a connector or a tenant. */
        Key: string;
        /**
         * @description What kind of actor; also the label of its metrics, so that they stay few.
         * @enum {string}
         */
        Kind: "root" | "store_writer" | "router" | "source_channel" | "session_hub" | "mirror" | "delivery_ledger" | "inspector" | "directory" | "retention" | "figures" | "admin_feed";
        /** @description From commit to done over the last hour; `None` where nothing of the kind was done. */
        LatencySummary: {
            create: null | components["schemas"]["Percentiles"];
            delete: null | components["schemas"]["Percentiles"];
            edit: null | components["schemas"]["Percentiles"];
        };
        /**
         * @description Where an actor is in its life.
         * @enum {string}
         */
        LifeState: "running" | "restarting" | "parked" | "stopped";
        /** @description The answer. */
        Listed_AuditEntry: {
            items: components["schemas"]["AuditEntry"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The answer. */
        Listed_BotGuildRow: {
            items: components["schemas"]["BotGuildRow"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The answer. */
        Listed_ChannelRoleRow: {
            items: components["schemas"]["ChannelRoleRow"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The answer. */
        Listed_ChannelRow: {
            items: components["schemas"]["ChannelRow"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The answer. */
        Listed_Connector: {
            items: components["schemas"]["Connector"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The answer. */
        Listed_DeadLetter: {
            items: components["schemas"]["DeadLetter"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The answer. */
        Listed_DeliveryListRow: {
            items: components["schemas"]["DeliveryListRow"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The answer. */
        Listed_GuildSeenRow: {
            items: components["schemas"]["GuildSeenRow"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The answer. */
        Listed_QuarantinedRow: {
            items: components["schemas"]["QuarantinedRow"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The answer. */
        Listed_RawEventRow: {
            items: components["schemas"]["RawEventRow"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The answer. */
        Listed_ReconciliationRow: {
            items: components["schemas"]["ReconciliationRow"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The answer. */
        Listed_RoleRow: {
            items: components["schemas"]["RoleRow"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The answer. */
        Listed_SessionTokenRow: {
            items: components["schemas"]["SessionTokenRow"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The answer. */
        Listed_ShownMapping: {
            items: components["schemas"]["ShownMapping"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The answer. */
        Listed_Target: {
            items: components["schemas"]["Target"][];
            /** @description Where the next page begins; `null`: there is none. */
            next_after: string | null;
        };
        /** @description The token of a new connector. */
        MadeToken: {
            connector_id: string;
            token: string;
        };
        /** @description See [`ActorReport`]. */
        MailboxReport: {
            /** @description Most that may wait. */
            capacity: number;
            /** @description Messages waiting. */
            depth: number;
            /**
             * Format: int64
             * @description Messages refused because of it.
             */
            refused: number;
        };
        /** @description A mapping at the version that was read. */
        MappingAtVersion: {
            /** Format: int64 */
            mapping_id: number;
            /** Format: int64 */
            version: number;
        };
        MappingBackfill: {
            /**
             * Format: int64
             * @description So many signals, the latest ones.
             */
            last: number;
        };
        /** @description Either `change`, or `remove`: `true`. */
        MappingBulk: {
            change?: null | components["schemas"]["MappingBulkChange"];
            /** @description At most 500. */
            items: components["schemas"]["MappingAtVersion"][];
            remove?: boolean | null;
        };
        MappingBulkChange: {
            author_style?: null | components["schemas"]["AuthorStyle"];
            filters_json?: null | components["schemas"]["Filters"];
            hand_deletions?: null | components["schemas"]["HandDeletions"];
            is_enabled?: boolean | null;
            ping_role_id?: null | components["schemas"]["Snowflake"];
            /** Format: int32 */
            priority?: number | null;
            thread_style?: null | components["schemas"]["ThreadStyle"];
            tier?: null | components["schemas"]["Tier"];
            transform_json?: null | components["schemas"]["Transform"];
        };
        MappingChange: {
            author_style?: null | components["schemas"]["AuthorStyle"];
            filters_json?: null | components["schemas"]["Filters"];
            hand_deletions?: null | components["schemas"]["HandDeletions"];
            is_enabled?: boolean | null;
            ping_role_id?: null | components["schemas"]["Snowflake"];
            /** Format: int32 */
            priority?: number | null;
            source_channel_id?: null | components["schemas"]["Snowflake"];
            target_channel_id?: null | components["schemas"]["Snowflake"];
            thread_style?: null | components["schemas"]["ThreadStyle"];
            tier?: null | components["schemas"]["Tier"];
            transform_json?: null | components["schemas"]["Transform"];
            /** Format: int64 */
            version: number;
        };
        MappingClone: {
            /** @description As the original is without it. */
            is_enabled?: boolean | null;
            source_channel_id?: null | components["schemas"]["Snowflake"];
            start?: null | components["schemas"]["MappingStart"];
            target_channel_id?: null | components["schemas"]["Snowflake"];
        };
        MappingCreate: {
            author_style?: null | components["schemas"]["AuthorStyle"];
            filters_json?: null | components["schemas"]["Filters"];
            hand_deletions?: null | components["schemas"]["HandDeletions"];
            is_enabled?: boolean | null;
            ping_role_id?: null | components["schemas"]["Snowflake"];
            /** Format: int32 */
            priority?: number | null;
            source_channel_id: components["schemas"]["Snowflake"];
            start?: null | components["schemas"]["MappingStart"];
            target_channel_id: components["schemas"]["Snowflake"];
            thread_style?: null | components["schemas"]["ThreadStyle"];
            tier?: null | components["schemas"]["Tier"];
            transform_json?: null | components["schemas"]["Transform"];
        };
        /** @description One end of a mapping. */
        MappingEnd: {
            /** @description The channel. */
            channel_id: components["schemas"]["Snowflake"];
            guild_id: null | components["schemas"]["Snowflake"];
            /** @description What that is called, as far as it is known. */
            guild_name: string | null;
            /** @description Its name, or its id where it is not known. */
            name: string;
        };
        /** @description All mappings of a source in their new order. */
        MappingOrder: {
            items: components["schemas"]["MappingAtVersion"][];
            source_channel_id: components["schemas"]["Snowflake"];
        };
        /** @description One mapping, without what its rules say. */
        MappingRow: {
            /**
             * Format: int64
             * @description When it was made.
             */
            created_at_ms: number;
            /** @description Off without losing its settings. */
            is_enabled: boolean;
            /**
             * Format: int64
             * @description Counts up.
             */
            mapping_id: number;
            ping_role_id: null | components["schemas"]["Snowflake"];
            /**
             * Format: int32
             * @description Order among the mappings of a source, for connectors.
             */
            priority: number;
            /** @description Captured from. */
            source_channel_id: components["schemas"]["Snowflake"];
            /** @description Mirrored into. */
            target_channel_id: components["schemas"]["Snowflake"];
            /**
             * Format: int32
             * @description Who the target is for; shown to admins.
             */
            tier: number;
            /**
             * Format: int64
             * @description When it was last changed.
             */
            updated_at_ms: number;
            /**
             * Format: int64
             * @description Optimistic lock.
             */
            version: number;
        };
        /** @description All that a mapping makes of a signal. The default is plain: everything passes, nothing is changed. */
        MappingRules: {
            /** @default none */
            author_style?: components["schemas"]["AuthorStyle"];
            /** @default {} */
            filters_json?: components["schemas"]["Filters"];
            /** @default keep */
            hand_deletions?: components["schemas"]["HandDeletions"];
            /** @default channel */
            thread_style?: components["schemas"]["ThreadStyle"];
            /** @default {} */
            transform_json?: components["schemas"]["Transform"];
        };
        /** @description With which signals a mapping begins: `"now"` or `{"last":n}`. */
        MappingStart: "now" | {
            /** Format: int64 */
            last: number;
        };
        /**
         * @description How a mapping stands.
         * @enum {string}
         */
        MappingState: "working" | "off" | "broken";
        /** @description What is known of the mirror of a target. */
        Mirror: {
            /** @description From commit to done over the last hour. */
            latency: components["schemas"]["LatencySummary"];
            /** Format: int64 */
            limited_until_ms: number | null;
            reason: string | null;
            /** @description `paused`, `not_running`, `stopped`, or the word of the mirror itself. */
            state: string;
        };
        Name: string;
        /** @description A target without a delivery. */
        NotDelivered: {
            /**
             * Format: int64
             * @description The mapping that might have led there; `None` when there is no mapping at all.
             */
            mapping_id: number | null;
            /** @description Why not, for people. */
            reason: string;
            target_channel_id: null | components["schemas"]["Snowflake"];
            /** @description That channel's name. */
            target_channel_name: string | null;
        };
        Offer: {
            /** @description Whether mappings may lead into it. */
            is_target: boolean;
            /** Format: int64 */
            version: number;
        };
        Overlap: number;
        /** @description Milliseconds, each right to 5 %. */
        Percentiles: {
            /**
             * Format: int64
             * @description How many were done.
             */
            count: number;
            /**
             * Format: int64
             * @description Half of them took no longer.
             */
            p50_ms: number;
            /**
             * Format: int64
             * @description 95 of 100 took no longer.
             */
            p95_ms: number;
            /**
             * Format: int64
             * @description 99 of 100 took no longer.
             */
            p99_ms: number;
        };
        /** @description A minute as charts show it. */
        Point: {
            /**
             * Format: int64
             * @description See [`Heard`].
             */
            accepted: number;
            /**
             * Format: int64
             * @description When it began.
             */
            at_ms: number;
            discord: null | components["schemas"]["Spread"];
            /**
             * Format: int64
             * @description See [`Heard`].
             */
            posted: number;
            screen: null | components["schemas"]["Spread"];
        };
        /** @description The body of every error, on every listener. */
        Problem: {
            /** @description The same as in the header `X-Correlation-Id`, and in the log. */
            correlation_id: string;
            /** @description For programs: `invalid`, `stale_version` … */
            error_code: string;
            /** @description Where one field of the request is at fault: its dotted path in the body (`items[3].version`), or the name of a parameter. */
            field?: string;
            /** @description For people. */
            message: string;
            /** @description Always `false`. */
            ok: boolean;
        };
        QuarantineDrop: {
            /** @description Their `quarantine_id`s. */
            items: number[];
            /** @description For the audit. */
            reason: components["schemas"]["Name"];
        };
        QuarantineDropped: {
            /** @description Those that were not done yet. */
            dropped: number;
        };
        /** @description An item as the administration sees it. */
        QuarantinedRow: {
            /** @description Exactly as it came; in JSON as text, its beginning only. */
            body: string;
            /** @description Who sent it. */
            connector_id: string;
            /** @description Of its request. */
            correlation_id: string;
            /**
             * Format: int64
             * @description Since when nothing more is to be done about it.
             */
            done_at_ms: number | null;
            /**
             * Format: int32
             * @description Its place in the batch.
             */
            item_index: number;
            /** @description What it was sent as: `message`, `thread`, … */
            kind: string;
            /** @description What came of that: `accepted`, `deduped`, `ignored`, `held` or `rejected`; or `dropped`. */
            outcome: string | null;
            /**
             * Format: int64
             * @description Counts up.
             */
            quarantine_id: number;
            /** @description Why it was not taken. */
            reason: string;
            /**
             * Format: int64
             * @description When it came.
             */
            received_at_ms: number;
            /**
             * Format: int64
             * @description When it was last tried again.
             */
            tried_at_ms: number | null;
        };
        QuarantineReplay: {
            /** @description Their `quarantine_id`s. */
            items: number[];
        };
        QuarantineReplayed: {
            results: components["schemas"]["QuarantineReplayResult"][];
        };
        /** @description What became of one item. */
        QuarantineReplayResult: {
            /** @description `accepted`, `deduped`, `ignored`, `held` or `rejected`. */
            outcome: string;
            /** Format: int64 */
            quarantine_id: number;
            /** @description Why it was rejected. */
            reason: string | null;
        };
        /** @description A body with its words. */
        RawEvent: components["schemas"]["RawEventRow"] & {
            /** @description Its beginning, as text. */
            body: string;
            /** @description It goes on. */
            is_cut: boolean;
        };
        /** @description A body that came, without what it says. */
        RawEventRow: {
            /**
             * Format: int32
             * @description How long it is.
             */
            bytes: number;
            /** @description Who sent it. */
            connector_id: string;
            /** @description For the logs of both sides. */
            correlation_id: string;
            /** @description `message-batch`, `thread` or `channel-guild-sync`. */
            kind: string;
            /** @description To ask for it by. */
            raw_event_id: string;
            /**
             * Format: int64
             * @description When it came.
             */
            received_at_ms: number;
        };
        /** @description One comparison. */
        ReconciliationRow: {
            /**
             * Format: int64
             * @description When it was asked for.
             */
            asked_at_ms: number;
            /** @description By whom. */
            asked_by: string;
            /**
             * Format: int64
             * @description When it came to its end; `None` while it is under way.
             */
            finished_at_ms: number | null;
            /**
             * Format: int64
             * @description Counts up.
             */
            reconciliation_id: number;
            /** @description See [`Report`]. */
            report: unknown;
            /** @description The channel. */
            target_channel_id: components["schemas"]["Snowflake"];
        };
        /** @description What a redrive did. */
        Redriven: {
            /** @description More of what was meant is left: ask again. */
            more: boolean;
            redriven: number;
        };
        /** @description One word or phrase for another. */
        Replacement: {
            /**
             * @description What is looked for; case does not matter.
             * @default
             */
            from?: string;
            /**
             * @description What stands there afterwards; nothing to take it out.
             * @default
             */
            to?: string;
            /**
             * @description Not inside longer words.
             * @default false
             */
            whole_word?: boolean;
        };
        /** @description What a restore did. */
        Restored: {
            /** @description More of what was meant is left: ask again. */
            more: boolean;
            restored: number;
        };
        /** @description A role of a guild. */
        RoleRow: {
            /**
             * Format: int32
             * @description 24 bits; 0: none.
             */
            color: number;
            /** @description Belongs to an integration. */
            is_managed: boolean;
            /** @description Everybody may ping it. */
            is_mentionable: boolean;
            /** @description Its name. */
            name: string;
            /**
             * Format: int32
             * @description Its place in the hierarchy; higher is mightier.
             */
            position: number;
            /** @description The role. */
            role_id: components["schemas"]["Snowflake"];
        };
        /** @description One mapping as the administration shows it. */
        RuledMapping: components["schemas"]["MappingRow"] & components["schemas"]["MappingRules"];
        SessionTokenCreate: {
            /**
             * Format: int64
             * @description Absent or `null`: it does not end by itself.
             */
            expires_at_ms?: number | null;
            name: components["schemas"]["Name"];
            tier: components["schemas"]["Tier"];
        };
        /** @description A session token as the administration sees it: everything but itself. */
        SessionTokenRow: {
            /**
             * Format: int64
             * @description When it was made.
             */
            created_at_ms: number;
            /**
             * Format: int64
             * @description When it is over; `None`: never.
             */
            expires_at_ms: number | null;
            /** @description Whose it is, for people. */
            name: string;
            /**
             * Format: int64
             * @description When it was revoked.
             */
            revoked_at_ms: number | null;
            /**
             * Format: int64
             * @description Counts up.
             */
            session_token_id: number;
            /**
             * Format: int32
             * @description What the viewer may see: channels up to this tier.
             */
            tier: number;
        };
        /** @description A session token's row with the token: the only answer that holds one. */
        SessionTokenWithToken: {
            session_token: components["schemas"]["SessionTokenRow"];
            token: string;
        };
        /** @description One mapping with everything that tells a person what it is and whether it works. */
        ShownMapping: components["schemas"]["RuledMapping"] & {
            /** @description What the role is called that is pinged, as far as it is known. */
            ping_role_name: string | null;
            /** @description Captured from. */
            source: components["schemas"]["MappingEnd"];
            /** @description Whether it works. */
            state: components["schemas"]["MappingState"];
            /** @description Mirrored into. */
            target: components["schemas"]["MappingEnd"];
            /** @description Why not, and what to do about it. */
            trouble: string | null;
        };
        /** @description One signal. */
        SignalLine: {
            /** @description Files it has. */
            attachments: number;
            /** @description The name the author shows; nothing of a deleted one. */
            author: string | null;
            /** @description The source channel. */
            channel_id: components["schemas"]["Snowflake"];
            /** @description Its name, or its id where no snapshot named it. */
            channel_name: string;
            /**
             * Format: int64
             * @description When its first revision that is still kept was committed.
             */
            committed_at_ms: number | null;
            /**
             * Format: int64
             * @description From the snowflake.
             */
            created_at_ms: number;
            /** @description Gone. */
            deleted: boolean;
            /** @description What became of it. */
            deliveries: components["schemas"]["DeliveryCounts"];
            /** @description Embeds it has. */
            embeds: number;
            /** @description The guild's name. */
            guild_name: string | null;
            /**
             * Format: int32
             * @description How often it has changed.
             */
            revision: number;
            /** @description The source message. */
            signal_id: components["schemas"]["Snowflake"];
            /** @description The beginning of its text, with names in place of markup; empty of a deleted one. */
            text: string;
            /** @description The thread's name, when it stands in one that is known. */
            thread_name: string | null;
        };
        /** @description Signals, newest first. */
        SignalLines: {
            items: components["schemas"]["SignalLine"][];
            next_before: null | components["schemas"]["Snowflake"];
        };
        /** @description Who wants to sign in. */
        SignIn: {
            /** @description The admin token. */
            token: string;
        };
        /** @description Whether a browser must sign in. */
        SignInState: {
            /** @description This browser is signed in, or need not be. */
            signed_in: boolean;
            /** @description Without the token nothing is answered. */
            token_needed: boolean;
        };
        /**
         * @description An id of Discord: a decimal number between 1 and 2^63-1, as a string.
         * @example 175928847299117063
         */
        Snowflake: string;
        /** @description How long something took, in milliseconds, right to 5 %. */
        Spread: {
            /**
             * Format: int64
             * @description How many there were.
             */
            count: number;
            /**
             * Format: float
             * @description Half of them took no longer.
             */
            p50_ms: number;
            /**
             * Format: float
             * @description 95 of 100 took no longer.
             */
            p95_ms: number;
            /**
             * Format: float
             * @description 99 of 100 took no longer.
             */
            p99_ms: number;
        };
        /** @description How a connector stands in this process; what it does not know yet is `null`. */
        Standing: {
            /**
             * Format: int64
             * @description The configuration version that it last said it works by.
             */
            applied_config_version: number | null;
            /**
             * Format: int64
             * @description Its batches.
             */
            batches: number;
            /**
             * Format: int64
             * @description Items of its batches since this process started.
             */
            events: number;
            /**
             * Format: double
             * @description Items of its batches a second, over the last minute.
             */
            events_per_s: number;
            /** @description That is the one that stands. */
            is_applied: boolean;
            /**
             * Format: int64
             * @description Of its newest batch: from the newest thing in it at the source to when it came in.
             */
            lag_ms: number | null;
            /**
             * Format: int64
             * @description When the newest one came in.
             */
            last_batch_at_ms: number | null;
            /**
             * Format: int64
             * @description Items that were rejected.
             */
            rejected: number;
        };
        /** @description A message that stands in Discord. */
        StandingPart: {
            /** @description The mirrored message. */
            message_id: components["schemas"]["Snowflake"];
            mirrored_thread_id: null | components["schemas"]["Snowflake"];
            /**
             * Format: int32
             * @description From 0.
             */
            part: number;
        };
        /** @description A target as it is shown. */
        Target: components["schemas"]["TargetRow"] & components["schemas"]["Mirror"];
        /** @description One target channel. */
        TargetChannelRow: {
            guild_id: null | components["schemas"]["Snowflake"];
            /**
             * Format: int64
             * @description When Discord was last asked.
             */
            inspected_at_ms: number | null;
            /** @description Nothing is sent to it until a person resumes it; what is wanted waits. */
            is_paused: boolean;
            /** @description Offered by the bot as the target of mappings, whether or not a connector marks it. */
            is_target: boolean;
            /**
             * Format: int32
             * @description Discord's channel type.
             */
            kind: number | null;
            /** @description What a person must change before the bot can mirror there; `None` when nothing is known to stand in the way. */
            obstacle: string | null;
            /** @description The channel. */
            target_channel_id: components["schemas"]["Snowflake"];
            /**
             * Format: int64
             * @description Optimistic lock; 0 until a person has decided something.
             */
            version: number;
        };
        /** @description How a channel stands as a target. */
        TargetMark: {
            /**
             * Format: int64
             * @description When Discord was last asked.
             */
            inspected_at_ms: number | null;
            /** @description Nothing is sent to it until a person resumes it. */
            is_paused: boolean;
            /** @description Offered by the bot. */
            is_target: boolean;
            /** @description Marked as an enabled target for a connector. */
            is_target_of_connector: boolean;
            /** @description What a person must change before the bot can mirror there. */
            obstacle: string | null;
            /**
             * Format: int64
             * @description Optimistic lock; 0 until a person has decided something.
             */
            version: number;
        };
        /** @description One target channel. */
        TargetRow: {
            /**
             * Format: int64
             * @description Deliveries with work to do, counted up to [`COUNTED_MAX`].
             */
            backlog: number;
            /** @description There are more of them. */
            backlog_is_more: boolean;
            /**
             * Format: int64
             * @description Since when the longest waiting of those counted has been wanted.
             */
            backlog_since_ms: number | null;
            /**
             * Format: int64
             * @description Deliveries given up, counted up to [`COUNTED_MAX`].
             */
            dead_letters: number;
            /** @description There are more of them. */
            dead_letters_are_more: boolean;
            guild_id: null | components["schemas"]["Snowflake"];
            /** @description The guild's name, if a snapshot named it. */
            guild_name: string | null;
            /**
             * Format: int64
             * @description When Discord was last asked.
             */
            inspected_at_ms: number | null;
            /** @description Nothing is sent to it until a person resumes it. */
            is_paused: boolean;
            /** @description Offered by the bot as the target of mappings, whether or not a connector marks it. */
            is_target: boolean;
            /**
             * Format: int64
             * @description Mappings into it, enabled or not.
             */
            mappings: number;
            /** @description Its name, if a snapshot named it. */
            name: string | null;
            /** @description What a person must change before the bot can mirror there. */
            obstacle: string | null;
            /** @description The channel. */
            target_channel_id: components["schemas"]["Snowflake"];
            /**
             * Format: int64
             * @description Optimistic lock of pausing; 0 when nobody ever decided anything.
             */
            version: number;
        };
        /**
         * @description The words of a thread mode, for descriptions: see [`thread_mode`].
         * @enum {string}
         */
        ThreadMode: "include" | "exclude" | "only";
        /**
         * @description Where the signals of a thread go.
         * @enum {string}
         */
        ThreadStyle: "channel" | "mirrored";
        Tier: number;
        /** @description Everything that is known of a signal's way. */
        Trail: {
            /** @description Bodies of connectors that brought its revisions; none any more when their retention is over. */
            captured: components["schemas"]["Captured"][];
            /** @description Its revisions, earliest first; none any more when their retention is over. */
            committed: components["schemas"]["Committed"][];
            /** @description Where it is to stand. */
            deliveries: components["schemas"]["TrailDelivery"][];
            /** @description Where it does not stand although it might. */
            not_delivered: components["schemas"]["NotDelivered"][];
            /** @description The signal itself. */
            signal: components["schemas"]["TrailSignal"];
        };
        /** @description A delivery and how it went. */
        TrailDelivery: {
            /**
             * Format: int32
             * @description Refusals since the last success.
             */
            attempts: number;
            /**
             * Format: int64
             * @description When it was planned: with the commit, or by a back-fill.
             */
            created_at_ms: number;
            /**
             * Format: int64
             * @description From then until its first message stood.
             */
            delay_ms: number | null;
            /**
             * Format: int32
             * @description What it shows completely; 0 for nothing.
             */
            delivered_revision: number;
            /**
             * Format: int32
             * @description What Discord should show.
             */
            desired_revision: number;
            /** @description In words for people. */
            explanation: string;
            /** @description What was said last. */
            last_error: string | null;
            /**
             * Format: int64
             * @description By this mapping.
             */
            mapping_id: number;
            /**
             * Format: int64
             * @description Not before this.
             */
            next_attempt_at_ms: number | null;
            /** @description Its messages. */
            parts: components["schemas"]["TrailPart"][];
            /** @description `pending`, `delivered`, `dead_letter` or `dropped`. */
            state: string;
            /** @description Where to. */
            target_channel_id: components["schemas"]["Snowflake"];
            /** @description That channel's name. */
            target_channel_name: string | null;
        };
        /** @description A mirrored message. */
        TrailPart: {
            /** @description Where people see it; `None` while the guild is not known. */
            link: string | null;
            /** @description The message. */
            message_id: components["schemas"]["Snowflake"];
            /**
             * Format: int32
             * @description From 0.
             */
            part: number;
            /**
             * Format: int64
             * @description When it was recorded to stand.
             */
            posted_at_ms: number;
        };
        /** @description A signal and where it comes from. */
        TrailSignal: {
            /**
             * Format: int64
             * @description When it was written, by its id.
             */
            created_at_ms: number;
            /**
             * Format: int64
             * @description When it was deleted.
             */
            deleted_at_ms: number | null;
            /** @description Readers see it; else its create has not come. */
            is_visible: boolean;
            /**
             * Format: int32
             * @description How often it has changed.
             */
            revision: number;
            /** @description The source message. */
            signal_id: components["schemas"]["Snowflake"];
            /** @description Captured from. */
            source_channel_id: components["schemas"]["Snowflake"];
            /** @description That channel's name. */
            source_channel_name: string | null;
            /** @description Its guild's name. */
            source_guild_name: string | null;
        };
        /**
         * @description Changes, carried out in the order of these fields, after links to stripped domains have left. The first two reach every text
         *     of the embeds too; the others are about the text alone.
         */
        Transform: {
            /**
             * @description Put before the text, where there is one.
             * @default
             */
            prefix?: string;
            /**
             * @description One after the other: what the first wrote, the second may replace.
             * @default []
             */
            replace_words?: components["schemas"]["Replacement"][];
            /**
             * @description Mentions of people, roles and everyone leave without a trace; otherwise they become names.
             * @default false
             */
            strip_mentions?: boolean;
            /**
             * @description Put behind the text, where there is one.
             * @default
             */
            suffix?: string;
            /**
             * @description The whole text, where it is set: `{text}` (with prefix and suffix), `{author}`, `{channel}`, `{thread}`, and `{link}` to the
             *     source message. `{{` and `}}` are braces.
             * @default
             */
            template?: string;
        };
        /** @description A channel of a tree. */
        TreeChannel: {
            /** @description The channel. */
            channel_id: components["schemas"]["Snowflake"];
            /**
             * Format: int64
             * @description Since when the connector sees it, or its guild, no more.
             */
            gone_at_ms: number | null;
            /**
             * Format: int32
             * @description Discord's channel type.
             */
            kind: number | null;
            /**
             * Format: int64
             * @description Mappings from or into it.
             */
            mappings: number;
            /**
             * Format: int32
             * @description Lowest tier that sees it live; `null` hides it.
             */
            min_tier: number | null;
            /** @description Its name, or its id where no snapshot named it. */
            name: string;
            parent_id: null | components["schemas"]["Snowflake"];
            /**
             * Format: int32
             * @description Order among its siblings.
             */
            position: number | null;
            role: null | components["schemas"]["ChannelRoleRow"];
            /**
             * Format: int64
             * @description When the connector last named it.
             */
            seen_at_ms: number;
        };
        /** @description The guild of a tree. */
        TreeGuild: {
            /**
             * Format: int64
             * @description Since when it is not.
             */
            gone_at_ms: number | null;
            /** @description The guild. */
            guild_id: components["schemas"]["Snowflake"];
            /** @description Its name, or its id where no snapshot named it. */
            name: string;
            /**
             * Format: int64
             * @description When it was last seen.
             */
            seen_at_ms: number;
        };
        /** @description A thread of a tree. */
        TreeThread: {
            /** @description Archived by Discord or by hand. */
            archived: boolean;
            /** @description Only moderators may open it again. */
            locked: boolean;
            /**
             * Format: int32
             * @description As Discord last told.
             */
            message_count: number | null;
            /** @description Its name. */
            name: string;
            /** @description The channel it stands in. */
            parent_channel_id: components["schemas"]["Snowflake"];
            /** @description The thread. */
            thread_id: components["schemas"]["Snowflake"];
        };
        /** @description What was taken back. */
        Undone: {
            /** @description The changes that take back, newest first; each can be taken back itself. */
            items: components["schemas"]["AuditEntry"][];
            undone: number;
        };
        Visibility: {
            min_tier: null | components["schemas"]["Tier"];
        };
        /** @description A row, and what its reader should know beside it. */
        With_ShownMapping: (components["schemas"]["RuledMapping"] & {
            /** @description What the role is called that is pinged, as far as it is known. */
            ping_role_name: string | null;
            /** @description Captured from. */
            source: components["schemas"]["MappingEnd"];
            /** @description Whether it works. */
            state: components["schemas"]["MappingState"];
            /** @description Mirrored into. */
            target: components["schemas"]["MappingEnd"];
            /** @description Why not, and what to do about it. */
            trouble: string | null;
        }) & {
            /** @description For people. */
            warning?: string;
        };
        /** @description A row, and what its reader should know beside it. */
        With_TargetChannelRow: {
            guild_id: null | components["schemas"]["Snowflake"];
            /**
             * Format: int64
             * @description When Discord was last asked.
             */
            inspected_at_ms: number | null;
            /** @description Nothing is sent to it until a person resumes it; what is wanted waits. */
            is_paused: boolean;
            /** @description Offered by the bot as the target of mappings, whether or not a connector marks it. */
            is_target: boolean;
            /**
             * Format: int32
             * @description Discord's channel type.
             */
            kind: number | null;
            /** @description What a person must change before the bot can mirror there; `None` when nothing is known to stand in the way. */
            obstacle: string | null;
            /** @description The channel. */
            target_channel_id: components["schemas"]["Snowflake"];
            /**
             * Format: int64
             * @description Optimistic lock; 0 until a person has decided something.
             */
            version: number;
        } & {
            /** @description For people. */
            warning?: string;
        };
    };
    responses: {
        /** @description The body is too large. */
        BodyTooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description It was changed meanwhile, or stands otherwise than the request supposes. */
        Conflict: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description A page of another origin may change nothing, and without an admin token the host must be an address or localhost. */
        Forbidden: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description The request does not have the form it must have. */
        Invalid: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description There is no such thing. */
        NotFound: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description Understood, and against a rule. */
        Refused: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description Too many; try again later. */
        TooMany: {
            headers: {
                /** @description Seconds. */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description The admin token is missing or another. */
        Unauthorized: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
        /** @description The database is unavailable, or the server stops; try again later. */
        Unavailable: {
            headers: {
                /** @description Seconds. */
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    operators_unpark: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; there is nothing to say. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    audit_list: {
        parameters: {
            query?: {
                /** @description Only what begins so: `mapping.` */
                action?: string;
                /** @description Only by this one. */
                actor?: string;
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Items at most; 100 without it. */
                limit?: number;
                /** @description Only what was done to this. */
                subject?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_AuditEntry"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    audit_undo: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                audit_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AuditUndo"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Undone"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    bot_show: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Bot"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    bot_guilds: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Items at most; 100 without it. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_BotGuildRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    bot_roles: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Items at most; 100 without it. */
                limit?: number;
            };
            header?: never;
            path: {
                guild_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_RoleRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    bot_tree: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                guild_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BotTree"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    bot_refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Bot"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    channels_list: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Only those of this guild. */
                guild_id?: components["schemas"]["Snowflake"];
                /** @description Items at most; 100 without it. */
                limit?: number;
                /** @description A part of the name of the channel or of its guild, whatever the case, or one of their ids. */
                q?: string;
                /** @description Only those that can be this of a mapping now. */
                use?: "source" | "target";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_ChannelRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    channels_set_visibility: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                channel_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Visibility"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["BodyTooLarge"];
            503: components["responses"]["Unavailable"];
        };
    };
    configuration_export: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    configuration_apply: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfigurationApply"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Applied"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    configuration_compare: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfigurationCompare"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Compared"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    connectors_list: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Items at most; 100 without it. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_Connector"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    connectors_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectorCreate"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectorWithToken"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    connectors_show: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                connector_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connector"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    connectors_remove: {
        parameters: {
            query: {
                /** @description The one that was read. */
                version: number;
            };
            header?: never;
            path: {
                connector_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; there is nothing to say. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    connectors_change: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                connector_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectorChange"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connector"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            503: components["responses"]["Unavailable"];
        };
    };
    roles_list: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Items at most; 100 without it. */
                limit?: number;
            };
            header?: never;
            path: {
                connector_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_ChannelRoleRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    roles_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                channel_id: string;
                connector_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChannelRolePut"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelRoleRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    roles_bulk: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                connector_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChannelRoleBulk"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelRolesPut"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            503: components["responses"]["Unavailable"];
        };
    };
    connectors_discover: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                connector_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectorDiscover"];
            };
        };
        responses: {
            /** @description Asked for. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DiscoveryAsked"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["BodyTooLarge"];
            503: components["responses"]["Unavailable"];
        };
    };
    guilds_list: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Items at most; 100 without it. */
                limit?: number;
            };
            header?: never;
            path: {
                connector_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_GuildSeenRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    guilds_tree: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                connector_id: string;
                guild_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelTree"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    connectors_rotate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                connector_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectorRotate"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectorWithToken"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            503: components["responses"]["Unavailable"];
        };
    };
    deliveries_dead_letters: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Items at most; 100 without it. */
                limit?: number;
                /** @description Only those into this channel. */
                target_channel_id?: components["schemas"]["Snowflake"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_DeadLetter"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    deliveries_redrive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeliveriesMeant"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Redriven"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    records_deliveries: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Items at most; 100 without it. */
                limit?: number;
                /** @description Only those that stand so. */
                state?: components["schemas"]["DeliveryState"];
                /** @description Only those into this channel. */
                target_channel_id?: components["schemas"]["Snowflake"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_DeliveryListRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    deliveries_drop_named: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeliveriesDrop"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Dropped"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    deliveries_restore: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeliveriesMeant"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Restored"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    figures_show: {
        parameters: {
            query?: {
                /** @description How far back; an hour without it. */
                span?: "hour" | "day";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FiguresAnswer"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    live_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The WebSocket. */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description No WebSocket was asked for. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            /** @description Too many pages. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            503: components["responses"]["Unavailable"];
        };
    };
    mappings_list: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Items at most; 100 without it. */
                limit?: number;
                /** @description Part of the name of a channel or guild, or the beginning of an id. */
                q?: string;
                /** @description Only of this source, by priority. */
                source_channel_id?: components["schemas"]["Snowflake"];
                /** @description Only those that stand so. */
                state?: components["schemas"]["MappingState"];
                /** @description Only into this target. */
                target_channel_id?: components["schemas"]["Snowflake"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_ShownMapping"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    mappings_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MappingCreate"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["With_ShownMapping"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    mappings_show: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                mapping_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShownMapping"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    mappings_remove: {
        parameters: {
            query: {
                /** @description The version that was read. */
                version: number;
            };
            header?: never;
            path: {
                mapping_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; there is nothing to say. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            503: components["responses"]["Unavailable"];
        };
    };
    mappings_change: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                mapping_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MappingChange"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["With_ShownMapping"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    mappings_backfill: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                mapping_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MappingBackfill"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BackfillDone"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    mapping_bulk_clone: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                mapping_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MappingClone"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["With_ShownMapping"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    dry_run_saved: {
        parameters: {
            query?: {
                /** @description So many signals, the latest ones; 20 without it. */
                last?: number;
            };
            header?: never;
            path: {
                mapping_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRun"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    mapping_bulk_history: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Items at most; 100 without it. */
                limit?: number;
            };
            header?: never;
            path: {
                mapping_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_AuditEntry"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    mapping_bulk_bulk: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MappingBulk"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Changed"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    dry_run_unsaved: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DryRunUnsaved"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRun"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    mapping_bulk_order: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MappingOrder"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Changed"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    openapi_show: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    quarantine_list: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Only those of this connector. */
                connector_id?: components["schemas"]["Key"];
                /** @description Items at most; 100 without it. */
                limit?: number;
                /** @description Only those that stand so. */
                state?: "open" | "done";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_QuarantinedRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    quarantine_drop_items: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["QuarantineDrop"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QuarantineDropped"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            503: components["responses"]["Unavailable"];
        };
    };
    quarantine_replay: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["QuarantineReplay"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QuarantineReplayed"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["TooMany"];
            503: components["responses"]["Unavailable"];
        };
    };
    raw_events_list: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Only those of this connector. */
                connector_id?: components["schemas"]["Key"];
                /** @description Only those that were sent as this. */
                kind?: "message-batch" | "thread" | "channel-guild-sync";
                /** @description Items at most; 100 without it. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_RawEventRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    raw_events_show: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                raw_event_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RawEvent"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    session_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignInState"];
                };
            };
            403: components["responses"]["Forbidden"];
        };
    };
    session_post: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignIn"];
            };
        };
        responses: {
            /** @description Done; there is nothing to say. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            413: components["responses"]["BodyTooLarge"];
            /** @description Too many wrong tokens. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    session_delete: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; there is nothing to say. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            403: components["responses"]["Forbidden"];
        };
    };
    session_tokens_list: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Items at most; 100 without it. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_SessionTokenRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    session_tokens_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SessionTokenCreate"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionTokenWithToken"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    session_tokens_revoke: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_token_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; there is nothing to say. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    signals_list: {
        parameters: {
            query?: {
                /** @description The `next_before` of an answer. */
                before?: components["schemas"]["Snowflake"];
                /** @description Of this source channel alone. */
                channel_id?: components["schemas"]["Snowflake"];
                /** @description Signals at most; 50 without it. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignalLines"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    trail_show: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                signal_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Trail"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    targets_list: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Items at most; 100 without it. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_Target"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    offers_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                target_channel_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Offer"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["With_TargetChannelRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    inspection_inspect: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                target_channel_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["With_TargetChannelRow"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    targets_pause: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                target_channel_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AtVersion"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TargetChannelRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            503: components["responses"]["Unavailable"];
        };
    };
    targets_reconcile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                target_channel_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Asked for. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReconciliationRow"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            422: components["responses"]["Refused"];
            503: components["responses"]["Unavailable"];
        };
    };
    targets_cancel_reconciliation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                target_channel_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReconciliationRow"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    targets_reconciliations: {
        parameters: {
            query?: {
                /** @description The `next_after` of an answer. */
                after?: string;
                /** @description Items at most; 100 without it. */
                limit?: number;
            };
            header?: never;
            path: {
                target_channel_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Listed_ReconciliationRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            503: components["responses"]["Unavailable"];
        };
    };
    targets_resume: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                target_channel_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AtVersion"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TargetChannelRow"];
                };
            };
            400: components["responses"]["Invalid"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["BodyTooLarge"];
            503: components["responses"]["Unavailable"];
        };
    };
    operators_actors: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Actors"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    operators_healthz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    operators_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            503: components["responses"]["Unavailable"];
        };
    };
    operators_readyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description It cannot, for this reason. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
}
