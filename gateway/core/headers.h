/* Headers of SIP messages <-> attributes of participants, as LiveKit's trunks say it: headers_to_attributes,
 * attributes_to_headers, include_headers, and what providers send of their own. Pure. */
#pragma once

#include <glib.h>

#include "config/base/header.h"
#include "config/settings.h"

#define GW_HEADERS_MAX 64 /* of one message */

/**
 * gw_headers_to_attributes:
 * @trunk: (nullable)
 * @headers: of a message of the peer, in its order; valid UTF-8 without control characters
 * @attributes: char* -> char*, owned: what is there already stays unless a header says otherwise
 *
 * Names are compared without regard to case; a header that is there several times is one with ", " between
 * its values (RFC 3261 7.3.1), cut at GW_ATTRIBUTE_MAX_BYTES. Provider's headers go first, then sip.h.*
 * (lower case) by @include, then the trunk's map. Credentials never become attributes.
 */
void gw_headers_to_attributes (const CfgTrunkSettings *trunk, CfgIncludeHeaders include,
                               const CfgHeader *headers, gsize n_headers, GHashTable *attributes);

/**
 * gw_headers_merge:
 * @base: headers that are asked for, in their order
 * @attributes: (nullable): char* -> char*
 * @refused: (out) (optional) (nullable) (transfer none): a header whose attribute's value cannot be sent
 *
 * Returns: (transfer full): array of CfgHeader whose texts are those of @base, @trunk and @attributes: the
 * trunk's headers, then its attributes_to_headers where the attribute is there, then @base. The same name
 * again takes the place of the one before.
 */
GArray *gw_headers_merge (const CfgTrunkSettings *trunk, GHashTable *attributes, const CfgHeader *base,
                          gsize n_base, const char **refused) G_GNUC_WARN_UNUSED_RESULT;

/** gw_include_headers_parse: "x", "none", "all" or LiveKit's SIP_X_HEADERS ...; NULL and "": @otherwise.
 * Returns: FALSE for any other word. */
gboolean gw_include_headers_parse (const char *word, CfgIncludeHeaders otherwise, CfgIncludeHeaders *include);

/**
 * gw_trunk_number: whose number an outbound call of @trunk shows.
 * @turn: counts the calls of the trunk
 * @random: any number
 * Returns: (nullable) (transfer none): NULL: it has none; "*" (any) is none
 */
const char *gw_trunk_number (const CfgTrunkSettings *trunk, guint64 turn, guint32 random);
