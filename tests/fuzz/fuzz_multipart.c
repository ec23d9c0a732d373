/* Bodies of several parts: what is found lies within the body, and behind a blank line. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "signaling/core/multipart.h"

static void
run (const guint8 *data, gsize size)
{
  const char *part = NULL;
  gsize length = 0;
  g_autofree char *body = g_memdup2 (data, size > 0 ? size : 1); /* exactly so many bytes */

  if (!sig_multipart_find (body, size, "b", "application/sdp", &part, &length))
    return;
  g_assert_true (part > body && part + length <= body + size);
  g_assert_true (part[-1] == '\n');
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b--\r\n"),
  FUZZ_TEXT ("preamble\r\n--b\r\nContent-Type: application/isup\r\nContent-Disposition: "
             "signal;handling=optional\r\n\r\n"
             "\x01\r\n--b\r\nContent-Type: application/sdp;x=y\r\n\r\nv=0\r\n--b--"),
  FUZZ_TEXT ("--b\nContent-Transfer-Encoding: binary\ncontent-type : Application/SDP\n\nv=0\n--b  \n\n--b--"),
};

static const char *const words[] = {
  "--b", "--b--", "\r\n", "\n\n", "Content-Type: application/sdp", "handling=required", ";", ":", NULL
};

const FuzzTarget fuzz_target
    = { .name = "multipart", .run = run, .seeds = seeds, .n_seeds = G_N_ELEMENTS (seeds), .words = words };
