/* The table behind livekit.h: which messages of livekit.proto are sent by themselves. For livekit.c only. */
#pragma once

#include <glib.h>
#include <protobuf-c/protobuf-c.h>

/** sig_livekit_type: @name: of a message of livekit.proto that is in the table */
const ProtobufCMessageDescriptor *sig_livekit_type (const char *name);
