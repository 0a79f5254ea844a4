/* Keys that a rabbitmq.conf may have and that no table of ours has. */
#ifndef CONF_FOREIGN_KEYS_H
#define CONF_FOREIGN_KEYS_H

enum foreign_fate {
    FOREIGN_UNKNOWN,    /* not in the list */
    FOREIGN_LATER,      /* will mean here what it means there; a row goes when its setting comes */
    FOREIGN_NO_MEANING, /* is about machinery that we do not have */
};

/* A key, by words. In place of a word, "N" stands for a number and "*" for anything; at the end,
 * "*" stands for one word or more. */
struct foreign_key {
    const char *pattern;
    enum foreign_fate fate;
};

/* Ended by a row without a pattern. */
extern const struct foreign_key foreign_keys[];

/* What becomes of this key. */
enum foreign_fate foreign_key_fate(const char *key);

#endif
