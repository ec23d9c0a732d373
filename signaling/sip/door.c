#include "signaling/sip/door.h"

#include <sofia-sip/su_tagarg.h>

#include <dlfcn.h>

typedef nta_leg_t *(*Create) (nta_agent_t *agent, nta_request_f *callback, nta_leg_magic_t *magic,
                              tag_type_t tag, tag_value_t value, ...);

/* Exported by the library: what NUA binds to its legs. */
extern int nua_stack_process_request (nua_handle_t *handle, nta_leg_t *leg, nta_incoming_t *request,
                                      sip_t const *message);

static int
on_request (nta_leg_magic_t *magic, nta_leg_t *leg, nta_incoming_t *request, sip_t const *message)
{
  int status = sig_sip_at_door ((nua_handle_t *)magic, request, message);

  return status != 0 ? status : nua_stack_process_request ((nua_handle_t *)magic, leg, request, message);
}

__attribute__ ((visibility ("default"))) nta_leg_t *
nta_leg_tcreate (nta_agent_t *agent, nta_request_f *callback, nta_leg_magic_t *magic, tag_type_t tag,
                 tag_value_t value, ...)
{
  static Create create;
  ta_list tags;
  nta_leg_t *leg;

  if (create == NULL)
    *(void **)&create = dlsym (RTLD_NEXT, "nta_leg_tcreate");
  g_assert (create != NULL);
  ta_start (tags, tag, value);
  leg = create (agent,
                callback == (nta_request_f *)(gpointer)nua_stack_process_request ? on_request : callback,
                magic, ta_tags (tags));
  ta_end (tags);
  return leg;
}
