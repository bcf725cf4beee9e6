/* The floor: a chat server that does nothing but send. It speaks the protocol of the plain peers (bench/load/protocols.c),
 * one epoll, one thread, and shows what the kernel and the load generator themselves cost.
 *
 *   floor PORT         one send for each delivery
 *   floor PORT joined  frames that arrive in one epoll round are joined for each room, then sent once to each member
 *
 * It is no server for the world: it answers only to the load generator's key, and takes only small text frames. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { USERS = 65536, ROOMS = 65536, CHUNK = 64 * 1024, EVENTS = 512 };

static const char UPGRADE[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

struct bytes {
    char *data;
    size_t used, room;
};

struct room;

struct conn {
    int fd;
    bool upgraded, stuck, closed;
    struct bytes in, out;
    struct room *in_room;
    struct conn *next_closed;
};

struct room {
    struct conn **members;
    uint32_t count;
    struct bytes joined; /* what this round has for the members */
    struct room *next_joined;
};

static struct conn *users[USERS];
static struct room rooms[ROOMS], *joined_rooms;
static struct conn *closed_conns;
static bool joining;
static int epoll;
static char chunk[CHUNK];

static void keep(struct bytes *buffer, const char *data, size_t length) {
    if (buffer->used + length > buffer->room) {
        buffer->room = 2 * (buffer->used + length);
        buffer->data = realloc(buffer->data, buffer->room);
        if (!buffer->data)
            abort();
    }
    memcpy(buffer->data + buffer->used, data, length);
    buffer->used += length;
}

/* A connection with nothing in hand holds no buffer: idle ones should cost what the kernel makes them cost. */
static void let_go(struct bytes *buffer) {
    free(buffer->data);
    *buffer = (struct bytes){0};
}

static void watch(struct conn *c, int operation) {
    struct epoll_event event = {.events = EPOLLIN | (c->stuck ? EPOLLOUT : 0u), .data.ptr = c};
    epoll_ctl(epoll, operation, c->fd, &event);
}

/* Freed at the end of the round: other events of the round may still name it. */
static void leave(struct conn *c) {
    struct room *room = c->in_room;
    if (c->closed)
        return;
    for (uint32_t i = 0; room && i < room->count; i++)
        if (room->members[i] == c)
            room->members[i] = room->members[--room->count];
    for (size_t i = 0; room && i < USERS; i++)
        if (users[i] == c)
            users[i] = NULL;
    c->closed = true;
    c->next_closed = closed_conns;
    closed_conns = c;
}

static void put(struct conn *c, const char *data, size_t length) {
    ssize_t taken = c->stuck ? 0 : send(c->fd, data, length, MSG_NOSIGNAL);
    if (taken < 0)
        taken = 0; /* a dead connection is found by the next read */
    if ((size_t)taken == length)
        return;
    keep(&c->out, data + taken, length - (size_t)taken);
    if (!c->stuck) {
        c->stuck = true;
        watch(c, EPOLL_CTL_MOD);
    }
}

static void flush(struct conn *c) {
    ssize_t taken = send(c->fd, c->out.data, c->out.used, MSG_NOSIGNAL);
    if (taken < 0)
        return;
    c->out.used -= (size_t)taken;
    memmove(c->out.data, c->out.data + taken, c->out.used);
    if (c->out.used)
        return;
    let_go(&c->out);
    c->stuck = false;
    watch(c, EPOLL_CTL_MOD);
}

static size_t frame_of(char *frame, const char *text, size_t length) {
    size_t head = 2;
    frame[0] = (char)0x81;
    frame[1] = (char)length;
    if (length > 125) {
        frame[1] = 126;
        frame[2] = (char)(length >> 8);
        frame[3] = (char)length;
        head = 4;
    }
    memcpy(frame + head, text, length);
    return head + length;
}

static void send_to_all(struct room *room, const char *data, size_t length) {
    for (uint32_t i = 0; i < room->count; i++)
        put(room->members[i], data, length);
}

static void join_later(struct room *room, const char *frame, size_t length) {
    if (!room->joined.used) {
        room->next_joined = joined_rooms;
        joined_rooms = room;
    }
    keep(&room->joined, frame, length);
}

