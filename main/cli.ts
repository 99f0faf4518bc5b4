/** The third door: the same jobs as the page, without a picture. */
import { Command } from 'commander'

await new Command('ghostsvd').version('0.1.0').parseAsync()
