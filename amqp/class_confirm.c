/* confirm.select */
#include "amqp/channel.h"

void confirm_method(struct channel *ch, const struct method *m)
{
    struct method reply = {.id = METHOD_CONFIRM_SELECT_OK};

    if (m->id != METHOD_CONFIRM_SELECT) {
        channel_fail_unimplemented(ch, m->id);
        return;
    }
    if (ch->tx != NULL) {
        channel_fail_text(ch, m->id, REPLY_PRECONDITION_FAILED,
                          "cannot switch from tx to confirm mode");
        return;
    }
    if (!ch->is_confirming)
        publisher_confirm(channel_publisher(ch));
    ch->is_confirming = true;
    if (!m->confirm_select.no_wait)
        channel_write(ch, &reply);
}