static void send_joined(void) {
    for (; joined_rooms; joined_rooms = joined_rooms->next_joined) {
        send_to_all(joined_rooms, joined_rooms->joined.data, joined_rooms->joined.used);
        joined_rooms->joined.used = 0;
    }
}

static void login(struct conn *c, const char *text) {
    unsigned user, number;
    if (c->in_room || sscanf(text, "L %u bench-%u", &user, &number) != 2 || user >= USERS || number >= ROOMS)
        return;
    struct room *room = c->in_room = &rooms[number];
    if (!(room->count & (room->count - 1)))
        room->members = realloc(room->members, (room->count ? 2 * room->count : 1) * sizeof *room->members);
    room->members[room->count++] = c;
    users[user] = c;
    put(c, "\x81\x01L", 3);
}

static void private_message(struct conn *c, const char *text, const char *frame, size_t length) {
    unsigned user, id;
    char ack[32], ack_frame[40];
    if (sscanf(text, "P %u %u", &user, &id) != 2 || user >= USERS)
        return;
    if (users[user])
        put(users[user], frame, length);
    size_t size = (size_t)snprintf(ack, sizeof ack, "A %u", id);
    put(c, ack_frame, frame_of(ack_frame, ack, size));
}

static void take_text(struct conn *c, const char *text, size_t length) {
    char frame[CHUNK];
    size_t size = frame_of(frame, text, length);
    if (text[0] == 'L')
        login(c, text);
    else if (text[0] == 'P')
        private_message(c, text, frame, size);
    else if (text[0] == 'G' && c->in_room)
        joining ? join_later(c->in_room, frame, size) : send_to_all(c->in_room, frame, size);
}

/* Takes every whole frame; returns the bytes taken. */
static size_t take_frames(struct conn *c, uint8_t *data, size_t length) {
    size_t used = 0;
    while (length - used >= 8) {
        uint8_t *at = data + used, *mask;
        size_t size = at[1] & 127, head = 2;
        if (size == 126) {
            size = (size_t)at[2] << 8 | at[3];
            head = 4;
        }
        if (length - used < head + 4 + size)
            break;
        if (at[0] != 0x81 || size > 4096) {
            leave(c);
            return length;
        }
        mask = at + head;
        char text[4097];
        for (size_t i = 0; i < size; i++)
            text[i] = (char)(mask[4 + i] ^ mask[i % 4]);
        text[size] = 0;
        take_text(c, text, size);
        used += head + 4 + size;
    }
    return used;
}

static size_t take_upgrade(struct conn *c, const char *data, size_t length) {
    const char *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end)
        return 0;
    c->upgraded = true;
    put(c, UPGRADE, sizeof UPGRADE - 1);
    return (size_t)(end - data) + 4;
}

static void take(struct conn *c) {
    size_t length = c->in.used, used = 0;
    memcpy(chunk, length ? c->in.data : "", length);
    ssize_t got = recv(c->fd, chunk + length, CHUNK - length, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        return leave(c);
    length += (size_t)got;
    if (!c->upgraded)
        used = take_upgrade(c, chunk, length);
    if (c->upgraded)
        used += take_frames(c, (uint8_t *)chunk + used, length - used);
    c->in.used = 0;
    used < length ? keep(&c->in, chunk + used, length - used) : let_go(&c->in);
}

static void welcome(int listener) {
    int on = 1, fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct conn *c = calloc(1, sizeof *c);
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(c, EPOLL_CTL_ADD);
    }
}

static void bury(void) {
    while (closed_conns) {
        struct conn *c = closed_conns;
        closed_conns = c->next_closed;
        close(c->fd);
        let_go(&c->in);
        let_go(&c->out);
        free(c);
    }
}

static int listen_on(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("floor");
        exit(1);
    }
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    return listener;
}

static void raise_file_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv) {
    struct epoll_event events[EVENTS];
    if (argc < 2)
        return 2;
    joining = argc > 2 && !strcmp(argv[2], "joined");
    raise_file_limit();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on((uint16_t)atoi(argv[1]));
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct conn *c = events[i].data.ptr;
            if (!c)
                welcome(listener);
            else if (!c->closed && events[i].events & EPOLLOUT)
                flush(c);
            if (c && !c->closed && events[i].events & ~(uint32_t)EPOLLOUT)
                take(c);
        }
        send_joined();
        bury();
    }
}
