import { serverBinary } from './stories/binary.js';
import { emitter } from './stories/emitter.js';
import { recovery } from './stories/recovery.js';
import { everyStory } from './support/suite.js';

/** The official one is not published. */
const ourEmitter = (cluster) => cluster.kinds[0] === 'node' || emitter(cluster);

const ARGS = ['--adapter', 'streams'];

everyStory('streams', ARGS, [serverBinary, ourEmitter]);
everyStory('streams, with sharded channels', [...ARGS, '--sharded-pubsub'], [serverBinary]);
everyStory('streams, with recovery', [...ARGS, '--recovery'], [serverBinary, ourEmitter, recovery]);
