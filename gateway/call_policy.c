/* What a call is willing to agree to (codecs, their order, encryption), and its SRTP keys. */
#include "gateway/call_private.h"

#include <string.h>

#include "config/base/ids.h"

/* ---- which setting holds ---- */

static SigSdpEncryption
encryption_of (const GwCall *call, CfgEncryption setting)
{
  switch (setting)
    {
    case CFG_ENCRYPTION_DISABLE:
      return SIG_SDP_ENCRYPT_DISABLE;
    case CFG_ENCRYPTION_ALLOW:
      return SIG_SDP_ENCRYPT_ALLOW;
    case CFG_ENCRYPTION_REQUIRE:
      return SIG_SDP_ENCRYPT_REQUIRE;
    case CFG_ENCRYPTION_UNSET:
    default:
      /* Who offers keys gets keys; nobody is offered any who does not refuse a plain call. */
      return call->v.inbound ? SIG_SDP_ENCRYPT_ACCEPT : SIG_SDP_ENCRYPT_DISABLE;
    }
}

static CfgEncryption
first_encryption (CfgEncryption a, CfgEncryption b, CfgEncryption c)
{
  return a != CFG_ENCRYPTION_UNSET ? a : b != CFG_ENCRYPTION_UNSET ? b : c;
}

static CfgCodecOrder
first_order (CfgCodecOrder a, CfgCodecOrder b, CfgCodecOrder c)
{
  return a != CFG_CODEC_ORDER_UNSET ? a : b != CFG_CODEC_ORDER_UNSET ? b : c;
}

void
gw_call_take_policy (GwCall *call, const CfgTrunkSettings *trunk, const CfgDispatchRuleSettings *rule,
                     CfgEncryption asked)
{
  const CfgMediaSettings *media = &call->gateway->settings->media;
  const CfgEncryption of_trunk = trunk != NULL ? trunk->media_encryption : CFG_ENCRYPTION_UNSET;
  CfgEncryption setting;
  const CfgCodecOrder order
      = first_order (rule != NULL ? rule->codec_order : CFG_CODEC_ORDER_UNSET,
                     trunk != NULL ? trunk->codec_order : CFG_CODEC_ORDER_UNSET, media->codec_order);

  if (rule != NULL && asked == CFG_ENCRYPTION_UNSET)
    asked = rule->media_encryption;
  setting = first_encryption (asked, of_trunk, media->encryption);
  call->v.encryption = (guint)encryption_of (call, setting);
  call->may_be_secure = !call->v.inbound && call->v.encryption != SIG_SDP_ENCRYPT_REQUIRE
                        && setting != CFG_ENCRYPTION_DISABLE;
  call->v.our_codec_order = order == CFG_CODEC_ORDER_OURS;
  call->v.dtmf = trunk != NULL && trunk->dtmf != CFG_DTMF_UNSET ? trunk->dtmf : media->dtmf;
  call->v.normalizes = trunk != NULL && trunk->normalize;
  if (call->v.dtmf == CFG_DTMF_UNSET)
    call->v.dtmf = CFG_DTMF_AUTO;
  if (call->v.codecs == NULL && rule != NULL && rule->codecs[0] != NULL)
    call->v.codecs = g_strdupv (rule->codecs);
  if (call->v.codecs == NULL && trunk != NULL && trunk->codecs[0] != NULL)
    call->v.codecs = g_strdupv (trunk->codecs);
}

/* The room's codecs in its order, of those that a trunk or rule has; theirs when nothing is left. */
void
gw_call_take_room_codecs (GwCall *call, const GwRoom *room)
{
  GPtrArray *both;

  if (room == NULL || room->codecs == NULL)
    return;
  both = g_ptr_array_new ();
  for (char **name = room->codecs; *name != NULL; name++)
    for (char **other = call->v.codecs; other == NULL || *other != NULL; other++)
      if (other == NULL || g_ascii_strcasecmp (*name, *other) == 0)
        {
          g_ptr_array_add (both, g_strdup (*name));
          break;
        }
  g_ptr_array_add (both, NULL);
  if (both->len == 1)
    {
      g_ptr_array_unref (both);
      return;
    }
  g_strfreev (call->v.codecs);
  call->v.codecs = (char **)g_ptr_array_free (both, FALSE);
  call->v.our_codec_order = TRUE;
}

SigSdpPolicy
gw_call_sdp_policy (const GwCall *call)
{
  return (SigSdpPolicy){
    .codecs
    = (const char *const *)(call->v.codecs != NULL ? call->v.codecs : call->gateway->settings->media.codecs),
    .prefer_offer_order = !call->v.our_codec_order,
    .telephone_event = call->v.dtmf == CFG_DTMF_AUTO || call->v.dtmf == CFG_DTMF_RFC4733,
    .comfort_noise = TRUE,
    .rtcp_mux = TRUE,
    .encryption = (SigSdpEncryption)call->v.encryption,
    .ptime_ms = 20,
    .direction = call->v.is_held ? SIG_SDP_SENDONLY : SIG_SDP_SENDRECV,
    .max_audio_sections = 1,
  };
}

