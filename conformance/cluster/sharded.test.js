import { serverBinary } from './stories/binary.js';
import { everyStory } from './support/suite.js';

for (const mode of ['static', 'dynamic', 'dynamic-private']) {
  everyStory(`sharded, ${mode}`, ['--adapter', 'sharded', '--subscription-mode', mode], [serverBinary]);
}
