/* Virtual time for a test program: its clock_gettime and gettimeofday, which GLib, libnice and OpenSSL then
 * call too, tell the real time plus an offset. Waiting in epoll is real, so turn a pump without waiting. */
#pragma once

#include <glib.h>

/** virtual_clock_advance: @us are added to what every clock tells from now on. */
void virtual_clock_advance (gint64 us);
