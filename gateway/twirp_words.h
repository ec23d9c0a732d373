/* What LiveKit's trunks and rules have in common, on the way to our words and back. Private to twirp_*.c. */
#pragma once

#include "gateway/twirp.h"

/* What a PIN looks like to who reads a rule. Written back, it stands for the PIN that there is. */
#define GW_TWIRP_HIDDEN "****"

/** gw_twirp_take_word: "SIP_TRANSPORT_UDP" with its prefix becomes "udp"; AUTO goes. */
void gw_twirp_take_word (json_t *object, const char *name, const char *prefix);
void gw_twirp_give_word (json_t *object, const char *name, const char *prefix);
void gw_twirp_rename_member (json_t *object, const char *from, const char *to);
/** gw_twirp_drop_empty: an empty text, list or map means: not given. */
void gw_twirp_drop_empty (json_t *object);
/** gw_twirp_drop_foreign: members that say nothing to us. */
void gw_twirp_drop_foreign (json_t *object);
/** gw_twirp_take_media: `media`, a SIPMediaConfig (nullable), becomes codecs and media_encryption, still as
 * LiveKit names it. FALSE with @error. */
gboolean gw_twirp_take_media (json_t *fields, GError **error);
/** gw_twirp_give_media: codecs become `media`. */
void gw_twirp_give_media (json_t *object);
/** gw_twirp_take_realm: `auth_realm`: FALSE with @error: it is another one than ours. */
gboolean gw_twirp_take_realm (const Gateway *gateway, json_t *fields, GError **error);
/** gw_twirp_name_it: LiveKit's names need not be there. */
void gw_twirp_name_it (json_t *object);
/** gw_twirp_take_duration: a Duration becomes whole seconds, at least one. */
void gw_twirp_take_duration (json_t *object, const char *name);
/** gw_twirp_replace_fields: those of @names that are missing go back to their defaults. Returns: @fields. */
json_t *gw_twirp_replace_fields (json_t *fields, const char *const *names);
/** gw_twirp_update_list: puts @update, a ListUpdate (nullable), to work on @before. (transfer full)
 * (nullable): NULL with @error, as LiveKit refuses it. */
json_t *gw_twirp_update_list (char *const *before, json_t *update, GError **error);
/** gw_twirp_check_action: an id, one of update and replace, and no other id in it. */
gboolean gw_twirp_check_action (json_t *in, const char *id_name, GError **error);
/** gw_twirp_check_new: @info names no id. */
gboolean gw_twirp_check_new (json_t *info, const char *id_name, GError **error);

/** gw_twirp_find_by: (transfer none) (nullable): the item of @list whose @key is @wanted. */
json_t *gw_twirp_find_by (json_t *list, const char *key, const char *wanted);
/** gw_twirp_lists_meet: one of @wanted is in @list; an empty one of either takes everything. */
gboolean gw_twirp_lists_meet (json_t *list, json_t *wanted);
/** gw_twirp_cut_page: Pagination: those after after_id, limit of them. @items: (transfer full) */
json_t *gw_twirp_cut_page (json_t *items, json_t *page, const char *key);
/** gw_twirp_pick: with ids, one item for each of them, an empty one for those that are not there. @items:
 * (transfer full) */
json_t *gw_twirp_pick (json_t *items, json_t *ids, const char *key);

/** gw_twirp_legacy_trunk: one of trunk.list as SIPTrunkInfo. (transfer full) */
json_t *gw_twirp_legacy_trunk (const Gateway *gateway, json_t *trunk);

/* twirp_rules.c, for the table in twirp_sip.c */
json_t *gw_twirp_create_rule (Gateway *gateway, json_t *in, GError **error);
json_t *gw_twirp_update_rule (Gateway *gateway, json_t *in, GError **error);
json_t *gw_twirp_delete_rule (Gateway *gateway, json_t *in, GError **error);
json_t *gw_twirp_answer_rule (Gateway *gateway, json_t *in, json_t *result, GError **error);
json_t *gw_twirp_answer_rules (Gateway *gateway, json_t *in, json_t *result, GError **error);
json_t *gw_twirp_answer_deleted_rule (Gateway *gateway, json_t *in, json_t *result, GError **error);
