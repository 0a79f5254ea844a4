/* Hashes of passwords, as RabbitMQ exports them: base64(salt[4] + H(salt + password)).
 *
 * Plain functions; any thread. */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>

#include "auth/auth.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"

/* Whether the text can be the hash of a password. ERR_INVALID with a note. */
MUST_USE int password_hash_check(struct bytes hash, enum auth_hash hashing, struct err_note *note);

/* Whether the hash is that of the password; takes the same time either way. */
bool password_matches(struct bytes hash, enum auth_hash hashing, struct bytes password);

#endif
