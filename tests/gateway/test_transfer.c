/* Who may be called by REFER: every policy against every kind of target. */
#include "gateway/core/transfer.h"

static GwTransferWay
way (CfgTransferPolicy policy, CfgTrunkDirection direction, const char *host, gboolean is_local,
     gboolean is_extension)
{
  CfgTrunkSettings trunk
      = { .direction = direction,
          .outbound_address = (char *)(direction & CFG_TRUNK_OUTBOUND ? "[2001:db8::1]:5070" : NULL),
          .allow_transfer = policy };
  const GwTransferFacts facts = { .trunk = &trunk,
                                  .user = "100",
                                  .host = host,
                                  .is_tel = *host == '\0',
                                  .is_local = is_local,
                                  .is_extension = is_extension };
  const char *reason = NULL;
  GwTransferWay result = gw_transfer_way (&facts, &reason);

  g_assert_true ((result == GW_TRANSFER_REFUSED) == (reason != NULL));
  return result;
}

static void
test_policies (void)
{
  static const struct
  {
    const char *host;
    gboolean is_local, is_extension;
    GwTransferWay none, internal, trunk, any;
  } rows[] = {
    { "", FALSE, FALSE, GW_TRANSFER_REFUSED, GW_TRANSFER_REFUSED, GW_TRANSFER_BY_TRUNK,
      GW_TRANSFER_BY_TRUNK },
    { "us", TRUE, FALSE, GW_TRANSFER_REFUSED, GW_TRANSFER_REFUSED, GW_TRANSFER_BY_TRUNK,
      GW_TRANSFER_BY_TRUNK },
    { "us", TRUE, TRUE, GW_TRANSFER_REFUSED, GW_TRANSFER_EXTENSION, GW_TRANSFER_EXTENSION,
      GW_TRANSFER_EXTENSION },
    { "2001:db8::1", FALSE, FALSE, GW_TRANSFER_REFUSED, GW_TRANSFER_REFUSED, GW_TRANSFER_BY_TRUNK,
      GW_TRANSFER_BY_TRUNK },
    { "example.org", FALSE, FALSE, GW_TRANSFER_REFUSED, GW_TRANSFER_REFUSED, GW_TRANSFER_REFUSED,
      GW_TRANSFER_BY_URI },
    { "example.org", FALSE, TRUE, GW_TRANSFER_REFUSED, GW_TRANSFER_REFUSED, GW_TRANSFER_REFUSED,
      GW_TRANSFER_BY_URI },
    { "127.0.0.1", FALSE, FALSE, GW_TRANSFER_REFUSED, GW_TRANSFER_REFUSED, GW_TRANSFER_REFUSED,
      GW_TRANSFER_BY_URI },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const CfgTransferPolicy policies[]
          = { CFG_TRANSFER_NONE, CFG_TRANSFER_INTERNAL, CFG_TRANSFER_TRUNK, CFG_TRANSFER_ANY };
      const GwTransferWay wanted[] = { rows[i].none, rows[i].internal, rows[i].trunk, rows[i].any };

      for (gsize p = 0; p < G_N_ELEMENTS (policies); p++)
        g_assert_cmpint (
            way (policies[p], CFG_TRUNK_BOTH, rows[i].host, rows[i].is_local, rows[i].is_extension), ==,
            wanted[p]);
    }
  /* numbers need somewhere to go */
  g_assert_cmpint (way (CFG_TRANSFER_ANY, CFG_TRUNK_INBOUND, "", FALSE, FALSE), ==, GW_TRANSFER_REFUSED);
  g_assert_cmpint (way (CFG_TRANSFER_ANY, CFG_TRUNK_INBOUND, "example.org", FALSE, FALSE), ==,
                   GW_TRANSFER_BY_URI);
}

/* Without a trunk nothing leaves the gateway, but for the demo from loopback to loopback. */
static void
test_without_trunk (void)
{
  static const struct
  {
    gboolean demo;
    const char *host;
    GwTransferWay wanted;
  } rows[] = {
    { TRUE, "127.0.0.1", GW_TRANSFER_BY_URI },   { TRUE, "localhost", GW_TRANSFER_BY_URI },
    { TRUE, "::1", GW_TRANSFER_BY_URI },         { TRUE, "127.example.org", GW_TRANSFER_REFUSED },
    { TRUE, "192.0.2.1", GW_TRANSFER_REFUSED },  { TRUE, "", GW_TRANSFER_REFUSED },
    { FALSE, "127.0.0.1", GW_TRANSFER_REFUSED }, { FALSE, "example.org", GW_TRANSFER_REFUSED },
  };
  const char *reason;

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const GwTransferFacts facts = { .is_demo_on_loopback = rows[i].demo,
                                      .user = "100",
                                      .host = rows[i].host,
                                      .is_tel = *rows[i].host == '\0' };
      g_assert_cmpint (gw_transfer_way (&facts, &reason), ==, rows[i].wanted);
    }
  const GwTransferFacts extension = { .user = "alice", .host = "us", .is_local = TRUE, .is_extension = TRUE };
  const GwTransferFacts room
      = { .user = "lobby", .host = "127.0.0.1", .is_local = TRUE, .is_demo_on_loopback = TRUE };
  g_assert_cmpint (gw_transfer_way (&extension, &reason), ==, GW_TRANSFER_EXTENSION);
  g_assert_cmpint (gw_transfer_way (&room, &reason), ==, GW_TRANSFER_REFUSED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/transfer/policies", test_policies);
  g_test_add_func ("/gateway/transfer/without_trunk", test_without_trunk);
  return g_test_run ();
}
