#include "gateway/api_metrics.h"

#include "config/base/clock.h"
#include "config/base/error.h"
#include "gateway/core/histogram.h"
#include "gateway/core/metric_text.h"

#define N_CODES (CFG_ERROR_UNAVAILABLE + 1)

static const GwHistogramType seconds_type = { "api_request_seconds",
                                              "From a request of the API to its answer.",
                                              8,
                                              { 0.0001, 0.001, 0.01, 0.1, 1, 10, 30, 60 } };

typedef struct
{
  GwHistogram seconds;
  guint64 errors[N_CODES];
} Method;

struct _GwApiMetrics
{
  GHashTable *methods; /* char* -> Method*; those that were called */
  guint64 n_malformed;
  guint n_waiting;
};

GwApiMetrics *
gw_api_metrics_new (void)
{
  GwApiMetrics *metrics = g_new0 (GwApiMetrics, 1);

  metrics->methods = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return metrics;
}

void
gw_api_metrics_free (GwApiMetrics *metrics)
{
  g_hash_table_unref (metrics->methods);
  g_free (metrics);
}

void
gw_api_metrics_began (Gateway *gateway)
{
  gateway->api_metrics->n_waiting++;
}

void
gw_api_metrics_malformed (Gateway *gateway)
{
  gateway->api_metrics->n_malformed++;
}

static CfgErrorCode
code_of (const GError *error)
{
  if (error->domain != CFG_ERROR || error->code < 0 || error->code >= (int)N_CODES)
    return CFG_ERROR_UNKNOWN;
  return (CfgErrorCode)error->code;
}

void
gw_api_metrics_answered (Gateway *gateway, const char *name, gint64 us, const GError *error)
{
  GwApiMetrics *metrics = gateway->api_metrics;
  Method *method = g_hash_table_lookup (metrics->methods, name);

  if (method == NULL)
    {
      method = g_new0 (Method, 1);
      g_hash_table_insert (metrics->methods, g_strdup (name), method);
    }
  metrics->n_waiting--;
  gw_histogram_add (&method->seconds, &seconds_type, (double)us / CFG_US_PER_S);
  if (error != NULL)
    method->errors[code_of (error)]++;
}

static void
write_errors (const char *name, const Method *method, GString *text)
{
  for (guint code = 0; code < N_CODES; code++)
    if (method->errors[code] > 0)
      {
        g_autofree char *labels
            = g_strdup_printf ("method=\"%s\",code=\"%s\"", name, cfg_error_word ((CfgErrorCode)code));

        gw_metric_sample (text, "api_errors_total", labels, (double)method->errors[code]);
      }
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (a, b);
}

void
gw_api_metrics_write (const Gateway *gateway, GString *text)
{
  const GwApiMetrics *metrics = gateway->api_metrics;
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (metrics->methods), compare_names);

  gw_histogram_write_head (&seconds_type, text);
  for (const GList *name = names; name != NULL; name = name->next)
    {
      const Method *method = g_hash_table_lookup (metrics->methods, name->data);
      g_autofree char *labels = g_strdup_printf ("method=\"%s\"", (const char *)name->data);

      gw_histogram_write (&method->seconds, &seconds_type, labels, text);
    }
  gw_metric_head (text, "api_errors_total", "counter", "Requests of the API that were refused or failed.");
  for (const GList *name = names; name != NULL; name = name->next)
    write_errors (name->data, g_hash_table_lookup (metrics->methods, name->data), text);
  gw_metric_add (text, "api_malformed_total", "counter",
                 "Messages to the API that were no request, or for no method that there is.",
                 (double)metrics->n_malformed);
  gw_metric_add (text, "api_requests_waiting", "gauge", "Requests of the API that are not answered yet.",
                 metrics->n_waiting);
}
