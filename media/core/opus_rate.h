/* How an Opus encoder follows the loss that its listener reports. */
#pragma once

#include <glib.h>

/** media_opus_loss_step: @loss (0.0-1.0) as one of few percentages for the encoder: 0 (clean), 5, 10, 20, 30.
 */
guint media_opus_loss_step (double loss);
/**
 * media_opus_bitrate:
 * @rate_hz: of the sound, 8000, 16000 or 48000
 * @fec: each packet carries the one before once more
 * @loss_percent: a step of media_opus_loss_step
 * @complexity: 0-10, of the encoder
 *
 * Bits per second. FEC is paid for with more bits, or speech would; a network that loses a fifth is full, and
 * gets fewer, as far as there still is FEC with them.
 */
guint media_opus_bitrate (guint rate_hz, gboolean fec, guint loss_percent, guint complexity);
