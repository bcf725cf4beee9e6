/* How each kind of server is spoken to. Connection i is the user "i+1"; its room is "bench-" and the group's number. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned uid(const struct conn *c) {
    return c->index + 1;
}

static unsigned room(const struct conn *c) {
    return c->first / world.group_size;
}

static bool starts(const char *text, size_t length, const char *with) {
    size_t wanted = strlen(with);
    return length >= wanted && !memcmp(text, with, wanted);
}

static void ignore(struct conn *c) {
    (void)c;
}

/* plain: what the naive servers share, made as cheap to parse as can be.
 *   L uid room    → L                       login; the connection belongs to that room
 *   G room text   → the same frame to every member, the sender too
 *   P uid id text → the same frame to that user, and "A id" to the sender */

static void plain_target(char *out, const struct conn *c) {
    (void)c;
    strcpy(out, "/");
}

static void plain_opened(struct conn *c) {
    char text[64];
    send_text(c, text, (size_t)snprintf(text, sizeof text, "L %u bench-%u", uid(c), room(c)));
}

static void plain_other(struct conn *c, const char *text, size_t length) {
    if (starts(text, length, "L"))
        on_ready(c);
    else if (starts(text, length, "A "))
        on_ack(c);
}

static int plain_say(char *out, const struct conn *c, const char *content) {
    return snprintf(out, LONGEST, "G bench-%u %s", room(c), content);
}

static int plain_tell(char *out, const struct conn *c, const struct conn *to, const char *content) {
    return snprintf(out, LONGEST, "P %u %u %s", uid(to), c->sent, content);
}

const struct protocol plain = {"plain", 10, plain_target, plain_opened, plain_other, NULL, plain_say, plain_tell};

/* socketio: Socket.IO 5 in Engine.IO 4 over WebSocket. 0 open, 2 ping, 3 pong, 40 connect, 42 event, 43 ack. */

static void socketio_target(char *out, const struct conn *c) {
    (void)c;
    strcpy(out, "/socket.io/?EIO=4&transport=websocket");
}

static void socketio_other(struct conn *c, const char *text, size_t length) {
    char login[80];
    if (starts(text, length, "0{"))
        send_text(c, "40", 2);
    else if (starts(text, length, "40"))
        send_text(c, login, (size_t)snprintf(login, sizeof login, "42[\"login\",\"%u\",\"bench-%u\"]", uid(c), room(c)));
    else if (starts(text, length, "42[\"login\""))
        on_ready(c);
    else if (starts(text, length, "43"))
        on_ack(c);
    else if (starts(text, length, "2"))
        send_text(c, "3", 1);
}

static int socketio_say(char *out, const struct conn *c, const char *content) {
    return snprintf(out, LONGEST, "42[\"group\",\"bench-%u\",\"%s\"]", room(c), content);
}

static int socketio_tell(char *out, const struct conn *c, const struct conn *to, const char *content) {
    return snprintf(out, LONGEST, "42%u[\"pm\",\"%u\",\"%s\"]", c->sent, uid(to), content);
}

const struct protocol socketio = {
    "socketio", 14, socketio_target, ignore, socketio_other, NULL, socketio_say, socketio_tell};

/* chat: this project's. Tokens name the users; rooms are joined; messages are numbered in each conversation. */

static void chat_target(char *out, const struct conn *c) {
    if (c->index >= world.options.token_count)
        die("%u tokens are too few", world.options.token_count);
    snprintf(out, LONGEST / 2, "/chat/ws?token=%s", world.options.tokens[c->index]);
}

static bool is_type(const char *text, size_t length, const char *type) {
    char wanted[32];
    return memmem(text, length, wanted, (size_t)snprintf(wanted, sizeof wanted, "\"type\":\"%s\"", type));
}

/* The value of `"seq":`, 0 without one. It too stands nearly always where it stood before. */
static uint64_t seq_of(const char *text, size_t length) {
    static const char key[] = "\"seq\":";
    static size_t before;
    enum { KEY = sizeof key - 1 };
    if (before + KEY >= length || memcmp(text + before, key, KEY)) {
        const char *found = memmem(text, length, key, KEY);
        if (!found)
            return 0;
        before = (size_t)(found - text);
    }
    return strtoull(text + before + KEY, NULL, 10);
}

static void number(struct conn *c, uint64_t seq) {
    c->numbered++;
    if (seq > c->top)
        c->top = seq;
}

static void chat_delivered(struct conn *c, const char *text, size_t length) {
    uint64_t seq = seq_of(text, length);
    if (seq <= c->seq)
        world.faults.numbering++;
    c->seq = seq;
    number(c, seq);
}

static void chat_join(struct conn *c) {
    char text[80];
    send_text(c, text, (size_t)snprintf(text, sizeof text, "{\"type\":\"join\",\"id\":\"join\",\"gid\":\"bench-%u\"}", room(c)));
}

static void chat_ack(struct conn *c, const char *text, size_t length) {
    if (memmem(text, length, "\"id\":\"join\"", 11))
        return on_ready(c);
    number(c, seq_of(text, length));
    on_ack(c);
}

static void chat_error(const char *text, size_t length) {
    if (!world.faults.refused++)
        fprintf(stderr, "load: the server refused: %.*s\n", (int)length, text);
}

static void chat_other(struct conn *c, const char *text, size_t length) {
    static const char login[] = "{\"type\":\"login\"}";
    if (is_type(text, length, "ack"))
        chat_ack(c, text, length);
    else if (is_type(text, length, "error"))
        chat_error(text, length);
    else if (c->state == OPENING && is_type(text, length, "hello"))
        send_text(c, login, sizeof login - 1);
    else if (c->state == OPENING && is_type(text, length, "login"))
        world.in_rooms ? chat_join(c) : on_ready(c);
}

static int chat_say(char *out, const struct conn *c, const char *content) {
    return snprintf(out, LONGEST, "{\"type\":\"group\",\"gid\":\"bench-%u\",\"content\":\"%s\"}", room(c), content);
}

static int chat_tell(char *out, const struct conn *c, const struct conn *to, const char *content) {
    return snprintf(out, LONGEST, "{\"type\":\"pm\",\"id\":\"%u\",\"uid\":\"%u\",\"content\":\"%s\"}", c->sent, uid(to), content);
}

const struct protocol chat = {"chat", 114, chat_target, ignore, chat_other, chat_delivered, chat_say, chat_tell};
