import { serverBinary } from './stories/binary.js';
import { recovery } from './stories/recovery.js';
import { everyStory } from './support/suite.js';

const ARGS = ['--adapter', 'streams'];

everyStory('streams', ARGS, [serverBinary]);
everyStory('streams, with sharded channels', [...ARGS, '--sharded-pubsub'], [serverBinary]);
everyStory('streams, with recovery', [...ARGS, '--recovery'], [serverBinary, recovery]);
