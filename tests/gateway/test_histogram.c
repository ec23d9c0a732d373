/* Counts by size, written as Prometheus reads them. */
#include <glib.h>
#include <math.h>

#include "gateway/core/histogram.h"

static const GwHistogramType type = { "x_seconds", "Help.", 3, { 0.5, 1, 10 } };

static void
test_write (void)
{
  GwHistogram histogram = { 0 };
  g_autoptr (GString) text = g_string_new (NULL);

  gw_histogram_add (&histogram, &type, 0.5);
  gw_histogram_add (&histogram, &type, 0.75);
  gw_histogram_add (&histogram, &type, 11);
  gw_histogram_add (&histogram, &type, NAN);
  gw_histogram_write_head (&type, text);
  gw_histogram_write (&histogram, &type, "way=\"in\"", text);
  gw_histogram_write (&histogram, &type, "", text);
  g_assert_cmpstr (text->str, ==,
                   "# HELP switchroom_x_seconds Help.\n# TYPE switchroom_x_seconds histogram\n"
                   "switchroom_x_seconds_bucket{way=\"in\",le=\"0.5\"} 1\n"
                   "switchroom_x_seconds_bucket{way=\"in\",le=\"1\"} 2\n"
                   "switchroom_x_seconds_bucket{way=\"in\",le=\"10\"} 2\n"
                   "switchroom_x_seconds_bucket{way=\"in\",le=\"+Inf\"} 3\n"
                   "switchroom_x_seconds_sum{way=\"in\"} 12.25\nswitchroom_x_seconds_count{way=\"in\"} 3\n"
                   "switchroom_x_seconds_bucket{le=\"0.5\"} 1\nswitchroom_x_seconds_bucket{le=\"1\"} 2\n"
                   "switchroom_x_seconds_bucket{le=\"10\"} 2\nswitchroom_x_seconds_bucket{le=\"+Inf\"} 3\n"
                   "switchroom_x_seconds_sum 12.25\nswitchroom_x_seconds_count 3\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/histogram/write", test_write);
  return g_test_run ();
}
