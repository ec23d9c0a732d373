/* Big-endian loads and stores on octets of any alignment. Private to media/core. */
#pragma once

#include <glib.h>

static inline guint16
media_load_16 (const guint8 *data)
{
  return (guint16)((guint)data[0] << 8 | data[1]);
}

static inline guint32
media_load_32 (const guint8 *data)
{
  return (guint32)data[0] << 24 | (guint32)data[1] << 16 | (guint32)data[2] << 8 | data[3];
}

static inline void
media_store_16 (guint8 *data, guint16 value)
{
  data[0] = (guint8)(value >> 8);
  data[1] = (guint8)(value & 0xff);
}

static inline void
media_store_32 (guint8 *data, guint32 value)
{
  data[0] = (guint8)(value >> 24);
  data[1] = (guint8)(value >> 16 & 0xff);
  data[2] = (guint8)(value >> 8 & 0xff);
  data[3] = (guint8)(value & 0xff);
}
