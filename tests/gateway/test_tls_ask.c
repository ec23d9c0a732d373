/* A call over TLS where TLS can be listened for on one address, and not on the other. */
#include <glib.h>
#include <sys/resource.h>

#include "gateway/tls.h"
#include "tests/signaling/sip_harness.h"

static void
test_in_part (void)
{
  Endpoint *e = endpoint_new (&(EndpointOptions){ .bind = "both", .may_have_tls = TRUE });
  g_autoptr (CfgSettings) settings = cfg_settings_new_default ();
  Gateway *gateway = g_new0 (Gateway, 1);
  g_autoptr (GError) error = NULL;
  struct rlimit before;
  gboolean asked, again;

  settings->sip.tls.verify = FALSE;
  gateway->settings = settings;
  gateway->sip = e->sip;
  g_assert_true (gw_tls_ask (gateway, "sip:a@127.0.0.1", &error));
  g_assert_false (sig_sip_has_tls (e->sip));
  before = harness_leave_one_descriptor ();
  asked = gw_tls_ask (gateway, "sips:a@127.0.0.1", &error);
  again = gw_tls_ask (gateway, "sips:a@127.0.0.1", &error);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  g_assert_no_error (error);
  g_assert_true (asked && again);
  g_assert_true (sig_sip_has_tls (e->sip));
  g_assert_false (sig_sip_speaks_tls (e->sip));
  gw_tls_read_again (gateway);
  gw_tls_follow (gateway);
  g_assert_true (sig_sip_speaks_tls (e->sip));
  g_free (gateway->tls_in_force);
  g_free (gateway);
  endpoint_free (e);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/tls_ask/in_part", test_in_part);
  return g_test_run ();
}
