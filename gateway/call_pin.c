/* A call whose dispatch rule wants a PIN: answered, asked with spoken prompts, and let into the room of the
 * rule with that PIN, or hung up. The digits are in GwPin and nowhere else: not in the log, not counted, not
 * told as events, masked in the trace.
 *
 * The configuration may be read again meanwhile: trunk and rule are looked up when the PIN is complete. */
#include "gateway/call_private.h"

#include <gio/gio.h>
#include <string.h>

#include "config/base/error.h"
#include "config/base/log.h"
#include "gateway/core/pin.h"
#include "gateway/rooms.h"

/* Generated from prompts/prompts.gresource.xml. */
GResource *gw_prompts_get_resource (void);

typedef enum
{
  PROMPT_ENTER,
  PROMPT_WRONG,
  PROMPT_GOODBYE,
} Prompt;

struct _GwCallPin
{
  GwPin core;
  char *trunk, *caller, *asserted; /* (nullable): as GwDispatchFacts */
  gboolean is_private;
  gboolean has_begun;
  Prompt prompt;
  gboolean is_built_in; /* the prompt that plays is not a configured file */
  MediaPlayId play;     /* 0: none plays */
  guint timer;
  const char *reason; /* why the call will be hung up; a literal */
};

static void act (GwCall *call, GwPinAction action);

/* ---- time ---- */

static gboolean
on_timer (gpointer data)
{
  GwCall *call = data;

  call->pin->timer = 0;
  act (call, gw_pin_poll (&call->pin->core, cfg_monotonic_now ()));
  return G_SOURCE_REMOVE;
}

static void
set_timer (GwCall *call)
{
  GwCallPin *pin = call->pin;
  gint64 wait_us = cfg_monotonic_diff_us (gw_pin_deadline (&pin->core), cfg_monotonic_now ());

  g_clear_handle_id (&pin->timer, g_source_remove);
  if (pin->reason == NULL)
    pin->timer = g_timeout_add ((guint)(MAX (wait_us, 0) / CFG_US_PER_MS + 1), on_timer, call);
}

/* ---- prompts ---- */

static const char *
configured_file (const CfgSettings *settings, Prompt prompt)
{
  const char *const files[]
      = { settings->prompts.pin_enter, settings->prompts.pin_wrong, settings->prompts.pin_goodbye };

  return files[prompt];
}

static void
stop_prompt (GwCall *call)
{
  GwCallPin *pin = call->pin;
  MediaPlayId play = pin->play;

  if (play == 0)
    return;
  pin->play = 0;
  g_hash_table_remove (call->gateway->prompts, &play);
  media_engine_play_stop (call->gateway->media, play);
}

static void
hang_up (GwCall *call)
{
  gw_call_hangup (call->gateway, call, call->pin->reason);
}

static void
prompt_over (GwCall *call)
{
  if (call->pin->prompt == PROMPT_GOODBYE)
    hang_up (call);
  else
    {
      gw_pin_prompt_ended (&call->pin->core, cfg_monotonic_now ());
      set_timer (call);
    }
}

