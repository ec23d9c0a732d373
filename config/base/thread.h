/* Which threads go before others. */
#pragma once

/* Against a thread that did not give way it has a quarter of the core when both want all of it. */
#define CFG_GIVE_WAY 5

/** cfg_thread_give_way: the calling thread gives way to the media threads: CFG_GIVE_WAY nicer than the
 * process was when the first thread did so. Threads that it makes afterwards do too. */
void cfg_thread_give_way (void);
