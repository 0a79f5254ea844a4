/* zstd behind compress.h. Each thread keeps its packer and its unpacker: to make one, zstd asks the
 * processor what it can do, and a virtual machine stops for each such question. */
#include "log/compress.h"

#include <pthread.h>
#include <zstd.h>

#include "base/err.h"

static pthread_once_t keys_once = PTHREAD_ONCE_INIT;
static pthread_key_t packer_key, unpacker_key;

static void free_packer(void *packer)
{
    ZSTD_freeCCtx(packer);
}

static void free_unpacker(void *unpacker)
{
    ZSTD_freeDCtx(unpacker);
}

static void make_keys(void)
{
    ASSERT(pthread_key_create(&packer_key, free_packer) == 0);
    ASSERT(pthread_key_create(&unpacker_key, free_unpacker) == 0);
}

/* NULL when there is no memory. */
static ZSTD_CCtx *my_packer(void)
{
    ZSTD_CCtx *packer;

    (void)pthread_once(&keys_once, make_keys);
    packer = pthread_getspecific(packer_key);
    if (packer == NULL) {
        packer = ZSTD_createCCtx();
        (void)pthread_setspecific(packer_key, packer);
    }
    return packer;
}

static ZSTD_DCtx *my_unpacker(void)
{
    ZSTD_DCtx *unpacker;

    (void)pthread_once(&keys_once, make_keys);
    unpacker = pthread_getspecific(unpacker_key);
    if (unpacker == NULL) {
        unpacker = ZSTD_createDCtx();
        (void)pthread_setspecific(unpacker_key, unpacker);
    }
    return unpacker;
}

size_t compress_payload(int level, const uint8_t *from, size_t size, uint8_t *to, size_t capacity)
{
    ZSTD_CCtx *packer = my_packer();
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
    unpacker = my_unpacker();
    if (unpacker == NULL)
        return ERR_NO_MEMORY;
    n = ZSTD_decompressDCtx(unpacker, to, raw_size, from, size);
    return ZSTD_isError(n) || n != raw_size ? ERR_CORRUPT : 0;
}
