// Every route: what goes into its path, its query and its body, and what comes back. All of it is the description of the API; only where
// that is open, the answers are said here.

import type { Described, DescribedName } from './described';
import type * as t from './types';

/** Narrower than described: JSON that has a form of its own, and words of which only some are used. */
interface Told {
  'GET /api/connectors/{connector_id}/guilds/{guild_id}/tree': t.GuildTree;
  'GET /api/bot/guilds/{guild_id}/tree': t.GuildTree;
  'GET /api/connectors/{connector_id}/channels': t.Page<t.ChannelRole>;
  'PUT /api/connectors/{connector_id}/channels/{channel_id}': t.ChannelRole;
  'POST /api/connectors/{connector_id}/channels/bulk': { items: t.ChannelRole[] };
  'POST /api/targets/{target_channel_id}/reconcile': t.Reconciliation;
  'POST /api/targets/{target_channel_id}/reconcile/cancel': t.Reconciliation;
  'GET /api/targets/{target_channel_id}/reconciliations': t.Page<t.Reconciliation>;
  'GET /api/mappings': t.Page<t.Mapping>;
  'GET /api/mappings/{mapping_id}': t.Mapping;
  'GET /api/mappings/{mapping_id}/dry-run': t.DryRun;
  'POST /api/mappings/dry-run': t.DryRun;
  'GET /api/dead-letters': t.Page<t.DeadLetter>;
  'GET /debug/actors': t.ActorSnapshot;
}

export type RouteName = DescribedName;
/** A part of a query that is null is left out. */
type Query<Q> = Q extends undefined ? undefined : { [K in keyof Q]: Q[K] | null };
/** A number or its digits: an address has only these. */
type Path<P> = P extends undefined ? undefined : { [K in keyof P]: string | number };

export type Routes = {
  [N in RouteName]: {
    path: Path<Described<N>['path']>;
    query: Query<Described<N>['query']>;
    body: Described<N>['body'];
    answer: N extends keyof Told ? Told[N] : Described<N>['answer'];
  };
};
