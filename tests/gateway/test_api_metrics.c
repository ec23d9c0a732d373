/* What /metrics tells of the API, and how many requests of one connection may wait. */
#include <string.h>

#include "config/base/error.h"
#include "gateway/api.h"
#include "gateway/api_metrics.h"
#include "gateway/core/metric_text.h"

static void
test_text (void)
{
  g_autoptr (GString) text = g_string_new (NULL);

  gw_metric_add (text, "a_total", "counter", "Help.", 12345678901234.0);
  gw_metric_head (text, "b", "gauge", "More help.");
  gw_metric_sample (text, "b", "way=\"in\"", 0.25);
  gw_metric_add (text, "process_open_fds", "gauge", "Open.", 3);
  g_assert_cmpstr (
      text->str, ==,
      "# HELP switchroom_a_total Help.\n# TYPE switchroom_a_total counter\n"
      "switchroom_a_total 12345678901234\n"
      "# HELP switchroom_b More help.\n# TYPE switchroom_b gauge\nswitchroom_b{way=\"in\"} 0.25\n"
      "# HELP process_open_fds Open.\n# TYPE process_open_fds gauge\nprocess_open_fds 3\n");
}

static void
assert_has (Gateway *gateway, const char *line)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *whole = g_strconcat ("\n", line, "\n", NULL);

  gw_api_metrics_write (gateway, text);
  if (strstr (text->str, whole) == NULL)
    g_error ("\"%s\" is not in:\n%s", line, text->str);
}

static void
test_requests (void)
{
  Gateway gateway = { .api_metrics = gw_api_metrics_new () };
  g_autoptr (GError) missing = g_error_new_literal (CFG_ERROR, CFG_ERROR_NOT_FOUND, "x");
  g_autoptr (GError) foreign = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_ACCES, "x");

  for (guint i = 0; i < 4; i++)
    gw_api_metrics_began (&gateway);
  assert_has (&gateway, "switchroom_api_requests_waiting 4");
  gw_api_metrics_answered (&gateway, "room.get", 90, NULL);
  gw_api_metrics_answered (&gateway, "room.get", 2000000, missing);
  gw_api_metrics_answered (&gateway, "call.list", 500, foreign);
  gw_api_metrics_malformed (&gateway);
  assert_has (&gateway, "switchroom_api_request_seconds_bucket{method=\"room.get\",le=\"0.0001\"} 1");
  assert_has (&gateway, "switchroom_api_request_seconds_bucket{method=\"room.get\",le=\"10\"} 2");
  assert_has (&gateway, "switchroom_api_request_seconds_count{method=\"call.list\"} 1");
  assert_has (&gateway, "switchroom_api_errors_total{method=\"room.get\",code=\"not_found\"} 1");
  assert_has (&gateway, "switchroom_api_errors_total{method=\"call.list\",code=\"unknown\"} 1");
  assert_has (&gateway, "switchroom_api_malformed_total 1");
  assert_has (&gateway, "switchroom_api_requests_waiting 1");
  gw_api_metrics_free (gateway.api_metrics);
}

static void
test_waiting_limit (void)
{
  static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"room.get\",\"params\":{}}";
  static const SigWebOps ops = { 0 };
  const SigWebConfig config = { .bind = "127.0.0.1" };
  Gateway gateway = { .api_metrics = gw_api_metrics_new () };
  SigToken token = { 0 };
  GwConn conn = { .id = 7, .token = &token };

  gateway.web = sig_web_new (&config, &ops, &gateway, NULL);
  g_assert_nonnull (gateway.web);
  gateway.conns = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_hash_table_insert (gateway.conns, &conn.id, &conn);
  conn.n_waiting = GW_API_MAX_WAITING - 1;
  gw_api_message (&gateway, conn.id, text, strlen (text));
  assert_has (&gateway, "switchroom_api_errors_total{method=\"room.get\",code=\"invalid_argument\"} 1");
  conn.n_waiting = GW_API_MAX_WAITING;
  gw_api_message (&gateway, conn.id, text, strlen (text));
  assert_has (&gateway, "switchroom_api_errors_total{method=\"room.get\",code=\"resource_exhausted\"} 1");
  g_assert_cmpuint (conn.n_waiting, ==, GW_API_MAX_WAITING);
  assert_has (&gateway, "switchroom_api_requests_waiting 0");
  sig_web_free (gateway.web);
  g_hash_table_unref (gateway.conns);
  gw_api_metrics_free (gateway.api_metrics);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/api_metrics/text", test_text);
  g_test_add_func ("/api_metrics/requests", test_requests);
  g_test_add_func ("/api_metrics/waiting_limit", test_waiting_limit);
  return g_test_run ();
}
