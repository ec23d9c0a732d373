#include "signaling/sip/agent.h"

#include <sofia-sip/su_tagarg.h>

#include <dlfcn.h>
#include <glib.h>

typedef nta_agent_t *(*Create) (su_root_t *root, url_string_t const *name, nta_message_f *callback,
                                nta_agent_magic_t *magic, tag_type_t tag, tag_value_t value, ...);

static nta_agent_t *last;

__attribute__ ((visibility ("default"))) nta_agent_t *
nta_agent_create (su_root_t *root, url_string_t const *name, nta_message_f *callback,
                  nta_agent_magic_t *magic, tag_type_t tag, tag_value_t value, ...)
{
  void *symbol = dlsym (RTLD_NEXT, "nta_agent_create");
  ta_list tags;
  Create create;

  g_assert (symbol != NULL);
  *(void **)&create = symbol;
  ta_start (tags, tag, value);
  last = create (root, name, callback, magic, ta_tags (tags));
  ta_end (tags);
  return last;
}

nta_agent_t *
sig_sip_agent_take (void)
{
  return g_steal_pointer (&last);
}
