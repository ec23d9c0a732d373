/* One Supported header instead of two. The stack writes its own (100rel), and must not know of ours (timer:
 * it would run a timer of its own), so that ours goes out as a header that it does not look at. Two are as
 * good as one (RFC 3261 7.3.1), but Linphone reads the first only: called by us it never took part in session
 * timers.
 *
 * The transport hands each message to msg_prepare() before it is sent, through the procedure linkage table:
 * this file's function of the same name takes its place. By then the stack has done with the message, which
 * is a copy of what it would send again after a challenge. */
#include "signaling/sip/internal.h"

#include <sofia-sip/msg_header.h>
#include <sofia-sip/sip_header.h>

#include <dlfcn.h>
#include <string.h>

#define EXPORTED __attribute__ ((visibility ("default")))

static int (*prepare) (msg_t *message);

static sip_unknown_t *
find_second (const sip_t *sip)
{
  for (sip_unknown_t *unknown = sip->sip_unknown; unknown != NULL; unknown = unknown->un_next)
    if (unknown->un_name != NULL && g_ascii_strcasecmp (unknown->un_name, "Supported") == 0)
      return unknown;
  return NULL;
}

static void
merge (msg_t *message, sip_t *sip, sip_unknown_t *second)
{
  su_home_t *home = msg_home (message);
  GString *both = g_string_new (NULL);
  sip_supported_t *merged;

  for (msg_param_t const *item = sip->sip_supported->k_items; item != NULL && *item != NULL; item++)
    g_string_append_printf (both, "%s, ", *item);
  g_string_append (both, second->un_value);
  merged = sip_supported_make (home, both->str);
  g_string_free (both, TRUE);
  if (merged == NULL)
    return;
  sip_header_remove (message, sip, (sip_header_t *)second);
  sip_header_remove (message, sip, (sip_header_t *)sip->sip_supported);
  sip_header_insert (message, sip, (sip_header_t *)merged);
}

/** sig_sip_supported_open: the linker takes a file of a library only when something of it is called. */
void
sig_sip_supported_open (void)
{
  if (prepare == NULL)
    *(void **)&prepare = dlsym (RTLD_NEXT, "msg_prepare");
  g_assert (prepare != NULL);
}

EXPORTED int
msg_prepare (msg_t *message)
{
  sip_t *sip = sig_sip_endpoint_of (message) != NULL ? sip_object (message) : NULL;
  sip_unknown_t *second
      = sip != NULL && sip->sip_request != NULL && sip->sip_supported != NULL ? find_second (sip) : NULL;

  sig_sip_supported_open ();
  if (second != NULL)
    merge (message, sip, second);
  return prepare (message);
}
