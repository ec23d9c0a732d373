#include "signaling/sip/drops.h"

#include "config/base/log.h"

#define LOG_EACH_US (10 * G_USEC_PER_SEC)

const char *
sig_sip_drop_name (SigSipDrop why)
{
  static const char *const names[SIG_SIP_N_DROPS] = {
    [SIG_SIP_DROP_CONNECTIONS] = "too_many_connections",
    [SIG_SIP_DROP_FLOOD] = "flood",
    [SIG_SIP_DROP_GARBAGE] = "no_sip",
    [SIG_SIP_DROP_OPTIONS] = "options_flood",
    [SIG_SIP_DROP_OVERSIZED] = "too_large",
    [SIG_SIP_DROP_SCANNER] = "scanner",
    [SIG_SIP_DROP_SILENT] = "silent_connection",
    [SIG_SIP_DROP_SLOW] = "slow_message",
    [SIG_SIP_DROP_SOURCE] = "impossible_source",
  };

  g_assert ((guint)why < SIG_SIP_N_DROPS);
  return names[why];
}

void
sig_sip_drops_note (SigSip *sip, SigSipDrop why, const char *host)
{
  gint64 now = g_get_monotonic_time ();
  guint64 total = ++sip->stats.n_dropped[why];
  gint64 since = (gint64)(total - sip->drops_told[why]);

  if (sip->drops_logged_us[why] != 0 && now - sip->drops_logged_us[why] < LOG_EACH_US)
    return;
  cfg_warn ("sip", NULL, "Dropping SIP traffic", CFG_STR ("reason", sig_sip_drop_name (why)),
            CFG_STR ("fromIP", host), CFG_INT ("dropped", since));
  sip->drops_logged_us[why] = now;
  sip->drops_told[why] = total;
}