gboolean
gw_encryption_parse (const char *word, CfgEncryption *encryption)
{
  static const struct
  {
    const char *word, *livekit;
    CfgEncryption encryption;
  } words[] = {
    { "disable", "SIP_MEDIA_ENCRYPT_DISABLE", CFG_ENCRYPTION_DISABLE },
    { "allow", "SIP_MEDIA_ENCRYPT_ALLOW", CFG_ENCRYPTION_ALLOW },
    { "require", "SIP_MEDIA_ENCRYPT_REQUIRE", CFG_ENCRYPTION_REQUIRE },
  };

  *encryption = CFG_ENCRYPTION_UNSET;
  if (word == NULL || *word == '\0')
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_ascii_strcasecmp (word, words[i].word) == 0 || g_ascii_strcasecmp (word, words[i].livekit) == 0)
      *encryption = words[i].encryption;
  return *encryption != CFG_ENCRYPTION_UNSET;
}

/* ---- keys ---- */

/* One of ours per suite, "SUITE KEY" in call->v.srtp_keys: made once, so that what is said again is the same.
 */
static void
ensure_keys (GwCall *call)
{
  g_autoptr (GPtrArray) list = NULL;
  gboolean is_offered;
  const char *suite;

  if (call->v.srtp_keys != NULL)
    return;
  list = g_ptr_array_new ();
  for (guint i = 0; (suite = sig_sdp_crypto_suite (i, &is_offered)) != NULL; i++)
    {
      MediaSrtpKeys keys;
      char *text;

      media_srtp_keys_generate (&keys, media_srtp_profile_parse (suite));
      text = media_srtp_keys_to_base64 (&keys);
      g_ptr_array_add (list, g_strconcat (suite, " ", text, NULL));
      explicit_bzero (text, strlen (text));
      g_free (text);
      media_srtp_keys_clear (&keys);
    }
  g_ptr_array_add (list, NULL);
  call->v.srtp_keys = (char **)g_ptr_array_steal (list, NULL);
}

static void
drop_keys (GwCall *call)
{
  for (char **text = call->v.srtp_keys; text != NULL && *text != NULL; text++)
    explicit_bzero (*text, strlen (*text));
  g_clear_pointer (&call->v.srtp_keys, g_strfreev);
}

/* @plan: (nullable) */
static const SigSdpPlanSection *
encrypted_section (const SigSdpPlan *plan)
{
  const SigSdpPlanSection *section = sig_sdp_plan_audio (plan);

  return section != NULL && section->encrypted ? section : NULL;
}

guint
gw_call_local_crypto (GwCall *call, SigSdpCrypto crypto[GW_CALL_MAX_SUITES])
{
  guint n = 0;

  if (call->v.encryption < SIG_SDP_ENCRYPT_ALLOW && encrypted_section (call->plan) == NULL)
    return 0;
  ensure_keys (call);
  for (char **text = call->v.srtp_keys; *text != NULL && n < GW_CALL_MAX_SUITES; text++, n++)
    {
      const char *space = strchr (*text, ' ');

      memset (&crypto[n], 0, sizeof crypto[n]);
      memcpy (crypto[n].suite, *text, MIN ((gsize)(space - *text), sizeof crypto[n].suite - 1));
      g_strlcpy (crypto[n].key, space + 1, sizeof crypto[n].key);
    }
  return n;
}

void
gw_call_follow_keys (GwCall *call, const SigSdpPlan *next, gboolean is_offer)
{
  const SigSdpPlanSection *was = encrypted_section (call->plan);
  const SigSdpPlanSection *is = encrypted_section (next);

  if (was == NULL)
    return;
  if (is == NULL)
    {
      drop_keys (call); /* a key whose counters are gone is not used again */
      return;
    }
  if (!is_offer
      || (strcmp (was->crypto.suite, is->crypto.suite) == 0 && strcmp (was->crypto.key, is->crypto.key) == 0))
    return;
  /* A peer with a new key may have forgotten where our counters stand. A new key of ours and a new stream let
   * it begin at zero, whichever way it counts. */
  drop_keys (call);
  for (guint i = 0; i < call->v.n_local; i++)
    do
      call->v.local[i].ssrc = cfg_random_u32 ();
    while (call->v.local[i].ssrc == 0);
}

void
gw_call_plan_srtp (GwCall *call, MediaPlan *media)
{
  const SigSdpPlanSection *section = encrypted_section (call->plan);
  SigSdpCrypto crypto[GW_CALL_MAX_SUITES];
  const SigSdpCrypto *ours = NULL;
  MediaSrtpProfile profile;
  guint n;

  if (section == NULL)
    return;
  profile = media_srtp_profile_parse (section->crypto.suite);
  n = gw_call_local_crypto (call, crypto);
  for (guint i = 0; i < n; i++)
    if (strcmp (crypto[i].suite, section->crypto.suite) == 0)
      ours = &crypto[i];
  /* The parser of SDP let only suites and lengths through that are known. */
  g_assert (ours != NULL);
  if (!media_srtp_keys_from_base64 (&media->srtp_local, profile, ours->key)
      || !media_srtp_keys_from_base64 (&media->srtp_remote, profile, section->crypto.key))
    g_assert_not_reached ();
  explicit_bzero (crypto, sizeof crypto);
}

void
gw_media_plan_clear_keys (MediaPlan *media)
{
  media_srtp_keys_clear (&media->srtp_local);
  media_srtp_keys_clear (&media->srtp_remote);
}
