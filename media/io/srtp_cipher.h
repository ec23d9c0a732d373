/* The cryptography of SRTP: session keys of one direction and one kind of packet (RTP or RTCP), derived from
 * the master key (RFC 3711 4.3), and what encrypts, decrypts and authenticates one packet with them. For
 * srtp.c.
 *
 * AES comes from OpenSSL's EVP. AES-CM is made of single AES blocks (so that nothing is set up per packet),
 * its HMAC-SHA1 of the two precomputed SHA-1 states; both stay cheap with a thousand sessions in turn. */
#pragma once

#include <glib.h>

#include "media/io/srtp.h"

typedef struct _MediaSrtpCipher MediaSrtpCipher;

typedef enum
{
  MEDIA_SRTP_RTP,
  MEDIA_SRTP_RTCP,
} MediaSrtpKind;

/* A packet as the cipher sees it. For CM profiles the authenticated part is header, body, suffix; for GCM
 * header and suffix are the additional data. The tag follows the body. */
typedef struct
{
  guint32 ssrc;
  guint64 index; /* RTP: rollover << 16 | sequence; RTCP: 31 bits */
  const guint8 *header;
  gsize header_length;
  guint8 *body; /* right behind the header */
  gsize body_length;
  guint8 suffix[4]; /* RTP: the rollover counter (CM only); RTCP: E flag and index */
} MediaSrtpPacket;

/** media_srtp_cipher_new: Returns: (transfer full): NULL when OpenSSL lacks the algorithm. */
MediaSrtpCipher *media_srtp_cipher_new (const MediaSrtpKeys *keys, MediaSrtpKind kind,
                                        gboolean encrypts) G_GNUC_WARN_UNUSED_RESULT;
void media_srtp_cipher_free (MediaSrtpCipher *cipher);

/** media_srtp_cipher_expect: what a packet will need. */
void media_srtp_cipher_expect (const MediaSrtpCipher *cipher, MediaTrail *trail);
/** media_srtp_cipher_tag_length: 4, 10 or 16. */
gsize media_srtp_cipher_tag_length (const MediaSrtpCipher *cipher);
gboolean media_srtp_cipher_is_aead (const MediaSrtpCipher *cipher);

/** media_srtp_cipher_seal: encrypts the body in place and writes the tag to @tag. Returns: FALSE when OpenSSL
 * fails. */
gboolean media_srtp_cipher_seal (MediaSrtpCipher *cipher, const MediaSrtpPacket *packet,
                                 guint8 *tag) G_GNUC_WARN_UNUSED_RESULT;
/** media_srtp_cipher_open: checks @tag and decrypts the body in place. Returns: FALSE when it is not
 * authentic; the body is garbage then. */
gboolean media_srtp_cipher_open (MediaSrtpCipher *cipher, const MediaSrtpPacket *packet,
                                 const guint8 *tag) G_GNUC_WARN_UNUSED_RESULT;
