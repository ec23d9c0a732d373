#include "signaling/core/livekit_types.h"

#include <string.h>

#include "livekit.pb-c.h"

/* Every message that is sent by itself; those inside of others are found through these. */
static const ProtobufCMessageDescriptor *const types[] = {
  &livekit__create_room_request__descriptor,
  &livekit__create_sipdispatch_rule_request__descriptor,
  &livekit__create_sipinbound_trunk_request__descriptor,
  &livekit__create_sipoutbound_trunk_request__descriptor,
  &livekit__create_sipparticipant_request__descriptor,
  &livekit__delete_room_request__descriptor,
  &livekit__delete_sipdispatch_rule_request__descriptor,
  &livekit__delete_siptrunk_request__descriptor,
  &livekit__empty__descriptor,
  &livekit__get_sipinbound_trunk_request__descriptor,
  &livekit__get_sipinbound_trunk_response__descriptor,
  &livekit__get_sipoutbound_trunk_request__descriptor,
  &livekit__get_sipoutbound_trunk_response__descriptor,
  &livekit__list_participants_request__descriptor,
  &livekit__list_participants_response__descriptor,
  &livekit__list_rooms_request__descriptor,
  &livekit__list_rooms_response__descriptor,
  &livekit__list_sipdispatch_rule_request__descriptor,
  &livekit__list_sipdispatch_rule_response__descriptor,
  &livekit__list_sipinbound_trunk_request__descriptor,
  &livekit__list_sipinbound_trunk_response__descriptor,
  &livekit__list_sipoutbound_trunk_request__descriptor,
  &livekit__list_sipoutbound_trunk_response__descriptor,
  &livekit__list_siptrunk_request__descriptor,
  &livekit__list_siptrunk_response__descriptor,
  &livekit__move_participant_request__descriptor,
  &livekit__mute_room_track_request__descriptor,
  &livekit__mute_room_track_response__descriptor,
  &livekit__participant_info__descriptor,
  &livekit__room__descriptor,
  &livekit__room_participant_identity__descriptor,
  &livekit__send_data_request__descriptor,
  &livekit__sipdispatch_rule_info__descriptor,
  &livekit__sipinbound_trunk_info__descriptor,
  &livekit__sipoutbound_trunk_info__descriptor,
  &livekit__sipparticipant_info__descriptor,
  &livekit__siptrunk_info__descriptor,
  &livekit__transfer_sipparticipant_request__descriptor,
  &livekit__update_participant_request__descriptor,
  &livekit__update_room_metadata_request__descriptor,
  &livekit__update_sipdispatch_rule_request__descriptor,
  &livekit__update_sipinbound_trunk_request__descriptor,
  &livekit__update_sipoutbound_trunk_request__descriptor,
  &livekit__webhook_event__descriptor,
};

const ProtobufCMessageDescriptor *
sig_livekit_type (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (strcmp (types[i]->short_name, name) == 0)
      return types[i];
  g_assert_not_reached (); /* the caller's names are fixed */
}
