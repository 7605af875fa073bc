import { emitter } from './stories/emitter.js';
import { everyStory } from './support/suite.js';

const ARGS = ['--adapter', 'classic'];

// Without the bytes in the events of nodes, which are JSON here.
everyStory('classic', ARGS, [emitter]);
everyStory('classic, with channels of its own for answers', [...ARGS, '--own-response-channel'], []);