static void
play_prompt (GwCall *call, Prompt prompt, gboolean built_in)
{
  static const char *const resources[] = {
    "/switchroom/prompts/pin_enter.ogg",
    "/switchroom/prompts/pin_wrong.ogg",
    "/switchroom/prompts/pin_goodbye.ogg",
  };
  GwCallPin *pin = call->pin;
  MediaPlaySource source = { .file = configured_file (call->gateway->settings, prompt) };
  g_autoptr (GBytes) bytes = NULL;

  stop_prompt (call);
  pin->prompt = prompt;
  pin->is_built_in = built_in || source.file == NULL;
  if (pin->is_built_in)
    {
      bytes = g_resource_lookup_data (gw_prompts_get_resource (), resources[prompt],
                                      G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
      source.file = NULL;
      source.bytes = bytes;
      g_assert (bytes != NULL);
    }
  pin->play = media_engine_play (call->gateway->media, call->leg, 0, &source, NULL);
  if (pin->play != 0)
    g_hash_table_insert (call->gateway->prompts, g_memdup2 (&pin->play, sizeof pin->play), call);
  else
    prompt_over (call);
}

gboolean
gw_call_prompt_ended (Gateway *gateway, MediaPlayId play, MediaPlayEnd end, const char *error)
{
  GwCall *call = g_hash_table_lookup (gateway->prompts, &play);
  CfgLogContext context;

  if (call == NULL)
    return FALSE;
  g_hash_table_remove (gateway->prompts, &play);
  call->pin->play = 0;
  if (end == MEDIA_PLAY_FAILED && !call->pin->is_built_in)
    {
      context = gw_call_log_context (call);
      cfg_warn ("media", &context, "A prompt cannot be played, the built-in one is played instead",
                CFG_STR ("file", configured_file (gateway->settings, call->pin->prompt)),
                CFG_STR ("reason", error));
      play_prompt (call, call->pin->prompt, TRUE);
      return TRUE;
    }
  prompt_over (call);
  return TRUE;
}

/* ---- the entry ---- */

/* The cause of what gw_call_admit said: it is let in, and its room named, before it joins. */
static const char *
why_refused (const GwCall *call, const GError *error)
{
  const char *room = call->v.room_name;

  if (!g_error_matches (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED))
    return "room_refused";
  return room != NULL && gw_rooms_find (call->gateway, room) != NULL ? "room_full" : "limit_reached";
}

/* Returns: FALSE: the PIN is none of a rule's. */
static gboolean
check (GwCall *call)
{
  GwCallPin *pin = call->pin;
  const GwDispatchFacts facts = {
    .called = call->v.to,
    .caller = pin->caller,
    .asserted = pin->asserted,
    .is_private = pin->is_private,
  };
  const CfgLogContext context = gw_call_log_context (call);
  g_auto (GwDispatch) dispatch = { 0 };
  g_autoptr (GError) error = NULL;

  if (!gw_dispatch_pin (call->gateway->settings, &facts, pin->trunk, gw_pin_entered (&pin->core), &dispatch,
                        &error))
    return FALSE;
  call->gateway->n_pins_right++;
  cfg_info ("sip", &context, "PIN accepted", CFG_STR ("rule", dispatch.rule->name));
  gw_call_note (call, "pin", json_pack ("{s:s}", "result", "accepted"));
  gw_call_pin_free (call);
  if (!gw_call_admit (call, &dispatch, &error))
    {
      cfg_warn ("sip", &context, "The call cannot join the room of its PIN",
                CFG_STR ("reason", error->message));
      gw_call_hangup (call->gateway, call, why_refused (call, error));
    }
  return TRUE;
}

static void
note_wrong (GwCall *call)
{
  const CfgLogContext context = gw_call_log_context (call);

  call->gateway->n_pins_wrong++;
  cfg_info ("sip", &context, "PIN refused", CFG_INT ("try", call->pin->core.n_tries));
  gw_call_note (call, "pin", json_pack ("{s:s}", "result", "refused"));
}

static void
act (GwCall *call, GwPinAction action)
{
  GwCallPin *pin = call->pin;

  if (action == GW_PIN_CHECK)
    {
      if (check (call))
        return;
      action = gw_pin_rejected (&pin->core, cfg_monotonic_now ());
    }
  if (action == GW_PIN_HUSH)
    stop_prompt (call);
  if (action == GW_PIN_ASK_AGAIN || action == GW_PIN_GIVE_UP)
    note_wrong (call);
  if (action == GW_PIN_GIVE_UP)
    pin->reason = "pin_refused";
  set_timer (call);
  if (action == GW_PIN_ASK_AGAIN)
    play_prompt (call, PROMPT_WRONG, FALSE);
  else if (action == GW_PIN_GIVE_UP)
    play_prompt (call, PROMPT_GOODBYE, FALSE);
}

gboolean
gw_call_pin_digit (GwCall *call, char digit)
{
  if (call->pin == NULL)
    return FALSE;
  act (call, gw_pin_digit (&call->pin->core, digit, cfg_monotonic_now ()));
  return TRUE;
}

void
gw_call_ask (GwCall *call, const GwDispatchFacts *facts, const CfgTrunkSettings *trunk)
{
  const CfgPinSettings *settings = &call->gateway->settings->pin;
  const GwPinConfig config = { .tries = settings->tries,
                               .timeout_us = settings->timeout_us,
                               .digit_timeout_us = settings->digit_timeout_us };
  g_autofree char *codecs = gw_sdp_codec_names (call->plan);
  const CfgLogContext context = gw_call_log_context (call);
  GwCallPin *pin = g_new0 (GwCallPin, 1);

  gw_pin_init (&pin->core, &config, cfg_monotonic_now ());
  pin->trunk = trunk != NULL ? g_strdup (trunk->name) : NULL;
  pin->caller = g_strdup (facts->caller);
  pin->asserted = g_strdup (facts->asserted);
  pin->is_private = facts->is_private;
  call->pin = pin;
  cfg_info ("sip", &context, "Accepting the call", CFG_STR ("codecs", codecs[0] != '\0' ? codecs : NULL),
            CFG_BOOL ("asksForPin", TRUE));
  gw_call_mark_answered (call);
  gw_call_handle (call, GW_CALL_EVENT_ASK);
  if (call->plan == NULL)
    return; /* the ACK brings the answer */
  gw_call_start_media (call);
  gw_call_ask_begin (call);
}

void
gw_call_ask_begin (GwCall *call)
{
  if (call->pin == NULL || call->pin->has_begun)
    return;
  call->pin->has_begun = TRUE;
  gw_call_note (call, "pin", json_pack ("{s:s}", "result", "asked"));
  play_prompt (call, PROMPT_ENTER, FALSE);
  if (call->pin != NULL)
    set_timer (call);
}

void
gw_call_pin_free (GwCall *call)
{
  GwCallPin *pin = call->pin;

  if (pin == NULL)
    return;
  stop_prompt (call);
  call->pin = NULL;
  g_clear_handle_id (&pin->timer, g_source_remove);
  gw_pin_clear (&pin->core);
  g_free (pin->trunk);
  g_free (pin->caller);
  g_free (pin->asserted);
  g_free (pin);
}
