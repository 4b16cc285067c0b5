// Starts the administration: pages by their addresses, the clock, the app.

import { mount } from 'svelte';
import App from './App.svelte';
import './app.css';
import { clock } from './lib/clock.svelte';
import { PAGES } from './pages';
import { router } from './shell/router.svelte';
import { session } from './shell/session.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('no element #app');
router.listen(PAGES);
clock.start();
void session.ask();
mount(App, { target });
