// Every page: its address, its name, where it stands in the navigation, and the letter that opens it after `g`.

import type { Component } from 'svelte';
import Overview from './overview/Overview.svelte';
import Signals from './signals/Signals.svelte';
import Actors from './actors/Actors.svelte';
import Connectors from './connectors/Connectors.svelte';
import Connector from './connectors/Connector.svelte';
import ConnectorChannels from './channels/ConnectorChannels.svelte';
import Channels from './channels/Channels.svelte';
import BotGuilds from './bot/BotGuilds.svelte';
import BotChannels from './bot/BotChannels.svelte';
import MappingOrder from './mappings/Order.svelte';
import MappingPage from './mappings/MappingPage.svelte';
import Mappings from './mappings/Mappings.svelte';
import NewMapping from './mappings/NewMapping.svelte';
import TargetPage from './targets/TargetPage.svelte';
import Targets from './targets/Targets.svelte';
import DeadLetters from './dead_letters/DeadLetters.svelte';
import RawEvents from './raw_events/RawEvents.svelte';
import Quarantine from './quarantine/Quarantine.svelte';
import Audit from './audit/Audit.svelte';
import Configuration from './configuration/Configuration.svelte';
import SessionTokens from './session_tokens/SessionTokens.svelte';

export interface PageEntry {
  path: string;
  title: string;
  component: Component;
  /** Heading it stands below in the navigation; a page without one is reached from another, whose path is `under`. */
  group?: 'Watch' | 'Capture' | 'Deliver' | 'Keep';
  under?: string;
  icon?: string;
  key?: string;
  /** Which number of the pulse stands beside it. */
  badge?: 'dead_letters' | 'quarantined' | 'parked';
}

export const PAGES: readonly PageEntry[] = [
  { path: '/', title: 'Overview', component: Overview, group: 'Watch', icon: 'overview', key: 'o' },
  { path: '/signals', title: 'Signals', component: Signals, group: 'Watch', icon: 'signals', key: 's' },
  { path: '/actors', title: 'Actors', component: Actors, group: 'Watch', icon: 'actors', key: 'a', badge: 'parked' },
  { path: '/connectors', title: 'Connectors', component: Connectors, group: 'Capture', icon: 'connectors', key: 'c' },
  { path: '/connectors/:connector_id', title: 'Connector', component: Connector, under: '/connectors' },
  { path: '/connectors/:connector_id/guilds/:guild_id', title: 'Channels of a guild', component: ConnectorChannels, under: '/connectors' },
  { path: '/channels', title: 'Channels', component: Channels, group: 'Capture', icon: 'channels', key: 'h' },
  { path: '/raw-events', title: 'Raw events', component: RawEvents, group: 'Capture', icon: 'raw', key: 'r' },
  { path: '/quarantine', title: 'Quarantine', component: Quarantine, group: 'Capture', icon: 'quarantine', key: 'q', badge: 'quarantined' },
  { path: '/mappings', title: 'Mappings', component: Mappings, group: 'Deliver', icon: 'mappings', key: 'm' },
  { path: '/mappings/new', title: 'New mapping', component: NewMapping, under: '/mappings' },
  { path: '/mappings/order/:source_channel_id', title: 'Order of mappings', component: MappingOrder, under: '/mappings' },
  { path: '/mappings/:mapping_id', title: 'Mapping', component: MappingPage, under: '/mappings' },
  { path: '/bot', title: "Bot's guilds", component: BotGuilds, group: 'Deliver', icon: 'bot', key: 'b' },
  { path: '/bot/guilds/:guild_id', title: 'Channels of a guild', component: BotChannels, under: '/bot' },
  { path: '/targets', title: 'Targets', component: Targets, group: 'Deliver', icon: 'targets', key: 't' },
  { path: '/targets/:target_channel_id', title: 'Target', component: TargetPage, under: '/targets' },
  { path: '/dead-letters', title: 'Dead letters', component: DeadLetters, group: 'Deliver', icon: 'dead', key: 'd', badge: 'dead_letters' },
  { path: '/audit', title: 'Audit', component: Audit, group: 'Keep', icon: 'audit', key: 'u' },
  { path: '/configuration', title: 'Configuration file', component: Configuration, group: 'Keep', icon: 'file', key: 'f' },
  { path: '/session-tokens', title: 'Session tokens', component: SessionTokens, group: 'Keep', icon: 'tokens', key: 'k' },
];
