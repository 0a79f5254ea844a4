/* zstd behind compress.h. Each thread keeps its packer and its unpacker: to make one, zstd asks the
 * processor what it can do, and a virtual machine stops for each such question. */
#include "log/compress.h"

#include <pthread.h>
#include <zstd.h>

#include "base/err.h"

/* What each thread has one of. */
struct tool {
    pthread_key_t key;
    void *(*make)(void);
    void (*end)(void *one);
};

static void *make_packer(void)
{
    return ZSTD_createCCtx();
}

static void end_packer(void *packer)
{
    ZSTD_freeCCtx(packer);
}

static void *make_unpacker(void)
{
    return ZSTD_createDCtx();
}

static void end_unpacker(void *unpacker)
{
    ZSTD_freeDCtx(unpacker);
}

static pthread_once_t keys_once = PTHREAD_ONCE_INIT;
static struct tool packers = {.make = make_packer, .end = end_packer};
static struct tool unpackers = {.make = make_unpacker, .end = end_unpacker};

static void make_keys(void)
{
    ASSERT(pthread_key_create(&packers.key, packers.end) == 0);
    ASSERT(pthread_key_create(&unpackers.key, unpackers.end) == 0);
}

/* This thread's one, made when it is needed first; NULL when there is no memory. */
static void *mine(struct tool *t)
{
    void *one;

    (void)pthread_once(&keys_once, make_keys);
    one = pthread_getspecific(t->key);
    if (LIKELY(one != NULL))
        return one;
    one = t->make();
    if (one != NULL && pthread_setspecific(t->key, one) != 0) {
        t->end(one);
        return NULL;
    }
    return one;
}

size_t compress_payload(int level, const uint8_t *from, size_t size, uint8_t *to, size_t capacity)
{
    ZSTD_CCtx *packer = mine(&packers);
    size_t n;

    ASSERT(level > 0);
    if (packer == NULL)
        return 0;
    n = ZSTD_compressCCtx(packer, to, capacity, from, size, level);
    return ZSTD_isError(n) || n >= size ? 0 : n;
}

int decompress_payload(const uint8_t *from, size_t size, uint8_t *to, size_t raw_size)
{
    unsigned long long claimed = ZSTD_getFrameContentSize(from, size);
    ZSTD_DCtx *unpacker;
    size_t n;

    if (claimed != raw_size || ZSTD_findFrameCompressedSize(from, size) != size)
        return ERR_CORRUPT;
    unpacker = mine(&unpackers);
    if (unpacker == NULL)
        return ERR_NO_MEMORY;
    n = ZSTD_decompressDCtx(unpacker, to, raw_size, from, size);
    return ZSTD_isError(n) || n != raw_size ? ERR_CORRUPT : 0;
}
